package metawebhook

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

// Replay processes each kept payload again, the oldest first, and deletes those of which everything
// is understood and matched now. The others stay, with the reason of today, as does one whose
// processing fails.
func (h *Handler) Replay(ctx context.Context) (done Replayed, err error) {
	last := uid.ID{}
	for {
		query := h.DB.Client.UnmatchedWebhook.Query().Where(unmatchedwebhook.ReasonNotIn(OrganizationClosed, PersonErased)).
			Order(unmatchedwebhook.ByID()).Limit(pageOfKept)
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

const (
	// A payload about which WhatsApp could not be asked is tried again after a minute, and then each
	// time it has got twice as old, at least every hour.
	firstRetry   = time.Minute
	longestRetry = time.Hour

	// retryTimeout bounds a step of the sweep, which has other things to do.
	retryTimeout = 5 * time.Second
)

// retryAt is when a payload that came at that time is tried again by itself; nil is never.
func (v verdict) retryAt(came, now time.Time) *time.Time {
	if !v.again {
		return nil
	}

	at := now.Add(min(max(now.Sub(came), firstRetry), longestRetry))
	return &at
}

// waitsFor is nil for a payload that waits for no message.
func (v verdict) waitsFor() *string {
	if v.waits == "" {
		return nil
	}
	return &v.waits
}

// awaited processes the payloads again that wait for messages which have just come. Where it fails,
// Retry finds them.
func (h *Handler) awaited(ctx context.Context, wamids ...string) {
	if len(wamids) == 0 {
		return
	}

	rows, err := h.DB.Client.UnmatchedWebhook.Query().Where(unmatchedwebhook.WaitsForIn(wamids...)).
		Order(unmatchedwebhook.ByID()).Limit(pageOfKept).All(ctx)
	for i := 0; err == nil && i < len(rows); i++ {
		err = h.replay(ctx, rows[i], &Replayed{})
	}

	if err != nil {
		h.Log.WarnContext(ctx, "what changes a message that has just come waits for the sweep", "error", err)
	}
}

// Retry processes one payload that is due to be tried again.
func (h *Handler) Retry(ctx context.Context) error {
	row, err := h.DB.Client.UnmatchedWebhook.Query().Where(unmatchedwebhook.RetryAtLTE(h.Now())).
		Order(unmatchedwebhook.ByRetryAt()).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a webhook to try again: %w", err)
	}

	within, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()

	if err := h.replay(within, row, &Replayed{}); err != nil && ctx.Err() == nil && within.Err() != nil {
		// it took too long
		return h.verdictOf(ctx, row, verdict{reason: row.Reason, detail: orEmpty(row.Detail), again: true,
			waits: orEmpty(row.WaitsFor)})
	} else if err != nil {
		return err
	}

	return nil
}

func (h *Handler) replay(ctx context.Context, row *ent.UnmatchedWebhook, done *Replayed) error {
	v, err := h.apply(ctx, row.Body, row.ReceivedAt)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		done.Failed++
		h.Log.Error("a kept webhook could not be committed", "id", row.ID, "bytes", len(row.Body), "error", err)
		return nil
	case v.reason != "":
		done.Kept++
		return h.verdictOf(ctx, row, v)
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

// verdictOf writes down why a payload stays.
func (h *Handler) verdictOf(ctx context.Context, row *ent.UnmatchedWebhook, v verdict) error {
	retry := v.retryAt(row.ReceivedAt, h.Now())
	if row.Reason == v.reason && orEmpty(row.Detail) == v.detail && retry == nil && row.RetryAt == nil &&
		orEmpty(row.WaitsFor) == v.waits {
		return nil
	}

	err := h.DB.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx,
			"UPDATE unmatched_webhook SET reason = $2, detail = $3, retry_at = $4, waits_for = $5 WHERE id = $1", row.ID,
			v.reason, v.detail, retry, v.waitsFor())
		return err
	})
	if err != nil {
		return fmt.Errorf("note why webhook %s stays: %w", row.ID, err)
	}

	return nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Unmatched is how many payloads were kept for one reason.
type Unmatched struct {
	Reason         string
	Detail         string // what it is about, where that is known
	Payloads, Seen int    // Seen counts Meta's repetitions too
	Bytes          int
	Oldest, Newest time.Time
}

// Unmatched counts what is kept, by reason and detail.
func (h *Handler) Unmatched(ctx context.Context) ([]Unmatched, error) {
	rows, err := h.DB.Query(ctx,
		"SELECT reason, coalesce(detail, ''), seen, length(body), received_at FROM unmatched_webhook ORDER BY 1, 2")
	if err != nil {
		return nil, fmt.Errorf("count kept webhooks: %w", err)
	}

	defer rows.Close()
	var out []Unmatched

	for rows.Next() {
		var u Unmatched
		if err := rows.Scan(&u.Reason, &u.Detail, &u.Seen, &u.Bytes, &u.Oldest); err != nil {
			return nil, fmt.Errorf("count kept webhooks: %w", err)
		}

		u.Newest = u.Oldest
		if n := len(out); n > 0 && out[n-1].Reason == u.Reason && out[n-1].Detail == u.Detail {
			out[n-1].add(u)
		} else {
			u.Payloads = 1
			out = append(out, u)
		}
	}

	return out, rows.Err()
}

// add counts one more payload.
func (u *Unmatched) add(one Unmatched) {
	u.Payloads++
	u.Seen += one.Seen
	u.Bytes += one.Bytes
	if one.Oldest.Before(u.Oldest) {
		u.Oldest = one.Oldest
	}
	if one.Newest.After(u.Newest) {
		u.Newest = one.Newest
	}
}
