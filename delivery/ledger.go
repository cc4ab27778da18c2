package delivery

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// buckets are the campaign's counters, in the order of the columns; each message is in exactly one
// of them.
var buckets = [...]string{"queued", "sending", "accepted", "sent", "delivered", "read", "failed", "unknown", "skipped",
	"canceled"}

var bucketOf = map[enum.MessageStatus]int{
	enum.MessageStatusQueued: 0, enum.MessageStatusSending: 1, enum.MessageStatusAccepted: 2, enum.MessageStatusHeld: 2,
	enum.MessageStatusSent: 3, enum.MessageStatusDelivered: 4, enum.MessageStatusRead: 5, enum.MessageStatusFailed: 6,
	enum.MessageStatusUnknown: 7, enum.MessageStatusSkipped: 8, enum.MessageStatusCanceled: 9,
}

// ledger gathers, in one transaction, what follows from messages having moved: counters, sums and
// log entries. Its write takes locks in one order for all processes: campaigns by id, statistics by
// key, event counters by organization. Messages are locked before, by id.
type ledger struct {
	now       time.Time
	campaigns map[uid.ID]*campaignChange
	sums      map[statisticKey]*Sums
	costs     map[costKey]int64 // micros, by the hourly sums in which they count
	events    map[uid.ID][]Event
	attempts  []attempt // that did not succeed
	links     []Link    // who got messages
	failing   []Tally   // known when it is written: campaigns that fail too often
}

// campaignChange is what is added to a campaign's counters.
type campaignChange struct {
	id, organization uid.ID
	total, replied   int
	buckets          [len(buckets)]int
	counts           map[countKey]int // people, in groups
	answers          []byte           // what came of its messages, a letter each
	costs            costs            // of its messages
}

// something reports whether the commit adds to the campaign's counters at all.
func (c *campaignChange) something() bool {
	return c.buckets != [len(buckets)]int{} || c.total != 0 || c.replied != 0 || len(c.counts) > 0 ||
		len(c.answers) > 0 || len(c.costs) > 0
}

func newLedger(now time.Time) *ledger {
	return &ledger{now: now, campaigns: map[uid.ID]*campaignChange{}, sums: map[statisticKey]*Sums{},
		costs: map[costKey]int64{}, events: map[uid.ID][]Event{}}
}

// moved notes the difference between two states of one message; before is nil for a new one.
func (l *ledger) moved(before, after *row) {
	if before != nil {
		l.count(before, -1)
	} else if !after.campaign.IsZero() {
		l.change(after.organization, after.campaign).total++
	}

	l.count(after, +1)
	if before == nil {
		l.charge(after, +1)
	} else if before.pricing != after.pricing || !sameTime(before.charged(), after.charged()) {
		l.charge(before, -1)
		l.charge(after, +1)
	}
}

func (l *ledger) count(r *row, n int) {
	if bucket, ok := bucketOf[r.status]; ok && !r.campaign.IsZero() {
		l.shift(r.organization, r.campaign, bucket, n)
		if r.status == enum.MessageStatusSkipped && r.skipReason != nil {
			l.change(r.organization, r.campaign).count(enum.CampaignCountKindSkip, string(*r.skipReason), n)
		}
	}

	for i, at := range r.contributions() {
		if at != nil {
			*metrics[i].of(l.sum(r.statisticKey(metric(i), *at))) += n
		}
	}
}

// sum gives what is added to an hourly sum.
func (l *ledger) sum(key statisticKey) *Sums {
	if l.sums[key] == nil {
		l.sums[key] = &Sums{}
	}
	return l.sums[key]
}

// change gives what is added to a campaign's counters.
func (l *ledger) change(organization, campaign uid.ID) *campaignChange {
	c := l.campaigns[campaign]
	if c == nil {
		c = &campaignChange{id: campaign, organization: organization}
		l.campaigns[campaign] = c
	}

	return c
}

// shift adds n to one of a campaign's buckets.
func (l *ledger) shift(organization, campaign uid.ID, bucket, n int) {
	l.change(organization, campaign).buckets[bucket] += n
}

