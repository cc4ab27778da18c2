package identity

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/user"
	"carillon/usererror"
)

// SignUp is what a new user and a new organization need.
type SignUp struct {
	Email, Password, Name string
	OrganizationName      string
	AcceptTermsVersion    string
	Client                Client
}

// SignUp makes a user and an organization that they own, signs them in, and has a link mailed that
// proves their address. A user who belongs to no organization any more, and gives their password,
// gets a new one in the same way.
func (s *Service) SignUp(ctx context.Context, in SignUp) (Signed, error) {
	switch s.signUps {
	case SignUpsByInvitation:
		return Signed{}, usererror.Refuse("", usererror.NotAllowed,
			"One joins this service by invitation: ask a member of an organization to invite you.")
	case SignUpsClosed:
		return Signed{}, usererror.Refuse("", usererror.NotAllowed,
			"Nobody can sign up here: ask the operator of this service to add you.")
	}

	return s.signUp(ctx, in, false)
}

// SignUpByOperator is SignUp whatever the operator lets others do, and with a proven address.
func (s *Service) SignUpByOperator(ctx context.Context, in SignUp) (Signed, error) {
	return s.signUp(ctx, in, true)
}

func (s *Service) signUp(ctx context.Context, in SignUp, proven bool) (Signed, error) {
	var wrong usererror.Fields
	f := founder{client: in.Client, proven: proven}
	f.email = checkEmail(&wrong, "email", in.Email)
	f.name = checkName(&wrong, "name", in.Name)
	f.organization = checkName(&wrong, "organizationName", in.OrganizationName)
	checkPassword(&wrong, "password", in.Password, f.email, f.name, f.organization)
	s.checkVersion(&wrong, "acceptTermsVersion", in.AcceptTermsVersion)
	if err := wrong.Err(); err != nil {
		return Signed{}, err
	}
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}

	var err error
	if f.user, err = s.withoutOrganization(ctx, f.email, in.Password, in.Client); err != nil {
		return Signed{}, fmt.Errorf("sign up: %w", err)
	}

	if f.user == nil {
		if f.passwordHash, err = s.passwords.hash(ctx, in.Password); err != nil {
			return Signed{}, fmt.Errorf("sign up: %w", err)
		}
	}

	system, token := caller.System(ctx), ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		u, org, err := s.createUserAndOrganization(system, tx, f)
		if err != nil {
			return err
		}
		if token, err = s.openSession(system, tx, u.ID, org.ID, in.Client); err != nil {
			return err
		}

		if u.EmailVerifiedAt == nil {
			if err := s.askToVerify(system, tx, u.ID); err != nil {
				return err
			}
		}

		return recordSignUp(system, tx, u, org, in.Client)
	})
	if database.IsUnique(err) {
		return Signed{}, addressTaken() // by someone who signed up at the same time
	}
	if err != nil {
		return Signed{}, fmt.Errorf("sign up: %w", err)
	}

	return s.signed(ctx, token, in.Client)
}

func addressTaken() error {
	return usererror.Refuse("email", usererror.Taken,
		"This e-mail address is already signed up. If that was not you, ask for a new password.")
}

// withoutOrganization is the user of an address, if the password is theirs, they have no second
// factor and belong to nothing: a removed member, say. Nobody has the address when it is nil; else
// it is taken.
func (s *Service) withoutOrganization(ctx context.Context, email, password string, client Client) (*ent.User, error) {
	system := caller.System(ctx)
	u, err := s.db.Client.User.Query().Where(user.Email(email)).Only(system)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	belongs, err := s.db.Client.Member.Query().Where(member.UserID(u.ID)).Exist(system)
	if err != nil {
		return nil, err
	}
	if belongs || u.SecondFactorAt != nil {
		return nil, addressTaken()
	}

	tried, err := s.countTry(ctx, tryPassword, u.Email, email, client)
	if err != nil {
		return nil, err
	}

	right, err := s.knows(ctx, u, password)
	if right {
		s.giveBack(ctx, tried)
	}
	if err == nil && !right {
		err = addressTaken()
	}

	return u, err
}

// founder is somebody new, with an organization that they make.
type founder struct {
	user         *ent.User // who is known already, and belongs to nothing; nil: the next three make one
	email, name  string
	passwordHash string // empty: none
	proven       bool   // the address is theirs
	organization string
	client       Client
}

// createUserAndOrganization makes the user and the organization, and accepts the terms in force for
// it.
func (s *Service) createUserAndOrganization(ctx context.Context, tx *database.Tx, f founder) (*ent.User,
	*ent.Organization, error) {
	now := s.now()
	u, err := s.createUser(ctx, tx, f)
	if err != nil {
		return nil, nil, err
	}

	org, err := tx.Client.Organization.Create().SetName(f.organization).SetCreatedAt(now).Save(ctx)
	if err != nil {
		return nil, nil, err
	}

	err = tx.Client.Member.Create().SetOrganizationID(org.ID).SetUserID(u.ID).SetRole(enum.RoleOwner).
		SetCreatedAt(now).Exec(ctx)
	if err != nil {
		return nil, nil, err
	}

	return u, org, s.recordTerms(ctx, tx.Client, acceptance{organization: org.ID, user: u.ID, ip: f.client.IP})
}

// createUser makes the user, or holds the one who is known and makes sure that they still are who
// they were.
func (s *Service) createUser(ctx context.Context, tx *database.Tx, f founder) (*ent.User, error) {
	if f.user == nil {
		create := tx.Client.User.Create().SetEmail(f.email).SetName(f.name).SetPasswordHash(f.passwordHash).
			SetCreatedAt(s.now())
		if f.proven {
			create.SetEmailVerifiedAt(s.now())
		}

		return create.Save(ctx)
	}

	stored, err := lockedPassword(ctx, tx, f.user.ID)
	if err != nil {
		return nil, err
	}

	belongs, err := tx.Client.Member.Query().Where(member.UserID(f.user.ID)).Exist(ctx)
	if err != nil {
		return nil, err
	}
	if belongs || stored != f.user.PasswordHash {
		return nil, addressTaken()
	}

	return f.user, s.admit(ctx, tx, f.user.ID)
}

func recordSignUp(ctx context.Context, tx *database.Tx, u *ent.User, org *ent.Organization, client Client) error {
	return audit.Record(ctx, tx, audit.Entry{Organization: org.ID, Action: audit.ActionSignUp, Subject: u.ID,
		Summary: fmt.Sprintf("signed up and made the organization %q", org.Name),
		Actor:   u.Email, IP: client.IP})
}
