package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/user"
	"carillon/identity"
	"carillon/outbox"
	"carillon/uid"
	"carillon/usererror"
)

// cheap costs keep tests fast.
var cheap = identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}

const (
	email    = "ann@example.com"
	password = "a good long password"
)

// stage is a service on one database, with a clock that the test moves.
type stage struct {
	*identity.Service
	t     *testing.T
	db    *database.DB
	nanos atomic.Int64
	mails outbox.Mailer // nil sends none
}

func stand(t *testing.T, db *database.DB, o identity.Options) *stage {
	s := &stage{t: t, db: db}
	s.nanos.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	if o.Costs == (identity.Costs{}) {
		o.Costs = cheap
	}

	s.Service = identity.New(db, identity.DefaultTerms(), s.now, o)

	return s
}

func each(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db, identity.Options{})) })
}

func (s *stage) now() time.Time          { return time.Unix(0, s.nanos.Load()) }
func (s *stage) advance(d time.Duration) { s.nanos.Add(int64(d)) }

func form(email string) identity.SignUp {
	return identity.SignUp{
		Email: email, Password: password, Name: "Ann", OrganizationName: "Lucky Shrub",
		AcceptTermsVersion: identity.DefaultTerms().Version,
		Client:             identity.Client{IP: "192.0.2.1", UserAgent: "test"},
	}
}

// signUp makes a user whose address is proven.
func (s *stage) signUp(email string) identity.Signed {
	s.t.Helper()
	signed, err := s.SignUpByOperator(s.t.Context(), form(email))
	if err != nil {
		s.t.Fatal(err)
	}

	return signed
}

// stranger makes a user who has not proven that the address is theirs.
func (s *stage) stranger(email string) identity.Signed {
	s.t.Helper()
	signed, err := s.SignUp(s.t.Context(), form(email))
	if err != nil {
		s.t.Fatal(err)
	}

	return signed
}

// proven is whether a user's address is.
func (s *stage) proven(email string) bool {
	return s.db.Client.User.Query().Where(user.Email(email), user.EmailVerifiedAtNotNil()).
		ExistX(caller.System(s.t.Context()))
}

// call is the context of a call with that token.
func (s *stage) call(token string) context.Context {
	s.t.Helper()
	ctx, err := s.Authenticate(s.t.Context(), "Bearer "+token, identity.Client{IP: "192.0.2.1"})
	if err != nil {
		s.t.Fatal(err)
	}

	return ctx
}

func (s *stage) refused(token string) {
	s.t.Helper()
	if _, err := s.Authenticate(s.t.Context(), "Bearer "+token, identity.Client{}); !usererror.Is(err,
		usererror.Unauthenticated) {
		s.t.Errorf("authenticating gave %v", err)
	}
}

// codes are the user errors of err, as field:CODE.
func codes(t *testing.T, err error) (out []string) {
	t.Helper()
	var in usererror.Fields
	if !errors.As(err, &in) {
		t.Fatalf("not user errors: %v", err)
	}

	for _, one := range in {
		out = append(out, strings.Join(one.Path, ".")+":"+string(one.Code))
	}

	slices.Sort(out)

	return out
}

func TestSigningUpMakesAnOwnerWhoIsSignedIn(t *testing.T) {
	each(t, func(s *stage) {
		signed := s.signUp("  Ann@Example.COM ")
		v := signed.Viewer
		if v.Role != enum.RoleOwner || v.User.Email != email || v.OrganizationName != "Lucky Shrub" ||
			v.Member.UserID != v.User.ID {
			s.t.Errorf("viewer %+v", v)
		}

		if want := s.now().Add(30 * 24 * time.Hour); !signed.ExpiresAt.Equal(want) {
			s.t.Errorf("expires at %s, want %s", signed.ExpiresAt, want)
		}

		ctx := s.call(signed.Token)
		if scope, _ := caller.From(ctx); scope != (caller.Scope{Organization: v.Organization}) {
			s.t.Errorf("scope %+v", scope)
		}
		if must, err := s.MustAcceptTerms(ctx); must || err != nil {
			s.t.Errorf("must accept terms: %t, %v", must, err)
		}
		if n := s.db.Client.Organization.Query().CountX(ctx); n != 1 {
			s.t.Errorf("sees %d organizations", n)
		}
	})
}

func TestSigningUpNamesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{})
	for name, tc := range map[string]struct {
		edit func(*identity.SignUp)
		want []string
	}{
		"without anything": {func(in *identity.SignUp) { *in = identity.SignUp{} },
			[]string{"acceptTermsVersion:STALE", "email:REQUIRED", "name:REQUIRED", "organizationName:REQUIRED",
				"password:REQUIRED"}},
		"with a bare word for an address": {func(in *identity.SignUp) { in.Email = "ann" }, []string{"email:INVALID"}},
		"with a display name": {func(in *identity.SignUp) { in.Email = "Ann <ann@example.com>" },
			[]string{"email:INVALID"}},
		"with an endless address": {func(in *identity.SignUp) {
			in.Email = strings.Repeat("a", 250) + "@example.com"
		}, []string{"email:TOO_LONG"}},
		"with a short password": {func(in *identity.SignUp) {
			in.Password = "九个字九个字九个字"
		}, []string{"password:TOO_SHORT"}},
		"with an endless password": {func(in *identity.SignUp) {
			in.Password = strings.Repeat("ab", 101)
		}, []string{"password:TOO_LONG"}},
		"with a common password": {func(in *identity.SignUp) { in.Password = "Password123" },
			[]string{"password:INVALID"}},
		"with the address for a password": {func(in *identity.SignUp) { in.Password = "ANN@example.com" },
			[]string{"password:INVALID"}},
		"with a name of spaces": {func(in *identity.SignUp) { in.Name = " \t " }, []string{"name:REQUIRED"}},
		"with an endless name": {func(in *identity.SignUp) {
			in.OrganizationName = strings.Repeat("名", 101)
		}, []string{"organizationName:TOO_LONG"}},
		"with a line break in the name": {func(in *identity.SignUp) { in.Name = "Ann\nBcc: all" }, []string{"name:INVALID"}},
		"with old terms": {func(in *identity.SignUp) { in.AcceptTermsVersion = "2020-01-01" },
			[]string{"acceptTermsVersion:STALE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := form(email)
			tc.edit(&in)
			_, err := s.SignUp(t.Context(), in)
			if got := codes(t, err); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestOfManyWhoSignUpWithOneAddressAtOnceOneWins(t *testing.T) {
	each(t, func(s *stage) {
		var won atomic.Int32
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				switch _, err := s.SignUp(s.t.Context(), form(email)); {
				case err == nil:
					won.Add(1)
				case !slices.Equal(codes(s.t, err), []string{"email:TAKEN"}):
					s.t.Error(err)
				}
			})
		}

		wait.Wait()
		system := caller.System(s.t.Context())
		if won.Load() != 1 || s.db.Client.Organization.Query().CountX(system) != 1 {
			s.t.Errorf("%d won", won.Load())
		}
	})
}

func TestSigningInGivesOneAnswerToUnknownAddressesAndWrongPasswords(t *testing.T) {
	each(t, func(s *stage) {
		s.signUp(email)
		var answers []string
		for _, in := range []identity.SignIn{
			{Email: email, Password: "wrong password"}, {Email: email, Password: strings.Repeat("x", 1<<20)}, {Email: email},
			{Email: "nobody@example.com", Password: password}, {Email: "not an address", Password: password}, {},
		} {
			_, err := s.SignIn(s.t.Context(), in)
			if got := codes(s.t, err); !slices.Equal(got, []string{":INVALID"}) {
				s.t.Errorf("%+v: %v", in.Email, got)
			}

			answers = append(answers, err.Error())
		}

		if len(slices.Compact(answers)) != 1 {
			s.t.Errorf("answers differ: %q", answers)
		}

		signed, err := s.SignIn(s.t.Context(), identity.SignIn{Email: " ANN@example.com", Password: password})
		if err != nil {
			s.t.Fatal(err)
		}

		s.call(signed.Token)
	})
}

