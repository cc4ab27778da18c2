package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"carillon/caller"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
)

// Receiver is the phone number that a webhook came to. It is shared: do not change what it points
// to.
type Receiver struct {
	PhoneNumber *ent.PhoneNumber // in the account that is bound, with its account
	Rows        []uid.ID         // the number's rows, one for each account in which it has been, whosever that was
}

// ReceiverOf finds the number that Meta calls by that id, in the account that is bound, at most 5
// seconds old. A number that has moved from one account to another is the later one's. A webhook of
// a WABA that another organization has bound is not about that number: NOT_FOUND.
func (s *Service) ReceiverOf(ctx context.Context, wabaID, metaID string) (Receiver, error) {
	found, err := s.receivers.load(metaID, func() (Receiver, error) { return s.receiver(caller.System(ctx), metaID) })
	if err != nil {
		return Receiver{}, err
	}

	by, err := s.owners.load(wabaID, func() (owner, error) { return s.owner(caller.System(ctx), wabaID) })
	if err != nil {
		return Receiver{}, err
	}

	whose := owner{found.PhoneNumber.OrganizationID, found.PhoneNumber.Edges.Account.Sandbox}
	if by != (owner{}) && by != whose || !visible(ctx, whose.organization) {
		return Receiver{}, usererror.Missing("phone number")
	}

	return found, nil
}

// ByMetaNumber is ReceiverOf for a caller who knows of no WABA.
func (s *Service) ByMetaNumber(ctx context.Context, metaID string) (*ent.PhoneNumber, error) {
	found, err := s.ReceiverOf(ctx, "", metaID)
	return found.PhoneNumber, err
}

func (s *Service) receiver(ctx context.Context, metaID string) (r Receiver, err error) {
	rows, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.MetaID(metaID)).WithAccount().
		Order(ent.Desc(phonenumber.FieldID)).All(ctx)
	if err != nil {
		return r, fmt.Errorf("phone number %s of Meta: %w", metaID, err)
	}

	var bound []*ent.PhoneNumber
	for _, n := range rows {
		r.Rows = append(r.Rows, n.ID)
		if n.Edges.Account.Status != enum.AccountStatusDisconnected {
			bound = append(bound, n)
		}
	}

	if err := s.refuseClosed(ctx, metaID, bound); err != nil {
		return r, err
	}

	for _, n := range bound {
		if n.Status != numberDeleted {
			r.PhoneNumber = n
			return r, nil
		}
	}

	if len(bound) == 0 {
		return r, usererror.Missing("phone number")
	}

	r.PhoneNumber = bound[0]

	return r, nil
}

// owner is who has bound a WABA, and whether that lives in the sandbox: what the sandbox tells is
// about none of the organization's real numbers.
type owner struct {
	organization uid.ID
	sandbox      bool
}

// owner finds that out; it is zero when nobody has bound the WABA.
func (s *Service) owner(ctx context.Context, wabaID string) (owner, error) {
	a, err := s.db.Client.Account.Query().Where(entaccount.WabaID(wabaID),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Only(ctx)
	if ent.IsNotFound(err) {
		return owner{}, nil
	}
	if err != nil {
		return owner{}, fmt.Errorf("look for account %s: %w", wabaID, err)
	}

	return owner{a.OrganizationID, a.Sandbox}, nil
}

// Owners are the organizations that have bound WABAs, each once.
func (s *Service) Owners(ctx context.Context, wabaIDs ...string) (organizations []uid.ID, err error) {
	for _, id := range wabaIDs {
		by, err := s.owners.load(id, func() (owner, error) { return s.owner(caller.System(ctx), id) })
		if err != nil {
			return nil, err
		}
		if !by.organization.IsZero() && !slices.Contains(organizations, by.organization) {
			organizations = append(organizations, by.organization)
		}
	}

	return organizations, nil
}

// ErrClosed says that a number belongs, or belonged, to an organization that is closed: what is
// told of it is dropped.
var ErrClosed = errors.New("the number's organization is closed")

// refuseClosed gives ErrClosed for a number whose organization is closed. One that is bound to
// nobody any more is the last closed organization's that had it.
func (s *Service) refuseClosed(ctx context.Context, metaID string, bound []*ent.PhoneNumber) error {
	query := `SELECT count(*) FROM organization WHERE id = $1 AND status = 'CLOSED'`
	of := any(metaID)
	if len(bound) > 0 {
		of = bound[0].OrganizationID
	} else {
		query = `SELECT count(*) FROM phone_number JOIN organization ON organization.id = phone_number.organization_id
			WHERE meta_id = $1 AND organization.status = 'CLOSED'`
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
