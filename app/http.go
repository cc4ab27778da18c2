package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"
)

const (
	headerWithin = 10 * time.Second // a request's header has to be here
	headerBytes  = 64 << 10
	bodyWithin   = 30 * time.Second // and its body; handlers that take large ones set their own time
	writeWithin  = 2 * time.Minute  // and its answer has to be read; streams and sockets set their own time
	idleWithin   = 2 * time.Minute  // between two requests of a connection

	// besideStreams is how many connections may be open besides the sockets and event streams.
	besideStreams = 2000
)

// httpServer bounds what a connection may cost that says little, or nothing.
func (p *App) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: bodyIn(bodyWithin, handler), ReadHeaderTimeout: headerWithin, WriteTimeout: writeWithin,
		IdleTimeout:    idleWithin,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
}

// bounded takes no more connections at a time than there may be. Those beyond wait in the system's
// queue.
func (p *App) bounded(l net.Listener) net.Listener {
	return netutil.LimitListener(l, p.Config.Limits.Connections+besideStreams)
}

// bodyIn gives each body a time. http.Server's ReadTimeout would end event streams, which have
// none; without a time a body that does not come keeps its connection for ever, also of a handler
// that never reads it.
func bodyIn(most time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(most)) // not every ResponseWriter can
		}

		next.ServeHTTP(w, r)
	})
}

// onlyHere answers callers on this machine, and not those for whom a proxy on it asks.
func onlyHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		local := err == nil && peer.Addr().Unmap().IsLoopback()
		for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
			local = local && len(r.Header.Values(header)) == 0
		}

		if !local {
			http.Error(w, "metrics are shown on this machine only; METRICS_ADDR gives them an address of their own",
				http.StatusForbidden)
			return
		}

		next.ServeHTTP(w, r)
	})
}

// runMetrics serves the metrics at their own address until ctx ends.
func (p *App) runMetrics(l net.Listener) func(context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	server := p.httpServer(mux)

	return func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		return ignore(server.Serve(netutil.LimitListener(l, 16)), http.ErrServerClosed)
	}
}

// listenMetrics opens the address of the metrics, if they have one of their own.
func (p *App) listenMetrics() (net.Listener, error) {
	if p.Config.MetricsAddr == "" {
		return nil, nil
	}

	l, err := net.Listen("tcp", p.Config.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}

	p.Log.Info("metrics are shown", "address", l.Addr().String())

	return l, nil
}
