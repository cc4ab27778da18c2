// Package caller says in a context whose rows may be touched: one organization's, or, for workers
// and the command line, everybody's. Without either, the data model answers nothing and changes
// nothing.
package caller

import (
	"context"

	"carillon/uid"
)

type key struct{}

// Scope is whose rows a context may touch.
type Scope struct {
	Organization uid.ID
	// every organization's; set by workers, webhooks, sign-in and the operator, never for a caller's
	// query
	System bool
}

// In returns a context that sees the rows of that organization and no others.
func In(ctx context.Context, organization uid.ID) context.Context {
	return context.WithValue(ctx, key{}, Scope{Organization: organization})
}

// System returns a context that sees every organization's rows. Use it only where no caller's word
// decides what is read.
func System(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, Scope{System: true})
}

// From returns the scope of a context; false when there is none, which must be taken for a refusal.
func From(ctx context.Context) (Scope, bool) {
	s, ok := ctx.Value(key{}).(Scope)
	return s, ok
}
