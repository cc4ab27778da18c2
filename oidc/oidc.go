// Package oidc is the identity provider, any that speaks OpenID Connect, with whose accounts users
// may sign in. It hides discovery, PKCE, the exchange of a code and the checking of an ID token. It
// promises that whoever Redeem returns has just signed in there, for this service, in answer to the
// flow that is given.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	answerWithin = 10 * time.Second // the provider
	askAgain     = 2 * time.Second  // how long a failed discovery stands for those that come after it
)

// Options say which provider it is and what of its accounts is taken.
type Options struct {
	Issuer       string
	ClientID     string
	ClientSecret string   // empty for a public client
	Scopes       []string // openid is always among them
	Name         string   // for people
}

// Provider is one provider. It is asked for its addresses when it is first needed, and again after
// it has failed.
type Provider struct {
	o    Options
	now  func() time.Time
	http *http.Client

	mu       sync.Mutex // held while the provider is asked, so that it is asked once
	found    *discovered
	failure  error
	failedAt time.Time
}

type discovered struct {
	provider *oidc.Provider
	style    oauth2.AuthStyle
}

// New asks nothing yet.
func New(o Options, now func() time.Time) *Provider {
	if !slices.Contains(o.Scopes, oidc.ScopeOpenID) {
		o.Scopes = append([]string{oidc.ScopeOpenID}, o.Scopes...)
	}
	return &Provider{o: o, now: now, http: &http.Client{
		Timeout: answerWithin,
		// A redirect could carry the client's secret elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.o.Name }

// Unavailable says that the provider did not answer, or not as one: trying again may help.
type Unavailable struct{ Err error }

func (e *Unavailable) Error() string { return "the identity provider: " + e.Err.Error() }
func (e *Unavailable) Unwrap() error { return e.Err }

// Refused says that a code, or the token it was exchanged for, is not good: only a new sign-in
// helps.
type Refused struct{ Err error }

func (e *Refused) Error() string { return "refused by or to the identity provider: " + e.Err.Error() }
func (e *Refused) Unwrap() error { return e.Err }

// Flow is one sign-in from its beginning to its end.
type Flow struct {
	RedirectURI string
	State       string // comes back with the code
	Nonce       string // comes back in the ID token
	Verifier    string // PKCE's: only its hash is shown before the exchange
}

// AuthURL is where the user goes to sign in.
func (p *Provider) AuthURL(ctx context.Context, f Flow) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}

	return p.config(d, f).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// Person is who signed in at the provider.
type Person struct {
	Issuer, Subject string // together they name an account for good
	Email           string // empty when the provider does not tell
	EmailVerified   bool
	Name            string
	MFA             bool // the provider says that it asked for more than one factor (RFC 8176)
}

// Reach asks the provider for its addresses, so that what follows does not fail for want of them.
func (p *Provider) Reach(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

// Redeem exchanges a code, which works once, for who signed in.
func (p *Provider) Redeem(ctx context.Context, code string, f Flow) (Person, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}

	ctx = oidc.ClientContext(ctx, p.http)
	token, err := p.config(d, f).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return Person{}, exchangeError(err)
	}

	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Person{}, &Refused{errors.New("no ID token came")}
	}

	verified, err := d.provider.Verifier(&oidc.Config{ClientID: p.o.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, &Refused{err}
	}

	c, err := p.check(verified, f)
	if err != nil {
		return Person{}, &Refused{err}
	}

	if c.Email == "" {
		if err := p.ask(ctx, d, token, verified.Subject, &c); err != nil {
			return Person{}, err
		}
	}

	return Person{
		Issuer: verified.Issuer, Subject: verified.Subject, Email: c.Email, EmailVerified: bool(c.EmailVerified),
		Name: c.Name,
		MFA:  slices.Contains(c.AMR, "mfa"),
	}, nil
}

type claims struct {
	Email           string   `json:"email"`
	EmailVerified   truth    `json:"email_verified"`
	Name            string   `json:"name"`
	AuthorizedParty string   `json:"azp"`
	AMR             []string `json:"amr"`
}

// truth is a boolean that some providers write as a text.
type truth bool

// UnmarshalJSON takes nothing but true and "true" for true.
func (t *truth) UnmarshalJSON(raw []byte) error {
	*t = truth(string(raw) == `true` || string(raw) == `"true"`)
	return nil
}

// check looks at what the verifier leaves to its caller.
func (p *Provider) check(token *oidc.IDToken, f Flow) (c claims, err error) {
	if err := token.Claims(&c); err != nil {
		return c, err
	}

	switch {
	case token.Subject == "":
		return c, errors.New("the ID token names nobody")
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1:
		return c, errors.New("the ID token has another nonce")
	case c.AuthorizedParty != "" && c.AuthorizedParty != p.o.ClientID, c.AuthorizedParty == "" && len(token.Audience) > 1:
		return c, errors.New("the ID token was issued to another client")
	}

	return c, nil
}

// ask fills in what providers with small ID tokens tell at their userinfo endpoint alone.
func (p *Provider) ask(ctx context.Context, d *discovered, token *oauth2.Token, subject string, c *claims) error {
	if d.provider.UserInfoEndpoint() == "" {
		return nil
	}

	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return &Unavailable{err}
	}
	if info.Subject != subject {
		return &Refused{errors.New("userinfo is about somebody else")}
	}

	var told claims
	if err := info.Claims(&told); err != nil {
		return &Refused{err}
	}

	c.Email, c.EmailVerified = told.Email, told.EmailVerified
	if c.Name == "" {
		c.Name = told.Name
	}

	return nil
}

func (p *Provider) config(d *discovered, f Flow) *oauth2.Config {
	endpoint := d.provider.Endpoint()
	endpoint.AuthStyle = d.style
	return &oauth2.Config{ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: endpoint,
		RedirectURL: f.RedirectURI, Scopes: p.o.Scopes}
}

// discover reads the provider's addresses once. Who comes meanwhile waits.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failure != nil && p.now().Sub(p.failedAt) < askAgain {
		return nil, p.failure
	}

	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.http), p.o.Issuer)
	if err != nil {
		if ctx.Err() == nil { // else the caller is gone, which says nothing about the provider
			p.failure, p.failedAt = &Unavailable{err}, p.now()
		}
		return nil, &Unavailable{err}
	}

	var told struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&told); err != nil {
		return nil, &Unavailable{err}
	}

	p.found, p.failure = &discovered{provider: provider, style: p.style(told.Methods)}, nil

	return p.found, nil
}

// style is how the client shows itself. Trying out which one works, as oauth2 would, spends the
// code.
func (p *Provider) style(methods []string) oauth2.AuthStyle {
	if p.o.ClientSecret == "" || len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// exchangeError tells a code that is not good from a provider that is not.
func exchangeError(err error) error {
	var answer *oauth2.RetrieveError
	switch {
	case !errors.As(err, &answer):
		return &Unavailable{err}
	case answer.ErrorCode == "invalid_grant":
		return &Refused{errors.New("the code is wrong, was used, or has expired")}
	case answer.Response != nil && answer.Response.StatusCode >= http.StatusInternalServerError:
		return &Unavailable{fmt.Errorf("status %d", answer.Response.StatusCode)}
	}

	return fmt.Errorf("exchange code at the identity provider: %w", err)
}
