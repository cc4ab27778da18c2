package transport

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// live is the subscriptions that are under way, and all else that sockets run: their number, and
// what their callers had kept for them: documents, variables, and what a resolver remembers.
type live struct {
	number, bytes *budget

	mu   sync.Mutex
	docs map[heldDocument]int // by how many subscriptions
}

// heldDocument is a parsed document that an owner's subscriptions keep, however many they are.
type heldDocument struct {
	owner any
	doc   *ast.QueryDocument
}

func newLive(number, bytes int) *live {
	return &live{number: newBudget(int64(number)), bytes: newBudget(int64(bytes)), docs: map[heldDocument]int{}}
}

// living is one subscription's part.
type living struct {
	of            *live
	number, bytes *holder
	held          heldDocument

	mu   sync.Mutex
	paid int
	over bool
}

// begin counts a subscription in, or says that there are too many.
func (l *live) begin(owner any, opCtx *graphql.OperationContext) (*living, error) {
	one := &living{of: l, number: l.number.of(owner), bytes: l.bytes.of(owner), held: heldDocument{owner, opCtx.Doc}}
	if err := one.number.try(1); err != nil {
		one.number.done()
		one.bytes.done()
		return nil, err
	}

	cost := variableCost(opCtx.Variables)
	l.mu.Lock()
	if l.docs[one.held]++; l.docs[one.held] == 1 {
		cost += documentCost(opCtx.Doc) + len(opCtx.RawQuery)
	}

	l.mu.Unlock()
	if err := one.hold(cost); err != nil {
		one.end()
		return nil, err
	}

	return one, nil
}

// hold takes more bytes, until the end.
func (one *living) hold(bytes int) error {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.over {
		return nil
	}

	err := one.bytes.try(bytes)
	if err == nil {
		one.paid += bytes
	}

	return err
}

func (one *living) end() {
	l := one.of
	l.mu.Lock()
	l.docs[one.held]--
	shared := l.docs[one.held] > 0
	if !shared {
		delete(l.docs, one.held)
	}

	l.mu.Unlock()
	one.mu.Lock()
	one.over = true
	paid := one.paid
	one.mu.Unlock()
	one.bytes.force(-paid)
	one.bytes.done()
	one.number.give(1)
	one.number.done()
}

// variableCost is about how many bytes the values of variables take.
func variableCost(value any) (bytes int) {
	switch v := value.(type) {
	case string:
		return len(v) + 16
	case []any:
		bytes = 24
		for _, one := range v {
			bytes += 16 + variableCost(one)
		}
	case map[string]any:
		bytes = 48
		for name, one := range v {
			bytes += 64 + len(name) + variableCost(one)
		}
	default:
		return 16
	}

	return bytes
}

// Hold is for the resolver of a subscription that remembers so many bytes more until its end. It
// refuses when callers have too much kept for them.
func Hold(ctx context.Context, bytes int) error {
	r, ok := ctx.Value(operationKey{}).(*run)
	if !ok || r.living == nil {
		return nil
	}
	if r.living.hold(bytes) != nil {
		return tooMuchHeld()
	}

	return nil
}

func tooMuchHeld() *gqlerror.Error {
	err := codedError(codeRateLimited, "too many subscriptions at a time, or too large ones: end some")
	err.Extensions["retryAfterSeconds"] = retrySeconds
	return err
}
