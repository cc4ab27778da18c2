package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/pricing"
	"carillon/uid"
)

// The columns of campaign and statistic that say what messages cost. They count what was charged in
// the currency of the first amount: an account has one, and should that ever change, what was
// charged in another is told by the messages alone.
const (
	costMicros   = "cost_micros"
	costCurrency = "cost_currency"
)

// addCost are the settings that add an amount of a source to a row of one of those tables.
func addCost(table, source string) []string {
	return []string{
		fmt.Sprintf(`%[3]s = %[1]s.%[3]s + CASE WHEN coalesce(%[1]s.%[4]s, %[2]s.%[4]s) = %[2]s.%[4]s
			THEN %[2]s.%[3]s ELSE 0 END`, table, source, costMicros, costCurrency),
		fmt.Sprintf("%[3]s = coalesce(%[1]s.%[3]s, %[2]s.%[3]s)", table, source, costCurrency),
	}
}

// amount is micros of a currency.
type amount struct {
	micros   int64
	currency string
}

// costs are amounts, one for each currency.
type costs []amount

func (c *costs) add(currency string, micros int64) {
	for i := range *c {
		if (*c)[i].currency == currency {
			(*c)[i].micros += micros
			return
		}
	}

	*c = append(*c, amount{micros, currency})
}

// in is what they come to in a currency.
func (c costs) in(currency string) int64 {
	for _, a := range c {
		if a.currency == currency {
			return a.micros
		}
	}

	return 0
}

func (c costs) sorted() costs {
	slices.SortFunc(c, func(a, b amount) int { return cmp.Compare(a.currency, b.currency) })
	return c
}

// costKey tells amounts apart in the hourly sums.
type costKey struct {
	statisticKey
	currency string
}

// charged is when a message was delivered: before that nothing is charged.
func (r *row) charged() *time.Time { return first(r.deliveredAt, r.readAt) }

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// charge counts what a message cost, in the hour in which it was delivered. n is 1, or -1 to take
// it back. Like all sums it follows from the row alone, since the amount stands in it.
func (l *ledger) charge(r *row, n int64) {
	cost, at := pricing.CostOf(r.pricing), r.charged()
	if cost == nil || at == nil || r.direction != enum.DirectionOutbound {
		return
	}

	l.costs[costKey{r.statisticKey(metricDelivered, *at), cost.Currency}] += n * cost.Micros
	if !r.campaign.IsZero() {
		l.change(r.organization, r.campaign).costs.add(cost.Currency, n*cost.Micros)
	}
}

// costsOf are the amounts of each hourly sum.
func (l *ledger) costsOf() map[statisticKey]costs {
	of := make(map[statisticKey]costs, len(l.costs))
	for key, micros := range l.costs {
		c := of[key.statisticKey]
		c.add(key.currency, micros)
		of[key.statisticKey] = c
	}

	return of
}

// campaignCost are the columns by which a commit adds to what a campaign cost.
var campaignCost = costColumns(0)

// costColumns are those of the amount at a place among a campaign's.
func costColumns(place int) database.Columns[*campaignChange] {
	at := func(c *campaignChange) amount {
		if place < len(c.costs) {
			return c.costs.sorted()[place]
		}
		return amount{}
	}

	return database.Columns[*campaignChange]{
		database.Col(costMicros, func(c *campaignChange) int64 { return at(c).micros }, database.Ints),
		database.Col(costCurrency, func(c *campaignChange) string { return at(c).currency }, database.OptionalTexts),
	}
}

// furtherCosts adds amounts in further currencies to campaigns that one commit charged in several.
// Their rows are locked by then.
func furtherCosts(db *database.DB, changed []*campaignChange) (statements []database.Statement) {
	for place := 1; ; place++ {
		var further []*campaignChange
		for _, c := range changed {
			if len(c.costs) > place {
				further = append(further, c)
			}
		}

		if len(further) == 0 {
			return statements
		}

		columns := append(database.Columns[*campaignChange]{changedCampaign}, costColumns(place)...)
		from, args := db.Rowset(nil, columns.Of(further)...)
		statements = append(statements, database.Statement{What: "add further costs", Args: args,
			Query: "UPDATE campaign SET " + strings.Join(addCost("campaign", "f"), ", ") + " FROM " + from +
				" WHERE campaign.id = f.id"})
	}
}

// prices are what messages cost at this moment, for facts that tell that some are charged; nil
// where none does. They are held in memory: most calls run no statement.
func (j *Journal) prices(ctx context.Context, tx *database.Tx, facts []Fact,
	rows map[uid.ID]*row) (*pricing.Prices, error) {
	told := slices.ContainsFunc(facts, func(f Fact) bool { return f.Pricing != nil })
	if j.book == nil || !told {
		return nil, nil
	}

	var accounts []uid.ID
	for _, r := range rows {
		if !slices.Contains(accounts, r.account) {
			accounts = append(accounts, r.account)
		}
	}

	return j.book.PricesBy(ctx, tx.QueryContext, accounts...)
}

// fixPrice sets what a message comes to when WhatsApp tells of its price first. That is never
// changed: a card that is imported later prices later messages.
func (f *Fact) fixPrice(r *row, prices *pricing.Prices) {
	if f.Pricing == nil || r.pricing != nil || prices == nil {
		return
	}

	fixed := prices.Fix(*f.Pricing, r.account, pricing.Recipient{Address: r.address, Country: r.country}, f.At)
	f.Pricing = &fixed
}
