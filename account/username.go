package account

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/phonenumber"
	"carillon/whatsapp"
)

const (
	// usernamesAtOnce is how many are read beside each other, and usernamesWithin how long a sync has
	// for all of them.
	usernamesAtOnce = 4
	usernamesWithin = 20 * time.Second
)

// pullUsernames reads the business usernames of an account's numbers. One that cannot be read stays
// as it is: not every version of the API knows them, and a webhook tells of changes.
func (s *Service) pullUsernames(ctx context.Context, a *ent.Account, at Access) error {
	numbers, err := a.QueryPhoneNumbers().Where(phonenumber.Status("CONNECTED")).All(ctx)
	if err != nil {
		return fmt.Errorf("numbers of account %s: %w", a.ID, err)
	}

	asked, cancel := context.WithTimeout(ctx, usernamesWithin)
	defer cancel()
	names := make([]*string, len(numbers))
	var group errgroup.Group
	group.SetLimit(usernamesAtOnce)

	for i, n := range numbers {
		group.Go(func() error {
			if name, err := at.Client.Username(asked, at.Token, n.MetaID); err == nil {
				names[i] = &name
			}

			return nil
		})
	}

	_ = group.Wait()
	for i, n := range numbers {
		if names[i] == nil {
			continue
		}
		if _, err := s.setUsername(ctx, n, *names[i]); err != nil {
			return err
		}
	}

	return nil
}

// applyUsername takes a webhook about a username. Since webhooks come late and in any order, Meta
// is asked; only when it does not answer is the event believed.
func (s *Service) applyUsername(ctx context.Context, a *ent.Account, u whatsapp.NumberUpdate) (*ent.PhoneNumber,
	error) {
	n, err := s.number(ctx, a.ID, u)
	if err != nil || n == nil {
		return nil, err // else the next sync reads it
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, notAsked("username of number "+n.ID.String(), err)
	}

	asked, cancel := context.WithTimeout(ctx, refetchFor)
	defer cancel()
	name, err := at.Client.Username(asked, at.Token, n.MetaID)
	if err != nil {
		switch u.Event {
		case "approved":
			name = u.Username
		case "deleted":
			name = ""
		default: // one that is reserved is not to be seen yet
			return nil, nil
		}
	}

	changed, err := s.setUsername(ctx, n, name)
	if err != nil || !changed {
		return nil, err
	}

	return s.number(ctx, a.ID, u)
}

// setUsername stores a number's username; empty for none. It reports whether that is new.
func (s *Service) setUsername(ctx context.Context, n *ent.PhoneNumber, name string) (changed bool, err error) {
	if n.Username == nil && name == "" || n.Username != nil && *n.Username == name {
		return false, nil
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, n.OrganizationID, n.ID) })
		row := tx.Client.PhoneNumber.UpdateOneID(n.ID)
		if name == "" {
			return row.ClearUsername().Exec(ctx)
		}

		return row.SetUsername(name).Exec(ctx)
	})
	if err != nil {
		return false, fmt.Errorf("username of number %s: %w", n.ID, err)
	}

	return true, nil
}