// contributions say in which hours a message counts, as a function of its row alone: so the sums do
// not depend on the order in which facts came, and can be derived again. What was read was
// delivered, what was delivered was sent, and so on; the earliest known time stands in for one that
// never came.
func (r *row) contributions() (at [len(metrics)]*time.Time) {
	if r.direction == enum.DirectionInbound {
		at[metricReceived] = first(r.sentAt, &r.createdAt) // of old messages only this is known
		return at
	}

	at[metricRead] = r.readAt
	at[metricDelivered] = first(r.deliveredAt, r.readAt)
	at[metricSent] = first(r.sentAt, at[metricDelivered])
	at[metricAccepted] = first(r.acceptedAt, at[metricSent])

	switch r.status {
	case enum.MessageStatusFailed:
		at[metricFailed] = r.failedAt
	case enum.MessageStatusSkipped:
		at[metricSkipped] = r.closedAt
	}

	return at
}

func first(times ...*time.Time) *time.Time {
	for _, t := range times {
		if t != nil {
			return t
		}
	}

	return nil
}

// log adds an entry for a message that has come to a status.
func (l *ledger) log(r *row, status enum.MessageStatus, f Fact) {
	at := f.At
	if at.After(l.now) {
		at = l.now // Meta's clock may be ahead of ours; nothing has happened in the future
	}

	l.events[r.organization] = append(l.events[r.organization], Event{
		Message: r.id, Campaign: r.campaign, PhoneNumber: r.phoneNumber, Template: r.template, Status: status,
		ErrorCode: f.ErrorCode, ErrorDetail: f.Detail, At: at, RecordedAt: l.now,
	})
}

// tell hands on the news, once the ledger is committed.
func (l *ledger) tell(ctx context.Context, news News) {
	for organization, events := range l.events {
		news.Publish(ctx, organization, events)
	}

	for _, c := range l.campaigns {
		news.Notify(ctx, c.organization, c.id)
	}
}

// write commits nothing itself: it belongs to the transaction that changed the messages, as its
// last step. What is to be run before goes to the database with it.
func (l *ledger) write(ctx context.Context, tx *database.Tx, before ...database.Statement) error {
	return tx.Together(ctx, slices.Concat(before, l.addAttempts(tx.DB), l.countCampaigns(tx.DB), l.addSums(tx.DB),
		l.logEvents(tx.DB))...)
}

// campaignCounters are the columns of campaign to which a commit adds.
var campaignCounters = func() database.Columns[*campaignChange] {
	columns := database.Columns[*campaignChange]{
		database.Col("total", func(c *campaignChange) int { return c.total }, database.Ints),
		database.Col("replied", func(c *campaignChange) int { return c.replied }, database.Ints),
	}

	for i, name := range buckets {
		columns = append(columns, database.Col(name, func(c *campaignChange) int { return c.buckets[i] }, database.Ints))
	}

	return columns
}()

var (
	changedCampaign = database.Col("id", func(c *campaignChange) uid.ID { return c.id }, database.IDs)
	campaignAnswers = database.Col("answers", (*campaignChange).lastAnswers, database.Texts)
)

func (l *ledger) countCampaigns(db *database.DB) (statements []database.Statement) {
	var changed []*campaignChange
	answered, failures, charged := false, false, false
	for _, c := range l.campaigns {
		if c.something() {
			changed = append(changed, c)
			answered, failures = answered || len(c.answers) > 0, failures || c.failures()
			charged = charged || len(c.costs) > 0
		}
	}

	if len(changed) == 0 {
		return nil
	}

	slices.SortFunc(changed, func(a, b *campaignChange) int { return uid.Compare(a.id, b.id) })
	if len(changed) > 1 { // one UPDATE of many rows locks them in an order of its own
		from, args := db.Rowset(nil, changedCampaign.Values(changed))
		statements = append(statements, database.Statement{What: "lock campaigns",
			Query: "SELECT id FROM campaign WHERE id IN (SELECT id FROM " + from + ") ORDER BY id" + db.ForUpdate(),
			Args:  args})
	}

	sets := make([]string, len(campaignCounters))
	for i, column := range campaignCounters {
		sets[i] = column.Name + " = campaign." + column.Name + " + f." + column.Name
	}

	columns := append(database.Columns[*campaignChange]{changedCampaign}, campaignCounters...)
	if answered {
		columns, sets = append(columns, campaignAnswers), append(sets, appendAnswers)
	}
	if charged {
		columns, sets = append(columns, campaignCost...), append(sets, addCost("campaign", "f")...)
	}

	from, args := db.Rowset(nil, columns.Of(changed)...)
	count := database.Statement{What: "count campaigns", Args: args,
		Query: "UPDATE campaign SET " + strings.Join(sets, ", ") + " FROM " + from + " WHERE campaign.id = f.id"}
	if failures {
		count.Query += returningAnswers
		count.Read = l.tally
	}

	return slices.Concat(append(statements, count), furtherCosts(db, changed), countGroups(db, changed))
}

