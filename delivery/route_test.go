package delivery_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// routed is the route that is kept of a message; empty for the usual one.
func (b *bench) routed(id uid.ID) enum.MessageRoute {
	m := b.db.Client.Message.GetX(b.ctx, id)
	if m.Route == nil {
		return ""
	}

	return *m.Route
}

const (
	there = enum.MessageRouteMarketingMessages
	usual = enum.MessageRouteMessages

	again = delivery.FactKind(-1) // a message that is claimed anew and returned
)

func TestARouteIsKeptWithTheMessageThatTakesIt(t *testing.T) {
	t.Parallel()
	lite := &jsonfield.Pricing{Billable: true, Category: "marketing_lite", Model: "PMP", Type: "regular"}
	for name, tc := range map[string]struct {
		facts []delivery.Fact // of the one attempt
		want  enum.MessageRoute
	}{
		"taken the usual way": {[]delivery.Fact{{Kind: delivery.Accepted}}, ""},
		"taken the other way": {[]delivery.Fact{{Kind: delivery.Accepted, Route: there}}, there},
		"held there":          {[]delivery.Fact{{Kind: delivery.Held, Route: there}}, there},
		"refused there": {[]delivery.Fact{{Kind: delivery.Refused, Route: there, ErrorCode: 131026}},
			there},
		"lost there": {[]delivery.Fact{{Kind: delivery.Lost, Route: there}}, there},
		"to go there": {[]delivery.Fact{{Kind: delivery.Retry, Route: there, ErrorCode: 131063}},
			there},
		"tried again for another reason":  {[]delivery.Fact{{Kind: delivery.Retry, ErrorCode: 131000}}, ""},
		"priced as there, by its receipt": {[]delivery.Fact{{Kind: delivery.Delivered, Pricing: lite}}, there},
		"lost there, then sent once more": {[]delivery.Fact{{Kind: delivery.Lost, Route: there},
			{Kind: delivery.SendAgain}}, ""},
		"refused there, then queued anew": {[]delivery.Fact{{Kind: delivery.Refused, Route: there, ErrorCode: 1},
			{Kind: delivery.Requeue}}, ""},
		"turned there, then paused with its campaign": {[]delivery.Fact{
			{Kind: delivery.Retry, Route: there, ErrorCode: 131063}, {Kind: again, Anew: true}}, ""},
		"turned there, then given back": {[]delivery.Fact{{Kind: delivery.Retry, Route: there, ErrorCode: 131063},
			{Kind: again}}, there},
		"lost there, then given up": {[]delivery.Fact{{Kind: delivery.Lost, Route: there},
			{Kind: delivery.GiveUp, ErrorCode: -1}}, there},
		"taken by the usual one in return": {[]delivery.Fact{{Kind: delivery.Accepted, Route: usual}}, usual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				b.enqueue(t, b.campaign, 1)
				m := b.claim(t, 1, 0)[0]
				for _, f := range tc.facts {
					if f.Kind == again { // of the next attempt
						m, f.Kind = b.claim(t, 1, 0)[0], delivery.Return
					}

					f.Message, f.Attempt, f.At, f.NotBefore = m.ID, m.Attempt, start, start
					b.record(t, f)
				}

				if got := b.routed(m.ID); got != tc.want {
					t.Errorf("it is %q, want %q", got, tc.want)
				}

				b.verify(t)
			})
		})
	}
}

func TestWhoClaimsAMessageAgainKnowsWhereItIsToGo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 1)
		m := b.claim(t, 1, 0)[0]
		if m.Route != "" {
			t.Errorf("a new one is to go by %s", m.Route)
		}

		b.record(t, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Retry, At: start, NotBefore: start,
			ErrorCode: 131063, Route: there})
		if again := b.claim(t, 1, 0)[0]; again.Route != there || again.Retries != 1 {
			t.Errorf("it is to go by %q, after %d tries", again.Route, again.Retries)
		}
	})
}

func TestWhatBelongsToOnePersonCountsForNoBrake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code int
		want int // answers that count
	}{"another app holds the conversation": {131070, 0}, "no max price in the country": {131065, 0},
		"undeliverable": {131026, 30}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				told, journal, flush := b.watched(t)
				b.enqueue(t, b.campaign, 30)
				for _, m := range b.claim(t, 1000, 0) {
					f := refused(m)
					f.ErrorCode = tc.code
					if _, err := journal.Record(b.ctx, f); err != nil {
						t.Fatal(err)
					}
				}

				if flush(); told.last().Answers != tc.want {
					t.Errorf("the brake was told of %+v", told.last())
				}

				b.verify(t)
			})
		})
	}
}
