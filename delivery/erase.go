package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Erasee is a person whose messages are erased: those of their contact, and those to and from their
// addresses that are no contact's and came before they were erased.
type Erasee struct {
	Organization, Contact uid.ID

	Addresses []string
	Before    time.Time
}

// keyedFor is longer than idempotency keys are kept.
const keyedFor = 25 * time.Hour

// erased reports whether the message's person was erased. What is told of it later counts, and
// names nobody.
func (r *row) erased() bool { return r.address == "" }

// nameless is a fact without what could name its person: WhatsApp's ids hold their number.
func (f Fact) nameless() Fact {
	f.WAMID, f.Detail, f.Recipient, f.RecipientUserID, f.Try = "", "", "", "", nil
	return f
}

// theirs finds up to n messages of a person with a condition on message, in two statements: each
// has an index of listing.
func (q *Queue) theirs(ctx context.Context, tx *database.Tx, who Erasee, condition string, n int) (ids []uid.ID,
	err error) {
	from, args := tx.DB.Rowset([]any{who.Organization, who.Before}, database.Texts("address", who.Addresses))
	for _, find := range []struct {
		query string
		args  []any
	}{
		{"SELECT listing.id FROM listing JOIN message ON message.id = listing.id WHERE listing.contact_id = $1" + condition,
			[]any{who.Contact}},
		{"SELECT listing.id FROM " + from + " CROSS JOIN listing JOIN message ON message.id = listing.id" +
			" WHERE listing.organization_id = $1 AND listing.address = f.address AND listing.contact_id IS NULL" +
			" AND listing.created_at < $2" + condition, args},
	} {
		if len(find.args) > 1 && len(who.Addresses) == 0 || len(ids) >= n {
			continue
		}

		found, err := database.ScanIDs(tx.QueryContext(ctx, fmt.Sprintf("%s LIMIT %d", find.query, n-len(ids)),
			find.args...))
		if err != nil {
			return nil, fmt.Errorf("look for the messages of somebody who is erased: %w", err)
		}

		ids = append(ids, found...)
	}

	return ids, nil
}

// Drain sees to it that nothing more leaves to a person whose addresses are kept by Erased: what a
// worker has claimed and not handed over is taken from it and skipped. It returns how many messages
// are on their way to WhatsApp at this moment, and may arrive; they are settled within seconds.
// Claims from now on take none.
func (q *Queue) Drain(ctx context.Context, who Erasee) (onTheirWay int, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		onTheirWay = 0
		ids, err := q.theirs(ctx, tx, who, " AND message.status = 'SENDING'", sweepPage)
		if err != nil || len(ids) == 0 {
			return err
		}

		rows, err := lock(ctx, tx, ids)
		if err != nil {
			return err
		}

		held, err := q.withhold(ctx, tx, ids)
		if err != nil {
			return err
		}

		var back []*row
		var unsent []uid.ID
		for _, id := range ids {
			switch r := rows[id]; {
			case r == nil || r.status != enum.MessageStatusSending:
			case held[id]:
				back, unsent = append(back, r), append(unsent, id)
			default:
				onTheirWay++
			}
		}

		if err := vacate(ctx, tx, unsent); err != nil {
			return err
		}

		return q.skip(ctx, tx, back)
	})
	if err != nil {
		return 0, fmt.Errorf("keep messages from somebody who is erased: %w", err)
	}

	return onTheirWay, nil
}

// withhold takes the claims of messages from their workers where they were not handed over, and
// tells which messages that are. What else was in those claims is queued again by the next sweep.
func (q *Queue) withhold(ctx context.Context, tx *database.Tx, ids []uid.ID) (map[uid.ID]bool, error) {
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids))
	type part struct {
		claim uid.ID
		part  int
	}

	rows, err := tx.QueryContext(ctx, "SELECT message.id, message.claim_id, message.claim_part FROM "+from+
		" CROSS JOIN message WHERE message.id = f.id AND message.status = 'SENDING' AND message.claim_id IS NOT NULL",
		args...)
	parts, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, p part, err error) {
		return id, p, rows.Scan(&id, &p.claim, &p.part)
	})
	if err != nil {
		return nil, fmt.Errorf("look for claims: %w", err)
	}

	held := make(map[uid.ID]bool, len(parts))
	for id, p := range parts {
		result, err := tx.ExecContext(ctx, "UPDATE claim SET taken = $3, until = CASE WHEN until < $4 THEN until ELSE $4 END"+
			" WHERE id = $1 AND handed < $2", p.claim, p.part, true, q.now())
		if err != nil {
			return nil, fmt.Errorf("take a claim from its worker: %w", err)
		}

		n, err := result.RowsAffected()
		if err != nil {
			return nil, err
		}

		held[id] = n > 0
	}

	return held, nil
}

