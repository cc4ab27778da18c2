package identity_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// person is somebody who is signed in.
type person struct {
	identity.Signed
	ctx context.Context
}

func (s *stage) enter(signed identity.Signed) person { return person{signed, s.call(signed.Token)} }

// join lets somebody new, whose address is proven, into the organization of who calls.
func (s *stage) join(by context.Context, email string, role enum.Role) person {
	s.t.Helper()
	token, _, err := s.InviteMember(by, email, role)
	if err != nil {
		s.t.Fatal(err)
	}

	signed, err := s.AcceptInvitation(s.t.Context(), guest(token))
	if err != nil {
		s.t.Fatal(err)
	}

	system := caller.System(s.t.Context())
	s.db.Client.User.UpdateOneID(signed.Viewer.User.ID).SetEmailVerifiedAt(s.now()).ExecX(system)
	s.db.Client.EmailVerification.Delete().ExecX(system)

	return s.enter(signed)
}

func guest(token string) identity.AcceptInvitation {
	return identity.AcceptInvitation{Token: token, Name: "Bob", Password: password,
		AcceptTermsVersion: identity.DefaultTerms().Version}
}

// roles are those of an organization's members, by e-mail address.
func (s *stage) roles(organization uid.ID) map[string]enum.Role {
	out := map[string]enum.Role{}
	for _, m := range s.db.Client.Member.Query().Where(member.OrganizationID(organization)).WithUser().
		AllX(caller.System(s.t.Context())) {
		out[m.Edges.User.Email] = m.Role
	}

	return out
}

func TestWhoMayManageWhom(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		people := map[enum.Role]person{
			enum.RoleOwner:      s.join(owner.ctx, "owner@example.com", enum.RoleOwner),
			enum.RoleAdmin:      s.join(owner.ctx, "admin@example.com", enum.RoleAdmin),
			enum.RoleCampaigner: s.join(owner.ctx, "campaigner@example.com", enum.RoleCampaigner),
			enum.RoleViewer:     s.join(owner.ctx, "viewer@example.com", enum.RoleViewer),
		}

		otherAdmin := s.join(owner.ctx, "admin2@example.com", enum.RoleAdmin).Viewer.Member.ID
		admin, refusedMember, refusedRole := people[enum.RoleAdmin].ctx, []string{"memberId:NOT_ALLOWED"},
			[]string{"role:NOT_ALLOWED"}

		for name, tc := range map[string]struct {
			by   context.Context
			whom uid.ID
			to   enum.Role
			want []string
		}{
			"an administrator changes an owner": {admin, owner.Viewer.Member.ID, enum.RoleViewer, refusedMember},
			"an administrator changes another":  {admin, otherAdmin, enum.RoleViewer, refusedMember},
			"an administrator makes an owner": {admin, people[enum.RoleViewer].Viewer.Member.ID, enum.RoleOwner,
				refusedRole},
			"an administrator makes themselves owner": {admin, people[enum.RoleAdmin].Viewer.Member.ID, enum.RoleOwner,
				refusedRole},
			"an administrator makes a viewer campaign": {admin, people[enum.RoleViewer].Viewer.Member.ID,
				enum.RoleCampaigner, nil},
			"an administrator changes nothing": {admin, people[enum.RoleCampaigner].Viewer.Member.ID,
				enum.RoleCampaigner, nil},
			"an owner makes another owner a campaigner": {owner.ctx, people[enum.RoleOwner].Viewer.Member.ID,
				enum.RoleCampaigner, nil},
		} {
			if _, err := s.UpdateMember(tc.by, identity.MemberChange{ID: tc.whom, Role: tc.to}); tc.want == nil &&
				err != nil || tc.want != nil && !slices.Equal(codes(s.t, err), tc.want) {
				s.t.Errorf("%s: %v", name, err)
			}
		}

		if _, err := s.UpdateMember(people[enum.RoleCampaigner].ctx,
			identity.MemberChange{ID: people[enum.RoleCampaigner].Viewer.Member.ID, Role: enum.RoleViewer}); !usererror.Is(err,
			usererror.Forbidden) {
			s.t.Errorf("a campaigner: %v", err)
		}

		if _, err := s.UpdateMember(admin,
			identity.MemberChange{ID: uid.New(uid.Member), Role: enum.RoleViewer}); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("nobody: %v", err)
		}

		stranger := s.enter(s.signUp("stranger@example.com"))
		if _, err := s.RemoveMember(stranger.ctx, identity.MemberChange{ID: otherAdmin}); !usererror.Is(err,
			usererror.NotFound) {
			s.t.Errorf("another organization's: %v", err)
		}

		if _, err := s.RemoveMember(people[enum.RoleViewer].ctx,
			identity.MemberChange{ID: otherAdmin}); !slices.Equal(codes(s.t, err), refusedMember) {
			s.t.Errorf("a viewer removes an administrator: %v", err)
		}

		if _, err := s.RemoveMember(people[enum.RoleViewer].ctx,
			identity.MemberChange{ID: people[enum.RoleViewer].Viewer.Member.ID}); err != nil {
			s.t.Errorf("a viewer leaves: %v", err)
		}

		if _, err := s.RemoveMember(owner.ctx,
			identity.MemberChange{ID: owner.Viewer.Member.ID}); !slices.Equal(codes(s.t, err), refusedMember) {
			s.t.Errorf("the last owner leaves: %v", err)
		}

		if _, err := s.UpdateMember(owner.ctx, identity.MemberChange{ID: owner.Viewer.Member.ID,
			Role: enum.RoleAdmin}); !slices.Equal(codes(s.t, err), refusedMember) {
			s.t.Errorf("the last owner steps down: %v", err)
		}
	})
}

