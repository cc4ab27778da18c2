package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/pquerna/otp/hotp"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/recoverycode"
	"carillon/ent/secondfactor"
	"carillon/uid"
	"carillon/usererror"
)

const (
	recoveryCodes  = 10
	recoveryLength = 16 // characters of base32: 80 bits, too many to find from a plain hash
	recoveryGroup  = 4
	reauthAge      = 10 * time.Minute // how fresh a sign-in stands in for a password
)

func newSecret() []byte {
	plain := make([]byte, secretBytes)
	_, _ = rand.Read(plain) // never fails: crypto/rand ends the program instead
	return plain
}

// spendCode uses up a code, of the app or for recovery, of a user whose row tx holds, and tells
// which of the two it was.
func (s *Service) spendCode(ctx context.Context, tx *database.Tx, userID uid.ID, field, code string) (recovery bool,
	err error) {
	code = tidyCode(code)
	if len(code) != recoveryLength {
		return false, s.spendDigits(ctx, tx, userID, field, code)
	}

	n, err := tx.Client.RecoveryCode.Update().
		Where(recoverycode.UserID(userID), recoverycode.CodeHash(recoveryHash(userID, code)), recoverycode.UsedAtIsNil()).
		SetUsedAt(s.now()).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	if n == 0 {
		return false, wrongCode(field)
	}

	return true, nil
}

// spendDigits uses up a code of the app: neither it nor an older one is taken again.
func (s *Service) spendDigits(ctx context.Context, tx *database.Tx, userID uid.ID, field, code string) error {
	if code == "" {
		return missingCode(field)
	}

	factor, err := tx.Client.SecondFactor.Query().Where(secondfactor.UserID(userID)).Only(ctx)
	if ent.IsNotFound(err) {
		return usererror.Refuse("", usererror.NotAllowed, "No second factor was begun: call beginSecondFactor first.")
	}
	if err != nil {
		return fmt.Errorf("read second factor: %w", err)
	}

	step, err := s.stepOf(factor, code)
	if err != nil {
		return err
	}
	if step <= factor.LastStep { // zero when the code is of no step
		return wrongCode(field)
	}

	n, err := tx.Client.SecondFactor.Update().Where(secondfactor.ID(factor.ID), secondfactor.LastStepLT(step)).
		SetLastStep(step).Save(ctx)
	if err != nil {
		return fmt.Errorf("use code: %w", err)
	}
	if n == 0 {
		return wrongCode(field)
	}

	return nil
}

// stepOf is the step around now whose code that is, the latest if there are two; zero for none.
func (s *Service) stepOf(factor *ent.SecondFactor, code string) (step int64, err error) {
	if s.keys == nil {
		return 0, fmt.Errorf("second factor %s: no key to open its secret with", factor.ID)
	}

	plain, err := s.keys.Open(factor.Secret, factor.ID[:])
	if err != nil {
		return 0, fmt.Errorf("second factor %s: %w", factor.ID, err)
	}

	now := s.now().Unix() / int64(factorStep.Seconds())
	for at := now - factorSkew; at <= now+factorSkew; at++ {
		// Its error says that the code has not six characters, which is wrong like any other.
		if right, _ := hotp.ValidateCustom(code, uint64(at), shownSecret(plain), codeForm); right {
			step = at
		}
	}

	return step, nil
}

// makeRecoveryCodes replaces a user's codes.
func (s *Service) makeRecoveryCodes(ctx context.Context, tx *database.Tx, userID uid.ID) ([]string, error) {
	if _, err := tx.Client.RecoveryCode.Delete().Where(recoverycode.UserID(userID)).Exec(ctx); err != nil {
		return nil, fmt.Errorf("delete recovery codes: %w", err)
	}

	shown, rows := make([]string, recoveryCodes), make([]*ent.RecoveryCodeCreate, recoveryCodes)
	for i := range shown {
		code := rand.Text()[:recoveryLength]
		rows[i] = tx.Client.RecoveryCode.Create().SetUserID(userID).SetCodeHash(recoveryHash(userID, code)).
			SetCreatedAt(s.now())
		for at := 0; at < recoveryLength; at += recoveryGroup {
			if at > 0 {
				shown[i] += "-"
			}

			shown[i] += code[at : at+recoveryGroup]
		}
	}

	if err := tx.Client.RecoveryCode.CreateBulk(rows...).Exec(ctx); err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}

	return shown, nil
}

// recoveryHash differs from user to user for the same code.
func recoveryHash(userID uid.ID, code string) []byte { return digest(userID.String() + ":" + code) }

func missingCode(field string) error {
	return usererror.Refuse(field, usererror.Required, "Give a code of your authenticator app, or a recovery code.")
}

// codeRefused is a wrong code, as the caller reads of it, told apart from other mistakes in an
// input.
type codeRefused struct{ usererror.Fields }

func (c *codeRefused) Unwrap() error { return c.Fields }

func wrongCode(field string) error {
	var in usererror.Fields
	in.Add(field, usererror.Invalid,
		"This code is wrong, too old, or was used before. Give the one that the app shows now, or a recovery code.")
	return &codeRefused{in}
}
