package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
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

	ids, organizations, numbers, accounts, contacts := make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n),
		make([]uid.ID, n), make([]uid.ID, n)
	addresses, countries, types, wamids := make([]string, n), make([]string, n), make([]enum.MessageType, n),
		make([]string, n)
	contents, created, written := make([]json.RawMessage, n), make([]time.Time, n), make([]time.Time, n)

	for i, m := range messages {
		ids[i], organizations[i], numbers[i], accounts[i], contacts[i] = uid.New(uid.Message), m.Organization,
			m.PhoneNumber, m.Account, m.Contact
		addresses[i], countries[i], types[i], wamids[i] = m.Address, m.Country, m.Type, m.WAMID
		contents[i], created[i], written[i] = m.Content, now, notAfter(m.At, now)
	}

	names := "id, organization_id, phone_number_id, account_id, contact_id, address, country, type, wamid, content, created_at, sent_at"
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids), database.IDs("organization_id", organizations),
		database.IDs("phone_number_id", numbers), database.IDs("account_id", accounts),
		database.IDs("contact_id", contacts), database.Texts("address", addresses), database.Texts("country", countries),
		database.Texts("type", types), database.Texts("wamid", wamids),
		database.JSONs("content", contents), database.Times("created_at", created), database.Times("sent_at", written))

	stored, err := database.ScanIDs(tx.QueryContext(ctx, "INSERT INTO message ("+names+
		", direction, status, attempts, not_before) SELECT "+names+", 'INBOUND', 'RECEIVED', 0, created_at FROM "+from+
		" WHERE true ON CONFLICT (phone_number_id, wamid) WHERE direction = 'INBOUND' DO NOTHING RETURNING id", args...))
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

	for i, m := range messages {
		if !fresh[ids[i]] {
			continue
		}

		r.IDs[i] = ids[i]
		row := &row{id: ids[i], organization: m.Organization, phoneNumber: m.PhoneNumber, account: m.Account,
			country:   m.Country,
			direction: enum.DirectionInbound, status: enum.MessageStatusReceived, createdAt: now, sentAt: &written[i]}
		r.ledger.moved(nil, row)
		r.ledger.log(row, enum.MessageStatusReceived, Fact{At: written[i]})
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

// Count writes the sums and the log, with the opt-outs that were expressed by the messages.
func (r *Receipt) Count(ctx context.Context, tx *database.Tx, optOuts ...OptOut) error {
	r.ledger.optedOut(optOuts)
	if err := r.ledger.write(ctx, tx); err != nil {
		return fmt.Errorf("count received messages: %w", err)
	}

	return nil
}
