package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
)

// unsubscribeWithin is how long Meta has to take an account's webhooks off.
const unsubscribeWithin = 5 * time.Second

// Abandon lets go of an organization's accounts for good: Meta is asked to send no more webhooks,
// which may fail (troubles say how), and tokens and names are erased. Of accounts and numbers only
// Meta's ids stay, so that what Meta still sends is known for theirs. Again does nothing more.
func (s *Service) Abandon(ctx context.Context, organization uid.ID) (troubles []error, err error) {
	system := caller.System(ctx)
	accounts, err := s.db.Client.Account.Query().Where(entaccount.OrganizationID(organization)).All(system)
	if err != nil {
		return nil, fmt.Errorf("read the accounts of %s: %w", organization, err)
	}

	for _, a := range accounts {
		if len(a.Token) == 0 {
			continue
		}

		if a.Status == enum.AccountStatusDisconnected {
			continue // its token is forgotten already
		}

		at, err := s.Access(a)
		if err == nil {
			err = at.unsubscribe(ctx, a.WabaID)
		}
		if err != nil {
			troubles = append(troubles, fmt.Errorf("webhooks of account %s: %w", a.WabaID, err))
		}
	}

	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, organization, organization) })
		u := tx.Client.Account.Update().Where(entaccount.OrganizationID(organization)).
			SetToken([]byte{}).SetName("").ClearStatusReason().ClearReviewStatus().ClearCurrency().ClearHealth().
			ClearSignupCode()
		changeStatus(u.Mutation(), "erase")
		hollow := u.Exec(system)

		return errors.Join(hollow, tx.Client.PhoneNumber.Update().Where(phonenumber.OrganizationID(organization)).
			SetStatus(numberDeleted).SetDisplayNumber("").SetVerifiedName("").ClearPin().Exec(system))
	})
	if err != nil {
		return troubles, fmt.Errorf("erase the accounts of %s: %w", organization, err)
	}

	return troubles, nil
}

func (at Access) unsubscribe(ctx context.Context, wabaID string) error {
	ctx, cancel := context.WithTimeout(ctx, unsubscribeWithin)
	defer cancel()
	return at.Client.Unsubscribe(ctx, at.Token, wabaID)
}
