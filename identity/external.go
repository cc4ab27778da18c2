package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/signinflow"
	"carillon/oidc"
	"carillon/usererror"
)

const (
	flowPrefix         = "crf_"
	flowAge            = 10 * time.Minute // from the beginning of a sign-in at the provider to its end
	longestRedirectURI = 2000
)

// External is how users may sign in elsewhere.
type External struct {
	Provider        *oidc.Provider // nil: they may not
	AllowedDomains  []string       // of e-mail addresses, in lower case; none allows all
	RedirectOrigins []string       // scheme://host[:port] of the pages that may take a sign-in back
	SignUp          bool           // whether who is unknown may make an organization
}

// ExternalSignIn names the provider; false when there is none.
func (s *Service) ExternalSignIn() (name string, ok bool) {
	if s.external.Provider == nil {
		return "", false
	}
	return s.external.Provider.Name(), true
}

// BeginExternalSignIn returns where the user goes to sign in, and the secret of this sign-in, which
// the page keeps: without it the answer that the provider sends to redirectURI is of no use, so
// nobody can be made to take an answer that is not theirs.
func (s *Service) BeginExternalSignIn(ctx context.Context, redirectURI string, client Client) (address, secret string,
	err error) {
	if err := s.hasProvider(); err != nil {
		return "", "", err
	}

	if !s.mayRedirect(redirectURI) {
		return "", "", usererror.Refuse("redirectUri", usererror.NotAllowed,
			"This is not an address of a page that may use this service.")
	}

	if err := s.throttleAddress(ctx, client); err != nil {
		return "", "", err
	}

	secret = newToken(flowPrefix)
	if address, err = s.external.Provider.AuthURL(ctx, flowOf(secret, redirectURI)); err != nil {
		return "", "", s.providerFault(ctx, err)
	}

	err = s.db.Client.SignInFlow.Create().SetSecretHash(digest(secret)).SetRedirectURI(redirectURI).
		SetCreatedAt(s.now()).SetExpiresAt(s.now().Add(flowAge)).Exec(caller.System(ctx))
	if err != nil {
		return "", "", fmt.Errorf("begin external sign-in: %w", err)
	}

	return address, secret, nil
}

func (s *Service) hasProvider() error {
	if s.external.Provider == nil {
		return usererror.Refuse("", usererror.NotAllowed, "Signing in elsewhere is not set up here.")
	}
	return nil
}

func (s *Service) mayRedirect(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= longestRedirectURI && u.User == nil && u.Fragment == "" && u.Opaque == "" &&
		slices.Contains(s.external.RedirectOrigins, u.Scheme+"://"+u.Host)
}

// flowOf derives from a flow's secret all that the provider is shown of it, so that nothing of that
// has to be stored.
func flowOf(secret, redirectURI string) oidc.Flow {
	derive := func(what string) string {
		sum := sha256.Sum256([]byte("carillon " + what + " " + secret))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}

	return oidc.Flow{RedirectURI: redirectURI, State: derive("state"), Nonce: derive("nonce"),
		Verifier: derive("verifier")}
}

// Returned is what a page has once the provider has sent the user back: the secret that it kept,
// and what came.
type Returned struct{ Flow, State, Code string }

// identify finds out who signed in. The code is exchanged once, and its answer kept with the flow,
// so that a page may call again with what was asked for beside it, a code of the second factor or
// the name of an organization.
func (s *Service) identify(ctx context.Context, in Returned) (*ent.SignInFlow, oidc.Person, error) {
	system := caller.System(ctx)
	flow, err := s.db.Client.SignInFlow.Query().Where(signinflow.SecretHash(digest(in.Flow)),
		signinflow.ExpiresAtGT(s.now())).Only(system)
	if ent.IsNotFound(err) {
		return nil, oidc.Person{}, staleFlow()
	}
	if err != nil {
		return nil, oidc.Person{}, fmt.Errorf("read sign-in flow: %w", err)
	}

	f := flowOf(in.Flow, flow.RedirectURI)
	switch {
	case subtle.ConstantTimeCompare([]byte(in.State), []byte(f.State)) != 1:
		return nil, oidc.Person{}, usererror.Refuse("state", usererror.Invalid,
			"This answer belongs to another sign-in: begin again.")
	case len(flow.CodeHash) > 0 && subtle.ConstantTimeCompare(flow.CodeHash, digest(in.Code)) != 1:
		return nil, oidc.Person{},
			usererror.Refuse("code", usererror.Invalid, "Another code was used for this sign-in: begin again.")
	case len(flow.Person) > 0:
		var known oidc.Person
		err := json.Unmarshal(flow.Person, &known)
		return flow, known, err
	}

	person, err := s.exchange(system, flow, in.Code, f)

	return flow, person, err
}

