package export

import (
	"context"
	"slices"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// oneSum is a row of statistics with the names of what it is about.
type oneSum struct {
	delivery.ReportRow
	account, number, template, campaign string
}

// groupColumns are what rows are told apart by: those that were asked for.
var groupColumns = []struct {
	by enum.StatisticsDimension
	column
	of func(r *oneSum) any
}{
	{enum.StatisticsDimensionAccount, column{"account_id", isText}, func(r *oneSum) any { return idText(&r.Account) }},
	{enum.StatisticsDimensionAccount, column{"account", isText}, func(r *oneSum) any { return r.account }},
	{enum.StatisticsDimensionPhoneNumber, column{"phone_number_id", isText},
		func(r *oneSum) any { return idText(&r.PhoneNumber) }},
	{enum.StatisticsDimensionPhoneNumber, column{"phone_number", isText}, func(r *oneSum) any { return r.number }},
	{enum.StatisticsDimensionTemplate, column{"template_id", isText}, func(r *oneSum) any { return idText(&r.Template) }},
	{enum.StatisticsDimensionTemplate, column{"template", isText}, func(r *oneSum) any { return r.template }},
	{enum.StatisticsDimensionCampaign, column{"campaign_id", isText}, func(r *oneSum) any { return idText(&r.Campaign) }},
	{enum.StatisticsDimensionCampaign, column{"campaign", isText}, func(r *oneSum) any { return r.campaign }},
	{enum.StatisticsDimensionCategory, column{"category", isText}, func(r *oneSum) any { return r.Category }},
	{enum.StatisticsDimensionCountry, column{"country", isText}, func(r *oneSum) any { return r.Country }},
	{enum.StatisticsDimensionErrorCode, column{"error_code", isText}, func(r *oneSum) any {
		if r.ErrorCode == 0 {
			return nil
		}
		return r.ErrorCode
	}},
}

// sumColumns follow them.
var sumColumns = []struct {
	column
	of func(r *oneSum) any
}{
	{column{"accepted", isText}, func(r *oneSum) any { return r.Accepted }},
	{column{"sent", isText}, func(r *oneSum) any { return r.Sent }},
	{column{"delivered", isText}, func(r *oneSum) any { return r.Delivered }},
	{column{"read", isText}, func(r *oneSum) any { return r.Read }},
	{column{"failed", isText}, func(r *oneSum) any { return r.Failed }},
	{column{"skipped", isText}, func(r *oneSum) any { return r.Skipped }},
	{column{"received", isText}, func(r *oneSum) any { return r.Received }},
	{column{"opted_out", isText}, func(r *oneSum) any { return r.OptedOut }},
	{column{"replied", isText}, func(r *oneSum) any { return r.Replied }},
	{column{"clicked", isText}, func(r *oneSum) any { return r.Clicked }},
	{column{"cost", isDecimal}, func(r *oneSum) any {
		if r.Cost == nil {
			return ""
		}
		return r.Cost.Amount()
	}},
	{column{"currency", isText}, func(r *oneSum) any {
		if r.Cost == nil {
			return ""
		}
		return r.Cost.Currency
	}},
}

// statistics are the rows of a report. They are few, and all read at once.
type statistics struct {
	*Service
	organization uid.ID
	report       delivery.Report
	rows         []delivery.ReportRow
}

func (s *Service) openStatistics(e *ent.Export) (source, error) {
	report, err := delivery.ReportOf(*e.Question.Statistics)
	return &statistics{Service: s, organization: e.OrganizationID, report: report}, err
}

func (st *statistics) columns() []column {
	var all []column
	if st.report.Interval != enum.StatisticsIntervalTotal {
		all = append(all, column{"start", isTime})
	}

	for _, c := range groupColumns {
		if slices.Contains(st.report.GroupBy, c.by) {
			all = append(all, c.column)
		}
	}

	for _, c := range sumColumns {
		all = append(all, c.column)
	}

	return all
}

func (st *statistics) count(ctx context.Context) (_ int, err error) {
	st.rows, err = st.Log.Statistics(ctx, st.organization, st.report)
	return len(st.rows), err
}

func (st *statistics) page(ctx context.Context, _ uid.ID, _ int) (p page, err error) {
	if st.rows == nil { // they were counted before a crash
		if _, err := st.count(ctx); err != nil {
			return p, err
		}
	}

	all, err := st.named(ctx)
	for _, one := range all {
		var values []any
		if st.report.Interval != enum.StatisticsIntervalTotal {
			values = append(values, one.Start)
		}

		for _, c := range groupColumns {
			if slices.Contains(st.report.GroupBy, c.by) {
				values = append(values, c.of(one))
			}
		}

		for _, c := range sumColumns {
			values = append(values, c.of(one))
		}

		p.rows = append(p.rows, values)
	}

	return p, err
}

// named reads what rows are about.
func (st *statistics) named(ctx context.Context) (all []*oneSum, err error) {
	ids := map[uid.Kind][]uid.ID{}
	for _, r := range st.rows {
		for _, id := range []uid.ID{r.Account, r.PhoneNumber, r.Template, r.Campaign} {
			if !id.IsZero() && !slices.Contains(ids[id.Kind()], id) {
				ids[id.Kind()] = append(ids[id.Kind()], id)
			}
		}
	}

	accounts, err := st.findAccounts(ctx, ids[uid.Account])
	if err != nil {
		return nil, err
	}

	numbers, err := st.findNumbers(ctx, ids[uid.PhoneNumber])
	if err != nil {
		return nil, err
	}

	templates, err := st.findTemplates(ctx, ids[uid.Template])
	if err != nil {
		return nil, err
	}

	campaigns, err := st.findCampaigns(ctx, ids[uid.Campaign])
	for _, r := range st.rows {
		one := &oneSum{ReportRow: r, account: accounts[r.Account], number: numbers[r.PhoneNumber],
			campaign: campaigns[r.Campaign]}
		if t := templates[r.Template]; t != nil {
			one.template = t.name + " (" + t.language + ")"
		}

		all = append(all, one)
	}

	return all, err
}
