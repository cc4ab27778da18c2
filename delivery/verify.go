package delivery

import (
	"context"
	"fmt"
	"strings"

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
	rows, err := q.db.Query(ctx, "SELECT "+rowColumns+" FROM message")
	if err != nil {
		return nil, fmt.Errorf("recount: %w", err)
	}

	defer rows.Close()
	for rows.Next() {
		r := &row{}
		if err := r.scan(rows); err != nil {
			return nil, fmt.Errorf("recount: %w", err)
		}

		l.moved(nil, r)
	}

	if err := rows.Err(); err != nil {
		return nil, err
	}

	for _, check := range []func(context.Context, *ledger) ([]Difference, error){q.verifyCampaigns, q.verifySums,
		q.verifyLogs, q.verifyListing} {
		found, err := check(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("recount: %w", err)
		}

		differences = append(differences, found...)
	}

	return differences, nil
}

func (q *Queue) verifyCampaigns(ctx context.Context, l *ledger) (differences []Difference, err error) {
	rows, err := q.db.Query(ctx, "SELECT id, total, "+strings.Join(buckets, ", ")+" FROM campaign")
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var campaign uid.ID
		var total int
		have := make([]int, len(buckets))
		into := []any{&campaign, &total}
		for i := range have {
			into = append(into, &have[i])
		}

		if err := rows.Scan(into...); err != nil {
			return nil, err
		}

		want := l.campaigns[campaign]
		if want == nil {
			want = &[10]int{}
		}
		if total != l.totals[campaign] {
			differences = append(differences, Difference{fmt.Sprintf("total of %s", campaign), total, l.totals[campaign]})
		}

		for i, name := range buckets {
			if have[i] != want[i] {
				differences = append(differences, Difference{fmt.Sprintf("%s of %s", name, campaign), have[i], want[i]})
			}
		}
	}

	return differences, rows.Err()
}

func (q *Queue) verifySums(ctx context.Context, l *ledger) (differences []Difference, err error) {
	rows, err := q.db.Query(ctx,
		"SELECT organization_id, hour, account_id, phone_number_id, template_id, campaign_id, category, country, error_code, "+
			strings.Join(metrics, ", ")+" FROM statistic")
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var d dimensions
		have := make([]int, len(metrics))
		into := []any{&d.organization, &d.hour, &d.account, &d.phoneNumber, &d.template, &d.campaign, &d.category,
			&d.country, &d.errorCode}
		for i := range have {
			into = append(into, &have[i])
		}

		if err := rows.Scan(into...); err != nil {
			return nil, err
		}

		d.hour = d.hour.UTC()
		for _, n := range []*uid.ID{&d.template, &d.campaign} {
			if *n == none {
				*n = uid.ID{}
			}
		}

		want := l.sums[d]
		if want == nil {
			want = &[metricsEnd]int{}
		}

		delete(l.sums, d)
		for i, name := range metrics {
			if have[i] != want[i] {
				differences = append(differences, Difference{fmt.Sprintf("%s of %+v", name, d), have[i], want[i]})
			}
		}
	}

	for d, want := range l.sums {
		if *want != [metricsEnd]int{} {
			differences = append(differences, Difference{fmt.Sprintf("sums of %+v (missing)", d), 0, want[metricAccepted]})
		}
	}

	return differences, rows.Err()
}

func (q *Queue) verifyLogs(ctx context.Context, _ *ledger) (differences []Difference, err error) {
	rows, err := q.db.Query(ctx, `SELECT event_counter.id, event_counter.last, event_counter.expired, count(delivery_event.sequence), coalesce(max(delivery_event.sequence), event_counter.expired)
		FROM event_counter LEFT JOIN delivery_event ON delivery_event.organization_id = event_counter.id GROUP BY event_counter.id, event_counter.last, event_counter.expired`)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var organization uid.ID
		var last, expired, count, newest int
		if err := rows.Scan(&organization, &last, &expired, &count, &newest); err != nil {
			return nil, err
		}
		if newest != last {
			differences = append(differences, Difference{fmt.Sprintf("end of the log of %s", organization), newest, last})
		}

		if count != last-expired {
			differences = append(differences, Difference{fmt.Sprintf("entries in the log of %s", organization), count,
				last - expired})
		}
	}

	return differences, rows.Err()
}

func (q *Queue) verifyListing(ctx context.Context, _ *ledger) (differences []Difference, err error) {
	var messages, listed int
	err = q.db.QueryRow(ctx, `SELECT count(*), count(listing.id) FROM message LEFT JOIN listing ON listing.id = message.id AND listing.organization_id = message.organization_id
		AND listing.phone_number_id = message.phone_number_id AND coalesce(listing.campaign_id, listing.id) = coalesce(message.campaign_id, message.id)`).Scan(&messages, &listed)
	if listed != messages {
		differences = append(differences, Difference{"messages that lists find", listed, messages})
	}

	return differences, err
}
