package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/externallogin"
	"carillon/ent/session"
	"carillon/ent/signinflow"
	"carillon/ent/user"
	"carillon/oidc"
	"carillon/uid"
	"carillon/usererror"
)

// CompleteExternal is what ends a sign-in at the provider. What is below Returned is needed only of
// some.
type CompleteExternal struct {
	Returned
	SecondFactorCode       string
	InvitationToken        string // of who was invited and joins
	Name, OrganizationName string // of somebody new; the provider's word stands in for the name
	AcceptTermsVersion     string
	Client                 Client
}

// CompleteExternalSignIn opens a session for who signed in at the provider: the user whose login it
// is; a user without a password who has this verified address and no other login of this provider;
// or somebody new, who was invited, or makes an organization if that is allowed. A user with a
// password must link the login first, signed in: the provider's word on an address is not enough to
// open what a password guards.
func (s *Service) CompleteExternalSignIn(ctx context.Context, in CompleteExternal) (Signed, error) {
	if err := s.hasProvider(); err != nil {
		return Signed{}, err
	}
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}

	flow, who, err := s.identify(ctx, in.Returned)
	if err != nil {
		return Signed{}, fmt.Errorf("sign in externally: %w", err)
	}

	token := ""
	system := caller.System(ctx)
	u, err := s.owner(system, s.db.Client, who)

	switch {
	case err != nil:
	case in.InvitationToken != "":
		token, err = s.joinExternally(system, flow, who, u, in)
	case u == nil:
		token, err = s.createExternalUser(system, flow, who, in)
	default:
		token, err = s.signInReturningUser(system, flow, who, u, in)
	}

	if database.IsUnique(err) {
		err = usererror.New(usererror.Conflict, "somebody signed in with this login at the same time: try again")
	}
	if err != nil {
		return Signed{}, fmt.Errorf("sign in externally: %w", err)
	}

	return s.signed(ctx, token, in.Client)
}

// owner is the user whom a login belongs to, or may be given to; nil when nobody is known by it.
func (s *Service) owner(ctx context.Context, c *ent.Client, who oidc.Person) (*ent.User, error) {
	login, err := c.ExternalLogin.Query().Where(externallogin.Issuer(who.Issuer), externallogin.Subject(who.Subject)).
		Only(ctx)
	if err == nil {
		return c.User.Get(ctx, login.UserID)
	}
	if !ent.IsNotFound(err) {
		return nil, fmt.Errorf("look for login: %w", err)
	}

	email := normalEmail(who.Email)
	if email == "" || !who.EmailVerified {
		return nil, usererror.Refuse("", usererror.NotAllowed,
			"The identity provider does not say that your e-mail address is verified. Verify it there, "+
				"or sign in with your password and link the login.")
	}

	u, err := c.User.Query().Where(user.Email(email)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for user: %w", err)
	}

	other, err := c.ExternalLogin.Query().Where(externallogin.UserID(u.ID), externallogin.Issuer(who.Issuer)).Exist(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for other logins: %w", err)
	}

	if other || u.PasswordHash != "" {
		return nil, usererror.Refuse("", usererror.NotAllowed,
			"Your e-mail address is known here, but not this login: sign in as you did before, and link the login. "+
				"If you never signed up here, somebody else did with your address: ask for a new password first, "+
				"which throws away what they made.")
	}

	return u, nil
}

// signInReturningUser opens a session of a known user.
func (s *Service) signInReturningUser(ctx context.Context, flow *ent.SignInFlow, who oidc.Person, u *ent.User,
	in CompleteExternal) (token string, err error) {
	org, err := s.latestOrganization(ctx, u.ID)
	if err != nil {
		return "", err
	}
	if org.IsZero() {
		return "", usererror.Refuse("", usererror.NotAllowed, "You belong to no organization that is open.")
	}

	e := s.entryOf(flow, who, in)
	e.user, e.organization = u, org

	return s.enter(ctx, e)
}

// joinExternally accepts an invitation to an address that the provider says is the person's, or
// that their user has.
func (s *Service) joinExternally(ctx context.Context, flow *ent.SignInFlow, who oidc.Person, u *ent.User,
	in CompleteExternal) (token string, err error) {
	invited, err := s.invited(ctx, s.db.Client, in.InvitationToken)
	if err != nil {
		return "", atField("invitationToken", err)
	}

	email := normalEmail(who.Email)
	if u != nil {
		email = u.Email
	}

	var wrong usererror.Fields
	if invited.Email != email {
		wrong.Add("invitationToken", usererror.NotAllowed,
			"This invitation is to another e-mail address than the one you signed in with.")
	}

	s.checkVersion(&wrong, "acceptTermsVersion", in.AcceptTermsVersion)
	g := guest{user: u, proves: u == nil || wasMailed(invited, in.InvitationToken), entry: s.entryOf(flow, who, in)}
	if u == nil && s.signUps == SignUpsClosed {
		return "", nobodyNew()
	}
	if u == nil {
		g.name = checkName(&wrong, "name", cmp.Or(strings.TrimSpace(in.Name), strings.TrimSpace(who.Name), email))
	}
	if err := wrong.Err(); err != nil {
		return "", err
	}

	if u != nil && in.SecondFactorCode != "" {
		if g.tried, err = s.countTry(ctx, tryCode, u.Email, u.ID.String(), in.Client); err != nil {
			return "", err
		}
	}

	token, err = s.welcome(ctx, invited, g)

	return token, atField("invitationToken", err)
}