func TestAPasswordIsHashedAgainWhenCostsHaveChanged(t *testing.T) {
	each(t, func(s *stage) {
		s.signUp(email)
		stored := func() string {
			return s.db.Client.User.Query().Where(user.Email(email)).OnlyX(caller.System(s.t.Context())).PasswordHash
		}
		old := stored()
		dearer := stand(s.t, s.db, identity.Options{Costs: identity.Costs{MemoryKiB: 128, Passes: 2, Threads: 1}})

		for range 2 {
			if _, err := dearer.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password}); err != nil {
				s.t.Fatal(err)
			}
		}

		if !strings.HasPrefix(old, "$argon2id$v=19$m=64,t=1,p=1$") ||
			!strings.HasPrefix(stored(), "$argon2id$v=19$m=128,t=2,p=1$") {
			s.t.Errorf("stored %s, then %s", old, stored())
		}
	})
}

func TestSigningInReturnsToTheLatestOrganization(t *testing.T) {
	each(t, func(s *stage) {
		first := s.signUp(email)
		system := caller.System(s.t.Context())
		other := s.db.Client.Organization.Create().SetName("Other").SaveX(system)
		s.db.Client.Member.Create().SetOrganizationID(other.ID).SetUserID(first.Viewer.User.ID).SetRole(enum.RoleViewer).
			ExecX(system)

		signIn := func() (uid.ID, error) {
			signed, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
			if err != nil {
				return uid.ID{}, err
			}

			return signed.Viewer.Organization, nil
		}
		if got, err := signIn(); got != first.Viewer.Organization {
			s.t.Errorf("signed in to %s, %v", got, err)
		}

		s.db.Client.Organization.UpdateOneID(first.Viewer.Organization).SetStatus(enum.OrganizationStatusClosed).ExecX(system)
		s.refused(first.Token)
		if got, err := signIn(); got != other.ID {
			s.t.Errorf("signed in to %s, %v", got, err)
		}

		s.db.Client.Organization.UpdateOneID(other.ID).SetStatus(enum.OrganizationStatusClosed).ExecX(system)
		if _, err := signIn(); !slices.Equal(codes(s.t, err), []string{":NOT_ALLOWED"}) {
			s.t.Error(err)
		}
	})
}

