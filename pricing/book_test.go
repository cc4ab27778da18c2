package pricing_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/pricing"
	"carillon/uid"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// shelf is a book with an account in euros and one of an unknown currency.
type shelf struct {
	*pricing.Book
	db             *database.DB
	ctx            context.Context
	euros, nobodys uid.ID
	organization   uid.ID
	at             time.Time
}

func open(t *testing.T, db *database.DB) *shelf {
	t.Helper()
	s := &shelf{db: db, ctx: caller.System(t.Context()), at: now}
	s.Book = pricing.NewBook(db, func() time.Time { return s.at }, slog.New(slog.DiscardHandler))
	s.organization = db.Client.Organization.Create().SetName("Lucky Shrub").SaveX(s.ctx).ID
	account := func(waba string) *ent.AccountCreate {
		return db.Client.Account.Create().SetOrganizationID(s.organization).SetWabaID(waba).SetName(waba).SetToken([]byte{1})
	}
	s.euros, s.nobodys = account("1").SetCurrency("EUR").SaveX(s.ctx).ID, account("2").SaveX(s.ctx).ID

	return s
}

func (s *shelf) add(t *testing.T, content string, how pricing.Import) pricing.Imported {
	t.Helper()
	done, err := s.Import(s.ctx, strings.NewReader(content), how)
	if err != nil {
		t.Fatal(err)
	}

	return done
}

func tidy(lines ...string) string {
	return "effective_date,currency,market,category,rate\n" + strings.Join(lines, "\n") + "\n"
}

func (s *shelf) prices(t *testing.T) *pricing.Prices {
	t.Helper()
	p, err := s.Prices(s.ctx, s.euros, s.nobodys)
	if err != nil {
		t.Fatal(err)
	}

	return p
}

var german = pricing.Recipient{Address: "+4915112345678"}

func TestACardIsInForceFromItsDayUntilTheNextOfItsCurrency(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		s.add(t, tidy("2026-10-01,EUR,Germany,marketing,0.1131", "2026-07-01,EUR,Germany,marketing,0.1",
			"2026-12-01,USD,Germany,marketing,0.5"), pricing.Import{})
		p := s.prices(t)

		for day, want := range map[string]string{"2026-06-30": "", "2026-07-01": "0.10", "2026-09-30": "0.10",
			"2026-10-01": "0.1131", "2027-06-01": "0.1131"} {
			at, _ := time.Parse("2006-01-02", day)
			for _, at := range []time.Time{at, at.Add(24*time.Hour - 1)} {
				micros, card, ok := p.Estimate("EUR", pricing.Marketing, german, at)
				if got := (pricing.Money{Micros: micros, Currency: "EUR"}).Amount(); ok != (want != "") || ok && got != want {
					t.Errorf("%s: %s by %v", at, got, card)
				}
			}
		}

		cards, err := s.List(s.ctx)
		if err != nil || len(cards) != 4 {
			t.Fatalf("%d cards, %v, want three and the example", len(cards), err)
		}

		var told []string
		for _, c := range cards {
			until := "-"
			if c.EffectiveUntil() != nil {
				until = *c.EffectiveUntil()
			}

			told = append(told, fmt.Sprint(c.Currency, " ", c.EffectiveFrom(), " ", until, " ", c.Markets(), " ", c.Example))
		}

		want := "USD 2026-12-01 - 1 false; EUR 2026-10-01 - 1 false; " +
			"EUR 2026-07-01 2026-09-30 1 false; USD 2026-10-01 - 3 true"
		if got := strings.Join(told, "; "); got != want {
			t.Errorf("the list is\n%s, want\n%s", got, want)
		}
	})
}

func TestTheSameFileTwiceChangesNothingAndAnotherNeedsACorrection(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		first := tidy("2026-10-01,EUR,Germany,marketing,0.1131", "2026-10-01,EUR,France,marketing,0.0712")
		s.add(t, first, pricing.Import{})
		done := s.add(t, tidy("2026-10-01,EUR,France,marketing,0.07120", "2026-10-01,€,Germany,Marketing,0.1131"),
			pricing.Import{Name: "again"})
		if len(done.Cards) != 0 || len(done.Known) != 1 {
			t.Errorf("the same prices again are %+v", done)
		}

		other := tidy("2026-10-01,EUR,Germany,marketing,0.1200", "2026-10-01,EUR,France,marketing,0.0712",
			"2027-01-01,EUR,Germany,marketing,0.2")
		_, err := s.Import(s.ctx, strings.NewReader(other), pricing.Import{})
		if err == nil || !strings.Contains(err.Error(), "0.1131 there, 0.12 here") ||
			!strings.Contains(err.Error(), "--correction") {
			t.Errorf("other prices for the same day are %v", err)
		}
		if n := db.Client.RateCard.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d cards after a refused file, want all or none of its", n)
		}

		s.add(t, other, pricing.Import{Correction: true})
		if micros, card, ok := s.prices(t).Estimate("EUR", pricing.Marketing, german, now); !ok || micros != 120_000 ||
			card.Revision != 2 {
			t.Errorf("after a correction it costs %d", micros)
		}
		if n := db.Client.RateCard.Query().CountX(s.ctx); n != 3 {
			t.Errorf("%d cards are kept, want the corrected one too", n)
		}
	})
}

func TestImportsAtOnceAddACardOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				book := pricing.NewBook(db, database.Now, slog.New(slog.DiscardHandler))
				_, err := book.Import(s.ctx, strings.NewReader(tidy("2026-10-01,EUR,Germany,marketing,0.1131")), pricing.Import{})
				if err != nil && !strings.Contains(err.Error(), "at this moment") {
					t.Error(err)
				}
			})
		}

		wait.Wait()
		if n := db.Client.RateCard.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestTheExampleIsOfNoEffectUntilItIsImportedAndGivesWayToAnyCard(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		brazilian := pricing.Recipient{Country: "BR"}
		costs := func() (int64, bool, bool) {
			micros, card, ok := s.prices(t).Estimate("USD", pricing.Marketing, brazilian, now)
			return micros, ok, card != nil && card.Example
		}

		if micros, ok, _ := costs(); ok {
			t.Errorf("the example prices a message with %d, and nobody asked for it", micros)
		}

		if _, err := s.ImportExample(s.ctx); err != nil {
			t.Fatal(err)
		}
		if micros, ok, example := costs(); !ok || micros != 62_500 || !example {
			t.Errorf("the imported example prices %d, %v, marked %v", micros, ok, example)
		}

		s.add(t, tidy("2026-07-01,USD,Brazil,marketing,0.07"), pricing.Import{})
		if micros, ok, example := costs(); !ok || micros != 70_000 || example {
			t.Errorf("a real card gives %d, %v, marked %v", micros, ok, example)
		}

		cards, _ := s.List(s.ctx)
		if len(cards) != 2 || !cards[1].Example || cards[0].Example {
			t.Errorf("the list has %d cards", len(cards))
		}
	})
}

func TestAnAmountIsFixedByTheCategoryTheDayAndTheMarket(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		s.add(t, tidy("2026-07-01,EUR,Rest of Asia Pacific,utility,0.02", "2026-10-01,EUR,Rest of Asia Pacific,utility,0.03",
			"2026-10-01,EUR,Bangladesh,utility,0.04", "2026-10-01,EUR,Bangladesh,marketing,0.05",
			"2026-10-01,EUR,Bangladesh,service,0.06"), pricing.Import{})
		p := s.prices(t)
		dhaka := pricing.Recipient{Address: "+8801712345678"}
		september, october := time.Date(2026, 9, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
		told := func(category, kind string) jsonfield.Pricing {
			return jsonfield.Pricing{Billable: kind == "regular", Category: category, Model: "PMP", Type: kind}
		}

		for name, tc := range map[string]struct {
			told    jsonfield.Pricing
			account uid.ID
			at      time.Time
			want    string
		}{
			"before a market was one":  {told("utility", "regular"), s.euros, september, "0.02"},
			"and since":                {told("utility", "regular"), s.euros, october, "0.04"},
			"of another category":      {told("marketing", "regular"), s.euros, october, "0.05"},
			"by the marketing API":     {told("marketing_lite", "regular"), s.euros, october, "0.05"},
			"to a group":               {told("group_service", "regular"), s.euros, october, "0.06"},
			"free":                     {told("utility", "free_customer_service"), s.euros, october, "0.00"},
			"free by an unknown type":  {told("utility", "gift"), s.euros, october, "0.00"},
			"without a type, billable": {jsonfield.Pricing{Billable: true, Category: "utility"}, s.euros, october, "0.04"},
			"without a type, free":     {jsonfield.Pricing{Category: "utility"}, s.euros, october, "0.00"},
			"by conversations": {jsonfield.Pricing{Billable: true, Category: "utility", Model: "CBP"}, s.euros,
				october, ""},
			"of a category without rate": {told("authentication-international", "regular"), s.euros, october, ""},
			"of a category to come":      {told("general_purpose_ai", "regular"), s.euros, october, ""},
			"before any card":            {told("utility", "regular"), s.euros, september.AddDate(-1, 0, 0), ""},
			"of an unknown currency":     {told("utility", "regular"), s.nobodys, october, ""},
			"free of unknown currency":   {told("utility", "free_entry_point"), s.nobodys, october, ""},
		} {
			fixed := p.Fix(tc.told, tc.account, dhaka, tc.at)
			got := ""
			if cost := pricing.CostOf(&fixed); cost != nil {
				got = cost.Amount()
			}

			if got != tc.want || (fixed.Currency == "EUR") != (tc.want != "") {
				t.Errorf("%s: %q %s, want %q", name, got, fixed.Currency, tc.want)
			}
		}
	})
}

