package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// lease is how long a claimed message belongs to one worker. Longer than the HTTP timeout with all
// that comes before and after it, or the same message could be in two hands.
const lease = 2 * time.Minute

// sweepPage bounds one step of a sweep, so that it holds no lock for long.
const sweepPage = 1000

// Queue is the messages that wait to be sent.
type Queue struct {
	db      *database.DB
	journal *Journal
	news    News
	now     func() time.Time
	erased  *Erased
}

// NewQueue makes a queue over the journal's database.
func NewQueue(db *database.DB, journal *Journal, news News, now func() time.Time) *Queue {
	return &Queue{db: db, journal: journal, news: news, now: now, erased: NewErased(nil)}
}

// Outgoing is a message to be queued, or, with a skip reason, the record of one that is not.
type Outgoing struct {
	Campaign, Template, PhoneNumber, Account, Contact uid.ID

	Address, Country string
	Type             enum.MessageType
	Category         enum.TemplateCategory
	Parameters       map[string]string
	Content          json.RawMessage
	Skip             enum.SkipReason
	Reference        string    // the caller's own name for it; empty for none
	NotBefore        time.Time // zero is at once
	HeldFrom         time.Time // when it could go but for quiet hours; zero where they do not hold it
	TimeZone         string    // the person's; empty is the organization's
}

// MaxReference is how many characters a reference may have.
const MaxReference = 255

// CheckReference looks at a caller's own name for a message or a campaign.
func CheckReference(in *usererror.Fields, field, reference string) {
	switch n := utf8.RuneCountInString(reference); {
	case strings.TrimSpace(reference) == "":
		in.Add(field, usererror.Invalid, "a reference holds something; leave it out instead")
	case n > MaxReference:
		in.Add(field, usererror.TooLong, "the reference has %d characters; at most %d", n, MaxReference)
	case !utf8.ValidString(reference), !usererror.OneLine(reference):
		in.Add(field, usererror.Invalid, usererror.NotOneLine)
	}
}

// newMessage is an Outgoing with what its row holds beside it.
type newMessage struct {
	Outgoing
	row
	parameters json.RawMessage
	queuedAt   *time.Time
}

var newMessageColumns = database.Columns[*newMessage]{
	database.Col("id", func(m *newMessage) uid.ID { return m.id }, database.IDs),
	database.Col("organization_id", func(m *newMessage) uid.ID { return m.organization }, database.IDs),
	database.Col("campaign_id", func(m *newMessage) uid.ID { return m.Campaign }, database.IDs),
	database.Col("template_id", func(m *newMessage) uid.ID { return m.Template }, database.IDs),
	database.Col("phone_number_id", func(m *newMessage) uid.ID { return m.PhoneNumber }, database.IDs),
	database.Col("account_id", func(m *newMessage) uid.ID { return m.Account }, database.IDs),
	database.Col("contact_id", func(m *newMessage) uid.ID { return m.Contact }, database.IDs),
	database.Col("address", func(m *newMessage) string { return m.Address }, database.Texts),
	database.Col("country", func(m *newMessage) string { return m.Country }, database.Texts),
	database.Col("type", func(m *newMessage) enum.MessageType { return m.Type }, database.Texts),
	database.Col("category", func(m *newMessage) enum.TemplateCategory { return m.Category }, database.OptionalTexts),
	database.Col("status", func(m *newMessage) enum.MessageStatus { return m.status }, database.Texts),
	database.Col("skip_reason", func(m *newMessage) enum.SkipReason { return m.Skip }, database.OptionalTexts),
	database.Col("parameters", func(m *newMessage) json.RawMessage { return m.parameters }, database.JSONs),
	database.Col("content", func(m *newMessage) json.RawMessage { return m.Content }, database.JSONs),
	database.Col("reference", func(m *newMessage) string { return m.Reference }, database.OptionalTexts),
	database.Col("time_zone", func(m *newMessage) string { return m.TimeZone }, database.OptionalTexts),
	database.Col("not_before", func(m *newMessage) time.Time { return later(m.NotBefore, m.createdAt) }, database.Times),
	database.Col("held_from", func(m *newMessage) *time.Time { return timeOrNil(m.HeldFrom) }, database.NullTimes),
	database.Col("queued_at", func(m *newMessage) *time.Time { return m.queuedAt }, database.NullTimes),
	database.Col("closed_at", func(m *newMessage) *time.Time { return m.closedAt }, database.NullTimes),
	database.Col("created_at", func(m *newMessage) time.Time { return m.createdAt }, database.Times),
	database.Expr[*newMessage]("direction", "'OUTBOUND'"),
	database.Expr[*newMessage]("attempts", "0"),
}

