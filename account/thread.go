package account

import (
	"context"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
)

const (
	// threadIdle is how long after its last sign a conversation has a holder: WhatsApp lets it go
	// after a day without the person, and tells nobody.
	// developers.facebook.com, WhatsApp "Conversation Routing" (read 2026-11).
	threadIdle = 24 * time.Hour
	// sharedFor is how long a number counts as shared after the last sign of another app.
	sharedFor = 30 * 24 * time.Hour
	// sharedStep is how exactly that sign is kept: a number that is shared sees many a second.
	sharedStep = 24 * time.Hour
)

// Thread is a sign of who holds the conversation of a number and a person.
type Thread struct {
	PhoneNumber *ent.PhoneNumber
	Address     string // the person, as in messages; empty where WhatsApp does not say
	Ours        bool
	Role        string // the holder's, in Meta's words; empty where nothing says
	At          time.Time
}

// Shared reports whether another app was seen lately to hold conversations of a number.
func (s *Service) Shared(n *ent.PhoneNumber) bool {
	return n.SharedAt != nil && s.now().Sub(*n.SharedAt) < sharedFor
}

// NoteThread takes in a sign that a number is shared, and of who holds one of its conversations.
// The latest sign counts, in whatever order they come; Meta's have whole seconds, within which the
// one that comes last counts.
func (s *Service) NoteThread(ctx context.Context, t Thread) error {
	if err := s.noteShared(ctx, t.PhoneNumber, t.At); err != nil || t.Address == "" {
		return err
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO thread
			(id, organization_id, phone_number_id, address, ours, role, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (phone_number_id, address) DO UPDATE SET ours = excluded.ours, role = excluded.role,
			at = excluded.at WHERE thread.at <= excluded.at`,
			uid.New(uid.Thread), t.PhoneNumber.OrganizationID, t.PhoneNumber.ID, t.Address, t.Ours, t.Role,
			t.At.Truncate(time.Second))
		return err
	})
	if err != nil {
		return fmt.Errorf("note a conversation of number %s: %w", t.PhoneNumber.ID, err)
	}

	return nil
}

// NoteReceived says that a message came to us as its conversation's holder. It matters only where
// another app was seen to hold that one.
func (s *Service) NoteReceived(ctx context.Context, t Thread) error {
	if !s.Shared(t.PhoneNumber) || t.Address == "" {
		return nil
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE thread SET ours = $1, role = '', at = $2 WHERE phone_number_id = $3
			AND address = $4 AND organization_id = $5 AND at <= $2`,
			true, t.At.Truncate(time.Second), t.PhoneNumber.ID, t.Address, t.PhoneNumber.OrganizationID)
		return err
	})
	if err != nil {
		return fmt.Errorf("note a conversation of number %s: %w", t.PhoneNumber.ID, err)
	}

	return nil
}

// NoteRefused says that WhatsApp refused a message to a person because another app holds the
// conversation (131070).
func (s *Service) NoteRefused(ctx context.Context, number uid.ID, address string, at time.Time) error {
	n, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.ID(number)).Only(caller.System(ctx))
	if ent.IsNotFound(err) {
		return usererror.Missing("phone number")
	}
	if err != nil {
		return fmt.Errorf("phone number %s: %w", number, err)
	}

	return s.NoteThread(ctx, Thread{PhoneNumber: n, Address: address, At: at})
}

func (s *Service) noteShared(ctx context.Context, n *ent.PhoneNumber, at time.Time) error {
	if n.SharedAt != nil && at.Sub(*n.SharedAt) < sharedStep {
		return nil
	}

	before := at.Add(-sharedStep)
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		changed, err := tx.Client.PhoneNumber.Update().Where(phonenumber.ID(n.ID),
			phonenumber.Or(phonenumber.SharedAtIsNil(), phonenumber.SharedAtLT(before))).SetSharedAt(at).
			Save(caller.System(ctx))
		if err == nil && changed > 0 {
			tx.After(func(ctx context.Context) { s.changed(ctx, n.OrganizationID, n.ID) })
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("note that number %s is shared: %w", n.ID, err)
	}

	return nil
}

// SweepThreads forgets conversations that have no holder any more.
func (s *Service) SweepThreads(ctx context.Context) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM thread WHERE at <= $1", s.now().Add(-threadIdle))
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old conversations: %w", err)
	}

	return nil
}
