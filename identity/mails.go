package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/ent/emailverification"
	"carillon/ent/invitation"
	"carillon/ent/passwordreset"
	"carillon/ent/securitynotice"
	"carillon/outbox"
)

// The paths at PUBLIC_URL that links lead to. The token is behind the #, which browsers send to no
// server.
const (
	acceptPath = "/accept-invitation#token="
	resetPath  = "/reset-password#token="
	verifyPath = "/verify-email#token="
)

func (s *Service) resetLink(token string) string { return s.publicURL + resetPath + token }

// Mails are the mails of identity that are due: links to reset a password, to verify an address and
// to accept an invitation, and security notices. Without a keyring there are none.
func (s *Service) Mails(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	if s.keys == nil {
		return nil, nil
	}

	for _, source := range []outbox.Source{s.dueResets, s.dueVerifications, s.dueInvitations, s.dueNotices} {
		found, err := source(ctx, now)
		if err != nil {
			return nil, err
		}

		due = append(due, found...)
	}

	return due, nil
}

func (s *Service) dueResets(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	rows, err := s.db.Client.PasswordReset.Query().Where(passwordreset.MailAfterLTE(now), passwordreset.ExpiresAtGT(now)).
		Order(passwordreset.ByMailAfter()).Limit(outbox.AtOnce).All(ctx)
	for _, r := range rows {
		due = append(due, outbox.Mail{Table: passwordreset.Table, ID: r.ID, Due: *r.MailAfter, Attempts: r.MailAttempts,
			Write: func() (outbox.Letter, bool, error) {
				return s.resetLetter(ctx, r)
			}})
	}

	return due, err
}

func (s *Service) dueVerifications(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	rows, err := s.db.Client.EmailVerification.Query().Where(emailverification.MailAfterLTE(now),
		emailverification.ExpiresAtGT(now)).
		Order(emailverification.ByMailAfter()).Limit(outbox.AtOnce).All(ctx)
	for _, v := range rows {
		due = append(due, outbox.Mail{Table: emailverification.Table, ID: v.ID, Due: *v.MailAfter, Attempts: v.MailAttempts,
			Write: func() (outbox.Letter, bool, error) {
				return s.verificationLetter(ctx, v)
			}})
	}

	return due, err
}

func (s *Service) dueInvitations(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	rows, err := s.db.Client.Invitation.Query().Where(invitation.MailAfterLTE(now), invitation.ExpiresAtGT(now)).
		Order(invitation.ByMailAfter()).Limit(outbox.AtOnce).All(ctx)
	for _, i := range rows {
		due = append(due, outbox.Mail{Table: invitation.Table, ID: i.ID, Due: *i.MailAfter, Attempts: i.MailAttempts,
			Write: func() (outbox.Letter, bool, error) {
				return s.invitationLetter(ctx, i)
			}})
	}

	return due, err
}

func (s *Service) dueNotices(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	rows, err := s.db.Client.SecurityNotice.Query().Where(securitynotice.MailAfterLTE(now),
		securitynotice.ExpiresAtGT(now)).
		Order(securitynotice.ByMailAfter()).Limit(outbox.AtOnce).All(ctx)
	for _, n := range rows {
		due = append(due, outbox.Mail{Table: securitynotice.Table, ID: n.ID, Due: *n.MailAfter, Attempts: n.MailAttempts,
			Write: func() (outbox.Letter, bool, error) {
				u, err := s.db.Client.User.Get(ctx, n.UserID)
				if err != nil {
					return outbox.Letter{}, false, fmt.Errorf("notice %s: %w", n.ID, err)
				}

				l, ok := noticeLetter(u, n)

				return l, ok, nil
			}})
	}

	return due, err
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

// forgetLinks deletes what was to be mailed, and the links in mails, once their time is over.
func (s *Service) forgetLinks(ctx context.Context, now time.Time) error {
	if _, err := s.db.Client.Invitation.Delete().Where(invitation.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old invitations: %w", err)
	}
	if _, err := s.db.Client.PasswordReset.Delete().Where(passwordreset.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old password resets: %w", err)
	}
	if _, err := s.db.Client.EmailVerification.Delete().Where(emailverification.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old verifications: %w", err)
	}
	if _, err := s.db.Client.SecurityNotice.Delete().Where(securitynotice.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old notices: %w", err)
	}

	return nil
}
