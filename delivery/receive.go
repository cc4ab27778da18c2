package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// Received is a message that somebody wrote to one of our numbers.
type Received struct {
	Organization, PhoneNumber, Account, Contact uid.ID

	Address, Country string
	Type             enum.MessageType
	WAMID            string
	Content          json.RawMessage
	At               time.Time

	Quotes string           // the wamid of the message that it answers; empty for none
	Reply  *jsonfield.Reply // the button or list row that was chosen; nil for none
	Writes bool             // the person wrote it to us alone, so that it may answer a campaign
}

// received is a message with what its row holds beside it.
type received struct {
	Received
	id                uid.ID
	createdAt, sentAt time.Time
	replyTo, answers  uid.ID // the messages of ours that it quotes and that it answers
}

var receivedColumns = database.Columns[*received]{
	database.Col("id", func(m *received) uid.ID { return m.id }, database.IDs),
	database.Col("organization_id", func(m *received) uid.ID { return m.Organization }, database.IDs),
	database.Col("phone_number_id", func(m *received) uid.ID { return m.PhoneNumber }, database.IDs),
	database.Col("account_id", func(m *received) uid.ID { return m.Account }, database.IDs),
	database.Col("contact_id", func(m *received) uid.ID { return m.Contact }, database.IDs),
	database.Col("address", func(m *received) string { return m.Address }, database.Texts),
	database.Col("country", func(m *received) string { return m.Country }, database.Texts),
	database.Col("type", func(m *received) enum.MessageType { return m.Type }, database.Texts),
	database.Col("wamid", func(m *received) string { return m.WAMID }, database.Texts),
	database.Col("content", func(m *received) json.RawMessage { return m.Content }, database.JSONs),
	database.Col("reply_to_id", func(m *received) uid.ID { return m.replyTo }, database.IDs),
	database.Col("reply", func(m *received) *jsonfield.Reply { return m.Reply }, documents),
	database.Col("created_at", func(m *received) time.Time { return m.createdAt }, database.Times),
	database.Col("sent_at", func(m *received) time.Time { return m.sentAt }, database.Times),
	database.Expr[*received]("direction", "'INBOUND'"),
	database.Expr[*received]("status", "'RECEIVED'"),
	database.Expr[*received]("attempts", "0"),
	database.Expr[*received]("not_before", "f.created_at"),
}

// Receive stores inbound messages, each once however often it is told, and returns the ids of those
// that are new.
func (q *Queue) Receive(ctx context.Context, messages ...Received) (fresh []uid.ID, err error) {
	var r *Receipt
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		if r, err = q.ReceiveInTx(ctx, tx, messages...); err != nil {
			return err
		}
		return r.Count(ctx, tx)
	})
	if err != nil {
		return nil, err
	}

	for _, id := range r.IDs {
		if !id.IsZero() {
			fresh = append(fresh, id)
		}
	}

	return fresh, nil
}

// Receipt is what came of inbound messages in a transaction.
type Receipt struct {
	// IDs are the new messages' ids, in the order in which messages were given; zero for one that was
	// there already. What follows from a message follows from a new one alone.
	IDs []uid.ID

	ledger *ledger
	fresh  []*received
}

// ReceiveInTx stores inbound messages in the caller's transaction, each once however often it is
// told. As its last step the transaction calls Count.
func (q *Queue) ReceiveInTx(ctx context.Context, tx *database.Tx, messages ...Received) (*Receipt, error) {
	now, n := q.now(), len(messages)
	r := &Receipt{IDs: make([]uid.ID, n), ledger: newLedger(now)}
	tx.After(func(ctx context.Context) { r.ledger.tell(ctx, q.news) })
	if n == 0 {
		return r, nil
	}

	rows := make([]*received, n)
	for i, m := range messages {
		rows[i] = &received{Received: m, id: uid.New(uid.Message), createdAt: now, sentAt: notAfter(m.At, now)}
	}

	if err := findQuoted(ctx, tx, rows); err != nil {
		return nil, err
	}

	statement, args := receivedColumns.Insertion(tx.DB, "message", rows)
	stored, err := database.ScanIDs(tx.QueryContext(ctx, statement+
		" ON CONFLICT (phone_number_id, wamid) WHERE direction = 'INBOUND' DO NOTHING RETURNING id", args...))
	if err != nil {
		return nil, fmt.Errorf("receive %d messages: %w", n, err)
	}
	if err := list(ctx, tx, stored); err != nil {
		return nil, err
	}

	fresh := make(map[uid.ID]bool, len(stored))
	for _, id := range stored {
		fresh[id] = true
	}

	for i, m := range rows {
		if !fresh[m.id] {
			continue
		}

		r.IDs[i], r.fresh = m.id, append(r.fresh, m)
		row := &row{id: m.id, organization: m.Organization, phoneNumber: m.PhoneNumber, account: m.Account,
			country: m.Country, direction: enum.DirectionInbound, status: enum.MessageStatusReceived, createdAt: now,
			sentAt: &m.sentAt}
		r.ledger.moved(nil, row)
		r.ledger.log(row, enum.MessageStatusReceived, Fact{At: m.sentAt})
	}

	return r, nil
}

// notAfter is t, or now for a time to come: clocks differ, and nobody wrote in the future.
func notAfter(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t.UTC()
}

// Count writes which campaigns the messages answer, the sums and the log, with the opt-outs that
// were expressed by the messages. It locks messages, so contacts are locked before.
func (r *Receipt) Count(ctx context.Context, tx *database.Tx, optOuts ...OptOut) error {
	if err := r.ledger.countReplies(ctx, tx, r.fresh); err != nil {
		return err
	}
	if err := r.ledger.optedOut(ctx, tx, optOuts); err != nil {
		return err
	}
	if err := r.ledger.write(ctx, tx); err != nil {
		return fmt.Errorf("count received messages: %w", err)
	}

	return nil
}
