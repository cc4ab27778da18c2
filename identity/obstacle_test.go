package identity_test

import (
	"slices"
	"testing"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/identity"
)

// under is the same service under other terms, as after a restart.
func (s *stage) under(version string, effective time.Time) *stage {
	other := &stage{t: s.t, db: s.db}
	other.nanos.Store(s.nanos.Load())
	other.Service = identity.New(s.db, identity.Terms{Version: version, Body: "text\n", EffectiveAt: effective},
		other.now, identity.Options{Costs: cheap})

	return other
}

func TestNewTermsHoldFromTheirDayOnAndUntilThenTheOldAcceptanceStands(t *testing.T) {
	each(t, func(s *stage) {
		token := s.signUp(email).Token
		later := s.under("2", s.now().Add(24*time.Hour))
		must := func(want bool, when string) {
			t.Helper()
			got, err := later.MustAcceptTerms(later.call(token))
			if err != nil || got != want {
				s.t.Errorf("%s: must accept %t, %v", when, got, err)
			}

			v, _ := identity.From(later.call(token))
			found, err := later.Obstacles(s.t.Context(), v.Organization)
			if blocked := len(found[v.Organization]) == 1 &&
				found[v.Organization][0].Reason == enum.CampaignStatusReasonTermsNotAccepted; err != nil || blocked != want {
				s.t.Errorf("%s: obstacles %v, %v", when, found, err)
			}
		}

		must(false, "announced")
		later.advance(24 * time.Hour)
		must(true, "in force")
		if err := later.AcceptTerms(later.call(token), "2"); err != nil {
			s.t.Fatal(err)
		}

		must(false, "accepted")
		row := s.db.Client.TermsAcceptance.Query().AllX(caller.System(s.t.Context()))
		last := row[len(row)-1]
		v, _ := identity.From(later.call(token))
		if last.Version != "2" || last.UserID != v.User.ID || last.OrganizationID != v.Organization || last.IP == nil ||
			*last.IP != "192.0.2.1" || !last.AcceptedAt.Equal(later.now()) {
			s.t.Errorf("recorded %+v", last)
		}
	})
}

func TestAnnouncedTermsCanBeAcceptedBeforeTheirDay(t *testing.T) {
	each(t, func(s *stage) {
		token := s.signUp(email).Token
		later := s.under("2", s.now().Add(24*time.Hour))
		if err := later.AcceptTerms(later.call(token), "2"); err != nil {
			s.t.Fatal(err)
		}

		later.advance(48 * time.Hour)
		if must, err := later.MustAcceptTerms(later.call(token)); must || err != nil {
			s.t.Errorf("must accept %t, %v", must, err)
		}
	})
}

func TestAUserWhomTheOperatorAddsSignsInWithThePasswordThatWasPrinted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, identity.Options{})
		operator := audit.AsOperator(t.Context())
		added, err := s.AddUser(operator, identity.NewUser{Email: "Bob@Example.com", Organization: "Lucky Shrub",
			Role: enum.RoleOwner})
		if err != nil || added.Password == "" || added.OrganizationName != "Lucky Shrub" {
			t.Fatalf("added %+v, %v", added, err)
		}

		signed, err := s.SignIn(t.Context(), identity.SignIn{Email: "bob@example.com", Password: added.Password})
		if err != nil || signed.Viewer.Role != enum.RoleOwner || signed.Viewer.Organization != added.Organization {
			t.Fatalf("signed in as %+v, %v", signed.Viewer, err)
		}
		if must, err := s.MustAcceptTerms(s.call(signed.Token)); !must || err != nil {
			t.Errorf("nobody has accepted the terms for this organization, and must accept them: %t, %v", must, err)
		}

		again, err := s.AddUser(operator, identity.NewUser{Email: "bob@example.com", Organization: "Another",
			Role: enum.RoleViewer})
		if err != nil || again.Password != "" || again.User != added.User || again.Organization == added.Organization {
			t.Errorf("added to another: %+v, %v", again, err)
		}

		if _, err := s.AddUser(operator, identity.NewUser{Email: "bob@example.com",
			Organization: added.Organization.String(), Role: enum.RoleViewer}); err == nil {
			t.Error("twice in one organization")
		}

		var trail []string
		for _, e := range s.trail(added.Organization) {
			trail = append(trail, e.Actor+" "+e.Action)
		}

		if want := []string{"operator organization.create", "operator member.join",
			"bob@example.com session.sign_in"}; !slices.Equal(trail, want) {
			t.Errorf("recorded %q, want %q", trail, want)
		}
	})
}
