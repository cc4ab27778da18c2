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

// Echo is a message that the business sent from one of our numbers by other means, such as the
// WhatsApp Business app.
type Echo struct {
	Organization, PhoneNumber, Account, Contact uid.ID // Contact may be zero

	Address, Country string
	Type             enum.MessageType
	WAMID            string
	Content          json.RawMessage
	At               time.Time // when it was sent
}

// NoteEcho is NoteEchoInTx in a transaction of its own.
func (q *Queue) NoteEcho(ctx context.Context, e Echo) (fresh bool, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) (err error) {
		fresh, err = q.NoteEchoInTx(ctx, tx, e)
		return err
	})

	return fresh, err
}

// NoteEchoInTx stores an echo as an outbound message that was sent, once however often it is told,
// and reports whether it is new. Nothing comes of it but its receipts. It is its transaction's last
// step.
func (q *Queue) NoteEchoInTx(ctx context.Context, tx *database.Tx, e Echo) (fresh bool, err error) {
	now, id := q.now(), uid.New(uid.Message)
	l := newLedger(now)
	tx.After(func(ctx context.Context) { l.tell(ctx, q.news) })
	// The number's row is locked so that two processes that are told at once see each other's message.
	if _, err := tx.ExecContext(ctx, "SELECT id FROM phone_number WHERE id = $1"+tx.DB.ForUpdate(),
		e.PhoneNumber); err != nil {
		return false, fmt.Errorf("note an echo: %w", err)
	}

	var contact *uid.ID
	if !e.Contact.IsZero() {
		contact = &e.Contact
	}

	var known int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM message WHERE wamid = $1 AND phone_number_id = $2",
		e.WAMID, e.PhoneNumber).Scan(&known); err != nil || known > 0 {
		return false, err
	}

	_, err = tx.ExecContext(ctx, `INSERT INTO message (id, organization_id, phone_number_id, account_id, contact_id,
		address, country, type, wamid, content,
			direction, status, attempts, not_before, queued_at, accepted_at, sent_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'OUTBOUND', 'SENT', 0, $11, $11, $12, $12, $11)`,
		id, e.Organization, e.PhoneNumber, e.Account, contact, e.Address, e.Country, string(e.Type), e.WAMID,
		string(e.Content), now, e.At)
	if err != nil {
		return false, fmt.Errorf("note an echo: %w", err)
	}
	if err := list(ctx, tx, []uid.ID{id}); err != nil {
		return false, err
	}

	r := &row{id: id, organization: e.Organization, phoneNumber: e.PhoneNumber, account: e.Account, country: e.Country,
		direction: enum.DirectionOutbound,
		status:    enum.MessageStatusSent, acceptedAt: &e.At, sentAt: &e.At, createdAt: now}
	l.moved(nil, r)
	l.log(r, enum.MessageStatusSent, Fact{At: e.At})
	if err := l.write(ctx, tx); err != nil {
		return false, fmt.Errorf("note an echo: %w", err)
	}

	return true, nil
}
