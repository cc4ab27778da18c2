package account

import (
	"context"
	"errors"
	"fmt"

	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/phonenumber"
	"carillon/enum"
	"carillon/fault"
	"carillon/tenant"
	"carillon/uid"
	"carillon/whatsapp"
)

// Sender is what it takes to send from a number. It is shared: do not change what it points to.
type Sender struct {
	PhoneNumber *ent.PhoneNumber
	Account     *ent.Account
	Token       whatsapp.Token // empty of an account that is disconnected

	MessagesPerDay *int // the organization's quota; nil is none
}

// Sender returns a number with its account and token, at most 5 seconds old. Whether these may send now is for the caller to see.
func (s *Service) Sender(ctx context.Context, phoneNumber uid.ID) (Sender, error) {
	system := tenant.System(ctx)
	found, err := s.senders.load(phoneNumber, func() (Sender, error) {
		n, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.ID(phoneNumber)).WithAccount().Only(system)
		if ent.IsNotFound(err) {
			return Sender{}, fault.Missing("phone number")
		}
		if err != nil {
			return Sender{}, fmt.Errorf("sender %s: %w", phoneNumber, err)
		}
		sender := Sender{PhoneNumber: n, Account: n.Edges.Account}
		if n.Edges.Account.Status == enum.AccountStatusDisconnected {
			return sender, nil
		}
		if sender.Token, err = s.Token(ctx, n.Edges.Account); err != nil {
			return Sender{}, err
		}
		owner, err := s.db.Client.Organization.Get(system, n.OrganizationID)
		if err != nil {
			return Sender{}, fmt.Errorf("sender %s: %w", phoneNumber, err)
		}
		sender.MessagesPerDay = owner.QuotaMessagesPerDay
		return sender, nil
	})
	if err != nil {
		return Sender{}, err
	}
	if !visible(ctx, found.Account.OrganizationID) {
		return Sender{}, fault.Missing("phone number")
	}
	return found, nil
}

// ByMetaNumber finds the number that Meta calls by that id, in the account that is bound, with its account; at most 5 seconds
// old. A number that has moved from one account to another is the later one's.
func (s *Service) ByMetaNumber(ctx context.Context, metaID string) (*ent.PhoneNumber, error) {
	system := tenant.System(ctx)
	found, err := s.numbers.load(metaID, func() (*ent.PhoneNumber, error) {
		rows, err := s.db.Client.PhoneNumber.Query().
			Where(phonenumber.MetaID(metaID), phonenumber.HasAccountWith(entaccount.StatusNEQ(enum.AccountStatusDisconnected))).
			WithAccount().Order(ent.Desc(phonenumber.FieldID)).All(system)
		if err != nil {
			return nil, fmt.Errorf("phone number %s of Meta: %w", metaID, err)
		}
		if err := s.refuseClosed(ctx, metaID, rows); err != nil {
			return nil, err
		}
		for _, n := range rows {
			if n.Status != numberDeleted {
				return n, nil
			}
		}
		if len(rows) > 0 {
			return rows[0], nil
		}
		return nil, fault.Missing("phone number")
	})
	if err != nil {
		return nil, err
	}
	if !visible(ctx, found.OrganizationID) {
		return nil, fault.Missing("phone number")
	}
	return found, nil
}

// ErrClosed says that a number belongs, or belonged, to an organization that is closed: what is told of it is dropped.
var ErrClosed = errors.New("the number's organization is closed")

// refuseClosed gives ErrClosed for a number whose organization is closed. One that is bound to nobody any more is the last
// closed organization's that had it.
func (s *Service) refuseClosed(ctx context.Context, metaID string, bound []*ent.PhoneNumber) error {
	query := `SELECT count(*) FROM organization WHERE id = $1 AND status = 'CLOSED'`
	of := any(metaID)
	if len(bound) > 0 {
		of = bound[0].OrganizationID
	} else {
		query = `SELECT count(*) FROM phone_number JOIN organization ON organization.id = phone_number.organization_id WHERE meta_id = $1 AND organization.status = 'CLOSED'`
	}
	var closed int
	if err := s.db.QueryRow(ctx, query, of).Scan(&closed); err != nil {
		return fmt.Errorf("look for the organization of number %s of Meta: %w", metaID, err)
	}
	if closed > 0 {
		return ErrClosed
	}
	return nil
}

// visible reports whether ctx may see that organization's rows: what is cached has passed no policy.
func visible(ctx context.Context, organization uid.ID) bool {
	scope, ok := tenant.From(ctx)
	return ok && (scope.System || scope.Organization == organization)
}
