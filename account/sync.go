package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
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

// Sync brings an account, its numbers and its templates up to what Meta says, for somebody who
// waits for it. One that runs by itself gives way; of several at once each reads all, and what is
// newer stays. Meta's limit does not end it before Meta refuses: then what was read is kept, the
// rest follows by itself, and the answer says when. It ends TOKEN_EXPIRED, since the token works,
// and RESTRICTED, of whose end Meta does not tell: where the restriction still holds, the next
// message is refused and says so.
func (s *Service) Sync(ctx context.Context, id uid.ID) (*ent.Account, error) {
	if err := permit(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	a, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err := s.Access(a); err != nil {
		return nil, err
	}

	r := run{lease: s.now().Add(leaseFor), asked: true, also: s.revive}
	if err := s.db.Client.Account.UpdateOneID(id).SetNextSyncAt(r.lease).Exec(ctx); err != nil {
		return nil, fmt.Errorf("take account %s to sync: %w", id, err)
	}

	watched, allowance := whatsapp.Watching(ctx)
	synced, failed := s.sync(watched, id, r)
	if failed == nil {
		return synced, nil
	}

	wait := syncAgainAfter
	if refused := allowance.Refused(); refused > 0 {
		wait = refused
		failed = usererror.Refuse("", usererror.LimitExceeded, "WhatsApp allows no more calls about this account for now. "+
			"What was read is kept; the rest is read by itself in about %s.", wait.Round(time.Minute))
	}

	if err := s.putOff(context.WithoutCancel(ctx), id, r.lease, wait); err != nil {
		return nil, err
	}

	return nil, failed
}

// sync is Sync within a run.
func (s *Service) sync(ctx context.Context, id uid.ID, r run) (*ent.Account, error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}

	read, err := s.read(ctx, at, a.WabaID)
	if err != nil {
		return nil, s.settle(ctx, a, err)
	}

	token, asked := s.inspect(ctx, s.app(a.Sandbox), at.Token) // what it says is welcome, and not needed
	if asked != nil {
		token = whatsapp.TokenInfo{}
	}
	if err := s.putReading(ctx, a, read, token, r); err != nil {
		return nil, err
	}

	return s.finish(ctx, id, r)
}

// putReading stores what was read of an account and its numbers, where nothing newer is stored.
func (s *Service) putReading(ctx context.Context, a *ent.Account, read reading, token whatsapp.TokenInfo,
	r run) error {
	var numbers []uid.ID
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, append(numbers, a.ID)...) })
		stored, err := tx.Client.Account.Query().Where(sameToken(a), s.db.Locked).Only(ctx)
		if err != nil {
			return err
		}
		if r.byItself() && (stored.NextSyncAt == nil || !stored.NextSyncAt.Equal(r.lease)) {
			return errTaken
		}

		if stored.ReadAt == nil || !stored.ReadAt.After(read.began) {
			row := read.describe(tx.Client.Account.UpdateOne(stored)).SetReadAt(read.began)
			if token.Valid {
				setExpiry(row, token)
			}
			if err := row.Exec(ctx); err != nil {
				return err
			}
		}

		numbers, err = s.putNumbers(ctx, tx, stored, read)
		if err != nil || r.also == nil {
			return err
		}

		return r.also(ctx, tx, a)
	})
	if ent.IsNotFound(err) {
		return usererror.New(usererror.Conflict, "the account was connected anew meanwhile")
	}
	if err != nil {
		return fmt.Errorf("sync account %s: %w", a.ID, err)
	}

	return nil
}

// revive lets an account send again that could be read, and records that somebody asked for it.
func (s *Service) revive(ctx context.Context, tx *database.Tx, a *ent.Account) error {
	restored := tx.Client.Account.Update().Where(sameToken(a)).ClearStatusReason()
	changeStatus(restored.Mutation(), "sync")
	if _, err := s.moving(ctx, tx, a.ID, func() error { return restored.Exec(ctx) }); err != nil {
		return err
	}

	return record(ctx, tx, audit.ActionAccountSync, "synced", a)
}

// sameToken is an account while it has the token that it had.
func sameToken(a *ent.Account) predicate.Account {
	return entaccount.And(entaccount.ID(a.ID), entaccount.Token(a.Token))
}

// finish reads the templates and notes that all was read, and when it is read again.
func (s *Service) finish(ctx context.Context, id uid.ID, r run) (*ent.Account, error) {
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
	if err := s.pullTemplates(ctx, a, at, r); err != nil {
		return nil, err
	}

	whole := s.db.Client.Account.Update().Where(entaccount.ID(id), entaccount.Or(entaccount.SyncedAtIsNil(),
		entaccount.SyncedAtLTE(started))).SetSyncedAt(started).SetNextSyncAt(s.nextSync()).
		ClearListingStartedAt().ClearListingAfter()
	if r.byItself() {
		whole.Where(entaccount.NextSyncAtEQ(r.lease))
	}
	if err := whole.Exec(ctx); err != nil {
		return nil, fmt.Errorf("sync account %s: %w", id, err)
	}

	return s.find(ctx, id)
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

// reading is an account as Meta had it when the reading began, or later.
type reading struct {
	began   time.Time
	account whatsapp.Account
	numbers []whatsapp.PhoneNumber
}

func (s *Service) read(ctx context.Context, at Access, wabaID string) (r reading, err error) {
	r.began = s.now()
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