func TestATokenIsRefusedOnceItIsOver(t *testing.T) {
	each(t, func(s *stage) {
		signed := s.signUp(email)
		ctx := s.call(signed.Token)
		soon := s.now().Add(time.Hour)
		key, secret, err := s.CreateAPIKey(ctx, identity.NewAPIKey{Name: " CI ", Role: enum.RoleCampaigner, ExpiresAt: &soon})
		if err != nil || key.Name != "CI" || !strings.HasPrefix(secret, key.Prefix) {
			s.t.Fatal(key, err)
		}

		lasting, lastingSecret, err := s.CreateAPIKey(ctx, identity.NewAPIKey{Name: "other", Role: enum.RoleOwner})
		if err != nil {
			s.t.Fatal(err)
		}

		byKey := s.call(secret)
		v, _ := identity.From(byKey)
		if v.Key == nil || v.User != nil || v.Role != enum.RoleCampaigner || v.Organization != signed.Viewer.Organization {
			s.t.Errorf("viewer %+v", v)
		}

		typo := []byte(signed.Token)
		typo[10] ^= 1
		for _, wrong := range []string{string(typo), signed.Token + "A", "", "x", "crs_" + secret[4:],
			strings.ToLower(signed.Token)} {
			s.refused(wrong)
		}

		if _, err := s.Authenticate(s.t.Context(), "Basic abc", identity.Client{}); !usererror.Is(err,
			usererror.Unauthenticated) {
			s.t.Errorf("another scheme: %v", err)
		}

		if ctx, err := s.Authenticate(s.t.Context(), "", identity.Client{}); err != nil || ctx != s.t.Context() {
			s.t.Errorf("nobody: %v", err)
		}

		s.advance(time.Hour)
		s.refused(secret)
		if err := s.StillValid(s.t.Context(), v); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("an expired key is still valid: %v", err)
		}
		if err := s.StillValid(s.t.Context(), signed.Viewer); err != nil {
			s.t.Error(err)
		}

		for range 2 {
			if revoked, _, err := s.RevokeAPIKey(ctx, lasting.ID); err != nil || revoked.RevokedAt == nil {
				s.t.Errorf("revoked %v, %v", revoked, err)
			}
		}

		s.refused(lastingSecret)
		if err := s.SignOut(ctx); err != nil {
			s.t.Fatal(err)
		}

		s.refused(signed.Token)
		if err := s.StillValid(s.t.Context(), signed.Viewer); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("a revoked session is still valid: %v", err)
		}

		again, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
		if err != nil {
			s.t.Fatal(err)
		}

		s.advance(30*24*time.Hour - time.Second)
		s.call(again.Token) // use does not lengthen it
		s.advance(time.Second)
		s.refused(again.Token)
	})
}

func TestALiveViewerEndsWithTheirRole(t *testing.T) {
	each(t, func(s *stage) {
		v := s.signUp(email).Viewer
		system := caller.System(s.t.Context())
		s.db.Client.Member.UpdateOneID(v.Member.ID).SetRole(enum.RoleViewer).ExecX(system)
		if err := s.StillValid(s.t.Context(), v); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("with another role: %v", err)
		}

		s.db.Client.Member.DeleteOneID(v.Member.ID).ExecX(system)
		if err := s.StillValid(s.t.Context(), v); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("as no member: %v", err)
		}
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	each(t, func(s *stage) {
		signed := s.signUp(email)
		_, secret, err := s.CreateAPIKey(s.call(signed.Token), identity.NewAPIKey{Name: "key", Role: enum.RoleViewer})
		if err != nil {
			s.t.Fatal(err)
		}

		system := caller.System(s.t.Context())
		start := s.now()

		for _, step := range []struct{ after, session, key time.Duration }{
			{30 * time.Second, 0, 30 * time.Second}, {59 * time.Second, 0, 30 * time.Second},
			{61 * time.Second, 61 * time.Second, 30 * time.Second},
			{91 * time.Second, 61 * time.Second, 91 * time.Second},
		} {
			s.nanos.Store(start.Add(step.after).UnixNano())
			s.call(signed.Token)
			s.call(secret)
			s.WriteUses(system)
			session, key := s.db.Client.Session.Query().OnlyX(system).LastUsedAt,
				s.db.Client.APIKey.Query().OnlyX(system).LastUsedAt
			if !session.Equal(start.Add(step.session)) || !key.Equal(start.Add(step.key)) {
				s.t.Errorf("after %s: session %s, key %s", step.after, session.Sub(start), key.Sub(start))
			}
		}
	})
}

