package audience

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/predicate"
	"carillon/identity"
	"carillon/uid"
)

// Renumbered is a person who took another number. WhatsApp gives them another user id with it. What is not known is empty.
type Renumbered struct {
	From, FromUserID, To, ToUserID string
	At                             time.Time
}

// Renumber lets a contact follow its person to another number, with all that is kept of them; it acts as the system. The
// service window shuts, since it was the old number's. Where another contact has the new number, and where the old one was
// given to a contact made since, nothing changes. It returns the contact that the news is about; zero when there is none.
func (s *Service) Renumber(ctx context.Context, organization uid.ID, r Renumbered) (id uid.ID, err error) {
	for range 2 { // a second time when somebody has taken the new number meanwhile
		if id, err = s.renumber(ctx, organization, r); !database.IsUnique(err) {
			break
		}
	}
	if err != nil {
		return uid.ID{}, fmt.Errorf("give a contact its new number: %w", err)
	}
	return id, nil
}

func (s *Service) renumber(ctx context.Context, organization uid.ID, r Renumbered) (id uid.ID, err error) {
	from, _ := fromWhatsApp(r.From)
	to, country := fromWhatsApp(r.To)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		before, err := holder(ctx, tx, organization, from, r.FromUserID)
		if err != nil {
			return err
		}
		after, err := holder(ctx, tx, organization, to, r.ToUserID)
		if err != nil {
			return err
		}
		switch {
		case before == nil && after == nil:
			id = uid.ID{}
			return nil
		case before == nil: // it is told again
			id = after.ID
			return nil
		}
		id = before.ID
		if to == "" || after != nil && after.ID != before.ID || before.CreatedAt.After(r.At) || before.Phone != nil && *before.Phone == to {
			return nil
		}
		u := tx.Client.Contact.UpdateOne(before).SetPhone(to).ClearServiceWindowClosesAt()
		if country == "" {
			u.ClearCountry()
		} else {
			u.SetCountry(country)
		}
		if r.ToUserID != "" {
			u.SetWaUserID(r.ToUserID)
		}
		if err := u.Exec(ctx); err != nil {
			return err
		}
		was := "a number that is not known"
		if before.Phone != nil {
			was = identity.Ending(*before.Phone)
		}
		return identity.Record(ctx, tx, identity.Entry{Organization: organization, Action: identity.ActionContactUpdate, Subject: id,
			Summary: fmt.Sprintf("contact %s has the number %s now, as WhatsApp tells", was, identity.Ending(to)), Actor: identity.ActorSystem})
	})
	return id, err
}

// holder is the contact with a number or else with a user id; nil when there is none. Either may be empty.
func holder(ctx context.Context, tx *database.Tx, organization uid.ID, phone, userID string) (*ent.Contact, error) {
	ways := []predicate.Contact{}
	if phone != "" {
		ways = append(ways, contact.Phone(phone))
	}
	if userID != "" {
		ways = append(ways, contact.WaUserID(userID))
	}
	for _, way := range ways {
		c, err := tx.Client.Contact.Query().Where(contact.OrganizationID(organization), way).Only(ctx)
		if !ent.IsNotFound(err) {
			return c, err
		}
	}
	return nil, nil
}

// fromWhatsApp is a number as WhatsApp writes it in E.164, with its country. WhatsApp knows its numbers, whatever the library
// thinks of them.
func fromWhatsApp(number string) (phone, country string) {
	if number == "" {
		return "", ""
	}
	number = "+" + strings.TrimPrefix(number, "+")
	phone, country, err := Phone(number, "")
	if err != nil {
		return number, ""
	}
	return phone, country
}