// logEvents numbers the entries and inserts them: the counter's row lock makes the order of commits
// the order of sequence numbers. An entry's number is taken from the counter, which this
// transaction has raised and nobody else can change now, so that the second statement need not wait
// for the answer to the first.
func (l *ledger) logEvents(db *database.DB) []database.Statement {
	if len(l.events) == 0 {
		return nil
	}

	var counters []logCounter
	var entries []logged

	for _, organization := range slices.SortedFunc(maps.Keys(l.events), uid.Compare) {
		events := l.events[organization]
		counters = append(counters, logCounter{organization, len(events)})
		for i := range events {
			entries = append(entries, logged{&events[i], organization, len(events) - 1 - i})
		}
	}

	number, numberArgs := counterColumns.Insertion(db, "event_counter", counters)
	names := loggedColumns.Names()
	from, args := db.Rowset(nil, append(loggedColumns.Of(entries), following.Values(entries))...)

	return []database.Statement{
		{What: "number events", Read: l.number, Args: numberArgs, Query: number +
			" ORDER BY f.id ON CONFLICT (id) DO UPDATE SET last = event_counter.last + excluded.last RETURNING id, last"},
		{What: "log events", Args: args, Query: "INSERT INTO delivery_event (sequence, " + names +
			") SELECT event_counter.last - f.following, " + names + " FROM " + from +
			" JOIN event_counter ON event_counter.id = f.organization_id"},
	}
}

// logCounter is how many entries an organization's log gets.
type logCounter struct {
	organization uid.ID
	entries      int
}

var counterColumns = database.Columns[logCounter]{
	database.Col("id", func(c logCounter) uid.ID { return c.organization }, database.IDs),
	database.Col("last", func(c logCounter) int { return c.entries }, database.Ints),
	database.Expr[logCounter]("expired", "0"),
}

// logged is an entry of an organization's log, and how many follow it in this transaction.
type logged struct {
	*Event
	organization uid.ID
	following    int
}

var loggedColumns = database.Columns[logged]{
	database.Col("organization_id", func(e logged) uid.ID { return e.organization }, database.IDs),
	database.Col("message_id", func(e logged) uid.ID { return e.Message }, database.IDs),
	database.Col("campaign_id", func(e logged) uid.ID { return e.Campaign }, database.IDs),
	database.Col("phone_number_id", func(e logged) uid.ID { return e.PhoneNumber }, database.IDs),
	database.Col("template_id", func(e logged) uid.ID { return e.Template }, database.IDs),
	database.Col("status", func(e logged) enum.MessageStatus { return e.Status }, database.Texts),
	database.Col("error_code", func(e logged) int { return e.ErrorCode }, database.OptionalInts),
	database.Col("error_detail", func(e logged) string { return e.ErrorDetail }, database.OptionalTexts),
	database.Col("at", func(e logged) time.Time { return e.At }, database.Times),
	database.Col("recorded_at", func(e logged) time.Time { return e.RecordedAt }, database.Times),
}

var following = database.Col("following", func(e logged) int { return e.following }, database.Ints)

// number tells the entries their places.
func (l *ledger) number(counters database.Rows) error {
	for counters.Next() {
		var organization uid.ID
		var last int64
		if err := counters.Scan(&organization, &last); err != nil {
			return err
		}

		events := l.events[organization]
		for i := range events {
			events[i].Sequence = last - int64(len(events)-1-i)
		}
	}

	return counters.Err()
}
