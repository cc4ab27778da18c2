package pricing

import (
	"strings"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// Prices are the cards and the accounts' currencies as they are at one moment.
type Prices struct {
	*Cards
	currencies map[uid.ID]string
}

// regular is Meta's type of a price that costs something; every other is free.
const regular = "regular"

// perMessage is Meta's model of a price for each message. The one before it was by conversations,
// of which no card here knows.
const perMessage = "PMP"

// Regular reports whether a message costs something once it is delivered. Meta's older webhooks
// have no type.
func Regular(told jsonfield.Pricing) bool {
	return told.Type == regular || told.Type == "" && told.Billable
}

// Fix completes what Meta told of a message's price by what that comes to, with the card in force
// at that moment. Without a currency or a rate there is no amount.
func (p *Prices) Fix(told jsonfield.Pricing, account uid.ID, to Recipient, at time.Time) jsonfield.Pricing {
	currency := p.currencies[account]
	if currency == "" {
		return told
	}

	if !Regular(told) {
		told.Currency, told.Micros = currency, new(int64)
		return told
	}

	category, known := CategoryOf(told.Category)
	if !known || told.Model != "" && told.Model != perMessage {
		return told
	}

	card := p.InForce(currency, at)
	if micros, ok := card.Rate(category, to); ok {
		told.Currency, told.Micros = currency, &micros
		if !card.ID.IsZero() {
			told.Card = card.ID.String()
		}
	}

	return told
}

// Estimate is what one message of a category will cost, in micros, and the card that says so;
// false, with the card in force if there is one, where none has that price.
func (p *Prices) Estimate(currency string, category Category, to Recipient, at time.Time) (int64, *Card, bool) {
	card := p.InForce(currency, at)
	if category == Service && at.UTC().Format(dayForm) < October2026 {
		return 0, card, true // nothing but templates was charged before
	}

	micros, ok := card.Rate(category, to)

	return micros, card, ok
}

// Currency is what an account is charged in; empty where that is not known.
func (p *Prices) Currency(account uid.ID) string { return p.currencies[account] }

// Price is what the API tells of a message's price.
type Price struct {
	Billable        bool
	Category, Model string
	Type            *string
	Cost            *Money
	State           enum.PriceState
}

// Of is the price of a message; nil of one that WhatsApp has not taken, or that failed: it costs
// nothing.
func (p *Prices) Of(m *ent.Message) *Price {
	delivered := m.DeliveredAt != nil || m.ReadAt != nil
	taken := m.Status == enum.MessageStatusAccepted || m.Status == enum.MessageStatusHeld ||
		m.Status == enum.MessageStatusSent
	if m.Direction != enum.DirectionOutbound || !delivered && !taken {
		return nil
	}
	if m.Pricing == nil {
		return p.estimated(m)
	}

	out := &Price{Billable: m.Pricing.Billable, Category: m.Pricing.Category, Model: m.Pricing.Model,
		Cost: CostOf(m.Pricing)}
	if m.Pricing.Type != "" {
		out.Type = &m.Pricing.Type
	}

	switch {
	case !Regular(*m.Pricing):
		out.State = enum.PriceStateFree
	case out.Cost == nil:
		out.State = enum.PriceStateUnknown
	case delivered:
		out.State = enum.PriceStateCharged
	default:
		out.State = enum.PriceStateEstimated
	}

	return out
}

// CostOf is the amount that was fixed with a price; nil where there is none.
func CostOf(told *jsonfield.Pricing) *Money {
	if told == nil || told.Micros == nil {
		return nil
	}
	return &Money{*told.Micros, told.Currency}
}

// estimated is the price of a message of whose price WhatsApp has told nothing yet.
func (p *Prices) estimated(m *ent.Message) *Price {
	category := Service
	if m.Category != nil {
		category = Category(strings.ToLower(string(*m.Category)))
	}

	at := m.CreatedAt
	for _, t := range []*time.Time{m.ReadAt, m.DeliveredAt, m.SentAt, m.AcceptedAt} {
		if t != nil {
			at = *t
		}
	}

	out := &Price{Billable: true, Category: string(category), Model: perMessage, State: enum.PriceStateUnknown}
	currency := p.currencies[m.AccountID]
	micros, _, ok := p.Estimate(currency, category, Recipient{m.Address, m.Country}, at)
	if m.Type == enum.MessageTypeReaction {
		micros, ok = 0, true // never charged
	}
	if ok && currency != "" {
		out.Cost, out.State = &Money{micros, currency}, enum.PriceStateEstimated
	}

	return out
}
