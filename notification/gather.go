package notification

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	entnotification "carillon/ent/notification"
	"carillon/identity"
	"carillon/uid"
)

// scope is what is told in one mail.
type scope struct {
	organization uid.ID
	name         string
}

// Gather makes mails of the causes that have waited long enough: one to each member who wants to be
// told of any, for all of one scope. Any number of processes may do it at once.
func (s *Service) Gather(ctx context.Context) error {
	if !s.mails {
		return nil
	}

	ripe, err := s.ripe(ctx, s.db.Query, "")
	if err != nil {
		return fmt.Errorf("look for what is to be told: %w", err)
	}

	for _, r := range ripe {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			if err := tx.Exclusive(ctx, "notifications of "+r.organization.String()); err != nil {
				return err
			}

			still, err := s.ripe(ctx, tx.QueryContext, " AND n.organization_id = $5 AND n.scope = $6", r.organization, r.name)
			if err != nil || len(still) == 0 {
				return err // another process was faster
			}

			return s.gather(ctx, tx, r)
		})
		if err != nil {
			return fmt.Errorf("gather what %s is told of %s: %w", r.organization, r.name, err)
		}
	}

	return nil
}

type query func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

// ripe are the scopes to be told of now, those that wait longest first.
func (s *Service) ripe(ctx context.Context, query query, which string, args ...any) ([]scope, error) {
	now := s.now()
	rows, err := query(ctx, `SELECT n.organization_id, n.scope FROM notification n
		WHERE n.batched_at IS NULL AND n.created_at <= $1`+which+` GROUP BY n.organization_id, n.scope
		HAVING (max(n.created_at) <= $2 OR min(n.created_at) <= $3) AND NOT EXISTS (SELECT 1 FROM notification b
			WHERE b.organization_id = n.organization_id AND b.scope = n.scope AND b.batched_at > $4)
		ORDER BY min(n.created_at) LIMIT `+fmt.Sprint(scopesAtOnce),
		append([]any{now.Add(time.Minute), now.Add(-quietFor), now.Add(-longestWait), now.Add(-apart)}, args...)...)

	return database.Collect(rows, err, func(rows *sql.Rows) (r scope, err error) {
		return r, rows.Scan(&r.organization, &r.name)
	})
}

// gather makes the mails of one scope.
func (s *Service) gather(ctx context.Context, tx *database.Tx, of scope) error {
	all, err := tx.Client.Notification.Query().Where(entnotification.OrganizationID(of.organization),
		entnotification.Scope(of.name), entnotification.BatchedAtIsNil()).
		Order(entnotification.ByID()).Limit(mostInBatch).All(ctx)
	if err != nil || len(all) == 0 {
		return err
	}

	members, err := tx.Client.Member.Query().Where(member.OrganizationID(of.organization)).WithUser().
		Order(member.ByID()).All(ctx)
	if err != nil {
		return err
	}

	present := make(map[uid.ID]bool, len(members))
	for _, m := range members {
		present[m.ID] = true
	}

	batch, now := all[0].ID, s.now()
	var mails []mailing
	for _, m := range members {
		if identity.MayBeTold(m.Edges.User, now) && slices.ContainsFunc(all, wantedBy(m, present)) {
			mails = append(mails, mailing{of.organization, batch, m.ID})
		}
	}

	if err := database.Insert(ctx, tx, "notification_mail", mailColumns, mails, now, now.Add(triedFor)); err != nil {
		return err
	}

	return tx.Client.Notification.Update().Where(entnotification.OrganizationID(of.organization),
		entnotification.Scope(of.name), entnotification.BatchedAtIsNil(), entnotification.IDLTE(all[len(all)-1].ID)).
		SetBatchID(batch).SetBatchedAt(now).Exec(ctx)
}

// mailing is a mail to be sent.
type mailing struct{ organization, batch, member uid.ID }

// mailColumns are of mails that are made at $1 and tried until $2.
var mailColumns = database.Columns[mailing]{
	database.Col("id", func(mailing) uid.ID { return uid.New(uid.NotificationMail) }, database.IDs),
	database.Col("organization_id", func(m mailing) uid.ID { return m.organization }, database.IDs),
	database.Col("batch_id", func(m mailing) uid.ID { return m.batch }, database.IDs),
	database.Col("member_id", func(m mailing) uid.ID { return m.member }, database.IDs),
	database.Expr[mailing]("created_at", "$1"),
	database.Expr[mailing]("mail_after", "$1"),
	database.Expr[mailing]("expires_at", "$2"),
	database.Expr[mailing]("mail_attempts", "0"),
}

// wantedBy says of which causes a member is told, as they have chosen: those of the kinds that they
// want, that came after they joined; of campaigns and imports their own, and others' where they
// want those. What belongs to nobody who is still there is an administrator's.
func wantedBy(m *ent.Member, present map[uid.ID]bool) func(*ent.Notification) bool {
	kinds := identity.ToldOf(m)
	administers := m.Role == enum.RoleOwner || m.Role == enum.RoleAdmin

	return func(n *ent.Notification) bool {
		if m.CreatedAt.After(n.CreatedAt) || !slices.Contains(kinds, n.Kind) {
			return false
		}

		created, launched := orZero(n.CreatedByID), orZero(n.LaunchedByID)
		switch {
		case !identity.IsOwnWork(n.Kind), m.ToldOfOthers, created == m.ID, launched == m.ID:
			return true
		}

		return administers && !present[created] && !present[launched]
	}
}
