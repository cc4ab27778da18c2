package audience

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
)

// Learn takes note of who got messages, as receipts and answers tell. Nearly all tell what is
// known: a bounded memory of what this process has learned spares the database the question, and
// what is left is asked for all links at once. Only news is a transaction.
func (s *Service) Learn(ctx context.Context, links []delivery.Link) error {
	ctx = caller.System(ctx)
	var sums []uint64
	var news []Identity

	for _, l := range links {
		sum := s.acquaintances.sum(l)
		if s.acquaintances.has(sum) {
			continue
		}

		sums = append(sums, sum)
		news = append(news, Identity{Organization: l.Organization, Phone: l.Recipient, UserID: l.UserID,
			Others: []string{l.Address}, At: l.At})
	}

	if len(news) == 0 {
		return nil
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		news, err := untold(ctx, tx, news)
		if err != nil || len(news) == 0 {
			return err
		}

		_, err = s.Identify(ctx, tx, news...)

		return err
	})
	if err != nil {
		return fmt.Errorf("learn of %d people: %w", len(sums), err)
	}

	s.acquaintances.add(sums)

	return nil
}

// untold leaves of identities those that tell something new. It locks nothing.
func untold(ctx context.Context, tx *database.Tx, all []Identity) (news []Identity, err error) {
	r := &resolution{Tx: tx}
	for _, in := range all {
		r.told = append(r.told, read(in))
	}

	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}

	r.group(found)
	for _, g := range r.groups {
		linked := len(g.people) > 1 || len(g.people) == 1 && len(g.fresh) > 0 || len(g.fresh) > 1
		for _, n := range g.told {
			if linked || r.told[n].respelled() {
				news = append(news, all[n])
			}
		}
	}

	return news, nil
}

// respelled says that WhatsApp writes the number in another way than it was written to.
func (t told) respelled() bool {
	if t.phone == "" {
		return false
	}

	for _, other := range t.Others {
		if other != t.phone && NumberKey(other) == NumberKey(t.phone) {
			return true
		}
	}

	return false
}

// acquaintances remembers links that are in the database, as sums of what they say. It forgets the
// older half of them when it is full.
type acquaintances struct {
	seed maphash.Seed

	mu       sync.Mutex
	now, old map[uint64]struct{}
}

// mostAcquaintances bounds each half: some 2 MB.
const mostAcquaintances = 1 << 16

func newAcquaintances() *acquaintances {
	return &acquaintances{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

func (a *acquaintances) sum(l delivery.Link) uint64 {
	var h maphash.Hash
	h.SetSeed(a.seed)
	_, _ = h.Write(l.Organization[:])
	for _, part := range []string{l.Address, l.Recipient, l.UserID} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}

	return h.Sum64()
}

func (a *acquaintances) has(sum uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, now := a.now[sum]
	_, old := a.old[sum]

	return now || old
}

func (a *acquaintances) add(sums []uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, sum := range sums {
		if len(a.now) >= mostAcquaintances {
			a.now, a.old = map[uint64]struct{}{}, a.now
		}

		a.now[sum] = struct{}{}
	}
}