// skip has messages skipped whose person is gone, whether they are queued or claimed and withheld.
// It is its transaction's last step but what it is given.
func (q *Queue) skip(ctx context.Context, tx *database.Tx, rows []*row, also ...database.Statement) error {
	if len(rows) == 0 {
		return tx.Together(ctx, also...)
	}

	l, before := newLedger(q.now()), map[uid.ID]*row{}
	tx.After(func(ctx context.Context) { l.tell(ctx, q.news) })
	for _, r := range rows {
		was := *r
		before[r.id] = &was
		if r.status == enum.MessageStatusQueued { // as if it were claimed now, and barred
			r.status, r.attempts = enum.MessageStatusSending, r.attempts+1
		}

		f := Fact{Message: r.id, Attempt: r.attempts, Kind: Skip, At: l.now, Reason: enum.SkipReasonContactDeleted}
		if status, logged := r.apply(f); logged {
			l.log(r, status, f)
		}

		l.moved(&was, r)
	}

	if err := unspendSkipped(ctx, tx, rows, l.now); err != nil {
		return err
	}

	return l.write(ctx, tx, slices.Concat(store(tx.DB, before, rows), also)...)
}

// forgotten is what is left of a message of somebody who was erased: what counts.
var forgotten = []string{"contact_id", "parameters", "content", "wamid", "error_detail", "reference", "reply",
	"reply_to_id", "time_zone"}

// Erase takes up to n of a person's messages, skips those that wait, and leaves of all what counts:
// when they went, from where, in what category and country, and what became of them. It returns how
// many rows of which table it changed; more says that others may be left. It belongs at the end of
// its transaction.
func (q *Queue) Erase(ctx context.Context, tx *database.Tx, who Erasee, n int) (counts map[string]int, more bool,
	err error) {
	ids, err := q.theirs(ctx, tx, who, "", n)
	if err != nil || len(ids) == 0 {
		return nil, false, err
	}

	rows, err := lock(ctx, tx, ids)
	if err != nil {
		return nil, false, err
	}

	var waiting []*row
	for _, id := range ids {
		if r := rows[id]; r != nil && r.status == enum.MessageStatusQueued {
			waiting = append(waiting, r)
		}
	}

	counts = map[string]int{"message": len(ids), "listing": len(ids)}
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids))
	these := " IN (SELECT id FROM " + from + ")"
	for _, s := range []struct{ table, query string }{
		{"delivery_event", "UPDATE delivery_event SET error_detail = NULL WHERE error_detail IS NOT NULL AND message_id" +
			these},
		{"reply", "UPDATE reply SET contact_id = NULL WHERE contact_id IS NOT NULL AND id" + these},
		{"webhook_delivery", "DELETE FROM webhook_delivery WHERE subject_id" + these},
	} {
		if err := count(ctx, tx, counts, s.table, s.query, args...); err != nil {
			return nil, false, err
		}
	}

	if err := eraseAttempts(ctx, tx, who.Organization, ids, counts); err != nil {
		return nil, false, err
	}
	if err := q.eraseKeys(ctx, tx, who.Organization, ids, counts); err != nil {
		return nil, false, err
	}

	last := []database.Statement{
		{What: "erase messages", Args: args,
			Query: "UPDATE message SET address = '', " + strings.Join(forgotten, " = NULL, ") + " = NULL WHERE id" + these},
		{What: "erase what lists find", Args: args,
			Query: "UPDATE listing SET address = '', contact_id = NULL, reference = NULL WHERE id" + these},
	}

	return counts, len(ids) >= n, q.skip(ctx, tx, waiting, last...)
}

// eraseKeys deletes the idempotency keys under which messages were sent: callers choose their
// texts. Older messages have none any more.
func (q *Queue) eraseKeys(ctx context.Context, tx *database.Tx, organization uid.ID, ids []uid.ID,
	counts map[string]int) error {
	since := uid.From(q.now().Add(-keyedFor))
	recent := slices.DeleteFunc(slices.Clone(ids), func(id uid.ID) bool { return uid.Compare(id, since) < 0 })
	if len(recent) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset([]any{organization}, database.IDs("id", recent))

	return count(ctx, tx, counts, "idempotency_key", "DELETE FROM idempotency_key WHERE organization_id = $1"+
		" AND operation = 'sendMessage' AND result_id IN (SELECT id FROM "+from+")", args...)
}

// count runs a statement and adds the rows that it changed to those of a table.
func count(ctx context.Context, tx *database.Tx, counts map[string]int, table, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("erase of %s: %w", table, err)
	}

	n, err := result.RowsAffected()
	counts[table] += int(n)

	return err
}