// Enqueue adds messages in the caller's transaction, and publishes the news of them once that is
// committed. Between the rows and the counters it runs guard, where the caller takes locks that it
// wants to hold briefly, such as its campaign's.
func (q *Queue) Enqueue(ctx context.Context, tx *database.Tx, organization uid.ID, messages []Outgoing,
	guard func() error) (ids []uid.ID, err error) {
	l := newLedger(q.now())
	ids, rows := make([]uid.ID, len(messages)), make([]*newMessage, len(messages))
	for i, m := range messages {
		if rows[i], err = l.newMessage(organization, m); err != nil {
			return nil, err
		}

		ids[i] = rows[i].id
	}

	if err := insert(ctx, tx, rows); err != nil {
		return nil, err
	}
	if err := guard(); err != nil {
		return nil, err
	}
	if err := l.write(ctx, tx); err != nil {
		return nil, err
	}

	tx.After(func(ctx context.Context) { l.tell(ctx, q.news) })

	return ids, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// newMessage makes the row of a message that is queued or skipped, and counts it.
func (l *ledger) newMessage(organization uid.ID, o Outgoing) (m *newMessage, err error) {
	m = &newMessage{Outgoing: o, row: row{id: uid.New(uid.Message), organization: organization, campaign: o.Campaign,
		template: o.Template, phoneNumber: o.PhoneNumber, account: o.Account, category: string(o.Category),
		country: o.Country, direction: enum.DirectionOutbound, status: enum.MessageStatusQueued, createdAt: l.now}}
	if len(o.Parameters) > 0 {
		if m.parameters, err = json.Marshal(o.Parameters); err != nil {
			return nil, fmt.Errorf("write parameters: %w", err)
		}
	}

	if o.Skip != "" {
		m.status, m.closedAt, m.skipReason = enum.MessageStatusSkipped, &l.now, &o.Skip
		l.log(&m.row, m.status, Fact{At: l.now})
	} else {
		m.queuedAt = &l.now
	}

	l.moved(nil, &m.row)

	return m, nil
}

// listed are the columns of listing.
const listed = "id, organization_id, campaign_id, template_id, phone_number_id, contact_id, address, reference," +
	" created_at, type"

var listingColumns = newMessageColumns.Named(strings.Split(listed, ", "))

// insert writes the rows of new messages and has lists find them, in one round trip.
func insert(ctx context.Context, tx *database.Tx, rows []*newMessage) error {
	if len(rows) == 0 {
		return nil
	}

	message, messageArgs := newMessageColumns.Insertion(tx.DB, "message", rows)
	listing, listingArgs := listingColumns.Insertion(tx.DB, "listing", rows)

	return tx.Together(ctx,
		database.Statement{What: fmt.Sprintf("insert %d messages", len(rows)), Query: message, Args: messageArgs},
		database.Statement{What: fmt.Sprintf("list %d messages", len(rows)), Query: listing, Args: listingArgs})
}

// list has new messages found by lists.
func list(ctx context.Context, tx *database.Tx, ids []uid.ID) error {
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids))
	if _, err := tx.ExecContext(ctx, "INSERT INTO listing ("+listed+") SELECT "+listed+
		" FROM message WHERE id IN (SELECT id FROM "+from+")", args...); err != nil {
		return fmt.Errorf("list %d messages: %w", len(ids), err)
	}

	return nil
}

// Waiting is how many messages are queued on a number, beside those of one campaign.
func (q *Queue) Waiting(ctx context.Context, number, beside uid.ID) (n int, err error) {
	err = q.db.QueryRow(ctx, `SELECT (SELECT coalesce(sum(queued), 0) FROM campaign WHERE phone_number_id = $1
			AND status IN ('PREPARING', 'RUNNING') AND id <> $2)
		+ (SELECT count(*) FROM message WHERE phone_number_id = $1 AND campaign_id IS NULL AND status = 'QUEUED')`,
		number, beside).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what waits on %s: %w", number, err)
	}

	return n, nil
}

// NextDue is when the earliest waiting message of a number may be sent; false when none waits.
func (q *Queue) NextDue(ctx context.Context, number uid.ID) (due time.Time, waits bool, err error) {
	for _, query := range []string{
		"SELECT not_before FROM message WHERE phone_number_id = $1 AND campaign_id IS NULL AND status = 'QUEUED'" +
			numberMaySend + " ORDER BY not_before LIMIT 1",
		`SELECT (SELECT not_before FROM message WHERE campaign_id = campaign.id AND status = 'QUEUED'
		ORDER BY not_before LIMIT 1) AS due FROM campaign
			WHERE phone_number_id = $1 AND status = 'RUNNING'
			AND queued > 0 AND ` + canaryOpen + maySend("campaign.organization_id") + ` ORDER BY due LIMIT 1`,
	} {
		var at database.NullTime
		switch err := q.db.QueryRow(ctx, query, number).Scan(&at); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return due, false, fmt.Errorf("look for the next message of %s: %w", number, err)
		case at.Valid && (!waits || at.Time.Before(due)):
			due, waits = at.Time, true
		}
	}

	return due, waits, nil
}

