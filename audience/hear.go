package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/column"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/predicate"
	"carillon/enum"
	"carillon/fault"
	"carillon/uid"
)

// serviceWindow is how long free-form replies are allowed after a person wrote.
// developers.facebook.com, WhatsApp "Customer service windows" (read 2026-08).
const serviceWindow = 24 * time.Hour

// Heard is a person who wrote to an organization. Phone or UserID is given.
type Heard struct {
	Phone, UserID, Name string
	Text                string
	At                  time.Time
	// OptedOut is a Lesson's, for a text that opts the person out.
	OptedOut func(ctx context.Context, tx *database.Tx, country string) error
}

// Hear takes note of who wrote: a new contact is made, the service window opens, and a text that is one of the organization's
// keywords changes the consent. It acts as the system; hearing the same thing twice changes nothing.
func (s *Service) Hear(ctx context.Context, organization uid.ID, h Heard, policy column.SendingPolicy) (id uid.ID, err error) {
	phone, country := fromWhatsApp(h.Phone)
	if phone == "" && h.UserID == "" {
		return uid.ID{}, fault.New(fault.BadInput, "a message from nobody")
	}
	for range 2 { // a second time when another process has made the contact meanwhile
		if id, err = s.hear(ctx, organization, h, phone, country); !database.IsUnique(err) {
			break
		}
	}
	if err != nil {
		return uid.ID{}, fmt.Errorf("hear a contact: %w", err)
	}
	consent, said := keyword(h.Text, policy)
	if !said {
		return id, nil
	}
	return id, s.Learn(ctx, organization, Lesson{Contact: id, Consent: consent, Source: "keyword", Evidence: h.Text, At: h.At, OptedOut: h.OptedOut})
}

func (s *Service) hear(ctx context.Context, organization uid.ID, h Heard, phone, country string) (id uid.ID, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		var who []predicate.Contact
		if phone != "" {
			who = append(who, contact.Phone(phone))
		}
		if h.UserID != "" {
			who = append(who, contact.WaUserID(h.UserID))
		}
		c, err := tx.Client.Contact.Query().Where(contact.OrganizationID(organization), contact.Or(who...)).Order(ent.Asc(contact.FieldID)).First(ctx)
		closes := h.At.Add(serviceWindow)
		if ent.IsNotFound(err) {
			c, err = tx.Client.Contact.Create().SetOrganizationID(organization).SetNillablePhone(given(&phone)).SetNillableCountry(given(&country)).SetNillableWaUserID(given(&h.UserID)).
				SetNillableName(given(&h.Name)).SetServiceWindowClosesAt(closes).SetCreatedAt(s.moment()).Save(ctx)
			if err == nil {
				id = c.ID
			}
			return err
		}
		if err != nil {
			return err
		}
		id = c.ID
		u := tx.Client.Contact.UpdateOne(c)
		if c.ServiceWindowClosesAt == nil || c.ServiceWindowClosesAt.Before(closes) {
			u.SetServiceWindowClosesAt(closes)
		}
		if c.Name == nil && h.Name != "" {
			u.SetName(h.Name)
		}
		return u.Exec(ctx)
	})
	return id, err
}

// keyword is the consent that a text expresses when it is one of the organization's words and nothing else.
func keyword(text string, policy column.SendingPolicy) (enum.Consent, bool) {
	said := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool {
			return strings.EqualFold(strings.TrimSpace(text), strings.TrimSpace(w)) && strings.TrimSpace(w) != ""
		})
	}
	switch {
	case said(policy.OptOutKeywords):
		return enum.ConsentOptedOut, true
	case said(policy.OptInKeywords):
		return enum.ConsentOptedIn, true
	}
	return "", false
}

// Known is the contact with that number or business-scoped user id; zero when there is none.
func (s *Service) Known(ctx context.Context, organization uid.ID, address string) (uid.ID, error) {
	c, err := s.db.Client.Contact.Query().Where(contact.OrganizationID(organization), contact.Or(contact.Phone(address), contact.WaUserID(address))).First(ctx)
	if ent.IsNotFound(err) {
		return uid.ID{}, nil
	}
	if err != nil {
		return uid.ID{}, fmt.Errorf("look for a contact: %w", err)
	}
	return c.ID, nil
}
