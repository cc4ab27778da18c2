package account

import (
	"context"
	"fmt"
	"strings"

	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	// lowestLimit is what a portfolio starts with, in people in 24 hours; taken where Meta does not
	// say. developers.facebook.com, WhatsApp "Messaging limits" (read 2026-05).
	lowestLimit = 250

	numberDeleted = "DELETED" // a number that Meta lists no more
)

// Sync brings an account, its numbers and its templates up to what Meta says. It ends
// TOKEN_EXPIRED, since the token works, and RESTRICTED, of whose end Meta does not tell: where the
// restriction still holds, the next message is refused and says so.
func (s *Service) Sync(ctx context.Context, id uid.ID) (*ent.Account, error) {
	if err := permit(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	return s.sync(ctx, id, s.revive)
}

// sync is Sync, with what else is done once the account could be read, in the same transaction; nil
// for nothing.
func (s *Service) sync(ctx context.Context, id uid.ID, also func(context.Context, *database.Tx,
	*ent.Account) error) (*ent.Account, error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}

	read, err := read(ctx, at, a.WabaID)
	if err != nil {
		return nil, s.settle(ctx, a, err)
	}

	token, asked := s.inspect(ctx, s.app(a.Sandbox), at.Token) // what it says is welcome, and not needed

	var numbers []uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, append(numbers, id)...) })
		row := read.describe(tx.Client.Account.UpdateOneID(id).Where(sameToken(a)))
		if asked == nil && token.Valid {
			setExpiry(row, token)
		}
		if err := row.Exec(ctx); err != nil {
			return err
		}

		numbers, err = s.putNumbers(ctx, tx, a.OrganizationID, id, read.numbers)
		if err != nil || also == nil {
			return err
		}

		return also(ctx, tx, a)
	})
	if ent.IsNotFound(err) {
		return nil, usererror.New(usererror.Conflict, "the account was connected anew meanwhile")
	}
	if err != nil {
		return nil, fmt.Errorf("sync account %s: %w", id, err)
	}

	return s.finish(ctx, id)
}

// revive lets an account send again that could be read, and records that somebody asked for it.
func (s *Service) revive(ctx context.Context, tx *database.Tx, a *ent.Account) error {
	restored := tx.Client.Account.Update().Where(sameToken(a)).ClearStatusReason()
	changeStatus(restored.Mutation(), "sync")
	if err := restored.Exec(ctx); err != nil {
		return err
	}

	return record(ctx, tx, identity.ActionAccountSync, "synced", a)
}

// sameToken is an account while it has the token that it had.
func sameToken(a *ent.Account) predicate.Account {
	return entaccount.And(entaccount.ID(a.ID), entaccount.Token(a.Token))
}

// finish reads the templates and notes that all was read, and when it is read again.
func (s *Service) finish(ctx context.Context, id uid.ID) (*ent.Account, error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}
	if err := s.pullUsernames(ctx, a, at); err != nil {
		return nil, err
	}

	started := s.now()
	if err := s.pullTemplates(ctx, a, at); err != nil {
		return nil, err
	}

	a, err = s.db.Client.Account.UpdateOne(a).SetSyncedAt(started).SetNextSyncAt(s.nextSync()).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("sync account %s: %w", id, err)
	}

	return a, nil
}

// settle marks the account when Meta refused its token, and says what is wrong.
func (s *Service) settle(ctx context.Context, a *ent.Account, err error) error {
	if no, refused := tokenRefused(err); refused {
		if _, err := s.ExpireToken(ctx, a, words(no)); err != nil {
			return err
		}
		return usererror.Refuse("", usererror.Upstream,
			"WhatsApp does not accept the account's access token any more: %s Connect the account again.", words(no))
	}

	return explain(ctx, err, blame{})
}

// reading is an account as Meta has it now.
type reading struct {
	account whatsapp.Account
	numbers []whatsapp.PhoneNumber
}

func read(ctx context.Context, at Access, wabaID string) (r reading, err error) {
	if r.account, err = at.Client.Account(ctx, at.Token, wabaID); err != nil {
		return r, err
	}
	if r.account.ID != wabaID {
		return r, &whatsapp.Error{HTTPStatus: 200, Code: whatsapp.CodeGateway, Message: "an account without its id"}
	}

	r.numbers, err = at.Client.PhoneNumbers(ctx, at.Token, wabaID)

	return r, err
}

func (r reading) name() string {
	if name := strings.TrimSpace(r.account.Name); name != "" {
		return name
	}
	return r.account.ID
}

// limit is the portfolio's messaging limit, nil for none; not known where Meta uses a name that is
// new to us.
func (r reading) limit() (people *int, known bool) {
	tiers := []whatsapp.Tier{r.account.MessagingLimit}
	for _, n := range r.numbers {
		tiers = append(tiers, n.MessagingLimit)
	}

	for _, tier := range tiers {
		if limit, known := limitOf(tier); known {
			return limit, true
		}
	}

	return nil, false
}

func limitOf(tier whatsapp.Tier) (people *int, known bool) {
	n, known := tier.Limit()
	if !known || n < 0 {
		return nil, known
	}

	return &n, true
}

// describe writes what was read into a row, and leaves alone what Meta did not say.
func (r reading) describe(row *ent.AccountUpdateOne) *ent.AccountUpdateOne {
	row.SetHealth(r.health())
	row.SetName(r.name()).SetNillableCurrency(some(r.account.Currency)).
		SetNillableReviewStatus(some(r.account.ReviewStatus))
	describeMarketing(row.Mutation(), r.account)
	switch limit, known := r.limit(); {
	case limit != nil:
		row.SetMessagingLimit(*limit)
	case known:
		row.ClearMessagingLimit()
	}

	return row
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
