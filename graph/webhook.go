package graph

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/ent/webhookdelivery"
	"carillon/ent/webhookendpoint"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
	"carillon/webhook"
)

func newEndpoint(in model.CreateWebhookEndpointInput) webhook.Draft {
	return webhook.Draft{URL: &in.URL, Events: in.Events, Description: in.Description, Selection: in.Selection}
}

func endpointChanges(in model.UpdateWebhookEndpointInput) webhook.Draft {
	d := webhook.Draft{URL: in.URL, Events: in.Events, Enabled: in.Enabled}
	d.Description, d.Describe = in.Description.ValueOK()
	d.Selection, d.Select = in.Selection.ValueOK()

	return d
}

// withSecret answers with an endpoint and the secret that is shown once.
func withSecret(clientMutationID *string, e *ent.WebhookEndpoint, secret string,
	err error) (*model.CreateWebhookEndpointPayload, error) {
	e, wrong, err := answer(e, err)
	if err != nil {
		return nil, err
	}

	return &model.CreateWebhookEndpointPayload{WebhookEndpoint: e, Secret: some(secret), UserErrors: wrong,
		ClientMutationID: clientMutationID}, nil
}

func delivered(clientMutationID *string, d *ent.WebhookDelivery, err error) (*model.WebhookDeliveryPayload, error) {
	d, wrong, err := answer(d, err)
	if err != nil {
		return nil, err
	}

	return &model.WebhookDeliveryPayload{Delivery: d, UserErrors: wrong, ClientMutationID: clientMutationID}, nil
}

// endpointOf reads where a delivery goes.
func (r *Resolver) endpointOf(ctx context.Context, d *ent.WebhookDelivery) (*ent.WebhookEndpoint, error) {
	return loadsOf(ctx).endpoints.load(ctx, d.EndpointID, func(ctx context.Context, ids []uid.ID) (
		map[uid.ID]*ent.WebhookEndpoint, error) {
		rows, err := r.DB.Client.WebhookEndpoint.Query().Where(webhookendpoint.IDIn(ids...)).All(ctx)
		all := make(map[uid.ID]*ent.WebhookEndpoint, len(rows))
		for _, e := range rows {
			all[e.ID] = e
		}

		return all, err
	})
}

// deliveryPage is a page of deliveries that somebody asks for.
type deliveryPage struct {
	filter        *model.WebhookDeliveryFilter
	after, before *ent.Cursor
	first, last   *int
	orderBy       []*ent.WebhookDeliveryOrder
}

// descending reports whether the newest come first, as they do without an order.
func (a deliveryPage) descending() bool {
	return len(a.orderBy) == 0 || a.orderBy[0].Direction == entgql.OrderDirectionDesc
}

// that is what the filter says.
func (a deliveryPage) that() (all []predicate.WebhookDelivery) {
	f := a.filter
	if f == nil {
		return nil
	}
	if f.Status != nil {
		all = append(all, webhookdelivery.StatusIn(f.Status...))
	}
	if f.Event != nil {
		all = append(all, webhookdelivery.EventIn(f.Event...))
	}
	if f.Since != nil {
		all = append(all, webhookdelivery.CreatedAtGTE(*f.Since))
	}
	if f.Until != nil {
		all = append(all, webhookdelivery.CreatedAtLT(*f.Until))
	}

	return all
}

// deliveriesTo reads a page of an endpoint's deliveries. Pages of all endpoints of a response are
// read at once; but a cursor is one list's.
func (r *Resolver) deliveriesTo(ctx context.Context, endpoint uid.ID, ask deliveryPage) (*ent.WebhookDeliveryConnection,
	error) {
	if ask.after != nil || ask.before != nil {
		pages, err := r.pagesOfDeliveries(ctx, []uid.ID{endpoint}, ask)
		return pages[endpoint], err
	}

	lists := &loadsOf(ctx).deliveries

	return lists.load(ctx, endpoint, func(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.WebhookDeliveryConnection,
		error) {
		return r.pagesOfDeliveries(ctx, ids, ask)
	})
}

