package delivery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Sums count messages by the hour in which each thing happened to them.
type Sums struct {
	Accepted, Sent, Delivered, Read, Failed, Skipped, Received int

	Replied  int // messages that were answered, each once, when the first answer was written
	OptedOut int
	Clicked  int // clicks on links that WhatsApp told of
}

// metric is a place in metrics.
type metric int

const (
	metricAccepted metric = iota
	metricSent
	metricDelivered
	metricRead
	metricFailed
	metricSkipped
	metricReceived
	metricReplied
	metricOptedOut
	metricClicked
)

// metrics are the columns of statistic that count. All before the opt-outs follow from messages and
// their answers alone.
var metrics = [...]struct {
	column string
	of     func(*Sums) *int
}{
	metricAccepted:  {"accepted", func(s *Sums) *int { return &s.Accepted }},
	metricSent:      {"sent", func(s *Sums) *int { return &s.Sent }},
	metricDelivered: {"delivered", func(s *Sums) *int { return &s.Delivered }},
	metricRead:      {"read", func(s *Sums) *int { return &s.Read }},
	metricFailed:    {"failed", func(s *Sums) *int { return &s.Failed }},
	metricSkipped:   {"skipped", func(s *Sums) *int { return &s.Skipped }},
	metricReceived:  {"received", func(s *Sums) *int { return &s.Received }},
	metricReplied:   {"replied", func(s *Sums) *int { return &s.Replied }},
	metricOptedOut:  {"opted_out", func(s *Sums) *int { return &s.OptedOut }},
	metricClicked:   {"clicked", func(s *Sums) *int { return &s.Clicked }},
}

// add adds other sums.
func (s *Sums) add(t Sums) {
	for _, m := range metrics {
		*m.of(s) += *m.of(&t)
	}
}

// fields are where Scan puts the metrics, in their order.
func (s *Sums) fields() []any {
	fields := make([]any, len(metrics))
	for i, m := range metrics {
		fields[i] = m.of(s)
	}

	return fields
}

// Group is what a sum is about. What a report does not group by, and what a message does not have,
// is zero.
type Group struct {
	Account, PhoneNumber, Template, Campaign uid.ID
	Category, Country                        string
	ErrorCode                                int
}

// dimension is a column of statistic by which sums are kept apart and reports can group.
type dimension struct {
	name    enum.StatisticsDimension
	column  string
	into    func(*Group) any
	compare func(a, b *Group) int
	stored  database.ColumnOf[hourlySum]
}

var dimensions = []dimension{
	dim(enum.StatisticsDimensionAccount, "account_id", func(g *Group) *uid.ID { return &g.Account }, uid.Compare,
		database.IDs),
	dim(enum.StatisticsDimensionPhoneNumber, "phone_number_id", func(g *Group) *uid.ID { return &g.PhoneNumber },
		uid.Compare, database.IDs),
	dim(enum.StatisticsDimensionTemplate, "template_id", func(g *Group) *uid.ID { return &g.Template }, uid.Compare,
		idsOrNone),
	dim(enum.StatisticsDimensionCampaign, "campaign_id", func(g *Group) *uid.ID { return &g.Campaign }, uid.Compare,
		idsOrNone),
	dim(enum.StatisticsDimensionCategory, "category", func(g *Group) *string { return &g.Category }, strings.Compare,
		database.Texts),
	dim(enum.StatisticsDimensionCountry, "country", func(g *Group) *string { return &g.Country }, strings.Compare,
		database.Texts),
	dim(enum.StatisticsDimensionErrorCode, "error_code", func(g *Group) *int { return &g.ErrorCode }, cmp.Compare[int],
		database.Ints),
}

func dim[T any](name enum.StatisticsDimension, column string, field func(*Group) *T, compare func(a, b T) int,
	kind func(string, []T) database.Column) dimension {
	return dimension{name, column,
		func(g *Group) any { return field(g) },
		func(a, b *Group) int { return compare(*field(a), *field(b)) },
		database.Col(column, func(s hourlySum) T { return *field(&s.Group) }, kind)}
}

// dimensionOf gives the dimension of that name.
func dimensionOf(name enum.StatisticsDimension) dimension {
	return dimensions[slices.IndexFunc(dimensions, func(d dimension) bool { return d.name == name })]
}

// none stands for "no campaign" and "no template" in the statistics, whose unique key must not hold
// NULL.
var none = uid.ID{15: 0xff}

func idsOrNone(name string, ids []uid.ID) database.Column {
	for i := range ids {
		if ids[i].IsZero() {
			ids[i] = none
		}
	}

	return database.IDs(name, ids)
}

