package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/column"
	"carillon/database"
	"carillon/enum"
	"carillon/uid"
)

// lease is how long a claimed message belongs to one worker. Longer than the HTTP timeout with all that comes before and
// after it, or the same message could be in two hands.
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

// New is a message to be queued, or, with a skip reason, the record of one that is not.
type New struct {
	Campaign, Template, PhoneNumber, Account, Contact uid.ID

	Address, Country string
	Type             enum.MessageType
	Category         enum.TemplateCategory
	Parameters       map[string]string
	Content          json.RawMessage
	Skip             enum.SkipReason
}

// Enqueue adds messages in the caller's transaction and returns what to do after its commit: tell the news. Between the rows
// and the counters it runs guard, where the caller takes locks that it wants to hold briefly, such as its campaign's.
func (q *Queue) Enqueue(ctx context.Context, tx *database.Tx, organization uid.ID, messages []New, guard func() error) (ids []uid.ID, told func(context.Context), err error) {
	now := q.now()
	l, n := newLedger(now), len(messages)
	ids = make([]uid.ID, n)
	campaigns, templates, numbers, accounts, contacts := make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n)
	organizations, addresses, countries, types, categories := make([]uid.ID, n), make([]string, n), make([]string, n), make([]enum.MessageType, n), make([]*enum.TemplateCategory, n)
	statuses, skips, parameters, contents, queued, closed, created := make([]enum.MessageStatus, n), make([]*enum.SkipReason, n), make([]json.RawMessage, n), make([]json.RawMessage, n), make([]*time.Time, n), make([]*time.Time, n), make([]time.Time, n)
	for i, m := range messages {
		ids[i], organizations[i] = uid.New(uid.Message), organization
		campaigns[i], templates[i], numbers[i], accounts[i], contacts[i] = m.Campaign, m.Template, m.PhoneNumber, m.Account, m.Contact
		addresses[i], countries[i], types[i], contents[i], created[i] = m.Address, m.Country, m.Type, m.Content, now
		if m.Category != "" {
			categories[i] = &m.Category
		}
		if len(m.Parameters) > 0 {
			if parameters[i], err = json.Marshal(m.Parameters); err != nil {
				return nil, nil, fmt.Errorf("write parameters: %w", err)
			}
		}
		r := &row{id: ids[i], organization: organization, campaign: m.Campaign, template: m.Template, phoneNumber: m.PhoneNumber, account: m.Account,
			category: string(m.Category), country: m.Country, direction: enum.DirectionOutbound, status: enum.MessageStatusQueued, createdAt: now}
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
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids), database.IDs("organization_id", organizations), database.IDs("campaign_id", campaigns), database.IDs("template_id", templates),
		database.IDs("phone_number_id", numbers), database.IDs("account_id", accounts), database.IDs("contact_id", contacts), database.Texts("address", addresses), database.Texts("country", countries),
		database.Texts("type", types), database.NullTexts("category", categories), database.Texts("status", statuses), database.NullTexts("skip_reason", skips), database.JSONs("parameters", parameters),
		database.JSONs("content", contents), database.NullTimes("queued_at", queued), database.NullTimes("closed_at", closed), database.Times("created_at", created))
	if _, err := tx.ExecContext(ctx, "INSERT INTO message ("+names+", direction, attempts, not_before) SELECT "+names+", 'OUTBOUND', 0, created_at FROM "+from, args...); err != nil {
		return nil, nil, fmt.Errorf("insert %d messages: %w", n, err)
	}
	if err := list(ctx, tx, ids); err != nil {
		return nil, nil, err
	}
	if err := guard(); err != nil {
		return nil, nil, err
	}
	if err := l.write(ctx, tx); err != nil {
		return nil, nil, err
	}
	return ids, func(ctx context.Context) { l.tell(ctx, q.news) }, nil
}

