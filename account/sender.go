package account

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Sender is what it takes to send from a number. It is shared: do not change what it points to.
type Sender struct {
	PhoneNumber *ent.PhoneNumber
	Account     *ent.Account
	Access      // no token of an account that is disconnected

	MessagesPerDay      *int // the organization's quota; nil is none
	MarketingPerContact int  // that it allows itself in 24 hours; 0 is no cap
	Organization        *ent.Organization
}

// Sender returns a number with its account and token, at most 5 seconds old. Whether these may send
// now is for the caller to see.
func (s *Service) Sender(ctx context.Context, phoneNumber uid.ID) (Sender, error) {
	system := caller.System(ctx)
	found, err := s.senders.load(phoneNumber, func() (Sender, error) {
		n, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.ID(phoneNumber)).WithAccount().Only(system)
		if ent.IsNotFound(err) {
			return Sender{}, usererror.Missing("phone number")
		}
		if err != nil {
			return Sender{}, fmt.Errorf("sender %s: %w", phoneNumber, err)
		}

		sender := Sender{PhoneNumber: n, Account: n.Edges.Account}
		if n.Edges.Account.Status == enum.AccountStatusDisconnected {
			return sender, nil
		}
		if sender.Access, err = s.Access(n.Edges.Account); err != nil {
			return Sender{}, err
		}

		owner, err := s.db.Client.Organization.Get(system, n.OrganizationID)
		if err != nil {
			return Sender{}, fmt.Errorf("sender %s: %w", phoneNumber, err)
		}

		sender.Organization, sender.MessagesPerDay = owner, owner.QuotaMessagesPerDay
		sender.MarketingPerContact = owner.SendingPolicy.MarketingPerContactPerDay

		return sender, nil
	})
	if err != nil {
		return Sender{}, err
	}
	if !visible(ctx, found.Account.OrganizationID) {
		return Sender{}, usererror.Missing("phone number")
	}

	return found, nil
}

// Template is a template as messages are made of it, read from the database each time: a lane keeps
// it for one turn.
func (s *Service) Template(ctx context.Context, id uid.ID) (whatsapp.Template, error) {
	t, err := s.db.Client.Template.Get(ctx, id)
	if err != nil {
		return whatsapp.Template{}, err
	}

	return Of(t), nil
}

// visible reports whether ctx may see that organization's rows: what is cached has passed no
// policy.
func visible(ctx context.Context, organization uid.ID) bool {
	scope, ok := caller.From(ctx)
	return ok && (scope.System || scope.Organization == organization)
}
