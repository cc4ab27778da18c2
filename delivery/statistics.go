package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/pricing"
	"carillon/timezone"
	"carillon/uid"
	"carillon/usererror"
)

// mostRows bounds a report: it is made in memory and answered at once.
const mostRows = 10_000

// Report asks for sums over the hours from Since until Until, both rounded outward to whole UTC
// hours, as the sums are kept.
type Report struct {
	Since, Until time.Time
	Zone         *time.Location // in which days, weeks and months begin
	Interval     enum.StatisticsInterval
	GroupBy      []enum.StatisticsDimension // each once

	Account, PhoneNumber, Template, Campaign *uid.ID // nil is all of them
	Category                                 *enum.TemplateCategory
}

// ReportOf is the report that a stored question asks for. What is wrong with it is a usererror.
func ReportOf(q jsonfield.Statistics) (r Report, err error) {
	r = Report{Since: q.Since, Until: q.Until, Interval: q.Interval, Account: q.AccountID, PhoneNumber: q.PhoneNumberID,
		Template: q.TemplateID, Campaign: q.CampaignID, Category: q.Category}
	for _, d := range q.GroupBy {
		if !slices.Contains(r.GroupBy, d) {
			r.GroupBy = append(r.GroupBy, d)
		}
	}

	if r.Zone, err = timezone.Load(q.TimeZone); err != nil {
		return r, usererror.New(usererror.BadInput,
			"filter.timeZone is not the IANA name of a time zone, e.g. Asia/Shanghai")
	}
	if !r.Since.Before(r.Until) {
		return r, usererror.New(usererror.BadInput, "filter.until must be after filter.since")
	}

	return r, nil
}

// DeliveryRate is the share of the accepted that were delivered; 0 where nothing was accepted.
func (s Sums) DeliveryRate() float64 { return share(s.Delivered, s.Accepted) }

// ReadRate is the share of the delivered that were read; 0 where nothing was delivered.
func (s Sums) ReadRate() float64 { return share(s.Read, s.Delivered) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// ReportRow is one interval of one group.
type ReportRow struct {
	Start time.Time // the interval's; zero for TOTAL
	Group
	Sums
	// Cost is what the delivered were charged; nil where no price is known, and where they were
	// charged in several currencies.
	Cost *pricing.Money
}

// Statistics makes a report of an organization from the hourly sums, ordered by time and then by
// the groups. It leaves out rows in which nothing happened. An hour belongs to the local day in
// which it begins.
func (l *Log) Statistics(ctx context.Context, organization uid.ID, r Report) ([]ReportRow, error) {
	if !r.Since.Before(r.Until) {
		return nil, usererror.New(usererror.BadInput, "filter.until must be after filter.since")
	}

	dims := make([]dimension, len(r.GroupBy))
	for i, name := range r.GroupBy {
		dims[i] = dimensionOf(name)
	}

	query, args := r.query(organization, dims)
	rows, err := l.db.Query(ctx, query, args...)
	sums := map[interval]*summed{}
	err = database.Each(rows, err, func(rows *sql.Rows) error { return r.fold(rows, dims, sums) })
	if tooMany := (*usererror.Error)(nil); errors.As(err, &tooMany) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("sum statistics: %w", err)
	}

	out := make([]ReportRow, 0, len(sums))
	for of, s := range sums {
		out = append(out, ReportRow{of.start, of.group, s.Sums, s.cost()})
	}

	slices.SortFunc(out, func(a, b ReportRow) int {
		order := a.Start.Compare(b.Start)
		for i := 0; order == 0 && i < len(dims); i++ {
			order = dims[i].compare(&a.Group, &b.Group)
		}

		return order
	})

	return out, nil
}

// interval is what a row of a report sums up.
type interval struct {
	start time.Time
	group Group
}

// fold reads the sums of an hour, and adds them to those of its interval.
func (r Report) fold(rows *sql.Rows, dims []dimension, sums map[interval]*summed) error {
	var hour time.Time
	var group Group
	var read summed
	into := append(read.fields(), &read.micros, &read.lowest, &read.highest)
	if r.Interval != enum.StatisticsIntervalTotal {
		into = append(into, &hour)
	}

	for _, d := range dims {
		into = append(into, d.into(&group))
	}

	if err := rows.Scan(into...); err != nil {
		return err
	}

	of := interval{begin(r.Interval, hour, r.Zone), group.known()}
	if sums[of] == nil {
		if len(sums) == mostRows {
			return usererror.New(usererror.BadInput,
				"the statistics have more than %d rows: shorten the time between filter.since and filter.until, "+
					"choose a longer interval, "+
					"leave something out of groupBy, or filter by one account, number, template, campaign or category", mostRows)
		}

		sums[of] = &summed{}
	}

	sums[of].add(read)

	return nil
}

