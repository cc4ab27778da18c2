package graph

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/account"
	"carillon/campaign"
	"carillon/delivery"
	"carillon/ent"
	"carillon/operator"
	"carillon/uid"
	"carillon/usererror"
)

// mostLoaded bounds one statement; mostPages one that has a part for each.
const (
	mostLoaded = 1000
	mostPages  = 100
)

// batch loads something by id, once for each id of one response. Ids are noted as soon as they are
// read, so the first load fetches them all with one statement, and the others find theirs.
type batch[V any] struct {
	mu    sync.Mutex
	known map[uid.ID]V
	most  int // in one statement; mostLoaded if 0

	noting sync.Mutex // never held while it loads: what it loads is noted too
	noted  []uid.ID
}

func (b *batch[V]) note(ids ...uid.ID) {
	b.noting.Lock()
	defer b.noting.Unlock()
	b.noted = append(b.noted, ids...)
}

// take gives what was noted, up to a number, and is not known yet. An id may be noted often.
func (b *batch[V]) take(first uid.ID) []uid.ID {
	b.noting.Lock()
	defer b.noting.Unlock()
	ids, asked := []uid.ID{first}, map[uid.ID]bool{first: true}

	for len(b.noted) > 0 && len(ids) < cmp.Or(b.most, mostLoaded) {
		next := b.noted[0]
		b.noted = b.noted[1:]
		if _, ok := b.known[next]; !ok && !asked[next] {
			ids, asked[next] = append(ids, next), true
		}
	}

	return ids
}

// load returns what fetch finds for an id; zero when it finds nothing. Who comes meanwhile waits.
func (b *batch[V]) load(ctx context.Context, id uid.ID,
	fetch func(context.Context, []uid.ID) (map[uid.ID]V, error)) (v V, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.known[id]; ok {
		return v, nil
	}
	if b.known == nil {
		b.known = map[uid.ID]V{}
	}

	noteBeside(ctx)
	ids := b.take(id)
	found, err := fetch(ctx, ids)
	if err != nil {
		return v, err
	}

	for _, id := range ids {
		b.known[id] = found[id]
	}

	return b.known[id], nil
}

// present loads those of some rows that are still there, in the order of the ids.
func present[T any](ctx context.Context, rows *batch[*T], ids []uid.ID,
	fetch func(context.Context, []uid.ID) (map[uid.ID]*T, error)) ([]*T, error) {
	out := []*T{}
	rows.note(ids...)
	for _, id := range ids {
		row, err := rows.load(ctx, id, fetch)
		if err != nil {
			return nil, err
		}
		if row != nil {
			out = append(out, row)
		}
	}

	return out, nil
}

// pages are batches of what fields with arguments give: one batch for each way in which the
// operation asks for it.
type pages[V any] struct {
	mu    sync.Mutex
	noted []uid.ID
	asked map[string]*batch[V]
}

func (p *pages[V]) note(id uid.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noted = append(p.noted, id)
	for _, b := range p.asked {
		b.note(id)
	}
}

func (p *pages[V]) load(ctx context.Context, id uid.ID,
	fetch func(context.Context, []uid.ID) (map[uid.ID]V, error)) (V, error) {
	return p.way(ctx).load(ctx, id, fetch)
}

// way is the batch of the present field. Its arguments and its selections are those of its places
// in the document.
func (p *pages[V]) way(ctx context.Context) *batch[V] {
	field := graphql.GetFieldContext(ctx).Field
	way := fmt.Sprintf("%p", field.Field)
	for _, s := range field.Selections {
		way += fmt.Sprintf(" %p", s)
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[string]*batch[V]{}
	}
	if p.asked[way] == nil {
		p.asked[way] = &batch[V]{noted: slices.Clone(p.noted), most: mostPages}
	}

	return p.asked[way]
}

