package app

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// readyWithin is how long the database and Redis together may take to answer. Balancers wait for a
// second or more.
const readyWithin = 800 * time.Millisecond

// ready says whether a process may get requests, and what is wrong with its stores. Without Redis
// it may: queries, mutations and webhooks need only the database.
func (p *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	state, err := p.DB.State(ctx)
	problem := state.Problem()
	if err != nil {
		problem = "the database does not answer"
	}
	if problem != "" {
		p.Log.Warn("not ready: "+problem, "error", err)
		http.Error(w, problem, http.StatusServiceUnavailable)
		return
	}

	said := []string{"ready"}
	if err := p.quick.Ping(ctx).Err(); err != nil {
		said[0] = "ready, without Redis: nothing is sent until it is back"
	}

	for _, warning := range []string{state.Newer(), p.quick.Evicts()} {
		if warning != "" {
			said = append(said, "warning: "+warning)
		}
	}

	_, _ = w.Write([]byte(strings.Join(said, "\n") + "\n"))
}

// sayState logs what is wrong with the database of a process that starts all the same: it may be
// mended while the process runs.
func (p *App) sayState(ctx context.Context) {
	state, err := p.DB.State(ctx)
	if err != nil {
		return // the next call that needs it says so
	}
	if problem := state.Problem(); problem != "" {
		p.Log.Error("not ready: " + problem)
	}
	if newer := state.Newer(); newer != "" {
		p.Log.Warn(newer)
	}
}
