package identity_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/identity"
	"carillon/secret"
	"carillon/usererror"
)

const step = 30 * time.Second

func keyed(t *testing.T) *secret.Keyring {
	t.Helper()
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	return keys
}

// eachKeyed is each for a service that can seal.
func eachKeyed(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db, identity.Options{Keys: keyed(t)})) })
}

// app is an authenticator app.
type app struct {
	*stage
	secret   string
	recovery []string
}

// code is what the app shows some steps from now.
func (a *app) code(steps int) string {
	a.t.Helper()
	code, err := totp.GenerateCode(a.secret, a.now().Add(time.Duration(steps)*step))
	if err != nil {
		a.t.Fatal(err)
	}

	return code
}

// enroll gives the caller of ctx a second factor. The clock is two steps on after it, so that the
// app has a fresh code.
func (s *stage) enroll(ctx context.Context) *app {
	s.t.Helper()
	begun, err := s.BeginSecondFactor(ctx, password)
	if err != nil {
		s.t.Fatal(err)
	}

	a := &app{stage: s, secret: begun.Secret}
	if a.recovery, _, err = s.ConfirmSecondFactor(ctx, a.code(0)); err != nil {
		s.t.Fatal(err)
	}

	s.advance(2 * step)

	return a
}

func (s *stage) signIn(password, code string) (identity.Signed, error) {
	return s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password, Code: code,
		Client: identity.Client{IP: "192.0.2.1"}})
}

// wants checks a user error, or that there is none.
func (s *stage) wants(what string, err error, want string) {
	s.t.Helper()
	switch {
	case want == "" && err != nil:
		s.t.Errorf("%s: %v", what, err)
	case want != "" && err == nil:
		s.t.Errorf("%s was not refused, want %s", what, want)
	case want != "":
		if got := codes(s.t, err); len(got) != 1 || got[0] != want {
			s.t.Errorf("%s gave %v, want %s", what, got, want)
		}
	}
}

func TestASecondFactorIsAskedForOnceThePasswordIsRight(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		a := s.enroll(s.call(s.signUp(email).Token))
		for _, try := range []struct{ what, password, code, want string }{
			{"a wrong password without a code", "wrong password", "", ":INVALID"},
			{"a wrong password with a code", "wrong password", a.code(0), ":INVALID"},
			{"no code", password, "", "code:REQUIRED"},
			{"a made-up code", password, "000000", "code:INVALID"},
			{"no digits", password, "abcdef", "code:INVALID"},
			{"a long text", password, strings.Repeat("9", 5000), "code:INVALID"},
			{"a code from two steps ahead", password, a.code(2), "code:INVALID"},
			{"the code shown", password, a.code(0), ""},
			{"the same code", password, a.code(0), "code:INVALID"},
			{"an older code", password, a.code(-1), "code:INVALID"},
			{"a clock that is a step ahead", password, a.code(1)[:3] + " " + a.code(1)[3:], ""},
		} {
			_, err := s.signIn(try.password, try.code)
			s.wants(try.what, err, try.want)
		}

		s.advance(4 * step)
		_, err := s.signIn(password, a.code(-1))
		s.wants("a clock that is a step behind", err, "")
	})
}

func TestASecondFactorCountsOnlyOnceItIsConfirmed(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		_, _, err := s.ConfirmSecondFactor(ctx, "123456")
		s.wants("confirming what was not begun", err, ":NOT_ALLOWED")
		_, err = s.BeginSecondFactor(ctx, "wrong password")
		s.wants("beginning with a wrong password", err, "password:INVALID")
		first, err := s.BeginSecondFactor(ctx, password)
		s.wants("beginning", err, "")
		second, err := s.BeginSecondFactor(ctx, password)
		s.wants("beginning again", err, "")
		uri, err := url.Parse(second.URI)
		if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Carillon:"+email ||
			uri.Query().Get("secret") != second.Secret || uri.Query().Get("issuer") != "Carillon" {
			s.t.Errorf("uri %s: %v", second.URI, err)
		}

		old, a := &app{stage: s, secret: first.Secret}, &app{stage: s, secret: second.Secret}
		other, err := s.signIn(password, "")
		s.wants("signing in before it is confirmed", err, "")
		_, _, err = s.ConfirmSecondFactor(ctx, old.code(0))
		s.wants("confirming the secret that was replaced", err, "code:INVALID")
		_, _, err = s.ConfirmSecondFactor(ctx, "")
		s.wants("confirming without a code", err, "code:REQUIRED")
		recovery, changed, err := s.ConfirmSecondFactor(ctx, a.code(0))
		if err != nil || len(recovery) != 10 || len(changed) != 2 {
			s.t.Fatalf("confirming gave %d codes, %d sessions, %v", len(recovery), len(changed), err)
		}

		s.refused(other.Token)
		if v, _ := identity.From(ctx); s.StillValid(ctx, v) != nil {
			s.t.Error("the session that confirmed is over")
		}

		_, err = s.signIn(password, a.code(0))
		s.wants("the code that confirmed", err, "code:INVALID")
		_, err = s.BeginSecondFactor(ctx, password)
		s.wants("beginning with one in force", err, ":NOT_ALLOWED")
		_, _, err = s.ConfirmSecondFactor(ctx, a.code(1))
		s.wants("confirming again", err, ":NOT_ALLOWED")
	})
}

