package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carillon/database"
	"carillon/enum"
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

// Receive stores inbound messages, each once however often it is told, and returns the ids of those that are new.
func (q *Queue) Receive(ctx context.Context, messages ...Received) (fresh []uid.ID, err error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var l *ledger
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		now := q.now()
		l, fresh = newLedger(now), nil
		byID := make(map[uid.ID]Received, len(messages))
		n := len(messages)
		ids, organizations, numbers, accounts, contacts := make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n)
		addresses, countries, types, wamids, contents, created := make([]string, n), make([]string, n), make([]enum.MessageType, n), make([]string, n), make([]json.RawMessage, n), make([]time.Time, n)
		for i, m := range messages {
			ids[i], organizations[i], numbers[i], accounts[i], contacts[i] = uid.New(uid.Message), m.Organization, m.PhoneNumber, m.Account, m.Contact
			addresses[i], countries[i], types[i], wamids[i], contents[i], created[i] = m.Address, m.Country, m.Type, m.WAMID, m.Content, now
			byID[ids[i]] = m
		}
		names := "id, organization_id, phone_number_id, account_id, contact_id, address, country, type, wamid, content, created_at"
		from, args := tx.DB.Rowset(nil, database.IDs("id", ids), database.IDs("organization_id", organizations), database.IDs("phone_number_id", numbers), database.IDs("account_id", accounts),
			database.IDs("contact_id", contacts), database.Texts("address", addresses), database.Texts("country", countries), database.Texts("type", types), database.Texts("wamid", wamids),
			database.JSONs("content", contents), database.Times("created_at", created))
		fresh, err = database.ScanIDs(tx.QueryContext(ctx, "INSERT INTO message ("+names+", direction, status, attempts, not_before) SELECT "+names+", 'INBOUND', 'RECEIVED', 0, created_at FROM "+from+
			" WHERE true ON CONFLICT (phone_number_id, wamid) WHERE direction = 'INBOUND' DO NOTHING RETURNING id", args...))
		if err != nil {
			return err
		}
		if err := list(ctx, tx, fresh); err != nil {
			return err
		}
		for _, id := range fresh {
			m := byID[id]
			r := &row{id: id, organization: m.Organization, phoneNumber: m.PhoneNumber, account: m.Account, country: m.Country, direction: enum.DirectionInbound, status: enum.MessageStatusReceived, createdAt: now}
			l.moved(nil, r)
			l.log(r, enum.MessageStatusReceived, Fact{At: m.At})
		}
		return l.write(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("receive %d messages: %w", len(messages), err)
	}
	l.tell(ctx, q.news)
	return fresh, nil
}
