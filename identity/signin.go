package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/user"
	"carillon/usererror"
)

// SignIn is what a known user shows.
type SignIn struct {
	Email, Password string
	Code            string // of the second factor, or a recovery code
	Client          Client
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

	org, err := s.latestOrganization(system, u.ID)
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

	org, err := s.latestOrganization(ctx, u.ID)
	if err != nil || org.IsZero() {
		return err
	}

	return s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Organization: org, Action: audit.ActionSignInFail, Subject: u.ID,
			Summary: "somebody gave a wrong password for " + u.Email, Actor: "somebody", IP: client.IP})
	})
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
