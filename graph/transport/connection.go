package transport

import (
	"context"
	"net/http"
	"time"
)

// connection is a socket or an event stream: what lives longer than an answer.
type connection interface {
	close(code int, reason string) // in the protocol's words, then for good; does not wait
	evict()                        // makes room for somebody else
	kill()                         // at once
}

type connectionKey struct{}

// CloseConnection ends the socket to which the context belongs with a close code, e.g. 4403 when
// its session is revoked, and with it all its subscriptions. An event stream is cut off, so that
// its client connects again and meets Authenticate. It does not wait, and does nothing where there
// is no lasting connection.
func CloseConnection(ctx context.Context, code int, reason string) {
	if c, ok := ctx.Value(connectionKey{}).(connection); ok {
		c.close(code, reason)
	}
}

func socketOf(ctx context.Context) *socket {
	s, _ := ctx.Value(connectionKey{}).(*socket)
	return s
}

// Connections is how many sockets and event streams are open.
func (h *Handler) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}

func (h *Handler) enter(c connection) *refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing || len(h.connections) >= h.options.Websocket.MaxConnections {
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable,
			message:    "no more connections here, try again",
			extensions: map[string]any{"retryAfterSeconds": 1}, header: http.Header{"Retry-After": {"1"}}}
	}

	h.connections[c] = struct{}{}

	return nil
}

// admit lets a connection in that is nobody's yet, in whose place another may have to go.
func (h *Handler) admit(c connection, from stranger) {
	if out := h.nobodys.add(c, from); out != nil {
		out.evict()
	}
}

func (h *Handler) leave(c connection) {
	h.nobodys.remove(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.connections, c)
	if h.closing && len(h.connections) == 0 {
		close(h.gone)
	}
}

// Shutdown refuses new sockets and event streams, tells those that are open to go elsewhere (1001),
// one after another so that their clients do not come to the next server all at once, and waits
// until the last of their goroutines has ended; what a resolver started ends by its context, a
// moment later. When ctx ends first, it cuts off the rest and returns its error. Queries and
// mutations are left to http.Server.Shutdown, which does not see sockets; call both.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	open := make([]connection, 0, len(h.connections))
	for c := range h.connections {
		open = append(open, c)
	}

	first := !h.closing
	h.closing = true
	if first && len(open) == 0 {
		close(h.gone)
	}

	h.mu.Unlock()

	spread := h.options.Websocket.ShutdownSpread
	if deadline, ok := ctx.Deadline(); ok {
		spread = min(spread, time.Until(deadline)/2)
	}

	h.takeLeave(ctx, open, spread)
	select {
	case <-h.gone:
		return nil
	case <-ctx.Done():
		for _, c := range open {
			c.kill()
		}

		return ctx.Err()
	}
}

func (h *Handler) takeLeave(ctx context.Context, open []connection, spread time.Duration) {
	start := time.Now()
	for i, c := range open {
		timer := time.NewTimer(time.Until(start.Add(spread * time.Duration(i) / time.Duration(len(open)))))
		select {
		case <-timer.C:
		case <-h.gone:
		case <-ctx.Done():
		}

		timer.Stop()
		c.close(closeGoingAway, "going away")
	}
}
