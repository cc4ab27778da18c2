package identity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"carillon/uid"
)

const (
	// cacheFor bounds how long a token that was revoked elsewhere is taken for good when the news of
	// it is held up on its way. As a rule it comes within milliseconds.
	cacheFor = 10 * time.Second

	mostCached = 10_000
	// one look-up may answer several callers, so it ends by this and not with the first of them
	lookUpFor = 5 * time.Second
)

type tokenDigest [sha256.Size]byte

// cache keeps who stands behind a token, so that a call need not ask the database again. It is
// trusted only while this process hears what others revoke. Two counters keep what was looked up
// before a revocation from being stored, or handed to a caller, after it: the generation rises with
// every revocation that is heard, the epoch whenever one may not have been.
type cache struct {
	hears func() (epoch uint64, ok bool)
	now   func() time.Time

	mu         sync.Mutex
	generation uint64
	known      map[tokenDigest]*cached
	flights    singleflight.Group
}

// cached is one answer. The rows it holds are shared by all calls and not changed.
type cached struct {
	viewer  Viewer
	until   time.Time
	epoch   uint64
	touched atomic.Int64 // when last_used_at was written last, in nanoseconds
}

// hit is a viewer of the caller's own, and, where it is kept, the entry that it is a copy of.
type hit struct {
	viewer Viewer
	entry  *cached
}

func newCache(hears func() (uint64, bool), now func() time.Time) *cache {
	return &cache{hears: hears, now: now, known: map[tokenDigest]*cached{}}
}

// get returns who stands behind a token, by lookUp where that is not known.
func (c *cache) get(ctx context.Context, token tokenDigest, lookUp func(context.Context) (*Viewer, error)) (hit,
	error) {
	epoch, ok := uint64(0), false
	if c.hears != nil {
		epoch, ok = c.hears()
	}

	if !ok {
		v, err := lookUp(ctx)
		if err != nil {
			return hit{}, err
		}

		return hit{viewer: *v}, nil
	}

	c.mu.Lock()
	generation, entry := c.generation, c.known[token]
	c.mu.Unlock()
	if entry != nil && entry.epoch == epoch && entry.good(c.now()) {
		return hit{entry.viewer, entry}, nil
	}

	// A caller joins only those whose look-up began after the same revocations.
	key := string(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(token[:], generation), epoch))
	flight := c.flights.DoChan(key, func() (any, error) {
		v, err := lookUp(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}

		return c.put(token, generation, epoch, v), nil
	})

	select {
	case <-ctx.Done():
		return hit{}, fmt.Errorf("look up token: %w", ctx.Err())
	case result := <-flight:
		if result.Err != nil {
			return hit{}, result.Err
		}

		entry := result.Val.(*cached)
		return hit{entry.viewer, entry}, nil
	}
}

// put keeps an answer, unless somebody was revoked since it was asked for.
func (c *cache) put(token tokenDigest, generation, epoch uint64, v *Viewer) *cached {
	entry := &cached{viewer: *v, epoch: epoch, until: c.now().Add(cacheFor)}
	if used := lastUsed(v); used != nil {
		entry.touched.Store(used.UnixNano())
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return entry
	}

	if _, again := c.known[token]; !again && len(c.known) >= mostCached {
		for other := range c.known { // any one: who it was asks the database once more
			delete(c.known, other)
			break
		}
	}

	c.known[token] = entry

	return entry
}

// forget drops what is known of whoever one of the ids names: a session, a key, a member, a user,
// or an organization.
func (c *cache) forget(ids ...uid.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++

	for token, entry := range c.known {
		for _, id := range ids {
			if entry.viewer.isOf(id) {
				delete(c.known, token)
			}
		}
	}
}

// good says whether an entry is still young, and the clock has not ended the token.
func (e *cached) good(now time.Time) bool {
	expires := e.viewer.expires()
	return now.Before(e.until) && (expires == nil || now.Before(*expires))
}

// stale reports, to one of all that ask, that a token's use should be noted again.
func (e *cached) stale(now time.Time) bool {
	last := e.touched.Load()
	return now.UnixNano()-last > int64(touchEvery) && e.touched.CompareAndSwap(last, now.UnixNano())
}

func lastUsed(v *Viewer) *time.Time {
	if v.Session != nil {
		return &v.Session.LastUsedAt
	}
	return v.Key.LastUsedAt
}

func (v *Viewer) expires() *time.Time {
	if v.Session != nil {
		return &v.Session.ExpiresAt
	}
	return v.Key.ExpiresAt
}

// isOf reports whether v depends on what an id names.
func (v *Viewer) isOf(id uid.ID) bool {
	return v.Organization == id || v.User != nil && v.User.ID == id ||
		v.Member != nil && v.Member.ID == id || v.Session != nil && v.Session.ID == id ||
		v.Key != nil && (v.Key.ID == id || v.Key.CreatedBy != nil && *v.Key.CreatedBy == id)
}

// Forget makes the next call of whoever one of the ids names ask the database again: a session, a
// key, a member, a user or an organization. Everything that takes rights away ends in it, in every
// process, after the commit.
func (s *Service) Forget(ids ...uid.ID) { s.cache.forget(ids...) }

// revoked follows the commit after which credentials, users or organizations are not what they
// were. Forget drops what this process keeps of them, and Options.Announce tells all processes.
func (s *Service) revoked(ctx context.Context, ids ...uid.ID) {
	s.Forget(ids...)
	if s.announce == nil {
		return
	}

	for _, id := range ids {
		s.announce(ctx, id)
	}
}
