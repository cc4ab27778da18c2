package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// toldAgain is how long a click is remembered, so that it counts once however often it is told:
// WhatsApp repeats webhooks for a week, and tells of clicks on the links of the last one.
const toldAgain = 30 * 24 * time.Hour

// Click is a click on a link of a marketing message. WhatsApp names neither the person nor the
// message, so it counts for the number alone.
type Click struct {
	Organization, Account, PhoneNumber uid.ID

	Fingerprint string // tells it from other clicks of the number
	At          time.Time
}

func (c Click) statisticKey() statisticKey {
	return statisticKey{c.Organization, c.At.UTC().Truncate(time.Hour), Group{Account: c.Account,
		PhoneNumber: c.PhoneNumber, Category: string(enum.TemplateCategoryMarketing)}}
}

// CountClicks adds clicks to the hours in which they were made, each once however often it is told.
// They are remembered in the same transaction, a page of them at a time.
func (q *Queue) CountClicks(ctx context.Context, clicks ...Click) error {
	for page := range slices.Chunk(clicks, sweepPage) {
		if err := q.db.InTx(ctx, func(tx *database.Tx) error { return countClicks(ctx, tx, page, q.now()) }); err != nil {
			return fmt.Errorf("count %d clicks: %w", len(page), err)
		}
	}

	return nil
}

func countClicks(ctx context.Context, tx *database.Tx, clicks []Click, now time.Time) error {
	byID := make(map[uid.ID]Click, len(clicks))
	ids := make([]uid.ID, len(clicks))
	for i, c := range clicks {
		ids[i] = uid.New(uid.LinkClick)
		byID[ids[i]] = c
	}

	columns := database.Columns[uid.ID]{
		database.Col("id", func(id uid.ID) uid.ID { return id }, database.IDs),
		database.Col("organization_id", func(id uid.ID) uid.ID { return byID[id].Organization }, database.IDs),
		database.Col("phone_number_id", func(id uid.ID) uid.ID { return byID[id].PhoneNumber }, database.IDs),
		database.Col("fingerprint", func(id uid.ID) string { return byID[id].Fingerprint }, database.Texts),
	}

	statement, args := columns.Insertion(tx.DB, "link_click", ids)
	fresh, err := database.ScanIDs(tx.QueryContext(ctx, statement+
		" ORDER BY f.phone_number_id, f.fingerprint ON CONFLICT (organization_id, phone_number_id, fingerprint)"+
		" DO NOTHING RETURNING id", args...))
	if err != nil {
		return err
	}

	l := newLedger(now)
	for _, id := range fresh {
		c := byID[id]
		c.At = notAfter(c.At, now)
		l.sum(c.statisticKey()).Clicked++
	}

	return tx.Together(ctx, l.addSums(tx.DB)...)
}

// SweepClicks forgets clicks that nobody tells again.
func (q *Queue) SweepClicks(ctx context.Context) error {
	return q.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM link_click WHERE id < $1", uid.From(q.now().Add(-toldAgain)))
		if err != nil {
			return fmt.Errorf("forget clicks: %w", err)
		}

		return nil
	})
}