func TestAMessagesPriceSaysHowSureItIs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		s.add(t, tidy("2026-10-01,EUR,Germany,marketing,0.1131", "2026-10-01,EUR,Germany,service,0.01"), pricing.Import{})
		p, category, at, fixed := s.prices(t), enum.TemplateCategoryMarketing, now, int64(113_100)
		sent := ent.Message{AccountID: s.euros, Direction: enum.DirectionOutbound, Status: enum.MessageStatusSent,
			Address: german.Address, Category: &category, AcceptedAt: &at, Type: enum.MessageTypeTemplate}
		with := func(change func(*ent.Message)) ent.Message { m := sent; change(&m); return m }
		regular := &jsonfield.Pricing{Billable: true, Category: "marketing", Model: "PMP", Type: "regular", Micros: &fixed,
			Currency: "EUR"}

		for name, tc := range map[string]struct {
			m    ent.Message
			want string
		}{
			"taken": {sent, "ESTIMATED 0.1131 marketing"},
			"taken and told": {with(func(m *ent.Message) { m.Pricing = regular }),
				"ESTIMATED 0.1131 marketing"},
			"delivered": {with(func(m *ent.Message) { m.Pricing, m.DeliveredAt = regular, &at }),
				"CHARGED 0.1131 marketing"},
			"only read": {with(func(m *ent.Message) { m.Pricing, m.ReadAt = regular, &at }),
				"CHARGED 0.1131 marketing"},
			"delivered, and nothing was told": {with(func(m *ent.Message) { m.DeliveredAt = &at }),
				"ESTIMATED 0.1131 marketing"},
			"to where there is no rate": {with(func(m *ent.Message) { m.Address = "+33612345678" }),
				"UNKNOWN - marketing"},
			"before any card": {with(func(m *ent.Message) { old := at.AddDate(-1, 0, 0); m.AcceptedAt = &old }),
				"UNKNOWN - marketing"},
			"of no template": {with(func(m *ent.Message) { m.Category = nil }), "ESTIMATED 0.01 service"},
			"a reaction": {with(func(m *ent.Message) { m.Category, m.Type = nil, enum.MessageTypeReaction }),
				"ESTIMATED 0.00 service"},
			"told before there was a card": {with(func(m *ent.Message) {
				m.Pricing, m.DeliveredAt = &jsonfield.Pricing{Billable: true, Category: "marketing", Type: "regular"}, &at
			}), "UNKNOWN - marketing"},
			"free": {with(func(m *ent.Message) {
				m.Pricing = &jsonfield.Pricing{Category: "utility", Type: "free_customer_service", Micros: new(int64),
					Currency: "EUR"}
			}), "FREE 0.00 utility"},
			"failed":  {with(func(m *ent.Message) { m.Pricing, m.Status = regular, enum.MessageStatusFailed }), ""},
			"queued":  {with(func(m *ent.Message) { m.Status = enum.MessageStatusQueued }), ""},
			"inbound": {with(func(m *ent.Message) { m.Direction = enum.DirectionInbound }), ""},
		} {
			got := ""
			if price := p.Of(&tc.m); price != nil {
				cost := "-"
				if price.Cost != nil {
					cost = price.Cost.Amount()
				}

				got = fmt.Sprint(price.State, " ", cost, " ", price.Category)
			}

			if got != tc.want {
				t.Errorf("%s: %s, want %s", name, got, tc.want)
			}
		}
	})
}

func TestCardsAndCurrenciesAreHeldInMemoryAndReadAgainInTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := open(t, db)
		s.prices(t)
		canceled, cancel := context.WithCancel(s.ctx)
		cancel()
		if _, err := s.Prices(canceled, s.euros, s.nobodys); err != nil {
			t.Errorf("what is known is read again: %v", err)
		}

		other := pricing.NewBook(db, database.Now, slog.New(slog.DiscardHandler)) // another process
		_, err := other.Import(s.ctx, strings.NewReader(tidy("2026-10-01,EUR,Germany,marketing,0.1131")), pricing.Import{})
		if err != nil {
			t.Fatal(err)
		}

		db.Client.Account.UpdateOneID(s.nobodys).SetCurrency("EUR").ExecX(s.ctx)
		if s.prices(t).InForce("EUR", now) != nil {
			t.Error("the card was read for each call")
		}

		s.at = s.at.Add(10 * time.Second)
		if s.prices(t).InForce("EUR", now) == nil || s.prices(t).Currency(s.nobodys) != "EUR" {
			t.Error("another process's card and an account's currency are not seen after ten seconds")
		}
		if s.at = s.at.Add(time.Minute); s.prices(t).InForce("EUR", now) == nil {
			t.Error("cards were forgotten")
		}
	})
}

func TestACardOfAnEarlierQuarterIsStale(t *testing.T) {
	t.Parallel()
	for from, stale := range map[string]bool{"2026-07-01": true, "2026-09-30": true, "2026-10-01": false,
		"2027-01-01": false} {
		if got := (&pricing.Card{From: from}).Stale(now); got != stale {
			t.Errorf("a card from %s is stale: %v", from, got)
		}
	}
}