func TestKeysGoNoHigherThanTheirMaker(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.call(s.signUp(email).Token)
		key := func(ctx context.Context, role enum.Role) (string, error) {
			_, secret, err := s.CreateAPIKey(ctx, identity.NewAPIKey{Name: "key", Role: role})
			return secret, err
		}

		admin, err := key(owner, enum.RoleAdmin)
		if err != nil {
			s.t.Fatal(err)
		}

		byAdmin := s.call(admin)
		if _, err := key(byAdmin, enum.RoleOwner); !slices.Equal(codes(s.t, err), []string{"role:NOT_ALLOWED"}) {
			s.t.Error(err)
		}
		if _, err := key(byAdmin, "ROOT"); !slices.Equal(codes(s.t, err), []string{"role:NOT_ALLOWED"}) {
			s.t.Error(err)
		}

		campaigner, err := key(byAdmin, enum.RoleCampaigner)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := key(s.call(campaigner), enum.RoleViewer); !usererror.Is(err, usererror.Forbidden) {
			s.t.Error(err)
		}
		if _, err := key(s.t.Context(), enum.RoleViewer); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Error(err)
		}

		past := s.now()
		if _, _, err := s.CreateAPIKey(owner, identity.NewAPIKey{Name: "", Role: enum.RoleViewer,
			ExpiresAt: &past}); !slices.Equal(codes(s.t, err), []string{"expiresAt:INVALID", "name:REQUIRED"}) {
			s.t.Error(err)
		}

		if err := s.SignOut(byAdmin); !usererror.Is(err, usererror.Forbidden) {
			s.t.Error(err)
		}

		other := s.call(s.signUp("bob@example.com").Token)
		id := s.db.Client.APIKey.Query().FirstX(owner).ID
		if _, _, err := s.RevokeAPIKey(other, id); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("another organization's key: %v", err)
		}
	})
}

func TestPeopleSeeAndEndTheirOwnSessionsOnly(t *testing.T) {
	each(t, func(s *stage) {
		first := s.signUp(email)
		s.advance(time.Second)
		second, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
		if err != nil {
			s.t.Fatal(err)
		}

		bob := s.call(s.signUp("bob@example.com").Token)
		ann := s.call(second.Token)
		sessions, err := s.Sessions(ann)
		if err != nil || len(sessions) != 2 || sessions[0].ID != second.Viewer.Session.ID {
			s.t.Fatal(sessions, err)
		}
		if err := s.RevokeSession(bob, sessions[1].ID); !usererror.Is(err, usererror.NotFound) {
			s.t.Error(err)
		}

		for range 2 {
			if err := s.RevokeSession(ann, sessions[1].ID); err != nil {
				s.t.Error(err)
			}
		}

		s.refused(first.Token)
		if sessions, _ := s.Sessions(ann); len(sessions) != 1 {
			s.t.Errorf("%d sessions", len(sessions))
		}

		members, err := s.Memberships(ann)
		if err != nil || len(members) != 1 || members[0].Edges.Organization.Name != "Lucky Shrub" ||
			members[0].Edges.User.Email != email {
			s.t.Error(members, err)
		}
	})
}

func TestNewTermsWaitToBeAccepted(t *testing.T) {
	each(t, func(s *stage) {
		token := s.signUp(email).Token
		later := identity.Terms{Version: "2027-01-01", Body: "new", EffectiveAt: s.now()}
		s.Service = identity.New(s.db, later, s.now, identity.Options{Costs: cheap})
		ctx := s.call(token)
		if must, err := s.MustAcceptTerms(ctx); !must || err != nil {
			s.t.Fatal(must, err)
		}
		if err := s.AcceptTerms(ctx, "2026-11-01"); !slices.Equal(codes(s.t, err), []string{"version:STALE"}) {
			s.t.Error(err)
		}

		_, secret, err := s.CreateAPIKey(ctx, identity.NewAPIKey{Name: "key", Role: enum.RoleOwner})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := s.AcceptTerms(s.call(secret), later.Version); !usererror.Is(err, usererror.Forbidden) {
			s.t.Error(err)
		}

		for range 2 {
			if err := s.AcceptTerms(ctx, later.Version); err != nil {
				s.t.Error(err)
			}
		}

		if must, _ := s.MustAcceptTerms(s.call(secret)); must {
			s.t.Error("accepted terms still wait")
		}
		if n := s.db.Client.TermsAcceptance.Query().CountX(ctx); n != 2 {
			s.t.Errorf("%d acceptances", n)
		}

		s.refused("crs_")
	})
}

// limiter allows so many tries by key.
type limiter struct {
	sync.Mutex
	left map[string]int
}

