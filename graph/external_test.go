package graph_test

import (
	"fmt"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/graph"
	"carillon/identity"
	"carillon/oidc"
	"carillon/oidc/oidctest"
)

func TestAPageSignsInThroughTheProvider(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(oidctest.Account{ID: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"})
	db := dbtest.Open(t, dbtest.SQLite(t))

	s := stand(t, db, func(d *graph.Deps) {
		d.Identity = identity.New(db, identity.DefaultTerms(), database.Now,
			identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1},
				External: identity.External{Provider: oidc.New(idp.Options, time.Now),
					RedirectOrigins: []string{"http://localhost:8080"}, SignUp: true}})
	})
	if got := s.ask("", `{ externalSignIn { name } }`).text("externalSignIn.name"); got != "Test" {
		t.Errorf("the button says %q", got)
	}

	begun := s.ask("",
		`mutation($to: String!) { beginExternalSignIn(input: {redirectUri: $to}) { url flow userErrors { field code } } }`,
		vars{"to": oidctest.RedirectURI})
	code, state := idp.SignIn(begun.text("beginExternalSignIn.url"), "ann")
	const complete = `mutation($input: CompleteExternalSignInInput!) { completeExternalSignIn(input: $input) { token viewer { externalLogins { email } user { name } organization { name } } userErrors { field code } } }`
	input := vars{"flow": begun.text("beginExternalSignIn.flow"), "state": state, "code": code}
	a := s.ask("", complete, vars{"input": input})

	if got := fmt.Sprint(a.at(
		"completeExternalSignIn.userErrors")); got != "[map[code:REQUIRED field:[organizationName]] map[code:STALE "+
		"field:[acceptTermsVersion]]]" {
		t.Errorf("somebody new is asked for %s", got)
	}

	input["organizationName"], input["acceptTermsVersion"] = "Lucky Shrub", s.who.Terms().Version
	a = s.ask("", complete, vars{"input": input})

	if got := fmt.Sprint(a.at(
		"completeExternalSignIn.viewer")); got != "map[externalLogins:[map[email:ann@example.com]] "+
		"organization:map[name:Lucky Shrub] user:map[name:Ann]]" {
		t.Errorf("signed in as %s (%v)", got, a.Errors)
	}

	again := s.ask(a.text("completeExternalSignIn.token"), `{ viewer { user { email } } }`)
	if got := again.text("viewer.user.email"); got != "ann@example.com" {
		t.Errorf("the token is %q's", got)
	}
}

func TestWithoutAProviderThereIsNoButton(t *testing.T) {
	s := onSQLite(t)
	if got := s.ask("", `{ externalSignIn { name } }`).at("externalSignIn"); got != nil {
		t.Errorf("the button says %v", got)
	}
}
