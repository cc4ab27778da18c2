package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/emailverification"
	"carillon/ent/enum"
	"carillon/ent/externallogin"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

// verificationAge is how long the link of a mail can prove an address.
const verificationAge = 24 * time.Hour

// unproven refuses what would give power to a user whose address may be somebody else's.
func unproven(field string) error {
	return usererror.Refuse(field, usererror.NotAllowed,
		"Verify your e-mail address first: open the link that was mailed to you, or have another one mailed with "+
			"requestEmailVerification.")
}

// mustBeProven refuses a user whose address is not proven. An API key may act: who made it had to
// be proven.
func (s *Service) mustBeProven(ctx context.Context, v *Viewer, field string) error {
	if v.User == nil {
		return nil
	}

	u, err := s.db.Client.User.Get(caller.System(ctx), v.User.ID)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	if u.EmailVerifiedAt == nil {
		return unproven(field)
	}

	return nil
}

// RequestEmailVerification has a link mailed with which the caller proves their address. It answers
// the same where the address is proven already.
func (s *Service) RequestEmailVerification(ctx context.Context) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}
	if err := s.allow(ctx, tooOften, "verify:"+v.User.ID.String()); err != nil {
		return err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error { return s.askToVerify(system, tx, v.User.ID) })
	if err != nil {
		return fmt.Errorf("request verification: %w", err)
	}

	return nil
}

// askToVerify has a link mailed. The token is made, and the user looked up, when the mail is about
// to be sent.
func (s *Service) askToVerify(ctx context.Context, tx *database.Tx, userID uid.ID) error {
	return tx.Client.EmailVerification.Create().SetUserID(userID).
		SetCreatedAt(s.now()).SetExpiresAt(s.now().Add(verificationAge)).SetMailAfter(s.now()).Exec(ctx)
}

// VerifyEmail is what somebody shows who has got a link.
type VerifyEmail struct {
	Token    string
	Password string // of the user; not looked at when they call themselves
	Client   Client
}

// VerifyEmail proves the address of the user to whom the token was mailed, once. The token alone is
// not enough: it shows that somebody reads the mails, and not that they made the user. So the call
// comes with a session of that user, or with the password. Otherwise a stranger could sign up with
// an address and have its owner confirm it with a click.
func (s *Service) VerifyEmail(ctx context.Context, in VerifyEmail) (*ent.User, error) {
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return nil, err
	}
	if tokenPrefix(in.Token) != verificationPrefix {
		return nil, void("link")
	}

	system := caller.System(ctx)
	which := func(c *ent.EmailVerificationClient) *ent.EmailVerificationQuery {
		return c.Query().Where(emailverification.TokenHash(digest(in.Token)), emailverification.ExpiresAtGT(s.now()))
	}
	asked, err := which(s.db.Client.EmailVerification).Only(system)
	if ent.IsNotFound(err) {
		return nil, void("link")
	}
	if err != nil {
		return nil, fmt.Errorf("verify address: %w", err)
	}

	u, err := s.db.Client.User.Get(system, asked.UserID)
	if err != nil {
		return nil, fmt.Errorf("verify address: %w", err)
	}
	if err := s.isWhoSignedUp(ctx, u, in); err != nil {
		return nil, err
	}

	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, u.ID) })
		stored, err := lockedPassword(system, tx, u.ID)
		if err != nil {
			return err
		}

		still, err := which(tx.Client.EmailVerification).Exist(system)
		if err != nil {
			return err
		}
		if !still || stored != u.PasswordHash { // a new password has ended what was shown
			return void("link")
		}

		return s.prove(system, tx, u, u.Email, in.Client.IP)
	})
	if err != nil {
		return nil, fmt.Errorf("verify address: %w", err)
	}

	if u, err = s.db.Client.User.Get(system, u.ID); err != nil {
		return nil, fmt.Errorf("verify address: %w", err)
	}

	return u, nil
}

