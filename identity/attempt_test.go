package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/ratelimit"
	"carillon/usererror"
)

const (
	atHome    = "192.0.2.1" // where a stage's users sign up and sign in
	elsewhere = "203.0.113.7"
)

// eachLimited is eachWithMail where three tries of each kind are allowed for a minute, counted in
// Redis.
func eachLimited(t *testing.T, test func(s *stage, b *box)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		client, prefix := dbtest.Redis(t)
		limit := func(key string) ratelimit.Limit {
			if strings.HasPrefix(key, "address:") {
				return ratelimit.Limit{Tries: 1000, Span: time.Minute}
			}
			return ratelimit.Limit{Tries: 3, Span: time.Minute}
		}

		b := &box{}
		test(stand(t, db, identity.Options{Keys: keyed(t), PublicURL: "https://carillon.example",
			Limiter: ratelimit.New(client, prefix, limit, quiet)}).mailing(b), b)
	})
}

// from signs in from a network address.
func (s *stage) from(ip, address, password, code string) error {
	_, err := s.SignIn(s.t.Context(), identity.SignIn{Email: address, Password: password, Code: code,
		Client: identity.Client{IP: ip}})
	return err
}

// answer is what a caller can tell of an error.
func answer(err error) string {
	var wrong usererror.Fields
	var other *usererror.Error
	switch {
	case err == nil:
		return "in"
	case errors.As(err, &wrong):
		return string(wrong[0].Code)
	case errors.As(err, &other):
		return string(other.Kind)
	}

	return err.Error()
}

