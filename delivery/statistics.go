package delivery

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/uid"
)

// Failures is how many messages failed with one error code.
type Failures struct{ Code, Count int }

// Failures sums the failed messages of campaigns by error code, the most frequent first.
func (l *Log) Failures(ctx context.Context, organization uid.ID, campaigns []uid.ID) (map[uid.ID][]Failures, error) {
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", campaigns))
	rows, err := l.db.Query(ctx, `SELECT campaign_id, error_code, sum(failed) AS n FROM statistic JOIN `+from+` ON campaign_id = f.id
		WHERE organization_id = $1 AND failed <> 0 GROUP BY campaign_id, error_code HAVING sum(failed) > 0 ORDER BY n DESC, error_code`, args...)
	if err != nil {
		return nil, fmt.Errorf("sum failures: %w", err)
	}

	defer rows.Close()
	failures := make(map[uid.ID][]Failures, len(campaigns))

	for rows.Next() {
		var campaign uid.ID
		var f Failures
		if err := rows.Scan(&campaign, &f.Code, &f.Count); err != nil {
			return nil, fmt.Errorf("sum failures: %w", err)
		}

		failures[campaign] = append(failures[campaign], f)
	}

	return failures, rows.Err()
}

// Queued is how many messages wait on each phone number: those of campaigns by the campaigns'
// counters, the others counted.
func (l *Log) Queued(ctx context.Context, organization uid.ID, numbers []uid.ID) (map[uid.ID]int, error) {
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", numbers))
	rows, err := l.db.Query(ctx, `SELECT f.id,
		(SELECT coalesce(sum(queued), 0) FROM campaign WHERE phone_number_id = f.id AND organization_id = $1 AND status IN ('PREPARING', 'RUNNING', 'PAUSED')) +
		(SELECT count(*) FROM message WHERE phone_number_id = f.id AND organization_id = $1 AND campaign_id IS NULL AND status = 'QUEUED') FROM `+from, args...)
	if err != nil {
		return nil, fmt.Errorf("count what is queued: %w", err)
	}

	defer rows.Close()
	queued := make(map[uid.ID]int, len(numbers))

	for rows.Next() {
		var number uid.ID
		var n int
		if err := rows.Scan(&number, &n); err != nil {
			return nil, fmt.Errorf("count what is queued: %w", err)
		}

		queued[number] = n
	}

	return queued, rows.Err()
}
