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

// OptOut notes that a person wants no marketing, as somebody learned at that time; it acts as the system. Who is named by the
// contact's id or, where that is zero, by address. A consent that was recorded later stands, and so does an earlier opt-out.
func (s *Service) OptOut(ctx context.Context, organization, id uid.ID, address, source, evidence string, at time.Time) error {
	return s.Learn(ctx, organization, id, address, enum.ConsentOptedOut, source, evidence, at)
}

// Learn is OptOut for either consent.
func (s *Service) Learn(ctx context.Context, organization, id uid.ID, address string, consent enum.Consent, source, evidence string, at time.Time) error {
	who := []predicate.Contact{contact.OrganizationID(organization), contact.Or(contact.Phone(address), contact.WaUserID(address))}
	if !id.IsZero() {
		who = []predicate.Contact{contact.OrganizationID(organization), contact.ID(id)}
	}
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		c, err := tx.Client.Contact.Query().Where(who...).First(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		later, err := tx.Client.ConsentRecord.Query().Where(consentrecord.ContactID(c.ID), consentrecord.RecordedAtGT(at)).Exist(ctx)
		if err != nil || later {
			return err
		}
		n, err := tx.Client.Contact.Update().Where(contact.ID(c.ID), contact.MarketingConsentNEQ(consent)).SetMarketingConsent(consent).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		return tx.Client.ConsentRecord.Create().SetOrganizationID(organization).SetContactID(c.ID).SetConsent(consent).SetSource(source).
			SetNillableEvidence(given(&evidence)).SetRecordedAt(s.moment()).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("note a contact's consent: %w", err)
	}
	return nil
}
