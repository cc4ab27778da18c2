package audience

import (
	"context"
	"fmt"
	"strings"

	"entgo.io/ent/dialect/sql"

	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/ent/suppression"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxSuppressions = 10_000 // of one call
	maxReasonText   = 256    // characters
	namedNumbers    = 100    // numbers that cannot be read and are named in one answer
)

// suppressed is a number to be put on the suppression list.
type suppressed struct{ phone, key string }

// Suppress puts numbers on the suppression list of the caller's organization, and returns how many
// of them were not there. Nothing is written to them from the next claim on, whatever is queued. If
// one cannot be read, none is put there.
func (s *Service) Suppress(ctx context.Context, phones []string, reason *string) (added *int, err error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	numbers, in := readSuppressions(phones)
	if given(reason) != nil {
		note(&in, "reason", checkText("the reason", *reason, maxReasonText))
	}
	if err := in.Err(); err != nil {
		return nil, err
	}

	n := 0
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		statement, args := suppressionColumns.Insertion(tx.DB, "suppression", numbers, owner, given(reason), s.moment())
		done, err := tx.ExecContext(ctx, statement+" ORDER BY f.number_key ON CONFLICT DO NOTHING", args...)
		if err != nil {
			return fmt.Errorf("suppress %d numbers: %w", len(numbers), err)
		}

		rows, err := done.RowsAffected()
		if n = int(rows); err != nil || n == 0 {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionSuppressionAdd, Subject: owner,
			Summary: fmt.Sprintf("put %d numbers on the suppression list", n)})
	})
	if err != nil {
		return nil, err
	}

	return &n, nil
}

// suppressionColumns are of numbers that the organization $1 suppresses for the reason $2 at $3.
var suppressionColumns = database.Columns[suppressed]{
	database.Col("id", func(suppressed) uid.ID { return uid.New(uid.Suppression) }, database.IDs),
	database.Col("phone", func(n suppressed) string { return n.phone }, database.Texts),
	database.Col("number_key", func(n suppressed) string { return n.key }, database.Texts),
	database.Expr[suppressed]("organization_id", "$1"),
	database.Expr[suppressed]("reason", "$2"),
	database.Expr[suppressed]("created_at", "$3"),
}

// readSuppressions reads numbers as people write them, each once, and notes those that are none.
func readSuppressions(phones []string) (numbers []suppressed, in usererror.Fields) {
	switch {
	case len(phones) == 0:
		in.Add("phones", usererror.Required, "name at least one number")
	case len(phones) > maxSuppressions:
		in.Add("phones", usererror.LimitExceeded, "there are %d numbers; at most %d at once", len(phones), maxSuppressions)
		return nil, in
	}

	seen := map[string]bool{}
	for i, raw := range phones {
		phone, _, err := Phone(raw, "")
		if told := Address(unwritten(raw)); err != nil && told != "" && !IsUserID(told) && strings.HasPrefix(told, "+") {
			phone, err = told, nil // a number that no plan knows may still be one of WhatsApp's
		}
		if err != nil {
			in.Add(fmt.Sprintf("phones.%d", i), usererror.Invalid, "%s", err)
			if len(in) == namedNumbers {
				return nil, in
			}

			continue
		}

		if key := NumberKey(phone); !seen[key] {
			seen[key], numbers = true, append(numbers, suppressed{phone, key})
		}
	}

	return numbers, in
}

// Unsuppress takes a number off the suppression list, and returns the entry's id. Messages that
// were skipped meanwhile stay so. Where its person was erased, it may be written to again as well.
func (s *Service) Unsuppress(ctx context.Context, id uid.ID) (*uid.ID, error) {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		entry, err := tx.Client.Suppression.Query().Where(suppression.ID(id), tx.DB.Locked).Only(ctx)
		if ent.IsNotFound(err) {
			return usererror.Missing("suppression")
		}
		if err != nil {
			return fmt.Errorf("read suppression: %w", err)
		}

		if err := tx.Client.Suppression.DeleteOneID(id).Exec(ctx); err != nil {
			return fmt.Errorf("take a number off the suppression list: %w", err)
		}
		if err := s.readmit(ctx, tx, entry.OrganizationID, entry.Phone); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionSuppressionRemove, Subject: id,
			Summary: "took " + audit.Ending(entry.Phone) + " off the suppression list"})
	})
	if err != nil {
		return nil, err
	}

	return &id, nil
}

// SuppressionPredicate is a search of the suppression list for ent's queries: by the beginning of a
// number, with or without its +, by the number in another form, or by words of the reason.
func SuppressionPredicate(search string) predicate.Suppression {
	return func(s *sql.Selector) {
		any := []*sql.Predicate{sql.ContainsFold(s.C(suppression.FieldReason), clean(search))}
		if digits := strings.TrimPrefix(unwritten(search), "+"); allDigits(digits) {
			any = append(any, sql.HasPrefix(s.C(suppression.FieldPhone), "+"+digits))
			if address := Address(digits); address != "" {
				any = append(any, sql.EQ(s.C(suppression.FieldNumberKey), NumberKey(address)))
			}
		}

		s.Where(sql.Or(any...))
	}
}

// Suppressed says which of some contacts have a number on the suppression list, in one statement.
func (s *Service) Suppressed(ctx context.Context, contacts []uid.ID) (map[uid.ID]bool, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	from, args := s.db.Rowset([]any{owner}, database.IDs("id", contacts))
	rows, err := s.db.Query(ctx, "SELECT f.id FROM "+from+" CROSS JOIN contact WHERE contact.id = f.id AND"+
		" contact.organization_id = $1 AND "+delivery.Suppresses("$1")+" AND "+delivery.SuppressedContact("contact.id"),
		args...)
	found, err := database.ScanIDs(rows, err)
	if err != nil {
		return nil, fmt.Errorf("see who is suppressed: %w", err)
	}

	suppressed := make(map[uid.ID]bool, len(found))
	for _, id := range found {
		suppressed[id] = true
	}

	return suppressed, nil
}

// IsSuppressed reports whether nothing may be written to somebody whom a caller means: by the list,
// or since they were erased.
func IsSuppressed(ctx context.Context, tx *database.Tx, erased *delivery.Erased, organization uid.ID,
	a Addressee) (bool, error) {
	client, asked := tx.Client, []delivery.Address{{Organization: organization, Value: a.Address}}
	keys := []string{NumberKey(a.Address)}
	if !a.ID.IsZero() {
		own, err := client.ContactIdentifier.Query().Where(contactidentifier.OrganizationID(organization),
			contactidentifier.ContactID(a.ID), contactidentifier.KindEQ(enum.IdentifierKindPhone)).Limit(mostAddresses).
			All(ctx)
		if err != nil {
			return false, fmt.Errorf("read the numbers of %s: %w", a.ID, err)
		}

		for _, n := range own {
			keys, asked = append(keys, n.Value), append(asked, delivery.Address{Organization: organization, Value: n.Value})
		}
	}

	found, err := client.Suppression.Query().Where(suppression.OrganizationID(organization),
		suppression.NumberKeyIn(keys...)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look into the suppression list: %w", err)
	}
	if found {
		return true, nil
	}

	gone, err := erased.When(ctx, tx.DB, tx.QueryContext, asked)

	return len(gone) > 0, err
}
