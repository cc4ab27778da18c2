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
var buckets = []string{"queued", "sending", "accepted", "sent", "delivered", "read", "failed", "unknown", "skipped",
	"canceled"}

var bucketOf = map[enum.MessageStatus]int{
	enum.MessageStatusQueued: 0, enum.MessageStatusSending: 1, enum.MessageStatusAccepted: 2, enum.MessageStatusHeld: 2,
	enum.MessageStatusSent: 3, enum.MessageStatusDelivered: 4, enum.MessageStatusRead: 5, enum.MessageStatusFailed: 6,
	enum.MessageStatusUnknown: 7, enum.MessageStatusSkipped: 8, enum.MessageStatusCanceled: 9,
}

// metrics are the hourly sums, in the order of the columns.
var metrics = []string{"accepted", "sent", "delivered", "read", "failed", "skipped", "received"}

const (
	metricAccepted = iota
	metricSent
	metricDelivered
	metricRead
	metricFailed
	metricSkipped
	metricReceived
	metricsEnd
)

type dimensions struct {
	organization, account, phoneNumber, template, campaign uid.ID
	hour                                                   time.Time
	category, country                                      string
	errorCode                                              int
}

// ledger gathers, in one transaction, what follows from messages having moved: counters, sums and
// log entries. Its write takes locks in one order for all processes: campaigns by id, statistics by
// key, event counters by organization. Messages are locked before, by id.
type ledger struct {
	now       time.Time
	campaigns map[uid.ID]*[10]int
	totals    map[uid.ID]int
	sums      map[dimensions]*[metricsEnd]int
	optOuts   map[dimensions]int
	events    map[uid.ID][]Event
	owners    map[uid.ID]uid.ID // campaign → organization
	answers   map[uid.ID][]byte // campaign → what came of its messages, a letter each
	links     []Link            // who got messages
	failing   []Tally           // known when it is written: campaigns that fail too often
}

func newLedger(now time.Time) *ledger {
	return &ledger{now: now, campaigns: map[uid.ID]*[10]int{}, totals: map[uid.ID]int{},
		sums: map[dimensions]*[metricsEnd]int{}, optOuts: map[dimensions]int{},
		events: map[uid.ID][]Event{}, owners: map[uid.ID]uid.ID{}, answers: map[uid.ID][]byte{}}
}

// moved notes the difference between two states of one message; before is nil for a new one.
func (l *ledger) moved(before, after *row) {
	if before != nil {
		l.count(before, -1)
	} else if !after.campaign.IsZero() {
		l.totals[after.campaign]++
	}

	l.count(after, +1)
}

func (l *ledger) count(r *row, n int) {
	if bucket, ok := bucketOf[r.status]; ok && !r.campaign.IsZero() {
		l.shift(r.organization, r.campaign, bucket, n)
	}

	for metric, at := range r.contributions() {
		if at == nil {
			continue
		}

		key := dimensions{r.organization, r.account, r.phoneNumber, r.template, r.campaign, at.UTC().Truncate(time.Hour),
			r.category, r.country, 0}
		if metric == metricFailed && r.errorCode != nil {
			key.errorCode = *r.errorCode
		}
		if l.sums[key] == nil {
			l.sums[key] = &[metricsEnd]int{}
		}

		l.sums[key][metric] += n
	}
}

// optedOut counts people who opted out. No message shows that, so that it is a sum of its own.
func (l *ledger) optedOut(all []OptOut) {
	for _, o := range all {
		l.optOuts[o.dimensions()]++
	}
}

// shift adds n to one of a campaign's buckets.
func (l *ledger) shift(organization, campaign uid.ID, bucket, n int) {
	if l.campaigns[campaign] == nil {
		l.campaigns[campaign], l.owners[campaign] = &[10]int{}, organization
	}

	l.campaigns[campaign][bucket] += n
}

// contributions say in which hours a message counts, as a function of its row alone: so the sums do
// not depend on the order in which facts came, and can be derived again. What was read was
// delivered, what was delivered was sent, and so on; the earliest known time stands in for one that
// never came.
func (r *row) contributions() (at [metricsEnd]*time.Time) {
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

	for campaign, organization := range l.owners {
		news.Notify(ctx, organization, campaign)
	}
}

// write commits nothing itself: it belongs to the transaction that changed the messages, as its
// last step. What is to be run before goes to the database with it.
func (l *ledger) write(ctx context.Context, tx *database.Tx, before ...database.Statement) error {
	return tx.Together(ctx, slices.Concat(before, l.countCampaigns(tx.DB), l.addSums(tx.DB), l.logEvents(tx.DB))...)
}

