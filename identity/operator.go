package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/organization"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

// NewUser is whom the operator adds.
type NewUser struct {
	Email, Name  string
	Organization string // an id, or a name: that of the one organization called so, else of one to be made; empty for none
	Role         enum.Role
}

// Added is a user whom the operator has added.
type Added struct {
	User             uid.ID `json:"user"`
	Organization     uid.ID `json:"organization,omitzero"`
	OrganizationName string `json:"organizationName,omitempty"`
	Password         string `json:"password,omitempty"` // not to be had again; empty for a user who was there before

	Ended []uid.ID `json:"-"` // what somebody else had made with the address and is over: sessions, keys, organizations
}

// AddUser makes a user with a password of the service's own choosing, unless there is one with that
// address, and puts them into an organization where one is named. The operator vouches for the
// address: what somebody made under it without proving it is thrown away. It acts for the operator
// and asks for no rights.
func (s *Service) AddUser(ctx context.Context, n NewUser) (added Added, err error) {
	var wrong usererror.Fields
	email := checkEmail(&wrong, "email", n.Email)
	if strings.TrimSpace(n.Name) == "" {
		n.Name, _, _ = strings.Cut(email, "@")
	}

	name := checkName(&wrong, "name", n.Name)
	if ranks[n.Role] == 0 {
		wrong.Add("role", usererror.Invalid, "a role is one of %s", strings.Join(n.Role.Values(), ", "))
	}
	if err := wrong.Err(); err != nil {
		return Added{}, err
	}

	system := caller.System(ctx)
	password := rand.Text()
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return Added{}, fmt.Errorf("add user: %w", err)
	}

	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, added.Ended...) })
		added = Added{}
		u, err := tx.Client.User.Query().Where(user.Email(email)).Only(system)

		if ent.IsNotFound(err) {
			added.Password = password
			u, err = tx.Client.User.Create().SetEmail(email).SetEmailVerifiedAt(s.now()).SetName(name).SetPasswordHash(hash).
				SetCreatedAt(s.now()).Save(system)
		}

		if err != nil {
			return err
		}

		if u.EmailVerifiedAt == nil { // somebody signed up with the address whom the operator does not know
			ended, first, err := s.firstProof(system, tx, u)
			if err != nil {
				return err
			}

			if first {
				added.Password, added.Ended = password, ended
				err = tx.Client.User.UpdateOneID(u.ID).SetPasswordHash(hash).SetName(name).Exec(system)
			}

			if err != nil {
				return err
			}
		}

		added.User = u.ID
		if strings.TrimSpace(n.Organization) == "" {
			return nil
		}

		o, err := s.organizationFor(system, tx, n.Organization)
		if err != nil {
			return err
		}

		added.Organization, added.OrganizationName = o.ID, o.Name
		if err := s.mayAdd(system, tx, o, u); err != nil {
			return err
		}

		err = tx.Client.Member.Create().SetOrganizationID(o.ID).SetUserID(u.ID).SetRole(n.Role).SetCreatedAt(s.now()).
			Exec(system)
		if err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: o.ID, Action: audit.ActionMemberJoin, Subject: u.ID,
			Summary: fmt.Sprintf("added %s as %s", email, n.Role)})
	})
	if err != nil {
		return Added{}, fmt.Errorf("add user: %w", err)
	}

	return added, nil
}

// mayAdd holds an organization, and says why a user cannot become a member of it.
func (s *Service) mayAdd(ctx context.Context, tx *database.Tx, o *ent.Organization, u *ent.User) error {
	if err := hold(ctx, tx, o.ID); err != nil {
		return err
	}

	is, err := tx.Client.Member.Query().Where(member.OrganizationID(o.ID), member.UserID(u.ID)).Exist(ctx)
	if err != nil {
		return err
	}
	if is {
		return usererror.New(usererror.Conflict, "%s is a member of %s already", u.Email, o.Name)
	}

	return s.roomToJoin(ctx, tx, o.ID, u.ID)
}

// organizationFor finds the organization that the operator names, or makes one of that name.
func (s *Service) organizationFor(ctx context.Context, tx *database.Tx, called string) (*ent.Organization, error) {
	if id, err := uid.Parse(called); err == nil && id.Kind() == uid.Organization {
		o, err := tx.Client.Organization.Get(ctx, id)
		if ent.IsNotFound(err) {
			return nil, usererror.Missing("organization " + called)
		}

		return o, err
	}

	var wrong usererror.Fields
	name := checkName(&wrong, "organization", called)
	if err := wrong.Err(); err != nil {
		return nil, err
	}

	found, err := tx.Client.Organization.Query().Where(organization.Name(name)).Limit(2).All(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(found) > 1:
		return nil, usererror.New(usererror.Conflict, "several organizations are called %q: name one by its id", name)
	case len(found) == 1:
		return found[0], nil
	}

	o, err := tx.Client.Organization.Create().SetName(name).SetCreatedAt(s.now()).Save(ctx)
	if err != nil {
		return nil, err
	}

	return o, audit.Record(ctx, tx, audit.Entry{Organization: o.ID, Action: audit.ActionOrganizationCreate, Subject: o.ID,
		Summary: fmt.Sprintf("made the organization %q", name)})
}
