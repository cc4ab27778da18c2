package transport

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// budget is how much of something callers may have in use at a time: so much in the whole process,
// and one holder never more than is left for all others. So the first gets half at most, whoever
// comes next half of the rest, and somebody new gets something still. Taking and giving back are a
// few atomic operations; only who has to wait takes a lock.
type budget struct {
	most int64

	used    atomic.Int64
	refused atomic.Int64 // how often something was not to be had at once
	waiting atomic.Int64 // the length of waiters

	mu      sync.Mutex
	holders map[any]*holder
	waiters list.List // of *waiter, who came first in front
}

// waiter waits until n may be to be had.
type waiter struct {
	holder *holder
	n      int
	wake   func() // must not wait
}

// holder is one caller's part in a budget. A nil one takes and gives without counting.
type holder struct {
	budget *budget
	key    any
	used   atomic.Int64
	users  int // guarded by budget.mu
}

var (
	errAllInUse = errors.New("all is in use")
	errOwnInUse = errors.New("too much is in use by this caller")
)

func newBudget(most int64) *budget {
	return &budget{most: most, holders: map[any]*holder{}}
}

// of is the part of a caller, until it is done with it.
func (b *budget) of(key any) *holder {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[key]
	if h == nil {
		h = &holder{budget: b, key: key}
		b.holders[key] = h
	}

	h.users++

	return h
}

// done forgets a holder that nobody uses any more. What it has in use has to be given back before.
func (h *holder) done() {
	if h == nil {
		return
	}

	h.budget.mu.Lock()
	defer h.budget.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(h.budget.holders, h.key)
	}
}

// try takes n, or says why that cannot be now.
func (h *holder) try(n int) error {
	if h == nil {
		return nil
	}

	for {
		all := h.budget.used.Load()
		switch own := h.used.Load(); {
		case all+own+2*int64(n) <= h.budget.most:
			// nothing is taken for a moment that is not to be had: a waiter might look just then
			if h.budget.used.CompareAndSwap(all, all+int64(n)) {
				h.used.Add(int64(n))
				return nil
			}
		case all+int64(n) > h.budget.most:
			h.budget.refused.Add(1)
			return errAllInUse
		default:
			h.budget.refused.Add(1)
			return errOwnInUse
		}
	}
}

// force takes n, which is there already and has turned out larger than was thought. Where n is
// below 0 it gives back.
func (h *holder) force(n int) {
	switch {
	case h == nil:
		return
	case n < 0:
		h.give(-n)
		return
	}

	h.budget.used.Add(int64(n))
	h.used.Add(int64(n))
}

func (h *holder) give(n int) {
	h.budget.used.Add(-int64(n))
	h.used.Add(-int64(n))
	if h.budget.waiting.Load() > 0 {
		h.budget.wake()
	}
}

func (h *holder) fits(n int) bool {
	return h.budget.used.Load()+h.used.Load()+2*int64(n) <= h.budget.most
}

// How many who wait are looked at, and how many are woken, when something is given back. Others
// follow with what is given back next.
const (
	looksAt = 64
	wakes   = 8
)

func (b *budget) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	woken := 0

	for range min(looksAt, b.waiters.Len()) {
		at := b.waiters.Front()
		if w := at.Value.(*waiter); w.holder.fits(w.n) && woken < wakes {
			woken++
			b.drop(at)
			w.wake()
		} else {
			b.waiters.MoveToBack(at)
		}
	}
}

// await has wake called, once, when n may be to be had. It reports false when that is so already.
func (h *holder) await(n int, wake func()) (at *list.Element, waits bool) {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	at = b.waiters.PushBack(&waiter{h, n, wake})
	b.waiting.Add(1)
	if h.fits(n) { // given back since it was tried, when nobody waited yet
		b.drop(at)
		return nil, false
	}

	return at, true
}

// drop takes somebody off the list who may have been woken meanwhile.
func (b *budget) drop(at *list.Element) {
	before := b.waiters.Len()
	b.waiters.Remove(at)
	b.waiting.Add(int64(b.waiters.Len() - before))
}

// take waits until n is to be had, or ctx is done.
func (h *holder) take(ctx context.Context, n int) error {
	for h.try(n) != nil {
		woken := make(chan struct{})
		at, waits := h.await(n, func() { close(woken) })
		if !waits {
			continue
		}

		select {
		case <-woken:
		case <-ctx.Done():
			h.budget.mu.Lock()
			h.budget.drop(at)
			h.budget.mu.Unlock()

			return ctx.Err()
		}
	}

	return nil
}
