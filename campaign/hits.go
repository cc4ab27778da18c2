package campaign

import (
	"sync"
	"time"

	"carillon/uid"
)

// hitsWithin is the time in which an answer must be repeated to be believed.
const hitsWithin = time.Minute

// manyHits is when it pays to throw away what is too old.
const manyHits = 1000

// hits remember the answers that are believed only when they come several times. Each process
// counts for itself and starts at nothing: at worst a pause takes as many answers more as there are
// processes.
type hits struct {
	mu   sync.Mutex
	seen map[hit][]time.Time
}

// hit is an error of one campaign, template, number or account.
type hit struct {
	code  int
	scope uid.ID
}

// enough notes a hit and says whether there were as many as needed in the last minute.
func (h *hits) enough(of hit, needed int, now time.Time) bool {
	if needed <= 1 {
		return true
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = map[hit][]time.Time{}
	}

	if len(h.seen) > manyHits {
		for other, times := range h.seen {
			if now.Sub(times[len(times)-1]) > hitsWithin {
				delete(h.seen, other)
			}
		}
	}

	times := append(h.seen[of], now)
	times = times[max(0, len(times)-needed):]
	h.seen[of] = times

	return len(times) == needed && now.Sub(times[0]) <= hitsWithin
}
