package identity_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	entgo "entgo.io/ent"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/hub"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// hearing is a process that hears what others revoke, until it is deaf.
type hearing struct {
	epoch atomic.Uint64
	deaf  atomic.Bool
}

func (h *hearing) hears() (uint64, bool) { return h.epoch.Load(), !h.deaf.Load() }

// counted counts the statements of a database's client.
func counted(db *database.DB) *atomic.Int64 {
	var n atomic.Int64
	db.Client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return entgo.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			n.Add(1)
			return next.Query(ctx, q)
		})
	}))

	db.Client.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			n.Add(1)
			return next.Mutate(ctx, m)
		})
	})

	return &n
}

func cachingStage(t *testing.T) (*stage, *hearing, *atomic.Int64) {
	t.Parallel()
	db, ears := dbtest.Open(t, dbtest.SQLite(t)), &hearing{}
	return stand(t, db, identity.Options{Hears: ears.hears}), ears, counted(db)
}

func TestATokenThatWasJustSeenCostsNoStatement(t *testing.T) {
	s, ears, statements := cachingStage(t)
	token := s.signUp(email).Token
	cost := func() int64 {
		before := statements.Load()
		s.call(token)
		return statements.Load() - before
	}

	first := cost()
	if first == 0 {
		t.Fatal("the statements are not counted")
	}

	for range 3 {
		if n := cost(); n != 0 {
			t.Errorf("a hot call cost %d statements", n)
		}
	}

	ears.deaf.Store(true)
	if n := cost(); n != first {
		t.Errorf("a process that hears nothing asked %d times, want %d", n, first)
	}

	ears.deaf.Store(false)
	if n := cost(); n != 0 {
		t.Errorf("it hears again, in the same epoch: %d statements", n)
	}

	ears.epoch.Add(1)
	if n := cost(); n != first {
		t.Errorf("after news may have been missed it asked %d times, want %d", n, first)
	}

	s.advance(11 * time.Second)
	if n := cost(); n != first {
		t.Errorf("an old entry was taken: %d statements", n)
	}
}

func TestATokensUseIsNotedOnceAMinuteAlsoWhenItIsHot(t *testing.T) {
	s, _, _ := cachingStage(t)
	signed := s.signUp(email)
	for range 15 {
		s.call(signed.Token)
		s.WriteUses(t.Context())
		s.advance(9 * time.Second)
	}

	used := s.db.Client.Session.GetX(caller.System(t.Context()), signed.Viewer.Session.ID).LastUsedAt
	if late := s.now().Sub(used); late > 80*time.Second {
		t.Errorf("the last use is noted %s late", late)
	}
}

func TestWhateverTakesRightsAwayEndsAHotTokenAtOnce(t *testing.T) {
	s, _, _ := cachingStage(t)
	for name, take := range map[string]func(token string, v *identity.Viewer){
		"revoking the session": func(token string, v *identity.Viewer) {
			if err := s.RevokeSession(s.call(token), v.Session.ID); err != nil {
				t.Error(err)
			}
		},
		"signing out": func(token string, _ *identity.Viewer) {
			if err := s.SignOut(s.call(token)); err != nil {
				t.Error(err)
			}
		},
		"removing the member": func(_ string, v *identity.Viewer) {
			s.db.Client.Member.DeleteOneID(v.Member.ID).ExecX(caller.System(t.Context()))
			s.Forget(v.Member.ID)
		},
		"closing the organization": func(_ string, v *identity.Viewer) {
			s.db.Client.Organization.UpdateOneID(v.Organization).SetStatus(enum.OrganizationStatusClosed).
				ExecX(caller.System(t.Context()))
			s.Forget(v.Organization)
		},
		"revoking all of a user's": func(_ string, v *identity.Viewer) {
			s.db.Client.Session.Update().SetRevokedAt(s.now()).ExecX(caller.System(t.Context()))
			s.Forget(v.User.ID)
		},
	} {
		signed := s.signUp(uid.New(uid.User).String() + "@example.com")
		s.call(signed.Token)
		take(signed.Token, signed.Viewer)
		if _, err := s.Authenticate(t.Context(), "Bearer "+signed.Token, identity.Client{}); !usererror.Is(err,
			usererror.Unauthenticated) {
			t.Errorf("after %s: %v", name, err)
		}
	}

	owner := s.call(s.signUp(email).Token)
	soon := s.now().Add(5 * time.Second)
	key, secret, err := s.CreateAPIKey(owner, identity.NewAPIKey{Name: "robot", Role: enum.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}

	_, short, err := s.CreateAPIKey(owner, identity.NewAPIKey{Name: "short", Role: enum.RoleViewer, ExpiresAt: &soon})
	if err != nil {
		t.Fatal(err)
	}

	s.call(secret)
	s.call(short)
	if _, _, err := s.RevokeAPIKey(owner, key.ID); err != nil {
		t.Fatal(err)
	}

	s.refused(secret)
	s.advance(6 * time.Second) // less than an entry's age
	s.refused(short)
}

func TestALookUpThatBeganBeforeARevocationIsNotKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, identity.Options{Hears: (&hearing{}).hears})
		signed := s.signUp(email)
		owner := identity.With(t.Context(), signed.Viewer)
		key, secret, err := s.CreateAPIKey(owner, identity.NewAPIKey{Name: "robot", Role: enum.RoleViewer})
		if err != nil {
			t.Fatal(err)
		}

		read := make(chan chan struct{}, 1) // of the look-up that is held up; what is received lets it go on
		var hold atomic.Bool

		db.Client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
			return entgo.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
				v, err := next.Query(ctx, q)
				if hold.CompareAndSwap(true, false) {
					goOn := make(chan struct{})
					read <- goOn
					<-goOn
				}

				return v, err
			})
		}))

		for token, revoke := range map[string]func() error{
			secret:       func() error { _, _, err := s.RevokeAPIKey(owner, key.ID); return err },
			signed.Token: func() error { return s.RevokeSession(owner, signed.Viewer.Session.ID) },
		} {
			hold.Store(true)
			var g sync.WaitGroup
			g.Go(func() {
				if _, err := s.Authenticate(t.Context(), "Bearer "+token, identity.Client{}); err != nil {
					t.Errorf("a call that began before: %v", err)
				}
			})

			goOn := <-read
			if err := revoke(); err != nil {
				t.Error(err)
			}

			s.refused(token) // and it does not join the look-up that is under way
			close(goOn)
			g.Wait()
			s.refused(token)
		}
	})
}