// known is the group with nothing where the sums say "no template" or "no campaign".
func (g Group) known() Group {
	for _, n := range []*uid.ID{&g.Template, &g.Campaign} {
		if *n == none {
			*n = uid.ID{}
		}
	}

	return g
}

// statisticKey tells hourly sums apart.
type statisticKey struct {
	organization uid.ID
	hour         time.Time
	Group
}

// statisticKey is that of the sum in which a message counts.
func (r *row) statisticKey(m metric, at time.Time) statisticKey {
	key := statisticKey{r.organization, at.UTC().Truncate(time.Hour), Group{Account: r.account,
		PhoneNumber: r.phoneNumber, Template: r.template, Campaign: r.campaign, Category: r.category, Country: r.country}}
	if m == metricFailed && r.errorCode != nil {
		key.ErrorCode = *r.errorCode
	}

	return key
}

// compare orders keys as all processes lock their rows.
func (k *statisticKey) compare(other *statisticKey) int {
	order := cmp.Or(uid.Compare(k.organization, other.organization), k.hour.Compare(other.hour))
	for i := 0; order == 0 && i < len(dimensions); i++ {
		order = dimensions[i].compare(&k.Group, &other.Group)
	}

	return order
}

// hourlySum is what a commit adds to a row of statistic.
type hourlySum struct {
	statisticKey
	*Sums
	cost amount // zero where nothing was charged
}

// sumKeyColumns are the unique key of statistic.
var sumKeyColumns = func() database.Columns[hourlySum] {
	columns := database.Columns[hourlySum]{
		database.Col("organization_id", func(s hourlySum) uid.ID { return s.organization }, database.IDs),
		database.Col("hour", func(s hourlySum) time.Time { return s.hour }, database.Times),
	}

	for _, d := range dimensions {
		columns = append(columns, d.stored)
	}

	return columns
}()

// sumColumns are all columns of statistic.
var sumColumns = func() database.Columns[hourlySum] {
	columns := append(database.Columns[hourlySum]{
		database.Col("id", func(hourlySum) uid.ID { return uid.New(uid.Statistic) }, database.IDs),
	}, sumKeyColumns...)

	for _, m := range metrics {
		columns = append(columns, database.Col(m.column, func(s hourlySum) int { return *m.of(s.Sums) }, database.Ints))
	}

	return append(columns,
		database.Col(costMicros, func(s hourlySum) int64 { return s.cost.micros }, database.Ints),
		database.Col(costCurrency, func(s hourlySum) string { return s.cost.currency }, database.OptionalTexts))
}()

// addSums are the statements that add what was gathered to the hourly sums. There is one, but for
// an hour in which an account's currency changed: a statement reaches each row once.
func (l *ledger) addSums(db *database.DB) (statements []database.Statement) {
	for rest := l.hourlySums(); len(rest) > 0; {
		var now, later []hourlySum
		for _, s := range rest {
			if len(now) > 0 && now[len(now)-1].statisticKey == s.statisticKey {
				later = append(later, s)
			} else {
				now = append(now, s)
			}
		}

		statements, rest = append(statements, addHourlySums(db, now)), later
	}

	return statements
}

// hourlySums are what was gathered, in the order of their keys. A key has a further one for each
// further currency.
func (l *ledger) hourlySums() (sums []hourlySum) {
	spent := l.costsOf()
	for key := range spent {
		l.sum(key) // it may be all there is
	}

	for key, sum := range l.sums {
		all := spent[key].sorted()
		if len(all) == 0 {
			all = []amount{{}}
		}

		for i, cost := range all {
			if i > 0 {
				sum = &Sums{}
			}
			if *sum != (Sums{}) || cost != (amount{}) {
				sums = append(sums, hourlySum{key, sum, cost})
			}
		}
	}

	slices.SortFunc(sums, func(a, b hourlySum) int {
		return cmp.Or(a.statisticKey.compare(&b.statisticKey), strings.Compare(a.cost.currency, b.cost.currency))
	})

	return sums
}

func addHourlySums(db *database.DB, sums []hourlySum) database.Statement {
	sets := make([]string, len(metrics))
	for i, m := range metrics {
		sets[i] = m.column + " = statistic." + m.column + " + excluded." + m.column
	}

	statement, args := sumColumns.Insertion(db, "statistic", sums)

	return database.Statement{What: "sum statistics", Args: args, Query: statement +
		" ON CONFLICT (" + sumKeyColumns.Names() + ") DO UPDATE SET " +
		strings.Join(append(sets, addCost("statistic", "excluded")...), ", ")}
}
