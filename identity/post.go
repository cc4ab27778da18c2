package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/invitation"
	"carillon/ent/passwordreset"
	"carillon/ent/user"
	"carillon/mail"
	"carillon/tenant"
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

// The paths at PUBLIC_URL that links lead to. The token is behind the #, which browsers send to no server.
const (
	acceptPath = "/accept-invitation#token="
	resetPath  = "/reset-password#token="
)

func (s *Service) resetLink(token string) string { return s.publicURL + resetPath + token }

// RunPost mails what waits for it, until ctx ends. Every worker does it: a mail is leased by one of them at a time. One that
// dies after the server took a mail, and before it could note that, has it sent once more.
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
	system, now := tenant.System(ctx), s.now()
	invitations, err := s.db.Client.Invitation.Query().Where(invitation.MailAfterLTE(now), invitation.ExpiresAtGT(now)).
		Order(invitation.ByMailAfter()).Limit(postAtOnce).All(system)
	if err != nil {
		return fmt.Errorf("look for invitations to mail: %w", err)
	}
	resets, err := s.db.Client.PasswordReset.Query().Where(passwordreset.MailAfterLTE(now), passwordreset.ExpiresAtGT(now)).
		Order(passwordreset.ByMailAfter()).Limit(postAtOnce).All(system)
	if err != nil {
		return fmt.Errorf("look for resets to mail: %w", err)
	}
	var errs []error
	for _, r := range resets {
		errs = append(errs, s.postOne(system, log, errand{passwordreset.Table, r.ID, r.Email, *r.MailAfter, r.MailAttempts}, func() (letter, bool, error) {
			return s.resetLetter(system, r)
		}))
	}
	for _, i := range invitations {
		errs = append(errs, s.postOne(system, log, errand{invitation.Table, i.ID, i.Email, *i.MailAfter, i.MailAttempts}, func() (letter, bool, error) {
			return s.invitationLetter(system, i)
		}))
	}
	return errors.Join(errs...)
}

// errand is a row that says what to mail to whom.
type errand struct {
	table    string
	id       uid.ID
	to       string
	due      time.Time
	attempts int // before
}

type letter struct{ subject, text string }

// postOne leases a mail, sends it, and notes what became of it. write says false when there is nothing to send.
func (s *Service) postOne(ctx context.Context, log *slog.Logger, e errand, write func() (letter, bool, error)) error {
	if ctx.Err() != nil {
		return nil
	}
	lease := s.now().Add(postLease)
	if mine, err := s.note(ctx, e, e.due, "mail_after = $3, mail_attempts = mail_attempts + 1", lease); err != nil || !mine {
		return err // another worker has it, or it is gone
	}
	l, ok, err := write()
	if err != nil || !ok {
		return err
	}
	err = s.mail.Send(ctx, e.to, l.subject, l.text)
	var refused *mail.Refused
	switch {
	case err == nil:
		_, err = s.note(ctx, e, lease, "mail_after = NULL, sealed_token = NULL, mailed_at = $3", s.now())
		return err
	case errors.As(err, &refused):
		log.Error("a mail is refused and not tried again", "for", e.id.String(), "error", err)
		_, err = s.note(ctx, e, lease, "mail_after = NULL, sealed_token = NULL")
		return err
	}
	again := min(postLater<<min(e.attempts, 10), postLatest)
	log.Warn("a mail could not be sent and is tried again", "for", e.id.String(), "in", again, "error", err)
	_, err = s.note(ctx, e, lease, "mail_after = $3", s.now().Add(again))
	return err
}

// note changes an errand's row while its mail_after is the one that this worker knows.
func (s *Service) note(ctx context.Context, e errand, known time.Time, set string, args ...any) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // a process that stops still says what it has sent
	defer cancel()
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE "+e.table+" SET "+set+" WHERE id = $1 AND mail_after = $2", append([]any{e.id, known}, args...)...)
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

func (s *Service) invitationLetter(ctx context.Context, i *ent.Invitation) (letter, bool, error) {
	token, err := s.keys.Open(i.SealedToken, i.ID[:])
	if err != nil {
		return letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
	}
	o, err := s.db.Client.Organization.Get(ctx, i.OrganizationID)
	if err != nil {
		return letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
	}
	by := "Somebody"
	if i.InvitedBy != nil {
		u, err := s.db.Client.User.Get(ctx, *i.InvitedBy)
		if err != nil && !ent.IsNotFound(err) {
			return letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
		}
		if u != nil {
			by = u.Name + " (" + u.Email + ")"
		}
	}
	return letter{"Invitation to " + o.Name, fmt.Sprintf(`Hello,

%s invites you to join the organization %q on Carillon.
To accept, open this link:

%s

It works until %s. If you do not know what this is about, ignore this mail.
`, by, o.Name, s.publicURL+acceptPath+string(token), day(i.ExpiresAt))}, true, nil
}

// resetLetter looks up the user and makes the token; again, after a failure, it finds the same token. Of several requests for
// one address the latest counts.
func (s *Service) resetLetter(ctx context.Context, r *ent.PasswordReset) (l letter, ok bool, err error) {
	var token []byte
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		u, err := tx.Client.User.Query().Where(user.Email(r.Email)).Only(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return err
		}
		later, err := tx.Client.PasswordReset.Query().Where(passwordreset.Email(r.Email), passwordreset.IDGT(r.ID)).Exist(ctx)
		if err != nil {
			return err
		}
		if u == nil || later {
			return tx.Client.PasswordReset.DeleteOneID(r.ID).Exec(ctx)
		}
		if _, err := tx.Client.PasswordReset.Delete().Where(passwordreset.Email(r.Email), passwordreset.IDLT(r.ID)).Exec(ctx); err != nil {
			return err
		}
		ok = true
		if len(r.SealedToken) > 0 {
			token, err = s.keys.Open(r.SealedToken, r.ID[:])
			return err
		}
		token = []byte(newToken(resetPrefix))
		err = tx.Client.PasswordReset.UpdateOneID(r.ID).SetTokenHash(digest(string(token))).
			SetSealedToken(s.keys.Seal(token, r.ID[:])).SetExpiresAt(s.now().Add(resetAge)).Exec(ctx)
		if err != nil {
			return err
		}
		return recordOf(ctx, tx, u.ID, Entry{Action: ActionPasswordRequest, Subject: u.ID, Summary: "a link to reset the password of " + r.Email + " was asked for"})
	})
	if ent.IsNotFound(err) {
		return letter{}, false, nil // used up or replaced just now
	}
	if err != nil {
		return letter{}, false, fmt.Errorf("reset %s: %w", r.ID, err)
	}
	return letter{"Set a new password", fmt.Sprintf(`Hello,

somebody, probably you, asked for a new password for the user %s of Carillon.
To set one, open this link:

%s

It works once, within an hour. If it was not you, ignore this mail: your password stays as it is.
`, r.Email, s.resetLink(string(token)))}, ok, nil
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

// forgetLinks deletes invitations and resets whose time is over.
func (s *Service) forgetLinks(ctx context.Context, now time.Time) error {
	if _, err := s.db.Client.Invitation.Delete().Where(invitation.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old invitations: %w", err)
	}
	if _, err := s.db.Client.PasswordReset.Delete().Where(passwordreset.ExpiresAtLTE(now)).Exec(ctx); err != nil {
		return fmt.Errorf("delete old password resets: %w", err)
	}
	return nil
}
