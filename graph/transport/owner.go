package transport

import (
	"context"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// retrySeconds is how long a client that met a full house is asked to wait.
const retrySeconds = 5

// count counts a connection to its owner, until release is called; more than MaxPerOwner are
// refused.
func (h *Handler) count(ctx context.Context) (release func(), full *gqlerror.Error) {
	limit := h.options.Websocket.MaxPerOwner
	if limit == 0 {
		return func() {}, nil
	}

	owner := h.options.Owner(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()

	if h.owned[owner] >= limit {
		full = codedError(codeRateLimited,
			"there are %d connections already, which is the limit here: close some, or use one for more subscriptions", limit)
		full.Extensions["retryAfterSeconds"] = retrySeconds
		return nil, full
	}

	h.owned[owner]++

	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.owned[owner]--; h.owned[owner] == 0 {
			delete(h.owned, owner)
		}
	}, nil
}

// refusedFull is count's refusal of an event stream.
func refusedFull(full *gqlerror.Error) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: codeRateLimited, message: full.Message,
		extensions: full.Extensions}
}