// atField is err with the field under which a void token is known to this caller.
func atField(field string, err error) error {
	var in usererror.Fields
	if errors.As(err, &in) && len(in) == 1 && len(in[0].Path) == 1 && in[0].Path[0] == "token" {
		return usererror.Refuse(field, in[0].Code, "%s", in[0].Message)
	}

	return err
}

// entryOf is how who signed in at the provider comes in: it uses the flow up, and keeps the login.
func (s *Service) entryOf(flow *ent.SignInFlow, who oidc.Person, in CompleteExternal) entry {
	return entry{code: in.SecondFactorCode, field: "secondFactorCode", client: in.Client, vouched: who.MFA,
		first: func(ctx context.Context, tx *database.Tx, u *ent.User) error {
			if err := finish(ctx, tx, flow); err != nil {
				return err
			}
			return s.touchLogin(ctx, tx, who, u)
		}}
}

// finish uses a flow up: of two who complete it at once, one gets in.
func finish(ctx context.Context, tx *database.Tx, flow *ent.SignInFlow) error {
	n, err := tx.Client.SignInFlow.Delete().Where(signinflow.ID(flow.ID)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("finish sign-in flow: %w", err)
	}
	if n == 0 {
		return staleFlow()
	}

	return nil
}

// touchLogin notes that a login was used, which it may be for the first time.
func (s *Service) touchLogin(ctx context.Context, tx *database.Tx, who oidc.Person, u *ent.User) error {
	now, err := s.owner(ctx, tx.Client, who) // again: somebody may have linked it meanwhile, or set a password
	if err != nil {
		return err
	}
	if now == nil || now.ID != u.ID {
		return staleFlow()
	}

	if vouchesFor(who, u) {
		if err := s.prove(ctx, tx, u, u.Email, ""); err != nil {
			return err
		}
	}

	n, err := tx.Client.ExternalLogin.Update().Where(externallogin.Issuer(who.Issuer),
		externallogin.Subject(who.Subject)).SetLastUsedAt(s.now()).Save(ctx)
	if err != nil || n > 0 {
		return err
	}

	return s.newLogin(ctx, tx, who, u.ID)
}

// vouchesFor reports whether the provider says that the user's own address is theirs.
func vouchesFor(who oidc.Person, u *ent.User) bool {
	return who.EmailVerified && normalEmail(who.Email) == u.Email
}

func (s *Service) newLogin(ctx context.Context, tx *database.Tx, who oidc.Person, userID uid.ID) error {
	create := tx.Client.ExternalLogin.Create().SetUserID(userID).SetIssuer(who.Issuer).SetSubject(who.Subject).
		SetCreatedAt(s.now()).SetLastUsedAt(s.now())
	if email := normalEmail(who.Email); email != "" {
		create.SetEmail(email)
	}

	return create.Exec(ctx)
}

// createExternalUser makes a user without a password, and an organization that they own.
func (s *Service) createExternalUser(ctx context.Context, flow *ent.SignInFlow, who oidc.Person,
	in CompleteExternal) (token string, err error) {
	if !s.external.SignUp || s.signUps != SignUpsOpen && s.signUps != "" {
		return "", usererror.Refuse("", usererror.NotAllowed,
			"Nobody is known here by your e-mail address: ask an administrator to invite you.")
	}

	email := normalEmail(who.Email)
	var wrong usererror.Fields
	name := checkName(&wrong, "name", cmp.Or(strings.TrimSpace(in.Name), strings.TrimSpace(who.Name), email))
	orgName := checkName(&wrong, "organizationName", in.OrganizationName)
	s.checkVersion(&wrong, "acceptTermsVersion", in.AcceptTermsVersion)
	if err := wrong.Err(); err != nil {
		return "", err
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := finish(ctx, tx, flow); err != nil {
			return err
		}

		u, org, err := s.createUserAndOrganization(ctx, tx, founder{email: email, name: name,
			organization: orgName, client: in.Client, proven: true})
		if err != nil {
			return err
		}
		if err := s.newLogin(ctx, tx, who, u.ID); err != nil {
			return err
		}
		if token, err = s.openSession(ctx, tx, u.ID, org.ID, in.Client); err != nil {
			return err
		}
		if err := markProviderSecondFactor(ctx, tx, token, who.MFA); err != nil {
			return err
		}

		return recordSignUp(ctx, tx, u, org, in.Client)
	})

	return token, err
}

// markProviderSecondFactor notes of a session that the provider asked for a second factor.
func markProviderSecondFactor(ctx context.Context, tx *database.Tx, token string, vouched bool) error {
	if !vouched {
		return nil
	}
	return tx.Client.Session.Update().Where(session.TokenHash(digest(token))).SetVouched(true).Exec(ctx)
}
