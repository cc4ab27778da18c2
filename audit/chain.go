package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"carillon/database"
	"carillon/uid"
)

// Trail is what a walk along one organization's audit trail found.
type Trail struct {
	Organization uid.ID
	Last         int64 // the sequence number of its newest event
	// that event's hash; kept elsewhere, it shows later whether the trail up to there is still the
	// same
	Head  string
	Break string // the first place where it is not as it was recorded; empty when there is none
}

// Walk reads every organization's audit trail to its end. Each event must have the hash of what it
// says and follow on the one before; the last must be the one that the chain names. Events that are
// recorded meanwhile are not looked at.
func Walk(ctx context.Context, db *database.DB) ([]Trail, error) {
	chains, err := readChains(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read audit chains: %w", err)
	}

	trails := make([]Trail, 0, len(chains))
	for _, c := range chains {
		t := Trail{Organization: c.organization, Last: c.last, Head: hex.EncodeToString(c.hash)}
		if t.Break, err = c.firstBreak(ctx, db); err != nil {
			return nil, fmt.Errorf("walk the audit trail of %s: %w", c.organization, err)
		}

		trails = append(trails, t)
	}

	strays, err := strays(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("look for audit events outside of their chains: %w", err)
	}

	return append(trails, strays...), nil
}

// chain is a row of audit_chain.
type chain struct {
	organization           uid.ID
	last, erasedThrough    int64
	hash, hashOfLastErased []byte
}

func readChains(ctx context.Context, db *database.DB) (chains []chain, err error) {
	rows, err := db.Query(ctx, "SELECT id, last, hash, erased_through, erased_hash FROM audit_chain ORDER BY id")
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var c chain
		if err := rows.Scan(&c.organization, &c.last, &c.hash, &c.erasedThrough, &c.hashOfLastErased); err != nil {
			return nil, err
		}

		chains = append(chains, c)
	}

	return chains, rows.Err()
}

// firstBreak returns the first place where a chain is not as it was recorded; empty when there is
// none.
func (c chain) firstBreak(ctx context.Context, db *database.DB) (string, error) {
	rows, err := db.Query(ctx, `SELECT id, sequence, at, actor, action, subject_id, summary, coalesce(ip, ''),
		previous_hash, hash
		FROM audit_event WHERE organization_id = $1 AND sequence > $2 AND sequence <= $3
		ORDER BY sequence`, c.organization, c.erasedThrough, c.last)
	if err != nil {
		return "", err
	}

	defer rows.Close()
	sequence, hash := c.erasedThrough, c.hashOfLastErased

	for rows.Next() {
		e, stored := event{organization: c.organization}, []byte(nil)
		if err := rows.Scan(&e.id, &e.sequence, &e.at, &e.actor, &e.action, &e.subject, &e.summary, &e.ip, &e.previous,
			&stored); err != nil {
			return "", err
		}

		sequence++
		switch {
		case e.sequence != sequence:
			return fmt.Sprintf("event %d is missing: the next one there is %d", sequence, e.sequence), nil
		case !bytes.Equal(e.hash(), stored):
			return fmt.Sprintf("event %d is not as it was recorded: it was changed or moved", sequence), nil
		case !bytes.Equal(e.previous, hash):
			return fmt.Sprintf("event %d does not follow on event %d: one of them was replaced", sequence, sequence-1), nil
		}

		hash = stored
	}

	if err := rows.Err(); err != nil {
		return "", err
	}

	switch {
	case sequence != c.last:
		return fmt.Sprintf("the trail ends at event %d, and its chain says %d: the newest are missing", sequence, c.last), nil
	case !bytes.Equal(hash, c.hash):
		return fmt.Sprintf("event %d is not the one that the chain ends with", sequence), nil
	}

	return "", nil
}

// strays finds, in one statement and so at one moment, events that no chain covers.
func strays(ctx context.Context, db *database.DB) (trails []Trail, err error) {
	rows, err := db.Query(ctx, `SELECT e.organization_id, min(e.sequence) FROM audit_event e LEFT
		JOIN audit_chain c ON c.id = e.organization_id
		WHERE c.id IS NULL OR e.sequence > c.last OR e.sequence <= c.erased_through GROUP BY e.organization_id
		ORDER BY e.organization_id`)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var t Trail
		var sequence int64
		if err := rows.Scan(&t.Organization, &sequence); err != nil {
			return nil, err
		}

		t.Break = fmt.Sprintf(
			"event %d is outside of the chain: the chain was set back or removed, or the event was planted", sequence)
		trails = append(trails, t)
	}

	return trails, rows.Err()
}

// Erase deletes an organization's audit trail with the rest of its data. The chain stays and
// says how much it was and how it ended; what is recorded from now on follows on that. Nothing else
// may delete an audit event: triggers refuse it.
func Erase(ctx context.Context, tx *database.Tx, organization uid.ID) error {
	_, err := tx.ExecContext(ctx, "UPDATE audit_chain SET erased_through = last, erased_hash = hash WHERE id = $1",
		organization)
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM audit_event WHERE organization_id = $1", organization)
	}
	if err != nil {
		return fmt.Errorf("erase the audit trail of %s: %w", organization, err)
	}

	return nil
}
