package graph_test

import (
	"testing"

	"carillon/audit"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/graph"
	"carillon/identity"
)

func TestOnlyOwnersAndAdministratorsAcceptTheTermsForTheOrganization(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		terms := identity.Terms{Version: "2", Body: "New.\n", EffectiveAt: database.Now()}
		s := stand(t, db, func(d *graph.Deps) {
			d.Identity = identity.New(db, terms, database.Now,
				identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
		})

		owner := s.signUp() // under the terms before
		must := func(want bool, when string) {
			t.Helper()
			if got := owner.must(`{ viewer { mustAcceptTerms } }`).at("viewer.mustAcceptTerms"); got != want {
				t.Errorf("%s: must accept terms: %v", when, got)
			}
		}

		const acceptTerms = `mutation { acceptTerms(input: {version: "2"}) { viewer { mustAcceptTerms } userErrors { code } } }`
		must(true, "at first")

		for _, role := range []string{"VIEWER", "ADMIN"} {
			guest := owner.guest(owner.invite(role+"@example.com", role))
			guest["input"].(vars)["acceptTermsVersion"] = "2"
			a := s.ask("", accept, guest)
			must(true, role+" has joined")
			code := s.ask(a.text("acceptInvitation.token"), acceptTerms).code()
			if want := map[string]string{"VIEWER": "FORBIDDEN", "ADMIN": ""}[role]; code != want {
				t.Errorf("accepting as %s gave %q", role, code)
			}
			if role == "VIEWER" {
				must(true, "a viewer has tried")
			}
		}

		must(false, "an administrator has accepted")
		if got := owner.actions()[audit.ActionTermsAccept]; got != 1 {
			t.Errorf("%d audit events", got)
		}
	})
}
