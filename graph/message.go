package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"carillon/account"
	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/direct"
	"carillon/ent"
	"carillon/ent/message"
	"carillon/ent/predicate"
	"carillon/ent/template"
	"carillon/enum"
	"carillon/fault"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
	"carillon/whatsapp"
)

// messagesThat makes a filter of conditions that each have an index: a list must not read a table of millions for a page.
func (r *Resolver) messagesThat(ctx context.Context, f *model.MessageFilter) (all []predicate.Message, err error) {
	if err := refuseMessageProbe(ctx, f); err != nil {
		return nil, err
	}
	if f == nil {
		return nil, nil
	}
	if err := r.knownToMessages(ctx, f); err != nil {
		return nil, err
	}
	if len(f.ErrorCode) > mostChoices {
		return nil, fault.New(fault.BadInput, "errorCode has more than %d codes", mostChoices)
	}
	for _, is := range []struct {
		id   *uid.ID
		that func(uid.ID) predicate.Message
	}{{f.CampaignID, message.CampaignID}, {f.TemplateID, message.TemplateID}, {f.PhoneNumberID, message.PhoneNumberID}, {f.ContactID, message.ContactID}} {
		if is.id != nil {
			all = append(all, is.that(*is.id))
		}
	}
	if f.Direction != nil {
		all = append(all, message.DirectionEQ(*f.Direction))
		if *f.Direction == enum.DirectionInbound { // they are few, and their one status has an index
			all = append(all, message.StatusEQ(enum.MessageStatusReceived))
		}
	}
	if f.Status != nil {
		all = append(all, message.StatusIn(distinct(f.Status)...))
	}
	if f.To != nil {
		to, err := r.toAddress(ctx, *f.To)
		if err != nil {
			return nil, err
		}
		all = append(all, to)
	}
	if f.Wamid != nil {
		all = append(all, message.Wamid(*f.Wamid))
	}
	if f.ErrorCode != nil {
		all = append(all, message.ErrorCodeIn(f.ErrorCode...))
	}
	if f.Since != nil {
		all = append(all, message.CreatedAtGTE(*f.Since), message.IDGTE(uid.From(f.Since.Add(-idSlack))))
	}
	if f.Until != nil {
		all = append(all, message.CreatedAtLT(*f.Until), message.IDLT(uid.From(f.Until.Add(idSlack))))
	}
	return all, nil
}

// idSlack is how far a row's time may be from that in its id: both are read from one clock, one after the other, but ids go on
// ascending when the clock is set back. The ids of a time lie together in the index; rows are then told apart by their time.
const idSlack = 2 * time.Minute

// toAddress finds what went to a person or came from them. A campaign's message is one to a contact, whose number never
// changes, and found by the contact; only the others have an index by address.
func (r *Resolver) toAddress(ctx context.Context, to string) (predicate.Message, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}
	address, _, err := audience.Phone(to, "")
	if err != nil {
		address = to
	}
	known, err := r.Audience.Known(ctx, v.Organization, address)
	if err != nil {
		return nil, err
	}
	single := message.And(message.Address(address), message.CampaignIDIsNil())
	if known.IsZero() {
		return single, nil
	}
	return message.Or(single, message.And(message.Address(address), message.ContactID(known))), nil
}

// pageOfMessages reads a page of the messages that the query finds.
func (r *Resolver) pageOfMessages(ctx context.Context, list string, query *ent.MessageQuery, after *ent.Cursor, first *int, before *ent.Cursor, last *int, orders []*ent.MessageOrder) (*ent.MessageConnection, error) {
	orders = byAge(orders)
	p, err := newPage(ctx, list, after, first, before, last, idTerms(orders)...)
	if err != nil {
		return nil, err
	}
	c, err := query.Paginate(ctx, p.after, p.first, p.before, p.last, ent.WithMessageOrder(orders))
	return sealed(p, c, err)
}

