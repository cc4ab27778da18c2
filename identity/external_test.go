package identity_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/oidc"
	"carillon/oidc/oidctest"
	"carillon/usererror"
)

// abroad is a stage with a provider at which users sign in.
type abroad struct {
	*stage
	idp *oidctest.Provider
}

// standAbroad takes the real time: the provider's tokens have it too.
func standAbroad(t *testing.T, db *database.DB, idp *oidctest.Provider, edit ...func(*identity.Options)) *abroad {
	t.Helper()
	o := identity.Options{Keys: keyed(t), External: identity.External{
		Provider: oidc.New(idp.Options, time.Now), RedirectOrigins: []string{"http://localhost:8080"}, SignUp: true}}
	for _, change := range edit {
		change(&o)
	}

	s := stand(t, db, o)
	s.nanos.Store(time.Now().UnixNano())

	return &abroad{s, idp}
}

func eachAbroad(t *testing.T, test func(s *abroad)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		idp := oidctest.Start(t)
		idp.Has(oidctest.Account{ID: "ann", Email: "Ann@example.com", EmailVerified: true, Name: "Ann"})
		test(standAbroad(t, db, idp))
	})
}

// away begins a sign-in and has an account sign in at the provider.
func (s *abroad) away(account string) identity.Returned {
	s.t.Helper()
	address, flow, err := s.BeginExternalSignIn(s.t.Context(), oidctest.RedirectURI, identity.Client{IP: "192.0.2.1"})
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.Contains(address, flow) {
		s.t.Error("the address tells the flow's secret")
	}

	code, state := s.idp.SignIn(address, account)

	return identity.Returned{Flow: flow, State: state, Code: code}
}

func (s *abroad) back(r identity.Returned, edit ...func(*identity.CompleteExternal)) (identity.Signed, error) {
	in := identity.CompleteExternal{Returned: r, Client: identity.Client{IP: "192.0.2.1", UserAgent: "test"}}
	for _, change := range edit {
		change(&in)
	}

	return s.CompleteExternalSignIn(s.t.Context(), in)
}

// founding is what somebody new gives beside it.
func founding(in *identity.CompleteExternal) {
	in.OrganizationName, in.AcceptTermsVersion = "Lucky Shrub", identity.DefaultTerms().Version
}

func (s *abroad) count() (users, logins, flows int) {
	system := caller.System(s.t.Context())
	return s.db.Client.User.Query().CountX(system), s.db.Client.ExternalLogin.Query().CountX(system),
		s.db.Client.SignInFlow.Query().CountX(system)
}

func TestSomebodyNewSignsUpThroughTheProviderAndComesBack(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		r := s.away("ann")
		_, err := s.back(r)
		if got := strings.Join(codes(s.t, err), " "); got != "acceptTermsVersion:STALE organizationName:REQUIRED" {
			s.t.Errorf("without an organization: %s", got)
		}

		first, err := s.back(r, founding)
		if err != nil {
			s.t.Fatal(err)
		}

		if v := first.Viewer; v.User.Email != email || v.User.Name != "Ann" || v.User.PasswordHash != "" ||
			v.OrganizationName != "Lucky Shrub" || v.Role != "OWNER" {
			s.t.Errorf("viewer %+v", v)
		}

		s.call(first.Token)
		_, err = s.back(r, founding)
		s.wants("completing again", err, "flow:STALE")
		again, err := s.back(s.away("ann"))
		if err != nil || again.Viewer.User.ID != first.Viewer.User.ID {
			s.t.Errorf("coming back gave %+v, %v", again.Viewer, err)
		}

		_, err = s.signIn("", "")
		s.wants("an empty password", err, ":INVALID")
		if users, logins, flows := s.count(); users != 1 || logins != 1 || flows != 0 {
			s.t.Errorf("%d users, %d logins, %d flows", users, logins, flows)
		}
	})
}