func (l *limiter) Allow(_ context.Context, key string) (time.Duration, error) {
	l.Lock()
	defer l.Unlock()
	if key == "address:203.0.113.1" {
		return 0, errors.New("the limiter is broken")
	}
	if n, known := l.left[key]; known && n == 0 {
		return 90 * time.Second, nil
	}

	l.left[key]--

	return 0, nil
}

func (l *limiter) GiveBack(_ context.Context, key string) {
	l.Lock()
	defer l.Unlock()
	l.left[key]++
}

func TestSigningInIsThrottledByAccountAndAddress(t *testing.T) {
	t.Parallel()
	l := &limiter{left: map[string]int{"account:ann@example.com": 1, "address:2001:db8:1:2::/64": 2}}
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{Limiter: l})
	s.signUp(email)
	password := "a wrong password"
	try := func(email, ip string) error {
		_, err := s.SignIn(t.Context(), identity.SignIn{Email: email, Password: password, Client: identity.Client{IP: ip}})
		return err
	}
	if err := try("Ann@example.com", "198.51.100.1"); !slices.Equal(codes(t, err), []string{":INVALID"}) {
		t.Error(err)
	}

	var limited *usererror.Error
	if err := try(email, "198.51.100.2"); !errors.As(err, &limited) || limited.Kind != usererror.RateLimited ||
		limited.RetryAfter != 90*time.Second {
		t.Errorf("by account: %v", err)
	}

	for i, ip := range []string{"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"} {
		if err := try("nobody@example.com", ip); usererror.Is(err, usererror.RateLimited) != (i == 2) {
			t.Errorf("try %d from the network: %v", i, err)
		}
	}

	if err := try("nobody@example.com", "203.0.113.1"); err == nil || usererror.Is(err, usererror.RateLimited) {
		t.Errorf("a broken limiter: %v", err)
	}
}

func TestRolesAreOrdered(t *testing.T) {
	t.Parallel()
	order := []enum.Role{enum.RoleViewer, enum.RoleCampaigner, enum.RoleAdmin, enum.RoleOwner}
	for i, have := range order {
		for j, need := range order {
			if got := (&identity.Viewer{Role: have}).May(need); got != (i >= j) {
				t.Errorf("%s may what %s may: %t", have, need, got)
			}
		}
	}

	if (&identity.Viewer{Role: enum.RoleOwner}).May("") || (&identity.Viewer{}).May(enum.RoleViewer) {
		t.Error("an unknown role counts")
	}
}

func TestTermsNeedTheirFrontMatter(t *testing.T) {
	t.Parallel()
	if shipped := identity.DefaultTerms(); shipped.Version != "2026-11-01" || !strings.HasPrefix(shipped.Body, "# ") ||
		shipped.EffectiveAt.Year() != 2026 {
		t.Errorf("shipped: %s %s", shipped.Version, shipped.EffectiveAt)
	}

	for name, text := range map[string]string{
		"no front matter": "# Terms", "no version": "---\neffective: 2026-01-01\n---\ntext",
		"no date":    "---\nversion: 1\n---\ntext",
		"a bad date": "---\nversion: 1\neffective: soon\n---\ntext",
		"no text":    "---\nversion: 1\neffective: 2026-01-01\n---\n",
	} {
		if _, err := identity.ParseTerms(text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestSweepingDeletesWhatIsOver(t *testing.T) {
	each(t, func(s *stage) {
		token := s.signUp(email).Token
		system := caller.System(s.t.Context())
		s.advance(30*24*time.Hour + time.Second)
		if err := s.Sweep(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if n := s.db.Client.Session.Query().CountX(system); n != 1 {
			s.t.Errorf("%d sessions", n)
		}

		s.advance(30 * 24 * time.Hour)
		if err := s.Sweep(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if n := s.db.Client.Session.Query().CountX(system); n != 0 {
			s.t.Errorf("%d sessions", n)
		}

		s.refused(token)
	})
}
