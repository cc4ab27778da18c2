package metawebhook

import (
	"net/http"

	"carillon/whatsapp"
)

// BodyBytes is how much memory bodies take now.
func BodyBytes(h *Handler) int64 { return h.bodies.inUse() }

// ReadBody reads a request's body as the handler does, gives it to do, and releases it.
func ReadBody(h *Handler, r *http.Request, signature *whatsapp.Verifier, do func([]byte)) error {
	b := &body{room: h.bodies}
	defer b.release()
	if err := b.read(r, signature); err != nil {
		return err
	}

	do(b.bytes)

	return nil
}
