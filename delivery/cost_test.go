package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/pricing"
	"carillon/uid"
)

// priced is a bench whose journal goes by rate cards.
type priced struct {
	*bench
	book *pricing.Book
	at   time.Time // the book's clock
}

func setUpPriced(t testing.TB, db *database.DB) *priced {
	p := &priced{bench: setUp(t, db), at: start}
	p.book = pricing.NewBook(db, func() time.Time { return p.at }, slog.New(slog.DiscardHandler))
	p.db.Client.Account.UpdateOneID(p.account).SetCurrency("EUR").ExecX(p.ctx)
	journal := delivery.NewJournal(db, p.news, p.now, slog.New(slog.DiscardHandler))
	journal.PriceBy(p.book)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	p.journal, p.queue = journal, delivery.NewQueue(db, journal, p.news, p.now)

	return p
}

// card imports prices of China's market, in which everybody here lives.
func (p *priced) card(t testing.TB, currency, marketing string) {
	t.Helper()
	_, err := p.book.Import(p.ctx, strings.NewReader("effective_date,currency,market,category,rate\n2026-10-01,"+currency+
		",Rest of Asia Pacific,marketing,"+marketing+"\n"), pricing.Import{Correction: true})
	if err != nil {
		t.Fatal(err)
	}
}

func told(kind string) *jsonfield.Pricing {
	return &jsonfield.Pricing{Billable: kind == "regular", Category: "marketing", Model: "PMP", Type: kind}
}

// costOf is what a campaign cost, as its row says.
func (p *priced) costOf(campaign uid.ID) string {
	c := p.db.Client.Campaign.GetX(p.ctx, campaign)
	if c.CostCurrency == nil {
		return ""
	}

	return pricing.Money{Micros: c.CostMicros, Currency: *c.CostCurrency}.Amount() + " " + *c.CostCurrency
}

// spent is what statistics say of all time.
func (p *priced) spent(t testing.TB, group ...enum.StatisticsDimension) (rows []string) {
	t.Helper()
	report, err := p.log.Statistics(p.ctx, p.organization, delivery.Report{Since: start.AddDate(-1, 0, 0),
		Until: start.AddDate(1, 0, 0), Zone: time.UTC, Interval: enum.StatisticsIntervalTotal, GroupBy: group})
	if err != nil {
		t.Fatal(err)
	}

	for _, row := range report {
		text := "-"
		if row.Cost != nil {
			text = row.Cost.Amount() + " " + row.Cost.Currency
		}

		rows = append(rows, text)
	}

	return rows
}

// TestWhatMessagesCostIsWhatTheirCampaignAndTheStatisticsSay tells random histories in any order,
// while cards come in.
func TestWhatMessagesCostIsWhatTheirCampaignAndTheStatisticsSay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		campaigns := []uid.ID{p.campaign.ID, p.addCampaign("second").ID}
		const n = 40
		ids := slices.Concat(p.enqueue(t, p.campaign, n), p.enqueue(t, db.Client.Campaign.GetX(p.ctx, campaigns[1]), n))
		p.claim(t, 2*n, 0)

		kinds := []string{"regular", "regular", "regular", "free_customer_service", "free_entry_point"}
		var all []delivery.Fact
		for _, id := range ids {
			price := told(kinds[rand.IntN(len(kinds))])
			hours := func() time.Time { return start.Add(time.Duration(rand.IntN(5)) * time.Hour) }
			for _, f := range []delivery.Fact{{Kind: delivery.Accepted}, {Kind: delivery.Sent, Pricing: price},
				{Kind: delivery.Delivered, Pricing: price}, {Kind: delivery.Read}, {Kind: delivery.Failed, ErrorCode: 131049}} {
				if f.Message, f.Attempt, f.At = id, 1, hours(); rand.IntN(3) > 0 {
					all = append(all, f, f)
				}
			}
		}

		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for i, part := range slices.Collect(slices.Chunk(all, 37)) {
			if i == 1 {
				p.card(t, "EUR", "0.1131")
			}
			if i == 3 {
				p.card(t, "EUR", "0.12")
			}

			p.record(t, part...)
		}

		p.verify(t)
		p.compare(t, campaigns)
	})
}

