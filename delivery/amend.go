package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
)

// Amendment is what the author of a message did to it later, on their phone.
type Amendment struct {
	Number    Number // that it was told of
	Direction enum.Direction
	Original  string          // the message's wamid
	Revoked   bool            // else it is edited
	Content   json.RawMessage // of the edited message; its "edit" is the wamid of the edit itself
	At        time.Time
}

// amended is what an amendment needs to know of a message beside its row.
type amended struct {
	content             []byte
	editedAt, revokedAt *time.Time
}

// AmendInTx changes a message as its author did, and reports false when there is no such message
// yet. Of several edits the last one holds, in whatever order they are told. What was taken back is
// erased, and stays so. It counts opt-outs that the amendment expressed, and is its transaction's
// last step.
func (q *Queue) AmendInTx(ctx context.Context, tx *database.Tx, a Amendment, optOuts ...OptOut) (found bool,
	err error) {
	r, now, err := lockAmended(ctx, tx, a)
	if err != nil {
		return false, err
	}
	if r == nil || now.revokedAt != nil || !a.Revoked && !now.before(a) {
		return r != nil, CountOptOuts(ctx, tx, optOuts...)
	}

	status, set, args := enum.MessageStatusEdited, "content = $2, edited_at = $3", []any{r.id, string(a.Content), a.At}
	switch {
	case a.Revoked:
		status, set = enum.MessageStatusRevoked, "content = NULL, parameters = NULL, reply = NULL, revoked_at = $2"
		args = []any{r.id, a.At}
	case r.erasedAt != nil: // told late: what it says is not kept any more
		set, args = "edited_at = $2", []any{r.id, a.At}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE message SET "+set+" WHERE id = $1", args...); err != nil {
		return false, fmt.Errorf("change a message as its author did: %w", err)
	}

	l := newLedger(q.now())
	tx.After(func(ctx context.Context) { l.tell(ctx, q.news) })
	if err := l.optedOut(ctx, tx, optOuts); err != nil {
		return false, err
	}

	l.log(r, status, Fact{At: a.At})
	if err := l.write(ctx, tx); err != nil {
		return false, fmt.Errorf("log what became of a message: %w", err)
	}

	return true, nil
}

// before reports whether an edit is later than the one that holds. WhatsApp's times are whole
// seconds; of two edits within one the ids decide, so that the order of the telling does not.
func (m amended) before(a Amendment) bool {
	if m.editedAt == nil || m.editedAt.Before(a.At) {
		return true
	}
	return m.editedAt.Equal(a.At) && editOf(m.content) < editOf(a.Content)
}

func editOf(content []byte) string {
	var c struct {
		Edit string `json:"edit"`
	}
	_ = json.Unmarshal(content, &c)
	return c.Edit
}

// lockAmended finds and locks the message that an amendment is about; nil when there is none.
func lockAmended(ctx context.Context, tx *database.Tx, a Amendment) (*row, amended, error) {
	var m amended
	from, args := tx.DB.Rowset([]any{a.Original, string(a.Direction)}, database.IDs("phone_number_id", a.Number.Rows))
	ids, err := database.ScanIDs(tx.QueryContext(ctx, "SELECT message.id FROM message JOIN "+from+
		" ON message.phone_number_id = f.phone_number_id WHERE message.wamid = $1 AND message.direction = $2 "+
		"ORDER BY message.id LIMIT 1", args...))
	if err != nil || len(ids) == 0 {
		return nil, m, err
	}

	rows, err := lock(ctx, tx, ids)
	if err != nil {
		return nil, m, err
	}

	err = tx.QueryRowContext(ctx, "SELECT content, edited_at, revoked_at FROM message WHERE id = $1", ids[0]).
		Scan(&m.content, &m.editedAt, &m.revokedAt)
	if err != nil {
		return nil, m, fmt.Errorf("read a message that is changed: %w", err)
	}

	return rows[ids[0]], m, nil
}
