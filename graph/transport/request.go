package transport

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const requestIDHeader = "X-Request-Id"

type requestIDKey struct{}

// RequestID names the request in the log: the client's own X-Request-Id if it sent a sane one, else
// one made here. The operations of a socket share its id and are numbered. It is "" outside a
// request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func withRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func identify(w http.ResponseWriter, r *http.Request) *http.Request {
	id := r.Header.Get(requestIDHeader)
	if !saneRequestID(id) {
		id = rand.Text()
	}

	w.Header().Set(requestIDHeader, id)

	return r.WithContext(withRequestID(r.Context(), id))
}

func saneRequestID(id string) bool {
	return id != "" && len(id) <= 64 &&
		strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func (h *Handler) allowsOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not a browser
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}

	return slices.ContainsFunc(h.options.AllowedOrigins, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(allowed, origin)
	})
}

// crossOrigin adds the headers that let a page of another origin read the answer, and answers
// OPTIONS. A request of a foreign origin is served without them: there are no cookies, so it can do
// no more than any stranger's.
func (h *Handler) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool, _ *refusal) {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin, allowed := r.Header.Get("Origin"), h.allowsOrigin(r)

	if origin != "" && allowed {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers",
			"X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate")
	}

	if r.Method != http.MethodOptions {
		return false, nil
	}

	if r.Header.Get("Access-Control-Request-Method") != "" {
		if !allowed {
			return false, &refusal{status: http.StatusForbidden, code: codeForbidden, message: "this origin is not allowed"}
		}

		header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		header.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		header.Set("Access-Control-Allow-Headers",
			"Accept, Authorization, Content-Type, Last-Event-ID, X-Request-Id, traceparent, tracestate, "+
				"Apollo-Require-Preflight, GraphQL-Preflight")
		header.Set("Access-Control-Max-Age", "7200")
	}

	header.Set("Allow", "GET, POST, OPTIONS")
	w.WriteHeader(http.StatusNoContent)

	return true, nil
}
