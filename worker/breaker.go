package worker

import (
	"math/rand/v2"
	"sync"
	"time"

	"carillon/uid"
)

const (
	// tripsAfter is how many answers in a row must be missing or broken before an account's WhatsApp
	// counts as down.
	tripsAfter = 5
	// firstRest and longestRest bound how long nothing is sent before a single message probes again.
	firstRest   = time.Second
	longestRest = time.Minute
)

// breaker stops sending for an account whose WhatsApp does not answer, and probes with single
// messages until it does. It stands in the memory of each process: another may still get through.
type breaker struct {
	mu    sync.Mutex
	bad   int // in a row
	rest  time.Duration
	until time.Time
}

// breakers has one for each account.
type breakers struct{ m sync.Map }

func (b *breakers) of(account uid.ID) *breaker {
	found, _ := b.m.LoadOrStore(account, &breaker{})
	return found.(*breaker)
}

// closed says how long nothing may be sent; zero when something may.
func (b *breaker) closed(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.until.Sub(now))
}

// allows says how many of n messages may be claimed: all, one as a probe, or none.
func (b *breaker) allows(n int, now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.bad < tripsAfter:
		return n
	case now.Before(b.until):
		return 0
	}

	return 1
}

// saw learns from an answer. It returns how long to rest when the answer was one too many.
func (b *breaker) saw(good bool, now time.Time) (rest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if good {
		b.bad, b.rest, b.until = 0, 0, time.Time{}
		return 0
	}

	b.bad++
	if b.bad < tripsAfter {
		return 0
	}
	if now.Before(b.until) {
		return b.until.Sub(now) // an answer to what was in flight when it tripped
	}

	b.rest = min(max(firstRest, 2*b.rest), longestRest)
	b.until = now.Add(b.rest/2 + rand.N(b.rest/2))

	return b.until.Sub(now)
}
