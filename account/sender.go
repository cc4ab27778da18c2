package account

import (
	"context"
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
	Token       whatsapp.Token
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
		token, err := s.Token(ctx, n.Edges.Account)
		if err != nil {
			return Sender{}, err
		}
		return Sender{PhoneNumber: n, Account: n.Edges.Account, Token: token}, nil
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

// visible reports whether ctx may see that organization's rows: what is cached has passed no policy.
func visible(ctx context.Context, organization uid.ID) bool {
	scope, ok := tenant.From(ctx)
	return ok && (scope.System || scope.Organization == organization)
}
