package identity

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/recoverycode"
	"carillon/ent/secondfactor"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

const (
	factorIssuer = "Carillon" // what authenticator apps show
	factorStep   = 30 * time.Second
	factorSkew   = 1  // steps that a clock may be off, either way
	secretBytes  = 20 // RFC 4226, R6
)

// codeForm is what every authenticator app understands.
var codeForm = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// SecondFactor is what a user shows beside their password.
type SecondFactor struct {
	Enabled           bool
	EnabledAt         *time.Time
	RecoveryCodesLeft int
}

// SecondFactor tells of the second factor of v's user; nil for a key.
func (s *Service) SecondFactor(ctx context.Context, v *Viewer) (*SecondFactor, error) {
	if v.User == nil {
		return nil, nil
	}

	system := caller.System(ctx)
	u, err := s.db.Client.User.Get(system, v.User.ID)
	if err != nil {
		return nil, fmt.Errorf("look for second factor: %w", err)
	}

	left, err := s.db.Client.RecoveryCode.Query().Where(recoverycode.UserID(u.ID), recoverycode.UsedAtIsNil()).
		Count(system)
	if err != nil {
		return nil, fmt.Errorf("count recovery codes: %w", err)
	}

	return &SecondFactor{Enabled: u.SecondFactorAt != nil, EnabledAt: u.SecondFactorAt, RecoveryCodesLeft: left}, nil
}

// Missing is the fault of a member who may only set up the second factor that the organization
// requires, else nil. Such a member's context has no tenancy either.
func (v *Viewer) Missing() error {
	if !v.MustSetUpSecondFactor {
		return nil
	}
	return &usererror.Error{Kind: usererror.Forbidden, Needs: "SECOND_FACTOR",
		Message: "your organization requires a second factor: set one up with beginSecondFactor and confirmSecondFactor"}
}

// NewFactor is a second factor that waits for its first code.
type NewFactor struct{ Secret, URI string }

// BeginSecondFactor makes a secret for the caller, in place of one that waits already.
func (s *Service) BeginSecondFactor(ctx context.Context, password string) (NewFactor, error) {
	u, err := s.reauthenticate(ctx, "password", password)
	if err != nil {
		return NewFactor{}, err
	}
	if u.EmailVerifiedAt == nil {
		return NewFactor{}, unproven("")
	}
	if s.keys == nil {
		return NewFactor{}, errors.New("begin second factor: no key to seal its secret with")
	}

	plain := newSecret()
	system := caller.System(ctx)

	err = s.db.InTx(system, func(tx *database.Tx) error {
		if at, err := holdUser(system, tx, u.ID); err != nil {
			return err
		} else if at != nil {
			return usererror.Refuse("", usererror.NotAllowed, "You have a second factor. Disable it to set up another one.")
		}

		if _, err := tx.Client.SecondFactor.Delete().Where(secondfactor.UserID(u.ID)).Exec(system); err != nil {
			return err
		}

		id := uid.New(uid.SecondFactor)

		return tx.Client.SecondFactor.Create().SetID(id).SetUserID(u.ID).SetSecret(s.keys.Seal(plain, id[:])).
			SetCreatedAt(s.now()).Exec(system)
	})
	if err != nil {
		return NewFactor{}, fmt.Errorf("begin second factor: %w", err)
	}

	shown := shownSecret(plain)

	return NewFactor{Secret: shown, URI: factorURI(u.Email, shown)}, nil
}

// ConfirmSecondFactor puts the caller's second factor into force if the code is its, and ends their
// other sessions: these were opened without it. It returns the recovery codes, and the sessions
// that are over or may do more now.
func (s *Service) ConfirmSecondFactor(ctx context.Context, code string) (codes []string, changed []uid.ID, err error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, nil, err
	}

	tried, err := s.countOwnTry(ctx, tryCode, v.User.ID)
	if err != nil {
		return nil, nil, err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, changed...) })
		at, err := holdUser(system, tx, v.User.ID)
		if err != nil {
			return err
		}
		if at != nil {
			return usererror.Refuse("", usererror.NotAllowed, "You have a second factor already.")
		}
		if err := s.spendDigits(system, tx, v.User.ID, "code", tidyCode(code)); err != nil {
			return err
		}
		if err := tx.Client.User.UpdateOneID(v.User.ID).SetSecondFactorAt(s.now()).Exec(system); err != nil {
			return err
		}
		if codes, err = s.makeRecoveryCodes(system, tx, v.User.ID); err != nil {
			return err
		}
		if changed, err = openSessions(system, tx, v.User.ID); err != nil {
			return err
		}

		err = tx.Client.Session.Update().Where(session.IDIn(changed...), session.IDNEQ(v.Session.ID)).SetRevokedAt(s.now()).
			Exec(system)
		if err != nil {
			return err
		}
		if err := s.notify(system, tx, v.User.ID, noticeFactorAdded); err != nil {
			return err
		}

		return audit.Record(system, tx, audit.Entry{Action: audit.ActionFactorAdd, Subject: v.User.ID,
			Summary: "set up a second factor"})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("confirm second factor: %w", err)
	}

	s.giveBack(ctx, tried)

	return codes, changed, nil
}

func openSessions(ctx context.Context, tx *database.Tx, userID uid.ID) ([]uid.ID, error) {
	return tx.Client.Session.Query().Where(session.UserID(userID), session.RevokedAtIsNil()).IDs(ctx)
}