func staleFlow() error {
	return usererror.Refuse("flow", usererror.Stale,
		"This sign-in is over: it was completed, or more than %d minutes have passed. Begin again.", flowAge/time.Minute)
}

// exchange gives the code to the provider, if nobody else is doing so, and keeps the answer.
func (s *Service) exchange(ctx context.Context, flow *ent.SignInFlow, code string, f oidc.Flow) (who oidc.Person,
	err error) {
	if err := s.external.Provider.Reach(ctx); err != nil {
		return who, s.providerFault(ctx, err)
	}

	mine := s.db.Client.SignInFlow.Update().Where(signinflow.ID(flow.ID), signinflow.CodeHashIsNil())
	if n, err := mine.SetCodeHash(digest(code)).Save(ctx); err != nil {
		return who, fmt.Errorf("claim sign-in flow: %w", err)
	} else if n == 0 {
		return who, staleFlow()
	}

	who, err = s.external.Provider.Redeem(ctx, code, f)
	if err == nil {
		err = s.mayEnter(who)
	}

	if err != nil {
		s.giveUp(ctx, flow, err)
		return who, s.providerFault(ctx, err)
	}

	known, err := json.Marshal(who)
	if err != nil {
		return who, err
	}
	if err := s.db.Client.SignInFlow.UpdateOneID(flow.ID).SetPerson(known).Exec(ctx); err != nil {
		return who, fmt.Errorf("keep who signed in: %w", err)
	}

	return who, nil
}

// giveUp ends a flow whose code is of no use any more. After a provider in trouble the same code
// may be tried again.
func (s *Service) giveUp(ctx context.Context, flow *ent.SignInFlow, why error) {
	ctx = context.WithoutCancel(ctx)
	var down *oidc.Unavailable
	if errors.As(why, &down) {
		_ = s.db.Client.SignInFlow.UpdateOneID(flow.ID).ClearCodeHash().Exec(ctx) // else it expires
		return
	}

	_ = s.db.Client.SignInFlow.DeleteOneID(flow.ID).Exec(ctx)
}

// mayEnter refuses addresses of other domains than those allowed, at every sign-in.
func (s *Service) mayEnter(who oidc.Person) error {
	if len(s.external.AllowedDomains) == 0 {
		return nil
	}

	email := normalEmail(who.Email)
	domain := email[strings.LastIndexByte(email, '@')+1:]
	if !who.EmailVerified || !slices.Contains(s.external.AllowedDomains, domain) {
		return usererror.Refuse("", usererror.NotAllowed,
			"Only verified e-mail addresses of certain domains may sign in this way, and yours is none of them.")
	}

	return nil
}

// providerFault is what a caller reads of the provider's errors.
func (s *Service) providerFault(ctx context.Context, err error) error {
	var down *oidc.Unavailable
	var refused *oidc.Refused
	switch {
	case errors.As(err, &down):
		s.log.WarnContext(ctx, "the identity provider cannot be used", "error", err)
		return usererror.New(usererror.Unavailable, "the identity provider does not answer: try again")
	case errors.As(err, &refused):
		s.log.WarnContext(ctx, "a sign-in at the identity provider was refused", "error", err)
		return usererror.Refuse("code", usererror.Invalid, "The identity provider did not confirm this sign-in: begin again.")
	}

	return err
}

// forgetFlows deletes sign-ins that were never completed.
func (s *Service) forgetFlows(ctx context.Context, now time.Time) error {
	if _, err := s.db.Client.SignInFlow.Delete().Where(signinflow.ExpiresAtLT(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old sign-in flows: %w", err)
	}
	return nil
}
