package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/emailverification"
	"carillon/ent/invitation"
	"carillon/ent/passwordreset"
	"carillon/ent/securitynotice"
	"carillon/mail"
	"carillon/uid"
)

const (
	postEvery  = 2 * time.Second
	postAtOnce = 100
	postLease  = 5 * time.Minute // longer than mail.Longest, or two workers could send one mail
	postLater  = 30 * time.Second
	postLatest = time.Hour
)

// Mailer sends a mail. A *mail.Refused is one that never can be sent.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// The paths at PUBLIC_URL that links lead to. The token is behind the #, which browsers send to no
// server.
const (
	acceptPath = "/accept-invitation#token="
	resetPath  = "/reset-password#token="
	verifyPath = "/verify-email#token="
)

func (s *Service) resetLink(token string) string { return s.publicURL + resetPath + token }

// RunPost mails what waits for it, until ctx ends. Every worker does it: a mail is leased by one of
// them at a time. One that dies after the server took a mail, and before it could note that, has it
// sent once more.
func (s *Service) RunPost(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(postEvery)
	defer tick.Stop()
	for {
		if err := s.Post(ctx, log); err != nil && ctx.Err() == nil {
			log.Error("mails could not be sent and are tried again", "error", err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Post mails what is due now.
func (s *Service) Post(ctx context.Context, log *slog.Logger) error {
	if s.mail == nil || s.keys == nil {
		return nil
	}

	system, now := caller.System(ctx), s.now()
	var errs []error

	for _, due := range append([]func(context.Context, time.Time) ([]Errand, error){s.dueResets, s.dueVerifications,
		s.dueInvitations, s.dueNotices}, s.alsoDue...) {
		found, err := due(system, now)
		if err != nil {
			return fmt.Errorf("look for mails: %w", err)
		}

		for _, e := range found {
			errs = append(errs, s.postOne(system, log, e))
		}
	}

	return errors.Join(errs...)
}

// Errand is a row that says what to mail to whom. Its table has the columns of the mixin mailing.
type Errand struct {
	Table    string
	ID       uid.ID
	Due      time.Time
	Attempts int                                              // before
	Write    func() (to string, l Letter, ok bool, err error) // not ok when there is nothing to send
}

// Letter is what a mail says.
type Letter struct{ Subject, Text string }

// AlsoPost has Post mail what due gives, too. Call it before Post runs.
func (s *Service) AlsoPost(due func(ctx context.Context, now time.Time) ([]Errand, error)) {
	s.alsoDue = append(s.alsoDue, due)
}

func (s *Service) dueResets(ctx context.Context, now time.Time) (due []Errand, err error) {
	rows, err := s.db.Client.PasswordReset.Query().Where(passwordreset.MailAfterLTE(now), passwordreset.ExpiresAtGT(now)).
		Order(passwordreset.ByMailAfter()).Limit(postAtOnce).All(ctx)
	for _, r := range rows {
		due = append(due, Errand{passwordreset.Table, r.ID, *r.MailAfter, r.MailAttempts,
			func() (string, Letter, bool, error) {
				l, ok, err := s.resetLetter(ctx, r)
				return r.Email, l, ok, err
			}})
	}

	return due, err
}

func (s *Service) dueVerifications(ctx context.Context, now time.Time) (due []Errand, err error) {
	rows, err := s.db.Client.EmailVerification.Query().Where(emailverification.MailAfterLTE(now),
		emailverification.ExpiresAtGT(now)).
		Order(emailverification.ByMailAfter()).Limit(postAtOnce).All(ctx)
	for _, v := range rows {
		due = append(due, Errand{emailverification.Table, v.ID, *v.MailAfter, v.MailAttempts,
			func() (string, Letter, bool, error) {
				return s.verificationLetter(ctx, v)
			}})
	}

	return due, err
}

func (s *Service) dueInvitations(ctx context.Context, now time.Time) (due []Errand, err error) {
	rows, err := s.db.Client.Invitation.Query().Where(invitation.MailAfterLTE(now), invitation.ExpiresAtGT(now)).
		Order(invitation.ByMailAfter()).Limit(postAtOnce).All(ctx)
	for _, i := range rows {
		due = append(due, Errand{invitation.Table, i.ID, *i.MailAfter, i.MailAttempts, func() (string, Letter, bool, error) {
			l, ok, err := s.invitationLetter(ctx, i)
			return i.Email, l, ok, err
		}})
	}

	return due, err
}

func (s *Service) dueNotices(ctx context.Context, now time.Time) (due []Errand, err error) {
	rows, err := s.db.Client.SecurityNotice.Query().Where(securitynotice.MailAfterLTE(now),
		securitynotice.ExpiresAtGT(now)).
		Order(securitynotice.ByMailAfter()).Limit(postAtOnce).All(ctx)
	for _, n := range rows {
		due = append(due, Errand{securitynotice.Table, n.ID, *n.MailAfter, n.MailAttempts,
			func() (string, Letter, bool, error) {
				u, err := s.db.Client.User.Get(ctx, n.UserID)
				if err != nil {
					return "", Letter{}, false, fmt.Errorf("notice %s: %w", n.ID, err)
				}

				l, ok := noticeLetter(u, n)

				return u.Email, l, ok, nil
			}})
	}

	return due, err
}

// postOne leases a mail, sends it, and notes what became of it.
func (s *Service) postOne(ctx context.Context, log *slog.Logger, e Errand) error {
	if ctx.Err() != nil {
		return nil
	}

	lease := s.now().Add(postLease)
	if mine, err := s.note(ctx, e, e.Due, "mail_after = $3, mail_attempts = mail_attempts + 1", lease); err != nil ||
		!mine {
		return err // another worker has it, or it is gone
	}

	to, l, ok, err := e.Write()
	if err != nil || !ok {
		return err
	}

	err = s.mail.Send(ctx, to, l.Subject, l.Text)
	var refused *mail.Refused

	switch {
	case err == nil:
		_, err = s.note(ctx, e, lease, "mail_after = NULL, sealed_token = NULL, mailed_at = $3", s.now())
		return err
	case errors.As(err, &refused):
		log.Error("a mail is refused and not tried again", "for", e.ID.String(), "error", err)
		_, err = s.note(ctx, e, lease, "mail_after = NULL, sealed_token = NULL")
		return err
	}

	again := min(postLater<<min(e.Attempts, 10), postLatest)
	log.Warn("a mail could not be sent and is tried again", "for", e.ID.String(), "in", again, "error", err)
	_, err = s.note(ctx, e, lease, "mail_after = $3", s.now().Add(again))

	return err
}

// note changes an errand's row while its mail_after is the one that this worker knows.
func (s *Service) note(ctx context.Context, e Errand, known time.Time, set string, args ...any) (changed bool,
	err error) {
	// a process that stops still says what it has sent
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE "+e.Table+" SET "+set+" WHERE id = $1 AND mail_after = $2",
			append([]any{e.ID, known}, args...)...)
		if err != nil {
			return err
		}

		n, err := result.RowsAffected()
		changed = n > 0

		return err
	})
	if err != nil {
		return false, fmt.Errorf("note what became of a mail: %w", err)
	}

	return changed, nil
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
