package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// syncsAtOnce is how many accounts one process syncs beside each other, and lookForDue how often
	// it looks for more.
	syncsAtOnce = 2
	lookForDue  = 10 * time.Second

	// syncWithin is how long a sync may take, and leaseFor how long no other process begins one of the
	// same account.
	syncWithin = 10 * time.Minute
	leaseFor   = syncWithin + time.Minute

	// syncAgainAfter is when an account's turn comes again that could not be read whole.
	syncAgainAfter = 30 * time.Minute

	// appointed is how many accounts get their first turn at a time.
	appointed = 1000
)

// followed are the accounts that are synced without being asked. Of the others no token works.
var followed = entaccount.StatusIn(enum.AccountStatusConnected, enum.AccountStatusRestricted)

// spared are the apps, by Account.Sandbox, that have made most of the calls that Meta allows them,
// and until when this process syncs no account of theirs by itself.
type spared struct {
	mu    sync.Mutex
	until [2]time.Time
}

func (p *spared) of(sandbox bool) *time.Time {
	if sandbox {
		return &p.until[1]
	}
	return &p.until[0]
}

func (p *spared) rest(sandbox bool, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.of(sandbox); until.After(*last) {
		*last = until
	}
}

// others are the accounts of the other apps.
func (p *spared) others(now time.Time) (all []predicate.Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sandbox := range []bool{false, true} {
		if p.of(sandbox).After(now) {
			all = append(all, entaccount.SandboxNEQ(sandbox))
		}
	}

	return all
}

// nextSync is when an account that was just synced has its turn again: up to a quarter of the time
// earlier, so that those that were connected together spread.
func (s *Service) nextSync() time.Time {
	every := s.options.syncEvery()
	return s.now().Add(every - rand.N(every/4)).Truncate(time.Microsecond)
}

// RunSyncs syncs accounts whose turn has come, until ctx ends.
func (s *Service) RunSyncs(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(lookForDue)
	defer tick.Stop()
	for {
		var all sync.WaitGroup
		for range syncsAtOnce {
			all.Go(func() {
				for more := true; more && ctx.Err() == nil; {
					var err error
					if more, err = s.SyncDue(ctx, log); err != nil && ctx.Err() == nil {
						log.Error("accounts could not be synced and are tried again", "error", err)
					}
				}
			})
		}

		all.Wait()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// SyncDue syncs the account whose turn came first, and reports false where none is due. What
// stands in an account's way is logged and puts off its turn. Any number of processes may do it at
// once: an account is synced by one of them.
func (s *Service) SyncDue(ctx context.Context, log *slog.Logger) (more bool, err error) {
	ctx = caller.System(ctx)
	if err := s.appoint(ctx); err != nil {
		return false, err
	}

	a, err := s.claimDue(ctx)
	if err != nil || a == nil {
		return false, err
	}

	within, cancel := context.WithTimeout(ctx, syncWithin)
	defer cancel()
	asked, allowance := whatsapp.Sparing(within)
	_, err = s.sync(asked, a.ID, run{lease: *a.NextSyncAt})

	wait, app := allowance.Wait()
	if app > 0 {
		s.spared.rest(a.Sandbox, s.now().Add(app))
	}

	switch wait = max(wait, app); {
	case err == nil: // its next turn is written down
		return true, nil
	case errors.Is(err, errTaken):
		log.Info("the sync of an account ends, since another one has begun", "account", a.ID.String())
		return true, nil
	case ctx.Err() != nil:
		wait = 0 // this process stops, and another goes on
	case wait > 0:
		log.Info("the sync of an account waits, since most of what Meta allows in an hour is used up",
			"account", a.ID.String(), "wait", wait.String())
	default:
		wait = syncAgainAfter
		log.Warn("an account could not be synced and is tried again", "account", a.ID.String(), "wait", wait.String(),
			"error", err)
	}

	return true, s.putOff(context.WithoutCancel(ctx), a.ID, *a.NextSyncAt, wait)
}

// claimDue takes the account whose turn came first, nil for none. Its turn is after the lease now,
// so that another process takes it over should this one die.
func (s *Service) claimDue(ctx context.Context) (*ent.Account, error) {
	due := append(s.spared.others(s.now()), entaccount.NextSyncAtLTE(s.now()), followed)
	candidates, err := s.db.Client.Account.Query().Where(due...).
		Order(entaccount.ByNextSyncAt(), entaccount.ByID()).Limit(10).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for accounts to sync: %w", err)
	}

	for _, a := range candidates {
		until := s.now().Add(leaseFor)
		n, err := s.db.Client.Account.Update().Where(turn(a.ID, *a.NextSyncAt)).SetNextSyncAt(until).Save(ctx)
		if err != nil {
			return nil, fmt.Errorf("take account %s to sync: %w", a.ID, err)
		}

		if n > 0 {
			a.NextSyncAt = &until
			return a, nil
		}
	}

	return nil, nil
}

// turn is an account while its turn is the one that was read.
func turn(id uid.ID, at time.Time) predicate.Account {
	return entaccount.And(entaccount.ID(id), entaccount.NextSyncAtEQ(at))
}

// putOff ends a lease early: the turn is after that wait. Nothing happens where another has the
// account by now.
func (s *Service) putOff(ctx context.Context, id uid.ID, lease time.Time, wait time.Duration) error {
	err := s.db.Client.Account.Update().Where(turn(id, lease)).SetNextSyncAt(s.now().Add(wait)).Exec(ctx)
	return wrap("put off the sync of account "+id.String(), err)
}

// appoint gives accounts that have no turn yet one each, spread over the whole time.
func (s *Service) appoint(ctx context.Context) error {
	ids, err := s.db.Client.Account.Query().Where(entaccount.NextSyncAtIsNil(), followed).Limit(appointed).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return wrap("look for accounts without a turn", err)
	}

	turns := make([]time.Time, len(ids))
	for i := range turns {
		turns[i] = s.now().Add(rand.N(s.options.syncEvery())).Truncate(time.Microsecond)
	}

	return wrap("give accounts their turn", s.setTurns(ctx, ids, turns))
}

func (s *Service) setTurns(ctx context.Context, ids []uid.ID, turns []time.Time) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		from, args := s.db.Rowset(nil, database.IDs("id", ids), database.Times("next_sync_at", turns))
		_, err := tx.ExecContext(ctx, `UPDATE account SET next_sync_at = f.next_sync_at FROM `+from+`
			WHERE account.id = f.id AND account.next_sync_at IS NULL`, args...)

		return err
	})
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
