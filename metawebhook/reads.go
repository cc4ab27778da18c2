package metawebhook

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

var errStopping = errors.New("this process stops")

// reads are the bodies that are being read, so that they can be ended all at once.
type reads struct {
	mu      sync.Mutex
	open    map[*http.ResponseController]bool
	stopped bool
}

// begin gives a body until then.
func (r *reads) begin(control *http.ResponseController, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		until = time.Unix(1, 0)
	}
	if r.open == nil {
		r.open = map[*http.ResponseController]bool{}
	}

	r.open[control] = true
	_ = control.SetReadDeadline(until) // not every ResponseWriter can
}

// end lets the connection be read on without a deadline. It reports whether the process stops, and
// so may have ended the read.
func (r *reads) end(control *http.ResponseController) (stopped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, control)
	if !r.stopped {
		_ = control.SetReadDeadline(time.Time{})
	}

	return r.stopped
}

// Stop ends the reading of all bodies, so that a shutdown does not wait for those that strangers
// send slowly. Who sends them is answered 503, and Meta sends them again. What is read already is
// processed to its end.
func (h *Handler) Stop() {
	h.reads.mu.Lock()
	defer h.reads.mu.Unlock()
	h.reads.stopped = true

	for control := range h.reads.open {
		_ = control.SetReadDeadline(time.Unix(1, 0))
	}
}
