package delivery

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/timezone"
	"carillon/uid"
)

// holdAhead is how many of the next messages a claim looks at for those of a zone in which it found
// quiet hours. The claims that follow do not meet them.
const holdAhead = 2000

// QuietHours are the local hours in which an organization sends no marketing. Nil is none.
type QuietHours struct {
	start, end time.Duration // since midnight
	otherwise  string        // the zone of people of whom none is known
}

// QuietHoursOf are those of an organization's policy.
func QuietHoursOf(o *ent.Organization) *QuietHours {
	if o == nil || o.SendingPolicy.QuietHours == nil {
		return nil
	}

	start, end, ok := o.SendingPolicy.QuietHours.Minutes()
	if !ok {
		return nil
	}

	return &QuietHours{time.Duration(start) * time.Minute, time.Duration(end) * time.Minute,
		cmp.Or(o.TimeZone, time.UTC.String())}
}

// Until is the first moment from at on that is outside of the quiet hours in a zone: at itself
// where it is no quiet hour now. Hours are what the zone's clocks show, so one that daylight saving
// takes away ends them early, and one that it repeats may be quiet twice.
func (h *QuietHours) Until(zone string, at time.Time) time.Time {
	if h == nil {
		return at
	}

	location := h.location(zone)
	for {
		local := at.In(location)
		hour, minute, second := local.Clock()
		shown := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
			time.Duration(second)*time.Second + time.Duration(local.Nanosecond())
		if !h.quiet(shown) {
			return at.UTC()
		}

		left := h.end - shown
		if left <= 0 {
			left += 24 * time.Hour
		}

		end := at.Add(left)
		_, shift := local.ZoneBounds() // until then, clocks go on steadily
		if shift.IsZero() || end.Before(shift) {
			return end.UTC()
		}

		at = shift
	}
}

// Begin is the first moment from at on that is within the quiet hours in a zone.
func (h *QuietHours) Begin(zone string, at time.Time) time.Time {
	between := QuietHours{h.end, h.start, h.otherwise}
	return between.Until(zone, at)
}

// quiet reports whether a time of day is within the quiet hours, which may go over midnight.
func (h *QuietHours) quiet(shown time.Duration) bool {
	if h.start < h.end {
		return h.start <= shown && shown < h.end
	}
	return shown >= h.start || shown < h.end
}

// zones are the IANA's that were asked for, by name. There are some six hundred.
var zones sync.Map

// location is a zone, or the organization's where the name is none.
func (h *QuietHours) location(name string) *time.Location {
	for _, name := range []string{name, h.otherwise} {
		if known, ok := zones.Load(name); ok {
			return known.(*time.Location)
		}
		if read, err := timezone.Load(name); err == nil {
			zones.Store(name, read)
			return read
		}
	}

	return time.UTC
}

// Hold moves a message of marketing that could go now, but within its person's quiet hours, to
// their end. One whose own time comes later is held by a claim, if need be.
func (h *QuietHours) Hold(m *Outgoing, now time.Time) {
	if h == nil || m.Category != enum.TemplateCategoryMarketing || m.Skip != "" || m.NotBefore.After(now) {
		return
	}

	if m.TimeZone == "" { // what is held is found by its zone
		m.TimeZone = h.otherwise
	}

	if until := h.Until(m.TimeZone, now); until.After(now) {
		if m.HeldFrom = m.NotBefore; m.NotBefore.IsZero() {
			m.HeldFrom = now
		}

		m.NotBefore = until
	}
}

// heldMessage is a claimed message that is to wait for the end of its person's quiet hours.
type heldMessage struct {
	id    uid.ID
	zone  string
	until time.Time
}

// rests notes a message of marketing whose person has quiet hours now.
func (t *taking) rests(id uid.ID, zone *string) bool {
	in := t.quiet.otherwise
	if zone != nil {
		in = *zone
	}

	until := t.quiet.Until(in, t.now)
	if !until.After(t.now) {
		return false
	}

	t.resting = append(t.resting, heldMessage{id, in, until})

	return true
}

// hold puts what a look has claimed within quiet hours back into the queue until these end, and
// with it those of the owner's next messages that are in the same zones: one statement each,
// however many they are.
func (t *taking) hold(ctx context.Context, of sender, owner uid.ID) error {
	held := t.resting
	if t.held += len(held); len(held) == 0 {
		return nil
	}

	ids, until, zone := make([]uid.ID, len(held)), make([]time.Time, len(held)), make([]string, len(held))
	ends := map[string]time.Time{}
	for i, m := range held {
		ids[i], until[i], zone[i] = m.id, m.until, m.zone
		ends[m.zone] = m.until
	}

	set, args := t.DB.Rowset(nil, database.IDs("id", ids), database.Times("until", until), database.Texts("zone", zone))
	_, err := t.ExecContext(ctx, `UPDATE message SET status = 'QUEUED', attempts = attempts - 1, lease_until = NULL,
		claim_id = NULL, claim_part = NULL, held_from = not_before, not_before = f.until, time_zone = f.zone
		FROM `+set+` WHERE message.id = f.id`, args...)
	if err != nil {
		return fmt.Errorf("hold %d messages: %w", len(held), err)
	}

	zone, until = zone[:0], until[:0]
	for z, end := range ends {
		zone, until = append(zone, z), append(until, end)
	}

	set, args = t.DB.Rowset([]any{owner, t.now, holdAhead, t.quiet.otherwise},
		database.Texts("zone", zone), database.Times("until", until))
	_, err = t.ExecContext(ctx, `UPDATE message SET held_from = message.not_before, not_before = due.until,
			time_zone = due.zone
		FROM (SELECT ahead.id, ahead.zone, (SELECT f.until FROM `+set+` WHERE f.zone = ahead.zone) AS until FROM
			(SELECT id, coalesce(time_zone, $4) AS zone FROM message WHERE `+of.messages+` AND status = 'QUEUED'
				AND not_before <= $2 ORDER BY not_before, id LIMIT $3`+t.DB.SkipLocked()+`) AS ahead) AS due
		WHERE message.id = due.id AND due.until IS NOT NULL AND `+of.category+` = 'MARKETING'`, args...)
	if err != nil {
		return fmt.Errorf("hold what is behind %d messages: %w", len(held), err)
	}

	return nil
}

