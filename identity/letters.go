package identity

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/emailverification"
	"carillon/ent/passwordreset"
	"carillon/ent/user"
	"carillon/outbox"
)

// invitationLetter makes the token of an invitation's mail; again, after a failure, it finds the
// same token. It is another one than the inviter got: who has it reads the mails of the address.
func (s *Service) invitationLetter(ctx context.Context, i *ent.Invitation) (l outbox.Letter, ok bool, err error) {
	token, err := s.mailedToken(ctx, i)
	if ent.IsNotFound(err) {
		return outbox.Letter{}, false, nil // accepted, revoked or replaced just now
	}
	if err != nil {
		return outbox.Letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
	}

	o, err := s.db.Client.Organization.Get(ctx, i.OrganizationID)
	if err != nil {
		return outbox.Letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
	}

	by := "Somebody"
	if i.InvitedBy != nil {
		u, err := s.db.Client.User.Get(ctx, *i.InvitedBy)
		if err != nil && !ent.IsNotFound(err) {
			return outbox.Letter{}, false, fmt.Errorf("invitation %s: %w", i.ID, err)
		}
		if u != nil {
			by = outbox.Mailable(u.Name, by)
		}
	}

	return outbox.Letter{To: i.Email, Subject: "Invitation to Carillon", Text: fmt.Sprintf(`Hello,

%s invites you to join %s on Carillon.
To accept, open this link:

%s

It works until %s. If you do not know what this is about, ignore this mail.
`, by, outbox.Mailable(o.Name, "an organization"), s.publicURL+acceptPath+token, day(i.ExpiresAt))}, true, nil
}

func (s *Service) mailedToken(ctx context.Context, i *ent.Invitation) (string, error) {
	if len(i.MailTokenHash) > 0 && len(i.SealedToken) > 0 {
		token, err := s.keys.Open(i.SealedToken, i.ID[:])
		return string(token), err
	}

	token := newToken(invitationPrefix)
	err := s.db.Client.Invitation.UpdateOneID(i.ID).SetMailTokenHash(digest(token)).
		SetSealedToken(s.keys.Seal([]byte(token), i.ID[:])).Exec(ctx)

	return token, err
}

// resetLetter looks up the user and makes the token; again, after a failure, it finds the same
// token. Of several requests that wait for one address only the latest is mailed. Links that were
// mailed before stay good, mostLinks of them: what a stranger asks for takes none from the user.
func (s *Service) resetLetter(ctx context.Context, r *ent.PasswordReset) (l outbox.Letter, ok bool, err error) {
	var token []byte
	warning := ""
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		u, err := tx.Client.User.Query().Where(user.Email(r.Email)).Only(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return err
		}

		later, err := tx.Client.PasswordReset.Query().Where(passwordreset.Email(r.Email), passwordreset.IDGT(r.ID),
			passwordreset.MailAfterNotNil()).Exist(ctx)
		if err != nil {
			return err
		}
		if u == nil || later && len(r.TokenHash) == 0 { // one with a token may have been mailed, before it failed
			return tx.Client.PasswordReset.DeleteOneID(r.ID).Exec(ctx)
		}
		if err := dropOldLinks(ctx, tx, r); err != nil {
			return err
		}

		if ok = true; u.EmailVerifiedAt == nil {
			warning = startsOver
		}

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

		return recordOf(ctx, tx, u.ID, audit.Entry{Action: audit.ActionPasswordRequest, Subject: u.ID,
			Summary: "a link to reset the password of " + r.Email + " was asked for"})
	})
	if ent.IsNotFound(err) {
		return outbox.Letter{}, false, nil // used up or replaced just now
	}
	if err != nil {
		return outbox.Letter{}, false, fmt.Errorf("reset %s: %w", r.ID, err)
	}

	return outbox.Letter{To: r.Email, Subject: "Set a new password", Text: fmt.Sprintf(`Hello,

somebody, probably you, asked for a new password for the user %s of Carillon.
To set one, open this link:

%s

It works once, within an hour. If it was not you, ignore this mail: your password stays as it is.
%s`, r.Email, s.resetLink(string(token)), warning)}, ok, nil
}

// dropOldLinks voids the links for the address of r that are more than mostLinks with its own, the
// oldest first.
func dropOldLinks(ctx context.Context, tx *database.Tx, r *ent.PasswordReset) error {
	older := passwordreset.And(passwordreset.Email(r.Email), passwordreset.IDLT(r.ID), passwordreset.TokenHashNotNil())
	oldest, err := tx.Client.PasswordReset.Query().Where(older).Order(ent.Desc(passwordreset.FieldID)).
		Offset(mostLinks - 1).FirstID(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}

	_, err = tx.Client.PasswordReset.Delete().Where(older, passwordreset.IDLTE(oldest)).Exec(ctx)

	return err
}

// startsOver says beforehand what a reset does to a user whose address is not proven.
const startsOver = `
Nobody has proven yet that this address is theirs. So a new password throws away what was made with it, in case that was somebody
else: sessions, API keys, memberships, and organizations that nobody else belongs to. If it was you, and you know your password,
sign in and verify your address instead.
`

// verificationLetter makes the token with which a user proves their address, as resetLetter does.
// The latest request counts.
func (s *Service) verificationLetter(ctx context.Context, v *ent.EmailVerification) (l outbox.Letter, ok bool,
	err error) {
	var token []byte
	to := ""
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		u, err := tx.Client.User.Query().Where(user.ID(v.UserID)).Only(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return err
		}

		later, err := tx.Client.EmailVerification.Query().Where(emailverification.UserID(v.UserID),
			emailverification.IDGT(v.ID)).Exist(ctx)
		if err != nil {
			return err
		}
		if u == nil || u.EmailVerifiedAt != nil || later {
			return tx.Client.EmailVerification.DeleteOneID(v.ID).Exec(ctx)
		}

		_, err = tx.Client.EmailVerification.Delete().Where(emailverification.UserID(v.UserID),
			emailverification.IDLT(v.ID)).Exec(ctx)
		if err != nil {
			return err
		}

		to, ok = u.Email, true
		if len(v.SealedToken) > 0 {
			token, err = s.keys.Open(v.SealedToken, v.ID[:])
			return err
		}

		token = []byte(newToken(verificationPrefix))

		return tx.Client.EmailVerification.UpdateOneID(v.ID).SetTokenHash(digest(string(token))).
			SetSealedToken(s.keys.Seal(token, v.ID[:])).SetExpiresAt(s.now().Add(verificationAge)).Exec(ctx)
	})
	if ent.IsNotFound(err) {
		return outbox.Letter{}, false, nil // used up or replaced just now
	}
	if err != nil {
		return outbox.Letter{}, false, fmt.Errorf("verification %s: %w", v.ID, err)
	}

	return outbox.Letter{To: to, Subject: "Verify your address", Text: fmt.Sprintf(`Hello,

somebody, probably you, signed up at Carillon with the address %s.
To show that it is yours, open this link where you are signed in:

%s

It works once, within a day. If it was not you, do not open it. Ask for a new password, should you ever want to use Carillon:
that throws away whatever was made with your address.
`, to, s.publicURL+verifyPath+string(token))}, ok, nil
}
