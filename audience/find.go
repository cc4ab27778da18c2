package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"carillon/ent"
	"carillon/ent/consentrecord"
	"carillon/ent/contact"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/uid"
)

// Found is who an address belongs to.
type Found struct {
	// ID is the contact's, or the id that is kept for somebody who is no contact yet; zero for nobody.
	ID uid.ID
	// Contact is nil for who is none.
	Contact *ent.Contact
	// Consent is that of the contact, or what somebody said who is none.
	Consent enum.Consent
}

// FindByAddress looks for whose a number or a user id is, in whatever spelling. It only reads; the
// client may be a transaction's. An address is what Address or Phone gives.
func FindByAddress(ctx context.Context, client *ent.Client, organization uid.ID, address string) (Found, error) {
	kind, value := enum.IdentifierKindPhone, NumberKey(address)
	if IsUserID(address) {
		kind, value = enum.IdentifierKindUserID, address
	}

	nobody := Found{Consent: enum.ConsentUnknown}
	held, err := client.ContactIdentifier.Query().Where(contactidentifier.OrganizationID(organization),
		contactidentifier.KindEQ(kind), contactidentifier.Value(value)).Only(ctx)
	if ent.IsNotFound(err) {
		return nobody, nil
	}
	if err != nil {
		return nobody, fmt.Errorf("look for an address: %w", err)
	}

	c, err := client.Contact.Query().Where(contact.ID(held.ContactID), contact.OrganizationID(organization)).Only(ctx)
	if err == nil {
		return Found{c.ID, c, c.MarketingConsent}, nil
	}
	if !ent.IsNotFound(err) {
		return nobody, fmt.Errorf("look for a contact: %w", err)
	}

	said, err := statements(ctx, client, held.ContactID)

	return Found{ID: held.ContactID, Consent: said.consent(enum.ConsentUnknown)}, err
}

func statements(ctx context.Context, client *ent.Client, person uid.ID) (h history, err error) {
	records, err := client.ConsentRecord.Query().Where(consentrecord.ContactID(person)).All(ctx)
	if err != nil {
		return h, fmt.Errorf("read consent records: %w", err)
	}

	for _, r := range records {
		h.add(r.Consent, r.SaidBy, r.SaidAt)
	}

	return h, nil
}

// Addressee is whom a caller means by a number or a user id, and how they are written to.
type Addressee struct {
	Found

	Address, Country string
}

// Resolve reads whom a caller means by a number, as people write it, or by a user id. A number that
// WhatsApp itself has told is taken, whatever the numbering plans say. The error's text is for the
// caller. It only reads; the client may be a transaction's.
func Resolve(ctx context.Context, client *ent.Client, organization uid.ID, to string) (a Addressee, wrong, err error) {
	if id := visible(to); IsUserID(id) {
		a.Address, a.Country = id, userIDCountry(id)
		a.Found, err = FindByAddress(ctx, client, organization, id)
		return a, nil, err
	}

	a.Address, a.Country, wrong = Phone(to, "")
	if wrong == nil {
		a.Found, err = FindByAddress(ctx, client, organization, a.Address)
		return a, nil, err
	}

	told := Address(unwritten(to))
	if told == "" || IsUserID(told) {
		return Addressee{}, wrong, nil
	}

	found, err := FindByAddress(ctx, client, organization, told)
	if err != nil || found.ID.IsZero() {
		return Addressee{}, wrong, err
	}

	return Addressee{Found: found, Address: told, Country: AddressCountry(told)}, nil, nil
}

// unwritten leaves out how people write an international number: blanks, hyphens, dots and
// brackets.
func unwritten(number string) string {
	number = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune(".()", r) {
			return -1
		}
		return r
	}, number)

	return strings.TrimPrefix(number, "00")
}

// Addresses are all the addresses under which messages of a person are stored: every spelling of
// their numbers, and their user ids. What names nobody is its own only address.
func Addresses(ctx context.Context, client *ent.Client, organization uid.ID, to string) ([]string, error) {
	a, wrong, err := Resolve(ctx, client, organization, to)
	switch {
	case err != nil:
		return nil, err
	case wrong != nil:
		return []string{to}, nil
	}

	all := []string{a.Address}
	add := func(phone string) { all = append(append(all, phone), Spellings(phone)...) }
	if !IsUserID(a.Address) {
		add(a.Address)
	}
	if a.ID.IsZero() {
		return distinct(all), nil
	}

	held, err := client.ContactIdentifier.Query().Where(contactidentifier.ContactID(a.ID),
		contactidentifier.OrganizationID(organization)).Limit(mostAddresses).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the identifiers of %s: %w", a.ID, err)
	}

	for _, i := range held {
		switch i.Kind {
		case enum.IdentifierKindPhone:
			if add(i.Value); i.Written != nil {
				add(*i.Written)
			}
		case enum.IdentifierKindUserID:
			all = append(all, i.Value)
		}
	}

	return distinct(all), nil
}

// mostAddresses is more identifiers than a person has.
const mostAddresses = 100

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
