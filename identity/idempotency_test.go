package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/uid"
	"carillon/usererror"
)

// once makes a contact list, once.
func (s *stage) once(ctx context.Context, key string, input any) (id uid.ID, replayed bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		id, replayed, err = s.Once(ctx, tx, "createContactList", key, input, func() (uid.ID, error) {
			list, err := tx.Client.ContactList.Create().SetName(rand.Text()).Save(ctx)
			if err != nil {
				return uid.ID{}, err
			}

			return list.ID, nil
		})

		return err
	})

	return id, replayed, err
}

func (s *stage) lists() int {
	return s.db.Client.ContactList.Query().CountX(caller.System(s.t.Context()))
}

func TestTheSameKeyMakesOneThingWithinADay(t *testing.T) {
	each(t, func(s *stage) {
		ctx, other := s.call(s.signUp(email).Token), s.call(s.signUp("bob@example.com").Token)
		first, replayed, err := s.once(ctx, "k", map[string]int{"a": 1, "b": 2})
		if err != nil || replayed {
			s.t.Fatal(replayed, err)
		}

		second, replayed, err := s.once(ctx, "k", map[string]int{"b": 2, "a": 1})
		if err != nil || !replayed || second != first {
			s.t.Errorf("%s then %s, %t, %v", first, second, replayed, err)
		}

		if _, _, err := s.once(ctx, "k", map[string]int{"a": 2}); !slices.Equal(codes(s.t, err),
			[]string{"idempotencyKey:INVALID"}) {
			s.t.Error(err)
		}

		if _, _, err := s.once(ctx, strings.Repeat("k", 256), nil); !slices.Equal(codes(s.t, err),
			[]string{"idempotencyKey:TOO_LONG"}) {
			s.t.Error(err)
		}

		if id, replayed, err := s.once(other, "k", nil); err != nil || replayed || id == first {
			s.t.Errorf("another organization: %s, %t, %v", id, replayed, err)
		}

		for range 2 {
			if _, replayed, err := s.once(ctx, "", nil); err != nil || replayed {
				s.t.Errorf("without a key: %t, %v", replayed, err)
			}
		}

		s.advance(24*time.Hour - time.Second)
		if err := s.Sweep(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if _, replayed, err := s.once(ctx, "k", map[string]int{"a": 1, "b": 2}); err != nil || !replayed {
			s.t.Errorf("within a day: %t, %v", replayed, err)
		}

		s.advance(time.Second)
		third, replayed, err := s.once(ctx, "k", "another input")
		if err != nil || replayed || third == first {
			s.t.Errorf("after a day: %s, %t, %v", third, replayed, err)
		}
		if got, replayed, _ := s.once(ctx, "k", "another input"); !replayed || got != third {
			s.t.Errorf("after a day, again: %s, %t", got, replayed)
		}

		s.advance(24 * time.Hour)
		if err := s.Sweep(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if n := s.db.Client.IdempotencyKey.Query().CountX(caller.System(s.t.Context())); n != 0 {
			s.t.Errorf("%d keys left", n)
		}
	})
}

func TestManyAtOnceWithOneKeyMakeOneThing(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		var fresh atomic.Int32
		var ids sync.Map
		var wait sync.WaitGroup

		for range 6 {
			wait.Go(func() {
				id, replayed, err := s.once(ctx, "k", "input")
				if err != nil {
					s.t.Error(err)
				}
				if !replayed {
					fresh.Add(1)
				}

				ids.Store(id, true)
			})
		}

		wait.Wait()
		kinds := 0
		ids.Range(func(any, any) bool { kinds++; return true })
		if fresh.Load() != 1 || kinds != 1 || s.lists() != 1 {
			s.t.Errorf("%d made it, %d ids, %d lists", fresh.Load(), kinds, s.lists())
		}
	})
}

func TestAKeyIsFreeAgainWhenMakingFailed(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		failed := errors.New("failed")
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			_, _, err := s.Once(ctx, tx, "createContactList", "k", "input", func() (uid.ID, error) { return uid.ID{}, failed })
			return err
		})
		if !errors.Is(err, failed) {
			s.t.Fatal(err)
		}
		if _, replayed, err := s.once(ctx, "k", "other input"); err != nil || replayed {
			s.t.Errorf("%t, %v", replayed, err)
		}
		if _, _, err := s.once(caller.System(s.t.Context()), "k", nil); err == nil || usererror.Is(err, usererror.Internal) {
			s.t.Errorf("the system has a key: %v", err)
		}
	})
}
