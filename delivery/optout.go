package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/uid"
)

// OptOut is a person who opted out, and in answer to what, as far as that is known.
type OptOut struct {
	Organization, Account, PhoneNumber, Template, Campaign uid.ID

	Contact uid.ID // zero where nobody knows them
	Country string // the person's
	At      time.Time
}

// answersWithin is how long after a campaign's message an opt-out counts as an answer to it.
const answersWithin = 72 * time.Hour

// statisticKey is that of the sum in which the opt-out counts.
func (o OptOut) statisticKey() statisticKey {
	return statisticKey{o.Organization, o.At.UTC().Truncate(time.Hour), Group{Account: o.Account,
		PhoneNumber: o.PhoneNumber, Template: o.Template, Campaign: o.Campaign, Country: o.Country}}
}

// CountOptOuts adds people to the hour's sums, and to what the brakes of campaigns judge by, in the
// transaction that records their consent. So each is counted once, though these sums cannot be
// derived again from messages as the others can. It takes the ledger's locks, and belongs at the
// end.
func CountOptOuts(ctx context.Context, tx *database.Tx, all ...OptOut) error {
	l := newLedger(time.Time{})
	if err := l.optedOut(ctx, tx, all); err != nil {
		return err
	}
	if err := tx.Together(ctx, slices.Concat(l.countCampaigns(tx.DB), l.addSums(tx.DB))...); err != nil {
		return fmt.Errorf("count opt-outs: %w", err)
	}

	return nil
}

// optedOut counts people who opted out. No message shows that, so nothing can recount it.
func (l *ledger) optedOut(ctx context.Context, tx *database.Tx, all []OptOut) error {
	if len(all) == 0 {
		return nil
	}

	answered, err := campaignsAnswered(ctx, tx, all)
	if err != nil {
		return fmt.Errorf("look for what opt-outs answer: %w", err)
	}

	for i, o := range all {
		l.sum(o.statisticKey()).OptedOut++
		if id := answered[i]; !id.IsZero() {
			c := l.change(o.Organization, id)
			c.answers = append(c.answers, optedOut)
		}
	}

	return nil
}

// campaignsAnswered is to which campaign each opt-out is an answer: to the one that it names, else
// to that of the person's latest message from the same number, if WhatsApp took that not long ago.
// Zero is none.
func campaignsAnswered(ctx context.Context, tx *database.Tx, all []OptOut) ([]uid.ID, error) {
	columns := database.Columns[int]{
		database.Col("place", func(i int) int { return i }, database.Ints),
		database.Col("organization_id", func(i int) uid.ID { return all[i].Organization }, database.IDs),
		database.Col("phone_number_id", func(i int) uid.ID { return all[i].PhoneNumber }, database.IDs),
		database.Col("contact_id", func(i int) uid.ID { return all[i].Contact }, database.IDs),
		database.Col("since", func(i int) time.Time { return all[i].At.Add(-answersWithin) }, database.Times),
		database.Col("until", func(i int) time.Time { return all[i].At }, database.Times),
	}

	answered, unnamed := make([]uid.ID, len(all)), []int{}
	for i, o := range all {
		if answered[i] = o.Campaign; o.Campaign.IsZero() && !o.Contact.IsZero() {
			unnamed = append(unnamed, i)
		}
	}

	if len(unnamed) == 0 {
		return answered, nil
	}

	from, args := tx.DB.Rowset(nil, columns.Of(unnamed)...)
	rows, err := tx.QueryContext(ctx, `SELECT f.place, (SELECT l.campaign_id FROM listing l
			JOIN message m ON m.id = l.id
			WHERE l.contact_id = f.contact_id AND l.organization_id = f.organization_id
			AND l.phone_number_id = f.phone_number_id AND m.accepted_at >= f.since AND m.accepted_at <= f.until
			ORDER BY l.id DESC LIMIT 1)
		FROM `+from, args...)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var place int
		var campaign uid.ID
		if err := rows.Scan(&place, &campaign); err != nil {
			return err
		}

		answered[place] = campaign

		return nil
	})

	return answered, err
}
