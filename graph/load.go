package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/delivery"
	"carillon/ent"
	"carillon/uid"
)

// mostLoaded bounds one statement.
const mostLoaded = 1000

// batch loads something by id, once for each id of one response. Ids are noted as soon as they are read, so the first load
// fetches them all with one statement, and the others find theirs.
type batch[V any] struct {
	mu    sync.Mutex
	noted []uid.ID
	known map[uid.ID]V
}

func (b *batch[V]) note(ids ...uid.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noted = append(b.noted, ids...)
}

// load returns what fetch finds for an id; zero when it finds nothing. Who comes meanwhile waits.
func (b *batch[V]) load(ctx context.Context, id uid.ID, fetch func(context.Context, []uid.ID) (map[uid.ID]V, error)) (v V, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.known[id]; ok {
		return v, nil
	}
	if b.known == nil {
		b.known = map[uid.ID]V{}
	}
	ids, asked := []uid.ID{id}, map[uid.ID]bool{id: true}
	for len(b.noted) > 0 && len(ids) < mostLoaded {
		next := b.noted[0]
		b.noted = b.noted[1:]
		if _, ok := b.known[next]; !ok && !asked[next] {
			ids, asked[next] = append(ids, next), true
		}
	}
	found, err := fetch(ctx, ids)
	if err != nil {
		return v, err
	}
	for _, id := range ids {
		b.known[id] = found[id]
	}
	return b.known[id], nil
}

// loads are the batches of one response.
type loads struct {
	sizes     batch[int] // of contact lists
	lists     batch[*ent.ContactList]
	queued    batch[int]                 // of phone numbers
	used      batch[int]                 // of accounts: of their messaging limits
	failures  batch[[]delivery.Failures] // of campaigns
	events    batch[[]delivery.Event]    // of messages
	templates batch[*ent.Template]
	known     batch[bool]            // what filters name
	factors   batch[map[uid.ID]bool] // of organizations: users with a second factor
	subjects  batch[ent.Noder]       // of audit events
}

type loadsKey struct{}

func loadsOf(ctx context.Context) *loads {
	if l, ok := ctx.Value(loadsKey{}).(*loads); ok {
		return l
	}
	return &loads{}
}

// loading gives every response, of a subscription too, loads of its own: what is loaded is never older than the event.
type loading struct {
	graphql.ExecutableSchema
	r *Resolver
}

// Exec runs an operation, unless it changes something during maintenance.
func (l loading) Exec(ctx context.Context) graphql.ResponseHandler {
	if refused := l.r.maintained(ctx); refused != nil {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{faultError(refused)}})
	}
	next := l.ExecutableSchema.Exec(context.WithValue(ctx, loadsKey{}, &loads{}))
	return func(ctx context.Context) *graphql.Response {
		return next(context.WithValue(ctx, loadsKey{}, &loads{}))
	}
}

// note remembers what was read, with all that hangs on it, for the fields that are loaded by batch.
func (l *loads) note(v any) {
	switch v := v.(type) {
	case *ent.Account:
		l.used.note(v.ID)
		noteAll(l, v.Edges.PhoneNumbers)
	case *ent.PhoneNumber:
		l.queued.note(v.ID)
		noteOne(l, v.Edges.Account)
	case *ent.Template:
		noteOne(l, v.Edges.Account)
	case *ent.AuditEvent:
		if v.SubjectID != nil {
			l.subjects.note(*v.SubjectID)
		}
	case *ent.ContactList:
		l.sizes.note(v.ID)
	case *ent.Contact:
		noteAll(l, v.Edges.Lists)
	case *ent.Campaign:
		l.failures.note(v.ID)
		for _, ids := range [][]uid.ID{v.AudienceRule.ListIDs, v.AudienceRule.ExcludeListIDs} {
			l.lists.note(ids...)
			l.sizes.note(ids...)
		}
		noteOne(l, v.Edges.PhoneNumber)
		noteOne(l, v.Edges.Template)
	case *ent.Message:
		l.events.note(v.ID)
		if v.TemplateID != nil {
			l.templates.note(*v.TemplateID)
		}
		noteOne(l, v.Edges.Campaign)
		noteOne(l, v.Edges.Contact)
		noteOne(l, v.Edges.PhoneNumber)
		noteOne(l, v.Edges.Template)
	}
}

func noteOne[T any](l *loads, v *T) {
	if v != nil {
		l.note(v)
	}
}

func noteAll[T any](l *loads, all []*T) {
	for _, v := range all {
		l.note(v)
	}
}