func (l *ledger) countCampaigns(db *database.DB) (statements []database.Statement) {
	ids := slices.SortedFunc(maps.Keys(l.campaigns), uid.Compare)
	changed := ids[:0]
	for _, campaign := range ids {
		if *l.campaigns[campaign] != [10]int{} || l.totals[campaign] != 0 || len(l.answers[campaign]) > 0 {
			changed = append(changed, campaign)
		}
	}

	if len(changed) == 0 {
		return nil
	}

	if len(changed) > 1 { // one UPDATE of many rows locks them in an order of its own
		from, args := db.Rowset(nil, database.IDs("id", changed))
		statements = append(statements, database.Statement{What: "lock campaigns",
			Query: "SELECT id FROM campaign WHERE id IN (SELECT id FROM " + from + ") ORDER BY id" + db.ForUpdate(),
			Args:  args})
	}

	columns := []database.Column{database.IDs("id", changed)}
	totals := make([]int, len(changed))
	for i, campaign := range changed {
		totals[i] = l.totals[campaign]
	}

	columns = append(columns, database.Ints("total", totals))
	sets := []string{"total = campaign.total + f.total"}

	for bucket, name := range buckets {
		counts := make([]int, len(changed))
		for i, campaign := range changed {
			counts[i] = l.campaigns[campaign][bucket]
		}

		columns = append(columns, database.Ints(name, counts))
		sets = append(sets, name+" = campaign."+name+" + f."+name)
	}

	count := database.Statement{What: "count campaigns"}
	answers, failures := l.lastAnswers(changed)
	if len(l.answers) > 0 {
		columns, sets = append(columns, database.Texts("answers", answers)), append(sets, appendAnswers)
	}

	from, args := db.Rowset(nil, columns...)
	count.Query, count.Args = "UPDATE campaign SET "+strings.Join(sets, ", ")+" FROM "+from+" WHERE campaign.id = f.id",
		args
	if failures {
		count.Query += returningAnswers
		count.Read = l.tally
	}

	return append(statements, count)
}

func (l *ledger) addSums(db *database.DB) []database.Statement {
	var keys []dimensions
	for key, sum := range l.sums {
		if *sum != [metricsEnd]int{} || l.optOuts[key] != 0 {
			keys = append(keys, key)
		}
	}

	for key := range l.optOuts {
		if l.sums[key] == nil {
			keys = append(keys, key)
		}
	}

	if len(keys) == 0 {
		return nil
	}

	slices.SortFunc(keys, compareDimensions)
	n := len(keys)
	ids, organizations, accounts, numbers, templates, campaigns := make([]uid.ID, n), make([]uid.ID, n),
		make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n), make([]uid.ID, n)
	hours, categories, countries, codes := make([]time.Time, n), make([]string, n), make([]string, n), make([]int, n)

	for i, k := range keys {
		ids[i], organizations[i], accounts[i], numbers[i] = uid.New(uid.Statistic), k.organization, k.account, k.phoneNumber
		templates[i], campaigns[i] = orNone(k.template), orNone(k.campaign)
		hours[i], categories[i], countries[i], codes[i] = k.hour, k.category, k.country, k.errorCode
	}

	columns := []database.Column{
		database.IDs("id", ids), database.IDs("organization_id", organizations), database.Times("hour", hours),
		database.IDs("account_id", accounts),
		database.IDs("phone_number_id", numbers), database.IDs("template_id", templates),
		database.IDs("campaign_id", campaigns),
		database.Texts("category", categories), database.Texts("country", countries), database.Ints("error_code", codes),
	}

	names := "id, organization_id, hour, account_id, phone_number_id, template_id, campaign_id, category, country, error_code"
	var sets []string

	for metric, name := range metrics {
		counts := make([]int, n)
		for i, k := range keys {
			if sum := l.sums[k]; sum != nil {
				counts[i] = sum[metric]
			}
		}

		columns = append(columns, database.Ints(name, counts))
		names += ", " + name
		sets = append(sets, name+" = statistic."+name+" + excluded."+name)
	}

	optedOut := "0"
	if len(l.optOuts) > 0 {
		optedOut = "opted_out"
		counts := make([]int, n)
		for i, k := range keys {
			counts[i] = l.optOuts[k]
		}

		columns, sets = append(columns, database.Ints("opted_out", counts)),
			append(sets, "opted_out = statistic.opted_out + excluded.opted_out")
	}

	from, args := db.Rowset(nil, columns...)

	return []database.Statement{{What: "sum statistics", Query: "INSERT INTO statistic (" + names +
		", opted_out) SELECT " + names + ", " + optedOut + " FROM " + from +
		" WHERE true ON CONFLICT (organization_id, hour, account_id, phone_number_id, template_id, campaign_id, category, country, error_code) DO UPDATE SET " +
		strings.Join(sets, ", "), Args: args}}
}