// compare adds up what messages say and holds it against the sums.
func (p *priced) compare(t *testing.T, campaigns []uid.ID) {
	t.Helper()
	prices, err := p.book.Prices(p.ctx, p.account)
	if err != nil {
		t.Fatal(err)
	}

	sums, states, total := map[uid.ID]int64{}, map[enum.PriceState]int{}, int64(0)
	for _, m := range p.db.Client.Message.Query().Where(message.CampaignIDIn(campaigns...)).AllX(p.ctx) {
		price := prices.Of(m)
		if price == nil {
			continue
		}

		states[price.State]++
		if price.State == enum.PriceStateCharged {
			sums[*m.CampaignID] += price.Cost.Micros
			total += price.Cost.Micros
		}
	}

	for _, c := range campaigns {
		if got, want := p.costOf(c), (pricing.Money{Micros: sums[c], Currency: "EUR"}).Amount()+" EUR"; got != want {
			t.Errorf("the campaign cost %s, its messages %s", got, want)
		}
	}

	want := []string{(pricing.Money{Micros: total, Currency: "EUR"}).Amount() + " EUR"}
	if got := p.spent(t); !slices.Equal(got, want) {
		t.Errorf("statistics say %s, the messages %s", got, want)
	}
	if states[enum.PriceStateCharged] == 0 || states[enum.PriceStateFree] == 0 || states[enum.PriceStateUnknown] == 0 ||
		states[enum.PriceStateEstimated] == 0 {
		t.Errorf("not all states came up: %v", states)
	}
}

func TestAChargeIsFixedByTheFirstWebhookWithAPriceAndCountsOnceDelivered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		p.card(t, "EUR", "0.1131")
		ids := p.enqueue(t, p.campaign, 3)
		p.claim(t, 3, 0)
		step := func(want string, facts ...delivery.Fact) {
			t.Helper()
			p.record(t, facts...)
			if got := p.costOf(p.campaign.ID); got != want {
				t.Errorf("after %+v it cost %q, want %q", facts[0].Kind, got, want)
			}

			p.verify(t)
		}
		fact := func(i int, kind delivery.FactKind, price *jsonfield.Pricing) delivery.Fact {
			return delivery.Fact{Message: ids[i], Attempt: 1, Kind: kind, Pricing: price,
				At: start.Add(time.Duration(kind) * time.Minute)}
		}

		step("", fact(0, delivery.Accepted, nil))
		step("", fact(0, delivery.Sent, told("regular")))
		p.card(t, "EUR", "0.5")
		step("0.1131 EUR", fact(0, delivery.Delivered, told("regular")))
		step("0.1131 EUR", fact(0, delivery.Delivered, told("regular")), fact(0, delivery.Read, told("free_entry_point")))
		step("0.6131 EUR", fact(1, delivery.Read, told("regular")))
		step("0.6131 EUR", fact(1, delivery.Delivered, nil))
		step("0.6131 EUR", fact(2, delivery.Sent, told("regular")), fact(2, delivery.Failed, nil))
		if got := p.spent(t, enum.StatisticsDimensionCampaign); !slices.Equal(got, []string{"0.6131 EUR"}) {
			t.Errorf("statistics say %s", got)
		}
	})
}

func TestACardThatComesLaterPricesWhatComesLater(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		ids := p.enqueue(t, p.campaign, 2)
		p.claim(t, 2, 0)
		p.record(t, delivery.Fact{Message: ids[0], Attempt: 1, Kind: delivery.Delivered, At: start, Pricing: told("regular")})
		if got := p.costOf(p.campaign.ID); got != "" {
			t.Errorf("without a card it cost %s", got)
		}

		p.card(t, "EUR", "0.1")
		p.record(t, delivery.Fact{Message: ids[0], Attempt: 1, Kind: delivery.Read, At: start, Pricing: told("regular")})
		p.record(t, delivery.Fact{Message: ids[1], Attempt: 1, Kind: delivery.Delivered, At: start, Pricing: told("regular")})
		if got := p.costOf(p.campaign.ID); got != "0.10 EUR" {
			t.Errorf("with one it cost %q, and only the second message is priced", got)
		}

		p.verify(t)
	})
}

