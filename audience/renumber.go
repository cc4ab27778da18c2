package audience

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// Renumbered is a person who took another number, or got another user id. With another number they
// get another user id, too. What is not known is empty.
type Renumbered struct {
	Organization uid.ID

	From, FromUserID, To, ToUserID string
	At                             time.Time // by WhatsApp's clock; zero is now
}

// Renumber lets a contact follow its person to another number or user id, with all that is kept of
// them, in the caller's transaction. From that time on the old ones are nobody's, and what is told
// late of the time before is still about this person. Whoever has the new ones is the same person,
// and is merged with them. The service window shuts unless they wrote from the new number: it was
// the old number's.
//
// Told again, nothing changes. Nor does anything of a contact that came to the old number after
// that time. It makes nobody a contact.
func (s *Service) Renumber(ctx context.Context, tx *database.Tx, r Renumbered) (Person, error) {
	now := s.moment()
	if r.At.IsZero() || r.At.After(now.Add(clockSkew)) {
		r.At = now
	}

	r.At = database.Moment(r.At)
	old := read(Identity{Organization: r.Organization, Phone: r.From, UserID: r.FromUserID, At: r.At})
	news := read(Identity{Organization: r.Organization, Phone: r.To, UserID: r.ToUserID, At: r.At, Make: MakeStranger})
	leaving := leaves(old, news)
	if err := tx.Exclusive(ctx, peopleOf(r.Organization)); err != nil {
		return Person{}, err
	}

	before, err := holders(ctx, tx, old)
	if err != nil {
		return Person{}, fmt.Errorf("look for who has another number: %w", err)
	}

	if len(before) == 0 {
		if gone, err := s.erasedOf(ctx, tx, old); err != nil || gone {
			return Person{}, err
		}
	}

	news.people = before
	if len(leaving) == 0 { // it tells nothing new, or only the half of it
		news.Make = MakeNothing
	}

	res, err := resolve(ctx, tx, []told{news})
	if err != nil {
		return Person{}, fmt.Errorf("look for who has another number: %w", err)
	}

	res.now, res.erased = now, s.erased
	if err := res.write(ctx); err != nil {
		return Person{}, fmt.Errorf("give somebody another number: %w", err)
	}

	g := res.groups[0]
	if g.id.IsZero() {
		return Person{}, nil
	}
	if err := leave(ctx, tx, g.id, r.At, leaving); err != nil {
		return Person{}, fmt.Errorf("take the old number from %s: %w", g.id, err)
	}
	if g.contact == nil {
		return Person{ID: g.id}, nil
	}

	return Person{ID: g.id, Contact: g.contact}, rewrite(ctx, tx, g.contact, news)
}

// leaves are the identifiers that a person no longer has. Another number takes the user id with it;
// another user id leaves the number.
func leaves(old, news told) (leaving []identifier) {
	brings := func(kind enum.IdentifierKind) bool {
		return slices.ContainsFunc(news.identifiers, func(n identifier) bool {
			return n.kind == kind && !slices.Contains(old.identifiers, n)
		})
	}

	for _, i := range old.identifiers {
		if (brings(i.kind) || brings(enum.IdentifierKindPhone)) && !slices.Contains(news.identifiers, i) {
			leaving = append(leaving, i)
		}
	}

	return leaving
}

// holders are the people for whom the old identifiers were held at that time.
func holders(ctx context.Context, tx *database.Tx, old told) (people []uid.ID, err error) {
	r := &resolution{Tx: tx, told: []told{old}}
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}

	for _, i := range old.identifiers {
		if h, ok := found.of(i, old.At); ok && (h.former || !h.at.After(old.At)) {
			people = append(people, h.person)
		}
	}

	return people, nil
}

