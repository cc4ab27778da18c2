// Package transporttest is a schema with one of everything that the protocol layer has rules for,
// and resolvers that stream, fail, panic and wait on demand. Tests serve it; nothing else does.
package transporttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest/generated"
)

//go:generate go tool gqlgen generate

// Fault is an error that the caller should read.
type Fault struct {
	Code, Message string
	More          map[string]any
}

func (f Fault) Error() string { return f.Message }

// PresentError shows a Fault and nothing else.
func PresentError(_ context.Context, err error) *gqlerror.Error {
	var f Fault
	if !errors.As(err, &f) {
		return nil
	}

	extensions := map[string]any{"code": f.Code}
	for k, v := range f.More {
		extensions[k] = v
	}

	return &gqlerror.Error{Message: f.Message, Extensions: extensions}
}

type callerKey struct{}

// Authenticate knows "Bearer alice" and such by name, refuses "Bearer expired", and fails for
// "Bearer down" as it would without its database. The stranger may pass.
func Authenticate(ctx context.Context, authorization string, _ *http.Request) (context.Context, error) {
	name, ok := strings.CutPrefix(authorization, "Bearer ")
	switch {
	case authorization == "":
		return ctx, nil
	case !ok, name == "expired":
		return ctx, Fault{Code: "UNAUTHENTICATED", Message: "the token is not valid"}
	case name == "down":
		return ctx, Fault{Code: "UNAVAILABLE", Message: "try again"}
	case name == "broken":
		return ctx, errors.New("pq: secret detail")
	}

	return context.WithValue(ctx, callerKey{}, name), nil
}

// Caller is "" for a stranger.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// Paging has the rules of a schema of Relay connections.
func Paging() []transport.Paging {
	return []transport.Paging{
		{Suffix: "Connection", Sizes: []string{"first", "last"}, Max: 100, Default: 50},
		{Field: "Query.nodes", List: "ids", Max: 100},
		{Field: "events", Sizes: []string{"first"}, Max: 1000},
	}
}

// Resolvers counts the subscriptions that are under way.
type Resolvers struct{ Streams atomic.Int64 }

// Schema has a complexity function for each connection.
func (r *Resolvers) Schema() graphql.ExecutableSchema {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	config := generated.Config{Resolvers: r, Schema: transport.Served(schema)}
	page := func(child int, first *int, _ *string, last *int, _ *string) int {
		rows := 50
		if first != nil {
			rows = *first
		} else if last != nil {
			rows = *last
		}

		return 1 + rows*child
	}

	config.Complexity.Query.Items = page
	config.Complexity.Item.Related = page

	return generated.NewExecutableSchema(config)
}

func (r *Resolvers) Item() generated.ItemResolver                 { return item{} }
func (r *Resolvers) Mutation() generated.MutationResolver         { return mutation{} }
func (r *Resolvers) Query() generated.QueryResolver               { return query{} }
func (r *Resolvers) Subscription() generated.SubscriptionResolver { return subscription{r} }
func (r *Resolvers) Tick() generated.TickResolver                 { return tick{} }

func page(first, last *int) *generated.ItemConnection {
	rows := 2
	if first != nil {
		rows = *first
	} else if last != nil {
		rows = *last
	}

	c := &generated.ItemConnection{Edges: []*generated.ItemEdge{}, TotalCount: 1000}
	for i := range rows {
		id := strconv.Itoa(i)
		c.Edges = append(c.Edges, &generated.ItemEdge{Cursor: id, Node: &generated.Item{ID: id, Text: "item " + id}})
	}

	return c
}

type item struct{}

func (item) Related(_ context.Context, _ *generated.Item, first *int, _ *string, last *int,
	_ *string) (*generated.ItemConnection, error) {
	return page(first, last), nil
}

type mutation struct{}

func (mutation) AddItem(_ context.Context, input generated.AddItemInput) (*generated.Item, error) {
	text := input.Text
	if input.Attachment != nil {
		text += " with " + input.Attachment.Filename
	}

	return &generated.Item{ID: "new", Text: text}, nil
}

func (mutation) Upload(_ context.Context, file graphql.Upload) (*generated.File, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, file.File)
	if err != nil {
		return nil, err
	}

	return &generated.File{Name: file.Filename, Size: int(n), ContentType: file.ContentType,
		Sha256: hex.EncodeToString(hash.Sum(nil))}, nil
}

func (m mutation) Uploads(ctx context.Context, files []*graphql.Upload) ([]*generated.File, error) {
	out := make([]*generated.File, len(files))
	for i, file := range files {
		var err error
		if out[i], err = m.Upload(ctx, *file); err != nil {
			return nil, err
		}
	}

	return out, nil
}

