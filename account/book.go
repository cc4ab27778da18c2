package account

import (
	"context"
	"fmt"

	"carillon/caller"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
)

// ForgetContact has Meta's contact books forget people by their user ids: those of all of an
// organization's accounts that are connected, each by one of its numbers. It gives how many entries
// were asked to go. After an error it may be called again for all.
func (s *Service) ForgetContact(ctx context.Context, organization uid.ID, userIDs []string) (asked int, err error) {
	system := caller.System(ctx)
	accounts, err := s.db.Client.Account.Query().Where(entaccount.OrganizationID(organization),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Order(entaccount.ByID()).All(system)
	if err != nil {
		return 0, fmt.Errorf("read the accounts of %s: %w", organization, err)
	}

	for _, a := range accounts {
		numbers, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.AccountID(a.ID),
			phonenumber.StatusNEQ(numberDeleted)).Order(phonenumber.ByID()).Limit(1).All(system)
		if err != nil {
			return asked, fmt.Errorf("read a number of %s: %w", a.ID, err)
		}
		if len(numbers) == 0 {
			continue
		}

		at, err := s.Access(a)
		if err != nil {
			return asked, err
		}

		for _, id := range userIDs {
			if _, err := at.Client.ForgetContact(ctx, at.Token, numbers[0].MetaID, id); err != nil {
				return asked, fmt.Errorf("contact book of %s: %w", a.ID, err)
			}
			asked++
		}
	}

	return asked, nil
}
