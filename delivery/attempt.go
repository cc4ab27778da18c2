package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/uid"
)

// Try is what was asked of WhatsApp in an attempt that did not succeed, and what it answered. It
// has nobody's words in it.
type Try struct {
	Endpoint, Request string // where it was posted, and its body
	HTTPStatus        int    // 0 where no answer came
	Code, Subcode     int    // WhatsApp's; negative for one of ours
	Detail, TraceID   string
	Took              time.Duration
}

// SendAttempt is an attempt to hand a message to WhatsApp that did not succeed.
type SendAttempt struct {
	Try
	Message uid.ID
	Number  int // the message's attempts, this one included
	At      time.Time
	AgainAt *time.Time // when it was to be tried again; nil where nothing was fixed
}

// mostAttempts is how many of a message are kept, the last ones.
const mostAttempts = 50

// attempt is one that a commit writes down.
type attempt struct {
	SendAttempt
	organization uid.ID
}

var attemptColumns = database.Columns[attempt]{
	database.Col("id", func(attempt) uid.ID { return uid.New(uid.SendAttempt) }, database.IDs),
	database.Col("organization_id", func(a attempt) uid.ID { return a.organization }, database.IDs),
	database.Col("message_id", func(a attempt) uid.ID { return a.Message }, database.IDs),
	database.Col("number", func(a attempt) int { return a.Number }, database.Ints),
	database.Col("at", func(a attempt) time.Time { return a.At }, database.Times),
	database.Col("took_ms", func(a attempt) int { return int(a.Took.Milliseconds()) }, database.Ints),
	database.Col("endpoint", func(a attempt) string { return a.Endpoint }, database.Texts),
	database.Col("request", func(a attempt) string { return a.Request }, database.Texts),
	database.Col("http_status", func(a attempt) int { return a.HTTPStatus }, database.Ints),
	database.Col("code", func(a attempt) int { return a.Code }, database.Ints),
	database.Col("subcode", func(a attempt) int { return a.Subcode }, database.Ints),
	database.Col("detail", func(a attempt) string { return a.Detail }, database.OptionalTexts),
	database.Col("trace_id", func(a attempt) string { return a.TraceID }, database.OptionalTexts),
	database.Col("again_at", func(a attempt) *time.Time { return a.AgainAt }, database.NullTimes),
}

// attemptSets are what an attempt that was made again under its number takes over.
const attemptSets = "id = excluded.id, at = excluded.at, took_ms = excluded.took_ms, endpoint = excluded.endpoint," +
	" request = excluded.request, http_status = excluded.http_status, code = excluded.code," +
	" subcode = excluded.subcode, detail = excluded.detail, trace_id = excluded.trace_id, again_at = excluded.again_at"

// tried notes a fact's attempt, where the row is still as its worker left it: another worker's
// decision may have come before. That its answer was lost is worth knowing also where a report came
// before.
func (l *ledger) tried(r *row, f Fact) {
	if f.Try == nil || !r.takes(f) && (f.Kind != Lost || f.Attempt != r.attempts) {
		return
	}

	a := attempt{SendAttempt{Try: *f.Try, Message: r.id, Number: f.Attempt, At: f.At}, r.organization}
	if f.Kind == Retry {
		a.AgainAt = &f.NotBefore
	}

	l.attempts = append(slices.DeleteFunc(l.attempts, func(b attempt) bool {
		return b.Message == a.Message && b.Number == a.Number
	}), a)
}

// takes reports whether the fact is a decision that the row's message waits for.
func (r *row) takes(f Fact) bool {
	move, is := moves[f.Kind]
	return is && r.status == move.from && f.Attempt == r.attempts && (f.Claim.IsZero() || f.Claim == r.claim)
}

