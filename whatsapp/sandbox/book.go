package sandbox

import (
	"cmp"
	"maps"
	"sync"
	"time"
)

// chunk is how many messages are allocated together. Their addresses never change.
const chunk = 1024

// book holds the accepted messages and everything that is still to be posted about them.
type book struct {
	sync.Mutex
	chunks  [][]message
	next    uint64 // sequence number of the next message or event
	due     schedule
	stalled []entry // due, while there is no callback URL
	pending int     // entries and parcels not yet acknowledged
	counts  Counts
	changed chan struct{} // closed and renewed at each change that someone waits for
	waiting int
}

// Counts are the sandbox's totals since New or reset.
type Counts struct {
	Accepted    int            `json:"accepted"`
	Refused     map[int]int    `json:"refused"` // by error code
	LostAnswers int            `json:"lost_answers"`
	Held        int            `json:"held"`
	Posts       int            `json:"posts"`        // acknowledged
	FailedPosts int            `json:"failed_posts"` // refused, unreachable, or not answered with 200
	Posted      map[string]int `json:"posted"`       // acknowledged statuses, by status; other webhooks, by field
	Duplicated  int            `json:"duplicated"`
	Dropped     int            `json:"dropped"` // by DropWebhooks, for want of a subscription, or after a week
	Pending     int            `json:"pending"`
}

func (b *book) init() {
	b.changed = make(chan struct{})
	b.counts = Counts{Refused: map[int]int{}, Posted: map[string]int{}}
}

// news wakes whoever waits for a change. The caller holds the lock.
func (b *book) news() {
	if b.waiting > 0 {
		close(b.changed)
		b.changed = make(chan struct{})
		b.waiting = 0
	}
}

func (b *book) refused(code int) {
	b.Lock()
	b.counts.Refused[code]++
	b.news()
	b.Unlock()
}

// add gives a message its sequence number and its place.
func (b *book) add(m message) *message {
	b.Lock()
	defer b.Unlock()
	m.seq = b.next

	return b.keep(m)
}

// keep stores a message that has its sequence number. The caller holds the lock.
func (b *book) keep(m message) *message {
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last]) == chunk {
		b.chunks = append(b.chunks, make([]message, 0, chunk))
		last++
	}

	b.chunks[last] = append(b.chunks[last], m)
	b.next = max(b.next, m.seq+1)

	return &b.chunks[last][len(b.chunks[last])-1]
}

// enter schedules the statuses of an accepted message, and counts it.
func (s *Sandbox) enter(o *Options, m *message) {
	var entries [4]entry
	due, dropped, doubled := s.entries(o, m, entries[:0])
	b := &s.book
	b.Lock()
	b.counts.Accepted++
	b.counts.Dropped += dropped
	b.counts.Duplicated += doubled
	if m.magic != nil && m.magic.hold {
		b.counts.Held++
	}

	for _, e := range due {
		b.due.push(e)
	}

	b.pending += len(due)
	b.news()
	b.Unlock()
	if len(due) > 0 {
		s.wake()
	}
}

// entries turns a message's plan into entries: without those dropped or already told, with the
// second of those doubled.
func (s *Sandbox) entries(o *Options, m *message, out []entry) (due []entry, dropped, doubled int) {
	if o.NoWebhooks {
		return nil, 0, 0
	}

	for i, p := range s.plan(o, m) {
		if m.told&(1<<p.step) != 0 {
			continue
		}

		if s.chance(m, saltDrop+uint64(p.step)) < o.DropWebhooks {
			dropped++
			continue
		}

		e := entry{at: p.due, order: m.seq<<6 | uint64(i)<<3 | uint64(p.step), what: m}
		out = append(out, e)

		if c := s.chance(m, saltDuplicate+uint64(p.step)); c < o.DuplicateWebhooks {
			doubled++
			e.at += int64(float64(o.RetryDelay) * c / o.DuplicateWebhooks)
			out = append(out, e)
		}
	}

	return out, dropped, doubled
}

// later schedules something that is no status of a message.
func (s *Sandbox) later(at int64, what any) {
	b := &s.book
	b.Lock()
	b.due.push(entry{at: at, order: b.next << 6, what: what})
	b.next++
	b.pending++
	b.Unlock()
	s.wake()
}

// release puts back what waited for a callback URL.
func (b *book) release() {
	b.Lock()
	defer b.Unlock()
	for _, e := range b.stalled {
		b.due.push(e)
	}

	b.stalled = nil
}

// reset drops every message, and every webhook that no poster holds.
func (b *book) reset() {
	b.Lock()
	defer b.Unlock()
	dropped := len(b.stalled)
	var kept schedule

	for _, e := range b.due {
		switch what := e.what.(type) {
		case *template:
			kept.push(e)
		case *parcel:
			dropped += len(what.entries)
		default:
			dropped++
		}
	}

	b.chunks, b.due, b.stalled = nil, kept, nil
	b.counts = Counts{Refused: map[int]int{}, Posted: map[string]int{}}
	b.settle(dropped)
}

// settle takes n entries off what is pending. The caller holds the lock.
func (b *book) settle(n int) {
	b.pending -= n
	b.news()
}

func (b *book) snapshot() Counts {
	b.Lock()
	defer b.Unlock()
	return b.copied()
}

func (b *book) copied() Counts {
	c := b.counts
	c.Refused, c.Posted, c.Pending = maps.Clone(c.Refused), maps.Clone(c.Posted), b.pending
	return c
}

// each calls f for every message, in the order of acceptance. The caller holds the lock.
func (b *book) each(f func(*message)) {
	for _, c := range b.chunks {
		for i := range c {
			f(&c[i])
		}
	}
}

// entry is something to do at a time: post a status (*message) or another webhook (*event), post a
// parcel again (*parcel), or review a template (*template).
type entry struct {
	at    int64  // Unix nanoseconds
	order uint64 // among entries of the same time; the lowest three bits are a message's step
	what  any
}

func (e entry) step() step { return step(e.order & 7) }

// schedule is a binary heap of entries, the earliest first. (container/heap would box every entry.)
type schedule []entry

func (q schedule) less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].order, q[j].order)) < 0
}

func (q *schedule) push(e entry) {
	*q = append(*q, e)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			break
		}

		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *schedule) pop() entry {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], entry{}
	h = h[:last]
	*q = h

	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h.less(down+1, down) {
			down++
		}
		if !h.less(down, i) {
			break
		}

		h[i], h[down] = h[down], h[i]
		i = down
	}

	return first
}

// wait is the time until the first entry is due; zero when one is, and false when there is none.
func (q schedule) wait(now time.Time) (time.Duration, bool) {
	if len(q) == 0 {
		return 0, false
	}
	return max(0, time.Unix(0, q[0].at).Sub(now)), true
}
