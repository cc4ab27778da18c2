package webhook

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/unmatchedwebhook"
	"carillon/uid"
)

// pageOfKept is how many kept payloads are read at once. One may have 4 MB.
const pageOfKept = 16

// Replayed says what came of processing kept payloads again.
type Replayed struct{ Matched, Kept, Failed int }

// Replay processes each kept payload again, the oldest first, and deletes those of which everything is understood and matched
// now. The others stay as they are, as does one whose processing fails.
func (h *Handler) Replay(ctx context.Context) (done Replayed, err error) {
	last := uid.ID{}
	for {
		query := h.DB.Client.UnmatchedWebhook.Query().Where(unmatchedwebhook.ReasonNEQ(OrganizationClosed)).Order(unmatchedwebhook.ByID()).Limit(pageOfKept)
		if !last.IsZero() {
			query.Where(unmatchedwebhook.IDGT(last))
		}
		rows, err := query.All(ctx)
		if err != nil || len(rows) == 0 {
			return done, err
		}
		for _, row := range rows {
			last = row.ID
			if err := h.replay(ctx, row, &done); err != nil {
				return done, err
			}
		}
	}
}

func (h *Handler) replay(ctx context.Context, row *ent.UnmatchedWebhook, done *Replayed) error {
	reason, err := h.apply(ctx, row.Body)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		done.Failed++
		h.Log.Error("a kept webhook could not be committed", "id", row.ID, "bytes", len(row.Body), "error", err)
		return nil
	case reason != "":
		done.Kept++
		return nil
	}
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM unmatched_webhook WHERE id = $1", row.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete webhook %s: %w", row.ID, err)
	}
	done.Matched++
	return nil
}

// Unmatched is how many payloads were kept for one reason.
type Unmatched struct {
	Reason         string
	Payloads, Seen int // Seen counts Meta's repetitions too
	Oldest, Newest time.Time
}

// Unmatched counts what is kept, by reason.
func (h *Handler) Unmatched(ctx context.Context) ([]Unmatched, error) {
	rows, err := h.DB.Query(ctx, "SELECT reason, seen, received_at FROM unmatched_webhook ORDER BY reason")
	if err != nil {
		return nil, fmt.Errorf("count kept webhooks: %w", err)
	}
	defer rows.Close()
	var out []Unmatched
	for rows.Next() {
		var reason string
		var seen int
		var at time.Time
		if err := rows.Scan(&reason, &seen, &at); err != nil {
			return nil, fmt.Errorf("count kept webhooks: %w", err)
		}
		if len(out) == 0 || out[len(out)-1].Reason != reason {
			out = append(out, Unmatched{Reason: reason, Oldest: at, Newest: at})
		}
		u := &out[len(out)-1]
		u.Payloads++
		u.Seen += seen
		if at.Before(u.Oldest) {
			u.Oldest = at
		}
		if at.After(u.Newest) {
			u.Newest = at
		}
	}
	return out, rows.Err()
}
