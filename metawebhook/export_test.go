package metawebhook

// BodyBytes is how much memory bodies take now.
func BodyBytes(h *Handler) int64 { return h.bodies.inUse() }
