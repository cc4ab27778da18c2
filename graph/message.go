package graph

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"carillon/account"
	"carillon/audience"
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
	return sealed(ctx, p, c, err)
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
