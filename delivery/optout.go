package delivery

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/uid"
)

// OptOut is a person who opted out, and in answer to what, as far as that is known.
type OptOut struct {
	Organization, Account, PhoneNumber, Template, Campaign uid.ID

	Country string // the person's
	At      time.Time
}

// statisticKey is that of the sum in which the opt-out counts.
func (o OptOut) statisticKey() statisticKey {
	return statisticKey{o.Organization, o.At.UTC().Truncate(time.Hour), Group{Account: o.Account,
		PhoneNumber: o.PhoneNumber, Template: o.Template, Campaign: o.Campaign, Country: o.Country}}
}

// CountOptOuts adds people to the hour's sums, in the transaction that records their consent. So
// each is counted once, though these sums cannot be derived again from messages as the others can.
// It takes the ledger's locks, and belongs at the end.
func CountOptOuts(ctx context.Context, tx *database.Tx, all ...OptOut) error {
	l := newLedger(time.Time{})
	l.optedOut(all)
	if err := tx.Together(ctx, l.addSums(tx.DB)...); err != nil {
		return fmt.Errorf("count opt-outs: %w", err)
	}

	return nil
}
