package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Requeue queues a campaign's failed messages again, those whose error code may pass and that may
// still be written to their people; each once, also when it fails again meanwhile. One that
// WhatsApp has delivered after all is not failed, and stays; so does one whose text retention has
// erased. It returns how many.
func (q *Queue) Requeue(ctx context.Context, campaign uid.ID, mayPass func(code int) bool) (n int, err error) {
	for after, more := (uid.ID{}), true; more; {
		var facts []Fact
		if facts, after, more, err = q.failed(ctx, campaign, after, mayPass); err != nil {
			return n, fmt.Errorf("look for failed messages of %s: %w", campaign, err)
		}
		if _, err := q.journal.Record(ctx, facts...); err != nil {
			return n, fmt.Errorf("queue messages of %s again: %w", campaign, err)
		}

		n += len(facts)
	}

	return n, nil
}

// failed reads a page of a campaign's failed messages after that id.
func (q *Queue) failed(ctx context.Context, campaign, after uid.ID, mayPass func(code int) bool) (facts []Fact,
	last uid.ID, more bool, err error) {
	now := q.now()
	rows, err := q.db.Query(ctx, "SELECT id, attempts, error_code, "+ofCampaign.barred()+
		" FROM message WHERE campaign_id = $1 AND id > $2 AND status = 'FAILED' AND erased_at IS NULL"+
		" ORDER BY id LIMIT $3", campaign, after, sweepPage)
	read := 0

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		f := Fact{Kind: Requeue, At: now, NotBefore: now}
		var code *int
		var barred *enum.SkipReason
		if err := rows.Scan(&f.Message, &f.Attempt, &code, &barred); err != nil {
			return err
		}

		read, after = read+1, f.Message
		if code != nil && mayPass(*code) && barred == nil {
			facts = append(facts, f)
		}

		return nil
	})

	return facts, after, read == sweepPage, err
}
