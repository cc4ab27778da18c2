package graph

import (
	"context"
	"time"

	"carillon/ent"
	"carillon/graph/model"
	"carillon/reconciliation"
	"carillon/uid"
	"carillon/usererror"
)

// reconciliationFrom is what a caller asks for.
func (r *Resolver) reconciliationFrom(ctx context.Context, f model.ReconciliationRowFilter) (q reconciliation.Question,
	err error) {
	q.Account, q.OnlyDifferences = f.AccountID, or(f.OnlyDifferences, false)
	if q.Since, err = dayOf("filter.since", f.Since); err != nil {
		return q, err
	}
	if q.Until, err = dayOf("filter.until", f.Until); err != nil {
		return q, err
	}

	return q, r.known(ctx, named{"filter.accountId", uid.Account, f.AccountID})
}

func dayOf(field, text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, usererror.New(usererror.BadInput, "%s is not a day, e.g. 2026-11-01", field)
	}

	return day, nil
}

// reconciliationRows is called with the context of the field whose type is ReconciliationRow. What
// rows are about is read with one statement for each kind.
func (r *Resolver) reconciliationRows(ctx context.Context, rows []reconciliation.Row) ([]*model.ReconciliationRow,
	error) {
	about, err := aboutRows(ctx, r, rows, map[string]func(reconciliation.Row) uid.ID{
		"account":     func(row reconciliation.Row) uid.ID { return row.Account },
		"phoneNumber": func(row reconciliation.Row) uid.ID { return row.PhoneNumber },
	})
	if err != nil {
		return nil, err
	}

	out := make([]*model.ReconciliationRow, len(rows))
	for i, row := range rows {
		out[i] = &model.ReconciliationRow{Day: row.Day.Format(time.DateOnly), Measure: row.Measure,
			Category: some(row.Category), Ours: row.Ours, WhatsApp: row.Theirs, OurCost: row.OurCost,
			WhatsAppCost: row.TheirCost, ComparedAt: row.ComparedAt}
		out[i].Account, _ = about[row.Account].(*ent.Account)
		out[i].PhoneNumber, _ = about[row.PhoneNumber].(*ent.PhoneNumber)
	}

	return out, nil
}
