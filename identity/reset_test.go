package identity_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/passwordreset"
	"carillon/identity"
	"carillon/mail"
	"carillon/outbox"
	"carillon/usererror"
)

const newPassword = "quite another password"

var quiet = slog.New(slog.DiscardHandler)

// box is a mail server as far as identity sees it: it keeps what it gets, or fails as it is told.
type box struct {
	mu    sync.Mutex
	mails []sent
	fails error
}

type sent struct{ to, subject, text string }

func (b *box) Send(_ context.Context, to, subject, text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}

	b.mails = append(b.mails, sent{to, subject, text})

	return nil
}

var link = regexp.MustCompile(`https://carillon\.example/[a-z-]+#token=(cr[ipv]_[A-Z2-7]+)\n`)

// token is that of the latest mail with a link.
func (b *box) token(t *testing.T) string {
	t.Helper()
	for _, m := range slices.Backward(b.mails) {
		if found := link.FindStringSubmatch(m.text); found != nil {
			return found[1]
		}
	}

	t.Fatalf("no link in %d mails", len(b.mails))

	return ""
}

// subjects are those of all mails to an address.
func (b *box) subjects(to string) (all []string) {
	for _, m := range b.mails {
		if m.to == to {
			all = append(all, m.subject)
		}
	}

	return all
}

func eachWithMail(t *testing.T, test func(s *stage, b *box)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := &box{}
		test(stand(t, db, identity.Options{Keys: keyed(t), PublicURL: "https://carillon.example"}).mailing(b), b)
	})
}

// mailing has the stage's mails go to m.
func (s *stage) mailing(m outbox.Mailer) *stage {
	s.mails = m
	return s
}

func (s *stage) outbox() *outbox.Outbox { return outbox.New(s.db, s.mails, quiet, s.now, s.Mails) }

// post sends what is due.
func (s *stage) post() {
	s.t.Helper()
	if err := s.outbox().Send(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) ask(address string) {
	s.t.Helper()
	if err := s.RequestPasswordReset(s.t.Context(), address, identity.Client{IP: "192.0.2.1"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) reset(token string) (identity.Signed, error) {
	signed, _, err := s.ResetPassword(s.t.Context(), identity.ResetPassword{Token: token, NewPassword: newPassword})
	return signed, err
}

func (s *stage) resets() int {
	return s.db.Client.PasswordReset.Query().CountX(caller.System(s.t.Context()))
}

func TestAForgottenPasswordIsResetByMailOnce(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		before := s.signUp(email)
		s.ask(" ANN@example.com")
		s.post()
		s.post()
		if len(b.mails) != 1 || b.mails[0].to != email {
			s.t.Fatalf("mails: %+v", b.mails)
		}

		row := s.db.Client.PasswordReset.Query().OnlyX(caller.System(s.t.Context()))
		if row.MailedAt == nil || row.SealedToken != nil || row.MailAfter != nil {
			s.t.Errorf("the token is still there: %+v", row)
		}

		token := b.token(s.t)
		if _, _, err := s.ResetPassword(s.t.Context(), identity.ResetPassword{Token: token,
			NewPassword: "short"}); !slices.Equal(codes(s.t, err), []string{"newPassword:TOO_SHORT"}) {
			s.t.Error(err)
		}

		signed, ended, err := s.ResetPassword(s.t.Context(),
			identity.ResetPassword{Token: token, NewPassword: newPassword, Client: identity.Client{IP: "192.0.2.9"}})
		if err != nil || len(ended) != 1 || signed.Viewer.Organization != before.Viewer.Organization ||
			*signed.Viewer.Session.IP != "192.0.2.9" {
			s.t.Fatalf("%+v, %v, %v", signed, ended, err)
		}

		s.call(signed.Token)
		s.refused(before.Token)
		if _, err := s.reset(token); !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
			s.t.Errorf("again: %v", err)
		}
		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password}); err == nil {
			s.t.Error("the old password still holds")
		}
		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: newPassword}); err != nil {
			s.t.Error(err)
		}
	})
}

func TestAResetTokenIsVoidOnceItsHourIsOver(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.signUp(email)
		s.ask(email)
		s.post()
		first := b.token(s.t)
		s.ask(email)
		s.ask(email)
		s.post()
		if len(b.mails) != 2 || s.resets() != 2 {
			s.t.Errorf("%d mails, %d resets", len(b.mails), s.resets())
		}

		second := b.token(s.t)
		s.advance(time.Hour)

		for _, token := range []string{first, second, "", strings.ToLower(second)} {
			if _, err := s.reset(token); !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
				s.t.Errorf("%v", err)
			}
		}

		if err := s.Sweep(s.t.Context()); err != nil || s.resets() != 0 {
			s.t.Errorf("%d are left, %v", s.resets(), err)
		}
	})
}

