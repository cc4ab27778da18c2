package sandbox

import "fmt"

// marketingEdge is the endpoint of the Marketing Messages API.
const marketingEdge = "marketing_messages"

// bid is a template's max price.
type bid struct {
	Strategy string `json:"bid_strategy"`
	Amount   int    `json:"bid_amount"`
}

func (b *bid) check(category string) *refusal {
	switch {
	case b == nil:
		return nil
	case category != "MARKETING":
		return invalid("Param optimization_spec is for templates of the category MARKETING.")
	case b.Strategy != "LOWEST_COST_WITH_BID_CAP" || b.Amount <= 0:
		return invalid("Param optimization_spec needs bid_strategy LOWEST_COST_WITH_BID_CAP and a positive bid_amount.")
	}

	return nil
}

func (a *account) marketingOnlyThere() bool {
	return a.MarketingOnlyThere != nil && *a.MarketingOnlyThere
}

// checkMarketing holds a template to the endpoint that it was sent to, and gives the content with
// the category under which it is priced.
func (s *Sandbox) checkMarketing(a *account, b *sendBody, to string, of *content, maxPrice int) (*content, *refusal) {
	s.catalog.RLock()
	onboarded, onlyThere := a.MarketingMessages == "ONBOARDED", a.marketingOnlyThere()
	s.catalog.RUnlock()
	marketing := of.Category == "marketing"

	if b.edge != marketingEdge {
		switch {
		case b.Bid != nil:
			return nil, invalid("Param bid_spec is not supported by this endpoint.")
		case maxPrice > 0:
			return nil, refuse(131061, "The template has a max price.")
		case marketing && onlyThere:
			return nil, refuse(131063, "Marketing templates of this account go through the Marketing Messages API.")
		}

		return of, nil
	}

	switch {
	case !marketing:
		return nil, refuse(131055, "Only marketing templates can be sent here.")
	case !onboarded && (b.ProductPolicy == "STRICT" || onlyThere):
		return nil, refuse(134102, "The account is not onboarded to the Marketing Messages API.")
	case b.Bid != nil && (b.Bid.Multiplier == nil || *b.Bid.Multiplier <= 0):
		return nil, invalid("Param bid_spec['per_message_bid_multiplier'] must be a positive number.")
	case maxPrice > 0 && !isPhone(to):
		return nil, refuse(131062, "A template with a max price needs a phone number.")
	}

	there := *of
	if there.Endpoint = marketingEdge; onboarded {
		there.Category = "marketing_lite"
	}
	if b.Bid != nil {
		there.Bid = *b.Bid.Multiplier
	}

	s.catalog.Lock()
	defer s.catalog.Unlock()

	return s.catalog.intern(there), nil
}

// SetMaxPrice gives all languages of a template's name a max price, for 1,000 deliveries; 0 takes
// it away.
func (s *Sandbox) SetMaxPrice(wabaID, name string, amount int) error {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	a := s.catalog.accounts[wabaID]
	if a == nil {
		return fmt.Errorf("account %s is unknown to the sandbox", wabaID)
	}

	for key, t := range a.templates {
		if key.name != name {
			continue
		}
		if t.Bid = (bid{}); amount > 0 {
			t.Bid = bid{"LOWEST_COST_WITH_BID_CAP", amount}
		}

		s.journal.put(s, record{Template: t})
	}

	return nil
}

// Recategorize changes the category of a template in all its languages, and tells nobody.
func (s *Sandbox) Recategorize(wabaID, name, category string) {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	a := s.catalog.accounts[wabaID]
	if a == nil {
		return
	}

	for key, t := range a.templates {
		if key.name == name {
			t.Category = category
			s.catalog.put(a, t)
			s.journal.put(s, record{Template: t})
		}
	}
}
