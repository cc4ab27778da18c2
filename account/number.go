package account

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
	"carillon/whatsapp"
)

// maxThroughputCap is Meta's highest throughput of a number, in messages per second.
const maxThroughputCap = 1000

// NumberChange is what a caller may change of a number.
type NumberChange struct {
	SetThroughputCap bool
	ThroughputCap    *int // messages per second, where it is to be set; nil takes the cap away
}

// UpdateNumber changes a number of the caller's organization. Lanes follow once what they have
// cached of it is over.
func (s *Service) UpdateNumber(ctx context.Context, id uid.ID, change NumberChange) (*ent.PhoneNumber, error) {
	if err := permit(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}

	n, err := s.db.Client.PhoneNumber.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("phone number")
	}
	if err != nil {
		return nil, fmt.Errorf("phone number %s: %w", id, err)
	}
	if !change.SetThroughputCap {
		return n, nil
	}

	said := "took the throughput cap off number "
	if most := change.ThroughputCap; most != nil {
		if *most < 1 || *most > maxThroughputCap {
			return nil, usererror.Refuse("throughputCap", usererror.Invalid,
				"the cap is 1 to %d messages a second, or null for none", maxThroughputCap)
		}

		said = fmt.Sprintf("set a throughput cap of %d for number ", *most)
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, n.OrganizationID, id) })
		err := tx.Client.PhoneNumber.UpdateOneID(id).ClearThroughputCap().SetNillableThroughputCap(change.ThroughputCap).
			Exec(ctx)
		if err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: n.OrganizationID,
			Action: audit.ActionPhoneNumberUpdate, Subject: id, Summary: said + audit.Ending(n.DisplayNumber)})
	})
	if err != nil {
		return nil, fmt.Errorf("change phone number %s: %w", id, err)
	}

	if n, err = s.db.Client.PhoneNumber.Get(ctx, id); err != nil {
		return nil, fmt.Errorf("phone number %s: %w", id, err)
	}

	return n, nil
}

var numberMetaID = database.Col("meta_id", func(n whatsapp.PhoneNumber) string { return n.ID }, database.Texts)

// numberColumns are of numbers of the account $2 of the organization $1.
var numberColumns = database.Columns[whatsapp.PhoneNumber]{
	database.Col("id", func(whatsapp.PhoneNumber) uid.ID { return uid.New(uid.PhoneNumber) }, database.IDs),
	numberMetaID,
	database.Col("display_number", func(n whatsapp.PhoneNumber) string { return n.DisplayPhoneNumber }, database.Texts),
	database.Col("verified_name", func(n whatsapp.PhoneNumber) string { return n.VerifiedName }, database.Texts),
	database.Col("quality_rating", func(n whatsapp.PhoneNumber) enum.QualityRating { return quality(n.QualityRating) },
		database.Texts),
	database.Col("status", func(n whatsapp.PhoneNumber) string { return cmp.Or(strings.ToUpper(n.Status), "UNKNOWN") },
		database.Texts),
	database.Col("throughput", whatsapp.PhoneNumber.PerSecond, database.Ints),
	database.Expr[whatsapp.PhoneNumber]("organization_id", "$1"),
	database.Expr[whatsapp.PhoneNumber]("account_id", "$2"),
}

// putNumbers stores an account's numbers as Meta lists them, where no later reading is stored, and
// returns the ids of those that are new or changed. One that is listed no more stays, for the
// messages that name it. The account's row is locked.
func (s *Service) putNumbers(ctx context.Context, tx *database.Tx, a *ent.Account,
	read reading) (changed []uid.ID, err error) {
	if a.NumbersReadAt != nil && a.NumbersReadAt.After(read.began) {
		return nil, nil
	}
	if err := tx.Client.Account.UpdateOneID(a.ID).SetNumbersReadAt(read.began).Exec(ctx); err != nil {
		return nil, fmt.Errorf("store phone numbers: %w", err)
	}

	before, err := numberStatuses(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}

	account, organization, numbers := a.ID, a.OrganizationID, read.numbers
	// In one order in every transaction, so that two of them cannot wait for each other.
	numbers = slices.SortedFunc(slices.Values(numbers),
		func(a, b whatsapp.PhoneNumber) int { return cmp.Compare(a.ID, b.ID) })
	numbers = slices.CompactFunc(numbers, func(a, b whatsapp.PhoneNumber) bool { return a.ID == b.ID })
	statement, args := numberColumns.Insertion(tx.DB, "phone_number", numbers, organization, account)

	changed, err = database.ScanIDs(tx.QueryContext(ctx, statement+`
		ON CONFLICT (account_id, meta_id) DO UPDATE SET display_number = excluded.display_number, verified_name =
		excluded.verified_name,
			quality_rating = excluded.quality_rating, status = excluded.status, throughput = excluded.throughput
		WHERE phone_number.display_number <> excluded.display_number OR phone_number.verified_name <> excluded.verified_name
			OR phone_number.quality_rating <> excluded.quality_rating OR phone_number.status <> excluded.status
			OR phone_number.throughput <> excluded.throughput
		RETURNING id`, args...))
	if err != nil {
		return nil, fmt.Errorf("store phone numbers: %w", err)
	}

	from, args := tx.DB.Rowset([]any{account, numberDeleted}, numberMetaID.Values(numbers))
	gone, err := database.ScanIDs(tx.QueryContext(ctx, `UPDATE phone_number SET status = $2 WHERE account_id = $1
		AND status <> $2
		AND meta_id NOT IN (SELECT f.meta_id FROM `+from+`) RETURNING id`, args...))
	if err != nil {
		return nil, fmt.Errorf("mark phone numbers that are gone: %w", err)
	}

	changed = append(changed, gone...)

	return changed, s.tellOfNumbers(ctx, tx, changed, before)
}

// numberStatuses are the statuses of an account's numbers, by their ids.
func numberStatuses(ctx context.Context, tx *database.Tx, account uid.ID) (map[uid.ID]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, status FROM phone_number WHERE account_id = $1", account)
	all, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, status string, err error) {
		return id, status, rows.Scan(&id, &status)
	})
	if err != nil {
		return nil, fmt.Errorf("read the statuses of phone numbers: %w", err)
	}

	return all, nil
}

// tellOfNumbers has webhooks tell of numbers that have another status. One that is listed for the
// first time is no news.
func (s *Service) tellOfNumbers(ctx context.Context, tx *database.Tx, changed []uid.ID,
	before map[uid.ID]string) error {
	if len(changed) == 0 || len(before) == 0 {
		return nil
	}

	numbers, err := tx.Client.PhoneNumber.Query().Where(phonenumber.IDIn(changed...)).All(ctx)
	if err != nil {
		return fmt.Errorf("read phone numbers that changed: %w", err)
	}

	var events []webhook.Event
	for _, n := range numbers {
		if from, known := before[n.ID]; known && from != n.Status {
			events = append(events, webhook.NumberChanged(n, from, s.now()))
		}
	}

	return webhook.Tell(ctx, tx, events...)
}

func quality(s string) enum.QualityRating {
	if q := enum.QualityRating(strings.ToUpper(s)); slices.Contains(q.Values(), string(q)) {
		return q
	}
	return enum.QualityRatingUnknown
}
