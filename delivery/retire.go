package delivery

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Retired is what a page of Retire did.
type Retired struct {
	Last    uid.ID  // the last message that was looked at
	Waiting *uid.ID // what comes right before the first that was passed over; nil where none was
	Erased  int
	More    bool // others may follow
}

// Retire erases what up to n of an organization's messages say, those between two ids: texts,
// files, values, pressed buttons and the words of errors. Rows, times, statuses, prices and who it
// was stay, and so does every count. What is still to be sent is passed over, since it needs what
// it says; what was erased is never sent again. It belongs to the caller's transaction, which
// stores the place with it.
func (q *Queue) Retire(ctx context.Context, tx *database.Tx, organization, after, before uid.ID, n int) (done Retired,
	err error) {
	ids, err := database.ScanIDs(tx.QueryContext(ctx, fmt.Sprintf("SELECT id FROM listing WHERE organization_id = $1"+
		" AND id > $2 AND id < $3 ORDER BY id LIMIT %d", n), organization, after, before))
	if err != nil || len(ids) == 0 {
		return done, err
	}

	rows, err := lock(ctx, tx, ids)
	if err != nil {
		return done, err
	}

	var over []uid.ID
	done.Last = after
	for _, id := range ids {
		switch r := rows[id]; {
		case r == nil || r.erasedAt != nil:
		case !r.waits():
			over = append(over, id)
		case done.Waiting == nil:
			before := done.Last
			done.Waiting = &before
		}

		done.Last = id
	}

	done.Erased, done.More = len(over), len(ids) == n
	if len(over) == 0 {
		return done, nil
	}

	from, args := tx.DB.Rowset([]any{q.now()}, database.IDs("id", over))
	_, err = tx.ExecContext(ctx, "UPDATE message SET content = NULL, parameters = NULL, reply = NULL,"+
		" error_detail = NULL, erased_at = $1 WHERE id IN (SELECT id FROM "+from+")", args...)
	if err != nil {
		return done, fmt.Errorf("erase what %d messages say: %w", len(over), err)
	}

	return done, nil
}

// waits reports whether a message is still to be sent, or may have to be sent again by itself.
func (r *row) waits() bool {
	return r.status == enum.MessageStatusQueued || r.status == enum.MessageStatusSending ||
		r.status == enum.MessageStatusUnknown
}

// keptOf is a fact without what is not kept any more of its message.
func (f Fact) keptOf(r *row) Fact {
	switch {
	case r.erased():
		return f.nameless()
	case r.erasedAt != nil:
		f.Detail, f.Try = "", nil
	}

	return f
}