// none stands for "no campaign" and "no template" in the statistics, whose unique key must not hold
// NULL.
var none = uid.ID{15: 0xff}

func orNone(n uid.ID) uid.ID {
	if n.IsZero() {
		return none
	}
	return n
}

// logEvents numbers the entries and inserts them: the counter's row lock makes the order of commits
// the order of sequence numbers. An entry's number is taken from the counter, which this
// transaction has raised and nobody else can change now, so that the second statement need not wait
// for the answer to the first.
func (l *ledger) logEvents(db *database.DB) []database.Statement {
	if len(l.events) == 0 {
		return nil
	}

	organizations := slices.SortedFunc(maps.Keys(l.events), uid.Compare)
	counts, n := make([]int, len(organizations)), 0
	for i, organization := range organizations {
		counts[i] = len(l.events[organization])
		n += counts[i]
	}

	from, args := db.Rowset(nil, database.IDs("id", organizations), database.Ints("entries", counts))
	number := database.Statement{What: "number events", Read: l.number, Args: args,
		Query: "INSERT INTO event_counter (id, last, expired) SELECT id, entries, 0 FROM " + from +
			" WHERE true ORDER BY id ON CONFLICT (id) DO UPDATE SET last = event_counter.last + excluded.last RETURNING id, last"}

	owners, messages, campaigns, numbers, templates, following := make([]uid.ID, 0, n), make([]uid.ID, 0, n),
		make([]uid.ID, 0, n), make([]uid.ID, 0, n), make([]uid.ID, 0, n), make([]int, 0, n)
	statuses, codes, details, ats, recorded := make([]enum.MessageStatus, 0, n), make([]*int, 0, n),
		make([]*string, 0, n), make([]time.Time, 0, n), make([]time.Time, 0, n)

	for i, organization := range organizations {
		for j := range l.events[organization] {
			e := &l.events[organization][j]
			owners, following = append(owners, organization), append(following, counts[i]-1-j)
			messages, campaigns, numbers, templates = append(messages, e.Message), append(campaigns, e.Campaign),
				append(numbers, e.PhoneNumber), append(templates, e.Template)
			statuses, details, ats, recorded = append(statuses, e.Status), append(details, textOrNil(e.ErrorDetail)),
				append(ats, e.At), append(recorded, e.RecordedAt)
			var code *int
			if e.ErrorCode != 0 {
				code = &e.ErrorCode
			}

			codes = append(codes, code)
		}
	}

	names := "message_id, campaign_id, phone_number_id, template_id, status, error_code, error_detail, at, recorded_at"
	from, args = db.Rowset(nil, database.IDs("organization_id", owners), database.Ints("following", following),
		database.IDs("message_id", messages),
		database.IDs("campaign_id", campaigns), database.IDs("phone_number_id", numbers),
		database.IDs("template_id", templates), database.Texts("status", statuses),
		database.NullInts("error_code", codes), database.NullTexts("error_detail", details), database.Times("at", ats),
		database.Times("recorded_at", recorded))

	return []database.Statement{number,
		{What: "log events", Args: args, Query: "INSERT INTO delivery_event (organization_id, sequence, " + names +
			") SELECT organization_id, event_counter.last - following, " + names +
			" FROM " + from + " JOIN event_counter ON event_counter.id = f.organization_id"}}
}

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

func compareDimensions(a, b dimensions) int {
	for _, pair := range [][2]uid.ID{{a.organization, b.organization}, {a.account, b.account},
		{a.phoneNumber, b.phoneNumber}, {a.template, b.template}, {a.campaign, b.campaign}} {
		if c := uid.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}

	if c := a.hour.Compare(b.hour); c != 0 {
		return c
	}
	if c := strings.Compare(a.category+" "+a.country, b.category+" "+b.country); c != 0 {
		return c
	}

	return a.errorCode - b.errorCode
}