// isWhoSignedUp refuses who neither calls as the user nor knows the password.
func (s *Service) isWhoSignedUp(ctx context.Context, u *ent.User, in VerifyEmail) error {
	if v, ok := From(ctx); ok && v.User != nil && v.User.ID == u.ID {
		return nil
	}

	if in.Password == "" {
		return usererror.Refuse("password", usererror.Required, "Sign in first, or give the password of the user. "+
			"If you did not sign up here, somebody else did with your address: ask for a new password, "+
			"which throws away what they made.")
	}

	tried, err := s.countTry(ctx, tryPassword, u.Email, u.Email, in.Client)
	if err != nil {
		return err
	}

	right, err := s.knows(ctx, u, in.Password)
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	if !right {
		return usererror.Refuse("password", usererror.Invalid, "This is not the password of the user whose address this is.")
	}

	s.giveBack(ctx, tried)

	return nil
}

// prove notes that a user's address is theirs, and records it in all of their organizations. Where
// it is noted already it does nothing. Call it before anything else is recorded.
func (s *Service) prove(ctx context.Context, tx *database.Tx, u *ent.User, actor, ip string) error {
	n, err := s.markProven(ctx, tx, u.ID)
	if err != nil || n == 0 {
		return err
	}

	return recordOf(ctx, tx, u.ID, audit.Entry{Action: audit.ActionEmailVerify, Subject: u.ID,
		Summary: "proved that the address " + u.Email + " is theirs", Actor: actor, IP: ip})
}

func (s *Service) markProven(ctx context.Context, tx *database.Tx, userID uid.ID) (changed int, err error) {
	changed, err = tx.Client.User.Update().Where(user.ID(userID), user.EmailVerifiedAtIsNil()).
		SetEmailVerifiedAt(s.now()).Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("note that an address is proven: %w", err)
	}
	if _, err := tx.Client.EmailVerification.Delete().Where(emailverification.UserID(userID)).Exec(ctx); err != nil {
		return 0, fmt.Errorf("delete verifications: %w", err)
	}

	return changed, nil
}

// VouchFor notes by the operator's word that a user's address is theirs, and keeps all that they
// have.
func (s *Service) VouchFor(ctx context.Context, email string) error {
	operator := audit.AsOperator(ctx)
	var known *ent.User
	err := s.db.InTx(operator, func(tx *database.Tx) (err error) {
		tx.After(func(ctx context.Context) { s.revoked(ctx, known.ID) })
		known, err = tx.Client.User.Query().Where(user.Email(normalEmail(email))).Only(operator)
		if ent.IsNotFound(err) {
			return fmt.Errorf("nobody has the address %q", email)
		}
		if err != nil {
			return err
		}

		return s.prove(operator, tx, known, "", "")
	})
	if err != nil {
		return fmt.Errorf("vouch for an address: %w", err)
	}

	return nil
}

// holdWithOrganizations locks the organizations to which a user belongs, in the order of their ids,
// and then the user, and returns the memberships. From then on the user joins nothing and leaves
// nothing until the transaction ends.
func holdWithOrganizations(ctx context.Context, tx *database.Tx, userID uid.ID) ([]*ent.Member, error) {
	own := func() ([]*ent.Member, error) {
		return tx.Client.Member.Query().Where(member.UserID(userID)).Order(member.ByOrganizationID()).All(ctx)
	}
	before, err := own()
	if err != nil {
		return nil, err
	}

	for _, m := range before {
		if err := hold(ctx, tx, m.OrganizationID); err != nil {
			return nil, err
		}
	}

	if _, err := lockedPassword(ctx, tx, userID); err != nil {
		return nil, err
	}

	now, err := own()
	if err != nil {
		return nil, err
	}

	for _, m := range now {
		if !slices.ContainsFunc(before, func(b *ent.Member) bool { return b.OrganizationID == m.OrganizationID }) {
			return nil, usererror.New(usererror.Conflict, "the user joined an organization at the same time: try again")
		}
	}

	return now, nil
}

