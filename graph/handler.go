// Package graph is the API: it says in GraphQL what the other packages do. It hides how a selection
// becomes few statements, how a page and a log are cut, and how what is recorded becomes a live
// stream. It promises that every field of the schema is guarded, that an answer holds one
// organization's data alone, and that a subscription has no gap, no repeat and no seam.
package graph

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/time/rate"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/graph/transport"
	"carillon/identity"
	"carillon/uid"
)

// progressEvery is how often counts are sent at most.
const progressEvery = 250 * time.Millisecond

// noteAwayEvery is how often the log says that the database is away.
const noteAwayEvery = 5 * time.Second

// New serves the API.
func New(d Deps) *transport.Handler {
	if d.ClientIP == nil {
		d.ClientIP = remoteIP
	}

	r, o := &Resolver{Deps: d, away: rate.Sometimes{First: 1, Interval: noteAwayEvery},
		surveys: make(chan struct{}, pagesAtOnce)}, d.Transport
	o.Schema = r.schema()
	if d.Webhooks != nil {
		d.Webhooks.ShapeBy(newShaper(r, o.Schema))
	}

	o.Authenticate = r.authenticate
	o.PresentError = r.presentError
	o.Owner = owner
	o.IsStranger = func(ctx context.Context) bool { return !signedIn(ctx) }
	o.Address = d.ClientIP
	o.MayUpload = r.mayUpload
	o.MayIntrospect = signedIn
	if d.Budgets != nil {
		o.Charge = r.charge
	}

	o.Logger, o.AllowedOrigins = d.Logger, d.AllowedOrigins
	o.Paging = append(paging(), o.Paging...)
	connected := o.OnConnect

	o.OnConnect = func(ctx context.Context) error {
		if connected != nil {
			if err := connected(ctx); err != nil {
				return err
			}
		}

		r.guard(ctx)
		return nil
	}

	d.DB.Client.Intercept(ent.InterceptFunc(noting))

	return transport.New(o)
}

type clientKey struct{}

// authenticate puts the caller into the context, and where they call from for those who are yet to
// sign in.
func (r *Resolver) authenticate(ctx context.Context, authorization string, request *http.Request) (context.Context,
	error) {
	client := identity.Client{IP: r.ClientIP(request), UserAgent: program(request)}
	return r.Identity.Authenticate(context.WithValue(ctx, clientKey{}, client), authorization, client)
}

// longestProgram is how many bytes are kept of how a program calls itself.
const longestProgram = 512

// program is how the caller's program calls itself, as a text: a header may hold any bytes.
func program(r *http.Request) string {
	name := r.UserAgent()
	return strings.ToValidUTF8(name[:min(len(name), longestProgram)], "\uFFFD")
}

func clientOf(ctx context.Context) identity.Client {
	client, _ := ctx.Value(clientKey{}).(identity.Client)
	return client
}

// owner is whose connection it is: an organization's, or the strangers' together.
func owner(ctx context.Context) any {
	if v, ok := identity.From(ctx); ok {
		return v.Organization
	}
	return uid.ID{}
}

// mayUpload looks at what would refuse an operation anyway, before its files are taken.
func (r *Resolver) mayUpload(ctx context.Context, op *graphql.OperationContext) error {
	ctx = graphql.WithOperationContext(ctx, op)
	if refused := r.maintained(ctx); refused != nil {
		return refused
	}

	object := map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation"}[op.Operation.Operation]
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{object}) {
		role := f.Definition.Directives.ForName("role")
		if role == nil {
			continue
		}

		needs := role.ArgumentMap(nil)
		is, _ := needs["is"].(string)
		person, _ := needs["person"].(bool)
		before, _ := needs["beforeSecondFactor"].(bool)
		var scope *enum.APIScope
		if name, ok := needs["scope"].(string); ok {
			scope = new(enum.APIScope)
			*scope = enum.APIScope(name)
		}

		there := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: object, Field: f})
		allowed := func(context.Context) (any, error) { return nil, nil }
		if _, err := r.requireRole(there, nil, allowed, enum.Role(is), scope, person, before); err != nil {
			return err
		}
	}

	return nil
}

func signedIn(ctx context.Context) bool {
	_, ok := identity.From(ctx)
	return ok
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}

	return host
}