func TestASignInThatIsNotTheBrowsersOwnIsRefused(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		mine, theirs := s.away("ann"), s.away("ann")
		for what, try := range map[string]struct {
			r    identity.Returned
			want string
		}{
			"a made-up flow": {identity.Returned{Flow: "crf_x", State: mine.State, Code: mine.Code}, "flow:STALE"},
			"no flow":        {identity.Returned{State: mine.State, Code: mine.Code}, "flow:STALE"},
			"another sign-in's state": {identity.Returned{Flow: mine.Flow, State: theirs.State, Code: theirs.Code},
				"state:INVALID"},
			"no state": {identity.Returned{Flow: mine.Flow, Code: mine.Code}, "state:INVALID"},
		} {
			_, err := s.back(try.r, founding)
			s.wants(what, err, try.want)
		}

		_, err := s.back(identity.Returned{Flow: mine.Flow, State: mine.State, Code: theirs.Code}, founding)
		s.wants("another sign-in's code", err, "code:INVALID")
		_, err = s.back(mine, founding)
		s.wants("the own code after that", err, "flow:STALE")
		s.advance(11 * time.Minute)
		_, err = s.back(theirs, founding)
		s.wants("a sign-in that took too long", err, "flow:STALE")
		if err := s.Sweep(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if users, _, flows := s.count(); users != 0 || flows != 0 {
			s.t.Errorf("%d users, %d flows", users, flows)
		}
	})
}

func TestOneSignInAtTheProviderOpensOneSession(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		r := s.away("ann")
		if _, err := s.back(r); err == nil { // keeps who signed in
			s.t.Fatal("signed up without an organization")
		}

		var opened atomic.Int64
		var all sync.WaitGroup

		for range 5 {
			all.Go(func() {
				if _, err := s.back(r, founding); err == nil {
					opened.Add(1)
				}
			})
		}

		all.Wait()
		if users, logins, _ := s.count(); opened.Load() != 1 || users != 1 || logins != 1 {
			s.t.Errorf("%d sessions, %d users, %d logins", opened.Load(), users, logins)
		}
	})
}

func TestAPasswordIsNotOpenedByTheProvidersWord(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		signed := s.signUp(email)
		_, err := s.back(s.away("ann"), founding)
		s.wants("the address of a user with a password", err, ":NOT_ALLOWED")
		ctx := s.call(signed.Token)
		err = s.LinkExternalLogin(ctx, s.away("ann"), "wrong password")
		s.wants("linking with a wrong password", err, "password:INVALID")
		s.wants("linking", s.LinkExternalLogin(ctx, s.away("ann"), password), "")
		s.wants("linking again", s.LinkExternalLogin(ctx, s.away("ann"), password), "")
		again, err := s.back(s.away("ann"))
		if err != nil || again.Viewer.User.ID != signed.Viewer.User.ID {
			s.t.Errorf("once it is linked: %v", err)
		}

		bob := s.call(s.signUp("bob@example.com").Token)
		s.wants("linking somebody else's", s.LinkExternalLogin(bob, s.away("ann"), password), ":TAKEN")
		v, _ := identity.From(ctx)
		logins, err := s.ExternalLogins(ctx, v)
		if err != nil || len(logins) != 1 || logins[0].Issuer != s.idp.Options.Issuer || *logins[0].Email != email {
			s.t.Fatalf("logins %v, %v", logins, err)
		}
		if err := s.UnlinkExternalLogin(bob, logins[0].ID, password); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("unlinking somebody else's: %v", err)
		}

		s.wants("unlinking", s.UnlinkExternalLogin(ctx, logins[0].ID, password), "")
		_, err = s.back(s.away("ann"))
		s.wants("once it is unlinked", err, ":NOT_ALLOWED")
	})
}

func TestAUserWithoutAPasswordKeepsOneLogin(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		signed, err := s.back(s.away("ann"), founding)
		if err != nil {
			s.t.Fatal(err)
		}

		s.idp.Has(oidctest.Account{ID: "ann2", Email: email, EmailVerified: true})
		_, err = s.back(s.away("ann2"))
		s.wants("another login of this provider with the same address", err, ":NOT_ALLOWED")
		ctx := s.call(signed.Token)
		v, _ := identity.From(ctx)
		logins, err := s.ExternalLogins(ctx, v)
		if err != nil || len(logins) != 1 {
			s.t.Fatal(logins, err)
		}

		s.wants("unlinking the last login", s.UnlinkExternalLogin(ctx, logins[0].ID, ""), "externalLoginId:NOT_ALLOWED")
		s.advance(11 * time.Minute)
		_, err = s.BeginSecondFactor(ctx, "")
		s.wants("a sign-in that is too long ago", err, ":NOT_ALLOWED")

		// The operator moves to another provider.
		system := caller.System(s.t.Context())
		s.db.Client.ExternalLogin.UpdateOneID(logins[0].ID).SetIssuer("https://old.example.com").ExecX(system)
		s.nanos.Store(time.Now().UnixNano())
		moved, err := s.back(s.away("ann2"))
		if err != nil || moved.Viewer.User.ID != signed.Viewer.User.ID {
			s.t.Errorf("the same address at another provider: %v", err)
		}
	})
}