func TestARemovedMemberIsOutAtOnceAndStaysOutWhenInvitedAnew(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		bob := s.join(owner.ctx, "bob@example.com", enum.RoleAdmin)
		own, err := s.CreateOrganization(bob.ctx, "Bob's", identity.DefaultTerms().Version)
		if err != nil {
			s.t.Fatal(err)
		}

		m, err := s.RemoveMember(owner.ctx, identity.MemberChange{ID: bob.Viewer.Member.ID})
		if err != nil || m.Edges.User.Email != "bob@example.com" || !slices.Equal(m.Ended, []uid.ID{bob.Viewer.Session.ID}) {
			s.t.Fatalf("%+v, %v", m, err)
		}

		s.refused(bob.Token)
		s.call(own.Token)
		if err := s.StillValid(s.t.Context(), bob.Viewer); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("its sockets are told %v", err)
		}

		token, _, err := s.InviteMember(owner.ctx, "bob@example.com", enum.RoleViewer)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.AcceptInvitation(s.t.Context(), guest(token)); err != nil {
			s.t.Fatal(err)
		}

		s.refused(bob.Token)
	})
}

func TestAnotherRoleHoldsFromTheNextCallOn(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		bob := s.join(owner.ctx, "bob@example.com", enum.RoleAdmin)
		m, err := s.UpdateMember(owner.ctx, identity.MemberChange{ID: bob.Viewer.Member.ID, Role: enum.RoleViewer})
		if err != nil || m.Role != enum.RoleViewer || !slices.Equal(m.Ended, []uid.ID{bob.Viewer.Session.ID}) {
			s.t.Fatalf("%+v, %v", m, err)
		}
		if v, _ := identity.From(s.call(bob.Token)); v.Role != enum.RoleViewer {
			s.t.Errorf("role %s", v.Role)
		}
		if err := s.StillValid(s.t.Context(), bob.Viewer); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("its sockets are told %v", err)
		}
		// A call that was authenticated before acts by the role that its caller has now.
		if _, _, err := s.InviteMember(bob.ctx, "eve@example.com", enum.RoleViewer); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("an old call: %v", err)
		}
	})
}

func TestTwoOwnersWhoRemoveEachOtherAtOnceLeaveOne(t *testing.T) {
	each(t, func(s *stage) {
		for _, change := range map[string]func(by person, whom person) error{
			"removing": func(by, whom person) error {
				_, err := s.RemoveMember(by.ctx, identity.MemberChange{ID: whom.Viewer.Member.ID})
				return err
			},
			"demoting": func(by, whom person) error {
				_, err := s.UpdateMember(by.ctx, identity.MemberChange{ID: whom.Viewer.Member.ID, Role: enum.RoleViewer})
				return err
			},
			"leaving": func(by, _ person) error {
				_, err := s.RemoveMember(by.ctx, identity.MemberChange{ID: by.Viewer.Member.ID})
				return err
			},
		} {
			ann := s.enter(s.signUp(uid.New(uid.User).String() + "@example.com"))
			bob := s.join(ann.ctx, uid.New(uid.User).String()+"@example.com", enum.RoleOwner)
			var both sync.WaitGroup
			errs := make(chan error, 2)
			both.Go(func() { errs <- change(ann, bob) })
			both.Go(func() { errs <- change(bob, ann) })
			both.Wait()
			if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
				s.t.Errorf("%v and %v", a, b)
			}

			owners := 0
			for _, role := range s.roles(ann.Viewer.Organization) {
				if role == enum.RoleOwner {
					owners++
				}
			}

			if owners != 1 {
				s.t.Errorf("%d owners are left", owners)
			}
		}
	})
}