// loads are the batches of one response.
type loads struct {
	sizes       batch[int] // of contact lists
	tags        batch[[]string]
	suppressed  batch[bool]                   // contacts
	timelines   pages[*ent.MessageConnection] // of contacts
	segments    batch[*ent.Segment]
	matching    batch[int] // of segments: how many contacts match now
	wanted      sync.Map   // by segment: its rule
	lists       batch[*ent.ContactList]
	queued      batch[int]                 // of phone numbers
	rates       batch[float64]             // of phone numbers
	limits      sync.Map                   // by phone number: its rate at most
	profiles    batch[account.Read]        // of phone numbers
	used        batch[int]                 // of accounts: of their messaging limits
	failures    batch[[]delivery.Failures] // of campaigns
	groups      batch[[]delivery.People]   // of campaigns
	quoted      pages[*ent.Message]
	recipients  batch[int] // of campaigns: how many were added one by one
	audiences   batch[int] // of campaigns: how many people they would go to now
	rules       sync.Map   // by campaign: who these are
	messages    pages[*ent.MessageConnection]
	rejections  pages[[]*ent.ImportRejection]
	events      batch[[]delivery.Event]       // of messages
	attempts    batch[[]delivery.SendAttempt] // of messages
	templates   batch[*ent.Template]
	uploads     batch[*ent.MediaUpload]      // of messages
	rows        sync.Map                     // messages that were read, by id, for what is asked of them
	histories   batch[[]*ent.TemplateChange] // of templates
	languages   batch[[]*ent.Template]       // of templates: their translations
	uses        pages[*ent.CampaignConnection]
	known       batch[bool]              // what filters name
	factors     batch[map[uid.ID]bool]   // of organizations: users with a second factor
	invitations batch[[]*ent.Invitation] // of organizations
	usage       batch[*operator.Usage]
	makers      batch[*ent.Member] // of API keys
	inviters    batch[*ent.Member] // of invitations
	inviting    batch[*ent.APIKey] // keys of invitations
	subjects    batch[ent.Noder]   // of audit events
	endpoints   batch[*ent.WebhookEndpoint]
	deliveries  pages[*ent.WebhookDeliveryConnection] // to endpoints of webhooks
}

type loadsKey struct{}

// alone gives what is read in a context loads of its own, to be forgotten with it: a subscription
// may last for days. They take memory once they are needed, which for a subscription that waits is
// never.
func alone(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadsKey{}, &atomic.Pointer[loads]{})
}

func loadsOf(ctx context.Context) *loads {
	held, ok := ctx.Value(loadsKey{}).(*atomic.Pointer[loads])
	if !ok {
		return &loads{}
	}
	if l := held.Load(); l != nil {
		return l
	}

	held.CompareAndSwap(nil, &loads{})

	return held.Load()
}

// adopt lets a response go on with the loads with which its beginning was read before it began.
func adopt(ctx context.Context, begun any) {
	held, ok := ctx.Value(loadsKey{}).(*atomic.Pointer[loads])
	if l, is := begun.(*loads); ok && is {
		held.Store(l)
	}
}

// loading gives every response, of a subscription too, loads of its own: what is loaded is never
// older than the event.
type loading struct {
	graphql.ExecutableSchema
	r *Resolver
}

// Exec runs an operation, unless it changes something during maintenance, or goes beyond an API
// key's scopes.
func (l loading) Exec(ctx context.Context) graphql.ResponseHandler {
	for _, refused := range []*usererror.Error{l.r.maintained(ctx), l.r.withinScopes(ctx, l.Schema())} {
		if refused != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{faultError(refused)}})
		}
	}

	next := l.ExecutableSchema.Exec(alone(ctx))
	return func(ctx context.Context) *graphql.Response { return next(alone(ctx)) }
}

// noting notes all rows that are read for a response, wherever they hang, for the fields that are
// loaded by batch.
func noting(next ent.Querier) ent.Querier {
	return ent.QuerierFunc(func(ctx context.Context, query ent.Query) (ent.Value, error) {
		v, err := next.Query(ctx, query)
		if ctx.Value(loadsKey{}) != nil {
			loadsOf(ctx).note(v)
		}

		return v, err
	})
}

