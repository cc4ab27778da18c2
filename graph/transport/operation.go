package transport

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

type transportKey struct{}

func withTransport(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, transportKey{}, name)
}

func transportOf(ctx context.Context) string {
	name, _ := ctx.Value(transportKey{}).(string)
	return name
}

type spentKey struct{}

// spent is how long it took to find out who is calling, which counts as time of the operation.
func spent(ctx context.Context) time.Duration {
	d, _ := ctx.Value(spentKey{}).(time.Duration)
	return d
}

type operationKey struct{}

// Fail ends a subscription with an error. The resolver's goroutine calls it with the resolver's
// context, and then closes its channel: a socket sends an error message in place of complete, an
// event stream a last result. Elsewhere it does nothing. The error passes PresentError like any
// other.
func Fail(ctx context.Context, err error) {
	if run, ok := ctx.Value(operationKey{}).(*run); ok {
		run.mu.Lock()
		run.failure = err
		run.mu.Unlock()
	}
}

// operations gives every operation its time, its place in the log, and the patience that a slow
// socket asks of it.
type operations struct{ h *Handler }

func (operations) ExtensionName() string                   { return "Operations" }
func (operations) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse sees all responses but those of a subscription that failed to start.
func (o operations) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil {
		return nil
	}

	o.h.cut(resp)
	if _, running := ctx.Value(operationKey{}).(*run); !running { // refused before it ran
		if c := o.h.charge(ctx, graphql.GetOperationContext(ctx), leastCost); c != nil && c.err != nil {
			resp = c.refused(ctx, o.h)
		} else {
			c.mark(resp)
		}

		refused := &run{h: o.h, start: graphql.GetStartTime(ctx), op: Operation{Transport: transportOf(ctx), Responses: 1}}
		if opCtx := graphql.GetOperationContext(ctx); opCtx != nil {
			refused.describe(opCtx)
		}

		refused.count(resp.Errors)
		refused.finish(ctx)
	}

	return resp
}

func (o operations) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	opCtx := graphql.GetOperationContext(ctx)
	streams := opCtx.Operation.Operation == ast.Subscription
	r := &run{h: o.h, start: time.Now(), op: Operation{Transport: transportOf(ctx)}, cancel: func() {}}
	r.describe(opCtx)

	if r.charged = o.h.charge(ctx, opCtx, costOf(ctx, opCtx)); r.charged != nil && r.charged.err != nil {
		return graphql.OneShot(r.charged.refused(ctx, o.h))
	}

	if streams || socketOf(ctx) != nil {
		var err error
		if r.living, err = o.h.live.begin(o.h.options.Owner(ctx), opCtx); err != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{tooMuchHeld()}})
		}
	}

	if s := socketOf(ctx); s != nil {
		number, ok := s.begin()
		if !ok {
			r.release()
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{tooManyOperations()}})
		}

		r.socket = s
		ctx = withRequestID(ctx, RequestID(ctx)+"."+number)
	}

	if !streams {
		ctx, r.cancel = context.WithTimeoutCause(ctx, o.h.options.Timeout-spent(ctx), errTimeout)
	}

	r.turns.init(placeOf(ctx), streams)
	r.turns.row = guess(ctx)
	ctx = context.WithValue(ctx, operationKey{}, r)
	started := false

	defer func() {
		if !started { // a panic: gqlgen's transport turns it into an error
			r.finish(ctx)
		}
	}()

	handler := next(ctx)
	started = true

	return func(ctx context.Context) *graphql.Response { return r.next(ctx, handler, streams) }
}

// run is an operation under way.
type run struct {
	h      *Handler
	socket *socket
	cancel context.CancelFunc
	start  time.Time
	op     Operation
	over   bool
	turns  turns
	living *living // of a subscription

	charged *charged // what it has cost; nil once the first response says so

	mu      sync.Mutex
	failure error // what Fail was told
}

