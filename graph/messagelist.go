package graph

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// messagesThat makes a filter of conditions; of all the organization's messages at first.
func (r *Resolver) messagesThat(ctx context.Context, f *jsonfield.MessageFilter) (that delivery.Selection, err error) {
	if err := refuseMessageProbe(ctx, f); err != nil {
		return that, err
	}

	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return that, err
	}
	if f == nil {
		return delivery.Select(v.Organization, nil, nil), nil
	}
	if err := r.knownToMessages(ctx, f); err != nil {
		return that, err
	}
	if len(f.ErrorCode) > mostChoices {
		return that, usererror.New(usererror.BadInput, "errorCode has more than %d codes", mostChoices)
	}

	var addresses []string
	if f.To != nil {
		if addresses, err = audience.Addresses(ctx, r.DB.Client, v.Organization, *f.To); err != nil {
			return that, err
		}
	}

	return delivery.Select(v.Organization, f, addresses), nil
}

// messagePage is a page of messages that somebody asks for.
type messagePage struct {
	filter        *jsonfield.MessageFilter
	after, before *ent.Cursor
	first, last   *int
	orderBy       []*ent.MessageOrder
}

// messagesIn reads a page of the messages of a campaign or a contact. Pages of all the parents of a
// response are read at once; but a cursor is one list's.
func (r *Resolver) messagesIn(ctx context.Context, parent uid.ID, lists *pages[*ent.MessageConnection],
	ask messagePage) (*ent.MessageConnection, error) {
	if ask.after != nil || ask.before != nil {
		pages, err := r.pagesOfMessages(ctx, []uid.ID{parent}, ask)
		return pages[parent], err
	}

	return lists.load(ctx, parent, func(ctx context.Context, parents []uid.ID) (map[uid.ID]*ent.MessageConnection, error) {
		return r.pagesOfMessages(ctx, parents, ask)
	})
}

// newestFirst is the order of messages where the caller gives none.
func newestFirst(orderBy []*ent.MessageOrder) []*ent.MessageOrder {
	if len(orderBy) > 0 {
		return orderBy
	}
	return []*ent.MessageOrder{{Direction: entgql.OrderDirectionDesc, Field: ent.MessageOrderFieldCreatedAt}}
}

// pagesOfMessages reads a page of the messages of each of some campaigns or contacts; the zero id
// stands for the whole organization. A cursor is one list's.
func (r *Resolver) pagesOfMessages(ctx context.Context, parents []uid.ID,
	ask messagePage) (map[uid.ID]*ent.MessageConnection, error) {
	that, err := r.messagesThat(ctx, ask.filter)
	if err != nil {
		return nil, err
	}

	all, lists := make(map[uid.ID]*ent.MessageConnection, len(parents)), make([]messageList, len(parents))
	for i, id := range parents {
		p, err := newPage(ctx, messagesOf(id), ask.after, ask.first, ask.before, ask.last, idTerms(ask.orderBy)...)
		if err != nil {
			return nil, err
		}

		lists[i] = messageList{that.Of(id), p, &ent.MessageConnection{Edges: []*ent.MessageEdge{}}}
		all[id] = lists[i].connection
	}

	if asked(ctx, "totalCount") != nil {
		if err := r.countMessages(ctx, lists); err != nil {
			return nil, err
		}
	}

	if asked(ctx, "edges") == nil && asked(ctx, "pageInfo") == nil {
		return all, nil
	}

	ids, err := r.findMessages(ctx, lists, len(ask.orderBy) > 0 && ask.orderBy[0].Direction == entgql.OrderDirectionDesc)
	if err != nil {
		return nil, err
	}

	rows, err := r.messagesByID(ctx, asked(ctx, "edges", "node"), slices.Concat(ids...))
	if err != nil {
		return nil, err
	}

	for i, list := range lists {
		list.fill(ids[i], rows)
	}

	return all, nil
}

// messageList is a list of messages, and the page of it that is asked for.
type messageList struct {
	that       delivery.Selection
	page       page
	connection *ent.MessageConnection
}

// fill puts messages on the page.
func (l messageList) fill(ids []uid.ID, rows map[uid.ID]*ent.Message) {
	c, p := l.connection, l.page
	for _, id := range p.fit(ids, &c.PageInfo) {
		if m := rows[id]; m != nil { // it may have been erased meanwhile
			c.Edges = append(c.Edges, &ent.MessageEdge{Node: m, Cursor: ent.Cursor{ID: id}})
		}
	}

	for _, e := range c.Edges {
		p.seal(&e.Cursor)
	}

	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
}

// messagesOf is the name of the list of a campaign's or a contact's messages, or of all.
func messagesOf(parent uid.ID) string {
	if parent.IsZero() {
		return "messages"
	}
	return "messages of " + parent.String()
}

// findMessages are the ids of each list's page, and of one message more, in the order in which the
// page is read: backwards for its last ones. Each part of the statement reads no more than that
// from an index, however long its list is.
func (r *Resolver) findMessages(ctx context.Context, lists []messageList, descending bool) ([][]uid.ID, error) {
	parts := make([]*sql.Selector, len(lists))
	for i, l := range lists {
		beyond, upTo, order := delivery.Selection.After, delivery.Selection.Before, sql.Asc
		if descending {
			beyond, upTo = upTo, beyond
		}
		if descending != (l.page.last != nil) {
			order = sql.Desc
		}

		that := l.that
		if after := l.page.after; after != nil {
			that = beyond(that, after.ID)
		}
		if before := l.page.before; before != nil {
			that = upTo(that, before.ID)
		}

		part, id := that.Find(r.DB.Dialect)
		parts[i] = part.Select(id).OrderBy(order(id)).Limit(l.page.size() + 1)
	}

	ids := make([][]uid.ID, len(lists))
	var id uid.ID
	err := r.readParts(ctx, parts, &id, func(i int) { ids[i] = append(ids[i], id) })

	for i, of := range ids { // they may have come in any order
		lists[i].page.inOrder(of, descending)
	}

	return ids, err
}

// countMessages fills in how many messages each list has.
func (r *Resolver) countMessages(ctx context.Context, lists []messageList) error {
	parts := make([]*sql.Selector, len(lists))
	for i, l := range lists {
		part, _ := l.that.Find(r.DB.Dialect)
		parts[i] = part.Select(sql.As(sql.Count("*"), "count"))
	}

	var count int

	return r.readParts(ctx, parts, &count, func(i int) { lists[i].connection.TotalCount = count })
}

// readParts reads the one column of each part, with one statement, into value, and calls row with
// the part that it is of.
func (r *Resolver) readParts(ctx context.Context, parts []*sql.Selector, value any, row func(part int)) error {
	for i, p := range parts {
		p.AppendSelectExpr(sql.Raw(fmt.Sprintf("%d AS part", i)))
	}

	query, args := database.UnionAll(parts).Query()
	rows, err := r.DB.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read pages: %w", err)
	}

	defer rows.Close()
	for rows.Next() {
		var part int
		if err := rows.Scan(value, &part); err != nil {
			return fmt.Errorf("read pages: %w", err)
		}

		row(part)
	}

	return rows.Err()
}
