package webhook

import "context"

// TrimTo is Trim with a bound that a test can reach.
func TrimTo(ctx context.Context, h *Handler, most int) error { return h.trim(ctx, most) }
