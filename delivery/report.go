package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/ent/enum"
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

// Group is what a row is about. What the report does not group by, and what a message does not
// have, is zero.
type Group struct {
	Account, PhoneNumber, Template, Campaign uid.ID
	Category, Country                        string
	ErrorCode                                int
}

// Sums count messages by the hour in which each thing happened to them.
type Sums struct{ Accepted, Sent, Delivered, Read, Failed, Skipped, Received, OptedOut int }

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
}

// dimension is how a report groups by something.
type dimension struct {
	column  string
	into    func(*Group) any
	compare func(a, b *Group) int
}

var reported = map[enum.StatisticsDimension]dimension{
	enum.StatisticsDimensionAccount:     byID("account_id", func(g *Group) *uid.ID { return &g.Account }),
	enum.StatisticsDimensionPhoneNumber: byID("phone_number_id", func(g *Group) *uid.ID { return &g.PhoneNumber }),
	enum.StatisticsDimensionTemplate:    byID("template_id", func(g *Group) *uid.ID { return &g.Template }),
	enum.StatisticsDimensionCampaign:    byID("campaign_id", func(g *Group) *uid.ID { return &g.Campaign }),
	enum.StatisticsDimensionCategory:    by("category", func(g *Group) *string { return &g.Category }),
	enum.StatisticsDimensionCountry:     by("country", func(g *Group) *string { return &g.Country }),
	enum.StatisticsDimensionErrorCode:   by("error_code", func(g *Group) *int { return &g.ErrorCode }),
}

func by[T cmp.Ordered](column string, field func(*Group) *T) dimension {
	return dimension{column, func(g *Group) any { return field(g) }, func(a, b *Group) int {
		return cmp.Compare(*field(a), *field(b))
	}}
}

func byID(column string, field func(*Group) *uid.ID) dimension {
	return dimension{column, func(g *Group) any { return field(g) }, func(a, b *Group) int {
		return uid.Compare(*field(a), *field(b))
	}}
}

// Statistics makes a report of an organization from the hourly sums, ordered by time and then by
// the groups. It leaves out rows in which nothing happened. An hour belongs to the local day in
// which it begins.
func (l *Log) Statistics(ctx context.Context, organization uid.ID, r Report) ([]ReportRow, error) {
	if !r.Since.Before(r.Until) {
		return nil, usererror.New(usererror.BadInput, "filter.until must be after filter.since")
	}

	dims := make([]dimension, len(r.GroupBy))
	for i, d := range r.GroupBy {
		dims[i] = reported[d]
	}

	query, args := r.query(organization, dims)
	rows, err := l.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("sum statistics: %w", err)
	}

	defer rows.Close()
	type key struct {
		start time.Time
		group Group
	}
	sums := map[key]*Sums{}

	for rows.Next() {
		var hour time.Time
		var k key
		var s Sums
		into := []any{&s.Accepted, &s.Sent, &s.Delivered, &s.Read, &s.Failed, &s.Skipped, &s.Received, &s.OptedOut}
		if r.Interval != enum.StatisticsIntervalTotal {
			into = append(into, &hour)
		}

		for _, d := range dims {
			into = append(into, d.into(&k.group))
		}

		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("sum statistics: %w", err)
		}

		k.start, k.group = begin(r.Interval, hour, r.Zone), k.group.known()
		if sums[k] == nil {
			if len(sums) == mostRows {
				return nil, usererror.New(usererror.BadInput,
					"the statistics have more than %d rows: shorten the time between filter.since and filter.until, choose a longer interval, "+
						"leave something out of groupBy, or filter by one account, number, template, campaign or category", mostRows)
			}

			sums[k] = &Sums{}
		}

		sums[k].add(s)
	}

	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sum statistics: %w", err)
	}

	out := make([]ReportRow, 0, len(sums))
	for k, s := range sums {
		out = append(out, ReportRow{k.start, k.group, *s})
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

	for _, name := range append(slices.Clone(metrics), "opted_out") {
		sums, some = append(sums, "CAST(sum("+name+") AS bigint)"), append(some, "sum("+name+") <> 0")
	}

	where, args := r.where(organization)
	query := "SELECT " + strings.Join(append(sums, group...), ", ") + " FROM statistic WHERE " + where
	if len(group) > 0 {
		query += " GROUP BY " + strings.Join(group, ", ")
	}

	return query + " HAVING " + strings.Join(some, " OR "), args
}

func (r Report) where(organization uid.ID) (where string, args []any) {
	where, args = "organization_id = $1 AND hour >= $2 AND hour < $3",
		[]any{organization, r.Since.UTC().Truncate(time.Hour), r.Until.UTC().Add(time.Hour - 1).Truncate(time.Hour)}
	for _, only := range []struct {
		column string
		id     *uid.ID
	}{{"account_id", r.Account}, {"phone_number_id", r.PhoneNumber}, {"template_id", r.Template},
		{"campaign_id", r.Campaign}} {
		if only.id != nil {
			args = append(args, *only.id)
			where += fmt.Sprintf(" AND %s = $%d", only.column, len(args))
		}
	}

	if r.Category != nil {
		args = append(args, string(*r.Category))
		where += fmt.Sprintf(" AND category = $%d", len(args))
	}

	return where, args
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

func (s *Sums) add(t Sums) {
	s.Accepted += t.Accepted
	s.Sent += t.Sent
	s.Delivered += t.Delivered
	s.Read += t.Read
	s.Failed += t.Failed
	s.Skipped += t.Skipped
	s.Received += t.Received
	s.OptedOut += t.OptedOut
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
