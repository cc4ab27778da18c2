package audience

import (
	"context"
	"fmt"

	"carillon/ent"
	"carillon/ent/consentrecord"
	"carillon/ent/contact"
	"carillon/ent/contactidentifier"
	"carillon/enum"
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
	held, err := client.ContactIdentifier.Query().Where(contactidentifier.OrganizationID(organization), contactidentifier.KindEQ(kind), contactidentifier.Value(value)).Only(ctx)
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
