package graph

import (
	"context"
	"fmt"

	"carillon/graph/transport"
	"carillon/identity"
	"carillon/ratelimit"
	"carillon/usererror"
)

// charge takes the cost of an operation from the budgets of the caller's token and organization, or
// of a stranger's address.
func (r *Resolver) charge(ctx context.Context, cost int) ([]transport.Allowance, error) {
	levels, paid := r.Budgets.Spend(ctx, cost, payers(ctx)...)
	left := make([]transport.Allowance, len(levels))
	short := ratelimit.Level{}

	for i, l := range levels {
		left[i] = transport.Allowance{Name: string(l.Kind), Limit: l.Limit, Remaining: l.Remaining, Window: l.Window,
			Reset: l.Full, Wait: l.Wait}
		if l.Wait > short.Wait {
			short = l
		}
	}

	if paid {
		return left, nil
	}

	return left, overBudget(cost, short)
}

func payers(ctx context.Context) []ratelimit.Owner {
	v, ok := identity.From(ctx)
	if !ok {
		return []ratelimit.Owner{{Kind: ratelimit.Address, ID: identity.Network(clientOf(ctx).IP)}}
	}

	token, _ := credential(v)

	return []ratelimit.Owner{{Kind: ratelimit.Token, ID: token.String()},
		{Kind: ratelimit.Organization, ID: v.Organization.String()}}
}

// overBudget says which budget is too small for an operation, and what the caller can do.
func overBudget(cost int, l ratelimit.Level) error {
	if l.Wait == ratelimit.Never {
		return usererror.New(usererror.RateLimited,
			"this costs %d points, and the budget of your %s never holds more than %d: it can never run, ask for less at a time",
			cost, l.Kind, l.Limit)
	}

	return &usererror.Error{Kind: usererror.RateLimited, RetryAfter: l.Wait,
		Message: fmt.Sprintf("this costs %d points, and the budget of your %s has %d of %d left: it has enough in %d seconds",
			cost, l.Kind, l.Remaining, l.Limit, wholeSeconds(l.Wait))}
}
