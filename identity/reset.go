package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/member"
	"carillon/ent/passwordreset"
	"carillon/ent/predicate"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/enum"
	"carillon/fault"
	"carillon/tenant"
	"carillon/uid"
)

const resetAge = time.Hour

// ChangePassword gives the caller another password and a new session in the same organization. All sessions that they had
// are over, and returned.
func (s *Service) ChangePassword(ctx context.Context, current, password string) (signed Signed, ended []uid.ID, err error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return Signed{}, nil, err
	}
	var wrong fault.Inputs
	checkPassword(&wrong, "newPassword", password, v.User.Email, v.User.Name)
	if err := wrong.Err(); err != nil {
		return Signed{}, nil, err
	}
	if err := s.throttle(ctx, v.User.Email, v.client()); err != nil {
		return Signed{}, nil, err
	}
	system := tenant.System(ctx)
	u, err := s.db.Client.User.Get(system, v.User.ID)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}
	notCurrent := fault.Refuse("currentPassword", fault.Invalid, "This is not your current password. Who has none, or has forgotten it, can have a link to set one mailed to them.")
	if right, err := s.knows(ctx, u, current); err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	} else if !right {
		return Signed{}, nil, notCurrent
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}
	token := ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		stored, err := lockedPassword(system, tx, u.ID)
		if err != nil {
			return err
		}
		if stored != u.PasswordHash {
			return notCurrent // any more
		}
		if token, err = s.follow(system, tx, v, v.Organization); err != nil {
			return err
		}
		if ended, err = s.setPassword(system, tx, u, hash, session.TokenHashNEQ(digest(token))); err != nil {
			return err
		}
		return recordOf(system, tx, u.ID, Entry{Action: ActionPasswordChange, Subject: u.ID, Summary: "changed their password"})
	})
	if err != nil {
		return Signed{}, nil, fmt.Errorf("change password: %w", err)
	}
	signed, err = s.signed(ctx, token, v.client())
	return signed, ended, err
}

// RequestPasswordReset has a link to set a new password mailed, if the address has a user. What it does, and for how long,
// does not depend on that: the user is looked up only when the mail is about to be sent.
func (s *Service) RequestPasswordReset(ctx context.Context, email string, client Client) error {
	var wrong fault.Inputs
	email = checkEmail(&wrong, "email", email)
	if err := wrong.Err(); err != nil {
		return err
	}
	if err := s.throttle(ctx, "", client); err != nil {
		return err
	}
	if err := s.allow(ctx, "reset:"+email); err != nil {
		return err
	}
	err := s.db.Client.PasswordReset.Create().SetEmail(email).SetCreatedAt(s.now()).SetExpiresAt(s.now().Add(resetAge)).SetMailAfter(s.now()).
		Exec(tenant.System(ctx))
	if err != nil {
		return fmt.Errorf("request password reset: %w", err)
	}
	return nil
}

// ResetLink makes a link with which the user of that address can set a new password, as the operator; older ones are void.
func (s *Service) ResetLink(ctx context.Context, email string) (link string, err error) {
	system := tenant.System(ctx)
	email = normalEmail(email)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		u, err := tx.Client.User.Query().Where(user.Email(email)).Only(system)
		if ent.IsNotFound(err) {
			return fault.Missing("user with this address")
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
		return recordOf(system, tx, u.ID, Entry{Action: ActionPasswordRequest, Subject: u.ID, Summary: "made a link to reset the password of " + u.Email})
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
	Client             Client
}

// ResetPassword sets a new password by a token that was mailed, once. All of the user's sessions are over, and returned, and
// one is opened where they were last; none when they belong to no open organization. A second factor is asked for as it is at
// sign-in, and the token is good until its code is right.
func (s *Service) ResetPassword(ctx context.Context, in ResetPassword) (signed Signed, ended []uid.ID, err error) {
	if err := s.throttle(ctx, "", in.Client); err != nil {
		return Signed{}, nil, err
	}
	if tokenPrefix(in.Token) != resetPrefix {
		return Signed{}, nil, void("link")
	}
	system := tenant.System(ctx)
	which := func(c *ent.PasswordResetClient) *ent.PasswordResetQuery {
		return c.Query().Where(passwordreset.TokenHash(digest(in.Token)), passwordreset.ExpiresAtGT(s.now()))
	}
	reset, err := which(s.db.Client.PasswordReset).Only(system)
	if ent.IsNotFound(err) {
		return Signed{}, nil, void("link")
	}
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}
	u, err := s.db.Client.User.Query().Where(user.Email(reset.Email)).Only(system)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}
	var wrong fault.Inputs
	checkPassword(&wrong, "newPassword", in.NewPassword, u.Email, u.Name)
	if err := wrong.Err(); err != nil {
		return Signed{}, nil, err
	}
	hash, err := s.passwords.hash(ctx, in.NewPassword)
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}
	home, err := s.home(system, u.ID)
	if err == nil && in.Code != "" {
		err = s.throttleCode(ctx, u.ID)
	}
	if err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}
	opened := ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		if _, err := lockedPassword(system, tx, u.ID); err != nil {
			return err
		}
		if still, err := which(tx.Client.PasswordReset).Exist(system); err != nil {
			return err
		} else if !still {
			return void("link")
		}
		if ended, err = s.setPassword(system, tx, u, hash); err != nil {
			return err
		}
		if !home.IsZero() {
			now := *u
			now.PasswordHash = hash
			if opened, err = s.enterIn(system, tx, entry{user: &now, organization: home, code: in.Code, field: "code", client: in.Client}); err != nil {
				return err
			}
		}
		return recordOf(system, tx, u.ID, Entry{Action: ActionPasswordReset, Subject: u.ID, Summary: "set a new password by a link", Actor: u.Email, IP: in.Client.IP})
	})
	if err := s.noteWrongCode(system, home, u.Email, in.Client.IP, err); err != nil {
		return Signed{}, nil, fmt.Errorf("reset password: %w", err)
	}
	if opened == "" {
		return Signed{}, ended, nil
	}
	signed, err = s.signed(ctx, opened, in.Client)
	return signed, ended, err
}

// recordOf records what concerns a user in all of their organizations, in the order that Record asks for.
func recordOf(ctx context.Context, tx *database.Tx, userID uid.ID, entry Entry) error {
	members, err := tx.Client.Member.Query().Where(member.UserID(userID)).Order(member.ByOrganizationID()).All(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		entry.Organization = m.OrganizationID
		if err := Record(ctx, tx, entry); err != nil {
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

// setPassword stores a password, voids the tokens to reset it, and ends the user's sessions but those that spare leaves out.
func (s *Service) setPassword(ctx context.Context, tx *database.Tx, u *ent.User, hash string, spare ...predicate.Session) (ended []uid.ID, err error) {
	if err := tx.Client.User.UpdateOneID(u.ID).SetPasswordHash(hash).Exec(ctx); err != nil {
		return nil, err
	}
	if _, err := tx.Client.PasswordReset.Delete().Where(passwordreset.Email(u.Email)).Exec(ctx); err != nil {
		return nil, err
	}
	return s.endSessions(ctx, tx, append(spare, session.UserID(u.ID))...)
}
