package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"carillon/database"
	"carillon/uid"
)

// Failures is how many messages failed with one error code.
type Failures struct{ Code, Count int }

// Failures sums the failed messages of campaigns by error code, the most frequent first.
func (l *Log) Failures(ctx context.Context, organization uid.ID, campaigns []uid.ID) (map[uid.ID][]Failures, error) {
	failures := make(map[uid.ID][]Failures, len(campaigns))
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", campaigns))
	rows, err := l.db.Query(ctx, `SELECT campaign_id, error_code, sum(failed) AS n FROM `+from+`
		CROSS JOIN statistic
		WHERE organization_id = $1 AND campaign_id = f.id AND failed <> 0 GROUP BY campaign_id, error_code HAVING sum(failed) > 0
		ORDER BY n DESC, error_code`, args...)

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var campaign uid.ID
		var f Failures
		err := rows.Scan(&campaign, &f.Code, &f.Count)
		failures[campaign] = append(failures[campaign], f)

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sum failures: %w", err)
	}

	return failures, nil
}

// LastFailures are the error codes of the last n messages of a campaign that failed, the most
// frequent first.
func (q *Queue) LastFailures(ctx context.Context, organization, campaign uid.ID, n int) ([]Failures, error) {
	rows, err := q.db.Query(ctx, `SELECT error_code, count(*) AS n FROM (SELECT coalesce(error_code, 0) AS error_code
		FROM delivery_event
		WHERE organization_id = $1 AND campaign_id = $2 AND status = 'FAILED' ORDER BY sequence DESC LIMIT $3) AS last
		GROUP BY error_code ORDER BY n DESC, error_code`, organization, campaign, n)

	failures, err := database.Collect(rows, err, func(rows *sql.Rows) (f Failures, err error) {
		err = rows.Scan(&f.Code, &f.Count)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the last failures of %s: %w", campaign, err)
	}

	return failures, nil
}
