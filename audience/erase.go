package audience

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/uid"
	"carillon/usererror"
)

// tailDigits is by how many of its last digits a number is known again in a text: so many are the
// same in the forms of its country.
const tailDigits = 8

// Removed is who was removed, or may be: all by which they are known.
type Removed struct {
	Addresses []string `json:"addresses"` // every spelling of their numbers, and their user ids
	Former    []string `json:"former"`    // those that they had once: by now they may be others'
	Names     []string `json:"names"`     // theirs, and their user name
}

// NamedIn reports whether a text names the person: by a number in whatever form, by a user id, or
// by nothing but their name.
func (r *Removed) NamedIn(text string) bool {
	if slices.ContainsFunc(r.Names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(text), name) }) {
		return true
	}

	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \u00a0-.()/", r) {
			return -1
		}
		return r
	}, text)

	for _, address := range slices.Concat(r.Addresses, r.Former) {
		if digits, is := strings.CutPrefix(address, "+"); is {
			address = digits[max(0, len(digits)-tailDigits):]
		}
		if address != "" && strings.Contains(bare, address) {
			return true
		}
	}

	return false
}

// Remove deletes a contact with its numbers and user ids, lists and tags, and what the suppression
// list has of them, in the caller's transaction. From its commit on nobody finds them, and no
// audience has them. What else is kept under the contact's id is the caller's to erase. Whoever
// writes rows with the ids of contacts waits for the commit, or is waited for.
func (s *Service) Remove(ctx context.Context, tx *database.Tx, owner, id uid.ID) (*Removed, error) {
	if err := tx.Exclusive(ctx, peopleOf(owner)); err != nil {
		return nil, err
	}

	c, err := tx.Client.Contact.Query().Where(contact.ID(id), contact.OrganizationID(owner), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("contact")
	}
	if err != nil {
		return nil, fmt.Errorf("read contact %s: %w", id, err)
	}

	known, err := knownBy(ctx, tx.QueryContext, c)
	if err != nil {
		return nil, err
	}

	numbers, args := tx.DB.Rowset([]any{owner}, database.Texts("address", known.Addresses))
	for _, statement := range []struct {
		query string
		args  []any
	}{
		{"DELETE FROM list_member WHERE contact_id = $1", []any{id}},
		{"DELETE FROM contact_tag WHERE contact_id = $1", []any{id}},
		{"DELETE FROM contact_identifier WHERE contact_id = $1", []any{id}},
		{"DELETE FROM former_identifier WHERE contact_id = $1", []any{id}},
		{"DELETE FROM suppression WHERE organization_id = $1 AND number_key IN (SELECT address FROM " + numbers + ")", args},
		{"DELETE FROM contact WHERE id = $1", []any{id}},
	} {
		if _, err := tx.ExecContext(ctx, statement.query, statement.args...); err != nil {
			return nil, fmt.Errorf("remove contact %s: %w", id, err)
		}
	}

	return known, nil
}

// Known is by what a contact is known now.
func (s *Service) Known(ctx context.Context, c *ent.Contact) (*Removed, error) {
	return knownBy(ctx, s.db.Query, c)
}

// knownBy gathers by what a person is known.
func knownBy(ctx context.Context, read delivery.Reader, c *ent.Contact) (*Removed, error) {
	known := &Removed{Addresses: everySpelling(text(c.Phone), text(c.WaPhone), text(c.WaUserID)),
		Names: distinct(filled(text(c.Name), text(c.Username)))}
	rows, err := read(ctx, `SELECT value, coalesce(written, ''), false FROM contact_identifier
		WHERE contact_id = $1 AND kind <> 'CONTACT' UNION ALL SELECT value, '', true FROM former_identifier
		WHERE contact_id = $1 AND kind <> 'CONTACT'`, c.ID)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var value, written string
		var former bool
		if err := rows.Scan(&value, &written, &former); err != nil {
			return err
		}

		if former {
			known.Former = append(known.Former, everySpelling(value)...)
		} else {
			known.Addresses = append(known.Addresses, everySpelling(value, written)...)
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the identifiers of %s: %w", c.ID, err)
	}

	known.Addresses, known.Former = distinct(known.Addresses), distinct(known.Former)

	return known, nil
}

// everySpelling is addresses with every form in which the numbers among them may be written. One of
// a form that is yet to come stands as it is.
func everySpelling(addresses ...string) (all []string) {
	for _, a := range filled(addresses...) {
		if all = append(all, a); Address(a) != "" && !IsUserID(a) {
			all = append(all, Spellings(Address(a))...)
		}
	}

	return all
}

func filled(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
