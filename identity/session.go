package identity

import (
	"context"
	"fmt"

	"carillon/ent"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/enum"
	"carillon/fault"
	"carillon/tenant"
	"carillon/uid"
)

// Sessions lists the caller's sessions that are good, in all their organizations, the latest used first. A key has none.
func (s *Service) Sessions(ctx context.Context) ([]*ent.Session, error) {
	v, err := Require(ctx, enum.RoleViewer)
	if err != nil || v.User == nil {
		return nil, err
	}
	found, err := s.db.Client.Session.Query().
		Where(session.UserID(v.User.ID), session.RevokedAtIsNil(), session.ExpiresAtGT(s.now())).
		Order(ent.Desc(session.FieldLastUsedAt, session.FieldID)).All(tenant.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return found, nil
}

// RevokeSession ends one of the caller's own sessions, in whatever organization. Again is no error.
func (s *Service) RevokeSession(ctx context.Context, id uid.ID) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}
	system := tenant.System(ctx)
	own := session.And(session.ID(id), session.UserID(v.User.ID))
	n, err := s.db.Client.Session.Update().Where(own, session.RevokedAtIsNil()).SetRevokedAt(s.now()).Save(system)
	if err == nil && n == 0 {
		n, err = s.db.Client.Session.Query().Where(own).Count(system)
	}
	switch {
	case err != nil:
		return fmt.Errorf("revoke session %s: %w", id, err)
	case n == 0:
		return fault.Missing("session")
	}
	return nil
}

// Memberships lists the organizations that the caller belongs to, each with its organization and user, the oldest first. A
// key has none.
func (s *Service) Memberships(ctx context.Context) ([]*ent.Member, error) {
	v, err := Require(ctx, enum.RoleViewer)
	if err != nil || v.User == nil {
		return nil, err
	}
	found, err := s.db.Client.Member.Query().
		Where(member.UserID(v.User.ID)).WithOrganization().WithUser().Order(member.ByID()).All(tenant.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}
	return found, nil
}
