package identity

import (
	"context"
	"sync"
	"time"

	"carillon/caller"
	"carillon/ent/apikey"
	"carillon/ent/session"
	"carillon/uid"
)

const (
	mostUses  = 10_000          // tokens whose use is still to be written
	writeUses = 5 * time.Second // how long one of them may take to be written
)

// uses are tokens that were used and whose last_used_at is still to be written. It is written
// beside the calls: a database that takes no writes, or takes its time for them, delays and refuses
// nobody who only reads. What a dying process had not written is lost, which is no more than a
// minute of what the column says anyway.
type uses struct {
	ready chan struct{} // holds a token when there may be something to write

	mu      sync.Mutex
	waiting map[uid.ID]use
}

type use struct {
	key bool // of an API key, else of a session
	at  time.Time
}

func newUses() *uses { return &uses{ready: make(chan struct{}, 1), waiting: map[uid.ID]use{}} }

func (u *uses) add(id uid.ID, one use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.waiting) >= mostUses {
		return
	}

	u.waiting[id] = one
	select {
	case u.ready <- struct{}{}:
	default: // there is one already
	}
}

func (u *uses) take() map[uid.ID]use {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.waiting
	u.waiting = map[uid.ID]use{}

	return taken
}

// noteUse notes that a token is used, once in a minute.
func (s *Service) noteUse(v *Viewer) {
	now := s.now()
	if last := lastUsed(v); last != nil && !last.Before(now.Add(-touchEvery)) {
		return
	}

	if v.Session != nil {
		s.uses.add(v.Session.ID, use{at: now})
		return
	}

	s.uses.add(v.Key.ID, use{key: true, at: now})
}

// RunUses writes when tokens were used, until ctx ends. Processes that take calls run it.
func (s *Service) RunUses(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.uses.ready:
			s.WriteUses(ctx)
		}
	}
}

// WriteUses writes what waits to be written now. What cannot be written is forgotten: it is noted
// again with the next use.
func (s *Service) WriteUses(ctx context.Context) {
	for id, one := range s.uses.take() {
		if err := s.writeUse(caller.System(ctx), id, one); err != nil {
			s.log.DebugContext(ctx, "the use of a token could not be noted", "error", err)
		}
	}
}

func (s *Service) writeUse(ctx context.Context, id uid.ID, one use) error {
	ctx, cancel := context.WithTimeout(ctx, writeUses)
	defer cancel()
	if one.key {
		return s.db.Client.APIKey.Update().
			Where(apikey.ID(id), apikey.Or(apikey.LastUsedAtIsNil(), apikey.LastUsedAtLT(one.at))).
			SetLastUsedAt(one.at).Exec(ctx)
	}

	return s.db.Client.Session.Update().Where(session.ID(id), session.LastUsedAtLT(one.at)).SetLastUsedAt(one.at).Exec(ctx)
}
