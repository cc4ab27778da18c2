// Package account is the WhatsApp Business Accounts that organizations have bound, their phone
// numbers and their message templates, kept in step with Meta. It hides access tokens, which are
// stored sealed, and how Meta's words become ours. It promises that one account is bound by one
// organization at a time, that no call to Meta is made inside a transaction, that everything here
// can be repeated after a crash, and that a reading of Meta never overwrites a later one.
package account

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Options name our app at Meta. Without it tokens are examined as far as they may examine
// themselves.
type Options struct {
	AppID, AppSecret string
	// Sandbox is where accounts for trial are made; nil where none runs. Its client is the service's
	// own where a sandbox stands for WhatsApp altogether: then every account is one of the sandbox.
	Sandbox *App
	// Tell is told, after each commit, of accounts, numbers and templates that may have changed; it
	// may lose that. Nil tells nobody.
	Tell func(ctx context.Context, organization uid.ID, subjects ...uid.ID)
	// EditsPerDay and EditsPerMonth are how often Meta lets an approved template be changed, in 24
	// hours and in 30 days; zero is what Meta's page on templates says, 1 and 10.
	EditsPerDay, EditsPerMonth int
	// SyncEvery is how long an account goes without being synced whole, at most; zero is a day.
	SyncEvery time.Duration
}

func (o Options) editsPerDay() int   { return cmp.Or(o.EditsPerDay, 1) }
func (o Options) editsPerMonth() int { return cmp.Or(o.EditsPerMonth, 10) }

func (o Options) syncEvery() time.Duration { return cmp.Or(o.SyncEvery, day) }

// Service answers for all organizations' accounts.
type Service struct {
	db      *database.DB
	keys    *secret.Keyring
	callers *identity.Service
	options Options
	now     func() time.Time

	whatsapp, sandbox App // where accounts live; see Access
	spared            spared

	senders   *cache[uid.ID, Sender]
	receivers *cache[string, Receiver]  // by Meta's id of the number
	owners    *cache[string, owner]     // by Meta's id of the account
	heard     *cache[string, time.Time] // when webhooks of an account were last noted, by Meta's id of it
	profiles  *cache[uid.ID, Read]      // business profiles, by number
}

// New returns the service.
func New(db *database.DB, keys *secret.Keyring, meta *whatsapp.Client, callers *identity.Service, o Options,
	now func() time.Time) *Service {
	s := &Service{
		db: db, keys: keys, callers: callers, options: o,
		now:      func() time.Time { return database.Moment(now()) },
		whatsapp: App{Client: meta, ID: o.AppID, Secret: o.AppSecret}, sandbox: nowhere(),
		senders: newCache[uid.ID, Sender](now), receivers: newCache[string, Receiver](now),
		owners: newCache[string, owner](now), heard: newCache[string, time.Time](now),
		profiles: newCache[uid.ID, Read](now),
	}
	if s.profiles.keep = profileFor; o.Sandbox != nil {
		s.sandbox = *o.Sandbox
	}

	return s
}

// permit lets the system pass, and callers of that role.
func permit(ctx context.Context, role enum.Role) error {
	if scope, ok := caller.From(ctx); ok && scope.System {
		return nil
	}

	_, err := identity.Require(ctx, role)
	return err
}

// record writes what was done to an account, as the transaction's last statement.
func record(ctx context.Context, tx *database.Tx, action, verb string, a *ent.Account) error {
	return audit.Record(ctx, tx, audit.Entry{Organization: a.OrganizationID, Action: action, Subject: a.ID,
		Summary: fmt.Sprintf("%s account %q", verb, a.Name)})
}

// find is one account among those that ctx may see.
func (s *Service) find(ctx context.Context, id uid.ID) (*ent.Account, error) {
	a, err := s.db.Client.Account.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("account")
	}
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
	}

	return a, nil
}

// changed follows every commit that may have changed accounts, numbers or templates of an
// organization, whatever the reason. It drops what is cached of accounts and numbers in this
// process, the others follow within cacheFor, and tells who listens.
func (s *Service) changed(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
	if len(subjects) == 0 {
		return
	}

	s.senders.clear()
	s.receivers.clear()
	s.owners.clear()
	s.heard.clear()
	if s.options.Tell != nil {
		s.options.Tell(ctx, organization, subjects...)
	}
}
