package transport

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Allowance is what a caller may still spend on operations, out of one of its budgets.
type Allowance struct {
	Name             string        // "token", "organization"
	Limit, Remaining int           // points
	Window           time.Duration // in which an empty one gets all its points back
	Reset            time.Duration // until it has all its points again
	Wait             time.Duration // until it has enough for an operation that it could not pay; zero if it could
}

const (
	// leastCost is what an operation costs that asks for next to nothing, and what a request costs
	// that is refused before its operation runs.
	leastCost = 1
	// schemaCost is what introspection costs. The schema's complexity functions do not count it.
	schemaCost = 100
)

// charged is what an operation was charged.
type charged struct {
	cost int
	left []Allowance
	err  error // why it may not run
}

const chargeExtension = "CarillonCharge"

// charge has an operation paid for, once, however often it is called. Without Options.Charge it is
// nil.
func (h *Handler) charge(ctx context.Context, opCtx *graphql.OperationContext, cost int) *charged {
	if h.options.Charge == nil || opCtx == nil {
		return nil
	}
	if c, already := opCtx.Stats.GetExtension(chargeExtension).(*charged); already {
		return c
	}

	c := &charged{cost: cost}
	c.left, c.err = h.options.Charge(ctx, cost)
	opCtx.Stats.SetExtension(chargeExtension, c)

	return c
}

// costOf is the price of an operation that has passed every limit.
func costOf(ctx context.Context, opCtx *graphql.OperationContext) int {
	cost := leastCost
	if stats := extension.GetComplexityStats(graphql.WithOperationContext(ctx, opCtx)); stats != nil {
		cost = max(cost, stats.Complexity)
	}
	if asksSchema(opCtx.Operation.SelectionSet, map[string]bool{}) {
		cost += schemaCost
	}

	return cost
}

// afford charges the operation of a request, and tells its caller what is left. It refuses what
// cannot be paid.
func (h *Handler) afford(w http.ResponseWriter, r *http.Request, opCtx *graphql.OperationContext, cost int) *refusal {
	c := h.charge(r.Context(), opCtx, cost)
	if c == nil {
		return nil
	}

	c.describe(w.Header())
	if c.err == nil {
		return nil
	}

	no := h.mayNot(r, c.err)
	no.answer = c.extensions()

	return no
}

// affordRefusal charges a request that is refused before anything else was charged.
func (h *Handler) affordRefusal(w http.ResponseWriter, r *http.Request, no *refusal) *refusal {
	if no == nil || w.Header().Get(policyHeader) != "" {
		return no
	}
	if poor := h.afford(w, r, &graphql.OperationContext{}, leastCost); poor != nil {
		return poor
	}

	return no
}

// refused is the answer to an operation on a socket that could not be paid.
func (c *charged) refused(ctx context.Context, h *Handler) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{h.present(ctx, c.err)}, Extensions: c.extensions()}
}

// The header fields of draft-ietf-httpapi-ratelimit-headers-10.
const (
	policyHeader = "RateLimit-Policy"
	levelHeader  = "RateLimit"
)

func (c *charged) describe(header http.Header) {
	if len(c.left) == 0 {
		return
	}

	policies, levels := make([]string, len(c.left)), make([]string, len(c.left))
	for i, a := range c.left {
		policies[i] = fmt.Sprintf("%q;q=%d;w=%d", a.Name, a.Limit, seconds(a.Window))
		levels[i] = fmt.Sprintf("%q;r=%d;t=%d", a.Name, a.Remaining, seconds(a.Reset))
	}

	header.Set(policyHeader, strings.Join(policies, ", "))
	header.Set(levelHeader, strings.Join(levels, ", "))
}

// extensions says what the operation cost, and what is left of the budget that is the scarcest.
func (c *charged) extensions() map[string]any {
	if c == nil || len(c.left) == 0 {
		return nil
	}

	scarce := c.left[0]
	for _, a := range c.left[1:] {
		if a.Wait > scarce.Wait || a.Wait == scarce.Wait && a.Remaining < scarce.Remaining {
			scarce = a
		}
	}

	return map[string]any{"cost": map[string]any{"requested": c.cost, "budget": scarce.Name, "limit": scarce.Limit,
		"remaining": scarce.Remaining, "resetSeconds": seconds(scarce.Reset)}}
}

// mark adds to a response what its operation has cost.
func (c *charged) mark(resp *graphql.Response) {
	more := c.extensions()
	if resp.Extensions == nil {
		resp.Extensions = more
		return
	}

	maps.Copy(resp.Extensions, more)
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