// firstMessages reads a page of each of some campaigns, from its start or its end.
func (r *Resolver) firstMessages(ctx context.Context, campaigns []uid.ID, filter *model.MessageFilter, first, last *int, orders []*ent.MessageOrder) (map[uid.ID]*ent.MessageConnection, error) {
	that, err := r.messagesThat(ctx, filter)
	if err != nil {
		return nil, err
	}
	all := make(map[uid.ID]*ent.MessageConnection, len(campaigns))
	for _, id := range campaigns {
		all[id] = &ent.MessageConnection{Edges: []*ent.MessageEdge{}}
	}
	if asked(ctx, "totalCount") != nil {
		if err := r.countMessages(ctx, all, campaigns, that); err != nil {
			return nil, err
		}
	}
	if asked(ctx, "edges") == nil && asked(ctx, "pageInfo") == nil {
		return all, nil
	}
	size, descending := or(first, or(last, defaultPage)), len(orders) > 0 && orders[0].Direction == entgql.OrderDirectionDesc
	ids, err := r.firstOfCampaigns(ctx, campaigns, that, descending != (last != nil), size+1)
	if err != nil {
		return nil, err
	}
	rows, err := r.messagesByID(ctx, asked(ctx, "edges", "node"), slices.Concat(slices.Collect(maps.Values(ids))...))
	if err != nil {
		return nil, err
	}
	for campaign, c := range all {
		p, err := newPage(ctx, messagesOf(campaign), nil, first, nil, last, idTerms(orders)...)
		if err != nil {
			return nil, err
		}
		of := ids[campaign]
		more := len(of) > size
		of = of[:min(len(of), size)]
		if c.PageInfo.HasNextPage = more && last == nil; last != nil {
			c.PageInfo.HasPreviousPage = more
			slices.Reverse(of)
		}
		for _, id := range of {
			if m := rows[id]; m != nil { // it may have been erased meanwhile
				c.Edges = append(c.Edges, &ent.MessageEdge{Node: m, Cursor: ent.Cursor{ID: id}})
			}
		}
		if _, err := sealed(p, c, nil); err != nil {
			return nil, err
		}
		if n := len(c.Edges); n > 0 {
			c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
		}
	}
	return all, nil
}

// messagesOf is the name of the list of a campaign's messages.
func messagesOf(campaign uid.ID) string { return "messages of " + campaign.String() }

// firstOfCampaigns are the ids of up to limit messages of each campaign. Each part of the statement reads no more than that
// from the index, however long its campaign is.
func (r *Resolver) firstOfCampaigns(ctx context.Context, campaigns []uid.ID, that []predicate.Message, descending bool, limit int) (map[uid.ID][]uid.ID, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}
	order := sql.Asc
	if descending {
		order = sql.Desc
	}
	var parts []*sql.Selector
	for _, campaign := range campaigns {
		t := sql.Table(message.Table)
		part := sql.Dialect(r.DB.Dialect).Select(t.C(message.FieldCampaignID), t.C(message.FieldID)).From(t).
			Where(sql.And(sql.EQ(t.C(message.FieldCampaignID), campaign), sql.EQ(t.C(message.FieldOrganizationID), v.Organization)))
		for _, is := range that {
			is(part)
		}
		parts = append(parts, part.OrderBy(order(t.C(message.FieldID))).Limit(limit))
	}
	query, args := database.UnionAll(parts).Query()
	rows, err := r.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns' messages: %w", err)
	}
	defer rows.Close()
	ids := make(map[uid.ID][]uid.ID, len(campaigns))
	for rows.Next() {
		var campaign, id uid.ID
		if err := rows.Scan(&campaign, &id); err != nil {
			return nil, fmt.Errorf("read the campaigns' messages: %w", err)
		}
		ids[campaign] = append(ids[campaign], id)
	}
	for _, of := range ids { // the parts may come in any order
		slices.SortFunc(of, func(a, b uid.ID) int {
			if descending {
				a, b = b, a
			}
			return bytes.Compare(a[:], b[:])
		})
	}
	return ids, rows.Err()
}

func (r *Resolver) countMessages(ctx context.Context, into map[uid.ID]*ent.MessageConnection, campaigns []uid.ID, that []predicate.Message) error {
	var counted []struct {
		Campaign uid.ID `json:"campaign_id"`
		Count    int    `json:"count"`
	}
	err := r.DB.Client.Message.Query().Where(message.CampaignIDIn(campaigns...)).Where(that...).GroupBy(message.FieldCampaignID).Aggregate(ent.Count()).Scan(ctx, &counted)
	for _, c := range counted {
		into[c.Campaign].TotalCount = c.Count
	}
	return err
}

