package graph

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
)

// usePage is a page of the campaigns of a template that somebody asks for.
type usePage struct {
	filter        *model.CampaignFilter
	after, before *ent.Cursor
	first, last   *int
	orderBy       []*ent.CampaignOrder
}

// campaignsOf gives a page of the campaigns that use a template and are not over. The first pages
// of all of a response's templates are read at once.
func (r *Resolver) campaignsOf(ctx context.Context, t *ent.Template, ask usePage) (*ent.CampaignConnection, error) {
	if err := r.knownToCampaigns(ctx, ask.filter); err != nil {
		return nil, err
	}

	if ask.after == nil && ask.before == nil {
		return loadsOf(ctx).uses.load(ctx, t.ID,
			func(ctx context.Context, templates []uid.ID) (map[uid.ID]*ent.CampaignConnection, error) {
				return r.pagesOfCampaigns(ctx, templates, ask)
			})
	}

	p, err := ask.page(ctx, t.ID) // a cursor is one template's
	if err != nil {
		return nil, err
	}

	c, err := r.DB.Client.Campaign.Query().Where(campaign.TemplateID(t.ID)).Where(ask.that()...).
		Paginate(ctx, p.after, p.first, p.before, p.last, ent.WithCampaignOrder(ask.orderBy))

	return sealed(p, c, err)
}

func (ask usePage) that() []predicate.Campaign {
	return append(campaignsThat(ask.filter), campaign.StatusNotIn(over...))
}

func (ask usePage) page(ctx context.Context, template uid.ID) (page, error) {
	return newPage(ctx, "campaigns of "+template.String(), ask.after, ask.first, ask.before, ask.last,
		terms(ask.orderBy, func(o *ent.CampaignOrder) (fmt.Stringer, ent.OrderDirection) { return o.Field, o.Direction })...)
}

// use is a campaign's place in its template's list.
type use struct {
	id, template uid.ID
	total        int // of the list
}

// pagesOfCampaigns reads the first page, or the last, of the campaigns of each of some templates.
func (r *Resolver) pagesOfCampaigns(ctx context.Context, templates []uid.ID,
	ask usePage) (map[uid.ID]*ent.CampaignConnection, error) {
	all, pages := map[uid.ID]*ent.CampaignConnection{}, map[uid.ID]page{}
	for _, id := range templates {
		p, err := ask.page(ctx, id)
		if err != nil {
			return nil, err
		}

		all[id], pages[id] = &ent.CampaignConnection{Edges: []*ent.CampaignEdge{}}, p
	}

	uses, err := r.findUses(ctx, templates, ask)
	if err != nil {
		return nil, err
	}

	of, ids := map[uid.ID][]uid.ID{}, make([]uid.ID, len(uses))
	for i, u := range uses {
		ids[i] = u.id
		of[u.template] = append(of[u.template], u.id)
		all[u.template].TotalCount = u.total
	}

	rows, err := r.campaignsByID(ctx, ids)
	if err != nil {
		return nil, err
	}

	cursors, err := r.cursorsOf(ctx, ids, ask.orderBy)
	if err != nil {
		return nil, err
	}

	for id, c := range all {
		fillUses(c, pages[id], of[id], rows, cursors)
	}

	return all, nil
}

// findUses are the campaigns of each template's page, and one more where the list goes on, in the
// order in which the page is read: backwards for its last ones.
func (r *Resolver) findUses(ctx context.Context, templates []uid.ID, ask usePage) ([]use, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	p, err := ask.page(ctx, uid.ID{})
	if err != nil {
		return nil, err
	}

	t := sql.Dialect(r.DB.Dialect).Table(campaign.Table)
	in := sql.Dialect(r.DB.Dialect).Select(t.C(campaign.FieldID), t.C(campaign.FieldTemplateID)).From(t).
		Where(sql.EQ(t.C(campaign.FieldOrganizationID), v.Organization))

	for _, that := range append(ask.that(), campaign.TemplateIDIn(templates...)) {
		that(in)
	}

	in.AppendSelectExprAs(sql.RowNumber().PartitionBy(t.C(campaign.FieldTemplateID)).
		OrderExpr(places(t, ask.orderBy, p.last != nil)), "place")
	in.AppendSelectExprAs(sql.Window(func(b *sql.Builder) { b.WriteString("count(*)") }).
		PartitionBy(t.C(campaign.FieldTemplateID)), "total")

	from := in.As("uses")
	query, args := sql.Dialect(r.DB.Dialect).Select("id", "template_id", "total").From(from).
		Where(sql.LTE("place", p.size()+1)).OrderBy("template_id", "place").Query()
	rows, err := r.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns of templates: %w", err)
	}

	defer rows.Close()
	var found []use
	for rows.Next() {
		var u use
		if err := rows.Scan(&u.id, &u.template, &u.total); err != nil {
			return nil, fmt.Errorf("read the campaigns of templates: %w", err)
		}

		found = append(found, u)
	}

	return found, rows.Err()
}

