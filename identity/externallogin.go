package identity

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/externallogin"
	"carillon/oidc"
	"carillon/uid"
	"carillon/usererror"
)

// ExternalLogins lists the logins of v's user, the oldest first. A key has none.
func (s *Service) ExternalLogins(ctx context.Context, v *Viewer) ([]*ent.ExternalLogin, error) {
	if v.User == nil {
		return nil, nil
	}

	found, err := s.db.Client.ExternalLogin.Query().Where(externallogin.UserID(v.User.ID)).Order(externallogin.ByID()).
		All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("list external logins: %w", err)
	}

	return found, nil
}

// LinkExternalLogin lets who signed in at the provider sign in as the caller from now on. Again is
// no error.
func (s *Service) LinkExternalLogin(ctx context.Context, in Returned, password string) error {
	if _, err := requireUser(ctx, enum.RoleViewer); err != nil {
		return err
	}
	if err := s.hasProvider(); err != nil {
		return err
	}

	u, err := s.reauthenticate(ctx, "password", password)
	if err != nil {
		return err
	}

	flow, who, err := s.identify(ctx, in)
	if err != nil {
		return fmt.Errorf("link login: %w", err)
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		if err := finish(system, tx, flow); err != nil {
			return err
		}
		if _, err := holdUser(system, tx, u.ID); err != nil {
			return err
		}

		known, err := tx.Client.ExternalLogin.Query().Where(externallogin.Issuer(who.Issuer),
			externallogin.Subject(who.Subject)).Only(system)
		switch {
		case err == nil && known.UserID == u.ID:
			return nil
		case err == nil:
			return usererror.Refuse("", usererror.Taken, "This login is linked to another user.")
		case !ent.IsNotFound(err):
			return err
		}

		if err := s.mayLink(system, tx, who, u.ID); err != nil {
			return err
		}
		if err := s.newLogin(system, tx, who, u.ID); err != nil {
			return err
		}
		if err := s.notify(system, tx, u.ID, noticeLoginLinked); err != nil {
			return err
		}

		return audit.Record(system, tx, audit.Entry{Action: audit.ActionLoginLink, Subject: u.ID,
			Summary: fmt.Sprintf("linked a login of %s", who.Issuer)})
	})
	if database.IsUnique(err) {
		return usererror.Refuse("", usererror.Taken, "This login was linked to another user just now.")
	}
	if err != nil {
		return fmt.Errorf("link login: %w", err)
	}

	return nil
}

// mayLink refuses a login of a user whose address is not proven, unless the provider proves it just
// now: who signed up with somebody else's address must not get a way in that outlives their
// password.
func (s *Service) mayLink(ctx context.Context, tx *database.Tx, who oidc.Person, userID uid.ID) error {
	u, err := tx.Client.User.Get(ctx, userID)
	if err != nil || u.EmailVerifiedAt != nil {
		return err
	}
	if !vouchesFor(who, u) {
		return unproven("")
	}

	return s.prove(ctx, tx, u, u.Email, "")
}

// UnlinkExternalLogin takes one of the caller's logins away, unless they could not sign in any
// more.
func (s *Service) UnlinkExternalLogin(ctx context.Context, id uid.ID, password string) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}

	system, own := caller.System(ctx), externallogin.UserID(v.User.ID)
	if is, err := s.db.Client.ExternalLogin.Query().Where(own, externallogin.ID(id)).Exist(system); err != nil || !is {
		return missingOr(err, "external login")
	}

	u, err := s.reauthenticate(ctx, "password", password)
	if err != nil {
		return err
	}

	err = s.db.InTx(system, func(tx *database.Tx) error {
		if _, err := holdUser(system, tx, u.ID); err != nil {
			return err
		}

		login, err := tx.Client.ExternalLogin.Query().Where(own, externallogin.ID(id)).Only(system)
		if ent.IsNotFound(err) {
			return usererror.Missing("external login")
		}
		if err != nil {
			return err
		}

		others, err := tx.Client.ExternalLogin.Query().Where(own, externallogin.IDNEQ(id)).Exist(system)
		if err != nil {
			return err
		}

		if !others && u.PasswordHash == "" {
			return usererror.Refuse("externalLoginId", usererror.NotAllowed,
				"This is the only way in which you can sign in: set a password first.")
		}

		if err := tx.Client.ExternalLogin.DeleteOneID(id).Exec(system); err != nil {
			return err
		}
		if err := s.notify(system, tx, u.ID, noticeLoginUnlinked); err != nil {
			return err
		}

		return audit.Record(system, tx, audit.Entry{Action: audit.ActionLoginUnlink, Subject: u.ID,
			Summary: fmt.Sprintf("unlinked a login of %s", login.Issuer)})
	})
	if err != nil {
		return fmt.Errorf("unlink login: %w", err)
	}

	return nil
}
