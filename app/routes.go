package app

import (
	"io"
	"net/http"

	"carillon/console"
	"carillon/download"
	"carillon/graph"
	"carillon/graph/graphiql"
	"carillon/media"
	"carillon/telemetry"
)

// routes are the paths of a process. One that only works still answers for its health.
func (p *App) routes(r Roles) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok, carillon "+telemetry.Version()+"\n")
	})
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
