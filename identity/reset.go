package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/externallogin"
	"carillon/ent/member"
	"carillon/ent/passwordreset"
	"carillon/ent/predicate"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

const (
	resetAge  = time.Hour
	mostLinks = 20 // to reset a password that are good at a time, for one address
)

// ChangePassword gives the caller another password and a new session in the same organization. All
// sessions that they had are over, and returned.
func (s *Service) ChangePassword(ctx context.Context, current, password string) (signed Signed, ended []uid.ID,
	err error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return Signed{}, nil, err
	}

	var wrong usererror.Fields
	checkPassword(&wrong, "newPassword", password, v.User.Email, v.User.Name)
	if err := wrong.Err(); err != nil {
		return Signed{}, nil, err
	}

	tried, err := s.countOwnTry(ctx, tryPassword, v.User.ID)
	if err != nil {
		return Signed{}, nil, err
	}

	system := caller.System(ctx)
	u, err := s.db.Client.User.Get(system, v.User.ID)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}

	notCurrent := usererror.Refuse("currentPassword", usererror.Invalid,
		"This is not your current password. Who has none, or has forgotten it, can have a link to set one mailed to them.")
	if right, err := s.knows(ctx, u, current); err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	} else if !right {
		return Signed{}, nil, notCurrent
	}

	s.giveBack(ctx, tried)
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}

	token := ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, ended...) })
		stored, err := lockedPassword(system, tx, u.ID)
		if err != nil {
			return err
		}
		if stored != u.PasswordHash {
			return notCurrent // any more
		}
		if token, err = s.switchSession(system, tx, v, v.Organization); err != nil {
			return err
		}
		if ended, err = s.setPassword(system, tx, u, hash, session.TokenHashNEQ(digest(token))); err != nil {
			return err
		}
		if err := s.notify(system, tx, u.ID, noticePasswordChanged); err != nil {
			return err
		}

		return recordOf(system, tx, u.ID,
			audit.Entry{Action: audit.ActionPasswordChange, Subject: u.ID, Summary: "changed their password"})
	})
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}

	signed, err = s.signed(ctx, token, v.client())

	return signed, ended, err
}

// RequestPasswordReset has a link to set a new password mailed, if the address has a user. What it
// does, and for how long, does not depend on that: the user is looked up only when the mail is
// about to be sent. When too many were asked for it mails nothing, and does not say so: strangers
// can use an address's links up, and those that were mailed for them are as good as any.
func (s *Service) RequestPasswordReset(ctx context.Context, email string, client Client) error {
	var wrong usererror.Fields
	email = checkEmail(&wrong, "email", email)
	if err := wrong.Err(); err != nil {
		return err
	}
	if err := s.throttleAddress(ctx, client); err != nil {
		return err
	}

	_, err := s.countTry(ctx, tryReset, email, email, client)
	enough := usererror.Is(err, usererror.RateLimited)
	if err != nil && !enough {
		return err
	}

	asked := s.db.Client.PasswordReset.Create().SetEmail(email).SetCreatedAt(s.now()).
		SetExpiresAt(s.now().Add(resetAge))
	if !enough { // else links were mailed that are still good; the row makes both take the same time
		asked.SetMailAfter(s.now())
	}
	if err := asked.Exec(caller.System(ctx)); err != nil {
		return fmt.Errorf("request password reset: %w", err)
	}

	return nil
}

// ResetLink makes a link with which the user of that address can set a new password, as the
// operator; older ones are void.
func (s *Service) ResetLink(ctx context.Context, email string) (link string, err error) {
	system := caller.System(ctx)
	email = normalEmail(email)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		u, err := tx.Client.User.Query().Where(user.Email(email)).Only(system)
		if ent.IsNotFound(err) {
			return usererror.Missing("user with this address")
		}
		if err != nil {
			return err
		}

		id, token := uid.New(uid.PasswordReset), newToken(resetPrefix)
		if _, err := tx.Client.PasswordReset.Delete().Where(passwordreset.Email(email)).Exec(system); err != nil {
			return err
		}

		link = s.resetLink(token)
		err = tx.Client.PasswordReset.Create().SetID(id).SetEmail(email).SetTokenHash(digest(token)).
			SetCreatedAt(s.now()).SetExpiresAt(s.now().Add(resetAge)).Exec(system)
		if err != nil {
			return err
		}

		return recordOf(system, tx, u.ID,
			audit.Entry{Action: audit.ActionPasswordRequest, Subject: u.ID,
				Summary: "made a link to reset the password of " + u.Email})
	})
	if err != nil {
		return "", fmt.Errorf("make reset link: %w", err)
	}

	return link, nil
}

// ResetPassword is what somebody shows who has got a link.
type ResetPassword struct {
	Token, NewPassword string
	Code               string // of the second factor, where the user has one
	KeepLogins         bool   // those at identity providers stay linked
	Client             Client
}

