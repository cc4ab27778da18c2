package graph

import (
	"context"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/graph/model"
	"carillon/uid"
)

// statisticsFrom is what a caller asks statistics for.
func statisticsFrom(f model.StatisticsFilter, interval *enum.StatisticsInterval,
	groupBy []enum.StatisticsDimension) jsonfield.Statistics {
	return jsonfield.Statistics{Since: f.Since, Until: f.Until, TimeZone: or(f.TimeZone, "UTC"),
		Interval: or(interval, enum.StatisticsIntervalDay), GroupBy: groupBy, AccountID: f.AccountID,
		PhoneNumberID: f.PhoneNumberID, TemplateID: f.TemplateID, CampaignID: f.CampaignID, Category: f.Category}
}

// statisticsRows is called with the context of the field whose type is StatisticsRow. What rows are
// about is read with one statement for each kind, and one more for each edge that is asked for.
func (r *Resolver) statisticsRows(ctx context.Context, rows []delivery.ReportRow) ([]*model.StatisticsRow, error) {
	about, err := aboutRows(ctx, r, rows, map[string]func(delivery.ReportRow) uid.ID{
		"account":     func(row delivery.ReportRow) uid.ID { return row.Account },
		"phoneNumber": func(row delivery.ReportRow) uid.ID { return row.PhoneNumber },
		"template":    func(row delivery.ReportRow) uid.ID { return row.Template },
		"campaign":    func(row delivery.ReportRow) uid.ID { return row.Campaign },
	})
	if err != nil {
		return nil, err
	}

	out := make([]*model.StatisticsRow, len(rows))
	for i, row := range rows {
		out[i] = statisticsRow(row, about)
	}

	return out, nil
}

// aboutRows reads what the fields of rows name that are asked for, by the ids that rows have for
// each.
func aboutRows[Row any](ctx context.Context, r *Resolver, rows []Row, fields map[string]func(Row) uid.ID) (
	map[uid.ID]ent.Noder, error) {
	about := map[uid.ID]ent.Noder{}
	for field, id := range fields {
		f, ids := asked(ctx, field), idsIn(rows, id)
		if f == nil || len(ids) == 0 {
			continue
		}
		if err := r.nodesOf(within(ctx, f), ids[0].Kind(), ids, about); err != nil {
			return nil, err
		}
	}

	return about, nil
}

// idsIn gives each id of the rows once, and leaves out the zero id.
func idsIn[Row any](rows []Row, of func(Row) uid.ID) (ids []uid.ID) {
	seen := map[uid.ID]bool{{}: true}
	for _, row := range rows {
		if id := of(row); !seen[id] {
			ids, seen[id] = append(ids, id), true
		}
	}

	return ids
}

func statisticsRow(row delivery.ReportRow, about map[uid.ID]ent.Noder) *model.StatisticsRow {
	out := &model.StatisticsRow{
		Country: some(row.Country), Accepted: row.Accepted, Sent: row.Sent, Delivered: row.Delivered, Read: row.Read,
		Failed:  row.Failed,
		Skipped: row.Skipped, Received: row.Received, OptedOut: row.OptedOut, Replied: row.Replied, Clicked: row.Clicked,
		DeliveryRate: row.DeliveryRate(),
		ReadRate:     row.ReadRate(), Cost: row.Cost,
	}

	out.Account, _ = about[row.Account].(*ent.Account)
	out.PhoneNumber, _ = about[row.PhoneNumber].(*ent.PhoneNumber)
	out.Template, _ = about[row.Template].(*ent.Template)
	out.Campaign, _ = about[row.Campaign].(*ent.Campaign)
	if !row.Start.IsZero() {
		out.Start = &row.Start
	}
	if category := enum.TemplateCategory(row.Category); category != "" {
		out.Category = &category
	}
	if row.ErrorCode != 0 {
		out.ErrorCode = &row.ErrorCode
	}

	return out
}
