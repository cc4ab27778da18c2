package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// windowLength is the span in which Meta counts the people whom a business writes to of its own
// accord. developers.facebook.com, WhatsApp "Messaging limits" (read 2026-05).
const windowLength = 24 * time.Hour

// Limit is an account's messaging limit, how many different people may be written to first in a
// rolling day, and its organization's quota, how many messages may be sent in a day of UTC.
type Limit struct {
	Account uid.ID
	People  *int // nil is unlimited

	Organization uid.ID
	PerDay       *int // nil is unlimited

	PerContact int         // marketing messages to one contact in 24 hours; 0 is unlimited
	Quiet      *QuietHours // in which no marketing is sent; nil is none
}

// Used is how many people an account has written to in the window that ends now.
func (q *Queue) Used(ctx context.Context, account uid.ID) (people int, err error) {
	err = q.db.QueryRow(ctx, "SELECT count(*) FROM messaging_window WHERE account_id = $1 AND at > $2", account,
		q.now().Add(-windowLength)).Scan(&people)
	if err != nil {
		return 0, fmt.Errorf("count the messaging window of %s: %w", account, err)
	}

	return people, nil
}

// Used is how many people each of some accounts has written to in the window that ends now; one
// that wrote to none is left out.
func (l *Log) Used(ctx context.Context, organization uid.ID, accounts []uid.ID, now time.Time) (map[uid.ID]int, error) {
	from, args := l.db.Rowset([]any{organization, now.Add(-windowLength)}, database.IDs("id", accounts))
	rows, err := l.db.Query(ctx, "SELECT account_id, count(*) FROM "+from+" CROSS JOIN messaging_window"+
		" WHERE organization_id = $1 AND account_id = f.id AND at > $2 GROUP BY account_id", args...)
	used, err := database.CollectMap(rows, err, func(rows *sql.Rows) (account uid.ID, people int, err error) {
		err = rows.Scan(&account, &people)
		return account, people, err
	})
	if err != nil {
		return nil, fmt.Errorf("count messaging windows: %w", err)
	}

	return used, nil
}

// room is how many more people may be written to. It holds the account until the transaction ends,
// so that two workers cannot both take the last place. A limit that is unlimited has no room to
// count: negative.
func (q *Queue) room(ctx context.Context, tx *database.Tx, limit Limit, now time.Time) (people int, err error) {
	if limit.People == nil {
		return -1, nil
	}

	var held uid.ID
	if err := tx.QueryRowContext(ctx, "SELECT id FROM account WHERE id = $1"+q.db.ForUpdate(), limit.Account).
		Scan(&held); err != nil {
		return 0, fmt.Errorf("hold account %s: %w", limit.Account, err)
	}

	var used int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM messaging_window WHERE account_id = $1 AND at > $2",
		limit.Account, now.Add(-windowLength)).Scan(&used); err != nil {
		return 0, fmt.Errorf("count the messaging window of %s: %w", limit.Account, err)
	}

	return max(0, *limit.People-used), nil
}

// windowColumns are of the messages whose people enter the window of the account $1 at the time $2.
var windowColumns = database.Columns[Claimed]{
	database.Col("id", func(Claimed) uid.ID { return uid.New(uid.MessagingWindow) }, database.IDs),
	database.Col("organization_id", func(c Claimed) uid.ID { return c.Organization }, database.IDs),
	database.Col("message_id", func(c Claimed) uid.ID { return c.ID }, database.IDs),
	database.Col("address", func(c Claimed) string { return c.Address }, database.Texts),
	database.Expr[Claimed]("account_id", "$1"),
	database.Expr[Claimed]("at", "$2"),
}

// occupy enters the people of claimed messages into the window. Whoever is in it already stays one.
func (q *Queue) occupy(ctx context.Context, tx *database.Tx, limit Limit, claimed []Claimed, now time.Time) error {
	if limit.People == nil || len(claimed) == 0 {
		return nil
	}

	seen := make(map[string]bool, len(claimed))
	var entries []Claimed

	for _, c := range claimed {
		if c.Type != enum.MessageTypeTemplate || seen[c.Address] {
			continue // free-form messages answer somebody who wrote first
		}

		seen[c.Address], entries = true, append(entries, c)
	}

	// An entry that has left the window begins again. One that is in it keeps its message, so that
	// only that one's return frees it.
	statement, args := windowColumns.Insertion(tx.DB, "messaging_window", entries, limit.Account, now,
		now.Add(-windowLength))
	_, err := tx.ExecContext(ctx, statement+` ON CONFLICT (account_id, address) DO UPDATE SET at = excluded.at,
		message_id = CASE WHEN messaging_window.at > $3 THEN messaging_window.message_id
		ELSE excluded.message_id END`, args...)
	if err != nil {
		return fmt.Errorf("fill the messaging window of %s: %w", limit.Account, err)
	}

	return nil
}

// vacate takes messages that were not accepted out of the window again.
func vacate(ctx context.Context, tx *database.Tx, messages []uid.ID) error {
	if len(messages) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset(nil, database.IDs("id", messages))
	_, err := tx.ExecContext(ctx, `DELETE FROM messaging_window WHERE message_id IN (SELECT id FROM `+from+`)
		AND (account_id, address) IN (SELECT account_id, address FROM message WHERE id IN (SELECT id
		FROM `+from+`))`, args...)
	if err != nil {
		return fmt.Errorf("clear the messaging window: %w", err)
	}

	return nil
}

// SweepWindows deletes what has left every window. It returns how many entries.
func (q *Queue) SweepWindows(ctx context.Context) (n int64, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM messaging_window WHERE at <= $1", q.now().Add(-windowLength))
		if err != nil {
			return fmt.Errorf("sweep messaging windows: %w", err)
		}

		n, err = result.RowsAffected()

		return err
	})

	return n, err
}
