package audience

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/webhook"
)

// clockSkew is how far WhatsApp's clock may be ahead of ours. What claims to be said later than
// that counts as said now.
const clockSkew = 5 * time.Minute

// Statement is what was said of a person's wish about marketing.
type Statement struct {
	Consent          enum.Consent // OPTED_IN or OPTED_OUT
	By               enum.ConsentSpeaker
	Source, Evidence string
	SaidAt           time.Time // by WhatsApp's clock; zero is now
	// Answers is the message that the person opts out in answer to, as far as that is known. Their
	// opt-out counts in its sums. It is nil for what is not counted.
	Answers *delivery.OptOut
}

// RecordConsentOf records a statement of somebody who is known by their identifiers. What is said
// by somebody who is no contact holds as soon as they become one.
func (s *Service) RecordConsentOf(ctx context.Context, who Identity, st Statement) error {
	who.Make = max(who.Make, MakeStranger)
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		people, err := s.Identify(ctx, tx, who)
		if err != nil || people[0].ID.IsZero() {
			return err
		}

		counts, err := s.recordConsent(ctx, tx, who.Organization, people[0], st)
		if err != nil || counts == nil {
			return err
		}

		return delivery.CountOptOuts(ctx, tx, *counts)
	})
	if err != nil {
		return fmt.Errorf("record a consent: %w", err)
	}

	return nil
}

// recordConsent records a statement of a person whom Identify has found in this transaction, and
// lets what was said last hold. It returns the opt-out to be counted, if there is one. A statement
// that is recorded already changes nothing.
func (s *Service) recordConsent(ctx context.Context, tx *database.Tx, organization uid.ID, p Person,
	st Statement) (*delivery.OptOut, error) {
	now := s.moment()
	if st.SaidAt.IsZero() || st.SaidAt.After(now.Add(clockSkew)) {
		st.SaidAt = now
	}

	st.SaidAt = database.Moment(st.SaidAt)
	st.Source, st.Evidence = cut(clean(st.Source), maxSource), cut(clean(st.Evidence), maxEvidence)
	var known int
	err := tx.QueryRowContext(ctx,
		`SELECT count(*) FROM consent_record WHERE contact_id = $1 AND said_at = $2 AND consent = $3 AND source = $4
		AND said_by = $5`,
		p.ID, st.SaidAt, st.Consent, st.Source, st.By).Scan(&known)
	if err != nil || known > 0 {
		return nil, err
	}

	counts, err := counted(ctx, tx, p, st)
	if err != nil {
		return nil, err
	}

	err = tx.Client.ConsentRecord.Create().SetOrganizationID(organization).SetContactID(p.ID).SetConsent(st.Consent).
		SetSource(st.Source).
		SetNillableEvidence(given(&st.Evidence)).SetSaidBy(st.By).SetSaidAt(st.SaidAt).SetRecordedAt(now).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if p.Contact == nil {
		return counts, nil
	}

	all, err := histories(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}

	consent := all[p.ID].consent(p.Contact.MarketingConsent)
	if consent == p.Contact.MarketingConsent {
		return counts, nil
	}

	p.Contact.MarketingConsent = consent
	if _, err = tx.ExecContext(ctx, "UPDATE contact SET marketing_consent = $2 WHERE id = $1", p.ID, consent); err != nil {
		return nil, err
	}

	return counts, webhook.Tell(ctx, tx, webhook.ConsentChanged(p.Contact, st.Source, now))
}

// counted is the opt-out that a statement adds to the sums; nil for none. Who says stop twice has
// opted out once, in whatever order the two are told.
func counted(ctx context.Context, tx *database.Tx, p Person, st Statement) (*delivery.OptOut, error) {
	if st.Answers == nil || st.Consent != enum.ConsentOptedOut {
		return nil, nil
	}

	const holding = "contact_id = $1 AND (said_by = 'CONTACT' OR consent = 'OPTED_OUT')"
	for _, beside := range []string{
		"SELECT consent FROM consent_record WHERE " + holding +
			" AND said_at <= $2 ORDER BY said_at DESC, consent DESC LIMIT 1",
		"SELECT consent FROM consent_record WHERE " + holding + " AND said_at > $2 ORDER BY said_at, consent DESC LIMIT 1",
	} {
		var already int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM ("+beside+") AS beside WHERE consent = 'OPTED_OUT'",
			p.ID, st.SaidAt).Scan(&already); err != nil || already > 0 {
			return nil, err
		}
	}

	out := *st.Answers
	out.At, out.Contact = st.SaidAt, p.ID
	if p.Contact != nil && p.Contact.Country != nil {
		out.Country = *p.Contact.Country
	}

	return &out, nil
}

// history is when each kind of statement was last made of a person; zero is never.
type history struct{ out, inByContact, inByOrganization time.Time }

// consent is what counts of all that was said. A person's own word counts by when it was said, and
// of two at once the stricter one does. What the organization says opts in only a person who has
// never opted out. So the order in which statements are told makes no difference.
//
// stored is what the contact's row says. It counts as said before all else where no record shows
// it.
func (h history) consent(stored enum.Consent) enum.Consent {
	switch {
	case !h.out.IsZero() && !h.inByContact.After(h.out):
		return enum.ConsentOptedOut
	case !h.inByContact.IsZero():
		return enum.ConsentOptedIn
	case stored == enum.ConsentOptedOut:
		return enum.ConsentOptedOut
	case !h.inByOrganization.IsZero() || stored == enum.ConsentOptedIn:
		return enum.ConsentOptedIn
	}

	return enum.ConsentUnknown
}

// add takes note of a statement.
func (h *history) add(consent enum.Consent, by enum.ConsentSpeaker, at time.Time) {
	switch {
	case consent == enum.ConsentOptedOut:
		h.out = latest(h.out, at)
	case consent == enum.ConsentOptedIn && by == enum.ConsentSpeakerContact:
		h.inByContact = latest(h.inByContact, at)
	case consent == enum.ConsentOptedIn:
		h.inByOrganization = latest(h.inByOrganization, at)
	}
}

// histories reads what was said of some people.
func histories(ctx context.Context, tx *database.Tx, people ...uid.ID) (map[uid.ID]history, error) {
	all := make(map[uid.ID]history, len(people))
	if len(people) == 0 {
		return all, nil
	}

	from, args := tx.DB.Rowset(nil, database.IDs("id", people))
	rows, err := tx.QueryContext(ctx, "SELECT contact_id, consent, said_by, max(said_at) FROM consent_record JOIN "+
		from+" ON contact_id = f.id GROUP BY contact_id, consent, said_by", args...)

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var person uid.ID
		var consent enum.Consent
		var by enum.ConsentSpeaker
		var last database.NullTime
		if err := rows.Scan(&person, &consent, &by, &last); err != nil {
			return err
		}

		h := all[person]
		h.add(consent, by, last.Time)
		all[person] = h

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read consent records: %w", err)
	}

	return all, nil
}
