package identity

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/predicate"
	"carillon/ent/session"
	"carillon/uid"
	"carillon/usererror"
)

// CreateOrganization makes another organization that the caller owns, and opens a session in it.
func (s *Service) CreateOrganization(ctx context.Context, name, acceptTermsVersion string) (Signed, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return Signed{}, err
	}

	var wrong usererror.Fields
	name = checkName(&wrong, "name", name)
	s.checkVersion(&wrong, "acceptTermsVersion", acceptTermsVersion)
	if err := wrong.Err(); err != nil {
		return Signed{}, err
	}
	if err := s.allow(ctx, tooOften, "create:"+v.User.ID.String()); err != nil {
		return Signed{}, err
	}

	system, token := caller.System(ctx), ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		org, err := tx.Client.Organization.Create().SetName(name).SetCreatedAt(s.now()).Save(system)
		if err != nil {
			return err
		}
		if err := s.roomForMembership(system, tx, v.User.ID); err != nil {
			return err
		}

		err = tx.Client.Member.Create().SetOrganizationID(org.ID).SetUserID(v.User.ID).SetRole(enum.RoleOwner).
			SetCreatedAt(s.now()).Exec(system)
		if err != nil {
			return err
		}
		if err := s.recordTerms(system, tx.Client, acceptance{organization: org.ID, user: v.User.ID, ip: v.IP}); err != nil {
			return err
		}
		if token, err = s.follow(system, tx, v, org.ID); err != nil {
			return err
		}

		return Record(system, tx, Entry{Organization: org.ID, Action: ActionOrganizationCreate, Subject: org.ID,
			Summary: fmt.Sprintf("made the organization %q", name)})
	})
	if err != nil {
		return Signed{}, fmt.Errorf("create organization: %w", err)
	}

	return s.signed(ctx, token, v.client())
}

// SwitchOrganization opens a session in another organization of the caller's. The calling session
// stays: a person may have both open side by side.
func (s *Service) SwitchOrganization(ctx context.Context, organization uid.ID) (Signed, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return Signed{}, err
	}

	system, token := caller.System(ctx), ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		m, err := tx.Client.Member.Query().Where(member.OrganizationID(organization), member.UserID(v.User.ID)).
			WithOrganization().Only(system)
		if ent.IsNotFound(err) {
			return usererror.Missing("organization")
		}
		if err != nil {
			return err
		}
		if m.Edges.Organization.Status == enum.OrganizationStatusClosed {
			return usererror.Refuse("organizationId", usererror.NotAllowed, "This organization is closed.")
		}
		if err := hold(system, tx, organization); err != nil {
			return err
		}
		// Again, now that nobody else can remove them: a session must not come after its member has gone.
		if still, err := tx.Client.Member.Query().Where(member.ID(m.ID)).Exist(system); err != nil || !still {
			return missingOr(err, "organization")
		}
		if token, err = s.follow(system, tx, v, organization); err != nil {
			return err
		}

		return Record(system, tx, Entry{Organization: organization, Action: ActionSessionSwitch, Subject: m.ID,
			Summary: "opened a session here out of another organization's"})
	})
	if err != nil {
		return Signed{}, fmt.Errorf("switch organization: %w", err)
	}

	return s.signed(ctx, token, v.client())
}

// follow opens a session for who has one already. It is as old as that one and ends when that one
// would have ended: a stolen token must neither be prolonged for ever nor pass for a fresh sign-in.
func (s *Service) follow(ctx context.Context, tx *database.Tx, v *Viewer, organization uid.ID) (token string,
	err error) {
	if _, err := lockedPassword(ctx, tx, v.User.ID); err != nil { // all of whose sessions may be about to end
		return "", err
	}

	alive, err := tx.Client.Session.Query().Where(session.ID(v.Session.ID), session.RevokedAtIsNil()).Exist(ctx)
	if err != nil {
		return "", err
	}
	if !alive {
		return "", refused()
	}
	if err := s.roomForSession(ctx, tx, v.User.ID, v.Session.ID); err != nil {
		return "", err
	}

	token = newToken(sessionPrefix)
	err = tx.Client.Session.Create().SetUserID(v.User.ID).SetOrganizationID(organization).SetTokenHash(digest(token)).
		SetNillableIP(clip(v.IP, longestName)).SetNillableUserAgent(clip(v.UserAgent, longestUserAgent)).
		SetCreatedAt(v.Session.CreatedAt).SetLastUsedAt(s.now()).SetExpiresAt(v.Session.ExpiresAt).
		SetVouched(v.Session.Vouched).Exec(ctx)

	return token, err
}

// lockedPassword locks a user's row until the transaction ends, and returns the stored password.
// Whoever holds an organization too takes that first.
func lockedPassword(ctx context.Context, tx *database.Tx, id uid.ID) (passwordHash string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT password_hash FROM app_user WHERE id = $1"+tx.DB.ForUpdate(), id).
		Scan(&passwordHash)
	if err != nil {
		return "", fmt.Errorf("hold user: %w", err)
	}

	return passwordHash, nil
}

func (v *Viewer) client() Client { return Client{IP: v.IP, UserAgent: v.UserAgent} }

func missingOr(err error, what string) error {
	if err != nil {
		return err
	}
	return usererror.Missing(what)
}

// RevokeOtherSessions ends all of the caller's sessions but the one that calls, in all their
// organizations, and returns them.
func (s *Service) RevokeOtherSessions(ctx context.Context) (ended []uid.ID, err error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, ended...) })
		if _, err := lockedPassword(system, tx, v.User.ID); err != nil {
			return err
		}
		if ended, err = s.endSessions(system, tx, session.UserID(v.User.ID), session.IDNEQ(v.Session.ID)); err != nil {
			return err
		}

		return Record(system, tx,
			Entry{Action: ActionSessionRevoke, Summary: fmt.Sprintf("ended %d other sessions of their own", len(ended))})
	})
	if err != nil {
		return nil, fmt.Errorf("revoke other sessions: %w", err)
	}

	return ended, nil
}

// endSessions revokes those that are open, and says which.
func (s *Service) endSessions(ctx context.Context, tx *database.Tx, which ...predicate.Session) ([]uid.ID, error) {
	ids, err := tx.Client.Session.Query().Where(session.And(which...), session.RevokedAtIsNil(),
		session.ExpiresAtGT(s.now())).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}

	return ids, tx.Client.Session.Update().Where(session.IDIn(ids...)).SetRevokedAt(s.now()).Exec(ctx)
}

// UpdateUser changes what the caller is called, in all their organizations.
func (s *Service) UpdateUser(ctx context.Context, name string) (*ent.User, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	var wrong usererror.Fields
	name = checkName(&wrong, "name", name)
	if err := wrong.Err(); err != nil {
		return nil, err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, v.User.ID) })
		if _, err := lockedPassword(system, tx, v.User.ID); err != nil {
			return err
		}

		before, err := tx.Client.User.Get(system, v.User.ID)
		if err != nil || before.Name == name {
			return err
		}
		if err := before.Update().SetName(name).Exec(system); err != nil {
			return err
		}

		return recordOf(system, tx, v.User.ID, Entry{Action: ActionMemberUpdate, Subject: v.User.ID,
			Summary: fmt.Sprintf("changed their name from %q to %q", before.Name, name)})
	})
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}

	u, err := s.db.Client.User.Get(system, v.User.ID)
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}

	return u, nil
}
