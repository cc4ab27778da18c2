package graph

import (
	"sync"
	"time"

	"carillon/uid"
)

// refusals remembers who was refused what a short while ago.
type refusals struct {
	mu    sync.Mutex
	known map[refusal]time.Time
}

type refusal struct {
	caller uid.ID
	field  string
}

// first reports whether this refusal is the first for a while.
func (r *refusals) first(caller uid.ID, field string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusal{caller, field}
	if at, ok := r.known[key]; ok && now.Sub(at) < recordAgain {
		return false
	}
	if r.known == nil || len(r.known) >= mostRefusals {
		r.known = map[refusal]time.Time{} // forgetting records one too many, remembering without bound costs memory
	}

	r.known[key] = now

	return true
}
