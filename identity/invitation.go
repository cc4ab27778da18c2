package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

const invitationAge = 7 * 24 * time.Hour

// InviteMember makes an invitation to the caller's organization, and has it mailed. An earlier one
// to the same address is void from then on. The token, which the inviter may hand on, is not to be
// had again; the mail has another one.
func (s *Service) InviteMember(ctx context.Context, email string, role enum.Role) (token string, expiresAt time.Time,
	err error) {
	v, err := Require(ctx, enum.RoleAdmin)
	if err != nil {
		return "", time.Time{}, err
	}
	if err := s.mustBeProven(ctx, v, ""); err != nil {
		return "", time.Time{}, err
	}

	var wrong usererror.Fields
	email = checkEmail(&wrong, "email", email)
	if !v.May(role) {
		wrong.Add("role", usererror.NotAllowed, "A member's role cannot be higher than yours, which is %s.", v.Role)
	}
	if err := wrong.Err(); err != nil {
		return "", time.Time{}, err
	}
	if err := s.allow(ctx, tooOften, invitationLimits(v, email)...); err != nil {
		return "", time.Time{}, err
	}

	token = newToken(invitationPrefix)
	id, expiresAt := uid.New(uid.Invitation), s.now().Add(invitationAge)
	if ends := v.expires(); v.Key != nil && ends != nil && ends.Before(expiresAt) {
		expiresAt = *ends // what a key makes does not outlive it
	}

	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, v *Viewer) error {
		if !v.May(role) {
			return aboveYours("role", "member", v)
		}
		if err := s.mayInvite(ctx, tx, email); err != nil {
			return err
		}

		create := tx.Client.Invitation.Create().SetID(id).SetEmail(email).SetRole(role).SetTokenHash(digest(token)).
			SetCreatedAt(s.now()).SetExpiresAt(expiresAt)
		if s.keys != nil { // else nothing can be mailed
			create.SetMailAfter(s.now())
		}

		if v.User != nil {
			create.SetInvitedBy(v.User.ID)
		} else {
			create.SetInvitedByKey(v.Key.ID)
		}

		if err := create.Exec(ctx); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionMemberInvite, Subject: id,
			Summary: fmt.Sprintf("invited %s as %s", email, role)})
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("invite member: %w", err)
	}

	return token, expiresAt, nil
}

// invitationLimits are what an invitation counts against: mails that are written to strangers.
func invitationLimits(v *Viewer, email string) []string {
	by := v.Organization // a key
	if v.User != nil {
		by = v.User.ID
	}

	return []string{"invite:" + v.Organization.String(), "inviter:" + by.String(), "invitations:", "invited:" + email}
}

// mayInvite takes away an earlier invitation of that address, and says why there can be no other
// one.
func (s *Service) mayInvite(ctx context.Context, tx *database.Tx, email string) error {
	if is, err := tx.Client.Member.Query().Where(member.HasUserWith(user.Email(email))).Exist(ctx); err != nil {
		return err
	} else if is {
		return usererror.Refuse("email", usererror.Taken, "This person is a member already.")
	}

	if err := s.roomForMember(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Client.Invitation.Delete().Where(invitation.Email(email)).Exec(ctx); err != nil {
		return err
	}

	return s.roomForInvitation(ctx, tx)
}

// Invitations lists those to the caller's organization that can still be accepted, the oldest
// first.
func (s *Service) Invitations(ctx context.Context) ([]*ent.Invitation, error) {
	if _, err := Require(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}

	found, err := s.db.Client.Invitation.Query().Where(invitation.ExpiresAtGT(s.now())).Order(invitation.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}

	return found, nil
}

// RevokeInvitation voids an invitation to the caller's organization, whatever its role: that only
// takes away.
func (s *Service) RevokeInvitation(ctx context.Context, id uid.ID) error {
	return s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, _ *Viewer) error {
		invited, err := tx.Client.Invitation.Get(ctx, id)
		if ent.IsNotFound(err) {
			return usererror.Missing("invitation")
		}
		if err == nil {
			err = tx.Client.Invitation.DeleteOne(invited).Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("revoke invitation %s: %w", id, err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionMemberUninvite, Subject: id,
			Summary: "withdrew the invitation of " + invited.Email})
	})
}

// AcceptInvitation is what an invited person shows. Name and Password count for who has no user
// yet, and Password also for a user who is not signed in.
type AcceptInvitation struct {
	Token, Name, Password string
	Code                  string // of the second factor, where the password is that of a user who has one
	AcceptTermsVersion    string
	Client                Client
}

func void(what string) error {
	return usererror.Refuse("token", usererror.Invalid,
		"This %s is not valid: it is mistyped, was used, revoked or replaced, or has expired.", what)
}