func TestAnAddressThatIsNotVerifiedOrAllowedOpensNothing(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(oidctest.Account{ID: "ann", Email: email, EmailVerified: true})
	idp.Has(oidctest.Account{ID: "unverified", Email: email})
	idp.Has(oidctest.Account{ID: "nameless"})
	idp.Has(oidctest.Account{ID: "stranger", Email: "x@example.com.evil.org", EmailVerified: true})
	db := dbtest.Open(t, dbtest.SQLite(t))
	open := standAbroad(t, db, idp)
	for _, account := range []string{"unverified", "nameless"} {
		_, err := open.back(open.away(account), founding)
		open.wants(account, err, ":NOT_ALLOWED")
	}

	few := standAbroad(t, db, idp, func(o *identity.Options) { o.External.AllowedDomains = []string{"example.com"} })
	for _, account := range []string{"unverified", "nameless", "stranger"} {
		_, err := few.back(few.away(account), founding)
		few.wants(account+", where domains are few", err, ":NOT_ALLOWED")
	}

	_, err := few.back(few.away("ann"), founding)
	few.wants("an allowed domain", err, "")
	closed := standAbroad(t, db, idp, func(o *identity.Options) { o.External.SignUp = false })
	_, err = closed.back(closed.away("stranger"), founding)
	closed.wants("somebody new where nobody may sign up", err, ":NOT_ALLOWED")
	_, err = closed.back(closed.away("ann"))
	closed.wants("somebody known there", err, "")
}

func TestASecondFactorIsAskedForBesideTheProviderUnlessItAsked(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		signed, err := s.back(s.away("ann"), founding)
		if err != nil {
			s.t.Fatal(err)
		}

		begun, err := s.BeginSecondFactor(s.call(signed.Token), "")
		if err != nil {
			s.t.Fatal(err)
		}

		a := &app{stage: s.stage, secret: begun.Secret}
		if _, _, err := s.ConfirmSecondFactor(s.call(signed.Token), a.code(0)); err != nil {
			s.t.Fatal(err)
		}

		r := s.away("ann")
		_, err = s.back(r)
		s.wants("no code", err, "secondFactorCode:REQUIRED")
		_, err = s.back(r, func(in *identity.CompleteExternal) { in.SecondFactorCode = "000000" })
		s.wants("a wrong code", err, "secondFactorCode:INVALID")
		_, err = s.back(r, func(in *identity.CompleteExternal) { in.SecondFactorCode = a.code(1) })
		s.wants("the code", err, "")

		s.idp.Has(oidctest.Account{ID: "ann", Email: email, EmailVerified: true, AMR: []string{"pwd", "mfa"}})
		defer s.idp.Has(oidctest.Account{ID: "ann", Email: email, EmailVerified: true})
		vouched, err := s.back(s.away("ann"))
		s.wants("where the provider asked", err, "")
		require := true
		if _, err := s.UpdateOrganization(s.call(vouched.Token),
			identity.OrganizationChange{RequireSecondFactor: &require}); err != nil {
			s.t.Fatal(err)
		}

		if _, err := s.DropSecondFactor(s.t.Context(), email); err != nil {
			s.t.Fatal(err)
		}

		v, _ := identity.From(s.call(vouched.Token))
		if v.Missing() != nil || s.StillValid(s.t.Context(), v) != nil {
			s.t.Errorf("the provider's second factor does not count: %v", v.Missing())
		}
	})
}

func TestAProviderInTroubleIsToldApartFromARefusal(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(oidctest.Account{ID: "ann", Email: email, EmailVerified: true})
	s := standAbroad(t, dbtest.Open(t, dbtest.SQLite(t)), idp)
	r := s.away("ann")
	idp.Misbehave("broken")
	if _, err := s.back(r, founding); !usererror.Is(err, usererror.Unavailable) {
		t.Errorf("while the provider is in trouble: %v", err)
	}

	idp.Misbehave("honest")
	_, err := s.back(r, founding)
	s.wants("the same once it is well", err, "")
	idp.Misbehave("the algorithm none")
	_, err = s.back(s.away("ann"))
	s.wants("a token that is not signed", err, "code:INVALID")
	idp.Stop()
	if _, _, err := standAbroad(t, s.db, idp).BeginExternalSignIn(t.Context(), oidctest.RedirectURI,
		identity.Client{}); !usererror.Is(err, usererror.Unavailable) {
		t.Errorf("while the provider is away: %v", err)
	}
}

