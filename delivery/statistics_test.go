package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// hours writes an accepted message for each hour from since until until.
func (b *bench) hours(since, until time.Time) {
	var all []*ent.StatisticCreate
	for hour := since; hour.Before(until); hour = hour.Add(time.Hour) {
		all = append(all, b.db.Client.Statistic.Create().SetOrganizationID(b.organization).SetHour(hour).
			SetAccountID(b.account).SetPhoneNumberID(b.campaign.PhoneNumberID).
			SetTemplateID(b.campaign.TemplateID).SetCampaignID(b.campaign.ID).SetCategory("MARKETING").SetCountry("DE").
			SetErrorCode(0).SetAccepted(1))
	}

	b.db.Client.Statistic.CreateBulk(all...).ExecX(b.ctx)
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}

	return z
}

func (b *bench) report(t *testing.T, r delivery.Report) []delivery.ReportRow {
	t.Helper()
	rows, err := b.log.Statistics(b.ctx, b.organization, r)
	if err != nil {
		t.Fatal(err)
	}

	return rows
}

func TestIntervalsAreCutWhereTheZoneCutsThem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		zone, since, until string
		interval           enum.StatisticsInterval
		want               string
	}{
		"the day on which Berlin's clocks go forward has 23 hours": {"Europe/Berlin", "2026-03-27T23:00:00Z",
			"2026-03-30T22:00:00Z", enum.StatisticsIntervalDay,
			"2026-03-28T00:00:00+01:00 24, 2026-03-29T00:00:00+01:00 23, 2026-03-30T00:00:00+02:00 24"},
		"the day on which they go back has 25": {"Europe/Berlin", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z",
			enum.StatisticsIntervalDay,
			"2026-10-24T00:00:00+02:00 24, 2026-10-25T00:00:00+02:00 25, 2026-10-26T00:00:00+01:00 24"},
		"so has its week one hour more": {"Europe/Berlin", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z",
			enum.StatisticsIntervalWeek, "2026-10-19T00:00:00+02:00 169"},
		"a day without midnight begins at one": {"Asia/Beirut", "2026-03-27T22:00:00Z", "2026-03-29T21:00:00Z",
			enum.StatisticsIntervalDay,
			"2026-03-28T00:00:00+02:00 24, 2026-03-29T01:00:00+03:00 23"},
		"a day with two begins at the first": {"America/Havana", "2026-10-31T04:00:00Z", "2026-11-02T05:00:00Z",
			enum.StatisticsIntervalDay,
			"2026-10-31T00:00:00-04:00 24, 2026-11-01T00:00:00-04:00 25"},
		"an hour that lies across midnight counts for the day in which it begins": {"Asia/Kolkata", "2026-05-01T00:00:00Z",
			"2026-05-03T00:00:00Z", enum.StatisticsIntervalDay,
			"2026-05-01T00:00:00+05:30 19, 2026-05-02T00:00:00+05:30 24, 2026-05-03T00:00:00+05:30 5"},
		"weeks begin on Monday, also over the turn of the year": {"UTC", "2026-12-27T22:00:00Z", "2027-01-04T02:00:00Z",
			enum.StatisticsIntervalWeek,
			"2026-12-21T00:00:00Z 2, 2026-12-28T00:00:00Z 168, 2027-01-04T00:00:00Z 2"},
		"months are those of the calendar": {"Asia/Shanghai", "2026-01-31T14:00:00Z", "2026-02-28T18:00:00Z",
			enum.StatisticsIntervalMonth,
			"2026-01-01T00:00:00+08:00 2, 2026-02-01T00:00:00+08:00 672, 2026-03-01T00:00:00+08:00 2"},
		"hours are whole in UTC": {"Asia/Kathmandu", "2026-05-01T00:00:00Z", "2026-05-01T02:00:00Z",
			enum.StatisticsIntervalHour, "2026-05-01T05:45:00+05:45 1, 2026-05-01T06:45:00+05:45 1"},
		"the total has no beginning": {"UTC", "2026-05-01T00:00:00Z", "2026-05-02T02:00:00Z",
			enum.StatisticsIntervalTotal, "0001-01-01T00:00:00Z 26"},
		"parts of hours count as hours": {"UTC", "2026-05-01T00:59:59.999Z", "2026-05-01T02:00:00.000001Z",
			enum.StatisticsIntervalTotal, "0001-01-01T00:00:00Z 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b, z := setUp(t, db), zone(t, tc.zone)
				since, _ := time.Parse(time.RFC3339, tc.since)
				until, _ := time.Parse(time.RFC3339, tc.until)
				b.hours(since.Truncate(time.Hour).Add(-2*time.Hour), until.Add(3*time.Hour).Truncate(time.Hour))
				got := ""

				for i, row := range b.report(t, delivery.Report{Since: since, Until: until, Zone: z, Interval: tc.interval}) {
					if i > 0 {
						got += ", "
					}

					got += fmt.Sprint(row.Start.In(z).Format(time.RFC3339), " ", row.Accepted)
				}

				if got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
			})
		})
	}
}

