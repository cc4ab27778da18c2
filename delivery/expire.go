package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"carillon/database"
	"carillon/uid"
)

const (
	// expireAtOnce is how many entries one transaction deletes. The organization's journal waits for
	// its last statement alone.
	expireAtOnce = 1000

	// expireTurns bounds one sweep, so that a large backlog does not hold up the other steps.
	expireTurns = 100
)

// ExpireEvents deletes the entries of all logs that were recorded before a moment, the oldest
// first, and returns how many. What is left of a log is always its end: numbers up to
// event_counter.expired are gone, and all that follow are there. A large backlog is left for the
// next call.
func (q *Queue) ExpireEvents(ctx context.Context, before time.Time) (n int, err error) {
	for turns := 0; turns < expireTurns; {
		begins, err := q.expiring(ctx, before, expireTurns-turns)
		if err != nil || len(begins) == 0 {
			return n, err
		}

		for organization, expired := range begins { // in turns, so that a long log does not hold up the others
			gone, err := q.expire(ctx, organization, expired, before)
			if err != nil {
				return n, fmt.Errorf("expire events of %s: %w", organization, err)
			}

			n, turns = n+gone, turns+1
		}
	}

	return n, nil
}

// expiring gives the logs whose oldest entry is to go, and up to where each is gone already.
func (q *Queue) expiring(ctx context.Context, before time.Time, limit int) (map[uid.ID]int64, error) {
	rows, err := q.db.Query(ctx, `SELECT event_counter.id, event_counter.expired FROM event_counter
		CROSS JOIN delivery_event WHERE delivery_event.organization_id = event_counter.id
		AND delivery_event.sequence = event_counter.expired + 1
		AND delivery_event.recorded_at < $1 LIMIT $2`, before, limit)

	begins, err := database.CollectMap(rows, err, func(rows *sql.Rows) (organization uid.ID, expired int64, err error) {
		err = rows.Scan(&organization, &expired)
		return organization, expired, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for events to expire: %w", err)
	}

	return begins, nil
}

// expire is a transaction of expireIn.
func (q *Queue) expire(ctx context.Context, organization uid.ID, expired int64, before time.Time) (n int, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		_, n, err = expireIn(ctx, tx, organization, expired, before)
		return err
	})

	return n, err
}

// ExpireLog deletes up to a page of the entries of one organization that were recorded before a
// moment, as ExpireEvents does, in the caller's transaction and at its end. It returns how many;
// more says that others may be left.
func (q *Queue) ExpireLog(ctx context.Context, tx *database.Tx, organization uid.ID, before time.Time) (n int,
	more bool, err error) {
	var expired int64
	err = tx.QueryRowContext(ctx, "SELECT coalesce(max(expired), 0) FROM event_counter WHERE id = $1", organization).
		Scan(&expired)
	if err != nil {
		return 0, false, fmt.Errorf("read where a log begins: %w", err)
	}

	to, n, err := expireIn(ctx, tx, organization, expired, before)

	return n, to-expired >= expireAtOnce, err
}

// expireIn deletes a log's first entries up to the first one that is to stay; clocks differ, so a
// later one may be older. The counter comes last, since whoever records needs it. Two processes at
// once delete the same entries, and one of them moves the counter.
func expireIn(ctx context.Context, tx *database.Tx, organization uid.ID, expired int64, before time.Time) (to int64,
	n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT coalesce(min(CASE WHEN recorded_at >= $3 THEN sequence END) - 1,
		max(sequence), $2) FROM
		(SELECT sequence, recorded_at FROM delivery_event WHERE organization_id = $1 AND sequence > $2
		ORDER BY sequence LIMIT $4) AS oldest`,
		organization, expired, before, expireAtOnce).Scan(&to)
	if err != nil || to == expired {
		return to, 0, err
	}

	gone, err := tx.ExecContext(ctx, "DELETE FROM delivery_event WHERE organization_id = $1 AND sequence <= $2",
		organization, to)
	if err != nil {
		return to, 0, err
	}

	deleted, err := gone.RowsAffected()
	if err != nil {
		return to, 0, err
	}

	_, err = tx.ExecContext(ctx, "UPDATE event_counter SET expired = $2 WHERE id = $1 AND expired < $2", organization, to)

	return to, int(deleted), err
}
