package notification

import (
	"context"
	"fmt"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	entnotification "carillon/ent/notification"
	"carillon/ent/notificationmail"
	"carillon/identity"
	"carillon/outbox"
	"carillon/uid"
)

// Mails gathers what was told, and gives the outbox the mails that are due.
func (s *Service) Mails(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	if err := s.Gather(ctx); err != nil {
		return nil, err
	}

	rows, err := s.db.Client.NotificationMail.Query().Where(notificationmail.MailAfterLTE(now),
		notificationmail.ExpiresAtGT(now)).Order(notificationmail.ByMailAfter()).Limit(mailsAtOnce).All(ctx)
	for _, m := range rows {
		due = append(due, outbox.Mail{Table: notificationmail.Table, ID: m.ID, Due: *m.MailAfter,
			Attempts: m.MailAttempts, Write: func() (outbox.Letter, bool, error) {
				l, ok, err := s.write(ctx, m)
				if err != nil {
					err = fmt.Errorf("notification mail %s: %w", m.ID, err)
				}

				return l, ok, err
			}})
	}

	return due, err
}

// write makes the text of a mail as of now. The mail is dropped where the member has left or wants
// none of it any more, and where the organization is closed.
func (s *Service) write(ctx context.Context, m *ent.NotificationMail) (l outbox.Letter, ok bool, err error) {
	all, reader, err := s.wanted(ctx, m)
	if err != nil {
		return l, false, err
	}
	if len(all) == 0 {
		err := s.db.Client.NotificationMail.DeleteOneID(m.ID).Exec(ctx)
		if ent.IsNotFound(err) {
			err = nil
		}

		return l, false, err
	}

	l, err = s.letter(ctx, reader, all)

	return l, err == nil, err
}

// wanted are the causes of which a mail is to tell, and to whom.
func (s *Service) wanted(ctx context.Context, m *ent.NotificationMail) (wanted []*ent.Notification,
	reader *ent.Member, err error) {
	reader, err = s.db.Client.Member.Query().Where(member.ID(m.MemberID)).WithUser().WithOrganization().Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !identity.MayBeTold(reader.Edges.User, s.now()) ||
		reader.Edges.Organization.Status == enum.OrganizationStatusClosed {
		return nil, nil, nil
	}

	all, err := s.db.Client.Notification.Query().Where(entnotification.OrganizationID(m.OrganizationID),
		entnotification.BatchID(m.BatchID)).Order(entnotification.ByID()).All(ctx)
	if err != nil {
		return nil, nil, err
	}

	present, err := s.present(ctx, all)
	if err != nil {
		return nil, nil, err
	}

	wants := wantedBy(reader, present)
	for _, n := range all {
		if wants(n) {
			wanted = append(wanted, n)
		}
	}

	return wanted, reader, nil
}

// present are the makers of campaigns and imports who are still members.
func (s *Service) present(ctx context.Context, all []*ent.Notification) (map[uid.ID]bool, error) {
	present := map[uid.ID]bool{}
	for _, n := range all {
		present[orZero(n.CreatedByID)], present[orZero(n.LaunchedByID)] = false, false
	}

	delete(present, uid.ID{})
	makers := make([]uid.ID, 0, len(present))
	for id := range present {
		makers = append(makers, id)
	}

	there, err := s.db.Client.Member.Query().Where(member.IDIn(makers...)).IDs(ctx)
	for _, id := range there {
		present[id] = true
	}

	return present, err
}