// addAttempts are the statements that write attempts down. Messages are locked, so no two processes
// write those of one.
func (l *ledger) addAttempts(db *database.DB) (statements []database.Statement) {
	if len(l.attempts) == 0 {
		return nil
	}

	statement, args := attemptColumns.Insertion(db, "send_attempt", l.attempts)
	statements = append(statements, database.Statement{What: "write down attempts that failed", Args: args,
		Query: statement + " ON CONFLICT (organization_id, message_id, number) DO UPDATE SET " + attemptSets})

	many := slices.DeleteFunc(slices.Clone(l.attempts), func(a attempt) bool { return a.Number <= mostAttempts })
	if len(many) == 0 {
		return statements
	}

	key := attemptColumns.Named([]string{"organization_id", "message_id", "number"})
	from, args := db.Rowset([]any{mostAttempts}, key.Of(many)...)

	return append(statements, database.Statement{What: "forget old attempts", Args: args,
		Query: "DELETE FROM send_attempt WHERE id IN (SELECT send_attempt.id FROM " + from + " CROSS JOIN send_attempt" +
			" WHERE send_attempt.organization_id = f.organization_id AND send_attempt.message_id = f.message_id" +
			" AND send_attempt.number <= f.number - $1)"})
}

// FailedAttempts are those of some messages of an organization, in order.
func (l *Log) FailedAttempts(ctx context.Context, organization uid.ID, messages []uid.ID) ([]SendAttempt, error) {
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", messages))
	rows, err := l.db.Query(ctx, "SELECT message_id, number, at, took_ms, endpoint, request, http_status, code, subcode,"+
		" detail, trace_id, again_at FROM "+from+" CROSS JOIN send_attempt"+
		" WHERE organization_id = $1 AND message_id = f.id ORDER BY message_id, number", args...)
	attempts, err := database.Collect(rows, err, func(rows *sql.Rows) (a SendAttempt, err error) {
		var detail, trace *string
		var ms int64
		err = rows.Scan(&a.Message, &a.Number, &a.At, &ms, &a.Endpoint, &a.Request, &a.HTTPStatus, &a.Code, &a.Subcode,
			&detail, &trace, &a.AgainAt)
		a.Took = time.Duration(ms) * time.Millisecond
		if detail != nil {
			a.Detail = *detail
		}
		if trace != nil {
			a.TraceID = *trace
		}

		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts that failed: %w", err)
	}

	return attempts, nil
}

// ExpireAttempts deletes what is kept of attempts that failed before a moment, of all
// organizations, the oldest first, and returns how many. A large backlog is left for the next call.
func (q *Queue) ExpireAttempts(ctx context.Context, before time.Time) (n int, err error) {
	for range expireTurns {
		gone := 0
		err := q.db.InTx(ctx, func(tx *database.Tx) (err error) {
			gone, err = deleteAttempts(ctx, tx, "id < $1", uid.From(before))
			return err
		})
		if n += gone; err != nil || gone < expireAtOnce {
			return n, err
		}
	}

	return n, nil
}

// ExpireAttemptsOf is a page of ExpireAttempts for one organization, in the caller's transaction;
// more says that others may be left.
func (q *Queue) ExpireAttemptsOf(ctx context.Context, tx *database.Tx, organization uid.ID, before time.Time) (n int,
	more bool, err error) {
	n, err = deleteAttempts(ctx, tx, "organization_id = $2 AND id < $1", uid.From(before), organization)
	return n, n == expireAtOnce, err
}

// eraseAttempts deletes those of messages whose person is erased.
func eraseAttempts(ctx context.Context, tx *database.Tx, organization uid.ID, messages []uid.ID,
	counts map[string]int) error {
	from, args := tx.DB.Rowset([]any{organization}, database.IDs("id", messages))
	return count(ctx, tx, counts, "send_attempt", "DELETE FROM send_attempt WHERE organization_id = $1"+
		" AND message_id IN (SELECT id FROM "+from+")", args...)
}

func deleteAttempts(ctx context.Context, tx *database.Tx, which string, args ...any) (n int, err error) {
	gone, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM send_attempt WHERE id IN"+
		" (SELECT id FROM send_attempt WHERE %s ORDER BY id LIMIT %d)", which, expireAtOnce), args...)
	if err != nil {
		return 0, fmt.Errorf("expire attempts that failed: %w", err)
	}

	deleted, err := gone.RowsAffected()

	return int(deleted), err
}