// ResetPassword sets a new password by a token that was mailed, once. All of the user's sessions
// are over, and returned, and one is opened where they were last; none when they belong to no open
// organization. Logins at identity providers are unlinked, since a thief may have linked one. A
// second factor is asked for as it is at sign-in, and the token is good until its code is right.
// Where the address was not proven before, everything that was made under it is thrown away first,
// see startOver.
func (s *Service) ResetPassword(ctx context.Context, in ResetPassword) (signed Signed, ended []uid.ID, err error) {
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, nil, err
	}

	system := caller.System(ctx)
	u, err := s.userOfReset(system, in.Token)
	if err != nil {
		return Signed{}, nil, err
	}

	var wrong usererror.Fields
	checkPassword(&wrong, "newPassword", in.NewPassword, u.Email, u.Name)
	if err := wrong.Err(); err != nil {
		return Signed{}, nil, err
	}

	hash, err := s.passwords.hash(ctx, in.NewPassword)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}

	var tried try
	home, err := s.latestOrganization(system, u.ID)
	if err == nil && in.Code != "" {
		tried, err = s.countTry(ctx, tryCode, u.Email, u.ID.String(), in.Client)
	}
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}

	opened := ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, append(ended, u.ID)...) })
		opened, ended, err = s.resetIn(system, tx, u, home, hash, in)
		return err
	})
	if err := s.noteWrongCode(system, home, u.Email, in.Client.IP, err); err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}

	s.giveBack(ctx, tried)
	if opened == "" {
		return Signed{}, ended, nil
	}

	signed, err = s.signed(ctx, opened, in.Client)

	return signed, ended, err
}

// ofReset finds the request that a token belongs to, while it is good.
func (s *Service) ofReset(c *ent.Client, token string) *ent.PasswordResetQuery {
	return c.PasswordReset.Query().Where(passwordreset.TokenHash(digest(token)), passwordreset.ExpiresAtGT(s.now()))
}

func (s *Service) userOfReset(ctx context.Context, token string) (*ent.User, error) {
	if tokenPrefix(token) != resetPrefix {
		return nil, void("link")
	}

	reset, err := s.ofReset(s.db.Client, token).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, void("link")
	}
	if err != nil {
		return nil, fmt.Errorf("reset password: %w", err)
	}

	u, err := s.db.Client.User.Query().Where(user.Email(reset.Email)).Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("reset password: %w", err)
	}

	return u, nil
}

// resetIn sets the new password, and opens a session at home unless that is zero.
func (s *Service) resetIn(ctx context.Context, tx *database.Tx, u *ent.User, home uid.ID, hash string,
	in ResetPassword) (opened string, ended []uid.ID, err error) {
	ended, first, err := s.firstProof(ctx, tx, u)
	if err != nil {
		return "", nil, err
	}

	if still, err := s.ofReset(tx.Client, in.Token).Exist(ctx); err != nil {
		return "", nil, err
	} else if !still {
		return "", nil, void("link")
	}

	if err := s.admit(ctx, tx, u.ID); err != nil {
		return "", nil, err
	}

	more, err := s.setPassword(ctx, tx, u, hash)
	if err != nil {
		return "", nil, err
	}

	ended = append(ended, more...)
	if first { // nothing is left to sign in to
		return "", ended, s.notify(ctx, tx, u.ID, noticeStartedOver)
	}

	unlinked := 0
	if !in.KeepLogins {
		if unlinked, err = tx.Client.ExternalLogin.Delete().Where(externallogin.UserID(u.ID)).Exec(ctx); err != nil {
			return "", nil, err
		}
	}

	if !home.IsZero() {
		now := *u
		now.PasswordHash = hash
		opened, err = s.enterIn(ctx, tx, entry{user: &now, organization: home, code: in.Code, field: "code",
			client: in.Client})
		if err != nil {
			return "", nil, err
		}
	}

	if err := s.notify(ctx, tx, u.ID, noticePasswordReset); err != nil {
		return "", nil, err
	}

	summary := "set a new password by a link"
	if unlinked > 0 {
		summary += fmt.Sprintf(", which unlinked %d logins at identity providers", unlinked)
	}

	return opened, ended, recordOf(ctx, tx, u.ID,
		audit.Entry{Action: audit.ActionPasswordReset, Subject: u.ID, Summary: summary, Actor: u.Email, IP: in.Client.IP})
}

// recordOf records what concerns a user in all of their organizations, in the order that Record
// asks for.
func recordOf(ctx context.Context, tx *database.Tx, userID uid.ID, entry audit.Entry) error {
	members, err := tx.Client.Member.Query().Where(member.UserID(userID)).Order(member.ByOrganizationID()).All(ctx)
	if err != nil {
		return err
	}

	for _, m := range members {
		entry.Organization = m.OrganizationID
		if err := audit.Record(ctx, tx, entry); err != nil {
			return err
		}
	}

	return nil
}

// knows reports whether the password is the user's.
func (s *Service) knows(ctx context.Context, u *ent.User, password string) (bool, error) {
	if len(password) > longestPassword*4 {
		return false, nil // no password of ours is so long, and hashing megabytes is work for nothing
	}

	right, _, err := s.passwords.verify(ctx, password, u.PasswordHash)
	return right, err
}

// setPassword stores a password, voids the tokens to reset it, and ends the user's sessions but
// those that spare leaves out.
func (s *Service) setPassword(ctx context.Context, tx *database.Tx, u *ent.User, hash string,
	spare ...predicate.Session) (ended []uid.ID, err error) {
	if err := tx.Client.User.UpdateOneID(u.ID).SetPasswordHash(hash).Exec(ctx); err != nil {
		return nil, err
	}
	if _, err := tx.Client.PasswordReset.Delete().Where(passwordreset.Email(u.Email)).Exec(ctx); err != nil {
		return nil, err
	}

	return s.endSessions(ctx, tx, append(spare, session.UserID(u.ID))...)
}