func TestOfTwoWhoUseAResetTokenAtOnceOneCounts(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.signUp(email)
		s.ask(email)
		s.post()
		token, errs := b.token(s.t), make(chan error, 4)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { _, err := s.reset(token); errs <- err })
		}

		all.Wait()
		won := 0

		for range 4 {
			if err := <-errs; err == nil {
				won++
			} else if !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
				s.t.Error(err)
			}
		}

		if won != 1 {
			s.t.Errorf("%d counted", won)
		}
	})
}

func TestAskingForAResetDoesNotTellWhichAddressesAreKnown(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.signUp(email)
		s.ask("nobody@example.com")
		s.ask(email)

		// What the caller waits for is one row, whosever the address is: no user is looked up, no token
		// made, no mail sent.
		for _, r := range s.db.Client.PasswordReset.Query().AllX(caller.System(s.t.Context())) {
			if r.TokenHash != nil || r.SealedToken != nil {
				s.t.Errorf("%+v", r)
			}
		}

		if len(b.mails) != 0 || s.resets() != 2 {
			s.t.Errorf("%d mails, %d requests", len(b.mails), s.resets())
		}

		s.post()
		if len(b.mails) != 1 || b.mails[0].to != email || s.resets() != 1 {
			s.t.Errorf("%+v, %d resets", b.mails, s.resets())
		}

		if err := s.RequestPasswordReset(s.t.Context(), "nobody", identity.Client{}); !slices.Equal(codes(s.t, err),
			[]string{"email:INVALID"}) {
			s.t.Error(err)
		}
	})
}

func TestAMailThatFailsIsTriedAgainWithTheSameToken(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.signUp(email)
		s.ask(email)
		b.fails = errors.New("away")
		s.post()
		hash := s.db.Client.PasswordReset.Query().OnlyX(caller.System(s.t.Context())).TokenHash
		b.fails = nil
		s.post()
		if len(b.mails) != 0 {
			s.t.Error("it was tried again at once")
		}

		s.advance(30 * time.Second)
		s.post()
		if len(b.mails) != 1 || !slices.Equal(hash, s.db.Client.PasswordReset.Query().Where(passwordreset.MailedAtNotNil()).
			OnlyX(caller.System(s.t.Context())).TokenHash) {
			s.t.Errorf("%+v", b.mails)
		}

		if _, err := s.reset(b.token(s.t)); err != nil {
			s.t.Error(err)
		}
	})
}

func TestAMailThatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		owner := s.enter(s.signUp(email))
		token, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}

		b.fails = &mail.Refused{}
		s.post()
		b.fails = nil
		s.advance(24 * time.Hour)
		s.post()
		open, err := s.Invitations(owner.ctx)
		if err != nil || len(b.mails) != 0 || len(open) != 1 || open[0].MailedAt != nil || open[0].SealedToken != nil {
			s.t.Errorf("%+v, %+v, %v", b.mails, open, err)
		}
		if _, err := s.AcceptInvitation(s.t.Context(), guest(token)); err != nil {
			s.t.Error(err)
		}
	})
}

func TestAProcessThatDiesWhileItMailsLeavesTheMailToAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b, keys := &box{}, keyed(t)
		s := stand(t, db, identity.Options{Keys: keys, PublicURL: "https://carillon.example"}).mailing(b)
		owner := s.enter(s.signUp(email))
		if _, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer); err != nil {
			t.Fatal(err)
		}

		dead := stand(t, db, identity.Options{Keys: keys}).mailing(mailer(func() error { panic("kill -9") }))
		func() {
			defer func() { _ = recover() }()
			_ = dead.outbox().Send(t.Context())
		}()

		s.post()
		if len(b.mails) != 0 {
			t.Error("its lease was not kept")
		}

		s.advance(5 * time.Minute)
		s.post()
		if len(b.mails) != 1 || !strings.Contains(b.mails[0].text, `"Lucky Shrub"`) || b.mails[0].to != bob {
			t.Errorf("%+v", b.mails)
		}
		if _, err := s.AcceptInvitation(t.Context(), guest(b.token(t))); err != nil || !s.proven(bob) {
			t.Errorf("accepting by the mail: %v", err)
		}
	})
}

type mailer func() error

func (m mailer) Send(context.Context, string, string, string) error { return m() }

