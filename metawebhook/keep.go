package metawebhook

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"carillon/database"
	"carillon/uid"
)

// keepFor is how long payloads are kept: an operator looks within a month, and Meta repeats for a
// week.
const keepFor = 30 * 24 * time.Hour

// keptBytes counts what this process has kept since it last looked whether that is too much.
type keptBytes struct{ since atomic.Int64 }

// drop counts what is told of a closed organization, in one row without a payload.
func (h *Handler) drop(ctx context.Context) error {
	return h.keep(ctx, verdict{reason: OrganizationClosed}, nil)
}

// keep stores a payload as it came, once, if the verdict says so; Meta's repetitions of it are
// counted, and have the last reason.
func (h *Handler) keep(ctx context.Context, v verdict, body []byte) error {
	if v.reason == "" {
		return nil
	}

	sum := sha256.Sum256(body)
	if body == nil {
		body, sum = []byte{}, sha256.Sum256([]byte(v.reason))
	}

	now := h.Now()
	err := h.DB.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO unmatched_webhook (id, reason, detail, body, body_hash, seen,
			received_at, retry_at, waits_for)
			VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
			ON CONFLICT (body_hash) DO UPDATE SET seen = unmatched_webhook.seen + 1, reason = excluded.reason,
			detail = excluded.detail,
				retry_at = excluded.retry_at, waits_for = excluded.waits_for`,
			uid.New(uid.UnmatchedWebhook), v.reason, v.detail, body, sum[:], now, v.retryAt(now, now), v.waitsFor())

		return err
	})
	if err != nil {
		return fmt.Errorf("keep a webhook: %w", err)
	}
	// The sweep trims every few seconds. A flood must not outrun it.
	if h.kept.since.Add(int64(len(body))) > h.options.KeptBytes/16 {
		return h.Trim(ctx)
	}

	return nil
}

// Trim deletes what was kept for too long, and the oldest of what is too much, in rows or in bytes.
func (h *Handler) Trim(ctx context.Context) error {
	h.kept.since.Store(0)
	for _, bound := range []struct {
		name, query string
		arg         any
	}{
		{"age", "received_at < $1", h.Now().Add(-keepFor)},
		{"rows", "id <= (SELECT id FROM unmatched_webhook ORDER BY id DESC LIMIT 1 OFFSET $1)", h.options.KeptRows},
		{"bytes", `id <= (SELECT id FROM (SELECT id, sum(length(body)) OVER (ORDER BY id DESC) AS bytes
			FROM unmatched_webhook) AS kept
			WHERE bytes > $1 ORDER BY id DESC LIMIT 1)`, h.options.KeptBytes},
	} {
		var deleted int64
		err := h.DB.InTx(ctx, func(tx *database.Tx) error {
			result, err := tx.ExecContext(ctx, "DELETE FROM unmatched_webhook WHERE "+bound.query, bound.arg)
			if err != nil {
				return err
			}

			deleted, err = result.RowsAffected()

			return err
		})
		if err != nil {
			return fmt.Errorf("trim kept webhooks by %s: %w", bound.name, err)
		}

		h.metrics.trimmed.WithLabelValues(bound.name).Add(float64(deleted))
	}

	return nil
}
