package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/user"
	"carillon/identity"
	"carillon/usererror"
)

// refusal is the text of the one user error in err.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var in usererror.Fields
	if !errors.As(err, &in) || len(in) != 1 {
		t.Fatalf("%v is no single user error", err)
	}

	return string(in[0].Code) + " " + in[0].Message
}

// memberEvents are the actions on members that the trail holds, with who did them, in order.
func (s *stage) memberEvents() (found []string) {
	events := s.db.Client.AuditEvent.Query().Where(auditevent.ActionHasPrefix("member.")).Order(auditevent.BySequence()).
		AllX(caller.System(s.t.Context()))
	for _, e := range events {
		found = append(found, e.Actor+" "+e.Action)
	}

	return found
}

func TestASuspendedUserIsLetInByNothingUntilItIsOver(t *testing.T) {
	each(t, func(s *stage) {
		ann := s.signUp(email)
		viewer, _ := identity.From(s.call(ann.Token))
		_, secret, err := s.CreateAPIKey(s.call(ann.Token), identity.NewAPIKey{Name: "k", Role: enum.RoleViewer})
		if err != nil {
			s.t.Fatal(err)
		}

		keyViewer, _ := identity.From(s.call(secret))
		until := s.now().Add(time.Hour).UTC()
		stopped, err := s.SuspendUser(s.t.Context(), "Ann@Example.com",
			identity.Suspension{Until: &until, Reason: " sold the list "})
		if err != nil || len(stopped) != 2 {
			s.t.Fatal(stopped, err)
		}

		for credential, v := range map[string]*identity.Viewer{"suspended you": viewer, "who made the API key": keyViewer} {
			if err := s.StillValid(s.t.Context(), v); !usererror.Is(err, usererror.Unauthenticated) ||
				!strings.Contains(err.Error(), credential) {
				s.t.Errorf("a socket of %s hears %v", credential, err)
			}
		}

		s.refused(ann.Token)
		if _, err := s.Authenticate(s.t.Context(), "Bearer "+secret, identity.Client{}); !usererror.Is(err,
			usererror.Unauthenticated) ||
			!strings.Contains(err.Error(),
				"suspended the user who made this API key until 2026-11-20T13:00:00Z: sold the list") {
			s.t.Errorf("the key gave %v", err)
		}

		const says = "NOT_ALLOWED The operator of this service has suspended you until 2026-11-20T13:00:00Z: sold the list"
		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password}); refusal(s.t, err) != says {
			s.t.Errorf("signing in gave %v", err)
		}

		if _, err := s.SignIn(s.t.Context(),
			identity.SignIn{Email: email, Password: "another long password"}); strings.Contains(err.Error(), "suspended") {
			s.t.Errorf("who does not know the password reads %v", err)
		}

		link, err := s.ResetLink(s.t.Context(), email)
		if err != nil {
			s.t.Fatal(err)
		}

		_, token, _ := strings.Cut(link, "token=")
		if _, _, err := s.ResetPassword(s.t.Context(),
			identity.ResetPassword{Token: token, NewPassword: "a brand new password"}); refusal(s.t, err) != says {
			s.t.Errorf("setting a new password gave %v", err)
		}

		s.advance(time.Hour)
		s.call(secret) // the same key goes on, before any sweep
		s.refused(ann.Token)
		again, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
		if err != nil {
			s.t.Fatal(err)
		}

		for range 2 {
			if err := s.EndSuspensions(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}

		s.call(again.Token)
		if n := s.db.Client.User.Query().Where(user.SuspendedAtNotNil()).CountX(caller.System(s.t.Context())); n != 0 {
			s.t.Errorf("%d are suspended", n)
		}
		if got := strings.Join(s.memberEvents(), ", "); got != "operator member.suspend, system member.resume" {
			s.t.Errorf("recorded %s", got)
		}
	})
}

func TestASuspensionWithoutAnEndLastsUntilTheOperatorEndsIt(t *testing.T) {
	each(t, func(s *stage) {
		s.signUp(email)
		if err := s.ResumeUser(s.t.Context(), email); !usererror.Is(err, usererror.Conflict) {
			s.t.Errorf("resuming who is not suspended gave %v", err)
		}
		if _, err := s.SuspendUser(s.t.Context(), "nobody@example.com", identity.Suspension{}); err == nil {
			s.t.Error("nobody was suspended")
		}

		soon := s.now().Add(time.Minute)
		// the second replaces the first, its end and reason too
		for _, how := range []identity.Suspension{{Until: &soon, Reason: "first"}, {}} {
			if _, err := s.SuspendUser(s.t.Context(), email, how); err != nil {
				s.t.Fatal(err)
			}
		}

		s.advance(24 * 365 * time.Hour)
		if err := s.EndSuspensions(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}

		_, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
		if got := refusal(s.t, err); got != "NOT_ALLOWED The operator of this service has suspended you" {
			s.t.Errorf("a year later it says %q", got)
		}
		if err := s.ResumeUser(s.t.Context(), email); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password}); err != nil {
			s.t.Error(err)
		}
	})
}

func TestASuspendedUserWhoBelongsToNothingMakesNoOrganization(t *testing.T) {
	each(t, func(s *stage) {
		s.signUp(email)
		system := caller.System(s.t.Context())
		s.db.Client.Member.Delete().ExecX(system)
		if _, err := s.SuspendUser(s.t.Context(), email, identity.Suspension{}); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.SignUp(s.t.Context(), form(email)); !strings.Contains(refusal(s.t, err), "suspended") {
			s.t.Errorf("signing up again gave %v", err)
		}
		if n := s.db.Client.Organization.Query().CountX(system); n != 1 {
			s.t.Errorf("%d organizations", n)
		}
	})
}

func TestAnOrganizationsSuspensionIsNoObstacleAfterItsEnd(t *testing.T) {
	each(t, func(s *stage) {
		org := s.signUp(email).Viewer.Organization
		obstacles := func() []identity.Obstacle {
			found, err := s.Obstacles(s.t.Context(), org)
			if err != nil {
				s.t.Fatal(err)
			}

			return found[org]
		}

		s.db.Client.Organization.UpdateOneID(org).SetStatus(enum.OrganizationStatusSuspended).SetStatusReason("spam").
			SetSuspendedUntil(s.now().Add(time.Hour)).
			ExecX(caller.System(s.t.Context()))
		if got := obstacles(); len(got) != 1 || !strings.HasSuffix(got[0].Text, "until 2026-11-20T13:00:00Z: spam") {
			s.t.Errorf("meanwhile: %v", got)
		}

		s.advance(time.Hour)
		if got := obstacles(); len(got) != 0 {
			s.t.Errorf("afterwards: %v", got)
		}
	})
}