func TestChangingThePasswordEndsAllOtherSessions(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		ann := s.enter(s.signUp(email))
		other, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
		if err != nil {
			s.t.Fatal(err)
		}

		s.ask(email)
		s.post()
		if _, _, err := s.ChangePassword(ann.ctx, "wrong password", newPassword); !slices.Equal(codes(s.t, err),
			[]string{"currentPassword:INVALID"}) {
			s.t.Error(err)
		}

		if _, _, err := s.ChangePassword(ann.ctx, password, email); !slices.Equal(codes(s.t, err),
			[]string{"newPassword:INVALID"}) {
			s.t.Error(err)
		}

		signed, ended, err := s.ChangePassword(ann.ctx, password, newPassword)
		if err != nil || len(ended) != 2 {
			s.t.Fatalf("%v, %v", ended, err)
		}

		s.call(signed.Token)
		s.refused(ann.Token)
		s.refused(other.Token)
		if _, err := s.reset(b.token(s.t)); !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
			s.t.Errorf("a reset that was under way: %v", err)
		}

		_, key, err := s.CreateAPIKey(s.call(signed.Token), identity.NewAPIKey{Name: "k", Role: enum.RoleOwner})
		if err != nil {
			s.t.Fatal(err)
		}
		if _, _, err := s.ChangePassword(s.call(key), password, newPassword); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("a key: %v", err)
		}
	})
}

func TestResetsAreLimitedPerAddressAndSilentlyPerAccount(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{})
	var asked []string

	s.Service = identity.New(s.db, identity.DefaultTerms(), s.now,
		identity.Options{Limiter: limiterFunc(func(key string) time.Duration {
			asked = append(asked, key)
			if key == "reset:late@example.com" {
				return time.Minute
			}

			return 0
		})})

	s.ask(email)
	if want := []string{"address:192.0.2.1", "reset:" + email}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}

	s.ask("late@example.com")
	if n := s.db.Client.PasswordReset.Query().Where(passwordreset.MailAfterNotNil()).
		CountX(caller.System(t.Context())); n != 1 || s.resets() != 2 {
		t.Errorf("%d of %d are mailed", n, s.resets())
	}
}

func TestTheOperatorMakesALink(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		signed := s.signUp(email)
		text, err := s.ResetLink(audit.AsOperator(s.t.Context()), email)
		token, is := strings.CutPrefix(text, "https://carillon.example/reset-password#token=")
		if err != nil || !is {
			s.t.Fatal(text, err)
		}

		s.post()
		if len(b.mails) != 0 {
			s.t.Errorf("mailed too: %+v", b.mails)
		}

		if trail := s.trail(signed.Viewer.Organization); len(trail) != 2 ||
			trail[1].Action != audit.ActionPasswordRequest || trail[1].Actor != "operator" {
			s.t.Errorf("recorded %+v", trail)
		}

		if _, err := s.reset(token); err != nil {
			s.t.Error(err)
		}

		if _, err := s.ResetLink(audit.AsOperator(s.t.Context()), "nobody@example.com"); !usererror.Is(err,
			usererror.NotFound) {
			s.t.Error(err)
		}
	})
}

type limiterFunc func(key string) time.Duration

func (f limiterFunc) Allow(_ context.Context, key string) (time.Duration, error) { return f(key), nil }
func (limiterFunc) GiveBack(context.Context, string)                             {}

func TestNeitherALinkNorAnInvitationPassesASecondFactor(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		owner := s.enter(s.signUp("owner@example.com"))
		app := s.enroll(s.call(s.signUp(email).Token))
		s.ask(email)
		s.post()
		reset := identity.ResetPassword{Token: b.token(s.t), NewPassword: newPassword}
		invitation, _, err := s.InviteMember(owner.ctx, email, enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}

		for code, want := range map[string]string{"": "code:REQUIRED", "000000": "code:INVALID"} {
			reset.Code = code
			_, _, err := s.ResetPassword(s.t.Context(), reset)
			s.wants("a reset with the code "+code, err, want)
			in := guest(invitation)
			in.Code = code
			_, err = s.AcceptInvitation(s.t.Context(), in)
			s.wants("an acceptance with the code "+code, err, want)
		}

		in := guest(invitation)
		in.Code = app.code(0)
		if signed, err := s.AcceptInvitation(s.t.Context(), in); err != nil ||
			signed.Viewer.Organization != owner.Viewer.Organization {
			s.t.Errorf("%+v, %v", signed, err)
		}

		s.advance(2 * step)
		reset.Code = app.code(0)
		if signed, _, err := s.ResetPassword(s.t.Context(), reset); err != nil || signed.Token == "" {
			s.t.Errorf("%+v, %v", signed, err)
		}
	})
}