// AcceptInvitation makes the invited person a member, and opens a session in the organization. The
// token alone is not enough where the address has a user: they must be signed in as that user, or
// give its password. Of several acceptances at once one counts.
func (s *Service) AcceptInvitation(ctx context.Context, in AcceptInvitation) (signed Signed, err error) {
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}

	for range 2 { // again for who signs up elsewhere at the same time, and is known then
		var token string
		if token, err = s.acceptOnce(ctx, in); err == nil {
			return s.signed(ctx, token, in.Client)
		}
		if !database.IsUnique(err) {
			break
		}
	}

	var in2 usererror.Fields
	if errors.As(err, &in2) {
		return Signed{}, in2
	}

	return Signed{}, fmt.Errorf("accept invitation: %w", err)
}

func (s *Service) acceptOnce(ctx context.Context, in AcceptInvitation) (token string, err error) {
	system := caller.System(ctx)
	invited, err := s.invited(system, s.db.Client, in.Token)
	if err != nil {
		return "", err
	}

	guest, err := s.guest(ctx, invited.Email, in)
	if err != nil {
		return "", err
	}

	guest.proves = wasMailed(invited, in.Token)

	return s.welcome(system, invited, guest)
}

// invited is the invitation of a token, if it can still be accepted.
func (s *Service) invited(ctx context.Context, c *ent.Client, token string) (*ent.Invitation, error) {
	if tokenPrefix(token) != invitationPrefix {
		return nil, void("invitation")
	}

	hash := digest(token)
	found, err := c.Invitation.Query().
		Where(invitation.Or(invitation.TokenHash(hash), invitation.MailTokenHash(hash)), invitation.ExpiresAtGT(s.now())).
		Only(ctx)
	if ent.IsNotFound(err) {
		return nil, void("invitation")
	}

	return found, err
}

// wasMailed reports whether a token of an invitation is the one that was mailed to the invited
// address, so that who has it reads its mails. The other one its inviter knows too.
func wasMailed(invited *ent.Invitation, token string) bool {
	return bytes.Equal(invited.MailTokenHash, digest(token))
}

// welcome uses an invitation up, and makes the guest a member, with a session.
func (s *Service) welcome(ctx context.Context, invited *ent.Invitation, g guest) (token string, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := hold(ctx, tx, invited.OrganizationID); err != nil {
			return err
		}

		still, err := tx.Client.Invitation.Query().Where(invitation.ID(invited.ID),
			invitation.TokenHash(invited.TokenHash)).Exist(ctx)
		if err != nil || !still {
			return orVoid(err)
		}
		if err := s.mayStillInvite(ctx, tx, invited); err != nil {
			return err
		}
		if err := tx.Client.Invitation.DeleteOneID(invited.ID).Exec(ctx); err != nil {
			return err
		}
		if token, err = s.join(ctx, tx, g, invited); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: invited.OrganizationID, Action: audit.ActionMemberJoin,
			Subject: invited.ID,
			Summary: fmt.Sprintf("joined as %s", invited.Role), Actor: invited.Email, IP: g.entry.client.IP})
	})

	if err == nil {
		s.giveBack(ctx, g.tried)
	}

	return token, s.noteWrongCode(ctx, invited.OrganizationID, invited.Email, g.entry.client.IP, err)
}

// mayStillInvite voids an invitation whose inviter could not make it any more: who was removed or
// has a lower role now must not come back, or bring others in, by what they made before.
func (s *Service) mayStillInvite(ctx context.Context, tx *database.Tx, invited *ent.Invitation) error {
	now := Viewer{Organization: invited.OrganizationID}
	switch {
	case invited.InvitedBy != nil:
		m, err := tx.Client.Member.Query().Where(member.OrganizationID(invited.OrganizationID),
			member.UserID(*invited.InvitedBy)).Only(ctx)
		if err != nil {
			return voidIfMissing(err)
		}

		now.Role = m.Role
	case invited.InvitedByKey != nil:
		key, err := tx.Client.APIKey.Query().Where(apikey.ID(*invited.InvitedByKey), s.goodKey()).Only(ctx)
		if err != nil {
			return voidIfMissing(err)
		}

		now.Role = key.Role
	default: // a key of which older versions kept nothing
		return nil
	}

	if !now.May(enum.RoleAdmin) || !now.May(invited.Role) {
		return void("invitation")
	}

	return nil
}

func voidIfMissing(err error) error {
	if ent.IsNotFound(err) {
		return void("invitation")
	}
	return err
}

func orVoid(err error) error {
	if err != nil {
		return err
	}
	return void("invitation")
}

