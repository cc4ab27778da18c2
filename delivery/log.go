package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"carillon/database"
	"carillon/uid"
)

// Log reads organizations' event logs: entries numbered from 1 without gaps, in the order of
// commits.
type Log struct{ db *database.DB }

// NewLog reads from db.
func NewLog(db *database.DB) *Log { return &Log{db} }

const eventColumns = "sequence, message_id, campaign_id, phone_number_id, template_id, status, error_code, " +
	"error_detail, at, recorded_at"

// Read returns up to limit entries that follow on after, in order.
func (l *Log) Read(ctx context.Context, organization uid.ID, after int64, limit int) ([]Event, error) {
	return l.events(ctx, "SELECT "+eventColumns+
		" FROM delivery_event WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3", organization,
		after, limit)
}

// OfMessages returns all entries of some messages, in order.
func (l *Log) OfMessages(ctx context.Context, organization uid.ID, messages []uid.ID) ([]Event, error) {
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", messages))
	return l.events(ctx, "SELECT "+eventColumns+" FROM "+from+" CROSS JOIN delivery_event"+
		" WHERE organization_id = $1 AND message_id = f.id ORDER BY sequence", args...)
}

func (l *Log) events(ctx context.Context, query string, args ...any) ([]Event, error) {
	rows, err := l.db.Query(ctx, query, args...)
	events, err := database.Collect(rows, err, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}

	return events, nil
}

func scanEvent(rows *sql.Rows) (e Event, err error) {
	var code *int
	var detail *string
	if err := rows.Scan(&e.Sequence, &e.Message, &e.Campaign, &e.PhoneNumber, &e.Template, &e.Status, &code, &detail,
		&e.At, &e.RecordedAt); err != nil {
		return e, err
	}

	if code != nil {
		e.ErrorCode = *code
	}
	if detail != nil {
		e.ErrorDetail = *detail
	}

	e.At, e.RecordedAt = e.At.UTC(), e.RecordedAt.UTC()

	return e, nil
}

// Last returns the newest sequence number of each organization; one without entries is left out.
func (l *Log) Last(ctx context.Context, organizations []uid.ID) (map[uid.ID]int64, error) {
	from, args := l.db.Rowset(nil, database.IDs("id", organizations))
	rows, err := l.db.Query(ctx, "SELECT event_counter.id, event_counter.last FROM event_counter JOIN "+from+
		" ON event_counter.id = f.id", args...)
	last, err := database.CollectMap(rows, err, func(rows *sql.Rows) (organization uid.ID, sequence int64, err error) {
		err = rows.Scan(&organization, &sequence)
		return organization, sequence, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the logs' ends: %w", err)
	}

	return last, nil
}

// Bounds says what is there of an organization's log: the entries after expired, up to last.
func (l *Log) Bounds(ctx context.Context, organization uid.ID) (expired, last int64, err error) {
	err = l.db.QueryRow(ctx, "SELECT coalesce(max(expired), 0), coalesce(max(last), 0) FROM event_counter WHERE id = $1",
		organization).Scan(&expired, &last)
	if err != nil {
		return 0, 0, fmt.Errorf("read the log's bounds: %w", err)
	}

	return expired, last, nil
}
