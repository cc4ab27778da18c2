package graph

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"carillon/audience"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/listing"
	"carillon/ent/message"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// condition is one of a table's columns.
type condition func(t *sql.SelectTable) *sql.Predicate

func is(column string, value any) condition {
	return func(t *sql.SelectTable) *sql.Predicate { return sql.EQ(t.C(column), value) }
}

func isOneOf[T any](column string, values []T) condition {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}

	return func(t *sql.SelectTable) *sql.Predicate { return sql.In(t.C(column), args...) }
}

// messageFilter is which messages a list has. Each condition has an index, of listing where it is
// about what never changes, else of message: a list must not read a table of millions for a page. A
// table that has no condition is not read.
type messageFilter struct {
	listed  []condition // listing
	changed []condition // message
	both    []condition // columns that the tables share
	within  []condition // message, where both are read: between the first and the last one that listing gives
}

// goBy has the list go by an id in listing. PostgreSQL may well read both tables in the order of
// their ids, and would then begin with all messages that are newer than those of the id.
func (that *messageFilter) goBy(column string, id uid.ID) {
	that.listed = append(slices.Clip(that.listed), is(column, id))
	end := func(operator string, order func(string) string) condition {
		return func(t *sql.SelectTable) *sql.Predicate {
			l := sql.Table(listing.Table).As("ends")
			ends := sql.Select(l.C(listing.FieldID)).From(l).Where(sql.EQ(l.C(column), id)).
				OrderBy(order(l.C(listing.FieldID))).Limit(1)
			return sql.P(func(b *sql.Builder) {
				b.Ident(t.C(message.FieldID)).WriteString(operator).Wrap(func(b *sql.Builder) { b.Join(ends) })
			})
		}
	}

	that.within = append(slices.Clip(that.within), end(" >= ", sql.Asc), end(" <= ", sql.Desc))
}

// messagesThat makes a filter of conditions; of all the organization's messages at first.
func (r *Resolver) messagesThat(ctx context.Context, f *model.MessageFilter) (that messageFilter, err error) {
	if err := refuseMessageProbe(ctx, f); err != nil {
		return that, err
	}

	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return that, err
	}

	that.both = []condition{is(listing.FieldOrganizationID, v.Organization)}
	if f == nil {
		return that, nil
	}
	if err := r.knownToMessages(ctx, f); err != nil {
		return that, err
	}
	if len(f.ErrorCode) > mostChoices {
		return that, usererror.New(usererror.BadInput, "errorCode has more than %d codes", mostChoices)
	}

	for _, by := range []struct {
		column string
		id     *uid.ID
	}{{listing.FieldCampaignID, f.CampaignID}, {listing.FieldTemplateID, f.TemplateID},
		{listing.FieldPhoneNumberID, f.PhoneNumberID}} {
		if by.id != nil {
			that.goBy(by.column, *by.id)
		}
	}

	if f.ContactID != nil { // these are few
		that.listed = append(that.listed, is(listing.FieldContactID, *f.ContactID))
	}

	if f.Direction != nil {
		if *f.Direction == enum.DirectionInbound { // its one status has an index
			that.changed = append(that.changed, is(message.FieldStatus, enum.MessageStatusReceived))
		} else {
			that.changed = append(that.changed, is(message.FieldDirection, *f.Direction))
		}
	}

	if f.Status != nil {
		that.changed = append(that.changed, isOneOf(message.FieldStatus, distinct(f.Status)))
	}

	if f.To != nil {
		addresses, err := audience.Addresses(ctx, r.DB.Client, v.Organization, *f.To)
		if err != nil {
			return that, err
		}

		that.listed = append(that.listed, isOneOf(listing.FieldAddress, addresses))
	}

	if f.Reference != nil {
		that.listed = append(that.listed, is(listing.FieldReference, *f.Reference))
	}

	if f.Wamid != nil {
		that.changed = append(that.changed, is(message.FieldWamid, *f.Wamid))
	}
	if f.ErrorCode != nil {
		that.changed = append(that.changed, isOneOf(message.FieldErrorCode, f.ErrorCode))
	}

	if f.Since != nil {
		that.both = append(that.both, func(t *sql.SelectTable) *sql.Predicate {
			return sql.And(sql.GTE(t.C(listing.FieldCreatedAt), *f.Since),
				sql.GTE(t.C(listing.FieldID), uid.From(f.Since.Add(-idSlack))))
		})
	}

	if f.Until != nil {
		that.both = append(that.both, func(t *sql.SelectTable) *sql.Predicate {
			return sql.And(sql.LT(t.C(listing.FieldCreatedAt), *f.Until),
				sql.LT(t.C(listing.FieldID), uid.From(f.Until.Add(idSlack))))
		})
	}

	return that, nil
}

