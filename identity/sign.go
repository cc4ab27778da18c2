package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/organization"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

// SignUp is what a new user and a new organization need.
type SignUp struct {
	Email, Password, Name string
	OrganizationName      string
	AcceptTermsVersion    string
	Client                Client
}

// SignIn is what a known user shows.
type SignIn struct {
	Email, Password string
	Code            string // of the second factor, or a recovery code
	Client          Client
}

// Signed is a session that was just opened. Its token is not to be had again.
type Signed struct {
	Token     string
	ExpiresAt time.Time
	Viewer    *Viewer
}

// SignUp makes a user and an organization that they own, signs them in, and has a link mailed that
// proves their address. A user who belongs to no organization any more, and gives their password,
// gets a new one in the same way.
func (s *Service) SignUp(ctx context.Context, in SignUp) (Signed, error) {
	switch s.signUps {
	case SignUpsByInvitation:
		return Signed{}, usererror.Refuse("", usererror.NotAllowed,
			"One joins this service by invitation: ask a member of an organization to invite you.")
	case SignUpsClosed:
		return Signed{}, usererror.Refuse("", usererror.NotAllowed,
			"Nobody can sign up here: ask the operator of this service to add you.")
	}

	return s.signUp(ctx, in, false)
}

// SignUpByOperator is SignUp whatever the operator lets others do, and with a proven address.
func (s *Service) SignUpByOperator(ctx context.Context, in SignUp) (Signed, error) {
	return s.signUp(ctx, in, true)
}

func (s *Service) signUp(ctx context.Context, in SignUp, proven bool) (Signed, error) {
	var wrong usererror.Fields
	f := founder{client: in.Client, proven: proven}
	f.email = checkEmail(&wrong, "email", in.Email)
	f.name = checkName(&wrong, "name", in.Name)
	f.organization = checkName(&wrong, "organizationName", in.OrganizationName)
	checkPassword(&wrong, "password", in.Password, f.email, f.name, f.organization)
	s.checkVersion(&wrong, "acceptTermsVersion", in.AcceptTermsVersion)
	if err := wrong.Err(); err != nil {
		return Signed{}, err
	}
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}

	var err error
	if f.user, err = s.withoutOrganization(ctx, f.email, in.Password, in.Client); err != nil {
		return Signed{}, fmt.Errorf("sign up: %w", err)
	}

	if f.user == nil {
		if f.passwordHash, err = s.passwords.hash(ctx, in.Password); err != nil {
			return Signed{}, fmt.Errorf("sign up: %w", err)
		}
	}

	system, token := caller.System(ctx), ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		u, org, err := s.found(system, tx, f)
		if err != nil {
			return err
		}
		if token, err = s.openSession(system, tx, u.ID, org.ID, in.Client); err != nil {
			return err
		}

		if u.EmailVerifiedAt == nil {
			if err := s.askToVerify(system, tx, u.ID); err != nil {
				return err
			}
		}

		return recordSignUp(system, tx, u, org, in.Client)
	})
	if database.IsUnique(err) {
		return Signed{}, addressTaken() // by someone who signed up at the same time
	}
	if err != nil {
		return Signed{}, fmt.Errorf("sign up: %w", err)
	}

	return s.signed(ctx, token, in.Client)
}

func addressTaken() error {
	return usererror.Refuse("email", usererror.Taken,
		"This e-mail address is already signed up. If that was not you, ask for a new password.")
}

// withoutOrganization is the user of an address, if the password is theirs, they have no second
// factor and belong to nothing: a removed member, say. Nobody has the address when it is nil; else
// it is taken.
func (s *Service) withoutOrganization(ctx context.Context, email, password string, client Client) (*ent.User, error) {
	system := caller.System(ctx)
	u, err := s.db.Client.User.Query().Where(user.Email(email)).Only(system)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	belongs, err := s.db.Client.Member.Query().Where(member.UserID(u.ID)).Exist(system)
	if err != nil {
		return nil, err
	}
	if belongs || u.SecondFactorAt != nil {
		return nil, addressTaken()
	}

	tried, err := s.countTry(ctx, tryPassword, u.Email, email, client)
	if err != nil {
		return nil, err
	}

	right, err := s.knows(ctx, u, password)
	if right {
		s.giveBack(ctx, tried)
	}
	if err == nil && !right {
		err = addressTaken()
	}

	return u, err
}