// DisableSecondFactor takes the caller's second factor away, for their password and a code. It
// returns their sessions, which may do less now where the organization requires one.
func (s *Service) DisableSecondFactor(ctx context.Context, password, code string) (changed []uid.ID, err error) {
	err = s.withFactor(ctx, password, code, func(ctx context.Context, tx *database.Tx, userID uid.ID) (err error) {
		tx.After(func(ctx context.Context) { s.revoked(ctx, changed...) })
		if changed, err = openSessions(ctx, tx, userID); err != nil {
			return err
		}
		if err := dropFactor(ctx, tx, userID); err != nil {
			return err
		}
		if err := s.notify(ctx, tx, userID, noticeFactorRemoved); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionFactorRemove, Subject: userID,
			Summary: "disabled their second factor"})
	})
	if err != nil {
		return nil, fmt.Errorf("disable second factor: %w", err)
	}

	return changed, nil
}

// RegenerateRecoveryCodes makes ten new codes, for the caller's password and a code; the old ones
// are void.
func (s *Service) RegenerateRecoveryCodes(ctx context.Context, password, code string) (codes []string, err error) {
	err = s.withFactor(ctx, password, code, func(ctx context.Context, tx *database.Tx, userID uid.ID) (err error) {
		if codes, err = s.makeRecoveryCodes(ctx, tx, userID); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionFactorRecover, Subject: userID,
			Summary: "made new recovery codes"})
	})
	if err != nil {
		return nil, fmt.Errorf("make recovery codes: %w", err)
	}

	return codes, nil
}

// withFactor runs do in the transaction that spends a code of the caller's.
func (s *Service) withFactor(ctx context.Context, password, code string,
	do func(context.Context, *database.Tx, uid.ID) error) error {
	u, err := s.reauthenticate(ctx, "password", password)
	if err != nil {
		return err
	}

	tried, err := s.countOwnTry(ctx, tryCode, u.ID)
	if err != nil {
		return err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		at, err := holdUser(system, tx, u.ID)
		if err != nil {
			return err
		}
		if at == nil {
			return usererror.Refuse("", usererror.NotAllowed, "You have no second factor.")
		}
		if _, err := s.spendCode(system, tx, u.ID, "code", code); err != nil {
			return err
		}

		return do(system, tx, u.ID)
	})
	if err == nil {
		s.giveBack(ctx, tried)
	}

	return s.noteWrongCode(system, uid.ID{}, "", "", err)
}

// DropSecondFactor takes the second factor of a user away who has lost it. It is for the operator,
// who has made sure who asks. It returns the user's sessions, which may do less now where the
// organization requires one.
func (s *Service) DropSecondFactor(ctx context.Context, email string) (changed []uid.ID, err error) {
	operator := audit.AsOperator(ctx)
	err = s.db.InTx(operator, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, changed...) })
		u, err := tx.Client.User.Query().Where(user.Email(normalEmail(email))).Only(operator)
		if ent.IsNotFound(err) {
			return fmt.Errorf("nobody has the address %q", email)
		}
		if err != nil {
			return err
		}

		if at, err := holdUser(operator, tx, u.ID); err != nil {
			return err
		} else if at == nil {
			return fmt.Errorf("%s has no second factor", u.Email)
		}

		if changed, err = openSessions(operator, tx, u.ID); err != nil {
			return err
		}
		if err := dropFactor(operator, tx, u.ID); err != nil {
			return err
		}
		if err := s.notify(operator, tx, u.ID, noticeFactorRemoved); err != nil {
			return err
		}

		return recordOf(operator, tx, u.ID,
			audit.Entry{Action: audit.ActionFactorRemove, Subject: u.ID, Summary: "disabled the second factor of " + u.Email})
	})
	if err != nil {
		return nil, fmt.Errorf("disable second factor: %w", err)
	}

	return changed, nil
}

func dropFactor(ctx context.Context, tx *database.Tx, userID uid.ID) error {
	if err := tx.Client.User.UpdateOneID(userID).ClearSecondFactorAt().Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.Client.SecondFactor.Delete().Where(secondfactor.UserID(userID)).Exec(ctx); err != nil {
		return err
	}

	_, err := tx.Client.RecoveryCode.Delete().Where(recoverycode.UserID(userID)).Exec(ctx)

	return err
}

// holdUser locks a user's row until the transaction ends, so that no session is opened while a
// second factor changes, and tells since when there is one.
func holdUser(ctx context.Context, tx *database.Tx, id uid.ID) (since *time.Time, err error) {
	var at database.NullTime
	row := tx.QueryRowContext(ctx, "SELECT second_factor_at FROM app_user WHERE id = $1"+tx.DB.ForUpdate(), id)
	if err := row.Scan(&at); err != nil {
		return nil, fmt.Errorf("hold user: %w", err)
	}
	if !at.Valid {
		return nil, nil
	}

	return &at.Time, nil
}

func shownSecret(plain []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(plain)
}

// factorURI is for QR codes: github.com/google/google-authenticator/wiki/Key-Uri-Format.
func factorURI(email, secret string) string {
	query := url.Values{"secret": {secret}, "issuer": {factorIssuer}, "algorithm": {"SHA1"}, "digits": {"6"},
		"period": {"30"}}
	return "otpauth://totp/" + factorIssuer + ":" + url.PathEscape(email) + "?" + query.Encode()
}

// tidyCode is a code without what people put between its characters.
func tidyCode(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(code)))
}
