package campaign

import (
	"time"

	"carillon/delivery"
	"carillon/ent/enum"
)

// dueAt is when a message could go but for quiet hours; zero is at once.
func dueAt(m delivery.Outgoing) time.Time {
	if !m.HeldFrom.IsZero() {
		return m.HeldFrom
	}
	return m.NotBefore
}

// evening is people whose clocks go alike, and from when they may be written to.
type evening struct {
	zone string
	from time.Time
}

// addEvening counts a person by when quiet hours would hold their message.
func (k *counting) addEvening(m delivery.Outgoing) {
	if k.plan.quiet == nil || m.Category != enum.TemplateCategoryMarketing {
		return
	}

	k.evenings[evening{m.TimeZone, later(dueAt(m), k.plan.at)}]++
	if !m.HeldFrom.IsZero() || k.plan.quiet.Until(m.TimeZone, m.NotBefore).After(m.NotBefore) && !m.NotBefore.IsZero() {
		k.held++
	}
}

// forecastDays is how far a forecast looks at quiet hours; what is left then is counted as if there
// were none.
const forecastDays = 14

// lastSent is when a campaign that begins at a moment has written to everybody, at so many messages
// a second, if people are written to outside of their quiet hours alone. Whoever may be written to
// shares the rate. It goes from one moment at which that changes to the next.
func (k *counting) lastSent(begin time.Time, perSecond float64) time.Time {
	left, total := make(map[evening]float64, len(k.evenings)), 0.0
	for e, people := range k.evenings {
		left[e] = float64(people)
		total += float64(people)
	}

	at := begin
	for len(left) > 0 && at.Before(begin.AddDate(0, 0, forecastDays)) {
		open, awake, next := k.open(left, at)
		if awake == 0 {
			at = next
			continue
		}

		share := min(1, perSecond*next.Sub(at).Seconds()/awake)
		for _, e := range open {
			if left[e] *= 1 - share; share == 1 {
				delete(left, e)
			}
		}

		total -= share * awake
		at = at.Add(time.Duration(share * awake / perSecond * float64(time.Second)))
	}

	if len(left) == 0 {
		return at
	}

	return at.Add(time.Duration(total / perSecond * float64(time.Second)))
}

// open are those of some people who may be written to at a moment, how many they are, and when that
// changes next.
func (k *counting) open(left map[evening]float64, at time.Time) (open []evening, awake float64, next time.Time) {
	for e, people := range left {
		changes := k.plan.quiet.Until(e.zone, later(e.from, at))
		if !changes.After(at) {
			open, awake = append(open, e), awake+people
			changes = k.plan.quiet.Begin(e.zone, at)
		}
		if next.IsZero() || changes.Before(next) {
			next = changes
		}
	}

	return open, awake, next
}

// warnOfNights says in words what waits for the end of quiet hours, and whether others would not be
// written to before they begin.
func (k *counting) warnOfNights(add func(is bool, format string, args ...any)) {
	hours := k.plan.organization.SendingPolicy.QuietHours
	if k.plan.quiet == nil || hours == nil {
		return
	}

	add(k.held > 0, "It is within the quiet hours (%s to %s) of %d people when they could be written to: "+
		"they wait until these end.", hours.Start, hours.End, k.held)
	add(k.held == 0 && k.Duration > k.awake+time.Minute, "Not everybody is written to before their quiet hours "+
		"(%s to %s) begin: the rest waits until these end.", hours.Start, hours.End)
}