// leave takes identifiers from a person as of a time, and remembers whose they were.
func leave(ctx context.Context, tx *database.Tx, person uid.ID, at time.Time, leaving []identifier) error {
	for _, i := range leaving {
		_, err := tx.ExecContext(ctx,
			"DELETE FROM contact_identifier WHERE organization_id = $1 AND kind = $2 AND value = $3 AND contact_id = $4 "+
				"AND since <= $5",
			i.organization, i.kind, i.value, person, at)
		if err != nil {
			return err
		}

		_, err = tx.ExecContext(ctx,
			"INSERT INTO former_identifier (organization_id, kind, value, contact_id, until) VALUES ($1, $2, $3, $4, $5) "+
				"ON CONFLICT DO NOTHING",
			i.organization, i.kind, i.value, person, at)
		if err != nil {
			return err
		}
	}

	return nil
}

// rewrite shows on a contact what it has now, where it still shows what it has no longer.
func rewrite(ctx context.Context, tx *database.Tx, c *ent.Contact, news told) error {
	phones, userIDs, err := current(ctx, tx, c.ID)
	if err != nil {
		return fmt.Errorf("read the identifiers of %s: %w", c.ID, err)
	}

	was, moved := "a number that is not known", c.Phone != nil &&
		!slices.ContainsFunc(phones, func(p spelled) bool { return p.key == NumberKey(*c.Phone) })
	if c.Phone != nil {
		was = audit.Ending(*c.Phone)
	}
	if c.WaUserID != nil && !slices.Contains(userIDs, *c.WaUserID) {
		c.WaUserID = lastOf(userIDs)
	}

	if moved {
		c.Phone, c.WaPhone, c.Country = phones.last(), nil, nil
		if closes := c.ServiceWindowClosesAt; closes != nil && !closes.Add(-serviceWindow).After(news.At) {
			c.ServiceWindowClosesAt = nil
		}
	}

	if c.Phone != nil && moved {
		c.Country = nonEmpty(AddressCountry(*c.Phone))
	}

	_, err = tx.ExecContext(ctx,
		"UPDATE contact SET phone = $2, wa_phone = $3, wa_user_id = $4, country = $5, service_window_closes_at = $6 "+
			"WHERE id = $1",
		c.ID, c.Phone, c.WaPhone, c.WaUserID, c.Country, c.ServiceWindowClosesAt)
	if err != nil || !moved {
		return err
	}

	is := "no number that is known"
	if c.Phone != nil {
		is = "the number " + audit.Ending(*c.Phone)
	}

	entry := audit.Entry{Organization: c.OrganizationID, Action: audit.ActionContactUpdate, Subject: c.ID,
		Actor:   audit.System,
		Summary: fmt.Sprintf("contact %s has %s now, as WhatsApp tells", was, is)}
	tx.Last(func(ctx context.Context) error { return audit.Record(ctx, tx, entry) })

	return nil
}

// spelled is a number's key, and the number as it was told.
type spelled struct{ key, number string }

type spellings []spelled

// last is the number that was told last; nil for none.
func (s spellings) last() *string {
	if len(s) == 0 {
		return nil
	}
	return &s[0].number
}

func lastOf(userIDs []string) *string {
	if len(userIDs) == 0 {
		return nil
	}
	return &userIDs[0]
}

// nonEmpty is nil for an empty text.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// current are the numbers and the user ids that a person has, those first that were told last.
func current(ctx context.Context, tx *database.Tx, person uid.ID) (phones spellings, userIDs []string, err error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT kind, value, coalesce(written, value) FROM contact_identifier WHERE contact_id = $1 "+
			"ORDER BY since DESC, id DESC", person)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var kind enum.IdentifierKind
		var value, written string
		if err := rows.Scan(&kind, &value, &written); err != nil {
			return err
		}

		switch kind {
		case enum.IdentifierKindPhone:
			phones = append(phones, spelled{value, written})
		case enum.IdentifierKindUserID:
			userIDs = append(userIDs, value)
		}

		return nil
	})

	return phones, userIDs, err
}