// recount makes a report from the messages themselves, and from when which were first answered.
func (b *bench) recount(r delivery.Report, answered map[uid.ID]time.Time) map[string]delivery.Sums {
	out := map[string]delivery.Sums{}
	for _, m := range b.db.Client.Message.Query().AllX(b.ctx) {
		note := func(at *time.Time, code int, count func(*delivery.Sums)) {
			if at == nil || at.Before(r.Since) || !at.Before(r.Until) {
				return
			}

			key := day(r, at.UTC().Truncate(time.Hour).In(r.Zone)) // an hour belongs to the day in which it begins
			for _, d := range r.GroupBy {
				key += "|" + dimensionOf(m, d, code)
			}

			s := out[key]
			count(&s)
			out[key] = s
		}

		first := func(times ...*time.Time) *time.Time {
			i := slices.IndexFunc(times, func(t *time.Time) bool { return t != nil })
			if i < 0 {
				return nil
			}

			return times[i]
		}

		if m.Direction == enum.DirectionInbound {
			note(first(m.SentAt, &m.CreatedAt), 0, func(s *delivery.Sums) { s.Received++ })
			continue
		}
		if at, ok := answered[m.ID]; ok {
			note(&at, 0, func(s *delivery.Sums) { s.Replied++ })
		}

		note(first(m.AcceptedAt, m.SentAt, m.DeliveredAt, m.ReadAt), 0, func(s *delivery.Sums) { s.Accepted++ })
		note(first(m.SentAt, m.DeliveredAt, m.ReadAt), 0, func(s *delivery.Sums) { s.Sent++ })
		note(first(m.DeliveredAt, m.ReadAt), 0, func(s *delivery.Sums) { s.Delivered++ })
		note(m.ReadAt, 0, func(s *delivery.Sums) { s.Read++ })
		if m.Status == enum.MessageStatusFailed {
			note(m.FailedAt, *m.ErrorCode, func(s *delivery.Sums) { s.Failed++ })
		}
		if m.Status == enum.MessageStatusSkipped {
			note(m.ClosedAt, 0, func(s *delivery.Sums) { s.Skipped++ })
		}
	}

	return out
}

// day names the interval that begins at a local time, or holds it.
func day(r delivery.Report, local time.Time) string {
	switch r.Interval {
	case enum.StatisticsIntervalTotal:
		return ""
	case enum.StatisticsIntervalHour:
		return local.UTC().Format("2006-01-02 15h")
	case enum.StatisticsIntervalWeek:
		year, week := local.ISOWeek()
		return fmt.Sprint(year, " week ", week)
	case enum.StatisticsIntervalMonth:
		return local.Format("2006-01")
	}

	return local.Format(time.DateOnly)
}

func dimensionOf(m *ent.Message, d enum.StatisticsDimension, code int) string {
	id := func(n *uid.ID) string {
		if n == nil {
			return ""
		}
		return n.String()
	}

	switch d {
	case enum.StatisticsDimensionCampaign:
		return id(m.CampaignID)
	case enum.StatisticsDimensionTemplate:
		return id(m.TemplateID)
	case enum.StatisticsDimensionPhoneNumber:
		return m.PhoneNumberID.String()
	case enum.StatisticsDimensionAccount:
		return m.AccountID.String()
	case enum.StatisticsDimensionErrorCode:
		return fmt.Sprint(code)
	case enum.StatisticsDimensionCountry:
		return m.Country
	}

	if m.Category == nil {
		return ""
	}

	return string(*m.Category)
}

func keyOf(r delivery.Report, row delivery.ReportRow) string {
	key := ""
	if !row.Start.IsZero() {
		key = day(r, row.Start.In(r.Zone))
	}

	id := func(n uid.ID) string {
		if n.IsZero() {
			return ""
		}
		return n.String()
	}

	for _, d := range r.GroupBy {
		key += "|" + map[enum.StatisticsDimension]string{
			enum.StatisticsDimensionCampaign: id(row.Campaign), enum.StatisticsDimensionTemplate: id(row.Template),
			enum.StatisticsDimensionPhoneNumber: row.PhoneNumber.String(),
			enum.StatisticsDimensionAccount:     row.Account.String(),
			enum.StatisticsDimensionErrorCode:   fmt.Sprint(row.ErrorCode), enum.StatisticsDimensionCountry: row.Country,
			enum.StatisticsDimensionCategory: row.Category,
		}[d]
	}

	return key
}

