package identity

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/enum"
	"carillon/fault"
	"carillon/uid"
)

// UpdateMember gives a member of the caller's organization another role. It returns the member and the sessions whose role is
// another one now: sockets that were opened with them have to be closed.
func (s *Service) UpdateMember(ctx context.Context, id uid.ID, role enum.Role) (m *ent.Member, changed []uid.ID, err error) {
	if _, err = Require(ctx, enum.RoleAdmin); err != nil {
		return nil, nil, err
	}
	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, v *Viewer) error {
		m, err := tx.Client.Member.Query().Where(member.ID(id)).WithUser().Only(ctx)
		if err != nil {
			return missingMember(err)
		}
		if err := mayManage(v, m); err != nil {
			return err
		}
		if !v.May(role) {
			return fault.Refuse("role", fault.NotAllowed, "A member's role cannot be higher than yours, which is %s.", v.Role)
		}
		if m.Role == role {
			return nil
		}
		if err := staysOwned(ctx, tx, m); err != nil {
			return err
		}
		if err := tx.Client.Member.UpdateOneID(id).SetRole(role).Exec(ctx); err != nil {
			return err
		}
		if changed, err = tx.Client.Session.Query().Where(session.UserID(m.UserID), session.RevokedAtIsNil()).IDs(ctx); err != nil {
			return err
		}
		return Record(ctx, tx, Entry{Action: ActionMemberUpdate, Subject: id, Summary: fmt.Sprintf("made %s %s, who was %s", m.Edges.User.Email, role, m.Role)})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("update member %s: %w", id, err)
	}
	if m, err = s.db.Client.Member.Get(ctx, id); err != nil {
		return nil, nil, missingMember(err)
	}
	return m, changed, nil
}

// RemoveMember takes a member out of the caller's organization, who may be the caller. It returns the member as it was, with
// its user and organization, and the sessions that it ended.
func (s *Service) RemoveMember(ctx context.Context, id uid.ID) (m *ent.Member, ended []uid.ID, err error) {
	if _, err = Require(ctx, enum.RoleViewer); err != nil {
		return nil, nil, err
	}
	m, err = s.db.Client.Member.Query().Where(member.ID(id)).WithUser().WithOrganization().Only(ctx)
	if err != nil {
		return nil, nil, missingMember(err)
	}
	err = s.amongMembers(ctx, enum.RoleViewer, func(tx *database.Tx, v *Viewer) error {
		now, err := tx.Client.Member.Get(ctx, id)
		if err != nil {
			return missingMember(err)
		}
		if err := mayManage(v, now); err != nil {
			return err
		}
		if err := staysOwned(ctx, tx, now); err != nil {
			return err
		}
		m.Role = now.Role
		if err := tx.Client.Member.DeleteOneID(id).Exec(ctx); err != nil {
			return err
		}
		ended, err = s.endSessions(ctx, tx, session.UserID(now.UserID)) // in this organization: ctx sees no others
		if err != nil {
			return err
		}
		return Record(ctx, tx, Entry{Action: ActionMemberRemove, Subject: id, Summary: fmt.Sprintf("removed %s, who was %s", m.Edges.User.Email, m.Role)})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("remove member %s: %w", id, err)
	}
	return m, ended, nil
}

// amongMembers runs do while nobody else changes who belongs to the caller's organization. The viewer that do gets has the
// role that they have now: the call may have waited for one that took it away.
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
		if now.Role, err = standing(ctx, tx, v); err != nil {
			return err
		}
		if !now.May(least) {
			return fault.New(fault.Forbidden, "this needs the role %s, and yours is %s", least, now.Role)
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
func standing(ctx context.Context, tx *database.Tx, v *Viewer) (enum.Role, error) {
	if v.Key != nil {
		key, err := tx.Client.APIKey.Query().Where(apikey.ID(v.Key.ID), apikey.RevokedAtIsNil()).Only(ctx)
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
		return fault.Missing("member")
	}
	return err
}

// mayManage says who may change or remove whom: an owner everybody, an administrator those below, and everybody themselves.
func mayManage(v *Viewer, m *ent.Member) error {
	self := v.User != nil && v.User.ID == m.UserID
	below := v.May(enum.RoleAdmin) && ranks[m.Role] < ranks[v.Role]
	if self || below || v.Role == enum.RoleOwner {
		return nil
	}
	return fault.Refuse("memberId", fault.NotAllowed, "Your role is %s and this member's is %s: only an owner, or an administrator above the member, can do this.", v.Role, m.Role)
}

// staysOwned refuses to let the last owner go.
func staysOwned(ctx context.Context, tx *database.Tx, leaving *ent.Member) error {
	if leaving.Role != enum.RoleOwner {
		return nil
	}
	others, err := tx.Client.Member.Query().Where(member.RoleEQ(enum.RoleOwner), member.IDNEQ(leaving.ID)).Exist(ctx)
	if err == nil && !others {
		return fault.Refuse("memberId", fault.NotAllowed, "This is the last owner: make somebody else an owner first.")
	}
	return err
}