// SignIn opens a session in the organization where the user was last. An unknown address and a
// wrong password have the same answer, after the same time. Only who has the right password learns
// whether a second factor is asked for.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Signed, error) {
	email := normalEmail(in.Email)
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}

	tried, err := s.countTry(ctx, tryPassword, email, email, in.Client)
	if err != nil {
		return Signed{}, s.refuseLate(ctx, in.Password, err)
	}

	system := caller.System(ctx)
	u, err := s.db.Client.User.Query().Where(user.Email(email)).Only(system)
	if err != nil && !ent.IsNotFound(err) {
		return Signed{}, fmt.Errorf("sign in: %w", err)
	}

	hash := ""
	if u != nil {
		hash = u.PasswordHash
	}

	right, outdated, err := s.verify(ctx, in.Password, hash)
	if err != nil {
		return Signed{}, fmt.Errorf("sign in: %w", err)
	}

	if !right {
		s.refuseSignIn(system, u, in.Client)
		if tried.refusal != nil {
			return Signed{}, tried.refusal
		}

		return Signed{}, usererror.Refuse("", usererror.Invalid, "E-mail address or password is wrong.")
	}

	s.giveBack(ctx, tried)
	if outdated {
		if err := s.rehash(system, u, in.Password); err != nil {
			return Signed{}, fmt.Errorf("sign in: %w", err)
		}
	}

	org, err := s.home(system, u.ID)
	if err != nil {
		return Signed{}, fmt.Errorf("sign in: %w", err)
	}
	if org.IsZero() {
		return Signed{}, usererror.Refuse("", usererror.NotAllowed, "You belong to no organization that is open.")
	}

	token, err := s.enter(ctx, entry{user: u, organization: org, code: in.Code, field: "code", client: in.Client})
	if err != nil {
		return Signed{}, fmt.Errorf("sign in: %w", err)
	}

	return s.signed(ctx, token, in.Client)
}

func (s *Service) verify(ctx context.Context, password, hash string) (right, outdated bool, err error) {
	if len(password) > longestPassword*4 {
		password, hash = "", "" // no password of ours is so long, and hashing megabytes is work for nothing
	}
	return s.passwords.verify(ctx, password, hash)
}

// refuseLate returns why a sign-in is refused without a look at the password, after the time that a
// look takes: else it would show from which networks a user has signed in, and so that there is
// one.
func (s *Service) refuseLate(ctx context.Context, password string, why error) error {
	if usererror.Is(why, usererror.RateLimited) {
		if _, _, err := s.verify(ctx, password, ""); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}

		s.pause(ctx, time.Now())
	}

	return why
}

// refusalTime hides from who asks whether there was something to record. It is longer than
// recording takes.
const refusalTime = 50 * time.Millisecond

// refuseSignIn records a sign-in with the address of u and a wrong password, where it would have
// led; without u there is no organization to tell, and only the log says so. Both take the same
// time.
func (s *Service) refuseSignIn(ctx context.Context, u *ent.User, client Client) {
	begun := time.Now()
	if err := s.recordRefusal(ctx, u, client); err != nil {
		s.log.WarnContext(ctx, "a refused sign-in could not be recorded", "error", err)
	}

	s.pause(ctx, begun)
}

// pause waits until refusalTime is over.
func (s *Service) pause(ctx context.Context, begun time.Time) {
	over := time.NewTimer(time.Until(begun.Add(refusalTime)))
	defer over.Stop()

	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

func (s *Service) recordRefusal(ctx context.Context, u *ent.User, client Client) error {
	if u == nil {
		s.log.InfoContext(ctx, "a sign-in with an unknown address was refused", "ip", client.IP)
		return nil
	}

	org, err := s.home(ctx, u.ID)
	if err != nil || org.IsZero() {
		return err
	}

	return s.db.InTx(ctx, func(tx *database.Tx) error {
		return Record(ctx, tx, Entry{Organization: org, Action: ActionSignInFail, Subject: u.ID,
			Summary: "somebody gave a wrong password for " + u.Email, Actor: "somebody", IP: client.IP})
	})
}

// SignOut revokes the caller's session.
func (s *Service) SignOut(ctx context.Context) error {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return err
	}

	return s.revoke(ctx, v.Session.ID, Entry{Action: ActionSignOut, Summary: "signed out"})
}