func TestASignInComesBackToAPageOfOursAlone(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.SQLite(t))
	// Nobody is at this address: a redirect address is looked at first.
	p := oidc.New(oidc.Options{Issuer: "http://127.0.0.1:1", ClientID: "x"}, time.Now)
	s := stand(t, db,
		identity.Options{External: identity.External{Provider: p, RedirectOrigins: []string{"https://app.example.com"}}})

	for _, address := range []string{
		"", "x", "https://evil.example.com/", "https://app.example.com.evil.org/", "https://app.example.com@evil.org/",
		"http://app.example.com/", "//app.example.com/",
		"https://app.example.com:8443/", "https://app.example.com/#x", "javascript:alert(1)",
		"https://app.example.com/" + strings.Repeat("x", 3000),
	} {
		_, _, err := s.BeginExternalSignIn(t.Context(), address, identity.Client{})
		s.wants("coming back to "+address, err, "redirectUri:NOT_ALLOWED")
	}

	if _, _, err := s.BeginExternalSignIn(t.Context(), "https://app.example.com/signed-in?x=1",
		identity.Client{}); !usererror.Is(err, usererror.Unavailable) {
		t.Errorf("coming back to a page of ours: %v", err)
	}

	none := stand(t, db, identity.Options{})
	_, _, err := none.BeginExternalSignIn(t.Context(), "https://app.example.com/", identity.Client{})
	none.wants("without a provider", err, ":NOT_ALLOWED")
	_, err = none.CompleteExternalSignIn(t.Context(), identity.CompleteExternal{})
	none.wants("completing without a provider", err, ":NOT_ALLOWED")
}

func TestAnInvitedPersonJoinsThroughTheProvider(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		owner := s.call(s.signUp("owner@example.com").Token)
		invite := func(address string) func(*identity.CompleteExternal) {
			token, _, err := s.InviteMember(owner, address, enum.RoleCampaigner)
			if err != nil {
				s.t.Fatal(err)
			}

			return func(in *identity.CompleteExternal) {
				in.InvitationToken, in.AcceptTermsVersion = token, identity.DefaultTerms().Version
			}
		}

		r := s.away("ann")
		_, err := s.back(r, invite("somebody.else@example.com"))
		s.wants("an invitation to somebody else", err, "invitationToken:NOT_ALLOWED")
		_, err = s.back(r, func(in *identity.CompleteExternal) {
			in.InvitationToken, in.AcceptTermsVersion = "cri_x", identity.DefaultTerms().Version
		})
		s.wants("a made-up invitation", err, "invitationToken:INVALID")
		mine := invite(email)
		_, err = s.back(r, mine, func(in *identity.CompleteExternal) { in.AcceptTermsVersion = "" })
		s.wants("without the terms", err, "acceptTermsVersion:STALE")
		signed, err := s.back(r, mine)
		if err != nil {
			s.t.Fatal(err)
		}

		v, _ := identity.From(owner)
		if signed.Viewer.Organization != v.Organization || signed.Viewer.Role != enum.RoleCampaigner ||
			signed.Viewer.User.Email != email || signed.Viewer.User.PasswordHash != "" {
			s.t.Errorf("joined as %+v", signed.Viewer)
		}

		_, err = s.back(s.away("ann"), mine)
		s.wants("the same invitation again", err, "invitationToken:INVALID")

		other := s.call(s.signUp("other@example.com").Token)
		token, _, err := s.InviteMember(other, email, enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}

		again, err := s.back(s.away("ann"), func(in *identity.CompleteExternal) {
			in.InvitationToken, in.AcceptTermsVersion = token, identity.DefaultTerms().Version
		})
		if v, _ := identity.From(other); err != nil || again.Viewer.Organization != v.Organization ||
			again.Viewer.User.ID != signed.Viewer.User.ID {
			s.t.Errorf("a known user gave %+v, %v", again.Viewer, err)
		}
	})
}
