package worker

import (
	"context"
	"sync"
	"time"
)

const (
	leastInFlight = 32
	mostInFlight  = 1024
)

// window bounds how many messages of a lane are in flight: twice what rate and latency ask for (Little's law), so that pace
// and not the window decides, and a WhatsApp that hangs does not gather a million requests.
type window struct {
	mu      sync.Mutex
	room    sync.Cond
	used    int
	size    int
	fastest time.Duration
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

// took learns the latency. The fastest answer counts, since waiting in our own crowd is not latency; it is forgotten slowly.
func (w *window) took(d time.Duration, perSecond float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fastest == 0 || d < w.fastest {
		w.fastest = d
	} else {
		w.fastest += (d - w.fastest) / 64
	}
	size := min(max(int(2*perSecond*w.fastest.Seconds()), leastInFlight), mostInFlight)
	if size > w.size {
		w.room.Broadcast()
	}
	w.size = size
}