// guest is who accepts an invitation: a caller who is signed in, a user whose password was right,
// or somebody new.
type guest struct {
	caller       *Viewer   // nil where a password is shown
	user         *ent.User // nil of somebody new, whose are the others
	name         string
	passwordHash string
	proves       bool  // they have shown that the invited address is theirs
	tried        try   // that was counted for their code
	entry        entry // how they come in; its user and organization are those of the invitation
}

// guest finds out who accepts, and whether they may.
func (s *Service) guest(ctx context.Context, email string, in AcceptInvitation) (g guest, err error) {
	g.entry = entry{code: in.Code, field: "code", client: in.Client}
	var wrong usererror.Fields
	s.checkVersion(&wrong, "acceptTermsVersion", in.AcceptTermsVersion)
	u, err := s.db.Client.User.Query().Where(user.Email(email)).Only(caller.System(ctx))

	switch v, _ := From(ctx); {
	case err != nil && !ent.IsNotFound(err):
		return guest{}, err
	case u == nil && s.signUps == SignUpsClosed:
		return guest{}, nobodyNew()
	case u == nil:
		g.name = checkName(&wrong, "name", in.Name)
		checkPassword(&wrong, "password", in.Password, email, g.name)
		if err := wrong.Err(); err != nil {
			return guest{}, err
		}

		g.passwordHash, err = s.passwords.hash(ctx, in.Password)

		return g, err
	case v != nil && v.User != nil && v.User.ID == u.ID:
		g.caller, g.user = v, u
		return g, wrong.Err()
	}

	if err := wrong.Err(); err != nil {
		return guest{}, err
	}

	tried, err := s.countTry(ctx, tryPassword, email, email, in.Client)
	if err != nil {
		return guest{}, err
	}

	right, err := s.knows(ctx, u, in.Password)
	if right {
		s.giveBack(ctx, tried)
	}

	if err == nil && !right {
		err = usererror.Refuse("password", usererror.Invalid,
			"The invited address is signed up already: give the password of that user, or sign in first. "+
				"If it was not you who signed up, ask for a new password, which throws away what was made with your address.")
	}

	if err == nil && in.Code != "" {
		g.tried, err = s.countTry(ctx, tryCode, u.Email, u.ID.String(), in.Client)
	}

	g.user = u

	return g, err
}

func nobodyNew() error {
	return usererror.Refuse("", usererror.NotAllowed,
		"This service takes nobody new by itself: ask its operator to add you, and accept the invitation then.")
}

// join makes the guest a member, with a session.
func (s *Service) join(ctx context.Context, tx *database.Tx, g guest, invited *ent.Invitation) (token string,
	err error) {
	org := invited.OrganizationID
	o, err := tx.Client.Organization.Get(ctx, org)
	if err != nil {
		return "", err
	}
	if o.Status == enum.OrganizationStatusClosed {
		return "", void("invitation")
	}

	if g.user == nil {
		if g.user, err = s.newGuest(ctx, tx, invited.Email, g); err != nil {
			return "", err
		}
	}

	is, err := tx.Client.Member.Query().Where(member.OrganizationID(org), member.UserID(g.user.ID)).Exist(ctx)
	if err != nil {
		return "", err
	}

	if !is {
		if err := s.roomToJoin(ctx, tx, org, g.user.ID); err != nil {
			return "", err
		}

		err := tx.Client.Member.Create().SetOrganizationID(org).SetUserID(g.user.ID).SetRole(invited.Role).
			SetCreatedAt(s.now()).Exec(ctx)
		if err != nil {
			return "", err
		}
	}

	err = s.recordTerms(ctx, tx.Client, acceptance{organization: org, user: g.user.ID, personal: true,
		ip: g.entry.client.IP})
	if err != nil {
		return "", err
	}

	if g.proves {
		if err := s.prove(ctx, tx, g.user, g.user.Email, g.entry.client.IP); err != nil {
			return "", err
		}
	}

	if g.caller != nil {
		return s.switchSession(ctx, tx, g.caller, org)
	}

	g.entry.user, g.entry.organization = g.user, org

	return s.enterIn(ctx, tx, g.entry)
}

// newGuest makes the user of a guest who is new, and has a link mailed to them if their address is
// yet to be proven.
func (s *Service) newGuest(ctx context.Context, tx *database.Tx, email string, g guest) (*ent.User, error) {
	create := tx.Client.User.Create().SetEmail(email).SetName(g.name).SetPasswordHash(g.passwordHash).SetCreatedAt(s.now())
	if g.proves {
		create.SetEmailVerifiedAt(s.now())
	}

	u, err := create.Save(ctx)
	if err != nil || g.proves {
		return u, err
	}

	return u, s.askToVerify(ctx, tx, u.ID)
}
