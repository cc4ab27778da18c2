package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/predicate"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

// sweptUsers bounds how many suspensions one sweep ends.
const sweptUsers = 100

// Suspension is what the operator decides on a user.
type Suspension struct {
	Until  *time.Time // nil: until the operator ends it
	Reason string     // for the user to read; may be empty
}

// userSuspended is the condition in SQL under which the user u is suspended at $2. isSuspended and
// suspendedUsers say the same.
const userSuspended = "(u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > $2))"

func (s *Service) isSuspended(u *ent.User) bool { return suspendedAt(u, s.now()) }

func suspendedAt(u *ent.User, now time.Time) bool {
	return u.SuspendedAt != nil && (u.SuspendedUntil == nil || u.SuspendedUntil.After(now))
}

func (s *Service) suspendedUsers() predicate.User {
	return user.And(user.SuspendedAtNotNil(), user.Or(user.SuspendedUntilIsNil(), user.SuspendedUntilGT(s.now())))
}

// suspensionText says who is suspended, until when and why.
func suspensionText(who string, u *ent.User) string {
	text := "The operator of this service has suspended " + who
	if u.SuspendedUntil != nil {
		text += " until " + u.SuspendedUntil.UTC().Format(time.RFC3339)
	}
	if u.SuspendedReason != nil {
		text += ": " + *u.SuspendedReason
	}

	return text
}

// admit refuses a user who is suspended. The caller holds the user's row, so that no session is
// opened after a suspension has ended them all.
func (s *Service) admit(ctx context.Context, tx *database.Tx, userID uid.ID) error {
	u, err := tx.Client.User.Query().Where(user.ID(userID), s.suspendedUsers()).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for a suspension: %w", err)
	}

	return usererror.Refuse("", usererror.NotAllowed, "%s", suspensionText("you", u))
}

// makerStands refuses an API key while the user who stands behind it is suspended.
func (s *Service) makerStands(ctx context.Context, key *ent.APIKey) error {
	if key.CreatedBy == nil {
		return nil
	}

	u, err := s.db.Client.User.Query().Where(user.ID(*key.CreatedBy), s.suspendedUsers()).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil
	case err != nil:
		return err
	}

	return usererror.New(usererror.Unauthenticated, "%s", suspensionText("the user who made this API key", u))
}

// SuspendUser lets a user in no more, as the operator: their sessions are over, and the API keys
// that they made open nothing meanwhile. Again changes the end and the reason. It returns the
// sessions and keys that it stopped.
func (s *Service) SuspendUser(ctx context.Context, email string, how Suspension) (stopped []uid.ID, err error) {
	operator := audit.AsOperator(ctx)
	var userID uid.ID
	err = s.db.InTx(operator, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, append(stopped, userID)...) })
		u, err := holdByEmail(operator, tx, email)
		if err != nil {
			return err
		}

		userID = u.ID
		update, summary := u.Update().SetSuspendedAt(s.now()), "suspended "+u.Email

		if how.Until == nil {
			update.ClearSuspendedUntil()
		} else {
			update.SetSuspendedUntil(*how.Until)
			summary += " until " + how.Until.UTC().Format(time.RFC3339)
		}

		if reason := strings.TrimSpace(how.Reason); reason == "" {
			update.ClearSuspendedReason()
		} else {
			update.SetSuspendedReason(reason)
			summary += ": " + reason
		}

		if err := update.Exec(operator); err != nil {
			return err
		}

		if stopped, err = s.endSessions(operator, tx, session.UserID(u.ID)); err != nil {
			return err
		}

		keys, err := tx.Client.APIKey.Query().Where(apikey.CreatedBy(u.ID), s.goodKey()).IDs(operator)
		if err != nil {
			return err
		}

		stopped = append(stopped, keys...)

		return recordOf(operator, tx, u.ID, audit.Entry{Action: audit.ActionMemberSuspend, Subject: u.ID, Summary: summary})
	})
	if err != nil {
		return nil, fmt.Errorf("suspend user: %w", err)
	}

	return stopped, nil
}

// ResumeUser ends a user's suspension, as the operator. The user signs in anew; the API keys that
// they made go on.
func (s *Service) ResumeUser(ctx context.Context, email string) error {
	operator := audit.AsOperator(ctx)
	err := s.db.InTx(operator, func(tx *database.Tx) error {
		u, err := holdByEmail(operator, tx, email)
		if err != nil {
			return err
		}
		if u.SuspendedAt == nil {
			return usererror.New(usererror.Conflict, "%s is not suspended", u.Email)
		}

		return letIn(operator, tx, u, audit.Entry{Summary: "ended the suspension of " + u.Email})
	})
	if err != nil {
		return fmt.Errorf("resume user: %w", err)
	}

	return nil
}

// EndSuspensions writes back that suspensions of users are over, and records it. They count as over
// from their end on, whenever this runs.
func (s *Service) EndSuspensions(ctx context.Context) error {
	system := caller.System(ctx)
	over := user.And(user.SuspendedAtNotNil(), user.SuspendedUntilLTE(s.now()))
	ids, err := s.db.Client.User.Query().Where(over).Order(user.ByID()).Limit(sweptUsers).IDs(system)
	if err != nil {
		return fmt.Errorf("look for suspensions that are over: %w", err)
	}

	for _, id := range ids {
		err := s.db.InTx(system, func(tx *database.Tx) error {
			if _, err := holdUser(system, tx, id); err != nil {
				return err
			}

			u, err := tx.Client.User.Query().Where(user.ID(id), over).Only(system)
			if ent.IsNotFound(err) {
				return nil // another process was first, or the operator has changed it
			}
			if err != nil {
				return err
			}

			return letIn(system, tx, u, audit.Entry{Summary: "the suspension of " + u.Email + " has ended by itself"})
		})
		if err != nil {
			return fmt.Errorf("end the suspension of %s: %w", id, err)
		}
	}

	return nil
}

func letIn(ctx context.Context, tx *database.Tx, u *ent.User, entry audit.Entry) error {
	if err := u.Update().ClearSuspendedAt().ClearSuspendedUntil().ClearSuspendedReason().Exec(ctx); err != nil {
		return err
	}

	entry.Action, entry.Subject = audit.ActionMemberResume, u.ID
	return recordOf(ctx, tx, u.ID, entry)
}

// holdByEmail reads the user of an address and keeps others from changing them until the
// transaction ends.
func holdByEmail(ctx context.Context, tx *database.Tx, email string) (*ent.User, error) {
	id, err := tx.Client.User.Query().Where(user.Email(normalEmail(email))).OnlyID(ctx)
	if ent.IsNotFound(err) {
		return nil, fmt.Errorf("nobody has the address %q", email)
	}
	if err != nil {
		return nil, err
	}
	if _, err := holdUser(ctx, tx, id); err != nil {
		return nil, err
	}

	return tx.Client.User.Get(ctx, id)
}
