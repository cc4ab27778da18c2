package graph_test

import (
	"strings"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/pricing"
	"carillon/uid"
)

// priced tells a fact of a message with WhatsApp's word of its price.
func (o *shop) priced(kind delivery.FactKind, id uid.ID, category, free string) {
	o.t.Helper()
	p := &jsonfield.Pricing{Billable: free == "", Category: category, Model: "PMP", Type: "regular"}
	if free != "" {
		p.Type = free
	}

	_, err := o.journal.Record(caller.System(o.ctx),
		delivery.Fact{Message: id, Kind: kind, At: database.Now(), Pricing: p})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (s *stage) importRates(lines ...string) {
	s.t.Helper()
	_, err := s.prices.Import(s.t.Context(), strings.NewReader("effective_date,currency,market,category,rate\n"+
		strings.Join(lines, "\n")+"\n"), pricing.Import{})
	if err != nil {
		s.t.Fatal(err)
	}
}

const costsOf = `query ($c: ID!, $since: Time!, $until: Time!) {
	campaign: node(id: $c) { ... on Campaign {
		progress { cost { amount currency } }
		messages(first: 10, orderBy: { field: CREATED_AT, direction: ASC }) { edges { node { id
			pricing { billable category model type state cost { amount currency } } } } } } }
	statistics(filter: { since: $since, until: $until }, interval: TOTAL, groupBy: [CAMPAIGN]) { delivered cost { amount currency } }
}`

func TestWhatMessagesCostIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(4)
		s.db.Client.Account.Update().SetCurrency("USD").ExecX(caller.System(o.ctx))
		s.importRates("2026-07-01,USD,North America,marketing,0.025", "2026-07-01,USD,North America,utility,0.0034")
		c := o.campaign("Spring")
		ids := o.queued(c, 5)
		o.priced(delivery.Sent, ids[0], "marketing", "")
		o.priced(delivery.Delivered, ids[1], "utility", "")
		o.priced(delivery.Read, ids[2], "utility", "free_entry_point")
		o.priced(delivery.Delivered, ids[3], "general_purpose_ai", "")

		a := o.key(enum.RoleViewer).must(costsOf, vars{"c": c.String(), "since": database.Now().Add(-24 * time.Hour),
			"until": database.Now().Add(time.Hour)})
		got := map[string]string{}
		for i := range a.list("campaign.messages.edges") {
			at := "campaign.messages.edges." + string(rune('0'+i)) + ".node."
			if a.at(at+"pricing") == nil {
				got[a.text(at+"id")] = ""
				continue
			}

			got[a.text(at+"id")] = a.text(at + "pricing.state")
			if a.at(at+"pricing.cost") != nil {
				got[a.text(at+"id")] += " " + a.text(at+"pricing.cost.amount") + " " + a.text(at+"pricing.cost.currency")
			}
		}

		for i, want := range []string{"ESTIMATED 0.025 USD", "CHARGED 0.0034 USD", "FREE 0.00 USD", "UNKNOWN", ""} {
			if got[ids[i].String()] != want {
				t.Errorf("message %d costs %q, want %q", i, got[ids[i].String()], want)
			}
		}

		for _, at := range []string{"campaign.progress.cost.", "statistics.0.cost."} {
			if a.text(at+"amount") != "0.0034" || a.text(at+"currency") != "USD" {
				t.Errorf("%s: %v", at, a.Data)
			}
		}
	})
}

func TestRateCardsAreListedForEverybody(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		s.importRates("2026-07-01,USD,North America,marketing,0.025", "2026-10-01,USD,North America,marketing,0.026",
			"2026-10-01,USD,Germany,marketing,0.1")
		a := o.key(enum.RoleViewer).must(`{ rateCards { name currency effectiveFrom effectiveUntil markets example } }`)
		if len(a.list("rateCards")) != 3 || a.text("rateCards.0.effectiveFrom") != "2026-10-01" ||
			a.at("rateCards.0.effectiveUntil") != nil || a.at("rateCards.0.markets") != 2.0 ||
			a.text("rateCards.1.effectiveUntil") != "2026-09-30" || a.at("rateCards.1.example") != false ||
			a.at("rateCards.2.example") != true || a.text("rateCards.2.currency") != "USD" {
			t.Errorf("%v", a.Data)
		}
	})
}