func columnOf(o *ent.CampaignOrder) string {
	if o.Field.String() == ent.CampaignOrderFieldName.String() {
		return campaign.FieldName
	}
	return campaign.FieldCreatedAt
}

// places is an order, and the id where that leaves two alike; turned round where a list is read
// from its end.
func places(t *sql.SelectTable, orderBy []*ent.CampaignOrder, backwards bool) sql.Querier {
	return sql.ExprFunc(func(b *sql.Builder) {
		term := func(column string, descending bool) {
			b.Ident(t.C(column))
			if descending != backwards {
				b.WriteString(" DESC")
			}
		}

		for _, o := range orderBy {
			term(columnOf(o), o.Direction == entgql.OrderDirectionDesc)
			b.Comma()
		}

		term(campaign.FieldID, false)
	})
}

// campaignsByID reads campaigns with what is selected of them, whatever their order; nil when
// nothing is.
func (r *Resolver) campaignsByID(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.Campaign, error) {
	f := asked(ctx, "edges", "node")
	if len(ids) == 0 || f == nil {
		return nil, nil
	}

	byID := make(map[uid.ID]*ent.Campaign, len(ids))

	query, err := r.DB.Client.Campaign.Query().Where(campaign.IDIn(ids...)).
		CollectFields(within(ctx, f), "Campaign", "Node")
	if err != nil {
		return nil, err
	}

	rows, err := query.All(ctx)
	for _, c := range rows {
		byID[c.ID] = c
	}

	return byID, err
}

// cursorsOf are the places of campaigns in lists of that order.
func (r *Resolver) cursorsOf(ctx context.Context, ids []uid.ID, orderBy []*ent.CampaignOrder) (map[uid.ID]ent.Cursor,
	error) {
	cursors := make(map[uid.ID]ent.Cursor, len(ids))
	for _, id := range ids {
		cursors[id] = ent.Cursor{ID: id}
	}

	if len(orderBy) == 0 || len(ids) == 0 {
		return cursors, nil
	}

	rows, err := r.DB.Client.Campaign.Query().Where(campaign.IDIn(ids...)).
		Select(campaign.FieldName, campaign.FieldCreatedAt).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", err)
	}

	for _, c := range rows {
		values := make([]any, len(orderBy))
		for i, o := range orderBy {
			if values[i], err = o.Field.Value(c); err != nil {
				return nil, err
			}
		}

		cursors[c.ID] = ent.Cursor{ID: c.ID, Value: values}
	}

	return cursors, nil
}

// fillUses puts campaigns on a page. There is one more than it has room for when the list goes on.
func fillUses(c *ent.CampaignConnection, p page, ids []uid.ID, rows map[uid.ID]*ent.Campaign,
	cursors map[uid.ID]ent.Cursor) {
	more := len(ids) > p.size()
	ids = slices.Clone(ids[:min(len(ids), p.size())])
	if p.last != nil {
		c.PageInfo.HasPreviousPage = more
		slices.Reverse(ids)
	} else {
		c.PageInfo.HasNextPage = more
	}

	for _, id := range ids {
		cursor := cursors[id]
		if rows != nil && rows[id] == nil {
			continue // it has gone meanwhile
		}

		p.seal(&cursor)
		c.Edges = append(c.Edges, &ent.CampaignEdge{Node: rows[id], Cursor: cursor})
	}

	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
}