// idSlack is how far a row's time may be from that in its id: both are read from one clock, one
// after the other, but ids go on ascending when the clock is set back. The ids of a time lie
// together in the index; rows are then told apart by their time.
const idSlack = 2 * time.Minute

// find selects from the tables that have conditions, joined by their ids; id is the column that a
// list is ordered by.
func (that messageFilter) find(dialect string) (s *sql.Selector, id string) {
	l, m := sql.Table(listing.Table), sql.Table(message.Table)
	s = sql.Dialect(dialect).Select()
	var all []*sql.Predicate

	add := func(t *sql.SelectTable, conditions []condition) {
		for _, is := range slices.Concat(conditions, that.both) {
			all = append(all, is(t))
		}
	}

	switch {
	case len(that.changed) == 0:
		id = l.C(listing.FieldID)
		s.From(l)
		add(l, that.listed)
	case len(that.listed) == 0:
		id = m.C(message.FieldID)
		s.From(m)
		add(m, that.changed)
	default:
		id = l.C(listing.FieldID)
		s.From(l).Join(m).On(id, m.C(message.FieldID))
		add(l, that.listed)
		add(m, slices.Concat(that.changed, that.within))
	}

	return s.Where(sql.And(all...)), id
}

// of narrows the filter to a campaign, or to a contact; to none for the zero id.
func (that messageFilter) of(parent uid.ID) messageFilter {
	switch parent.Kind() {
	case uid.Campaign:
		that.goBy(listing.FieldCampaignID, parent)
	case uid.Contact: // these are few
		that.listed = append(slices.Clip(that.listed), is(listing.FieldContactID, parent))
	}

	return that
}

// messagePage is a page of messages that somebody asks for.
type messagePage struct {
	filter        *model.MessageFilter
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

		lists[i] = messageList{that.of(id), p, &ent.MessageConnection{Edges: []*ent.MessageEdge{}}}
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
	that       messageFilter
	page       page
	connection *ent.MessageConnection
}

// fill puts messages on the page. There is one id more than it has room for when the list goes on.
func (l messageList) fill(ids []uid.ID, rows map[uid.ID]*ent.Message) {
	c, p := l.connection, l.page
	more := len(ids) > p.size()
	ids = ids[:min(len(ids), p.size())]
	c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage = p.before != nil, p.after != nil

	if p.last != nil {
		c.PageInfo.HasPreviousPage = more
		slices.Reverse(ids)
	} else {
		c.PageInfo.HasNextPage = more
	}

	for _, id := range ids {
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
		beyond, upTo, order := sql.GT, sql.LT, sql.Asc
		if descending {
			beyond, upTo = upTo, beyond
		}
		if descending != (l.page.last != nil) {
			order = sql.Desc
		}

		that := l.that
		if after := l.page.after; after != nil {
			that.both = append(slices.Clip(that.both), func(t *sql.SelectTable) *sql.Predicate {
				return beyond(t.C(listing.FieldID), after.ID)
			})
		}

		if before := l.page.before; before != nil {
			that.both = append(slices.Clip(that.both), func(t *sql.SelectTable) *sql.Predicate {
				return upTo(t.C(listing.FieldID), before.ID)
			})
		}

		part, id := that.find(r.DB.Dialect)
		parts[i] = part.Select(id).OrderBy(order(id)).Limit(l.page.size() + 1)
	}

	ids := make([][]uid.ID, len(lists))
	var id uid.ID
	err := r.readParts(ctx, parts, &id, func(i int) { ids[i] = append(ids[i], id) })

	for i, of := range ids { // they may have come in any order
		slices.SortFunc(of, func(a, b uid.ID) int {
			if descending != (lists[i].page.last != nil) {
				a, b = b, a
			}
			return uid.Compare(a, b)
		})
	}

	return ids, err
}

// countMessages fills in how many messages each list has.
func (r *Resolver) countMessages(ctx context.Context, lists []messageList) error {
	parts := make([]*sql.Selector, len(lists))
	for i, l := range lists {
		part, _ := l.that.find(r.DB.Dialect)
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
		return fmt.Errorf("read messages: %w", err)
	}

	defer rows.Close()
	for rows.Next() {
		var part int
		if err := rows.Scan(value, &part); err != nil {
			return fmt.Errorf("read messages: %w", err)
		}

		row(part)
	}

	return rows.Err()
}
