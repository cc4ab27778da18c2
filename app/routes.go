package app

import (
	"context"
	"io"
	"net/http"
	"time"

	"carillon/console"
	"carillon/download"
	"carillon/graph"
	"carillon/graph/graphiql"
	"carillon/media"
)

// routes are the paths of a process. One that only works still answers for its health.
func (p *App) routes(r Roles) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", p.ready)
	if p.Config.MetricsAddr == "" {
		mux.Handle("GET /metrics", onlyHere(p.metrics.Handler()))
	} else {
		mux.Handle("/metrics", http.NotFoundHandler()) // else it would be a page of the console
	}

	if r.API {
		mux.Handle("/graphql", p.api)
		mux.Handle("/webhooks/whatsapp", p.Webhooks)
		mux.Handle(media.Path, p.media)
		mux.Handle(download.RejectionsPath, p.downloads)
		mux.Handle(download.ExportsPath, p.downloads)
		mux.Handle("GET /schema.graphql", graph.ServeSDL())
		page := graphiql.Handler(graphiql.Default())
		mux.Handle("GET "+graphiql.Path, page)
		mux.Handle("GET "+graphiql.Path+"/", page)
		mux.Handle("/", console.Handler())
	}

	return mux
}

// readyWithin is how long the database and Redis together may take to answer. Balancers wait for a
// second or more.
const readyWithin = 800 * time.Millisecond

// ready says whether a process may get requests. Without Redis it may: queries, mutations and
// webhooks need only the database.
func (p *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	if err := p.DB.Ping(ctx); err != nil {
		p.Log.Warn("not ready: the database does not answer", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}

	if err := p.quick.Ping(ctx).Err(); err != nil {
		_, _ = io.WriteString(w, "ready, without Redis: nothing is sent until it is back\n")
		return
	}

	_, _ = io.WriteString(w, "ready\n")
}
