package pricing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"carillon/uid"
)

// Category is what a message is charged as, by the names of the tidy form.
type Category string

// The categories that cards have prices for.
const (
	Marketing                   Category = "marketing"
	Utility                     Category = "utility"
	Authentication              Category = "authentication"
	AuthenticationInternational Category = "authentication_international"
	Service                     Category = "service"
	MarketingLite               Category = "marketing_lite"
)

var categories = []Category{Marketing, Utility, Authentication, AuthenticationInternational, Service, MarketingLite}

// CategoryOf reads a category in any way in which Meta or the API writes it: MARKETING,
// authentication-international, group_utility. A message to a group is priced as one to a person.
func CategoryOf(name string) (Category, bool) {
	folded := strings.ReplaceAll(fold(name), " ", "_")
	folded = strings.TrimPrefix(folded, "group_")
	c := Category(folded)

	return c, slices.Contains(categories, c)
}

// Rates are prices in micros, by market and category. What is not there has no price.
type Rates map[Market]map[Category]int64

// The kinds of cards.
const (
	KindList  = "LIST"  // list prices
	KindTiers = "TIERS" // how prices fall with the volume of a month
)

// Day is a calendar day as cards write it, 2026-10-01. Days compare as texts.
const dayForm = "2006-01-02"

// Card is the prices of one currency from one day on.
type Card struct {
	ID       uid.ID // zero: not imported, the example that ships
	Kind     string
	Name     string
	Currency string
	From     string  // the first day on which it is in force
	Until    *string // the last one; nil while no other follows. Before From: a correction took its place
	Revision int     // of cards of the same day the highest is in force
	Example  bool

	Rates    Rates     // of KindList
	Tiers    TierTable // of KindTiers
	Imported time.Time
}

// Markets is how many markets it has prices for.
func (c *Card) Markets() int { return max(len(c.Rates), len(c.Tiers)) }

// EffectiveFrom is the first day on which it is in force, and EffectiveUntil the last; nil while no
// other follows.
func (c *Card) EffectiveFrom() string   { return c.From }
func (c *Card) EffectiveUntil() *string { return c.Until }

// Rate is what one message costs by this card, in micros; false where the card has no such price.
// Markets are those of the day from which the card holds. What goes by the Marketing Messages API
// costs what a marketing message does where a card does not say otherwise.
func (c *Card) Rate(category Category, to Recipient) (micros int64, ok bool) {
	if c == nil {
		return 0, false
	}

	market, known := to.market(c.From)
	if !known {
		return 0, false
	}

	micros, ok = c.Rates[market][category]
	if !ok && category == MarketingLite {
		micros, ok = c.Rates[market][Marketing]
	}

	return micros, ok
}

// Stale reports whether Meta may have changed its prices since: it does so on the first day of a
// quarter alone, and the card is of an earlier one.
func (c *Card) Stale(at time.Time) bool { return c.From < quarterOf(at) }

// quarterOf is the first day of a moment's quarter.
func quarterOf(at time.Time) string {
	year, month, _ := at.UTC().Date()
	return time.Date(year, (month-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC).Format(dayForm)
}

// Cards are list cards as they are at one moment.
type Cards struct {
	byCurrency map[string][]*Card // real ones by (From, Revision), after all examples: the last that fits holds
}

// newCards orders cards and says until when each is in force.
func newCards(all []*Card) *Cards {
	slices.SortStableFunc(all, func(a, b *Card) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.From, b.From), cmp.Compare(a.Revision, b.Revision))
	})

	c := &Cards{byCurrency: map[string][]*Card{}}
	for i, card := range all {
		if i+1 < len(all) && card.followedBy(all[i+1]) {
			last := dayBefore(all[i+1].From)
			card.Until = &last
		}

		if card.Kind == KindList {
			c.byCurrency[card.Currency] = append(c.byCurrency[card.Currency], card)
		}
	}

	return c
}

// order puts examples before real cards.
func order(c *Card) int {
	if c.Example {
		return 0
	}
	return 1
}

func (c *Card) followedBy(next *Card) bool {
	return c.Currency == next.Currency && c.Kind == next.Kind && c.Example == next.Example
}

func dayBefore(day string) string {
	t, err := time.Parse(dayForm, day)
	if err != nil {
		return day
	}

	return t.AddDate(0, 0, -1).Format(dayForm)
}

// InForce is the card of a currency that holds at a moment, by the day in UTC; nil where there is
// none. An example holds only where the operator imported it and no other card does.
func (c *Cards) InForce(currency string, at time.Time) (card *Card) {
	day := at.UTC().Format(dayForm)
	for _, candidate := range c.byCurrency[currency] {
		if candidate.From <= day {
			card = candidate
		}
	}

	return card
}
