package reconciliation

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/pricing"
	"carillon/uid"
	"carillon/usererror"
)

// mostRows bounds an answer: it is made in memory.
const mostRows = 10_000

// currency is that of both costs. Where they differ, Meta's cost is left out: what differs by its
// currency cannot be compared.
func (f *figure) currency() string {
	switch {
	case f.ourCost == nil:
		return f.theirCurrency
	case f.theirCost != nil && f.theirCurrency != f.ourCurrency:
		f.theirCost = nil
	}

	return f.ourCurrency
}

// store writes figures, instead of those that were there.
func (s *Service) store(ctx context.Context, a *ent.Account, found figures) error {
	all := slices.Collect(maps.Values(found))
	// All processes lock their rows in this order.
	slices.SortFunc(all, func(a, b *figure) int { return a.figureKey.compare(b.figureKey) })
	now := s.now().Truncate(time.Microsecond)
	columns := database.Columns[*figure]{
		database.Col("id", func(*figure) uid.ID { return uid.New(uid.Reconciliation) }, database.IDs),
		database.Col("organization_id", func(*figure) uid.ID { return a.OrganizationID }, database.IDs),
		database.Col("account_id", func(*figure) uid.ID { return a.ID }, database.IDs),
		database.Col("day", func(f *figure) time.Time { return f.day }, database.Times),
		database.Col("phone_number_id", func(f *figure) uid.ID { return numberOrNone(f.number) }, database.IDs),
		database.Col("measure", func(f *figure) enum.ReconciliationMeasure { return f.measure }, database.Texts),
		database.Col("category", func(f *figure) string { return f.category }, database.Texts),
		database.Col("ours", func(f *figure) int { return f.ours }, database.Ints),
		database.Col("theirs", func(f *figure) int { return f.theirs }, database.Ints),
		database.Col("cost_currency", (*figure).currency, database.OptionalTexts), // before the costs
		database.Col("our_cost_micros", func(f *figure) *int { return f.ourCost }, database.NullInts),
		database.Col("their_cost_micros", func(f *figure) *int { return f.theirCost }, database.NullInts),
		database.Col("compared_at", func(*figure) time.Time { return now }, database.Times),
	}

	for page := range slices.Chunk(all, 1000) {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			statement, args := columns.Insertion(tx.DB, "reconciliation", page)
			_, err := tx.ExecContext(ctx, statement+` ON CONFLICT (organization_id, day, account_id, phone_number_id, measure,
				category) DO UPDATE SET ours = excluded.ours, theirs = excluded.theirs,
				our_cost_micros = excluded.our_cost_micros, their_cost_micros = excluded.their_cost_micros,
				cost_currency = excluded.cost_currency, compared_at = excluded.compared_at`, args...)

			return err
		})
		if err != nil {
			return fmt.Errorf("store the figures of account %s: %w", a.ID, err)
		}
	}

	for _, f := range all {
		s.compared.WithLabelValues(string(f.measure), strconv.FormatBool(f.ours == f.theirs)).Inc()
	}

	return nil
}

// none stands for "no number": a unique key must not hold NULL.
var none = uid.ID{15: 0xff}

func numberOrNone(id uid.ID) uid.ID {
	if id.IsZero() {
		return none
	}
	return id
}

// Question asks for figures of UTC days.
type Question struct {
	Since, Until time.Time // whole days, Until among them
	Account      *uid.ID   // nil for all
	// OnlyDifferences leaves out what is equal. Costs that differ make no difference: ours are
	// reckoned from a rate card.
	OnlyDifferences bool
}

// Row is a figure as we count it and as Meta does.
type Row struct {
	Day                  time.Time
	Account, PhoneNumber uid.ID // the number is zero for figures of the whole account
	Measure              enum.ReconciliationMeasure
	Category             string
	Ours, Theirs         int
	OurCost, TheirCost   *pricing.Money
	ComparedAt           time.Time
}

// Rows gives an organization's figures, by day, account, number, measure and category.
func (s *Service) Rows(ctx context.Context, organization uid.ID, q Question) ([]Row, error) {
	if q.Until.Before(q.Since) {
		return nil, usererror.New(usererror.BadInput, "filter.until must not be before filter.since")
	}

	query, args := `SELECT day, account_id, phone_number_id, measure, category, ours, theirs, our_cost_micros,
		their_cost_micros, coalesce(cost_currency, ''), compared_at FROM reconciliation
		WHERE organization_id = $1 AND day >= $2 AND day <= $3`, []any{organization, q.Since, q.Until}
	if q.Account != nil {
		args = append(args, *q.Account)
		query += " AND account_id = $4"
	}
	if q.OnlyDifferences {
		query += " AND ours <> theirs"
	}

	query += fmt.Sprintf(" ORDER BY day, account_id, phone_number_id, measure, category LIMIT %d", mostRows+1)
	rows, err := s.db.Query(ctx, query, args...)
	found, err := database.Collect(rows, err, scanRow)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read figures: %w", err)
	case len(found) > mostRows:
		return nil, usererror.New(usererror.BadInput,
			"there are more than %d figures: shorten the time between filter.since and filter.until, or name one account",
			mostRows)
	}

	return found, nil
}

func scanRow(rows *sql.Rows) (r Row, err error) {
	var ours, theirs *int64
	var currency string
	err = rows.Scan(&r.Day, &r.Account, &r.PhoneNumber, &r.Measure, &r.Category, &r.Ours, &r.Theirs, &ours, &theirs,
		&currency, &r.ComparedAt)
	if r.PhoneNumber == none {
		r.PhoneNumber = uid.ID{}
	}

	r.Day, r.OurCost, r.TheirCost = r.Day.UTC(), money(ours, currency), money(theirs, currency)

	return r, err
}

func money(micros *int64, currency string) *pricing.Money {
	if micros == nil {
		return nil
	}
	return &pricing.Money{Micros: *micros, Currency: currency}
}

// Sweep deletes figures that are no longer kept.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM reconciliation WHERE day < $1", s.now().Add(-keptFor))
		if err != nil {
			return fmt.Errorf("delete old figures: %w", err)
		}

		return nil
	})
}