func (s *stage) answers(what string, err error, want string) {
	s.t.Helper()
	if got := answer(err); got != want {
		s.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestStrangersWhoUseTheTriesUpKeepStrangersOutAndNotTheUser(t *testing.T) {
	eachLimited(t, func(s *stage, _ *box) {
		s.signUp(email)
		for i := range 5 {
			want := "INVALID"
			if i > 2 {
				want = "RATE_LIMITED"
			}

			s.answers("a guess from anywhere", s.from(fmt.Sprint("198.51.100.", i), email, "a guess", ""), want)
		}

		s.answers("the right password from a new place", s.from(elsewhere, email, password, ""), "RATE_LIMITED")
		for range 9 {
			s.answers("the right password where they were before", s.from(atHome, email, password, ""), "in")
		}

		// Guesses from there are bounded too.
		for range 3 {
			s.answers("a guess from a known place", s.from(atHome, email, "a guess", ""), "RATE_LIMITED")
		}

		s.answers("after three of them", s.from(atHome, email, password, ""), "RATE_LIMITED")
	})
}

func TestOnlyFailedTriesCount(t *testing.T) {
	eachLimited(t, func(s *stage, _ *box) {
		token := s.signUp(email).Token
		a := s.enroll(s.call(token))
		for i := range 9 {
			s.answers("without a code", s.from(fmt.Sprint("198.51.100.", i), email, password, ""), "REQUIRED")
		}

		for i := range 6 {
			s.advance(step)
			s.answers("with a code", s.from(fmt.Sprint("198.51.100.", i), email, password, a.code(0)), "in")
		}

		for range 6 {
			s.advance(step)
			if _, err := s.RegenerateRecoveryCodes(s.call(token), password, a.code(0)); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

func TestWhoIsSignedInIsNotKeptOutByStrangers(t *testing.T) {
	eachLimited(t, func(s *stage, _ *box) {
		ctx := s.call(s.signUp(email).Token)
		a := s.enroll(ctx)
		for range 4 {
			_ = s.from(elsewhere, email, password, "000000")
		}

		s.answers("a code from a new place", s.from(elsewhere, email, password, a.code(0)), "RATE_LIMITED")
		s.answers("a code from a known place", s.from(atHome, email, password, a.code(0)), "in")

		for range 4 {
			_ = s.from(elsewhere, email, "a guess", "")
		}

		s.advance(2 * step)
		if _, err := s.DisableSecondFactor(ctx, password, a.code(0)); err != nil {
			s.t.Error(err)
		}

		// Who has their session, and not their password, does not guess it.
		for i := range 4 {
			_, _, err := s.ChangePassword(ctx, "a guess", newPassword)
			s.answers("a guess with the session", err, map[bool]string{true: "RATE_LIMITED", false: "INVALID"}[i == 3])
		}

		s.answers("signing in", s.from(atHome, email, password, ""), "in")
	})
}

func TestTheTriesShowNobodyWhetherAnAddressIsKnown(t *testing.T) {
	eachLimited(t, func(s *stage, b *box) {
		s.signUp(email)
		for _, ip := range []string{atHome, elsewhere, atHome, atHome, atHome, elsewhere, atHome, atHome} {
			known, unknown := s.from(ip, email, "a guess", ""), s.from(ip, bob, "a guess", "")
			if answer(known) != answer(unknown) || fmt.Sprint(known) != fmt.Sprint(unknown) {
				s.t.Errorf("from %s: %v, and for nobody %v", ip, known, unknown)
			}
		}

		for range 5 {
			s.ask(email)
			s.ask(bob)
		}
	})
}

func TestStrangersTakeNoLinkToResetThePasswordFromTheUser(t *testing.T) {
	eachLimited(t, func(s *stage, b *box) {
		s.signUp(email)
		s.ask(email)
		s.post()
		own := b.token(s.t)

		ask := func(ip string) int {
			s.t.Helper()
			before := len(b.mails)
			if err := s.RequestPasswordReset(s.t.Context(), email, identity.Client{IP: ip}); err != nil {
				s.t.Fatal(err)
			}

			s.post()

			return len(b.mails) - before
		}

		mailed := 0
		for i := range 6 {
			mailed += ask(fmt.Sprint("198.51.100.", i))
		}

		if mailed != 2 {
			s.t.Errorf("%d mails for strangers, want 2", mailed)
		}

		// The first link is still good: a code that is too short says so.
		_, _, err := s.ResetPassword(s.t.Context(), identity.ResetPassword{Token: own, NewPassword: "short"})
		s.answers("the first link", err, "TOO_SHORT")

		if ask(atHome) != 1 {
			s.t.Error("the user cannot ask, from where they were signed in")
		}
		if _, err := s.reset(own); err != nil {
			s.t.Errorf("the first link: %v", err)
		}

		_, err = s.reset(b.token(s.t))
		s.answers("the latest link, after one was used", err, "INVALID")
	})
}

func TestLinksToResetAPasswordAreBoundedInNumber(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.signUp(email)
		var tokens []string
		for range 22 {
			s.ask(email)
			s.post()
			tokens = append(tokens, b.token(s.t))
		}

		if s.resets() != 20 {
			s.t.Errorf("%d resets, want 20", s.resets())
		}

		for i, want := range map[int]string{0: "INVALID", 1: "INVALID", 2: "TOO_SHORT", 21: "TOO_SHORT"} {
			_, _, err := s.ResetPassword(s.t.Context(), identity.ResetPassword{Token: tokens[i], NewPassword: "short"})
			s.answers(fmt.Sprint("link ", i), err, want)
		}
	})
}

func TestPlacesWithAReserveAreBoundedInNumber(t *testing.T) {
	eachLimited(t, func(s *stage, _ *box) {
		s.signUp(email)
		var places []string
		for i := range 21 {
			s.advance(time.Second)
			places = append(places, fmt.Sprintf("2001:db8:0:%x::1", i))
			s.answers("signing in", s.from(places[i], email, password, ""), "in")
		}

		for range 4 {
			_ = s.from(elsewhere, email, "a guess", "")
		}

		got := make([]string, len(places))
		for i, ip := range slices.Backward(places) {
			got[i] = answer(s.from(ip, email, "a guess", ""))
		}

		s.answers("the oldest place", s.from(places[0], email, password, ""), "RATE_LIMITED")
		s.answers("another host of the latest place", s.from("2001:db8:0:14::ffff", email, password, ""), "in")
		if slices.Contains(got, "INVALID") {
			s.t.Errorf("guesses gave %v", got)
		}
	})
}

func TestOtherWaysInCountFailuresAlone(t *testing.T) {
	eachLimited(t, func(s *stage, _ *box) {
		owner, known := s.enter(s.signUp("owner@example.com")), s.enter(s.signUp(email))
		for i := range 5 {
			token, _, err := s.InviteMember(owner.ctx, email, enum.RoleViewer)
			if i == 3 {
				break // invitations are limited as well
			}
			if err != nil {
				s.t.Fatal(err)
			}

			in := guest(token)
			in.Client.IP = elsewhere
			signed, err := s.AcceptInvitation(s.t.Context(), in)
			if err != nil {
				s.t.Fatal(err)
			}

			s.leave(signed)
		}

		s.answers("signing in", s.from(elsewhere, email, password, ""), "in")
		s.call(known.Token)
	})
}

// leave takes who calls out of the organization of a session.
func (s *stage) leave(signed identity.Signed) {
	s.t.Helper()
	_, err := s.RemoveMember(s.call(signed.Token), identity.MemberChange{ID: signed.Viewer.Member.ID})
	if err != nil {
		s.t.Fatal(err)
	}
}
