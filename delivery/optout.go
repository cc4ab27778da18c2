package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/database"
	"carillon/uid"
)

// OptOut is a person who opted out, and in answer to what, as far as that is known.
type OptOut struct {
	Organization, Account, PhoneNumber, Template, Campaign uid.ID
	At                                                     time.Time
}

// Count adds the person to the hour's sums, in the transaction that notes the opt-out. So each is counted once, though these sums
// cannot be derived again from messages as the others can.
func (o OptOut) Count(ctx context.Context, tx *database.Tx, country string) error {
	dimensions := "organization_id, hour, account_id, phone_number_id, template_id, campaign_id, category, country, error_code"
	_, err := tx.ExecContext(ctx, "INSERT INTO statistic (id, "+dimensions+", "+strings.Join(metrics, ", ")+", opted_out) VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, 0"+
		strings.Repeat(", 0", len(metrics))+", 1) ON CONFLICT ("+dimensions+") DO UPDATE SET opted_out = statistic.opted_out + 1",
		uid.New(uid.Statistic), o.Organization, o.At.UTC().Truncate(time.Hour), orNone(o.Account), orNone(o.PhoneNumber), orNone(o.Template), orNone(o.Campaign), country)
	if err != nil {
		return fmt.Errorf("count an opt-out: %w", err)
	}
	return nil
}