var operationName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,99}$`)

func (r *run) describe(opCtx *graphql.OperationContext) {
	name := opCtx.OperationName
	if opCtx.Operation != nil {
		name, r.op.Kind = opCtx.Operation.Name, string(opCtx.Operation.Operation)
	}
	if operationName.MatchString(name) {
		r.op.Name = name
	}
}

// placeOf is where the operation's answers wait.
func placeOf(ctx context.Context) place {
	if s := socketOf(ctx); s != nil {
		return s.out
	}

	p, _ := ctx.Value(placeKey{}).(place)
	return p
}

// guess is about how large an answer is whose rows are counted by the operation's complexity, or
// else one row of it.
func guess(ctx context.Context) int {
	if stats := extension.GetComplexityStats(ctx); stats != nil {
		return max(leastRow, stats.Complexity*fieldSize)
	}
	return leastRow
}

// next hands on the next response. An answer has its turn before it is made: a query's here, a
// subscription's by its resolver. So a slow peer holds up its own answers, and not the events'
// source, or the process's memory.
func (r *run) next(ctx context.Context, handler graphql.ResponseHandler, streams bool) (resp *graphql.Response) {
	if r.over {
		return nil
	}

	returned := false
	defer func() {
		if !returned || resp == nil || !streams {
			r.finish(ctx)
		}
	}()

	if !streams {
		r.turns.take(ctx, r.turns.row)
	}

	resp = handler(ctx)
	switch {
	case resp != nil:
	case streams:
		resp = r.failed(ctx)
	case errors.Is(context.Cause(ctx), errTimeout): // before the first resolver
		resp = &graphql.Response{Errors: gqlerror.List{outOfTime()}}
	}

	if resp != nil {
		r.charged.mark(resp)
		r.charged = nil
		r.h.cut(resp)
		r.count(resp.Errors)
		r.op.Responses++
		r.turns.made(ctx, len(resp.Data)+200*len(resp.Errors)+1)
	}

	returned = true

	return resp
}

// failed gives the error that Fail was told to the client, in the way of its transport.
func (r *run) failed(ctx context.Context) *graphql.Response {
	r.mu.Lock()
	err := r.failure
	r.failure = nil
	r.mu.Unlock()
	if err == nil || ctx.Err() != nil {
		return nil
	}

	shown := r.h.present(ctx, err)
	if r.socket == nil {
		return &graphql.Response{Errors: gqlerror.List{shown}}
	}

	r.count(gqlerror.List{shown})
	gqltransport.AddSubscriptionError(ctx, shown)

	return nil
}

func (r *run) count(errs gqlerror.List) {
	for _, err := range errs {
		if code := codeOf(err); !slices.Contains(r.op.Codes, code) {
			r.op.Codes = append(r.op.Codes, code)
		}
	}
}

// finish writes the operation's one line. Queries are many and mostly dull; the rest is worth
// reading.
func (r *run) finish(ctx context.Context) {
	if r.over {
		return
	}

	r.over = true
	r.turns.end()
	r.release()
	if r.socket != nil {
		defer r.socket.end() // even if a hook panics: the socket waits for it
	}
	if r.cancel != nil {
		r.cancel()
	}

	r.op.Duration = time.Since(r.start)
	r.h.operations.note(r.op)
	level := slog.LevelInfo
	if r.op.Kind == string(ast.Query) && len(r.op.Codes) == 0 {
		level = slog.LevelDebug
	}

	r.h.log.LogAttrs(ctx, level, "graphql: operation", slog.String("request_id", RequestID(ctx)),
		slog.String("operation", r.op.Name),
		slog.String("kind", r.op.Kind), slog.String("transport", r.op.Transport), slog.Duration("duration", r.op.Duration),
		slog.Int("responses", r.op.Responses), slog.Any("codes", r.op.Codes))

	if r.h.options.OnOperation != nil {
		r.h.options.OnOperation(ctx, r.op)
	}
}

func (r *run) release() {
	if r.living != nil {
		r.living.end()
	}
}

// cut keeps a document full of mistakes from being answered with a book.
func (h *Handler) cut(resp *graphql.Response) {
	if len(resp.Errors) > h.options.MaxErrors {
		resp.Errors = resp.Errors[:h.options.MaxErrors]
	}
}
