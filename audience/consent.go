package audience

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/consentrecord"
	"carillon/ent/contact"
	"carillon/ent/predicate"
	"carillon/enum"
	"carillon/uid"
)

// Lesson is what was learned of a person's wish about marketing. Who is named by the contact's id or, where that is zero, by address.
type Lesson struct {
	Contact          uid.ID
	Address          string
	Consent          enum.Consent
	Source, Evidence string
	At               time.Time // when the person said so
	// OptedOut, where it is given, runs in the transaction by which the person opts out, and not when nothing changes.
	OptedOut func(ctx context.Context, tx *database.Tx, country string) error
}

// Learn notes a person's wish about marketing; it acts as the system. A consent that was recorded later than the wish stands, and so
// does an earlier one that is the same.
func (s *Service) Learn(ctx context.Context, organization uid.ID, l Lesson) error {
	who := []predicate.Contact{contact.OrganizationID(organization), contact.Or(contact.Phone(l.Address), contact.WaUserID(l.Address))}
	if !l.Contact.IsZero() {
		who = []predicate.Contact{contact.OrganizationID(organization), contact.ID(l.Contact)}
	}
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		c, err := tx.Client.Contact.Query().Where(who...).First(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		later, err := tx.Client.ConsentRecord.Query().Where(consentrecord.ContactID(c.ID), consentrecord.RecordedAtGT(l.At)).Exist(ctx)
		if err != nil || later {
			return err
		}
		n, err := tx.Client.Contact.Update().Where(contact.ID(c.ID), contact.MarketingConsentNEQ(l.Consent)).SetMarketingConsent(l.Consent).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		err = tx.Client.ConsentRecord.Create().SetOrganizationID(organization).SetContactID(c.ID).SetConsent(l.Consent).SetSource(l.Source).
			SetNillableEvidence(given(&l.Evidence)).SetRecordedAt(s.moment()).Exec(ctx)
		if err != nil || l.Consent != enum.ConsentOptedOut || l.OptedOut == nil {
			return err
		}
		country := ""
		if c.Country != nil {
			country = *c.Country
		}
		return l.OptedOut(ctx, tx, country)
	})
	if err != nil {
		return fmt.Errorf("note a contact's consent: %w", err)
	}
	return nil
}
