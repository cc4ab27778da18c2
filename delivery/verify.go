package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Difference is a figure that is not what a recount gives.
type Difference struct {
	What       string
	Have, Want int
}

func (d Difference) String() string {
	return fmt.Sprintf("%s is %d, a recount gives %d", d.What, d.Have, d.Want)
}

// Verify counts every campaign and every hourly sum again from the messages, every log from its
// counter, and what lists find. It reads without locks: run it while nothing moves, or look again
// at what it reports.
func (q *Queue) Verify(ctx context.Context) (differences []Difference, err error) {
	l := newLedger(q.now())
	replied, err := q.firstAnswers(ctx)
	if err != nil {
		return nil, err
	}

	rows, err := q.db.Query(ctx, "SELECT "+rowColumns+" FROM message")
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		r := &row{}
		if err := r.scan(rows); err != nil {
			return err
		}

		l.moved(nil, r)
		if at, ok := replied[r.id]; ok {
			l.sum(r.statisticKey(metricReplied, at)).Replied++
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("recount: %w", err)
	}

	for _, check := range []func(context.Context, *ledger) ([]Difference, error){q.verifyCampaigns, q.verifySums,
		q.verifyLogs, q.verifyListing, q.verifyGroups} {
		found, err := check(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("recount: %w", err)
		}

		differences = append(differences, found...)
	}

	return differences, nil
}

func (q *Queue) verifyCampaigns(ctx context.Context, l *ledger) (differences []Difference, err error) {
	rows, err := q.db.Query(ctx, "SELECT id, "+costMicros+", coalesce("+costCurrency+", ''), total, "+
		strings.Join(buckets[:], ", ")+" FROM campaign")
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		have := campaignChange{}
		var cost amount
		into := []any{&have.id, &cost.micros, &cost.currency, &have.total}
		for i := range have.buckets {
			into = append(into, &have.buckets[i])
		}

		if err := rows.Scan(into...); err != nil {
			return err
		}

		want := l.change(uid.ID{}, have.id)
		if have.total != want.total {
			differences = append(differences, Difference{fmt.Sprintf("total of %s", have.id), have.total, want.total})
		}

		differences = append(differences, cost.verify(have.id.String(), want.costs)...)
		for i, name := range buckets {
			if have.buckets[i] != want.buckets[i] {
				differences = append(differences, Difference{fmt.Sprintf("%s of %s", name, have.id), have.buckets[i],
					want.buckets[i]})
			}
		}

		return nil
	})

	return differences, err
}

// recounted are the metrics that follow from messages: nobody can count opt-outs and clicks again.
var recounted = metrics[:metricOptedOut]

func (q *Queue) verifySums(ctx context.Context, l *ledger) (differences []Difference, err error) {
	names := []string{"organization_id", "hour", costMicros, "coalesce(" + costCurrency + ", '')"}
	for _, d := range dimensions {
		names = append(names, d.column)
	}

	for _, m := range metrics {
		names = append(names, m.column)
	}

	spent := l.costsOf()
	rows, err := q.db.Query(ctx, "SELECT "+strings.Join(names, ", ")+" FROM statistic")
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var key statisticKey
		var have Sums
		var cost amount
		into := []any{&key.organization, &key.hour, &cost.micros, &cost.currency}
		for _, d := range dimensions {
			into = append(into, d.into(&key.Group))
		}

		if err := rows.Scan(append(into, have.fields()...)...); err != nil {
			return err
		}

		key.hour, key.Group = key.hour.UTC(), key.known()
		want := l.sum(key)
		delete(l.sums, key)
		differences = append(differences, cost.verify(fmt.Sprintf("%+v", key), spent[key])...)
		delete(spent, key)

		for _, m := range recounted {
			if *m.of(&have) != *m.of(want) {
				differences = append(differences, Difference{fmt.Sprintf("%s of %+v", m.column, key), *m.of(&have),
					*m.of(want)})
			}
		}

		return nil
	})

	for key, want := range l.sums {
		if *want != (Sums{}) {
			differences = append(differences, Difference{fmt.Sprintf("sums of %+v (missing)", key), 0, want.Accepted})
		}
	}

	for key, want := range spent {
		differences = append(differences, amount{}.verify(fmt.Sprintf("%+v (missing)", key), want)...)
	}

	return differences, err
}

// verify compares the cost of something with a recount, in the currency in which it is counted.
func (a amount) verify(what string, want costs) []Difference {
	if a.currency == "" && len(want) > 0 {
		a.currency = want.sorted()[0].currency // what was charged is not counted at all
	} else if a.micros == want.in(a.currency) {
		return nil
	}

	return []Difference{{fmt.Sprintf("cost of %s, in millionths of %s,", what, a.currency), int(a.micros),
		int(want.in(a.currency))}}
}