func TestOneCodeOpensOneSession(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		a := s.enroll(s.call(s.signUp(email).Token))
		for what, code := range map[string]string{"of the app": a.code(0), "for recovery": a.recovery[0]} {
			var opened, refused atomic.Int64
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					if _, err := s.signIn(password, code); err == nil {
						opened.Add(1)
					} else if got := codes(s.t, err); len(got) == 1 && got[0] == "code:INVALID" {
						refused.Add(1)
					}
				})
			}

			all.Wait()
			if opened.Load() != 1 || refused.Load() != 5 {
				s.t.Errorf("one code %s: %d sessions, %d refused", what, opened.Load(), refused.Load())
			}
		}
	})
}

func TestARecoveryCodeWorksOnceForItsUserAlone(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		a := s.enroll(ctx)
		left := func() int {
			v, _ := identity.From(ctx)
			factor, err := s.SecondFactor(ctx, v)
			if err != nil || !factor.Enabled || factor.EnabledAt == nil {
				s.t.Fatalf("%+v, %v", factor, err)
			}

			return factor.RecoveryCodesLeft
		}

		other := s.signUp("bob@example.com")
		foreign := s.enroll(s.call(other.Token)).recovery[0]
		_, err := s.signIn(password, foreign)
		s.wants("somebody else's recovery code", err, "code:INVALID")
		_, err = s.signIn(password, " "+strings.ToLower(strings.ReplaceAll(a.recovery[3], "-", " ")))
		s.wants("a recovery code in lower case with blanks", err, "")
		_, err = s.signIn(password, a.recovery[3])
		s.wants("a used recovery code", err, "code:INVALID")
		if n := left(); n != 9 {
			s.t.Errorf("%d left", n)
		}

		_, err = s.RegenerateRecoveryCodes(ctx, "wrong password", a.recovery[4])
		s.wants("new codes with a wrong password", err, "password:INVALID")
		fresh, err := s.RegenerateRecoveryCodes(ctx, password, a.recovery[4])
		s.wants("new codes", err, "")
		_, err = s.signIn(password, a.recovery[5])
		s.wants("a code that was replaced", err, "code:INVALID")
		_, err = s.signIn(password, fresh[0])
		s.wants("a new code", err, "")
		if n := left(); n != 9 {
			s.t.Errorf("%d left of the new ones", n)
		}
	})
}

func TestASecondFactorIsDisabledByPasswordAndCode(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		_, err := s.DisableSecondFactor(ctx, password, "123456")
		s.wants("disabling what is not there", err, ":NOT_ALLOWED")
		a := s.enroll(ctx)
		_, err = s.DisableSecondFactor(ctx, "wrong password", a.code(0))
		s.wants("a wrong password", err, "password:INVALID")
		_, err = s.DisableSecondFactor(ctx, password, "123456")
		s.wants("a wrong code", err, "code:INVALID")
		_, err = s.DisableSecondFactor(ctx, password, a.code(0))
		s.wants("disabling", err, "")
		_, err = s.signIn(password, "")
		s.wants("signing in without it", err, "")
		if n := s.db.Client.RecoveryCode.Query().CountX(caller.System(ctx)); n != 0 {
			s.t.Errorf("%d recovery codes stay", n)
		}

		s.enroll(ctx)
		if _, err := s.DropSecondFactor(s.t.Context(), "nobody@example.com"); err == nil {
			s.t.Error("the operator disabled nobody's")
		}
		if changed, err := s.DropSecondFactor(s.t.Context(), " ANN@example.com"); err != nil || len(changed) == 0 {
			s.t.Errorf("changed %v, %v", changed, err)
		}

		v, _ := identity.From(ctx)
		if trail := s.trail(v.Organization); trail[len(trail)-1].Action != audit.ActionFactorRemove ||
			trail[len(trail)-1].Actor != "operator" {
			s.t.Errorf("recorded %+v", trail[len(trail)-1])
		}

		_, err = s.signIn(password, "")
		s.wants("signing in after the operator disabled it", err, "")
	})
}