// firstProof holds a user who has shown nothing but that they read the mails of the address. If
// nobody had shown that before, it is its first proof, and they start over.
func (s *Service) firstProof(ctx context.Context, tx *database.Tx, u *ent.User) (ended []uid.ID, first bool,
	err error) {
	if u.EmailVerifiedAt != nil {
		_, err := lockedPassword(ctx, tx, u.ID)
		return nil, false, err
	}

	memberships, err := holdWithOrganizations(ctx, tx, u.ID)
	if err != nil {
		return nil, false, err
	}

	now, err := tx.Client.User.Get(ctx, u.ID)
	if err != nil || now.EmailVerifiedAt != nil { // meanwhile
		return nil, false, err
	}

	ended, err = s.startOver(ctx, tx, u, memberships)

	return ended, true, err
}

// startOver throws away everything that was made under an address before it was first proven, by
// somebody who has shown neither the password nor a session: they may be its owner, and all of it
// somebody else's. The user stays, proven, without a password. It returns the sessions and API keys
// that are over, and the organizations that nobody belongs to any more: these are closed, not
// erased, so that the operator can give them back. The caller holds the user and their
// organizations.
func (s *Service) startOver(ctx context.Context, tx *database.Tx, u *ent.User,
	memberships []*ent.Member) (ended []uid.ID, err error) {
	if ended, err = s.endSessions(ctx, tx, session.UserID(u.ID)); err != nil {
		return nil, err
	}

	keys, err := s.endKeys(ctx, tx, apikey.CreatedBy(u.ID))
	if err != nil {
		return nil, err
	}

	ended = append(ended, keys...)
	if err := s.forgetCredentials(ctx, tx, u); err != nil {
		return nil, err
	}
	if _, err := s.markProven(ctx, tx, u.ID); err != nil {
		return nil, err
	}

	for _, m := range memberships {
		closed, err := s.leaveUnproven(ctx, tx, m, u)
		if err != nil {
			return nil, err
		}
		if closed {
			ended = append(ended, m.OrganizationID)
		}
	}

	return ended, nil
}

// forgetCredentials takes away all by which a user could come in, and what they are called: that
// was a stranger's choice too.
func (s *Service) forgetCredentials(ctx context.Context, tx *database.Tx, u *ent.User) error {
	if _, err := tx.Client.ExternalLogin.Delete().Where(externallogin.UserID(u.ID)).Exec(ctx); err != nil {
		return fmt.Errorf("unlink logins: %w", err)
	}
	if err := dropFactor(ctx, tx, u.ID); err != nil {
		return fmt.Errorf("drop second factor: %w", err)
	}
	if _, err := tx.Client.Invitation.Delete().Where(invitation.InvitedBy(u.ID)).Exec(ctx); err != nil {
		return fmt.Errorf("void invitations: %w", err)
	}

	name, _, _ := strings.Cut(u.Email, "@")

	return tx.Client.User.UpdateOneID(u.ID).SetPasswordHash("").SetName(name).ClearLocale().Exec(ctx)
}

// leaveUnproven ends a membership that was made before the address was proven, and closes the
// organization if nobody else is in it.
func (s *Service) leaveUnproven(ctx context.Context, tx *database.Tx, m *ent.Member, u *ent.User) (closed bool,
	err error) {
	if err := tx.Client.Member.DeleteOneID(m.ID).Exec(ctx); err != nil {
		return false, fmt.Errorf("end membership: %w", err)
	}

	err = audit.Record(ctx, tx, audit.Entry{Organization: m.OrganizationID, Action: audit.ActionMemberRemove,
		Subject: m.ID,
		Summary: fmt.Sprintf(
			"removed %s, who was %s: whoever reads the mails of that address proved it without knowing the password",
			u.Email, m.Role)})
	if err != nil {
		return false, err
	}

	others, err := tx.Client.Member.Query().Where(member.OrganizationID(m.OrganizationID)).Exist(ctx)
	if err != nil || others {
		return false, err
	}

	const why = "its only member's address turned out to be somebody else's"
	err = tx.Client.Organization.UpdateOneID(m.OrganizationID).SetStatus(enum.OrganizationStatusClosed).
		SetStatusReason(why).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("close organization: %w", err)
	}

	return true, audit.Record(ctx, tx, audit.Entry{Organization: m.OrganizationID, Action: audit.ActionOrganizationClose,
		Subject: m.OrganizationID, Summary: "closed the organization: " + why})
}
