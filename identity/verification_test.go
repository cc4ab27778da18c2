package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"carillon/audit"
	"carillon/caller"
	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/organization"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/identity"
	"carillon/oidc/oidctest"
	"carillon/usererror"
)

func TestNothingMadeWhileAnAddressIsFirstProvenOutlivesIt(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		for round := range 5 {
			victim := fmt.Sprintf("victim%d@example.com", round)
			attacker := s.enter(s.stranger(victim))
			accomplice := s.enter(s.signUp(fmt.Sprintf("accomplice%d@example.com", round)))
			invitation, _, err := s.InviteMember(accomplice.ctx, victim, enum.RoleAdmin)
			if err != nil {
				s.t.Fatal(err)
			}

			s.post()
			s.ask(victim)
			s.post()
			token := b.token(s.t)

			// Each of these may fail, since it comes too late; none may stay.
			var all sync.WaitGroup
			all.Go(func() {
				_, _, _ = s.CreateAPIKey(attacker.ctx, identity.NewAPIKey{Name: "k", Role: enum.RoleCampaigner})
			})
			all.Go(func() { _, _ = s.AcceptInvitation(attacker.ctx, guest(invitation)) })
			all.Go(func() { _, _ = s.CreateOrganization(attacker.ctx, "Another", identity.DefaultTerms().Version) })
			all.Go(func() { _, _ = s.SignIn(s.t.Context(), identity.SignIn{Email: victim, Password: password}) })

			all.Go(func() {
				for {
					_, err := s.reset(token)
					if !usererror.Is(err, usererror.Conflict) { // they joined something at the same moment: again
						s.wants("the reset", err, "")
						return
					}
				}
			})

			all.Wait()

			system, now := caller.System(s.t.Context()), s.now()
			u := s.db.Client.User.Query().Where(user.Email(victim)).OnlyX(system)
			members := s.db.Client.Member.Query().Where(member.UserID(u.ID)).CountX(system)
			sessions := s.db.Client.Session.Query().Where(session.UserID(u.ID), session.RevokedAtIsNil(),
				session.ExpiresAtGT(now)).CountX(system)
			keys := s.db.Client.APIKey.Query().Where(apikey.CreatedBy(u.ID), apikey.RevokedAtIsNil()).CountX(system)
			if members+sessions+keys > 0 || u.EmailVerifiedAt == nil {
				s.t.Errorf("round %d: %d memberships, %d sessions, %d keys, proven at %v", round, members, sessions, keys,
					u.EmailVerifiedAt)
			}

			open := s.db.Client.Organization.Query().Where(organization.StatusNEQ(enum.OrganizationStatusClosed),
				organization.Not(organization.HasMembers())).CountX(system)
			if open > 0 {
				s.t.Errorf("%d open organizations have nobody", open)
			}
		}
	})
}

func TestTheOperatorsWordProvesAnAddress(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		operator := audit.AsOperator(s.t.Context())
		ann := s.enter(s.stranger(email))
		if err := s.VouchFor(operator, " ANN@example.com"); err != nil || !s.proven(email) {
			s.t.Fatal(err)
		}

		s.call(ann.Token)
		s.post()
		if len(b.mails) != 0 {
			s.t.Errorf("a link that proves nothing is mailed: %v", b.mails)
		}

		if trail := s.trail(ann.Viewer.Organization); trail[len(trail)-1].Action != audit.ActionEmailVerify ||
			trail[len(trail)-1].Actor != "operator" {
			s.t.Errorf("recorded %+v", trail)
		}

		if err := s.VouchFor(operator, "nobody@example.com"); err == nil {
			s.t.Error("nobody has that address")
		}

		// Whom the operator adds is not whoever took the address before.
		squatter := s.enter(s.stranger(bob))
		added, err := s.AddUser(operator, identity.NewUser{Email: bob, Organization: ann.Viewer.Organization.String(),
			Role: enum.RoleOwner})
		if err != nil || added.Password == "" || added.User != squatter.Viewer.User.ID ||
			!slices.Contains(added.Ended, squatter.Viewer.Session.ID) {
			s.t.Fatalf("%+v, %v", added, err)
		}

		s.refused(squatter.Token)
		_, err = s.SignIn(s.t.Context(), identity.SignIn{Email: bob, Password: password})
		s.wants("the squatter's password", err, ":INVALID")
		signed, err := s.SignIn(s.t.Context(), identity.SignIn{Email: bob, Password: added.Password})
		if err != nil || signed.Viewer.Organization != ann.Viewer.Organization || !s.proven(bob) {
			s.t.Errorf("%+v, %v", signed.Viewer, err)
		}
	})
}

