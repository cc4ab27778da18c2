package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"carillon/oidc"
	"carillon/oidc/oidctest"
)

func flow() oidc.Flow {
	return oidc.Flow{RedirectURI: oidctest.RedirectURI, State: oauth2.GenerateVerifier(),
		Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
}

// signIn goes through a whole flow as ann.
func signIn(t *testing.T, idp *oidctest.Provider, p *oidc.Provider) (oidc.Person, error) {
	t.Helper()
	f := flow()
	url, err := p.AuthURL(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}

	code, state := idp.SignIn(url, "ann")
	if state != f.State {
		t.Errorf("state %q came back", state)
	}

	return p.Redeem(t.Context(), code, f)
}

func isRefused(err error) bool     { var r *oidc.Refused; return errors.As(err, &r) }
func isUnavailable(err error) bool { var u *oidc.Unavailable; return errors.As(err, &u) }

var ann = oidctest.Account{ID: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}

func TestTheProviderTellsWhoSignedIn(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	p := oidc.New(idp.Options, time.Now)

	for name, account := range map[string]oidctest.Account{
		"with a verified address": ann,
		"with several factors":    {ID: "ann", Email: "ann@example.com", EmailVerified: true, AMR: []string{"pwd", "mfa"}},
		"with one factor":         {ID: "ann", Email: "ann@example.com", AMR: []string{"pwd"}},
	} {
		idp.Has(account)
		got, err := signIn(t, idp, p)
		want := oidc.Person{Issuer: idp.Options.Issuer, Subject: "ann", Email: account.Email,
			EmailVerified: account.EmailVerified, Name: account.Name, MFA: len(account.AMR) == 2}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestATokenThatIsNotForThisFlowIsRefused(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(ann)
	p := oidc.New(idp.Options, time.Now)

	for _, forged := range []string{
		"another audience", "several audiences", "another nonce", "no nonce", "another issuer", "an expiry that is past",
		"a foreign key",
		"the algorithm none", "nobody as its subject",
	} {
		idp.Misbehave(forged)
		if who, err := signIn(t, idp, p); !isRefused(err) {
			t.Errorf("a token with %s gave %+v, %v", forged, who, err)
		}
	}

	idp.Misbehave("broken")
	if _, err := signIn(t, idp, p); !isUnavailable(err) {
		t.Errorf("a provider in trouble gave %v", err)
	}

	idp.Misbehave("honest")
	if _, err := signIn(t, idp, p); err != nil {
		t.Error(err)
	}
}

func TestACodeIsGoodOnceAndWithItsVerifierAlone(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(ann)
	p := oidc.New(idp.Options, time.Now)
	f := flow()
	url, err := p.AuthURL(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}

	code, _ := idp.SignIn(url, "ann")
	if _, err := p.Redeem(t.Context(), code, f); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Redeem(t.Context(), code, f); !isRefused(err) {
		t.Errorf("a replayed code gave %v", err)
	}

	code, _ = idp.SignIn(url, "ann")
	other := f
	other.Verifier = oauth2.GenerateVerifier()
	if _, err := p.Redeem(t.Context(), code, other); !isRefused(err) {
		t.Errorf("a stolen code gave %v", err)
	}
	if _, err := p.Redeem(t.Context(), "made up", f); !isRefused(err) {
		t.Errorf("a made-up code gave %v", err)
	}
}

func TestTheProviderMayRotateItsKey(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	idp.Has(ann)
	p := oidc.New(idp.Options, time.Now)

	for range 2 {
		if _, err := signIn(t, idp, p); err != nil {
			t.Fatal(err)
		}

		idp.Rotate()
	}
}

func TestAProviderThatWasDownIsFoundOnceItIsUp(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	up, asked := false, 0

	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; !up {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}

		_, _ = w.Write([]byte(`{"issuer":"http://` + r.Host + `","authorization_endpoint":"` + idp.Options.Issuer +
			`/auth","token_endpoint":"` + idp.Options.Issuer + `/token","jwks_uri":"` + idp.Options.Issuer + `/jwks"}`))
	}))

	defer gate.Close()
	o, now := idp.Options, time.Now()
	o.Issuer = gate.URL
	p := oidc.New(o, func() time.Time { return now })

	for range 2 {
		if _, err := p.AuthURL(t.Context(), flow()); !isUnavailable(err) {
			t.Errorf("while it is down: %v", err)
		}
	}

	if asked != 1 {
		t.Errorf("a provider that is down was asked %d times at one moment", asked)
	}

	up, now = true, now.Add(3*time.Second)
	if _, err := p.AuthURL(t.Context(), flow()); err != nil {
		t.Errorf("once it is up: %v", err)
	}

	idp.Stop()
	if _, err := p.Redeem(t.Context(), "code", flow()); !isUnavailable(err) {
		t.Errorf("once it is down again: %v", err)
	}
}