func TestAPersonHasSeveralOrganizations(t *testing.T) {
	each(t, func(s *stage) {
		ann := s.enter(s.signUp(email))
		s.advance(time.Hour)
		second, err := s.CreateOrganization(ann.ctx, "Second", identity.DefaultTerms().Version)
		if err != nil || second.Viewer.Role != enum.RoleOwner || second.Viewer.OrganizationName != "Second" ||
			!second.ExpiresAt.Equal(ann.ExpiresAt) {
			s.t.Fatalf("%+v, %v", second, err)
		}

		if must, err := s.MustAcceptTerms(s.call(second.Token)); must || err != nil {
			s.t.Errorf("must accept terms: %t, %v", must, err)
		}

		back, err := s.SwitchOrganization(s.call(second.Token), ann.Viewer.Organization)
		if err != nil || back.Viewer.Organization != ann.Viewer.Organization ||
			!back.Viewer.Session.CreatedAt.Equal(ann.Viewer.Session.CreatedAt) {
			s.t.Fatalf("%+v, %v", back, err)
		}

		s.call(second.Token) // stays
		if open, err := s.Sessions(ann.ctx); err != nil || len(open) != 3 {
			s.t.Errorf("%d sessions, %v", len(open), err)
		}

		ended, err := s.RevokeOtherSessions(ann.ctx)
		if err != nil || len(ended) != 2 {
			s.t.Errorf("ended %v, %v", ended, err)
		}

		s.refused(second.Token)
		s.refused(back.Token)
		s.call(ann.Token)
		stranger := s.enter(s.signUp("stranger@example.com"))

		for _, org := range []uid.ID{stranger.Viewer.Organization, uid.New(uid.Organization), {}} {
			if _, err := s.SwitchOrganization(ann.ctx, org); !usererror.Is(err, usererror.NotFound) {
				s.t.Errorf("to %s: %v", org, err)
			}
		}

		s.db.Client.Organization.UpdateOneID(second.Viewer.Organization).SetStatus(enum.OrganizationStatusClosed).
			ExecX(caller.System(s.t.Context()))
		if _, err := s.SwitchOrganization(ann.ctx, second.Viewer.Organization); !slices.Equal(codes(s.t, err),
			[]string{"organizationId:NOT_ALLOWED"}) {
			s.t.Errorf("to a closed one: %v", err)
		}

		if _, err := s.CreateOrganization(ann.ctx, " ", "0"); !slices.Equal(codes(s.t, err),
			[]string{"acceptTermsVersion:STALE", "name:REQUIRED"}) {
			s.t.Error(err)
		}

		_, key, err := s.CreateAPIKey(ann.ctx, identity.NewAPIKey{Name: "k", Role: enum.RoleOwner, CurrentPassword: password})
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.SwitchOrganization(s.call(key), ann.Viewer.Organization); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("a key: %v", err)
		}
	})
}

func TestWhoIsRemovedWhileTheySwitchHasNoSessionLeft(t *testing.T) {
	each(t, func(s *stage) {
		owner := s.enter(s.signUp(email))
		bob := s.join(owner.ctx, "bob@example.com", enum.RoleAdmin)
		own, err := s.CreateOrganization(bob.ctx, "Bob's", identity.DefaultTerms().Version)
		if err != nil {
			s.t.Fatal(err)
		}

		ctx := s.call(own.Token)
		var both sync.WaitGroup

		for range 4 {
			both.Go(func() {
				if _, err := s.SwitchOrganization(ctx, owner.Viewer.Organization); err != nil &&
					!usererror.Is(err, usererror.NotFound) && !usererror.Is(err, usererror.Unauthenticated) {
					s.t.Errorf("switching: %v", err)
				}
			})
		}

		both.Go(func() {
			if _, err := s.RemoveMember(owner.ctx, identity.MemberChange{ID: bob.Viewer.Member.ID}); err != nil {
				s.t.Errorf("removing: %v", err)
			}
		})

		both.Wait()
		left := s.db.Client.Session.Query().Where(session.UserID(bob.Viewer.User.ID),
			session.OrganizationID(owner.Viewer.Organization), session.RevokedAtIsNil()).
			CountX(caller.System(s.t.Context()))
		if left != 0 {
			s.t.Errorf("%d sessions are left", left)
		}
		if _, err := s.SwitchOrganization(ctx, owner.Viewer.Organization); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("afterwards: %v", err)
		}
	})
}

func TestAUserChangesTheirNameAndLanguage(t *testing.T) {
	each(t, func(s *stage) {
		ann := s.enter(s.signUp(email))
		if u, err := s.UpdateUser(ann.ctx, identity.UserChange{Name: " Anna "}); err != nil || u.Name != "Anna" {
			s.t.Errorf("%+v, %v", u, err)
		}

		_, err := s.UpdateUser(ann.ctx, identity.UserChange{})
		if !slices.Equal(codes(s.t, err), []string{"name:REQUIRED"}) {
			s.t.Error(err)
		}
		if v, _ := identity.From(s.call(ann.Token)); v.User.Name != "Anna" {
			s.t.Errorf("is called %s", v.User.Name)
		}

		for given, kept := range map[string]string{"zh-hans": "zh-Hans", "EN": "en"} {
			u, err := s.UpdateUser(ann.ctx, identity.UserChange{Name: "Anna", Locale: &given})
			if err != nil || u.Locale == nil || *u.Locale != kept {
				s.t.Errorf("%s: %+v, %v", given, u, err)
			}
		}

		for _, given := range []string{"", "und", "no tag", "en-" + strings.Repeat("abcdefgh-", 200)} {
			_, err := s.UpdateUser(ann.ctx, identity.UserChange{Name: "Anna", Locale: &given})
			if !slices.Equal(codes(s.t, err), []string{"locale:INVALID"}) {
				s.t.Errorf("%q: %v", given, err)
			}
		}
	})
}
