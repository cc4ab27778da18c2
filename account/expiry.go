package account

import (
	"context"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/whatsapp"
)

const day = 24 * time.Hour

// warnBefore are how long before its token runs out an account's organization is told, once each;
// the longest first.
var warnBefore = []time.Duration{14 * day, 3 * day, day}

// tellAgainFor is how long a warning is told again: the process that wrote it down may have died
// before it told. Who has heard it hears nothing new.
const tellAgainFor = time.Minute

// expiry is when a token runs out; nil for never, or where that is not known.
func expiry(info whatsapp.TokenInfo) *time.Time {
	if !info.Valid || info.ExpiresAt.IsZero() {
		return nil
	}
	return &info.ExpiresAt
}

// setExpiry writes down when a token runs out, or that it does not.
func setExpiry(row *ent.AccountUpdateOne, info whatsapp.TokenInfo) {
	if ends := expiry(info); ends != nil {
		row.SetTokenExpiresAt(*ends)
	} else {
		row.ClearTokenExpiresAt()
	}
}

// WatchTokens warns of tokens that run out, and sets accounts to TOKEN_EXPIRED whose token has,
// which it returns: the campaigns that send from them are for the caller to pause, or for their
// lanes, which find out by themselves. Any number of processes may do it at once.
func (s *Service) WatchTokens(ctx context.Context) (expired []*ent.Account, err error) {
	ctx = caller.System(ctx)
	soon, err := s.db.Client.Account.Query().Where(entaccount.TokenExpiresAtLTE(s.now().Add(warnBefore[0])),
		entaccount.StatusIn(accountChanges["expireToken"].from...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for tokens that run out: %w", err)
	}

	for _, a := range soon {
		if a.TokenExpiresAt.After(s.now()) {
			if err := s.warn(ctx, a); err != nil {
				return expired, err
			}

			continue
		}

		moved, err := s.ExpireToken(ctx, a, "Its access token has run out. Connect the account again.")
		if err != nil {
			return expired, err
		}

		if moved {
			if a, err = s.find(ctx, a.ID); err != nil {
				return expired, err
			}

			expired = append(expired, a)
		}
	}

	return expired, nil
}

// warn tells of a token that runs out, unless that was done since the last of warnBefore began.
func (s *Service) warn(ctx context.Context, a *ent.Account) error {
	var due time.Time
	for _, before := range warnBefore {
		if begins := a.TokenExpiresAt.Add(-before); !begins.After(s.now()) {
			due = begins
		}
	}

	as := entaccount.TokenWarnedAtIsNil()
	if a.TokenWarnedAt != nil {
		as = entaccount.TokenWarnedAtEQ(*a.TokenWarnedAt)
		if !a.TokenWarnedAt.Before(due) {
			if s.now().Sub(*a.TokenWarnedAt) < tellAgainFor {
				s.changed(ctx, a.OrganizationID, a.ID)
			}
			return nil
		}
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, a.ID) })
		n, err := tx.Client.Account.Update().Where(entaccount.ID(a.ID), as,
			entaccount.TokenExpiresAtEQ(*a.TokenExpiresAt)).SetTokenWarnedAt(s.now()).Save(ctx)
		if err != nil || n == 0 { // another process was faster
			return err
		}

		return s.tellOfToken(ctx, tx, a, due)
	})
	if err != nil {
		return fmt.Errorf("warn of the token of account %s: %w", a.ID, err)
	}

	return nil
}