func (l *loads) note(rows any) {
	switch rows := rows.(type) {
	case []*ent.Account:
		for _, a := range rows {
			l.used.note(a.ID)
		}
	case []*ent.PhoneNumber:
		for _, n := range rows {
			l.queued.note(n.ID)
			l.profiles.note(n.ID)
			if !n.OrganizationID.IsZero() { // it was read as a whole
				l.limits.Store(n.ID, limitOf(n))
				l.rates.note(n.ID)
			}
		}
	case []*ent.AuditEvent:
		for _, e := range rows {
			if e.SubjectID != nil {
				l.subjects.note(*e.SubjectID)
			}
		}
	case []*ent.APIKey:
		for _, k := range rows {
			l.makers.note(k.ID)
		}
	case []*ent.Invitation:
		for _, i := range rows {
			l.inviters.note(i.ID)
			l.inviting.note(i.ID)
		}
	case []*ent.Contact:
		for _, c := range rows {
			l.tags.note(c.ID)
			l.suppressed.note(c.ID)
			l.timelines.note(c.ID)
		}
	case []*ent.Segment:
		for _, s := range rows {
			if !s.OrganizationID.IsZero() { // it was read as a whole
				l.wanted.Store(s.ID, s.Rule)
				l.matching.note(s.ID)
			}
		}
	case []*ent.ContactList:
		for _, list := range rows {
			l.sizes.note(list.ID)
		}
	case []*ent.ContactImport:
		for _, i := range rows {
			l.rejections.note(i.ID)
		}
	case []*ent.Campaign:
		for _, c := range rows {
			l.noteCampaign(c)
		}
	case []*ent.Template:
		for _, t := range rows {
			l.histories.note(t.ID)
			l.languages.note(t.ID)
			l.uses.note(t.ID)
		}
	case []*ent.WebhookEndpoint:
		for _, e := range rows {
			l.deliveries.note(e.ID)
		}
	case []*ent.WebhookDelivery:
		for _, d := range rows {
			l.endpoints.note(d.EndpointID)
		}
	case []*ent.Message:
		for _, m := range rows {
			l.events.note(m.ID)
			l.attempts.note(m.ID)
			l.rows.Store(m.ID, m)
			l.uploads.note(m.ID)
			if m.ContactID != nil {
				l.tags.note(*m.ContactID)
			}
			if m.ReplyToID != nil {
				l.quoted.note(*m.ReplyToID)
			}
			if m.TemplateID != nil {
				l.templates.note(*m.TemplateID)
			}
		}
	}
}

// noteBeside notes the list in which the present field's object stands. Mostly that was done when
// it was read; what a subscription sends was read before its response began.
func noteBeside(ctx context.Context) {
	at := graphql.GetFieldContext(ctx)
	for up := 0; at != nil && up < 2; up++ { // the object, and what it is an element of
		at = at.Parent
	}

	if at != nil {
		loadsOf(ctx).note(at.Result)
	}
}

func (l *loads) noteCampaign(c *ent.Campaign) {
	l.failures.note(c.ID)
	l.groups.note(c.ID)
	l.recipients.note(c.ID)
	l.messages.note(c.ID)
	rule := c.AudienceRule
	for _, ids := range [][]uid.ID{rule.ListIDs, rule.ExcludeListIDs} {
		l.lists.note(ids...)
		l.sizes.note(ids...)
	}

	l.segments.note(rule.SegmentIDs...)
	l.segments.note(rule.ExcludeSegmentIDs...)

	// else it is enrolled, or was not read as a whole
	if c.EnrolledAt == nil && !c.OrganizationID.IsZero() {
		l.rules.Store(c.ID, campaign.AudienceOf(c).Rule)
		l.audiences.note(c.ID)
	}
}

// read are messages that this request has read already.
func (l *loads) read(ids []uid.ID) []*ent.Message {
	known := make([]*ent.Message, 0, len(ids))
	for _, id := range ids {
		if m, ok := l.rows.Load(id); ok {
			known = append(known, m.(*ent.Message))
		}
	}

	return known
}
