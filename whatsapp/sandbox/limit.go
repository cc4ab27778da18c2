package sandbox

import (
	"strconv"
	"sync"
	"time"
)

// ring remembers the newest admitted times, as many as the limit, so that a sliding span never
// holds more: the next one is admitted only when the one that it would overwrite is a whole span
// old. Exact, at 8 bytes for each of the limit.
type ring struct {
	times []int64 // Unix nanoseconds
	next  int     // the oldest, once the ring is full
}

// admit counts the time and says yes, or says no and counts nothing.
func (r *ring) admit(now int64, limit int, span time.Duration) bool {
	if cap(r.times) != limit {
		r.resize(limit)
	}

	if len(r.times) < limit {
		r.times = append(r.times, now)
		return true
	}

	if now-r.times[r.next] < int64(span) {
		return false
	}

	r.times[r.next] = now
	r.next = (r.next + 1) % limit

	return true
}

// resize keeps the newest times that fit.
func (r *ring) resize(limit int) {
	ordered := append(append([]int64{}, r.times[r.next:]...), r.times[:r.next]...)
	if over := len(ordered) - limit; over > 0 {
		ordered = ordered[over:]
	}

	r.times, r.next = append(make([]int64, 0, limit), ordered...), 0
}

// used counts the times within the last span.
func (r *ring) used(now int64, span time.Duration) (used int) {
	for _, t := range r.times {
		if now-t < int64(span) {
			used++
		}
	}

	return used
}

// traffic is the sends of one number: the limits they meet, and the figures they leave.
type traffic struct {
	sync.Mutex
	admitted ring
	pairs    map[uint64]int64 // per recipient, when its borrowed messages are paid back; Unix nanoseconds
	sweepAt  int              // size at which pairs that owe nothing are forgotten
	windows  map[uint64]int64 // per recipient, when its customer service window closes; Unix nanoseconds
	odd      map[string]bool  // fickle magic numbers: whether the last request was refused

	lately      []int64 // circular: arrivals of the last second
	head, count int
	peak        int
	requests    int
	accepted    int
	first, last int64 // accepted, Unix nanoseconds
}

// arrive counts a request and says when it came and whether the number's throughput admits it. It
// looks at the clock itself, under the lock: the times in the ring must not run backwards.
func (t *traffic) arrive(clock func() time.Time, limit int) (now int64, admitted bool) {
	t.Lock()
	defer t.Unlock()
	now = clock().UnixNano()
	t.requests++
	for t.count > 0 && now-t.lately[t.head] >= int64(time.Second) {
		t.head = (t.head + 1) % len(t.lately)
		t.count--
	}

	if t.count == len(t.lately) {
		t.grow()
	}

	t.lately[(t.head+t.count)%len(t.lately)] = now
	t.count++
	t.peak = max(t.peak, t.count)

	return now, limit == 0 || t.admitted.admit(now, limit, time.Second)
}

func (t *traffic) grow() {
	wider := make([]int64, max(64, 2*len(t.lately)))
	n := copy(wider, t.lately[t.head:])
	copy(wider[n:], t.lately[:t.head])
	t.lately, t.head = wider, 0
}

// reset forgets everything but the service windows.
func (t *traffic) reset() {
	t.Lock()
	defer t.Unlock()
	t.admitted, t.pairs, t.sweepAt, t.odd = ring{}, nil, 0, nil
	t.lately, t.head, t.count, t.peak = nil, 0, 0, 0
	t.requests, t.accepted, t.first, t.last = 0, 0, 0, 0
}

// pairGap is Meta's sustained rate from one number to one recipient: a message in 6 seconds.
// developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform (read
// 2026-08).
const pairGap = 6 * time.Second

// pair counts a message to a recipient, or refuses it when more than burst messages are borrowed.
func (t *traffic) pair(to uint64, now int64, burst int) bool {
	t.Lock()
	defer t.Unlock()
	if t.pairs == nil {
		t.pairs, t.sweepAt = map[uint64]int64{}, 4096
	}

	paid := max(t.pairs[to], now)
	if paid-now > int64(pairGap)*int64(burst-1) {
		return false
	}

	t.pairs[to] = paid + int64(pairGap)
	if len(t.pairs) > t.sweepAt {
		for to, paid := range t.pairs {
			if paid <= now {
				delete(t.pairs, to)
			}
		}

		t.sweepAt = max(4096, 2*len(t.pairs))
	}

	return true
}

// serviceWindow is how long free-form messages may follow a user's message.
const serviceWindow = 24 * time.Hour

func (t *traffic) openWindow(to uint64, now int64) {
	t.Lock()
	defer t.Unlock()
	if t.windows == nil {
		t.windows = map[uint64]int64{}
	}

	t.windows[to] = now + int64(serviceWindow)
}

func (t *traffic) inWindow(to uint64, now int64) bool {
	t.Lock()
	defer t.Unlock()
	return now < t.windows[to]
}

// fickle says whether this request to a fickle recipient is refused: every other one, beginning
// with the first.
func (t *traffic) fickle(to string) bool {
	t.Lock()
	defer t.Unlock()
	if t.odd == nil {
		t.odd = map[string]bool{}
	}

	t.odd[to] = !t.odd[to]

	return t.odd[to]
}

func (t *traffic) accept(now int64) {
	t.Lock()
	defer t.Unlock()
	t.accepted++
	if t.first == 0 {
		t.first = now
	}

	t.last = max(t.last, now)
}

// recent is a set of recipients, each of which is forgotten 24 hours after it came in.
type recent struct {
	sync.Mutex
	since map[uint64]int64
	queue []uint64 // oldest first
}

// admit says whether the recipient is among the limit's first ones of the last 24 hours.
func (s *recent) admit(to uint64, now int64, limit int) bool {
	s.Lock()
	defer s.Unlock()
	for len(s.queue) > 0 && now-s.since[s.queue[0]] >= int64(24*time.Hour) {
		delete(s.since, s.queue[0])
		s.queue = s.queue[1:]
	}

	if _, known := s.since[to]; known {
		return true
	}
	if len(s.queue) >= limit {
		return false
	}
	if s.since == nil {
		s.since = map[uint64]int64{}
	}

	s.since[to] = now
	s.queue = append(s.queue, to)

	return true
}

// windows lists the service windows that are open, for the state file.
func (n *number) windows(now time.Time) (open []record) {
	n.traffic.Lock()
	defer n.traffic.Unlock()
	for from, until := range n.traffic.windows {
		if until > now.UnixNano() {
			open = append(open, record{Window: &window{n.ID, strconv.FormatUint(from, 10), until - int64(serviceWindow)}})
		}
	}

	return open
}