func TestAnUnprovenUserLinksNoLoginButThatOfTheirOwnAddress(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		s.idp.Has(oidctest.Account{ID: "attacker", Email: "attacker@gmail.example", EmailVerified: true})
		s.idp.Has(oidctest.Account{ID: "claims", Email: email})
		ctx := s.call(s.stranger(email).Token)
		s.wants("another address", s.LinkExternalLogin(ctx, s.away("attacker"), password), ":NOT_ALLOWED")
		s.wants("their own, that the provider has not verified", s.LinkExternalLogin(ctx, s.away("claims"), password),
			":NOT_ALLOWED")
		if s.proven(email) {
			s.t.Error("it is proven")
		}

		s.wants("their own", s.LinkExternalLogin(ctx, s.away("ann"), password), "")
		if !s.proven(email) {
			s.t.Error("the provider's word does not prove it")
		}

		s.wants("another address then", s.LinkExternalLogin(ctx, s.away("attacker"), password), "")
	})
}

func TestWhoComesThroughTheProviderIsProven(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		if _, err := s.back(s.away("ann"), founding); err != nil || !s.proven(email) {
			s.t.Errorf("signing up: %v", err)
		}

		for _, mode := range []identity.SignUps{identity.SignUpsByInvitation, identity.SignUpsClosed} {
			s.idp.Has(oidctest.Account{ID: string(mode), Email: string(mode) + "@example.com", EmailVerified: true})
			owner := s.enter(s.signUp("owner-" + string(mode) + "@example.com"))
			token, _, err := s.InviteMember(owner.ctx, string(mode)+"@example.com", enum.RoleViewer)
			if err != nil {
				s.t.Fatal(err)
			}

			narrow := standAbroad(s.t, s.db, s.idp, func(o *identity.Options) { o.SignUps = mode })
			_, err = narrow.back(narrow.away(string(mode)), founding)
			s.wants("an organization of their own, "+string(mode), err, ":NOT_ALLOWED")
			_, err = narrow.back(narrow.away(string(mode)), func(in *identity.CompleteExternal) {
				in.InvitationToken, in.AcceptTermsVersion = token, identity.DefaultTerms().Version
			})
			want := map[identity.SignUps]string{identity.SignUpsByInvitation: "", identity.SignUpsClosed: ":NOT_ALLOWED"}[mode]
			s.wants("joining, "+string(mode), err, want)
		}
	})
}

func TestAResetUnlinksLoginsUnlessTheyAreKept(t *testing.T) {
	eachAbroad(t, func(s *abroad) {
		for _, keep := range []bool{true, false} {
			ctx := s.call(s.enterAgain(keep).Token)
			s.wants("linking", s.LinkExternalLogin(ctx, s.away("ann"), s.password(keep)), "")
			text, err := s.ResetLink(audit.AsOperator(s.t.Context()), email)
			if err != nil {
				s.t.Fatal(err)
			}

			_, token, _ := strings.Cut(text, "#token=")
			if _, _, err := s.ResetPassword(s.t.Context(),
				identity.ResetPassword{Token: token, NewPassword: newPassword, KeepLogins: keep}); err != nil {
				s.t.Fatal(err)
			}

			want := map[bool]string{true: "", false: ":NOT_ALLOWED"}[keep]
			_, err = s.back(s.away("ann"))
			s.wants(fmt.Sprintf("the login, kept: %t", keep), err, want)
		}
	})
}

// enterAgain is a session of a user who signs up the first time.
func (s *abroad) enterAgain(first bool) identity.Signed {
	s.t.Helper()
	if first {
		return s.signUp(email)
	}

	signed, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: newPassword})
	if err != nil {
		s.t.Fatal(err)
	}

	return signed
}

func (s *abroad) password(first bool) string {
	if first {
		return password
	}
	return newPassword
}
