package identity

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/uid"
	"carillon/usererror"
)

// MemberChange is what is to become of a member of the caller's organization.
type MemberChange struct {
	ID         uid.ID
	Role       enum.Role // not looked at when the member is removed
	RevokeKeys bool      // the API keys that they made end too
}

// ChangedMember is a member as they are now, or were when they were removed.
type ChangedMember struct {
	*ent.Member
	Keys  []*ent.APIKey // that they made and that were good before; those that were revoked say so
	Ended []uid.ID      // sessions and keys that are over, or whose role is another one
}

// UpdateMember gives a member of the caller's organization another role. Sockets that were opened
// with their sessions have to be closed. With a lower role, the invitations that they sent are
// void.
func (s *Service) UpdateMember(ctx context.Context, c MemberChange) (changed ChangedMember, err error) {
	if _, err = Require(ctx, enum.RoleAdmin); err != nil {
		return ChangedMember{}, err
	}

	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, v *Viewer) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, changed.Ended...) })
		m, err := tx.Client.Member.Query().Where(member.ID(c.ID)).WithUser().Only(ctx)
		if err != nil {
			return missingMember(err)
		}
		if err := mayManage(v, m); err != nil {
			return err
		}
		if !v.May(c.Role) {
			return aboveYours("role", "member", v)
		}

		if m.Role == c.Role {
			if changed, err = s.takeFrom(ctx, tx, m, c, false); err != nil || len(changed.Ended) == 0 {
				return err
			}
			return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionAPIKeyRevoke, Subject: c.ID,
				Summary: fmt.Sprintf("revoked %d API keys that %s made", len(changed.Ended), m.Edges.User.Email)})
		}

		if err := staysOwned(ctx, tx, m); err != nil {
			return err
		}
		if err := tx.Client.Member.UpdateOneID(c.ID).SetRole(c.Role).Exec(ctx); err != nil {
			return err
		}
		if changed, err = s.takeFrom(ctx, tx, m, c, ranks[c.Role] < ranks[m.Role]); err != nil {
			return err
		}

		sessions, err := tx.Client.Session.Query().Where(session.UserID(m.UserID), session.RevokedAtIsNil()).IDs(ctx)
		if err != nil {
			return err
		}

		changed.Ended = append(changed.Ended, sessions...)

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionMemberUpdate, Subject: c.ID,
			Summary: fmt.Sprintf("made %s %s, who was %s", m.Edges.User.Email, c.Role, m.Role) + changed.aside()})
	})
	if err != nil {
		return ChangedMember{}, fmt.Errorf("update member %s: %w", c.ID, err)
	}

	return changed, s.reread(ctx, &changed)
}

// RemoveMember takes a member out of the caller's organization, who may be the caller. It returns
// the member as it was, with its user and organization. The invitations that they sent are void.
func (s *Service) RemoveMember(ctx context.Context, c MemberChange) (changed ChangedMember, err error) {
	if _, err = Require(ctx, enum.RoleViewer); err != nil {
		return ChangedMember{}, err
	}

	m, err := s.db.Client.Member.Query().Where(member.ID(c.ID)).WithUser().WithOrganization().Only(ctx)
	if err != nil {
		return ChangedMember{}, missingMember(err)
	}

	err = s.amongMembers(ctx, enum.RoleViewer, func(tx *database.Tx, v *Viewer) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, changed.Ended...) })
		now, err := tx.Client.Member.Get(ctx, c.ID)
		if err != nil {
			return missingMember(err)
		}
		if err := mayManage(v, now); err != nil {
			return err
		}

		if c.RevokeKeys && !v.May(enum.RoleAdmin) {
			return usererror.Refuse("revokeApiKeys", usererror.NotAllowed,
				"Revoking API keys needs the role ADMIN, and yours is %s.", v.Role)
		}

		if err := staysOwned(ctx, tx, now); err != nil {
			return err
		}

		m.Role = now.Role
		if err := tx.Client.Member.DeleteOneID(c.ID).Exec(ctx); err != nil {
			return err
		}
		if changed, err = s.takeFrom(ctx, tx, m, c, true); err != nil {
			return err
		}

		sessions, err := s.endSessions(ctx, tx, session.UserID(now.UserID)) // in this organization: ctx sees no others
		if err != nil {
			return err
		}

		changed.Ended = append(changed.Ended, sessions...)

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionMemberRemove, Subject: c.ID,
			Summary: fmt.Sprintf("removed %s, who was %s", m.Edges.User.Email, m.Role) + changed.aside()})
	})
	if err != nil {
		return ChangedMember{}, fmt.Errorf("remove member %s: %w", c.ID, err)
	}

	changed.Keys, err = s.keysAgain(ctx, changed.Keys)

	return changed, err
}

