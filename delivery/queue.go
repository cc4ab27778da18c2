package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
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
}

// NewQueue makes a queue over the journal's database.
func NewQueue(db *database.DB, journal *Journal, news News, now func() time.Time) *Queue {
	return &Queue{db: db, journal: journal, news: news, now: now}
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
}

// Enqueue adds messages in the caller's transaction, and publishes the news of them once that is
// committed. Between the rows and the counters it runs guard, where the caller takes locks that it
// wants to hold briefly, such as its campaign's.
func (q *Queue) Enqueue(ctx context.Context, tx *database.Tx, organization uid.ID, messages []Outgoing,
	guard func() error) (ids []uid.ID, err error) {
	now := q.now()
	l, n := newLedger(now), len(messages)
	ids = make([]uid.ID, n)
	campaigns, templates, numbers, accounts, contacts := make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n),
		make([]uid.ID, n), make([]uid.ID, n)
	organizations, addresses, countries, types, categories := make([]uid.ID, n), make([]string, n), make([]string, n),
		make([]enum.MessageType, n), make([]*enum.TemplateCategory, n)
	statuses, skips, parameters, contents, queued, closed, created := make([]enum.MessageStatus, n),
		make([]*enum.SkipReason, n), make([]json.RawMessage, n), make([]json.RawMessage, n), make([]*time.Time, n),
		make([]*time.Time, n), make([]time.Time, n)

	for i, m := range messages {
		ids[i], organizations[i] = uid.New(uid.Message), organization
		campaigns[i], templates[i], numbers[i], accounts[i], contacts[i] = m.Campaign, m.Template, m.PhoneNumber,
			m.Account, m.Contact
		addresses[i], countries[i], types[i], contents[i], created[i] = m.Address, m.Country, m.Type, m.Content, now
		if m.Category != "" {
			categories[i] = &m.Category
		}

		if len(m.Parameters) > 0 {
			if parameters[i], err = json.Marshal(m.Parameters); err != nil {
				return nil, fmt.Errorf("write parameters: %w", err)
			}
		}

		r := &row{id: ids[i], organization: organization, campaign: m.Campaign, template: m.Template,
			phoneNumber: m.PhoneNumber, account: m.Account,
			category: string(m.Category), country: m.Country, direction: enum.DirectionOutbound,
			status: enum.MessageStatusQueued, createdAt: now}
		if m.Skip != "" {
			r.status, r.closedAt = enum.MessageStatusSkipped, &now
			skips[i], closed[i] = &m.Skip, &now
			l.log(r, r.status, Fact{At: now})
		} else {
			queued[i] = &now
		}

		statuses[i] = r.status
		l.moved(nil, r)
	}

	names := `id, organization_id, campaign_id, template_id, phone_number_id, account_id, contact_id, address, country, type, category, status, skip_reason, parameters, content, queued_at, closed_at, created_at`
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids), database.IDs("organization_id", organizations),
		database.IDs("campaign_id", campaigns), database.IDs("template_id", templates),
		database.IDs("phone_number_id", numbers), database.IDs("account_id", accounts),
		database.IDs("contact_id", contacts), database.Texts("address", addresses), database.Texts("country", countries),
		database.Texts("type", types), database.NullTexts("category", categories), database.Texts("status", statuses),
		database.NullTexts("skip_reason", skips), database.JSONs("parameters", parameters),
		database.JSONs("content", contents), database.NullTimes("queued_at", queued),
		database.NullTimes("closed_at", closed), database.Times("created_at", created))
	if _, err := tx.ExecContext(ctx, "INSERT INTO message ("+names+", direction, attempts, not_before) SELECT "+
		names+", 'OUTBOUND', 0, created_at FROM "+from, args...); err != nil {
		return nil, fmt.Errorf("insert %d messages: %w", n, err)
	}

	if err := list(ctx, tx, ids); err != nil {
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

// list has new messages found by lists.
func list(ctx context.Context, tx *database.Tx, ids []uid.ID) error {
	const names = "id, organization_id, campaign_id, template_id, phone_number_id, contact_id, address, created_at"
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids))
	if _, err := tx.ExecContext(ctx, "INSERT INTO listing ("+names+") SELECT "+names+
		" FROM message WHERE id IN (SELECT id FROM "+from+")", args...); err != nil {
		return fmt.Errorf("list %d messages: %w", len(ids), err)
	}

	return nil
}

