package account

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
)

// Disconnect lets an account of the caller's organization go: Meta posts no more webhooks of it, as
// far as Meta can be told, and its access token is erased. What was read of it stays, and Connect
// revives it. Again is no error. The campaigns that send from it are the caller's to pause, or the
// lanes', which find out by themselves.
func (s *Service) Disconnect(ctx context.Context, id uid.ID) (*ent.Account, error) {
	if _, err := identity.Require(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}

	a, err := s.find(ctx, id)
	if err != nil || a.Status == enum.AccountStatusDisconnected {
		return a, err
	}

	// While it is still bound: nobody else can bind the account yet, whose subscription this would
	// end.
	if at, err := s.Access(a); err == nil {
		_ = at.unsubscribe(ctx, a.WabaID) // webhooks of an account that is not bound are harmless
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, id) })
		u := tx.Client.Account.Update().Where(entaccount.ID(id)).SetToken([]byte{}).ClearTokenExpiresAt().
			ClearTokenWarnedAt().ClearSignupCode().ClearHealth().
			SetStatusReason("It was disconnected. Connect it again to send.")
		changeStatus(u.Mutation(), "disconnect")
		n := 0
		_, err := s.moving(ctx, tx, id, func() (err error) {
			n, err = u.Save(ctx)
			return err
		})
		if err != nil || n == 0 {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionAccountDisconnect, Subject: id,
			Summary: fmt.Sprintf("disconnected the WhatsApp account %s (%s)", a.Name, a.WabaID)})
	})
	if err != nil {
		return nil, fmt.Errorf("disconnect account %s: %w", id, err)
	}

	return s.find(ctx, id)
}