// takeFrom finds the keys that a member made, ends them if that is wanted, and voids their open
// invitations if they may have no right to them any more.
func (s *Service) takeFrom(ctx context.Context, tx *database.Tx, m *ent.Member, c MemberChange,
	less bool) (changed ChangedMember, err error) {
	changed.Member = m
	made := apikey.CreatedBy(m.UserID)
	if changed.Keys, err = tx.Client.APIKey.Query().Where(made, s.goodKey()).Order(apikey.ByID()).All(ctx); err != nil {
		return changed, err
	}

	if c.RevokeKeys {
		if changed.Ended, err = s.endKeys(ctx, tx, made); err != nil {
			return changed, err
		}
	}

	if less {
		_, err = tx.Client.Invitation.Delete().Where(invitation.InvitedBy(m.UserID)).Exec(ctx)
	}

	return changed, err
}

// aside is what an audit event adds on the keys that were revoked.
func (c ChangedMember) aside() string {
	revoked := 0
	for _, id := range c.Ended {
		if id.Kind() == uid.APIKey {
			revoked++
		}
	}

	if revoked == 0 {
		return ""
	}

	return fmt.Sprintf(", and revoked %d API keys that they made", revoked)
}

// reread replaces rows of a transaction by ones that can be asked for what hangs on them.
func (s *Service) reread(ctx context.Context, changed *ChangedMember) (err error) {
	if changed.Member, err = s.db.Client.Member.Get(ctx, changed.ID); err != nil {
		return missingMember(err)
	}

	changed.Keys, err = s.keysAgain(ctx, changed.Keys)
	return err
}

func (s *Service) keysAgain(ctx context.Context, keys []*ent.APIKey) ([]*ent.APIKey, error) {
	ids := make([]uid.ID, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}

	again, err := s.db.Client.APIKey.Query().Where(apikey.IDIn(ids...)).Order(apikey.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}

	return again, nil
}

// amongMembers runs do while nobody else changes who belongs to the caller's organization. The
// viewer that do gets has the role that they have now: the call may have waited for one that took
// it away.
func (s *Service) amongMembers(ctx context.Context, least enum.Role, do func(*database.Tx, *Viewer) error) error {
	v, err := Require(ctx, least)
	if err != nil {
		return err
	}

	return s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := hold(ctx, tx, v.Organization); err != nil {
			return err
		}

		now := *v
		if now.Role, err = s.standing(ctx, tx, v); err != nil {
			return err
		}
		if !now.May(least) {
			return usererror.New(usererror.Forbidden, "this needs the role %s, and yours is %s", least, now.Role)
		}

		return do(tx, &now)
	})
}

// hold locks an organization's row until the transaction ends.
func hold(ctx context.Context, tx *database.Tx, organization uid.ID) error {
	var held uid.ID
	err := tx.QueryRowContext(ctx, "SELECT id FROM organization WHERE id = $1"+tx.DB.ForUpdate(), organization).Scan(&held)
	if err != nil {
		return fmt.Errorf("hold organization: %w", err)
	}

	return nil
}

// standing is the caller's role as it is stored.
func (s *Service) standing(ctx context.Context, tx *database.Tx, v *Viewer) (enum.Role, error) {
	if v.Key != nil {
		key, err := tx.Client.APIKey.Query().Where(apikey.ID(v.Key.ID), s.goodKey()).Only(ctx)
		if err != nil {
			return "", orRefused(err)
		}

		return key.Role, nil
	}

	m, err := tx.Client.Member.Query().Where(member.UserID(v.User.ID)).Only(ctx)
	if err != nil {
		return "", orRefused(err)
	}

	return m.Role, nil
}

func orRefused(err error) error {
	if ent.IsNotFound(err) {
		return refused()
	}
	return err
}

func missingMember(err error) error {
	if ent.IsNotFound(err) {
		return usererror.Missing("member")
	}
	return err
}

// mayManage says who may change or remove whom: an owner everybody, an administrator those below,
// and everybody themselves.
func mayManage(v *Viewer, m *ent.Member) error {
	self := v.User != nil && v.User.ID == m.UserID
	below := v.May(enum.RoleAdmin) && ranks[m.Role] < ranks[v.Role]
	if self || below || v.Role == enum.RoleOwner {
		return nil
	}

	return usererror.Refuse("memberId", usererror.NotAllowed,
		"Your role is %s and this member's is %s: only an owner, or an administrator above the member, can do this.",
		v.Role, m.Role)
}

// staysOwned refuses to let the last owner go.
func staysOwned(ctx context.Context, tx *database.Tx, leaving *ent.Member) error {
	if leaving.Role != enum.RoleOwner {
		return nil
	}

	others, err := tx.Client.Member.Query().Where(member.RoleEQ(enum.RoleOwner), member.IDNEQ(leaving.ID)).Exist(ctx)
	if err == nil && !others {
		return usererror.Refuse("memberId", usererror.NotAllowed,
			"This is the last owner: make somebody else an owner first.")
	}

	return err
}
