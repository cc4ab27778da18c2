package audience

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// serviceWindow is how long free-form replies are allowed after a person wrote or called.
// developers.facebook.com, WhatsApp "Customer service windows" (read 2026-08).
const serviceWindow = 24 * time.Hour

// Inbound is what a person did: a message that they wrote, or a call.
type Inbound struct {
	Person Person // as Identify found them in this transaction
	// Text is what they wrote or pressed, and empty for anything else: words that opt out and in are
	// looked for in it.
	Text string
	At   time.Time // by WhatsApp's clock; zero is now
	// OpensWindow says that free-form replies are allowed for a day from then on.
	OpensWindow bool
	Policy      jsonfield.SendingPolicy
	Answers     delivery.OptOut // what an opt-out is in answer to
}

// RecordInbound opens service windows, and records the consent that people express by a word of
// their organization's. Give it each message once. It returns the opt-outs to be counted in the
// same transaction.
func (s *Service) RecordInbound(ctx context.Context, tx *database.Tx, all ...Inbound) (counts []delivery.OptOut,
	err error) {
	now := s.moment()
	closes := map[uid.ID]time.Time{}
	for i, in := range all {
		if in.At.IsZero() || in.At.After(now) {
			in.At = now // nobody wrote in the future
		}
		if c := in.Person.Contact; c != nil && in.OpensWindow {
			closes[c.ID] = latest(closes[c.ID], database.Moment(in.At).Add(serviceWindow))
		}

		consent, said := keyword(in.Text, in.Policy)
		if !said || in.Person.ID.IsZero() {
			continue
		}

		counted, err := s.recordConsent(ctx, tx, in.Answers.Organization, in.Person, Statement{
			Consent: consent, By: enum.ConsentSpeakerContact, Source: "keyword", Evidence: in.Text, SaidAt: all[i].At,
			Answers: &in.Answers,
		})
		if err != nil {
			return nil, fmt.Errorf("record what somebody said: %w", err)
		}
		if counted != nil {
			counts = append(counts, *counted)
		}
	}

	return counts, openWindows(ctx, tx, closes)
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// openWindows keeps service windows open until a time; one that is open longer stays so.
func openWindows(ctx context.Context, tx *database.Tx, closes map[uid.ID]time.Time) error {
	if len(closes) == 0 {
		return nil
	}

	ids, times := make([]uid.ID, 0, len(closes)), make([]time.Time, 0, len(closes))
	for id, at := range closes {
		ids, times = append(ids, id), append(times, at)
	}

	from, args := tx.DB.Rowset(nil, database.IDs("id", ids), database.Times("closes", times))
	_, err := tx.ExecContext(ctx, `UPDATE contact SET service_window_closes_at = f.closes FROM `+from+`
		WHERE contact.id = f.id AND (contact.service_window_closes_at IS NULL
		OR contact.service_window_closes_at < f.closes)`, args...)
	if err != nil {
		return fmt.Errorf("open service windows: %w", err)
	}

	return nil
}