// summed is the sums of an interval, with what it cost. Its currencies are those between the lowest
// and the highest by their code: with one alone they are the same.
type summed struct {
	Sums
	micros          int64
	lowest, highest *string // nil where nothing has a price
}

func (s *summed) add(t summed) {
	s.Sums.add(t.Sums)
	s.micros += t.micros
	if t.lowest != nil && (s.lowest == nil || *t.lowest < *s.lowest) {
		s.lowest = t.lowest
	}
	if t.highest != nil && (s.highest == nil || *t.highest > *s.highest) {
		s.highest = t.highest
	}
}

func (s *summed) cost() *pricing.Money {
	if s.lowest == nil || *s.lowest != *s.highest {
		return nil
	}
	return &pricing.Money{Micros: s.micros, Currency: *s.lowest}
}

// query sums by hour and dimensions, so that what has to be folded is small. Sums that later facts
// took back are left out.
func (r Report) query(organization uid.ID, dims []dimension) (string, []any) {
	var group, sums, some []string
	if r.Interval != enum.StatisticsIntervalTotal {
		group = append(group, "hour")
	}

	for _, d := range dims {
		group = append(group, d.column)
	}

	for _, m := range metrics {
		sums = append(sums, "CAST(sum("+m.column+") AS bigint)")
		some = append(some, "sum("+m.column+") <> 0")
	}

	where, args := r.where(organization)
	sums = append(sums, "CAST(sum("+costMicros+") AS bigint)", "min("+costCurrency+")", "max("+costCurrency+")")
	query := "SELECT " + strings.Join(append(sums, group...), ", ") + " FROM statistic WHERE " + where
	if len(group) > 0 {
		query += " GROUP BY " + strings.Join(group, ", ")
	}

	return query + " HAVING " + strings.Join(some, " OR "), args
}

func (r Report) where(organization uid.ID) (where string, args []any) {
	where, args = "organization_id = $1 AND hour >= $2 AND hour < $3",
		[]any{organization, r.Since.UTC().Truncate(time.Hour), r.Until.UTC().Add(time.Hour - 1).Truncate(time.Hour)}
	only := func(dimension enum.StatisticsDimension, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND %s = $%d", dimensionOf(dimension).column, len(args))
	}

	for dimension, id := range map[enum.StatisticsDimension]*uid.ID{
		enum.StatisticsDimensionAccount:     r.Account,
		enum.StatisticsDimensionPhoneNumber: r.PhoneNumber,
		enum.StatisticsDimensionTemplate:    r.Template,
		enum.StatisticsDimensionCampaign:    r.Campaign,
	} {
		if id != nil {
			only(dimension, *id)
		}
	}

	if r.Category != nil {
		only(enum.StatisticsDimensionCategory, string(*r.Category))
	}

	return where, args
}

// begin is when the interval began that an hour belongs to.
func begin(interval enum.StatisticsInterval, hour time.Time, zone *time.Location) time.Time {
	y, m, d := hour.In(zone).Date()
	switch interval {
	case enum.StatisticsIntervalHour:
		return hour.UTC()
	case enum.StatisticsIntervalDay:
		return midnight(y, m, d, zone)
	case enum.StatisticsIntervalWeek:
		monday := (int(hour.In(zone).Weekday()) + 6) % 7 // days since
		return midnight(y, m, d-monday, zone)
	case enum.StatisticsIntervalMonth:
		return midnight(y, m, 1, zone)
	}

	return time.Time{}
}

// midnight is the first moment of a local day. It need not be 0:00: some zones change their clocks
// at midnight, so that it comes twice, or not at all.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	day := time.Date(y, m, d, 12, 0, 0, 0, zone).Day()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if t.Day() != day { // it was skipped, and this is the hour before
		_, t = t.ZoneBounds()
	}
	if before := t.Add(-time.Hour); before.Day() == day {
		t = before
	}

	return t.UTC()
}
