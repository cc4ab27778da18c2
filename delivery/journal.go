package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/pricing"
	"carillon/uid"
)

// batchFacts bounds one commit of the journal. Larger batches gain nothing and make the first in
// them wait.
const batchFacts = 1000

// News is told after each commit. It may lose what it is told: the log is in the database.
type News interface {
	// Publish hands on new entries of an organization's log, which follow on one another.
	Publish(ctx context.Context, organization uid.ID, events []Event)
	// Notify says that something is worth looking at again, such as a campaign's counters.
	Notify(ctx context.Context, organization uid.ID, subjects ...uid.ID)
}

// Journal is the one door by which messages change after they are queued. It batches by nature:
// while one commit runs, new facts gather, and the next commit takes them all; an idle journal
// commits at once.
type Journal struct {
	db     *database.DB
	news   News
	now    func() time.Time
	log    *slog.Logger
	brake  Brake
	book   *pricing.Book // nil: nothing has an amount
	inbox  chan submission
	closed chan struct{}

	metrics journalMetrics

	directory Directory
	untold    []Link // that the directory could not take yet
}

type submission struct {
	facts []Fact
	done  chan<- outcome
}

type outcome struct {
	Recorded
	err error
}

// Recorded says what came of facts.
type Recorded struct {
	Unmatched []Fact // belong to no message of ours
	Failures  []Fact // are failures that were not known before
}

// NewJournal makes a journal; Run must run for Record to return.
func NewJournal(db *database.DB, news News, now func() time.Time, log *slog.Logger) *Journal {
	return &Journal{db: db, news: news, now: now, log: log, inbox: make(chan submission), closed: make(chan struct{}),
		metrics: newJournalMetrics()}
}

// Watch sets who is told of campaigns that fail too often; call it before Run. Without it nobody
// is.
func (j *Journal) Watch(brake Brake) { j.brake = brake }

// PriceBy sets the rate cards by which it fixes what messages are charged; call it before Run.
func (j *Journal) PriceBy(book *pricing.Book) { j.book = book }

// Record returns when the facts are committed, with those that belong to no message of ours. After
// an error nothing of them is.
func (j *Journal) Record(ctx context.Context, facts ...Fact) (unmatched []Fact, err error) {
	recorded, err := j.Report(ctx, facts...)
	return recorded.Unmatched, err
}

// Report is Record that also tells which failures are new.
func (j *Journal) Report(ctx context.Context, facts ...Fact) (Recorded, error) {
	if len(facts) == 0 {
		return Recorded{}, nil
	}

	done := make(chan outcome, 1)
	select {
	case j.inbox <- submission{facts, done}:
	case <-ctx.Done():
		return Recorded{}, ctx.Err()
	case <-j.closed:
		return Recorded{}, fmt.Errorf("record facts: %w", context.Canceled)
	}

	o := <-done // the commit is under way: whoever asked must learn its outcome

	return o.Recorded, o.err
}

// Run commits until ctx ends. What was handed over by then is still committed.
func (j *Journal) Run(ctx context.Context) error {
	defer close(j.closed)
	work := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-j.inbox:
			j.commit(work, j.gather(s))
		}
	}
}

// gather takes everything that waits at this moment.
func (j *Journal) gather(first submission) []submission {
	batch, n := []submission{first}, len(first.facts)
	for n < batchFacts {
		select {
		case s := <-j.inbox:
			batch, n = append(batch, s), n+len(s.facts)
		default:
			return batch
		}
	}

	return batch
}

func (j *Journal) commit(ctx context.Context, batch []submission) {
	facts := batch[0].facts
	if len(batch) > 1 {
		facts = nil
		for _, s := range batch {
			facts = append(facts, s.facts...)
		}
	}

	begun := time.Now()
	l, results, err := j.apply(ctx, facts)
	j.metrics.committed(len(facts), time.Since(begun), err)
	if err != nil && len(batch) > 1 {
		j.log.Error("a batch of facts could not be committed; trying each part alone", "facts", len(facts), "error", err)
		for _, s := range batch {
			j.commit(ctx, []submission{s})
		}

		return
	}

	if err == nil {
		j.introduce(ctx, l.links)
	}

	for _, s := range batch {
		if err != nil {
			s.done <- outcome{err: err}
			continue
		}

		s.done <- outcome{Recorded: sorted(s.facts, results)}
		results = results[len(s.facts):]
	}

	if err == nil {
		l.tell(ctx, j.news)
		j.judge(ctx, l)
	}
}

// result is what came of one fact.
type result byte

const (
	taken     result = iota // or nothing new
	unmatched               // belongs to no message
	failed                  // is a failure that was not known
)

func sorted(facts []Fact, results []result) (r Recorded) {
	for i, f := range facts {
		switch results[i] {
		case unmatched:
			r.Unmatched = append(r.Unmatched, f)
		case failed:
			r.Failures = append(r.Failures, f)
		}
	}

	return r
}

func (j *Journal) judge(ctx context.Context, l *ledger) {
	for _, t := range l.failing {
		if j.brake == nil {
			return
		}
		if err := j.brake.Brake(ctx, t); err != nil {
			j.log.Error("a campaign that fails too often could not be stopped", "campaign", t.Campaign.String(), "error", err)
		}
	}
}

// factKey is how a fact names its message: by our id, or by WhatsApp's and the number that it was
// told of.
type factKey struct {
	id            uid.ID
	wamid, number string
}

func key(f Fact) factKey {
	if f.Message.IsZero() {
		return factKey{wamid: f.WAMID, number: f.Number.MetaID}
	}
	return factKey{id: f.Message}
}

