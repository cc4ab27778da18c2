package identity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/usererror"
)

func TestAnInvitationsMailCarriesNoLinkOrAddressOfTheInvitersMaking(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		owner := s.enter(s.signUp(email))
		system := caller.System(s.t.Context())
		for name, tc := range map[string]struct{ user, organization, says string }{
			"plain names": {"Zoë Müller-Lüdenscheidt", "Lucky Shrub 花店",
				"\"Zoë Müller-Lüdenscheidt\" invites you to join \"Lucky Shrub 花店\" on Carillon."},
			"a link": {"WhatsApp Security", "LOCKED. Unlock at https://evil.example/unlock",
				"\"WhatsApp Security\" invites you to join an organization on Carillon."},
			"domains":   {"evil.example", "see www.evil", "Somebody invites you to join an organization on Carillon."},
			"addresses": {"security@evil.example", "mail a@b", "Somebody invites you to join an organization on Carillon."},
			"numbers":   {"Call +1 (202) 555-0100", "110", "Somebody invites you to join \"110\" on Carillon."},
			"disguises": {"ｅｖｉｌ．example", "evil。example", "Somebody invites you to join an organization on Carillon."},
			"quotes":    {`x" pays "y`, "a\u202egnp.evil", "\"x' pays 'y\" invites you to join an organization on Carillon."},
			"much": {"Ann", strings.Repeat("y ", 50), "\"Ann\" invites you to join \"" +
				strings.TrimSpace(strings.Repeat("y ", 29)) + " y…\" on Carillon."},
		} {
			s.db.Client.User.UpdateOneID(owner.Viewer.User.ID).SetName(tc.user).ExecX(system)
			s.db.Client.Organization.UpdateOneID(owner.Viewer.Organization).SetName(tc.organization).ExecX(system)
			if _, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer); err != nil {
				s.t.Fatal(err)
			}

			s.post()
			m := b.mails[len(b.mails)-1]
			if m.subject != "Invitation to Carillon" || !strings.Contains(m.text, "\n"+tc.says+"\n") {
				s.t.Errorf("%s: %s\n%s", name, m.subject, m.text)
			}
		}
	})
}

func TestWhoMailsStrangersIsLimitedByUserOrganizationAndService(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{})
	owner := s.enter(s.signUp(email))
	_, key, err := s.CreateAPIKey(owner.ctx, identity.NewAPIKey{Name: "k", Role: enum.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}

	var asked []string
	limited := ""

	s.Service = identity.New(s.db, identity.DefaultTerms(), s.now,
		identity.Options{Costs: cheap, Limiter: limiterFunc(func(key string) time.Duration {
			asked = append(asked, key)
			if key == limited {
				return 90 * time.Second
			}

			return 0
		})})

	organization := owner.Viewer.Organization.String()
	want := []string{"invite:" + organization, "inviter:" + owner.Viewer.User.ID.String(), "invitations:",
		"invited:" + bob}
	if _, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer); err != nil || !slices.Equal(asked, want) {
		t.Errorf("asked for %v, %v", asked, err)
	}

	for _, limited = range want {
		if _, _, err := s.InviteMember(owner.ctx, bob, enum.RoleViewer); !usererror.Is(err, usererror.RateLimited) {
			t.Errorf("%s: %v", limited, err)
		}
	}

	asked, limited = nil, ""
	if _, _, err := s.InviteMember(s.call(key), bob, enum.RoleViewer); err != nil || asked[1] != "inviter:"+organization {
		t.Errorf("a key asked for %v, %v", asked, err)
	}
}

func TestAUserIsToldByMailWhatHappenedToTheirSignIn(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		ann := s.enter(s.signUp(email))
		signed, _, err := s.ChangePassword(ann.ctx, password, newPassword)
		if err != nil {
			s.t.Fatal(err)
		}

		s.post()
		s.ask(email)
		s.post()
		token := b.token(s.t)
		if signed, err = s.reset(token); err != nil {
			s.t.Fatal(err)
		}

		s.post()
		s.post()
		want := []string{"Your password was changed", "Set a new password", "Your password was changed"}
		if got := b.subjects(email); !slices.Equal(got, want) {
			s.t.Errorf("mails: %q", got)
		}

		for _, m := range b.mails {
			if strings.Contains(m.text, "Ann") || strings.Contains(m.text, "Lucky") {
				s.t.Errorf("it holds a caller's words: %s", m.text)
			}
		}

		s.call(signed.Token)
	})
}

func TestTheMailOfAResetSaysWhenItThrowsThingsAway(t *testing.T) {
	eachWithMail(t, func(s *stage, b *box) {
		s.stranger(email)
		s.signUp(bob)
		s.post()
		const warning = "throws away what was made with it"

		for address, warns := range map[string]bool{email: true, bob: false} {
			s.ask(address)
			s.post()
			if m := b.mails[len(b.mails)-1]; m.to != address || m.subject != "Set a new password" ||
				strings.Contains(m.text, warning) != warns {
				s.t.Errorf("%+v", m)
			}
		}
	})
}
