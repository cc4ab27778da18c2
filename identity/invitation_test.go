package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent/enum"
	"carillon/ent/user"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

const bob = "bob@example.com"

// voided expects that a token opens nothing.
func (s *stage) voided(token string) {
	s.t.Helper()
	if _, err := s.AcceptInvitation(s.t.Context(), guest(token)); !slices.Equal(codes(s.t, err),
		[]string{"token:INVALID"}) {
		s.t.Errorf("accepting gave %v", err)
	}
}

func TestAnInvitedPersonJoinsOnce(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		token, expires, err := s.InviteMember(owner.ctx, " BOB@example.com", enum.RoleCampaigner)
		if err != nil || !expires.Equal(s.now().Add(7*24*time.Hour)) {
			s.t.Fatal(expires, err)
		}

		open, err := s.Invitations(owner.ctx)
		if err != nil || len(open) != 1 || open[0].Email != bob || open[0].Role != enum.RoleCampaigner ||
			open[0].MailedAt != nil {
			s.t.Fatalf("%+v, %v", open, err)
		}

		signed, err := s.AcceptInvitation(s.t.Context(), guest(token))
		if err != nil || signed.Viewer.Organization != owner.Viewer.Organization ||
			signed.Viewer.Role != enum.RoleCampaigner || signed.Viewer.User.Name != "Bob" {
			s.t.Fatalf("%+v, %v", signed.Viewer, err)
		}

		s.voided(token)
		if open, err := s.Invitations(owner.ctx); err != nil || len(open) != 0 {
			s.t.Errorf("left: %v, %v", open, err)
		}

		if _, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer); !slices.Equal(codes(s.t, err),
			[]string{"email:TAKEN"}) {
			s.t.Errorf("inviting a member: %v", err)
		}

		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: bob, Password: password}); err != nil {
			s.t.Error(err)
		}
	})
}

func TestAnInvitationIsVoidOnceReplacedRevokedOrExpired(t *testing.T) {
	each(t, func(s *stage) {
		owner, stranger := s.enter(s.signUp(email)), s.enter(s.signUp("stranger@example.com"))
		invite := func() string {
			token, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer)
			if err != nil {
				s.t.Fatal(err)
			}

			return token
		}

		first := invite()
		second := invite()
		s.voided(first)
		open, err := s.Invitations(owner.ctx)
		if err != nil || len(open) != 1 {
			s.t.Fatalf("%v, %v", open, err)
		}

		for _, id := range []uid.ID{open[0].ID, uid.New(uid.Invitation), {}} {
			if err := s.RevokeInvitation(stranger.ctx, id); !usererror.Is(err, usererror.NotFound) {
				s.t.Errorf("another organization's: %v", err)
			}
		}

		if err := s.RevokeInvitation(owner.ctx, open[0].ID); err != nil {
			s.t.Fatal(err)
		}

		s.voided(second)
		third := invite()
		s.advance(7 * 24 * time.Hour)
		s.voided(third)
		if open, err := s.Invitations(owner.ctx); err != nil || len(open) != 0 {
			s.t.Errorf("listed: %v, %v", open, err)
		}

		for _, token := range []string{"", "x", owner.Token, strings.Repeat("x", 1<<16), third[:len(third)-1] + "!"} {
			s.voided(token)
		}

		s.advance(-time.Hour)
		s.db.Client.Organization.UpdateOneID(owner.Viewer.Organization).SetStatus(enum.OrganizationStatusClosed).
			ExecX(caller.System(s.t.Context()))
		s.voided(third)
	})
}

func TestNobodyInvitesAboveTheirOwnRole(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		admin := s.join(owner.ctx, "admin@example.com", enum.RoleAdmin)
		if _, _, err := s.InviteMember(admin.ctx, "nonsense", enum.RoleOwner); !slices.Equal(codes(s.t, err),
			[]string{"email:INVALID", "role:NOT_ALLOWED"}) {
			s.t.Error(err)
		}

		viewer := s.join(admin.ctx, "viewer@example.com", enum.RoleViewer)
		if _, _, err := s.InviteMember(viewer.ctx, bob, enum.RoleViewer); !usererror.Is(err, usererror.Forbidden) {
			s.t.Error(err)
		}
		if _, err := s.Invitations(viewer.ctx); !usererror.Is(err, usererror.Forbidden) {
			s.t.Error(err)
		}
	})
}

