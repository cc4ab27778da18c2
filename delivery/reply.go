package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// repliesWithin is how long after a message of ours has arrived a person's message counts as an
// answer to it, where they do not quote another one: the service window that it would answer in.
const repliesWithin = 24 * time.Hour

// repliesAmong is how many of the messages with a person, the latest ones, are looked through for
// the one that they answer: nobody makes a statement read a long conversation.
const repliesAmong = 100

// answered finds what new messages answer: the message of ours that they quote, and otherwise the
// latest that the person got from that number not long ago, a campaign's before any other.
func answered(ctx context.Context, tx *database.Tx, messages []*received) error {
	var unquoted []*received
	for _, m := range messages {
		if m.Writes && m.replyTo.IsZero() && !m.Contact.IsZero() {
			unquoted = append(unquoted, m)
		}
	}

	if len(unquoted) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset(nil, unquotedColumns.Of(unquoted)...)
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT f.id, (SELECT l.id FROM (SELECT id, campaign_id,
			phone_number_id FROM listing WHERE contact_id = f.contact_id AND organization_id = f.organization_id
			ORDER BY id DESC LIMIT %d) AS l JOIN message m ON m.id = l.id
			WHERE l.phone_number_id = f.phone_number_id AND m.direction = 'OUTBOUND'
			AND m.status IN ('ACCEPTED', 'HELD', 'SENT', 'DELIVERED', 'READ')
			AND coalesce(m.delivered_at, m.accepted_at) >= f.since AND coalesce(m.delivered_at, m.accepted_at) < f.until
			ORDER BY CASE WHEN l.campaign_id IS NULL THEN 1 ELSE 0 END, l.id DESC LIMIT 1)
		FROM `, repliesAmong)+from, args...)
	found, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id, message uid.ID, err error) {
		err = rows.Scan(&id, &message)
		return id, message, err
	})
	if err != nil {
		return fmt.Errorf("look for what %d messages answer: %w", len(unquoted), err)
	}

	for _, m := range unquoted {
		m.answers = found[m.id]
	}

	return nil
}

// unquotedColumns say where the message is looked for that a message answers. Until is one of
// WhatsApp's whole seconds later, as times of answers have no parts of seconds.
var unquotedColumns = database.Columns[*received]{
	database.Col("id", func(m *received) uid.ID { return m.id }, database.IDs),
	database.Col("organization_id", func(m *received) uid.ID { return m.Organization }, database.IDs),
	database.Col("phone_number_id", func(m *received) uid.ID { return m.PhoneNumber }, database.IDs),
	database.Col("contact_id", func(m *received) uid.ID { return m.Contact }, database.IDs),
	database.Col("since", func(m *received) time.Time { return m.sentAt.Add(-repliesWithin) }, database.Times),
	database.Col("until", func(m *received) time.Time { return m.sentAt.Add(time.Second) }, database.Times),
}

// findQuoted finds the messages of ours that messages quote.
func findQuoted(ctx context.Context, tx *database.Tx, messages []*received) error {
	var quoting []*received
	for _, m := range messages {
		if m.Quotes != "" {
			quoting = append(quoting, m)
		}
	}

	if len(quoting) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset([]any{enum.DirectionOutbound}, quotingColumns.Of(quoting)...)
	rows, err := tx.QueryContext(ctx, `SELECT f.id, m.id FROM `+from+`
		CROSS JOIN message m WHERE m.wamid = f.wamid AND m.organization_id = f.organization_id AND m.direction = $1
		ORDER BY m.id DESC`, args...)

	byID := map[uid.ID]*received{}
	for _, m := range quoting {
		byID[m.id] = m
	}

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id, message uid.ID
		if err := rows.Scan(&id, &message); err != nil {
			return err
		}

		if m := byID[id]; m.replyTo.IsZero() {
			m.replyTo = message
			if m.Writes {
				m.answers = message
			}
		}

		return nil
	})
	if err != nil {
		return fmt.Errorf("look for what %d messages quote: %w", len(quoting), err)
	}

	return nil
}

var quotingColumns = database.Columns[*received]{
	database.Col("id", func(m *received) uid.ID { return m.id }, database.IDs),
	database.Col("organization_id", func(m *received) uid.ID { return m.Organization }, database.IDs),
	database.Col("wamid", func(m *received) string { return m.Quotes }, database.Texts),
}

// reply is an answer to a message of ours, as it is stored.
type reply struct {
	*received
	to    *row
	first bool // to that message
}

// button is the title of the button that was pressed; nil where none was.
func (r reply) button() *string {
	if r.Reply == nil || r.Reply.Title == "" {
		return nil
	}
	return &r.Reply.Title
}

var replyColumns = database.Columns[reply]{
	database.Col("id", func(r reply) uid.ID { return r.id }, database.IDs),
	database.Col("organization_id", func(r reply) uid.ID { return r.Organization }, database.IDs),
	database.Col("campaign_id", func(r reply) uid.ID { return r.to.campaign }, database.IDs),
	database.Col("message_id", func(r reply) uid.ID { return r.answers }, database.IDs),
	database.Col("contact_id", func(r reply) uid.ID { return r.Contact }, database.IDs),
	database.Col("first", func(r reply) bool { return r.first }, database.Bools),
	database.Col("button", reply.button, database.NullTexts),
	database.Col("created_at", func(r reply) time.Time { return r.createdAt }, database.Times),
}

// countReplies stores which messages answer ours. It counts each message that is answered once, and
// those of campaigns once for each button. It holds the answered messages' rows, so that of two
// processes the second finds what the first has stored.
func (l *ledger) countReplies(ctx context.Context, tx *database.Tx, messages []*received) error {
	if err := answered(ctx, tx, messages); err != nil {
		return err
	}

	var of []uid.ID
	for _, m := range messages {
		if !m.answers.IsZero() {
			of = append(of, m.answers)
		}
	}

	if len(of) == 0 {
		return nil
	}

	held, err := lock(ctx, tx, of)
	if err != nil {
		return err
	}

	var replies []reply
	for _, m := range messages {
		if row := held[m.answers]; row != nil && row.organization == m.Organization {
			replies = append(replies, reply{received: m, to: row})
		}
	}

	known, pressed, err := knownReplies(ctx, tx, replies)
	if err != nil {
		return err
	}

	for i := range replies {
		r := &replies[i]
		r.first = !known[r.answers]
		known[r.answers] = true
		if r.first {
			l.sum(r.to.statisticKey(metricReplied, r.sentAt)).Replied++
		}
		if r.to.campaign.IsZero() {
			continue
		}

		c := l.change(r.Organization, r.to.campaign)
		if r.first {
			c.replied++
		}
		if title := r.button(); title != nil && !pressed[press{r.answers, *title}] {
			pressed[press{r.answers, *title}] = true
			c.count(enum.CampaignCountKindButton, *title, 1)
		}
	}

	return database.Insert(ctx, tx, "reply", replyColumns, replies)
}

// press is a button that was pressed on a message.
type press struct {
	message uid.ID
	title   string
}

// knownReplies says of what is answered now what was answered before, and which buttons were
// pressed.
func knownReplies(ctx context.Context, tx *database.Tx, replies []reply) (known map[uid.ID]bool,
	pressed map[press]bool, err error) {
	known, pressed = map[uid.ID]bool{}, map[press]bool{}
	columns := database.Columns[reply]{
		database.Col("message_id", func(r reply) uid.ID { return r.answers }, database.IDs),
		database.Col("button", reply.button, database.NullTexts),
	}

	from, args := tx.DB.Rowset(nil, columns.Of(replies)...)
	rows, err := tx.QueryContext(ctx, `SELECT f.message_id, coalesce(f.button, ''),
		EXISTS (SELECT 1 FROM reply WHERE reply.message_id = f.message_id),
		EXISTS (SELECT 1 FROM reply WHERE reply.message_id = f.message_id AND reply.button = f.button) FROM `+from, args...)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var p press
		var answered, also bool
		if err := rows.Scan(&p.message, &p.title, &answered, &also); err != nil {
			return err
		}

		known[p.message], pressed[p] = answered, also

		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("look for earlier answers: %w", err)
	}

	return known, pressed, nil
}
