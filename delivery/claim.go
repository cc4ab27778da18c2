package delivery

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/uid"
)

const (
	// handOvers is in how many parts a claim goes to WhatsApp. Before the first message of a part
	// leaves, the part is marked; so when a worker dies, only the messages of the parts that were
	// marked may have been sent, and all others are queued again.
	handOvers = 4
	// unhanded is how long the parts that are not marked belong to one worker. It may be short: once
	// it is over nothing more of the claim can be handed over, so that a worker that was only slow
	// does no harm.
	unhanded = 15 * time.Second
)

func partSize(n int) int { return (n + handOvers - 1) / handOvers }

// HandOver marks a part of a claim as possibly sent, and every part before it; last says that none
// follows. It must be committed before the first of the part's messages leaves. False: the worker
// was given up, the messages are somebody else's, and none of them may leave.
func (q *Queue) HandOver(ctx context.Context, claim uid.ID, part int, last bool) (held bool, err error) {
	statement, args := "UPDATE claim SET handed = $2 WHERE id = $1 AND NOT taken", []any{claim, part}
	if last {
		statement, args = "DELETE FROM claim WHERE id = $1 AND NOT taken", args[:1]
	}

	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}

		n, err := result.RowsAffected()
		held = n > 0

		return err
	})
	if err != nil {
		return false, fmt.Errorf("hand over part %d of claim %s: %w", part, claim, err)
	}

	return held, nil
}

// claimed are the messages of all claims, found by the index of organizations' statuses: one of
// their own would cost every claim an entry for each message.
const claimed = "message.organization_id IN (SELECT id FROM organization) AND message.status = 'SENDING'"

// ExpireLeases takes messages from workers that are gone: those that were not handed over are
// queued again, the others become UNKNOWN, since they may have been sent. It returns how many there
// were.
func (q *Queue) ExpireLeases(ctx context.Context) (int, error) {
	back, err := q.takeBack(ctx)
	if err != nil {
		return back, err
	}

	now := q.now()
	lost, err := q.sweep(ctx, func() ([]Fact, error) {
		return q.facts(ctx, Fact{Kind: Lost, At: now},
			"SELECT message.id, message.attempts, message.claim_id FROM message WHERE "+claimed+
				" AND message.lease_until < $1 LIMIT $2", now, sweepPage)
	})

	return back + lost, err
}

// takeBack first sees to it that nothing more of an old claim can be handed over, then queues what
// was not, then forgets the claim. After each step it may die and begin again, and two at once do
// no harm: a message that was claimed anew meanwhile has another claim.
func (q *Queue) takeBack(ctx context.Context) (n int, err error) {
	now := q.now()
	old, err := q.changeClaims(ctx, "UPDATE claim SET taken = $2 WHERE until < $1", now, true)
	if err != nil || old == 0 {
		return 0, err
	}

	n, err = q.sweep(ctx, func() ([]Fact, error) {
		return q.facts(ctx, Fact{Kind: Return, At: now}, `SELECT message.id, message.attempts, message.claim_id
			FROM message JOIN claim ON claim.id = message.claim_id
			WHERE `+claimed+` AND claim.taken AND message.claim_part > claim.handed LIMIT $1`, sweepPage)
	})
	if err != nil {
		return n, err
	}

	_, err = q.changeClaims(ctx, "DELETE FROM claim WHERE until < $1 AND taken", now)

	return n, err
}

func (q *Queue) changeClaims(ctx context.Context, statement string, args ...any) (n int64, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("take back claims: %w", err)
		}

		n, err = result.RowsAffected()

		return err
	})

	return n, err
}