// rehash stores the password at today's costs, in u too, unless it was changed meanwhile.
func (s *Service) rehash(ctx context.Context, u *ent.User, password string) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}

	n, err := s.db.Client.User.Update().Where(user.ID(u.ID), user.PasswordHash(u.PasswordHash)).
		SetPasswordHash(hash).Save(ctx)
	if n > 0 {
		u.PasswordHash = hash
	}

	return err
}

// home is the open organization in which the user had their latest session, else the one they
// joined first; zero for none.
func (s *Service) home(ctx context.Context, userID uid.ID) (uid.ID, error) {
	members, err := s.db.Client.Member.Query().
		Where(member.UserID(userID), member.HasOrganizationWith(organization.StatusNEQ(enum.OrganizationStatusClosed))).
		Order(member.ByID()).All(ctx)
	if err != nil || len(members) == 0 {
		return uid.ID{}, err
	}

	open := make([]uid.ID, len(members))
	for i, m := range members {
		open[i] = m.OrganizationID
	}

	last, err := s.db.Client.Session.Query().
		Where(session.UserID(userID), session.OrganizationIDIn(open...)).Order(ent.Desc(session.FieldLastUsedAt)).First(ctx)
	if ent.IsNotFound(err) {
		return open[0], nil
	}
	if err != nil {
		return uid.ID{}, err
	}

	return last.OrganizationID, nil
}

func (s *Service) openSession(ctx context.Context, tx *database.Tx, userID, org uid.ID, client Client) (token string,
	err error) {
	if err := s.roomForSession(ctx, tx, userID, uid.ID{}); err != nil {
		return "", err
	}

	token = newToken(sessionPrefix)
	err = tx.Client.Session.Create().SetUserID(userID).SetOrganizationID(org).SetTokenHash(digest(token)).
		SetNillableIP(clip(client.IP, longestName)).SetNillableUserAgent(clip(client.UserAgent, longestUserAgent)).
		SetCreatedAt(s.now()).SetLastUsedAt(s.now()).SetExpiresAt(s.ends()).Exec(ctx)

	return token, err
}

// roomForSession deletes the sessions of a user that would be too many with one more: all that are
// over, and then those that were not used for the longest. The one that calls is spared. The caller
// holds the user's row. Once that is committed, they are announced like all that are revoked.
func (s *Service) roomForSession(ctx context.Context, tx *database.Tx, userID, calling uid.ID) error {
	total, err := tx.Client.Session.Query().Where(session.UserID(userID)).Count(ctx)
	if err != nil || total < MostSessions {
		return err
	}

	room := MostSessions - 1
	if !calling.IsZero() {
		room--
	}

	stay, err := tx.Client.Session.Query().Where(session.UserID(userID), session.IDNEQ(calling), session.RevokedAtIsNil(),
		session.ExpiresAtGT(s.now())).
		Order(ent.Desc(session.FieldLastUsedAt, session.FieldID)).Limit(room).IDs(ctx)
	if err != nil {
		return err
	}

	gone := session.And(session.UserID(userID), session.IDNotIn(append(stay, calling)...))
	open, err := tx.Client.Session.Query().Where(gone, session.RevokedAtIsNil(), session.ExpiresAtGT(s.now())).IDs(ctx)
	if err != nil {
		return err
	}

	if _, err = tx.Client.Session.Delete().Where(gone).Exec(ctx); err == nil && len(open) > 0 {
		tx.After(func(ctx context.Context) { s.revoked(ctx, open...) })
	}

	return err
}

func (s *Service) signed(ctx context.Context, token string, client Client) (Signed, error) {
	v, err := s.viewer(ctx, token)
	if err != nil {
		return Signed{}, err
	}

	v.IP, v.UserAgent = client.IP, client.UserAgent

	return Signed{Token: token, ExpiresAt: v.Session.ExpiresAt, Viewer: v}, nil
}
