package webhook

import (
	"time"

	"carillon/ent"
)

// waits are how long a delivery waits after each attempt that went wrong, as the Standard Webhooks
// specification recommends, for a day in all. After the last one it has failed.
var waits = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 6*time.Hour + 25*time.Minute}

// rests are how long an endpoint rests that takes nothing; the last one is repeated. One delivery
// tries it after each.
var rests = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 10 * time.Minute}

const (
	// tripAfter is how many deliveries in a row must go wrong until an endpoint rests.
	tripAfter = 20
	// suspendAfter is how long an endpoint must have taken nothing until it is suspended.
	suspendAfter = 24 * time.Hour
)

// health is how an endpoint does: whether deliveries may go to it.
type health struct {
	misses  int        // that went wrong since one was taken
	failing *time.Time // the first of them
	probes  int        // how often it rested since
	until   time.Time  // it rests until then; zero: it does not
	changed bool       // since it was written down
}

func healthOf(e *ent.WebhookEndpoint) health {
	h := health{failing: e.FailingSince, probes: e.Probes}
	if e.RestsUntil != nil {
		h.misses, h.until = tripAfter, *e.RestsUntil
	}

	return h
}

// note takes in what came of deliveries. One that was taken makes good all others.
func (h *health) note(batch []result, now time.Time) {
	h.changed = false
	wrong := 0
	for _, r := range batch {
		switch {
		case r.taken():
			*h = health{changed: h.failing != nil}
			return
		case !r.cut:
			wrong++
		}
	}

	if wrong == 0 {
		return
	}

	h.misses += wrong
	if h.failing == nil {
		h.failing, h.changed = &now, true
	}
	if h.misses >= tripAfter {
		h.rest(now)
	}
}

// rest lets the endpoint rest, longer each time.
func (h *health) rest(now time.Time) {
	h.until, h.changed = now.Add(rests[min(h.probes, len(rests)-1)]), true
	h.probes++
}

// restsFor is how long it rests still.
func (h health) restsFor(now time.Time) time.Duration { return max(h.until.Sub(now), 0) }

// window is how many deliveries may be on their way: after a rest one that tries it.
func (h health) window(now time.Time) int {
	switch {
	case h.restsFor(now) > 0:
		return 0
	case !h.until.IsZero():
		return 1
	}

	return window
}

// over reports whether a result ends its delivery without being taken.
func (r result) over() bool { return !r.taken() && !r.cut && (r.gone() || r.attempts >= len(waits)) }

// next is when a delivery that went wrong is posted again.
func (r result) next() time.Time {
	return r.at.Add(max(waits[min(r.attempts, len(waits)-1)], r.retryAfter))
}