func TestWhoLacksARequiredSecondFactorMayOnlySetItUp(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		signed := s.signUp(email)
		require := true
		change := identity.OrganizationChange{RequireSecondFactor: &require}
		_, err := s.UpdateOrganization(s.call(signed.Token), change)
		s.wants("requiring what one has not", err, "requireSecondFactor:NOT_ALLOWED")
		a := s.enroll(s.call(signed.Token))
		ctx := s.call(signed.Token)
		if _, err := s.UpdateOrganization(ctx, change); err != nil {
			s.t.Fatal(err)
		}

		full, _ := identity.From(ctx)
		if err := s.StillValid(ctx, full); err != nil || full.Missing() != nil {
			s.t.Errorf("with a second factor: %v, %v", err, full.Missing())
		}
		if _, err := s.DisableSecondFactor(ctx, password, a.code(0)); err != nil {
			s.t.Fatal(err)
		}
		if err := s.StillValid(ctx, full); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("a connection that may do more than it should stays: %v", err)
		}

		ctx = s.call(signed.Token)
		half, _ := identity.From(ctx)
		if err := half.Missing(); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("without one: %v", err)
		}
		if n, err := s.db.Client.Organization.Query().Count(ctx); err == nil {
			s.t.Errorf("sees %d organizations", n)
		}

		s.enroll(ctx)
		if err := s.StillValid(ctx, half); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("a connection that may do less than it could stays: %v", err)
		}
		if v, _ := identity.From(s.call(signed.Token)); v.Missing() != nil {
			s.t.Errorf("once it is set up: %v", v.Missing())
		}
	})
}

// tries allows a number of tries for each key.
type tries struct {
	mu   sync.Mutex
	most int
	made map[string]int
}

func (l *tries) Allow(_ context.Context, key string) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made[key]++; strings.HasPrefix(key, "code") && l.made[key] > l.most {
		return time.Minute, nil
	}

	return 0, nil
}

func (l *tries) GiveBack(_ context.Context, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[key]--
}

func TestTriesAtASecondFactorAreLimitedPerUser(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)),
		identity.Options{Keys: keyed(t), Limiter: &tries{most: 3, made: map[string]int{}}})
	a := s.enroll(s.call(s.signUp(email).Token))
	for range 3 {
		_, err := s.signIn(password, "000000")
		s.wants("a wrong code", err, "code:INVALID")
	}

	if _, err := s.SignIn(t.Context(), identity.SignIn{Email: email, Password: password, Code: a.code(0),
		Client: identity.Client{IP: "203.0.113.9"}}); !usererror.Is(err, usererror.RateLimited) {
		t.Errorf("the fourth try gave %v", err)
	}

	_, err := s.signIn("wrong password", "000000")
	s.wants("a wrong password, which is not told of the limit", err, ":INVALID")
	_, err = s.signIn(password, "")
	s.wants("no code, which is no try", err, "code:REQUIRED")
}

func TestASecondFactorsSecretIsSealedForItsRow(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{Keys: keyed(t)})
	a := s.enroll(s.call(s.signUp(email).Token))
	b := s.enroll(s.call(s.signUp("bob@example.com").Token))
	system := caller.System(t.Context())
	rows := s.db.Client.SecondFactor.Query().AllX(system)

	for _, row := range rows {
		if strings.Contains(string(row.Secret), a.secret) || strings.Contains(string(row.Secret), b.secret) {
			t.Error("a secret is stored as it is")
		}
	}

	s.db.Client.SecondFactor.UpdateOneID(rows[0].ID).SetSecret(rows[1].Secret).ExecX(system)
	s.db.Client.SecondFactor.UpdateOneID(rows[1].ID).SetSecret(rows[0].Secret).ExecX(system)
	if _, err := s.signIn(password, b.code(0)); err == nil {
		t.Error("a secret that was moved to another user's row opened a session")
	}
	if n := s.db.Client.RecoveryCode.Query().CountX(system); n != 20 {
		t.Errorf("%d recovery codes", n)
	}
}