func TestAnInvitationOpensNobodysAccount(t *testing.T) {
	each(t, func(s *stage) {
		owner, known := s.enter(s.signUp(email)), s.enter(s.signUp(bob))
		token, _, err := s.InviteMember(owner.ctx, bob, enum.RoleAdmin)
		if err != nil {
			s.t.Fatal(err)
		}

		thief := guest(token)
		thief.Password = "another long password"

		for name, ctx := range map[string]identity.Signed{"a stranger": {}, "the inviter": owner.Signed} {
			by := s.t.Context()
			if ctx.Token != "" {
				by = owner.ctx
			}
			if _, err := s.AcceptInvitation(by, thief); !slices.Equal(codes(s.t, err), []string{"password:INVALID"}) {
				s.t.Errorf("%s: %v", name, err)
			}
		}

		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: bob, Password: password}); err != nil {
			s.t.Errorf("the password is another one: %v", err)
		}

		stale := guest(token)
		stale.AcceptTermsVersion = "0"
		if _, err := s.AcceptInvitation(known.ctx, stale); !slices.Equal(codes(s.t, err),
			[]string{"acceptTermsVersion:STALE"}) {
			s.t.Errorf("old terms: %v", err)
		}

		signed, err := s.AcceptInvitation(known.ctx,
			identity.AcceptInvitation{Token: token, AcceptTermsVersion: identity.DefaultTerms().Version})
		if err != nil || signed.Viewer.User.ID != known.Viewer.User.ID || signed.Viewer.Role != enum.RoleAdmin ||
			signed.Viewer.Organization != owner.Viewer.Organization {
			s.t.Errorf("with a session of theirs: %+v, %v", signed.Viewer, err)
		}

		// Who signs in at an identity provider alone has no password, and no password is theirs.
		token, _, err = s.InviteMember(owner.ctx, "oidc@example.com", enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}

		s.db.Client.User.Create().SetEmail("oidc@example.com").SetName("O").SetPasswordHash("").
			ExecX(caller.System(s.t.Context()))
		for _, p := range []string{"", password} {
			in := guest(token)
			in.Password = p
			if _, err := s.AcceptInvitation(s.t.Context(), in); !slices.Equal(codes(s.t, err), []string{"password:INVALID"}) {
				s.t.Errorf("no password, %q: %v", p, err)
			}
		}
	})
}

func TestAcceptingNamesEveryFieldThatIsWrong(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		token, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}

		_, err = s.AcceptInvitation(s.t.Context(), identity.AcceptInvitation{Token: token, Password: bob})
		if got := codes(s.t, err); !slices.Equal(got,
			[]string{"acceptTermsVersion:STALE", "name:REQUIRED", "password:INVALID"}) {
			s.t.Error(got)
		}

		if s.db.Client.User.Query().Where(user.Email(bob)).ExistX(caller.System(s.t.Context())) {
			s.t.Error("a user was made")
		}
	})
}

func TestSomebodyNewWhoAcceptsSeveralInvitationsAtOnceJoinsThemAll(t *testing.T) {
	each(t, func(s *stage) {
		var organizations []uid.ID
		var tokens []string
		for i := range 3 {
			owner := s.enter(s.signUp(fmt.Sprint("owner", i, "@example.com")))
			token, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer)
			if err != nil {
				s.t.Fatal(err)
			}

			organizations, tokens = append(organizations, owner.Viewer.Organization), append(tokens, token)
		}

		var all sync.WaitGroup
		for _, token := range tokens {
			all.Go(func() {
				if _, err := s.AcceptInvitation(s.t.Context(), guest(token)); err != nil {
					s.t.Error(err)
				}
			})
		}

		all.Wait()
		for _, o := range organizations {
			if got := s.roles(o); got[bob] != enum.RoleViewer {
				s.t.Errorf("members: %v", got)
			}
		}
	})
}

func TestOfManyWhoAcceptAtOnceOneJoins(t *testing.T) {
	each(t, func(s *stage) {
		owner, known := s.enter(s.signUp(email)), s.enter(s.signUp("known@example.com"))
		for _, address := range []string{bob, "known@example.com"} {
			token, _, err := s.InviteMember(owner.ctx, address, enum.RoleViewer)
			if err != nil {
				s.t.Fatal(err)
			}

			won, lost := make(chan identity.Signed, 4), make(chan error, 4)
			var all sync.WaitGroup

			for range 4 {
				all.Go(func() {
					if signed, err := s.AcceptInvitation(s.t.Context(), guest(token)); err == nil {
						won <- signed
					} else {
						lost <- err
					}
				})
			}

			all.Wait()
			if len(won) != 1 || len(lost) != 3 {
				s.t.Fatalf("%s: %d joined", address, len(won))
			}

			s.call((<-won).Token)
			for range 3 {
				if got := codes(s.t, <-lost); !slices.Equal(got, []string{"token:INVALID"}) {
					s.t.Errorf("%s: the others got %v", address, got)
				}
			}
		}

		if got := s.roles(owner.Viewer.Organization); len(got) != 3 {
			s.t.Errorf("members: %v", got)
		}

		s.call(known.Token)
	})
}