// messagesByID reads messages with as much of them as a field asks for; nothing for none.
func (r *Resolver) messagesByID(ctx context.Context, f *graphql.CollectedField, ids []uid.ID) (map[uid.ID]*ent.Message, error) {
	byID := make(map[uid.ID]*ent.Message, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	query := r.DB.Client.Message.Query().Where(message.IDIn(ids...))
	if f != nil {
		var err error
		if query, err = query.CollectFields(within(ctx, f), "Message", "Node"); err != nil {
			return nil, err
		}
	}
	rows, err := query.All(ctx)
	for _, m := range rows {
		byID[m.ID] = m
	}
	return byID, err
}

// byAge orders by id what was to be ordered by time: ids ascend with it, and have an index on the table that grows.
func byAge(orders []*ent.MessageOrder) []*ent.MessageOrder {
	if len(orders) == 0 {
		return nil
	}
	return []*ent.MessageOrder{{Direction: orders[0].Direction, Field: ent.DefaultMessageOrder.Field}}
}

func idTerms(orders []*ent.MessageOrder) []string {
	return texts(orders, func(o *ent.MessageOrder) string { return "ID " + o.Direction.String() })
}

// numberOf is the other party's number, when the message goes that way and they are known by one.
func numberOf(m *ent.Message, direction enum.Direction) *string {
	if m.Direction != direction || !strings.HasPrefix(m.Address, "+") {
		return nil
	}
	return &m.Address
}

// errorOf explains a code; nil for none.
func errorOf(code int, detail string) *model.MessageError {
	if code == 0 && detail == "" {
		return nil
	}
	rule := whatsapp.RuleFor(code, 0, 0, false)
	return &model.MessageError{Code: code, Title: rule.Title, Detail: some(detail), Advice: rule.Advice, Retryable: rule.Retryable}
}

// textOf is what a person would read.
func (r *Resolver) textOf(ctx context.Context, m *ent.Message) (*string, error) {
	if m.Type != enum.MessageTypeTemplate || m.TemplateID == nil {
		return some(writtenIn(m.Content)), nil
	}
	t, err := loadsOf(ctx).templates.load(ctx, *m.TemplateID, r.findTemplates)
	if err != nil || t == nil || m.Parameters == nil && len(account.Of(t).Parameters()) > 0 {
		return nil, err
	}
	return some(account.Of(t).Preview(m.Parameters).Body), nil
}

// writtenIn is the text of a content, or its file's caption; empty where it has none.
func writtenIn(raw json.RawMessage) string {
	var content whatsapp.Message
	_ = json.Unmarshal(raw, &content) // another kind of content has no text
	switch {
	case content.Text != nil:
		return content.Text.Body
	case content.Media != nil:
		return content.Media.Caption
	}
	return ""
}

// singleMessage is what sendMessage asks for.
func singleMessage(in model.SendMessageInput) direct.Message {
	m := direct.Message{PhoneNumberID: in.PhoneNumberID, To: in.To, ReplyTo: in.ReplyToMessageID, IdempotencyKey: text(in.IdempotencyKey)}
	if t := in.Content.Template; t != nil {
		m.Template = &direct.Template{TemplateID: t.TemplateID}
		for _, v := range t.Values {
			m.Template.Values = append(m.Template.Values, direct.Value{Parameter: v.Parameter, Value: v.Value})
		}
	}
	if t := in.Content.Text; t != nil {
		m.Text = &direct.Text{Body: t.Body, PreviewURL: or(t.PreviewURL, false)}
	}
	if f := in.Content.Media; f != nil {
		m.Media = &direct.Media{Kind: f.Kind, MediaID: text(f.MediaID), Link: text(f.Link), Caption: text(f.Caption), FileName: text(f.FileName)}
	}
	return m
}

func (r *Resolver) findTemplates(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.Template, error) {
	rows, err := r.DB.Client.Template.Query().Where(template.IDIn(ids...)).All(ctx)
	found := make(map[uid.ID]*ent.Template, len(rows))
	for _, t := range rows {
		found[t.ID] = t
	}
	return found, err
}

// eventsOf is a message's part of the log.
func (r *Resolver) eventsOf(ctx context.Context, m *ent.Message) ([]*model.DeliveryEvent, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}
	events, err := loadsOf(ctx).events.load(ctx, m.ID, func(ctx context.Context, ids []uid.ID) (map[uid.ID][]delivery.Event, error) {
		all, err := r.Log.OfMessages(ctx, v.Organization, ids)
		byMessage := make(map[uid.ID][]delivery.Event, len(ids))
		for _, e := range all {
			byMessage[e.Message] = append(byMessage[e.Message], e)
		}
		return byMessage, err
	})
	out := make([]*model.DeliveryEvent, len(events))
	for i, e := range events {
		out[i] = eventOf(e, m)
	}
	return out, err
}