func TestARevocationIsHeardInAnotherProcess(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.SQLite(t))
	client, prefix := dbtest.Redis(t)

	process := func() (*stage, *hub.Hub[delivery.Event], chan uid.ID) {
		s, heard := &stage{t: t, db: db}, make(chan uid.ID, 10)
		h := hub.New(client, prefix, hub.Source[delivery.Event](delivery.NewLog(db)),
			hub.Options{Announced: func(subjects ...uid.ID) {
				s.Forget(subjects...)
				for _, id := range subjects {
					heard <- id
				}
			}})

		*s = stage{t: t, db: db, Service: identity.New(db, identity.DefaultTerms(), database.Now,
			identity.Options{Costs: cheap, Hears: h.Hears})}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })

		return s, h, heard
	}

	a, hubA, _ := process()
	b, hubB, heard := process()

	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C { // until both listen
		_, one := hubA.Hears()
		if _, two := hubB.Hears(); one && two {
			tick.Stop()
			break
		}
	}

	signed := a.signUp(email)
	statements := counted(db)
	b.call(signed.Token)
	before := statements.Load()
	b.call(signed.Token)
	if n := statements.Load() - before; n != 0 {
		t.Errorf("a hot call cost %d statements", n)
	}
	if err := a.SignOut(a.call(signed.Token)); err != nil {
		t.Fatal(err)
	}

	hubA.Announce(t.Context(), signed.Viewer.Session.ID)
	select {
	case id := <-heard:
		if id != signed.Viewer.Session.ID {
			t.Errorf("heard of %s", id)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it was not heard")
	}

	b.refused(signed.Token)
}

func BenchmarkAuthenticate(b *testing.B) {
	for name, hears := range map[string]func() (uint64, bool){"uncached": nil,
		"cached": func() (uint64, bool) { return 0, true }} {
		for store, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
			b.Run(name+"/"+store, func(b *testing.B) {
				s := identity.New(dbtest.Open(b, dsn(b)), identity.DefaultTerms(), database.Now,
					identity.Options{Costs: cheap, Hears: hears})
				signed, err := s.SignUp(b.Context(), form(email))
				if err != nil {
					b.Fatal(err)
				}

				for b.Loop() {
					if _, err := s.Authenticate(b.Context(), "Bearer "+signed.Token, identity.Client{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkSignIn(b *testing.B) {
	s := identity.New(dbtest.Open(b, dbtest.Postgres(b)), identity.DefaultTerms(), database.Now, identity.Options{})
	if _, err := s.SignUp(b.Context(), form(email)); err != nil {
		b.Fatal(err)
	}

	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.SignIn(b.Context(), identity.SignIn{Email: email, Password: password}); err != nil {
				b.Error(err)
			}
		}
	})
}
