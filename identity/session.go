package identity

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
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
	return s.revoke(ctx, id, Entry{Action: ActionSessionRevoke, Summary: "revoked one of their sessions"})
}

func (s *Service) revoke(ctx context.Context, id uid.ID, entry Entry) error {
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

		return Record(ctx, tx, entry)
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
