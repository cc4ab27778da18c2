package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/usererror"
)

var (
	ofOwnWork = []enum.NotificationKind{enum.NotificationKindCampaignPaused, enum.NotificationKindCampaignEnded,
		enum.NotificationKindImportFailed, enum.NotificationKindExportFailed}
	ofAccounts = []enum.NotificationKind{enum.NotificationKindTokenExpiring, enum.NotificationKindTokenExpired,
		enum.NotificationKindAccountRestricted, enum.NotificationKindTemplateRejected,
		enum.NotificationKindWebhookSuspended}

	// usuallyToldOf is of what members are told by mail who have not chosen.
	usuallyToldOf = map[enum.Role][]enum.NotificationKind{
		enum.RoleOwner:      slices.Concat(ofOwnWork, ofAccounts),
		enum.RoleAdmin:      slices.Concat(ofOwnWork, ofAccounts),
		enum.RoleCampaigner: ofOwnWork,
	}
)

// ToldOf are the kinds of which a member is told by mail.
func ToldOf(m *ent.Member) []enum.NotificationKind {
	if m.ToldOf != nil {
		return m.ToldOf
	}
	return slices.Clone(usuallyToldOf[m.Role])
}

// UpdateNotifications chooses of what the caller is told by mail in their organization. Nil kinds
// are those of their role; nil ofOthers changes nothing of that.
func (s *Service) UpdateNotifications(ctx context.Context, kinds []enum.NotificationKind,
	ofOthers *bool) (*ent.Member, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	for i, kind := range kinds {
		if slices.Contains(kinds[:i], kind) {
			return nil, usererror.Refuse(fmt.Sprintf("kinds.%d", i), usererror.Invalid, "%s is there already.", kind)
		}
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		u := tx.Client.Member.Update().Where(member.UserID(v.User.ID)).SetNillableToldOfOthers(ofOthers)
		if kinds == nil {
			u.ClearToldOf()
		} else {
			u.SetToldOf(kinds)
		}
		if err := u.Exec(ctx); err != nil {
			return err
		}

		m, err := tx.Client.Member.Query().Where(member.UserID(v.User.ID)).Only(ctx)
		if err != nil {
			return orRefused(err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionMemberNotify, Subject: m.ID, Summary: toldText(m)})
	})
	if err != nil {
		return nil, fmt.Errorf("update notifications: %w", err)
	}

	m, err := s.db.Client.Member.Query().Where(member.UserID(v.User.ID)).Only(ctx)

	return m, orRefused(err)
}

// toldText says in the audit trail what a member has chosen.
func toldText(m *ent.Member) string {
	what := "what is usual for their role"
	switch {
	case m.ToldOf == nil:
	case len(m.ToldOf) == 0:
		what = "nothing"
	default:
		var names []string
		for _, kind := range m.ToldOf {
			names = append(names, string(kind))
		}

		what = strings.Join(names, ", ")
	}

	if m.ToldOfOthers {
		what += ", and of others' campaigns and imports"
	}

	return "chose to be told by mail of " + what
}

// IsOwnWork reports whether a kind concerns whoever made or launched a thing, and not the
// organization.
func IsOwnWork(kind enum.NotificationKind) bool { return slices.Contains(ofOwnWork, kind) }

// MayBeTold reports whether mail goes to a user: the address is proven, and they are not suspended.
func MayBeTold(u *ent.User, now time.Time) bool {
	return u != nil && u.EmailVerifiedAt != nil && !suspendedAt(u, now)
}
