package worker

import (
	"context"
	"sync"
	"time"
)

const (
	leastInFlight = 32
	mostInFlight  = 1024
	// latencyFor is how long an answer counts as the fastest one.
	latencyFor = 2 * time.Second
)

// window bounds how many messages of a lane are in flight: twice what rate and latency ask for
// (Little's law), so that pace and not the window decides, and a WhatsApp that hangs does not
// gather a million requests.
type window struct {
	mu   sync.Mutex
	room sync.Cond
	used int
	size int

	since    time.Time     // begin of the present period of latencyFor
	now, was time.Duration // fastest answer of this period, and of the one before; 0 for none
}

// enter waits for room; false when ctx ends first.
func (w *window) enter(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.room.L == nil {
		w.room.L, w.size = &w.mu, leastInFlight
	}

	if w.used < w.size {
		w.used++
		return true
	}

	defer context.AfterFunc(ctx, func() { w.mu.Lock(); w.room.Broadcast(); w.mu.Unlock() })()
	for w.used >= w.size {
		if ctx.Err() != nil {
			return false
		}

		w.room.Wait()
	}

	w.used++

	return true
}

func (w *window) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used--
	w.room.Signal()
}

// took learns the latency from an answer that came at the given moment. The fastest of the last
// seconds counts: the others have waited in our own crowd, and a window that grew with it would
// only make the crowd larger.
func (w *window) took(d time.Duration, at time.Time, perSecond float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.Sub(w.since) >= latencyFor {
		w.since, w.was, w.now = at, w.now, 0
	}
	if w.now == 0 || d < w.now {
		w.now = d
	}

	fastest := w.now
	if w.was > 0 {
		fastest = min(fastest, w.was)
	}

	size := min(max(int(2*perSecond*fastest.Seconds()), leastInFlight), mostInFlight)
	if size > w.size {
		w.room.Broadcast()
	}

	w.size = size
}