func (j *Journal) apply(ctx context.Context, facts []Fact) (l *ledger, results []result, err error) {
	err = j.db.InTx(ctx, func(tx *database.Tx) error {
		l, results = newLedger(j.now()), make([]result, len(facts))
		ids, err := messagesOf(ctx, tx, facts)
		if err != nil {
			return fmt.Errorf("find messages: %w", err)
		}

		rows, err := lock(ctx, tx, slices.Collect(maps.Values(ids)))
		if err != nil {
			return err
		}

		prices, err := j.prices(ctx, tx, facts, rows)
		if err != nil {
			return err
		}

		before := make(map[uid.ID]*row, len(rows)) // those that facts have touched
		for i, f := range facts {
			r := rows[ids[key(f)]]
			if !f.concerns(r) {
				results[i] = unmatched
				continue
			}

			if before[r.id] == nil {
				old := *r
				before[r.id] = &old
			}

			f = f.keptOf(r)
			l.link(r, f)
			f.fixPrice(r, prices)
			l.tried(r, f)
			if status, logged := r.apply(f); logged {
				l.log(r, status, f)
				l.answer(r, f)
				if f.Kind == Failed {
					results[i] = failed
				}
			}
		}

		changed := make([]*row, 0, len(before))
		var back []uid.ID // was in a worker's hands, and WhatsApp did not take it

		for id, old := range before {
			r := rows[id]
			if *r == *old {
				continue
			}

			l.moved(old, r)
			changed = append(changed, r)
			if old.status == enum.MessageStatusSending &&
				(r.status == enum.MessageStatusQueued || r.status == enum.MessageStatusFailed) {
				back = append(back, id)
			}
		}

		if err := vacate(ctx, tx, back); err != nil {
			return err
		}
		if err := unspend(ctx, tx, changed, l.now); err != nil {
			return err
		}

		return l.write(ctx, tx, store(tx.DB, before, changed)...)
	})

	return l, results, err
}

// messagesOf finds each fact's message: by our own id, echoed back, else by WhatsApp's. That one is
// looked for among the messages of the number that it was told of.
func messagesOf(ctx context.Context, tx *database.Tx, facts []Fact) (map[factKey]uid.ID, error) {
	ids, wamids, of := map[factKey]uid.ID{}, []string{}, map[string][]Fact{}
	for _, f := range facts {
		k := key(f)
		if k.wamid == "" {
			ids[k] = k.id
			continue
		}

		if of[k.wamid] == nil {
			wamids = append(wamids, k.wamid)
		}

		of[k.wamid] = append(of[k.wamid], f)
	}

	if len(wamids) == 0 {
		return ids, nil
	}

	from, args := tx.DB.Rowset(nil, database.Texts("wamid", wamids))
	rows, err := tx.QueryContext(ctx,
		"SELECT message.id, message.wamid, message.phone_number_id, message.direction FROM message JOIN "+from+
			" ON message.wamid = f.wamid", args...)

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var wamid string
		var r row
		if err := rows.Scan(&r.id, &wamid, &r.phoneNumber, &r.direction); err != nil {
			return err
		}

		for _, f := range of[wamid] {
			if f.concerns(&r) {
				ids[key(f)] = r.id
			}
		}

		return nil
	})

	return ids, err
}

const rowColumns = `message.id, message.organization_id, message.campaign_id, message.template_id, message.phone_number_id, message.account_id,
	message.category, message.country, message.direction, message.status, message.skip_reason, message.attempts, message.settled_attempts, message.wamid, message.error_code, message.error_detail,
	message.not_before, message.lease_until, message.accepted_at, message.sent_at, message.delivered_at, message.read_at, message.failed_at, message.unknown_at,
	message.closed_at, message.created_at, message.pricing, message.claim_id, message.address, message.route, message.erased_at`

func (r *row) scan(rows database.Rows) error {
	var category *string
	var route *enum.MessageRoute
	var pricing []byte
	err := rows.Scan(database.ID{ID: &r.id}, database.ID{ID: &r.organization}, database.ID{ID: &r.campaign},
		database.ID{ID: &r.template}, database.ID{ID: &r.phoneNumber}, database.ID{ID: &r.account}, &category, &r.country,
		&r.direction, &r.status, &r.skipReason, &r.attempts, &r.settledAttempts,
		&r.wamid, &r.errorCode, &r.errorDetail, &r.notBefore, &r.leaseUntil, &r.acceptedAt, &r.sentAt, &r.deliveredAt,
		&r.readAt, &r.failedAt, &r.unknownAt,
		&r.closedAt, &r.createdAt, &pricing, database.ID{ID: &r.claim}, &r.address, &route, &r.erasedAt)
	if err != nil {
		return err
	}
	if category != nil {
		r.category = *category
	}
	if route != nil {
		r.route = *route
	}
	if len(pricing) > 0 {
		return json.Unmarshal(pricing, &r.pricing)
	}

	return nil
}

// lock reads messages and keeps others from changing them until the transaction ends; always in the
// order of ids, so that two processes cannot wait for each other.
func lock(ctx context.Context, tx *database.Tx, ids []uid.ID) (map[uid.ID]*row, error) {
	slices.SortFunc(ids, uid.Compare)
	from, args := tx.DB.Rowset(nil, database.IDs("id", slices.Compact(ids)))
	of := tx.DB.ForUpdate()
	if of != "" {
		of += " OF message"
	}

	found := make(map[uid.ID]*row, len(ids))
	err := tx.Together(ctx, database.Statement{
		What:  "lock messages",
		Query: "SELECT " + rowColumns + " FROM message JOIN " + from + " ON message.id = f.id ORDER BY message.id" + of,
		Args:  args,
		Read: func(rows database.Rows) error {
			for rows.Next() {
				r := &row{}
				if err := r.scan(rows); err != nil {
					return err
				}

				found[r.id] = r
			}

			return rows.Err()
		},
	})

	return found, err
}