// waiting is a zone in which messages of an organization are held, and until when at most.
type waiting struct {
	organization uid.ID
	zone         string
	until        time.Time
}

// ReleaseHeld lets the messages go earlier that are held longer than the quiet hours last by now:
// somebody has shortened them, or taken them away. It looks at what is held and by which hours it
// would be, so that it also finds what a worker held by the hours that were.
func (q *Queue) ReleaseHeld(ctx context.Context) (n int, err error) {
	now := q.now()
	held, err := q.heldZones(ctx)
	if err != nil || len(held) == 0 {
		return 0, err
	}

	owners := map[uid.ID]*ent.Organization{}
	for _, w := range held {
		o := owners[w.organization]
		if o == nil {
			o, err = q.db.Client.Organization.Get(caller.System(ctx), w.organization)
			if ent.IsNotFound(err) { // it is being erased, and its messages with it
				continue
			}
			if err != nil {
				return n, fmt.Errorf("read organization: %w", err)
			}

			owners[w.organization] = o
		}

		until := QuietHoursOf(o).Until(w.zone, now)
		if !w.until.After(until) {
			continue
		}

		released, err := q.release(ctx, w, until, until.After(now))
		if n += released; err != nil {
			return n, fmt.Errorf("release messages of %s in %s: %w", w.organization, w.zone, err)
		}
	}

	return n, nil
}

// isHeld is the condition of the index message_held.
const isHeld = "message.status = 'QUEUED' AND message.held_from IS NOT NULL"

// heldZones are the zones in which messages are held. It goes along the index from one to the next,
// so that it costs as much as there are zones, whatever many messages wait in them.
func (q *Queue) heldZones(ctx context.Context) ([]waiting, error) {
	const next = "(SELECT message.organization_id FROM message WHERE " + isHeld + " AND message.organization_id > %s" +
		" ORDER BY message.organization_id LIMIT 1)"
	const nextZone = "(SELECT message.time_zone FROM message WHERE " + isHeld +
		" AND message.organization_id = owner.id AND message.time_zone > %s ORDER BY message.time_zone LIMIT 1)"
	rows, err := q.db.Query(ctx, `WITH RECURSIVE owner AS (SELECT `+fmt.Sprintf(next, "$1")+` AS id
			UNION ALL SELECT `+fmt.Sprintf(next, "owner.id")+` FROM owner WHERE owner.id IS NOT NULL),
		held AS (SELECT owner.id, `+fmt.Sprintf(nextZone, "''")+` AS zone FROM owner WHERE owner.id IS NOT NULL
			UNION ALL SELECT owner.id, `+fmt.Sprintf(nextZone, "owner.zone")+`
				FROM held AS owner WHERE owner.zone IS NOT NULL)
		SELECT held.id, held.zone, (SELECT message.not_before FROM message WHERE `+isHeld+`
			AND message.organization_id = held.id AND message.time_zone = held.zone
			ORDER BY message.not_before DESC LIMIT 1) FROM held WHERE held.zone IS NOT NULL`, uid.ID{})

	held, err := database.Collect(rows, err, func(rows *sql.Rows) (w waiting, err error) {
		var until database.NullTime
		err = rows.Scan(&w.organization, &w.zone, &until)
		w.until = until.Time

		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for messages that are held: %w", err)
	}

	return held, nil
}

// release moves what is held beyond a moment to it, or, once no quiet hours hold it, to the time
// from which it was held; page by page, so that no lock is held for long.
func (q *Queue) release(ctx context.Context, w waiting, until time.Time, quiet bool) (n int, err error) {
	to := "not_before = message.held_from, held_from = NULL"
	if quiet {
		to = "not_before = $3"
	}

	for {
		var moved int64
		err := q.db.InTx(ctx, func(tx *database.Tx) error {
			result, err := tx.ExecContext(ctx, `UPDATE message SET `+to+` FROM (SELECT id FROM message WHERE `+isHeld+`
					AND organization_id = $1 AND time_zone = $2 AND not_before > $3 ORDER BY not_before LIMIT $4`+
				q.db.SkipLocked()+`) AS late WHERE message.id = late.id`, w.organization, w.zone, until, sweepPage)
			if err != nil {
				return err
			}

			moved, err = result.RowsAffected()

			return err
		})

		if n += int(moved); err != nil || moved < sweepPage {
			return n, err
		}
	}
}
