package campaign

import (
	"time"

	"carillon/ent"
	"carillon/timezone"
)

// atWallClock is the first moment at which the clocks of a zone show what the wall clock of t shows
// in its own, or the moment at which they pass it over, where daylight saving begins.
func atWallClock(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	face := time.Date(year, month, day, hour, minute, second, 0, time.UTC) // what clocks are to show, as a number

	// No zone is further from UTC than 26 hours. Within a period of one offset, clocks show each face
	// once; the first period that does not end before it shows it, or has jumped over it.
	at, latest := face.Add(-26*time.Hour), face.Add(26*time.Hour)
	for at.Before(latest) {
		local := at.In(zone)
		_, offset := local.Zone()
		_, end := local.ZoneBounds()

		shown := face.Add(-time.Duration(offset) * time.Second)
		if end.IsZero() || shown.Before(end) {
			return later(at, shown)
		}

		at = end.UTC()
	}

	return latest
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// The first and the last place on earth where a wall clock shows a time.
var (
	firstZone = time.FixedZone("", 14*60*60)
	lastZone  = time.FixedZone("", -12*60*60)
)

// wallClock is a start with the wall clock that its zone shows.
func wallClock(at time.Time, zone *string) time.Time {
	if zone == nil {
		return at.UTC()
	}

	location, err := timezone.Load(*zone)
	if err != nil {
		return at.UTC()
	}

	return at.In(location)
}

// firstStart is when the first people may be written to; nil is at the launch.
func (d Draft) firstStart() *time.Time {
	if d.ScheduledAt == nil || !d.RecipientTime {
		return d.ScheduledAt
	}

	at := atWallClock(wallClock(*d.ScheduledAt, d.TimeZone), firstZone)

	return &at
}

// lastStart is when the time of the last people comes; nil is at the launch.
func (d Draft) lastStart() *time.Time {
	if d.ScheduledAt == nil || !d.RecipientTime {
		return d.ScheduledAt
	}

	at := atWallClock(wallClock(*d.ScheduledAt, d.TimeZone), lastZone)

	return &at
}

// firstStart is when a campaign's first people may be written to; nil is at the launch.
func firstStart(c *ent.Campaign) *time.Time { return draftOf(c).firstStart() }