// Queued is how many messages wait on each phone number: those of campaigns by the campaigns'
// counters, the others counted.
func (l *Log) Queued(ctx context.Context, organization uid.ID, numbers []uid.ID) (map[uid.ID]int, error) {
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", numbers))
	rows, err := l.db.Query(ctx, `SELECT f.id,
		(SELECT coalesce(sum(queued), 0) FROM campaign WHERE phone_number_id = f.id AND organization_id = $1
		AND status IN ('PREPARING', 'RUNNING', 'PAUSED')) +
		(SELECT count(*) FROM message WHERE phone_number_id = f.id AND organization_id = $1 AND campaign_id IS NULL
		AND status = 'QUEUED') FROM `+from, args...)

	queued, err := database.CollectMap(rows, err, func(rows *sql.Rows) (number uid.ID, n int, err error) {
		err = rows.Scan(&number, &n)
		return number, n, err
	})
	if err != nil {
		return nil, fmt.Errorf("count what is queued: %w", err)
	}

	return queued, nil
}

// Lanes are the numbers with messages that are due.
func (q *Queue) Lanes(ctx context.Context) (numbers []uid.ID, err error) {
	now := q.now()
	return database.ScanIDs(q.db.Query(ctx, `SELECT DISTINCT phone_number_id FROM message WHERE status = 'QUEUED'
		AND campaign_id IS NULL AND not_before <= $1`+maySend("message.organization_id")+`
		UNION SELECT phone_number_id FROM campaign WHERE status = 'RUNNING'
		AND queued > 0`+maySend("campaign.organization_id")+`
			AND EXISTS (SELECT 1 FROM message WHERE campaign_id = campaign.id AND status = 'QUEUED' AND not_before <= $1)`, now))
}

// Close ends the queued messages of a campaign: kind is Cancel or Expire.
func (q *Queue) Close(ctx context.Context, campaign uid.ID, kind FactKind) (int, error) {
	now := q.now()
	return q.sweep(ctx, func() ([]Fact, error) {
		return q.facts(ctx, Fact{Kind: kind, At: now},
			"SELECT id, attempts, claim_id FROM message WHERE campaign_id = $1 AND status = 'QUEUED' ORDER BY not_before "+
				"LIMIT $2",
			campaign, sweepPage)
	})
}

// SettleUnknown decides about messages whose answer was lost and whose webhook has not come within
// the organization's waiting time: by the policy of their category they fail with a reason that
// says so (code is the error's), or are queued once more.
func (q *Queue) SettleUnknown(ctx context.Context, policies map[uid.ID]jsonfield.SendingPolicy, code int,
	detail string) (int, error) {
	now, settled := q.now(), 0
	like := Fact{Kind: GiveUp, At: now, NotBefore: now, ErrorCode: code, Detail: detail}
	for organization, policy := range policies {
		n, err := q.sweep(ctx, func() ([]Fact, error) {
			rows, err := q.db.Query(ctx,
				"SELECT id, attempts, category FROM message WHERE status = 'UNKNOWN' AND organization_id = $1 "+
					"AND unknown_at < $2 LIMIT $3",
				organization, now.Add(-time.Duration(policy.UnknownWaitSeconds)*time.Second), sweepPage)

			return database.Collect(rows, err, func(rows *sql.Rows) (Fact, error) { return settle(rows, like, policy) })
		})

		settled += n
		if err != nil {
			return settled, fmt.Errorf("settle unknown messages of %s: %w", organization, err)
		}
	}

	return settled, nil
}

// settle reads a message whose answer was lost, and decides about it.
func settle(rows *sql.Rows, like Fact, policy jsonfield.SendingPolicy) (Fact, error) {
	var category *enum.TemplateCategory
	if err := rows.Scan(&like.Message, &like.Attempt, &category); err != nil {
		return like, err
	}

	decision := policy.UnknownOther
	if category != nil && *category == enum.TemplateCategoryMarketing {
		decision = policy.UnknownMarketing
	}
	if decision == enum.UnknownPolicyPreferDelivery {
		like.Kind = SendAgain
	}

	return like, nil
}

// UnknownOwners are the organizations with messages whose answer was lost.
func (q *Queue) UnknownOwners(ctx context.Context) ([]uid.ID, error) {
	return database.ScanIDs(q.db.Query(ctx, "SELECT DISTINCT organization_id FROM message WHERE status = 'UNKNOWN'"))
}

// sweep records page after page of facts until there are none.
func (q *Queue) sweep(ctx context.Context, page func() ([]Fact, error)) (n int, err error) {
	for {
		facts, err := page()
		if err != nil || len(facts) == 0 {
			return n, err
		}
		if _, err := q.journal.Record(ctx, facts...); err != nil {
			return n, err
		}
		if n += len(facts); len(facts) < sweepPage {
			return n, nil
		}
	}
}

// facts makes one fact for each message that a query gives with its attempt and claim.
func (q *Queue) facts(ctx context.Context, like Fact, query string, args ...any) ([]Fact, error) {
	rows, err := q.db.Query(ctx, query, args...)
	return database.Collect(rows, err, func(rows *sql.Rows) (Fact, error) {
		f := like
		err := rows.Scan(&f.Message, &f.Attempt, &f.Claim)

		return f, err
	})
}
