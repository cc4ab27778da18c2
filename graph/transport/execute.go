package transport

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Served is a schema without what nothing here serves: parts of an answer that come later (@defer),
// and descriptions of directives that are deprecated, which introspection could not show. Build the
// executable schema with it.
func Served(schema *ast.Schema) *ast.Schema {
	served := *schema
	served.Directives = make(map[string]*ast.DirectiveDefinition, len(schema.Directives))
	for name, directive := range schema.Directives {
		served.Directives[name] = directive
	}

	for _, part := range laterParts {
		delete(served.Directives, part)
	}

	if deprecated, ok := served.Directives["deprecated"]; ok {
		shown := *deprecated
		shown.Locations = slices.DeleteFunc(slices.Clone(shown.Locations), func(l ast.DirectiveLocation) bool {
			return l == ast.LocationDirectiveDefinition
		})
		served.Directives["deprecated"] = &shown
	}

	return &served
}

// laterParts are directives by which a client asks for an answer in parts.
var laterParts = []string{"defer", "stream"}

// execution is gqlgen's executor with what a transport of ours needs besides: persisted queries, a
// cache of what has passed every limit, and errors that say which variable is wrong.
type execution struct {
	*executor.Executor
	documents *documents
	persisted *persisted // nil is off
	owner     func(context.Context) any
}

// lean is a schema whose subscriptions let go of the memory of a large answer. gqlgen writes all
// answers of a subscription into one buffer, which stays as large as the largest of them; so after
// a large one the operation is begun anew, with the channel that its resolver gave.
type lean struct{ graphql.ExecutableSchema }

const mostBuffered = 16 << 10

func (l lean) Exec(ctx context.Context) graphql.ResponseHandler {
	opCtx := graphql.GetOperationContext(ctx)
	if opCtx.Operation.Operation != ast.Subscription {
		return l.ExecutableSchema.Exec(ctx)
	}

	var source any
	begin := func() graphql.ResponseHandler {
		resolve := opCtx.ResolverMiddleware
		defer func() { opCtx.ResolverMiddleware = resolve }()
		opCtx.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (v any, err error) {
			if source == nil {
				source, err = resolve(ctx, next)
			}
			return source, err
		}

		return l.ExecutableSchema.Exec(ctx)
	}

	next := begin()

	return func(ctx context.Context) *graphql.Response {
		resp := next(ctx)
		if resp != nil && len(resp.Data) > mostBuffered {
			next = begin()
		}

		return resp
	}
}

// passing is a document on its way through the limits.
type passing struct {
	text string
	doc  *ast.QueryDocument
}

type passingKey struct{}

// CreateOperationContext parses and checks an operation. What it remembers of one, it remembers
// once nothing refused it.
func (e execution) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext,
	gqlerror.List) {
	hash, err := e.persisted.find(params)
	if err != nil {
		return &graphql.OperationContext{OperationName: params.OperationName, Headers: params.Headers}, gqlerror.List{err}
	}

	fresh := &passing{}
	opCtx, errs := e.Executor.CreateOperationContext(context.WithValue(ctx, passingKey{}, fresh), params)

	if len(errs) > 0 {
		for i, err := range errs {
			errs[i] = aboutVariable(err)
		}

		return opCtx, errs
	}

	owner := e.owner(ctx)
	if fresh.doc != nil {
		e.documents.add(owner, fresh.text, fresh.doc)
	}
	if hash != "" {
		e.persisted.add(owner, hash, params.Query)
	}

	return opCtx, nil
}

// aboutVariable takes the path of a variable out of where a client looks for a place in the
// response, and puts it into the message and extensions.variable.
func aboutVariable(err *gqlerror.Error) *gqlerror.Error {
	if len(err.Path) < 2 || err.Path[0] != ast.PathName("variable") {
		return err
	}
	return badVariable(err.Path[1:], "%s", err.Message)
}

func badVariable(path ast.Path, format string, args ...any) *gqlerror.Error {
	err := codedError(codeBadInput, "$%s: %s", dotted(path), fmt.Sprintf(format, args...))
	err.Extensions["variable"] = steps(path)
	return err
}

// dotted writes a path as people do, e.g. filter.listIds.0.
func dotted(path ast.Path) string {
	parts := make([]string, len(path))
	for i, step := range steps(path) {
		parts[i] = fmt.Sprint(step)
	}

	return strings.Join(parts, ".")
}

func steps(path ast.Path) []any {
	out := make([]any, len(path))
	for i, step := range path {
		switch step := step.(type) {
		case ast.PathName:
			out[i] = string(step)
		case ast.PathIndex:
			out[i] = int(step)
		}
	}

	return out
}
