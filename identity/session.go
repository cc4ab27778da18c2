package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/organization"
	"carillon/ent/predicate"
	"carillon/ent/session"
	"carillon/uid"
	"carillon/usererror"
)

// Sessions lists the caller's sessions that are good, in all their organizations, the latest used
// first. A key has none.
func (s *Service) Sessions(ctx context.Context) ([]*ent.Session, error) {
	v, err := Require(ctx, enum.RoleViewer)
	if err != nil || v.User == nil {
		return nil, err
	}

	found, err := s.db.Client.Session.Query().
		Where(session.UserID(v.User.ID), session.RevokedAtIsNil(), session.ExpiresAtGT(s.now())).
		Order(ent.Desc(session.FieldLastUsedAt, session.FieldID)).All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}

	return found, nil
}

// RevokeSession ends one of the caller's own sessions, in whatever organization. Again is no error.
func (s *Service) RevokeSession(ctx context.Context, id uid.ID) error {
	return s.revoke(ctx, id, audit.Entry{Action: audit.ActionSessionRevoke, Summary: "revoked one of their sessions"})
}

func (s *Service) revoke(ctx context.Context, id uid.ID, entry audit.Entry) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, id) })
		own, err := tx.Client.Session.Query().Where(session.ID(id), session.UserID(v.User.ID)).Only(system)
		if ent.IsNotFound(err) {
			return usererror.Missing("session")
		}
		if err != nil {
			return err
		}

		n, err := tx.Client.Session.Update().Where(session.ID(id), session.RevokedAtIsNil()).SetRevokedAt(s.now()).
			Save(system)
		if err != nil || n == 0 {
			return err
		}

		entry.Organization, entry.Subject = own.OrganizationID, id

		return audit.Record(ctx, tx, entry)
	})
	if err != nil {
		return fmt.Errorf("revoke session %s: %w", id, err)
	}

	return nil
}

// Memberships lists the organizations that the caller belongs to, each with its organization and
// user, the oldest first. A key has none.
func (s *Service) Memberships(ctx context.Context) ([]*ent.Member, error) {
	v, err := Require(ctx, enum.RoleViewer)
	if err != nil || v.User == nil {
		return nil, err
	}

	found, err := s.db.Client.Member.Query().
		Where(member.UserID(v.User.ID)).WithOrganization().WithUser().Order(member.ByID()).All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}

	return found, nil
}

// Signed is a session that was just opened. Its token is not to be had again.
type Signed struct {
	Token     string
	ExpiresAt time.Time
	Viewer    *Viewer
}

// SignOut revokes the caller's session.
func (s *Service) SignOut(ctx context.Context) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}

	return s.revoke(ctx, v.Session.ID, audit.Entry{Action: audit.ActionSignOut, Summary: "signed out"})
}

// latestOrganization is the open organization in which the user had their latest session, else the
// one they joined first; zero for none.
func (s *Service) latestOrganization(ctx context.Context, userID uid.ID) (uid.ID, error) {
	members, err := s.db.Client.Member.Query().
		Where(member.UserID(userID), member.HasOrganizationWith(organization.StatusNEQ(enum.OrganizationStatusClosed))).
		Order(member.ByID()).All(ctx)
	if err != nil || len(members) == 0 {
		return uid.ID{}, err
	}

	open := make([]uid.ID, len(members))
	for i, m := range members {
		open[i] = m.OrganizationID
	}

	last, err := s.db.Client.Session.Query().
		Where(session.UserID(userID), session.OrganizationIDIn(open...)).Order(ent.Desc(session.FieldLastUsedAt)).First(ctx)
	if ent.IsNotFound(err) {
		return open[0], nil
	}
	if err != nil {
		return uid.ID{}, err
	}

	return last.OrganizationID, nil
}

func (s *Service) openSession(ctx context.Context, tx *database.Tx, userID, org uid.ID, client Client) (token string,
	err error) {
	if err := s.roomForSession(ctx, tx, userID, uid.ID{}); err != nil {
		return "", err
	}

	token = newToken(sessionPrefix)
	err = tx.Client.Session.Create().SetUserID(userID).SetOrganizationID(org).SetTokenHash(digest(token)).
		SetNillableIP(clip(client.IP, longestName)).SetNillableUserAgent(clip(client.UserAgent, longestUserAgent)).
		SetCreatedAt(s.now()).SetLastUsedAt(s.now()).SetExpiresAt(s.ends()).Exec(ctx)

	return token, err
}

// roomForSession deletes the sessions of a user that would be too many with one more: all that are
// over, and then those that were not used for the longest. The one that calls is spared. The caller
// holds the user's row. Once that is committed, they are announced like all that are revoked.
func (s *Service) roomForSession(ctx context.Context, tx *database.Tx, userID, calling uid.ID) error {
	total, err := tx.Client.Session.Query().Where(session.UserID(userID)).Count(ctx)
	if err != nil || total < MostSessions {
		return err
	}

	room := MostSessions - 1
	if !calling.IsZero() {
		room--
	}

	stay, err := tx.Client.Session.Query().Where(session.UserID(userID), session.IDNEQ(calling), session.RevokedAtIsNil(),
		session.ExpiresAtGT(s.now())).
		Order(ent.Desc(session.FieldLastUsedAt, session.FieldID)).Limit(room).IDs(ctx)
	if err != nil {
		return err
	}

	gone := session.And(session.UserID(userID), session.IDNotIn(append(stay, calling)...))
	open, err := tx.Client.Session.Query().Where(gone, session.RevokedAtIsNil(), session.ExpiresAtGT(s.now())).IDs(ctx)
	if err != nil {
		return err
	}

	if _, err = tx.Client.Session.Delete().Where(gone).Exec(ctx); err == nil && len(open) > 0 {
		tx.After(func(ctx context.Context) { s.revoked(ctx, open...) })
	}

	return err
}

func (s *Service) signed(ctx context.Context, token string, client Client) (Signed, error) {
	v, err := s.viewer(ctx, token)
	if err != nil {
		return Signed{}, err
	}

	v.IP, v.UserAgent = client.IP, client.UserAgent

	return Signed{Token: token, ExpiresAt: v.Session.ExpiresAt, Viewer: v}, nil
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
		if token, err = s.switchSession(system, tx, v, organization); err != nil {
			return err
		}

		return audit.Record(system, tx, audit.Entry{Organization: organization, Action: audit.ActionSessionSwitch,
			Subject: m.ID,
			Summary: "opened a session here out of another organization's"})
	})
	if err != nil {
		return Signed{}, fmt.Errorf("switch organization: %w", err)
	}

	return s.signed(ctx, token, v.client())
}

// switchSession opens a session for who has one already. It is as old as that one and ends when
// that one would have ended: a stolen token must neither be prolonged for ever nor pass for a fresh
// sign-in.
func (s *Service) switchSession(ctx context.Context, tx *database.Tx, v *Viewer, organization uid.ID) (token string,
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

		return audit.Record(system, tx,
			audit.Entry{Action: audit.ActionSessionRevoke,
				Summary: fmt.Sprintf("ended %d other sessions of their own", len(ended))})
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
