package webhook

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
)

const (
	// keepFor and keepAtMost bound what is kept: an operator looks within a month, and what fills a table is repetition.
	keepFor    = 30 * 24 * time.Hour
	keepAtMost = 10_000
)

// Trim deletes what was kept for too long, and the oldest of what is too much.
func (h *Handler) Trim(ctx context.Context) error { return h.trim(ctx, keepAtMost) }

func (h *Handler) trim(ctx context.Context, most int) error {
	err := h.DB.InTx(ctx, func(tx *database.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM unmatched_webhook WHERE received_at < $1", h.Now().Add(-keepFor)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM unmatched_webhook WHERE id <= (SELECT id FROM unmatched_webhook ORDER BY id DESC LIMIT 1 OFFSET $1)", most)
		return err
	})
	if err != nil {
		return fmt.Errorf("trim kept webhooks: %w", err)
	}
	return nil
}
