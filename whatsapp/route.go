package whatsapp

// Route is one of Meta's endpoints for messages.
type Route string

const (
	// RouteMessages takes everything, for most accounts marketing templates too.
	RouteMessages Route = "MESSAGES"
	// RouteMarketing is the Marketing Messages API, which takes marketing templates alone.
	RouteMarketing Route = "MARKETING_MESSAGES"
)

// edges are the endpoints' paths below a number.
var edges = map[Route]string{RouteMessages: "messages", RouteMarketing: "marketing_messages"}

// edge is the route's path; that of the usual endpoint where none is set.
func (r Route) edge() string {
	if edge, known := edges[r]; known {
		return edge
	}
	return edges[RouteMessages]
}

// onboarded is what Meta calls an account that takes part in the Marketing Messages API.
const onboarded = "ONBOARDED"

// MarketingRoute is where an account's marketing templates go: status is what Meta says of it and
// the Marketing Messages API, and onlyThere that it refuses them at the usual endpoint. An account
// that has not taken part stays with the usual one.
func MarketingRoute(status string, onlyThere bool) Route {
	if status == onboarded || onlyThere {
		return RouteMarketing
	}
	return RouteMessages
}

// Route is where messages of this template go, for an account whose marketing goes by that route.
// One with a max price goes nowhere but to the Marketing Messages API (code 131061).
// developers.facebook.com, "Route template messages" (read 2026-09).
func (t Template) Route(marketing Route) Route {
	switch {
	case t.Category != "MARKETING":
		return RouteMessages
	case t.MaxPrice > 0:
		return RouteMarketing
	}

	return marketing
}

// wireBid scales the template's max price for one message.
type wireBid struct {
	Multiplier float64 `json:"per_message_bid_multiplier"`
}

// wholeBid leaves the max price as it stands on the template.
var wholeBid = &wireBid{Multiplier: 1}