// list has new messages found by lists.
func list(ctx context.Context, tx *database.Tx, ids []uid.ID) error {
	const names = "id, organization_id, campaign_id, template_id, phone_number_id, contact_id, address, created_at"
	from, args := tx.DB.Rowset(nil, database.IDs("id", ids))
	if _, err := tx.ExecContext(ctx, "INSERT INTO listing ("+names+") SELECT "+names+" FROM message WHERE id IN (SELECT id FROM "+from+")", args...); err != nil {
		return fmt.Errorf("list %d messages: %w", len(ids), err)
	}
	return nil
}

// Claimed is a message in this worker's hands, to be sent before its lease runs out.
type Claimed struct {
	ID, Organization, Campaign, Template uid.ID

	Address    string
	Type       enum.MessageType
	Category   enum.TemplateCategory
	Parameters map[string]string
	Content    json.RawMessage
	Attempt    int
	Retries    int // how many attempts went before, since it was queued last
	Claim      uid.ID
	Part       int // of the claim, from 1; claimed messages come in the order of their parts
}

// Runnable is a campaign that may send now.
type Runnable struct {
	Campaign  uid.ID
	RateLimit *int // messages a second; nil leaves the number's own
	Most      int  // set by the caller: how many may be claimed now; negative for any number
}

// Runnable are a number's campaigns that may send now, in a fixed order.
func (q *Queue) Runnable(ctx context.Context, number uid.ID) (campaigns []Runnable, err error) {
	rows, err := q.db.Query(ctx, "SELECT id, rate_limit FROM campaign WHERE phone_number_id = $1 AND status = 'RUNNING' AND queued > 0 AND (expires_at IS NULL OR expires_at > $2)"+maySend("campaign.organization_id")+" ORDER BY id", number, q.now())
	if err != nil {
		return nil, fmt.Errorf("find campaigns of %s: %w", number, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := Runnable{Most: -1}
		if err := rows.Scan(&r.Campaign, &r.RateLimit); err != nil {
			return nil, err
		}
		campaigns = append(campaigns, r)
	}
	return campaigns, rows.Err()
}

// Claim takes up to n messages that are due on a number: single ones first, then those of the campaigns in their order, each
// its fair share of what is left. What it returns is SENDING in the database. A campaign that is paused meanwhile gives none,
// and campaigns write to no more new people than the account's messaging limit has room for, and no more messages than the
// organization's quota: full says that one of them has none left.
// Every campaign's message is taken for one to somebody new then, since the few who are not cannot be picked out cheaply.
func (q *Queue) Claim(ctx context.Context, number uid.ID, n int, campaigns []Runnable, limit Limit) (claimed []Claimed, full bool, err error) {
	err = q.db.InTx(ctx, func(tx *database.Tx) error {
		now := q.now()
		l := newLedger(now)
		room, err := q.room(ctx, tx, limit, now)
		if err != nil {
			return err
		}
		today, err := q.today(ctx, tx, limit, now)
		if err != nil {
			return err
		}
		if room < 0 || today >= 0 && today < room {
			room = today
		}
		take := taking{claim: uid.New(uid.Claim), size: partSize(n), now: now}
		claimed, err = q.claim(ctx, tx, claimed[:0], n, take, "phone_number_id = $1 AND campaign_id IS NULL"+numberMaySend, number)
		for i, c := range campaigns {
			left := n - len(claimed)
			if room >= 0 {
				left = min(left, room)
			}
			if full = room == 0; err != nil || left == 0 {
				break
			}
			share := (left + len(campaigns) - i - 1) / (len(campaigns) - i)
			if c.Most >= 0 {
				share = min(share, c.Most)
			}
			had := len(claimed)
			claimed, err = q.claim(ctx, tx, claimed, share, take, "campaign_id = $1 AND EXISTS (SELECT 1 FROM campaign WHERE campaign.id = $1 AND campaign.status = 'RUNNING'"+maySend("campaign.organization_id")+")", c.Campaign)
			if took := len(claimed) - had; took > 0 {
				if room > 0 {
					room -= took
				}
				l.shift(claimed[had].Organization, c.Campaign, bucketOf[enum.MessageStatusQueued], -took)
				l.shift(claimed[had].Organization, c.Campaign, bucketOf[enum.MessageStatusSending], took)
			}
		}
		if err != nil {
			return err
		}
		slices.SortStableFunc(claimed, func(a, b Claimed) int { return a.Part - b.Part })
		if err := take.keep(ctx, tx, len(claimed)); err != nil {
			return err
		}
		if err := q.occupy(ctx, tx, limit, claimed, now); err != nil {
			return err
		}
		if err := q.spend(ctx, tx, limit, claimed); err != nil {
			return err
		}
		return l.write(ctx, tx)
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim messages of %s: %w", number, err)
	}
	return claimed, full, nil
}

func (q *Queue) claim(ctx context.Context, tx *database.Tx, claimed []Claimed, n int, take taking, whose string, owner uid.ID) ([]Claimed, error) {
	rows, err := tx.QueryContext(ctx, `UPDATE message SET status = 'SENDING', attempts = attempts + 1, lease_until = $3, claim_id = $5, claim_part = ($6 + due.place - 1) / $7 + 1
		FROM (SELECT id, row_number() OVER (ORDER BY not_before, id) AS place FROM
			(SELECT id, not_before FROM message WHERE `+whose+` AND status = 'QUEUED' AND not_before <= $2 ORDER BY not_before, id LIMIT $4`+q.db.SkipLocked()+`) AS locked) AS due
		WHERE message.id = due.id
		RETURNING message.id, organization_id, campaign_id, template_id, address, type, category, parameters, content, attempts, attempts - 1 - coalesce(settled_attempts, 0), claim_part`,
		owner, take.now, take.now.Add(lease), n, take.claim, len(claimed), take.size)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := Claimed{Claim: take.claim}
		var category *enum.TemplateCategory
		var parameters, content []byte
		if err := rows.Scan(&c.ID, &c.Organization, &c.Campaign, &c.Template, &c.Address, &c.Type, &category, &parameters, &content, &c.Attempt, &c.Retries, &c.Part); err != nil {
			return nil, err
		}
		if category != nil {
			c.Category = *category
		}
		if len(parameters) > 0 {
			if err := json.Unmarshal(parameters, &c.Parameters); err != nil {
				return nil, fmt.Errorf("parameters of %s: %w", c.ID, err)
			}
		}
		c.Content = content
		claimed = append(claimed, c)
	}
	return claimed, rows.Err()
}

// NextDue is when the earliest waiting message of a number may be sent; false when none waits.
func (q *Queue) NextDue(ctx context.Context, number uid.ID) (due time.Time, waits bool, err error) {
	for _, query := range []string{
		"SELECT not_before FROM message WHERE phone_number_id = $1 AND campaign_id IS NULL AND status = 'QUEUED'" + numberMaySend + " ORDER BY not_before LIMIT 1",
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
		return q.facts(ctx, Fact{Kind: kind, At: now}, "SELECT id, attempts, claim_id FROM message WHERE campaign_id = $1 AND status = 'QUEUED' ORDER BY not_before LIMIT $2", campaign, sweepPage)
	})
}

// SettleUnknown decides about messages whose answer was lost and whose webhook has not come within the organization's waiting
// time: by the policy of their category they fail with a reason that says so (code is the error's), or are queued once more.
func (q *Queue) SettleUnknown(ctx context.Context, policies map[uid.ID]column.SendingPolicy, code int, detail string) (int, error) {
	now, settled := q.now(), 0
	for organization, policy := range policies {
		n, err := q.sweep(ctx, func() ([]Fact, error) {
			rows, err := q.db.Query(ctx, "SELECT id, attempts, category FROM message WHERE status = 'UNKNOWN' AND organization_id = $1 AND unknown_at < $2 LIMIT $3",
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
