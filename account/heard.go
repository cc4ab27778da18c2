package account

import (
	"context"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
)

// heardEvery is how often it is written down, at most, that webhooks of an account come.
const heardEvery = time.Minute

// Heard notes that a webhook about these WABAs came. It writes at most once a minute for each, and
// at once for one of which none had come; this process asks the database at most every 5 seconds.
func (s *Service) Heard(ctx context.Context, wabaIDs ...string) error {
	for _, id := range wabaIDs {
		_, err := s.heard.load(id, func() (time.Time, error) { return s.now(), s.hear(caller.System(ctx), id) })
		if err != nil {
			return err
		}
	}

	return nil
}

// hear writes it down. The first time is news to members, who wait for it when they connect.
func (s *Service) hear(ctx context.Context, wabaID string) error {
	due := entaccount.And(entaccount.WabaID(wabaID), entaccount.StatusNEQ(enum.AccountStatusDisconnected),
		entaccount.Or(entaccount.WebhookReceivedAtIsNil(), entaccount.WebhookReceivedAtLTE(s.now().Add(-heardEvery))))
	a, err := s.db.Client.Account.Query().Where(due).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note a webhook of account %s: %w", wabaID, err)
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		n, err := tx.Client.Account.Update().Where(entaccount.ID(a.ID), due).SetWebhookReceivedAt(s.now()).Save(ctx)
		if n > 0 && a.WebhookReceivedAt == nil {
			tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, a.ID) })
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("note a webhook of account %s: %w", wabaID, err)
	}

	return nil
}

// OnlySandbox reports whether all of these WABAs are accounts of the sandbox: what it tells may
// concern nothing else.
func (s *Service) OnlySandbox(ctx context.Context, wabaIDs ...string) (bool, error) {
	for _, id := range wabaIDs {
		known, err := s.db.Client.Account.Query().Where(entaccount.WabaID(id), entaccount.Sandbox(true)).Exist(ctx)
		if err != nil || !known {
			return false, err
		}
	}

	return len(wabaIDs) > 0, nil
}
