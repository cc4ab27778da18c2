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

func (o OptOut) dimensions() dimensions {
	return dimensions{organization: o.Organization, account: o.Account, phoneNumber: o.PhoneNumber, template: o.Template,
		campaign: o.Campaign,
		hour:     o.At.UTC().Truncate(time.Hour), country: o.Country}
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