func (r *Resolver) pagesOfDeliveries(ctx context.Context, endpoints []uid.ID,
	ask deliveryPage) (map[uid.ID]*ent.WebhookDeliveryConnection, error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, err
	}

	all, order := make(map[uid.ID]*ent.WebhookDeliveryConnection, len(endpoints)), "ID ASC"
	if ask.descending() {
		order = "ID DESC"
	}

	finds, counts := make([]*sql.Selector, len(endpoints)), make([]*sql.Selector, len(endpoints))
	pages := make([]page, len(endpoints))

	for i, id := range endpoints {
		all[id] = &ent.WebhookDeliveryConnection{Edges: []*ent.WebhookDeliveryEdge{}}
		pages[i], err = newPage(ctx, "deliveries to "+id.String(), ask.after, ask.first, ask.before, ask.last, order)
		if err != nil {
			return nil, err
		}

		finds[i], counts[i] = r.deliveriesOf(v.Organization, id, ask), r.deliveriesOf(v.Organization, id, ask)
		counts[i].Select(sql.As(sql.Count("*"), "count"))
		narrow(finds[i], pages[i], ask.descending())
	}

	if asked(ctx, "totalCount") != nil {
		var n int
		if err := r.readParts(ctx, counts, &n, func(i int) { all[endpoints[i]].TotalCount = n }); err != nil {
			return nil, err
		}
	}

	return all, r.fillDeliveries(ctx, endpoints, finds, pages, ask.descending(), all)
}

// deliveriesOf selects an endpoint's deliveries.
func (r *Resolver) deliveriesOf(owner, endpoint uid.ID, ask deliveryPage) *sql.Selector {
	t := sql.Dialect(r.DB.Dialect).Table(webhookdelivery.Table)
	s := sql.Dialect(r.DB.Dialect).Select(t.C(webhookdelivery.FieldID)).From(t).
		Where(sql.And(sql.EQ(t.C(webhookdelivery.FieldOrganizationID), owner),
			sql.EQ(t.C(webhookdelivery.FieldEndpointID), endpoint)))
	for _, that := range ask.that() {
		that(s)
	}

	return s
}

// narrow leaves a page, and one more, in the order in which it is read.
func narrow(s *sql.Selector, p page, descending bool) {
	id, beyond, upTo, order := s.C(webhookdelivery.FieldID), sql.GT, sql.LT, sql.Asc
	if descending {
		beyond, upTo = upTo, beyond
	}
	if descending != (p.last != nil) {
		order = sql.Desc
	}
	if p.after != nil {
		s.Where(beyond(id, p.after.ID))
	}
	if p.before != nil {
		s.Where(upTo(id, p.before.ID))
	}

	s.OrderBy(order(id)).Limit(p.size() + 1)
}

func (r *Resolver) fillDeliveries(ctx context.Context, endpoints []uid.ID, finds []*sql.Selector, pages []page,
	descending bool, all map[uid.ID]*ent.WebhookDeliveryConnection) error {
	if asked(ctx, "edges") == nil && asked(ctx, "pageInfo") == nil {
		return nil
	}

	ids := make([][]uid.ID, len(endpoints))
	var id uid.ID
	if err := r.readParts(ctx, finds, &id, func(i int) { ids[i] = append(ids[i], id) }); err != nil {
		return err
	}

	rows := map[uid.ID]*ent.WebhookDelivery{}
	if asked(ctx, "edges", "node") != nil {
		found, err := r.DB.Client.WebhookDelivery.Query().Where(webhookdelivery.IDIn(slices.Concat(ids...)...)).All(ctx)
		if err != nil {
			return fmt.Errorf("read deliveries of webhooks: %w", err)
		}

		for _, d := range found {
			rows[d.ID] = d
		}
	}

	for i, of := range ids {
		pages[i].inOrder(of, descending) // they may have come in any order
		fillPage(all[endpoints[i]], pages[i], of, rows)
	}

	return nil
}

// fillPage puts deliveries on a page.
func fillPage(c *ent.WebhookDeliveryConnection, p page, ids []uid.ID, rows map[uid.ID]*ent.WebhookDelivery) {
	for _, id := range p.fit(ids, &c.PageInfo) {
		if d := rows[id]; d != nil || len(rows) == 0 { // it may have been removed meanwhile
			cursor := ent.Cursor{ID: id}
			p.seal(&cursor)
			c.Edges = append(c.Edges, &ent.WebhookDeliveryEdge{Node: d, Cursor: cursor})
		}
	}

	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
}
