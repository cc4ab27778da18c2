package account_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

const aDay = 24 * time.Hour

// expiring is an organization with the account, whose token is good for that long.
func (s *stage) expiring(d time.Duration) (context.Context, *ent.Account) {
	s.t.Helper()
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: token, TokenExpiresAt: s.now().Add(d)})
	return s.connected()
}

// sweep watches tokens, and returns the accounts whose token has run out.
func (s *stage) sweep() []*ent.Account {
	s.t.Helper()
	expired, err := s.WatchTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}

	return expired
}

func TestATokensEndIsReadWarnedOfThreeTimesAndThenReached(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.expiring(30 * aDay)
		ends := s.now().Add(30 * aDay)
		if a.TokenExpiresAt == nil || !a.TokenExpiresAt.Equal(ends.Truncate(time.Second)) {
			s.t.Fatalf("it runs out at %v", a.TokenExpiresAt)
		}

		var warned []time.Time
		for s.now().Before(ends) {
			for range 2 { // two processes
				if expired := s.sweep(); expired != nil {
					s.t.Fatalf("at %v: %v", s.now(), expired)
				}
			}

			at := s.db.Client.Account.GetX(ctx, a.ID).TokenWarnedAt
			if at != nil && (len(warned) == 0 || !warned[len(warned)-1].Equal(*at)) {
				warned = append(warned, *at)
			}

			s.advance(aDay / 2)
		}

		if want := []time.Time{ends.Add(-14 * aDay), ends.Add(-3 * aDay), ends.Add(-aDay)}; !slices.EqualFunc(warned, want,
			time.Time.Equal) {
			s.t.Errorf("warned at %v, want %v", warned, want)
		}

		expired := s.sweep()
		if len(expired) != 1 || expired[0].ID != a.ID || expired[0].Status != enum.AccountStatusTokenExpired ||
			expired[0].StatusReason == nil || s.sweep() != nil {
			s.t.Errorf("ran out: %v", expired)
		}
	})
}

func TestAServiceThatWasAwayWarnsOnce(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.expiring(20 * aDay)
		s.advance(19*aDay + time.Hour) // two warnings were missed
		s.sweep()
		first := s.db.Client.Account.GetX(ctx, a.ID).TokenWarnedAt
		s.advance(2 * time.Hour)
		s.sweep()
		if now := s.db.Client.Account.GetX(ctx, a.ID).TokenWarnedAt; first == nil || !now.Equal(*first) {
			s.t.Errorf("warned at %v, and at %v again", first, now)
		}
	})
}

func TestOfManyProcessesOneWritesAWarningDown(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.expiring(2 * aDay)
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() { s.sweep() })
		}

		wait.Wait()
		if now := s.db.Client.Account.GetX(ctx, a.ID); now.TokenWarnedAt == nil || now.Status != enum.AccountStatusConnected {
			s.t.Errorf("%v", now)
		}
	})
}

func TestAWarningIsToldAgainByAnotherProcessForAMinute(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.expiring(2 * aDay)
		s.sweep() // the process dies before anybody has heard of it

		heard := func() (ids []uid.ID) {
			other := account.New(s.db, s.keys, s.meta, s.who, account.Options{
				Tell: func(_ context.Context, _ uid.ID, subjects ...uid.ID) { ids = append(ids, subjects...) }}, s.now)
			if _, err := other.WatchTokens(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}

			return ids
		}

		s.advance(30 * time.Second)
		if got := heard(); !slices.Equal(got, []uid.ID{a.ID}) {
			s.t.Errorf("within a minute: %v", got)
		}

		s.advance(31 * time.Second)
		if got := heard(); got != nil {
			s.t.Errorf("later: %v", got)
		}
	})
}

func TestANewTokenEndsTheWarnings(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.expiring(aDay / 2)
		s.sweep()
		s.advance(aDay)
		if len(s.sweep()) != 1 {
			s.t.Error("the token has not run out")
		}

		s.renew("EAAfresh")
		again, err := s.Connect(ctx, account.Connect{WABAID: waba, AccessToken: "EAAfresh", ConsentToTransfer: true})
		if err != nil || again.ID != a.ID || again.TokenExpiresAt != nil || again.TokenWarnedAt != nil ||
			again.Status != enum.AccountStatusConnected || s.sweep() != nil {
			s.t.Errorf("%v, %v", again, err)
		}
	})
}

func TestASyncReadsTheEndOfTheTokenAnew(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.expiring(0 + 20*aDay)
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: token})
		if a, err := s.Sync(ctx, a.ID); err != nil || a.TokenExpiresAt != nil {
			s.t.Errorf("%v, %v", a, err)
		}

		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: token, TokenExpiresAt: s.now().Add(aDay)})
		s.breaks("GET debug_token", says(500, ""))
		if a, err := s.Sync(ctx, a.ID); err != nil || a.TokenExpiresAt != nil {
			s.t.Errorf("unasked: %v, %v", a, err)
		}

		s.breaks("GET debug_token", nil)
		if a, err := s.Sync(ctx, a.ID); err != nil || a.TokenExpiresAt == nil {
			s.t.Errorf("%v, %v", a, err)
		}
	})
}