type query struct{}

func (query) Hello(_ context.Context, name *string) (string, error) { return "hello " + *name, nil }

func (query) Whoami(ctx context.Context) (string, error) {
	if name := Caller(ctx); name != "" {
		return name, nil
	}
	return "", Fault{Code: "UNAUTHENTICATED", Message: "sign in first"}
}

func (query) RequestID(ctx context.Context) (string, error) { return transport.RequestID(ctx), nil }

func (query) Node(_ context.Context, id string) (generated.Node, error) {
	return &generated.Item{ID: id, Text: "item " + id}, nil
}

func (query) Nodes(_ context.Context, ids []string) ([]generated.Node, error) {
	out := make([]generated.Node, len(ids))
	for i, id := range ids {
		out[i] = &generated.Item{ID: id}
	}

	return out, nil
}

func (query) Items(_ context.Context, first *int, _ *string, last *int, _ *string) (*generated.ItemConnection, error) {
	return page(first, last), nil
}

func (query) Events(_ context.Context, first *int) ([]*generated.Item, error) {
	return make([]*generated.Item, 0, *first), nil
}

func (query) Since(_ context.Context, at time.Time) (*time.Time, error) { return &at, nil }

func (query) Fail(_ context.Context, with generated.Failure) (string, error) {
	switch with {
	case generated.FailureConflict:
		return "", Fault{Code: "CONFLICT", Message: "already over"}
	case generated.FailureRateLimited:
		return "", Fault{Code: "RATE_LIMITED", Message: "slower, please", More: map[string]any{"retryAfterSeconds": 7}}
	case generated.FailurePanic:
		panic("secret of a panic")
	case generated.FailureNull:
		return "", gqlerror.Errorf("secret without a code")
	}

	return "", errors.New("secret of an error: password=hunter2")
}

func (query) Nullable(context.Context) (*string, error) { return nil, errors.New("secret") }

func (query) Wait(ctx context.Context) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func (query) Padding(_ context.Context, size int) (string, error) {
	return strings.Repeat("x", size), nil
}

func (query) Echo(_ context.Context, input *generated.EchoInput, texts []string) (string, error) {
	given, err := json.Marshal(map[string]any{"input": input, "texts": texts})
	return string(given), err
}

type tick struct{}

func (tick) Odd(_ context.Context, obj *generated.Tick) (*bool, error) {
	if obj.Seq%2 == 0 {
		return nil, Fault{Code: "CONFLICT", Message: "not odd"}
	}
	return new(true), nil
}

type subscription struct{ r *Resolvers }

func (s subscription) Ticks(ctx context.Context, everyMs, count, padding int) (<-chan *generated.Tick, error) {
	return s.stream(ctx, time.Duration(everyMs)*time.Millisecond, count, padding, func() {}), nil
}

// stream sends ticks, calls last, and closes.
func (s subscription) stream(ctx context.Context, every time.Duration, count, padding int,
	last func()) <-chan *generated.Tick {
	ticks := make(chan *generated.Tick)
	s.r.Streams.Add(1)
	go func() {
		defer s.r.Streams.Add(-1)
		defer close(ticks)
		turn := transport.TurnOf(ctx)

		for seq := 1; count == 0 || seq <= count; seq++ {
			if seq > 1 && every > 0 {
				select {
				case <-time.After(every):
				case <-ctx.Done():
					return
				}
			}

			if !turn.Take(ctx) || !transport.Send(ctx, turn, ticks,
				&generated.Tick{Seq: seq, At: time.Now(), Padding: strings.Repeat("x", padding)}) {
				return
			}
		}

		last()
	}()

	return ticks
}

func (s subscription) Refused(context.Context) (<-chan *generated.Tick, error) {
	return nil, Fault{Code: "FORBIDDEN", Message: "not for you"}
}

func (s subscription) Slow(ctx context.Context) (<-chan *generated.Tick, error) {
	return s.stream(ctx, 0, 1, 0, func() {
		transport.Fail(ctx, Fault{Code: "SLOW_CONSUMER", Message: "too slow", More: map[string]any{"cursor": "c1"}})
	}), nil
}

func (s subscription) Revoked(ctx context.Context) (<-chan *generated.Tick, error) {
	transport.CloseConnection(ctx, 4403, "Forbidden")
	return s.stream(ctx, time.Hour, 0, 0, func() {}), nil
}

func (subscription) Panics(context.Context) (<-chan *generated.Tick, error) {
	panic("secret of a panicking subscription")
}
