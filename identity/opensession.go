package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// entry is a session to be opened for somebody who has shown what comes first: a password, or a
// login at the identity provider.
type entry struct {
	user         *ent.User // with the password that was shown
	organization uid.ID
	code         string // of the second factor
	field        string // of the input in which code was
	client       Client
	// the identity provider asked for a second factor, so we do not
	vouched bool
	// nil, or what has to be done in the transaction before
	first func(context.Context, *database.Tx, *ent.User) error
}

// enter opens a session, in one transaction with the spending of the code that a second factor asks
// for: of two who come with one code, one gets in. All sessions of users who come without one begin
// here.
func (s *Service) enter(ctx context.Context, e entry) (token string, err error) {
	var tried try
	if e.code != "" {
		if tried, err = s.countTry(ctx, tryCode, e.user.Email, e.user.ID.String(), e.client); err != nil {
			return "", err
		}
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		token, err = s.enterIn(system, tx, e)
		return err
	})
	if err == nil {
		s.giveBack(ctx, tried)
	}

	return token, s.noteWrongCode(system, e.organization, e.user.Email, e.client.IP, err)
}

// enterIn is enter within a transaction, for a caller who has counted the try.
func (s *Service) enterIn(ctx context.Context, tx *database.Tx, e entry) (token string, err error) {
	since, err := holdUser(ctx, tx, e.user.ID)
	if err == nil {
		err = s.admit(ctx, tx, e.user.ID)
	}
	if err == nil && e.first != nil {
		err = e.first(ctx, tx, e.user)
	}
	if err != nil {
		return "", err
	}

	if stored, err := lockedPassword(ctx, tx, e.user.ID); err != nil {
		return "", err
	} else if stored != e.user.PasswordHash { // whose change has ended all sessions, and this one would come after
		return "", usererror.Refuse("", usererror.Invalid, "The password was changed just now: try again.")
	}

	recovery := false
	if since != nil && !e.vouched {
		if e.code == "" {
			return "", missingCode(e.field)
		}
		if recovery, err = s.spendCode(ctx, tx, e.user.ID, e.field, e.code); err != nil {
			return "", err
		}
	}

	if token, err = s.open(ctx, tx, e); err != nil || !recovery {
		return token, err
	}

	return token, audit.Record(ctx, tx, audit.Entry{Organization: e.organization, Action: audit.ActionFactorRecover,
		Subject: e.user.ID,
		Summary: "signed in with a recovery code", Actor: e.user.Email, IP: e.client.IP})
}

func (s *Service) open(ctx context.Context, tx *database.Tx, e entry) (token string, err error) {
	if token, err = s.openSession(ctx, tx, e.user.ID, e.organization, e.client); err != nil {
		return "", err
	}
	if err := markProviderSecondFactor(ctx, tx, token, e.vouched); err != nil {
		return "", err
	}

	return token, audit.Record(ctx, tx, audit.Entry{Organization: e.organization, Action: audit.ActionSignIn,
		Subject: e.user.ID,
		Summary: "signed in", Actor: e.user.Email, IP: e.client.IP})
}

// noteWrongCode records that a code was refused, if that is why a transaction failed and left no
// trace, and returns why.
func (s *Service) noteWrongCode(ctx context.Context, organization uid.ID, actor, ip string, why error) error {
	var wrong *codeRefused
	if !errors.As(why, &wrong) {
		return why
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Organization: organization, Action: audit.ActionFactorFail,
			Summary: "gave a wrong code of the second factor", Actor: actor, IP: ip})
	})
	if err != nil {
		return err
	}

	return why
}

// isFresh reports whether a user's session was opened a moment ago, and so shows as much as a
// password. One that follows another is as old as that.
func (s *Service) isFresh(v *Viewer) bool { return s.now().Sub(v.Session.CreatedAt) <= reauthAge }

// reauthenticate returns the calling user if the password, which stands in that field, is theirs.
// Who has none must have signed in just now.
func (s *Service) reauthenticate(ctx context.Context, field, password string) (*ent.User, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	u, err := s.db.Client.User.Get(caller.System(ctx), v.User.ID)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}

	if u.PasswordHash == "" {
		if !s.isFresh(v) {
			return nil, usererror.Refuse("", usererror.NotAllowed,
				"Your sign-in is more than %d minutes ago: sign in again first.", reauthAge/time.Minute)
		}

		return u, nil
	}

	tried, err := s.countOwnTry(ctx, tryPassword, u.ID)
	if err != nil {
		return nil, err
	}

	right, err := s.knows(ctx, u, password)
	if err != nil {
		return nil, fmt.Errorf("check password: %w", err)
	}
	if !right {
		return nil, usererror.Refuse(field, usererror.Invalid, "This is not your password.")
	}

	s.giveBack(ctx, tried)

	return u, nil
}