// TestAmountsOfSeveralCurrenciesAreNeverAddedUp has an account's currency change, which Meta rules
// out once it is charged.
func TestAmountsOfSeveralCurrenciesAreNeverAddedUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		p.card(t, "EUR", "0.1")
		p.card(t, "AED", "0.4")
		ids := p.enqueue(t, p.campaign, 4)
		p.claim(t, 4, 0)
		sent := func(i int) delivery.Fact {
			return delivery.Fact{Message: ids[i], Attempt: 1, Kind: delivery.Sent, At: start, Pricing: told("regular")}
		}

		p.record(t, sent(0), sent(1))
		db.Client.Account.UpdateOneID(p.account).SetCurrency("AED").ExecX(p.ctx)
		p.at = p.at.Add(time.Minute)
		p.record(t, sent(2), sent(3))

		deliver := func(i int) delivery.Fact {
			return delivery.Fact{Message: ids[i], Attempt: 1, Kind: delivery.Delivered, At: start}
		}
		p.record(t, deliver(0))
		p.record(t, deliver(1), deliver(2), deliver(3)) // both in one commit
		if got := p.costOf(p.campaign.ID); got != "0.20 EUR" {
			t.Errorf("the campaign cost %s, want what was charged in its first currency", got)
		}

		p.verify(t)

		other := p.addCampaign("in dirhams")
		fresh := p.enqueue(t, other, 1)
		p.claim(t, 1, 0)
		p.record(t, delivery.Fact{Message: fresh[0], Attempt: 1, Kind: delivery.Delivered,
			At: start.Add(5 * time.Hour), Pricing: told("regular")})
		if got := p.spent(t); !slices.Equal(got, []string{"-"}) {
			t.Errorf("statistics of two currencies say %s", got)
		}
		if got := p.spent(t, enum.StatisticsDimensionCampaign); !slices.Equal(got, []string{"0.20 EUR", "0.40 AED"}) {
			t.Errorf("statistics by campaign say %s", got)
		}

		p.verify(t)
	})
}

func TestARecountFindsACostThatIsWrong(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		p.card(t, "EUR", "0.1")
		id := p.enqueue(t, p.campaign, 1)[0]
		p.claim(t, 1, 0)
		p.record(t, delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Delivered, At: start, Pricing: told("regular")})

		for _, table := range []string{"campaign", "statistic"} {
			for _, set := range []string{"cost_micros = 1", "cost_currency = NULL, cost_micros = 0"} {
				err := db.InTx(p.ctx, func(tx *database.Tx) error {
					if _, err := tx.ExecContext(p.ctx, "UPDATE "+table+" SET "+set+" WHERE cost_currency IS NOT NULL"); err != nil {
						return err
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}

				differences, err := p.queue.Verify(p.ctx)
				if err != nil || len(differences) != 1 || differences[0].Want != 100_000 {
					t.Errorf("%s with %s: %v, %v", table, set, differences, err)
				}

				err = db.InTx(p.ctx, func(tx *database.Tx) error {
					_, err := tx.ExecContext(p.ctx, "UPDATE "+table+" SET cost_micros = 100000, cost_currency = 'EUR' WHERE "+
						fmt.Sprintf("cost_micros <> 100000 AND (%s)", map[string]string{"campaign": "total > 0",
							"statistic": "delivered > 0"}[table]))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}

		p.verify(t)
	})
}

// BenchmarkPricedReceipts compares what a commit of receipts costs with and without prices.
func BenchmarkPricedReceipts(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("priced %t", with), func(b *testing.B) {
			p := setUpPriced(b, dbtest.Open(b, dbtest.Postgres(b)))
			if with {
				p.card(b, "EUR", "0.1")
			}

			const n = 500
			for b.Loop() {
				b.StopTimer()
				ids := p.enqueue(b, p.campaign, n)
				p.claim(b, n, 0)
				facts := make([]delivery.Fact, n)
				for i, id := range ids {
					facts[i] = delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Delivered, At: start, Pricing: told("regular")}
				}

				if !with {
					for i := range facts {
						facts[i].Pricing = &jsonfield.Pricing{Category: "x", Model: "CBP", Billable: true}
					}
				}

				b.StartTimer()
				p.record(b, facts...)
			}

			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "receipts/s")
		})
	}
}

// TestPricesTakeNoStatementOfACommit has receipts recorded whose prices are known to the process,
// while the tables that say them cannot be read.
func TestPricesTakeNoStatementOfACommit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := setUpPriced(t, db)
		p.card(t, "EUR", "0.1")
		ids := p.enqueue(t, p.campaign, 20)
		p.claim(t, 20, 0)
		receipt := func(id uid.ID) delivery.Fact {
			return delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Delivered, At: start, Pricing: told("regular")}
		}

		p.record(t, receipt(ids[0]))
		rename := func(from, to string) {
			t.Helper()
			err := db.InTx(p.ctx, func(tx *database.Tx) error {
				_, err := tx.ExecContext(p.ctx, "ALTER TABLE "+from+" RENAME TO "+to)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}

		rename("rate_card", "rate_card_away")
		for _, id := range ids[1:] {
			p.record(t, receipt(id))
		}

		rename("rate_card_away", "rate_card")
		if got := p.costOf(p.campaign.ID); got != "2.00 EUR" {
			t.Errorf("the campaign cost %s", got)
		}

		p.verify(t)
	})
}
