package worker

import (
	"testing"
	"time"
)

func TestTheWindowFollowsTheLatencyAndNotItsOwnCrowd(t *testing.T) {
	t.Parallel()
	const perSecond = 1000
	w, at := window{}, time.Now()

	answers := func(n int, d time.Duration) {
		for range n {
			at = at.Add(time.Second / perSecond)
			w.took(d, at, perSecond)
		}
	}

	answers(10, 100*time.Millisecond)
	if w.size != 200 {
		t.Errorf("%d in flight at 1,000 a second and 100 ms, want twice as many as rate and latency ask for", w.size)
	}

	answers(1900, 900*time.Millisecond) // all but the first wait in a crowd
	if w.size != 200 {
		t.Errorf("%d in flight after answers that waited, want 200 still", w.size)
	}

	answers(5000, 300*time.Millisecond) // WhatsApp itself became slower
	if w.size != 600 {
		t.Errorf("%d in flight after five seconds of 300 ms, want 600", w.size)
	}

	answers(5000, 3*time.Second)
	if w.size != mostInFlight {
		t.Errorf("%d in flight when WhatsApp hangs, want %d", w.size, mostInFlight)
	}

	answers(1, time.Millisecond)
	if w.size != leastInFlight {
		t.Errorf("%d in flight after a fast answer, want %d", w.size, leastInFlight)
	}
}