// NextDue is when the earliest waiting message of a number may be sent; false when none waits.
func (q *Queue) NextDue(ctx context.Context, number uid.ID) (due time.Time, waits bool, err error) {
	for _, query := range []string{
		"SELECT not_before FROM message WHERE phone_number_id = $1 AND campaign_id IS NULL AND status = 'QUEUED'" +
			numberMaySend + " ORDER BY not_before LIMIT 1",
		`SELECT (SELECT not_before FROM message WHERE campaign_id = campaign.id AND status = 'QUEUED' ORDER BY not_before LIMIT 1) AS due FROM campaign
			WHERE phone_number_id = $1 AND status = 'RUNNING' AND queued > 0` + maySend("campaign.organization_id") + ` ORDER BY due LIMIT 1`,
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

// Lanes are the numbers with messages that are due.
func (q *Queue) Lanes(ctx context.Context) (numbers []uid.ID, err error) {
	now := q.now()
	return database.ScanIDs(q.db.Query(ctx, `SELECT DISTINCT phone_number_id FROM message WHERE status = 'QUEUED' AND campaign_id IS NULL AND not_before <= $1`+maySend("message.organization_id")+`
		UNION SELECT phone_number_id FROM campaign WHERE status = 'RUNNING' AND queued > 0`+maySend("campaign.organization_id")+`
			AND EXISTS (SELECT 1 FROM message WHERE campaign_id = campaign.id AND status = 'QUEUED' AND not_before <= $1)`, now))
}

// Close ends the queued messages of a campaign: kind is Cancel or Expire.
func (q *Queue) Close(ctx context.Context, campaign uid.ID, kind FactKind) (int, error) {
	now := q.now()
	return q.sweep(ctx, func() ([]Fact, error) {
		return q.facts(ctx, Fact{Kind: kind, At: now},
			"SELECT id, attempts, claim_id FROM message WHERE campaign_id = $1 AND status = 'QUEUED' ORDER BY not_before LIMIT $2",
			campaign, sweepPage)
	})
}

// SettleUnknown decides about messages whose answer was lost and whose webhook has not come within
// the organization's waiting time: by the policy of their category they fail with a reason that
// says so (code is the error's), or are queued once more.
func (q *Queue) SettleUnknown(ctx context.Context, policies map[uid.ID]jsonfield.SendingPolicy, code int,
	detail string) (int, error) {
	now, settled := q.now(), 0
	for organization, policy := range policies {
		n, err := q.sweep(ctx, func() ([]Fact, error) {
			rows, err := q.db.Query(ctx,
				"SELECT id, attempts, category FROM message WHERE status = 'UNKNOWN' AND organization_id = $1 AND unknown_at < $2 LIMIT $3",
				organization, now.Add(-time.Duration(policy.UnknownWaitSeconds)*time.Second), sweepPage)
			if err != nil {
				return nil, err
			}

			defer rows.Close()
			var facts []Fact

			for rows.Next() {
				f := Fact{Kind: GiveUp, At: now, NotBefore: now, ErrorCode: code, Detail: detail}
				var category *enum.TemplateCategory
				if err := rows.Scan(&f.Message, &f.Attempt, &category); err != nil {
					return nil, err
				}

				decision := policy.UnknownOther
				if category != nil && *category == enum.TemplateCategoryMarketing {
					decision = policy.UnknownMarketing
				}
				if decision == enum.UnknownPolicyPreferDelivery {
					f.Kind = SendAgain
				}

				facts = append(facts, f)
			}

			return facts, rows.Err()
		})

		settled += n
		if err != nil {
			return settled, fmt.Errorf("settle unknown messages of %s: %w", organization, err)
		}
	}

	return settled, nil
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
func (q *Queue) facts(ctx context.Context, like Fact, query string, args ...any) (facts []Fact, err error) {
	rows, err := q.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		f := like
		if err := rows.Scan(&f.Message, &f.Attempt, &f.Claim); err != nil {
			return nil, err
		}

		facts = append(facts, f)
	}

	return facts, rows.Err()
}