func TestEveryGroupingIsWhatARecountGives(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		var ids []uid.ID
		for _, c := range []*ent.Campaign{b.campaign, b.addCampaign("second"), nil} {
			ids = append(ids, b.enqueue(t, c, 30)...)
		}

		dice := rand.New(rand.NewPCG(1, 2))
		kinds := []delivery.FactKind{delivery.Accepted, delivery.Sent, delivery.Delivered, delivery.Read, delivery.Failed}

		for range 6 {
			var facts []delivery.Fact
			for _, id := range ids {
				f := delivery.Fact{Message: id, Kind: kinds[dice.IntN(len(kinds))],
					At: start.Add(-time.Duration(dice.IntN(72*3600)) * time.Second)}
				if f.Kind == delivery.Failed {
					f.ErrorCode = 131026 + dice.IntN(3)
				}

				facts = append(facts, f)
			}

			b.record(t, facts...)
		}

		b.verify(t)
		all := []enum.StatisticsDimension{enum.StatisticsDimensionAccount, enum.StatisticsDimensionPhoneNumber,
			enum.StatisticsDimensionTemplate, enum.StatisticsDimensionCampaign,
			enum.StatisticsDimensionCategory, enum.StatisticsDimensionCountry, enum.StatisticsDimensionErrorCode}

		for set := range 1 << len(all) {
			r := delivery.Report{Since: start.Truncate(time.Hour).Add(-48 * time.Hour), Until: start.Truncate(time.Hour),
				Zone: zone(t, "Europe/Berlin"),
				Interval: []enum.StatisticsInterval{enum.StatisticsIntervalHour, enum.StatisticsIntervalDay,
					enum.StatisticsIntervalTotal}[set%3]}

			for i, d := range all {
				if set&(1<<i) != 0 {
					r.GroupBy = append(r.GroupBy, d)
				}
			}

			b.compare(t, r, nil)
		}
	})
}

// compare holds a report against a recount.
func (b *bench) compare(t *testing.T, r delivery.Report, answered map[uid.ID]time.Time) {
	t.Helper()
	got := map[string]delivery.Sums{}
	for _, row := range b.report(t, r) {
		if _, twice := got[keyOf(r, row)]; twice {
			t.Errorf("%v: two rows of %s", r.GroupBy, keyOf(r, row))
		}

		got[keyOf(r, row)] = row.Sums
	}

	if diff := cmp.Diff(b.recount(r, answered), got); diff != "" {
		t.Errorf("by %s in %s and %v from %s to %s (-recount +statistics):\n%s", r.Interval, r.Zone, r.GroupBy, r.Since,
			r.Until, diff)
	}
}

// A history is what may become of messages over more than a year, in any order: facts that overtake
// each other, messages that are skipped, and answers, of which each message counts the first.
func TestReportsOfRandomHistoriesAreWhatARecountGives(t *testing.T) {
	t.Parallel()
	const days, rounds, reports = 400, 8, 30
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		dice := rand.New(rand.NewPCG(seed, 0))
		b := setUp(t, db)
		any := func() time.Time { return start.Add(-time.Duration(dice.IntN(days*24*3600)) * time.Second) }
		people := b.people(40, enum.ConsentOptedIn)
		var ids []uid.ID
		whose := map[uid.ID]person{}

		for _, c := range []*ent.Campaign{b.campaign, b.addCampaign("second"), nil} {
			for i, id := range b.to(t, c, b.campaign.TemplateID, people...) {
				ids, whose[id] = append(ids, id), people[i]
			}
		}

		kinds := []delivery.FactKind{delivery.Accepted, delivery.Sent, delivery.Delivered, delivery.Read, delivery.Failed,
			delivery.Skip}
		answered := map[uid.ID]time.Time{}
		b.claim(t, 1000, 0)

		for range rounds {
			var facts []delivery.Fact
			var written []delivery.Received
			for _, id := range ids {
				f := delivery.Fact{Message: id, Attempt: 1, Kind: kinds[dice.IntN(len(kinds))], At: any(), WAMID: wamid(id)}
				switch f.Kind {
				case delivery.Failed:
					f.ErrorCode = 131026 + dice.IntN(3)
				case delivery.Skip:
					f.Reason = enum.SkipReasonOptedOut
				}

				facts = append(facts, f)
			}

			b.record(t, facts...)
			for _, id := range ids {
				if dice.IntN(4) == 0 {
					written = append(written, b.written(whose[id], any(), quotes(id)))
				}
			}

			fresh := b.receive(t, written...)
			for i, in := range written {
				if to := b.answers(fresh[i]); !to.IsZero() && answered[to].IsZero() {
					answered[to] = in.At
				}
			}
		}

		b.verify(t)
		zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu"}
		intervals, all := enum.StatisticsInterval("").Values(), enum.StatisticsDimension("").Values()

		for range reports {
			since := any().Truncate(time.Hour)
			r := delivery.Report{Since: since, Until: since.Add(time.Duration(1+dice.IntN(days*24)) * time.Hour),
				Zone:     zone(t, zones[dice.IntN(len(zones))]),
				Interval: enum.StatisticsInterval(intervals[dice.IntN(len(intervals))])}
			for _, d := range all {
				if dice.IntN(3) == 0 {
					r.GroupBy = append(r.GroupBy, enum.StatisticsDimension(d))
				}
			}

			b.compare(t, r, answered)
		}
	})
}

func TestAReportTakesOnlyWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		second, zero, other := b.addCampaign("second"), uid.ID{}, uid.New(uid.Account)
		marketing, utility := enum.TemplateCategoryMarketing, enum.TemplateCategoryUtility

		for _, c := range []*ent.Campaign{b.campaign, second, nil} {
			for _, id := range b.enqueue(t, c, 2) {
				b.record(t, delivery.Fact{Message: id, Kind: delivery.Accepted, At: start})
			}
		}

		for name, tc := range map[string]struct {
			edit func(*delivery.Report)
			want int
		}{
			"all of one organization": {func(*delivery.Report) {}, 6},
			"of a campaign":           {func(r *delivery.Report) { r.Campaign = &second.ID }, 2},
			"of a campaign and its number": {func(r *delivery.Report) {
				r.Campaign, r.PhoneNumber, r.Template, r.Account = &second.ID, &second.PhoneNumberID, &second.TemplateID, &b.account
			}, 2},
			"of an account that is not ours": {func(r *delivery.Report) { r.Account = &other }, 0},
			"of an id that is none":          {func(r *delivery.Report) { r.Campaign = &zero }, 0},
			"of a category":                  {func(r *delivery.Report) { r.Category = &marketing }, 6},
			"of another category":            {func(r *delivery.Report) { r.Category = &utility }, 0},
			"of another hour":                {func(r *delivery.Report) { r.Until = r.Since.Add(time.Second) }, 0},
		} {
			r := delivery.Report{Since: start.Add(-time.Hour), Until: start.Add(time.Second), Zone: time.UTC,
				Interval: enum.StatisticsIntervalTotal}
			tc.edit(&r)
			got := 0
			for _, row := range b.report(t, r) {
				got += row.Accepted
			}

			if got != tc.want {
				t.Errorf("%s: %d, want %d", name, got, tc.want)
			}
			if rows, err := b.log.Statistics(b.ctx, uid.New(uid.Organization), r); err != nil || len(rows) > 0 {
				t.Errorf("%s: another organization sees %v, %v", name, rows, err)
			}
		}
	})
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range 11 {
			from := since.Add(time.Duration(i) * 1000 * time.Hour)
			b.hours(from, from.Add(1000*time.Hour))
		}

		r := delivery.Report{Since: since, Until: since.Add(10_000 * time.Hour), Zone: time.UTC,
			Interval: enum.StatisticsIntervalHour}
		if n := len(b.report(t, r)); n != 10_000 {
			t.Errorf("got %d rows", n)
		}

		r.Until = r.Until.Add(time.Hour)
		if _, err := b.log.Statistics(b.ctx, b.organization, r); !usererror.Is(err, usererror.BadInput) {
			t.Errorf("10,001 rows gave %v", err)
		}

		r.Until = r.Since
		if _, err := b.log.Statistics(b.ctx, b.organization, r); !usererror.Is(err, usererror.BadInput) {
			t.Errorf("no time at all gave %v", err)
		}
	})
}

func TestRates(t *testing.T) {
	t.Parallel()
	for s, want := range map[delivery.Sums][2]float64{{}: {0, 0}, {Accepted: 4, Delivered: 3, Read: 3}: {0.75, 1},
		{Delivered: 2, Read: 1}: {0, 0.5}, {Accepted: 2}: {0, 0}} {
		if got := [2]float64{s.DeliveryRate(), s.ReadRate()}; got != want {
			t.Errorf("%+v: rates are %v, want %v", s, got, want)
		}
	}
}