func (q *Queue) verifyLogs(ctx context.Context, _ *ledger) (differences []Difference, err error) {
	rows, err := q.db.Query(ctx, `SELECT event_counter.id, event_counter.last, event_counter.expired,
		count(delivery_event.sequence), coalesce(max(delivery_event.sequence), event_counter.expired)
		FROM event_counter LEFT JOIN delivery_event ON delivery_event.organization_id = event_counter.id
		GROUP BY event_counter.id, event_counter.last, event_counter.expired`)

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var organization uid.ID
		var last, expired, count, newest int
		if err := rows.Scan(&organization, &last, &expired, &count, &newest); err != nil {
			return err
		}

		if newest != last {
			differences = append(differences, Difference{fmt.Sprintf("end of the log of %s", organization), newest, last})
		}

		if count != last-expired {
			differences = append(differences, Difference{fmt.Sprintf("entries in the log of %s", organization), count,
				last - expired})
		}

		return nil
	})

	return differences, err
}

func (q *Queue) verifyListing(ctx context.Context, _ *ledger) (differences []Difference, err error) {
	var messages, listed int
	err = q.db.QueryRow(ctx, `SELECT count(*), count(listing.id) FROM message LEFT
		JOIN listing ON listing.id = message.id AND listing.organization_id = message.organization_id
		AND listing.phone_number_id = message.phone_number_id AND coalesce(listing.campaign_id,
		listing.id) = coalesce(message.campaign_id, message.id) AND listing.type = message.type`).Scan(&messages, &listed)
	if listed != messages {
		differences = append(differences, Difference{"messages that lists find", listed, messages})
	}

	return differences, err
}

// verifyGroups compares who answered campaigns, and the groups of their people, with the answers
// and the messages.
func (q *Queue) verifyGroups(ctx context.Context, l *ledger) (differences []Difference, err error) {
	if err := q.recountReplies(ctx, l); err != nil {
		return nil, err
	}

	rows, err := q.db.Query(ctx, "SELECT id, replied FROM campaign")
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id uid.ID
		var have int
		if err := rows.Scan(&id, &have); err != nil {
			return err
		}
		if want := l.change(uid.ID{}, id).replied; have != want {
			differences = append(differences, Difference{fmt.Sprintf("replied of %s", id), have, want})
		}

		return nil
	})
	if err != nil {
		return nil, err
	}

	rows, err = q.db.Query(ctx, "SELECT campaign_id, kind, name, people FROM campaign_count")
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id uid.ID
		var key countKey
		var have int
		if err := rows.Scan(&id, &key.kind, &key.name, &have); err != nil {
			return err
		}

		c := l.change(uid.ID{}, id)
		if want := c.counts[key]; have != want {
			differences = append(differences, Difference{fmt.Sprintf("%s %s of %s", key.kind, key.name, id), have, want})
		}

		delete(c.counts, key)

		return nil
	})

	for id, c := range l.campaigns {
		for key, want := range c.counts {
			differences = append(differences, Difference{fmt.Sprintf("%s %s of %s (missing)", key.kind, key.name, id), 0,
				want})
		}
	}

	return differences, err
}

// firstAnswers tells when the first answers to messages were written.
func (q *Queue) firstAnswers(ctx context.Context) (map[uid.ID]time.Time, error) {
	rows, err := q.db.Query(ctx, `SELECT reply.message_id, message.sent_at, message.created_at FROM reply
		JOIN message ON message.id = reply.id WHERE reply.first`)
	written, err := database.CollectMap(rows, err, func(rows *sql.Rows) (message uid.ID, at time.Time, err error) {
		var sent *time.Time
		err = rows.Scan(&message, &sent, &at)
		return message, *first(sent, &at), err
	})
	if err != nil {
		return nil, fmt.Errorf("recount first answers: %w", err)
	}

	return written, nil
}

// recountReplies counts answers again: of each message the first, and each button once.
func (q *Queue) recountReplies(ctx context.Context, l *ledger) error {
	rows, err := q.db.Query(ctx, `SELECT campaign_id, message_id, coalesce(button, '') FROM reply
		WHERE campaign_id IS NOT NULL`)
	answered, pressed := map[uid.ID]bool{}, map[press]bool{}

	return database.Each(rows, err, func(rows *sql.Rows) error {
		var campaign uid.ID
		var p press
		if err := rows.Scan(&campaign, &p.message, &p.title); err != nil {
			return err
		}

		c := l.change(uid.ID{}, campaign)
		if !answered[p.message] {
			answered[p.message] = true
			c.replied++
		}
		if p.title != "" && !pressed[p] {
			pressed[p] = true
			c.count(enum.CampaignCountKindButton, p.title, 1)
		}

		return nil
	})
}
