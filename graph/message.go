package graph

import (
	"context"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"

	"carillon/account"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/ent/template"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"
)

// messagesByID reads messages with as much of them as a field asks for; nothing for none.
func (r *Resolver) messagesByID(ctx context.Context, f *graphql.CollectedField,
	ids []uid.ID) (map[uid.ID]*ent.Message, error) {
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

// idTerms are the terms of an order by time: ids ascend with it, and have an index.
func idTerms(orders []*ent.MessageOrder) []string {
	return texts(orders, func(o *ent.MessageOrder) string { return "ID " + o.Direction.String() })
}

// addressOf is the other party's number or user id, when the message goes that way.
func addressOf(m *ent.Message, direction enum.Direction) *string {
	if m.Direction != direction || m.Address == "" {
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
	return &model.MessageError{Code: code, Title: rule.Title, Detail: some(detail), Advice: rule.Advice,
		Retryable: rule.Retryable}
}

// routeOf is by which endpoint a message went, or is to go next; nil where it never went.
func routeOf(m *ent.Message) *enum.MessageRoute {
	if m.Direction != enum.DirectionOutbound || m.Attempts == 0 {
		return nil
	}
	if m.Route != nil {
		return m.Route
	}

	usual := enum.MessageRouteMessages

	return &usual
}

// repliedTo is the message of ours that an inbound one quotes.
func (r *Resolver) repliedTo(ctx context.Context, m *ent.Message) (*ent.Message, error) {
	if m.ReplyToID == nil {
		return nil, nil
	}

	return loadsOf(ctx).quoted.load(ctx, *m.ReplyToID,
		func(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.Message, error) {
			return r.messagesByID(ctx, &graphql.GetFieldContext(ctx).Field, ids)
		})
}

// replyOf is what an inbound message chose; nil where it chose nothing.
func replyOf(m *ent.Message) *model.MessageReply {
	if m.Reply == nil {
		return nil
	}
	return &model.MessageReply{ID: some(m.Reply.ID), Title: some(m.Reply.Title), Payload: some(m.Reply.Payload)}
}

// textOf is what a person would read.
func (r *Resolver) textOf(ctx context.Context, m *ent.Message) (*string, error) {
	var filled *whatsapp.Template
	if m.Type == enum.MessageTypeTemplate && m.TemplateID != nil {
		t, err := loadsOf(ctx).templates.load(ctx, *m.TemplateID, r.findTemplates)
		if err != nil {
			return nil, err
		}

		if t != nil {
			of := account.Of(t)
			filled = &of
		}
	}

	return some(account.Text(m, filled)), nil
}

// marksOf are what a message's content says of where it came from.
func marksOf(raw json.RawMessage) (marks struct {
	GroupID string `json:"groupId"`
	Standby bool   `json:"standby"`
}) {
	_ = json.Unmarshal(raw, &marks) // another kind of content has none
	return marks
}

// singleMessage is what sendMessage asks for.
func singleMessage(in model.SendMessageInput) transactional.Message {
	m := transactional.Message{PhoneNumberID: in.PhoneNumberID, To: in.To, ReplyTo: in.ReplyToMessageID,
		Reference: in.Reference, IdempotencyKey: text(in.IdempotencyKey)}
	if t := in.Content.Template; t != nil {
		m.Template = &transactional.Template{TemplateID: t.TemplateID}
		for _, v := range t.Values {
			m.Template.Values = append(m.Template.Values, transactional.Value{Parameter: v.Parameter, Value: v.Value})
		}
	}

	if t := in.Content.Text; t != nil {
		m.Text = &transactional.Text{Body: t.Body, PreviewURL: or(t.PreviewURL, false)}
	}

	if f := in.Content.Media; f != nil {
		m.Media = &transactional.Media{Kind: f.Kind, MediaID: text(f.MediaID), Link: text(f.Link), Caption: text(f.Caption),
			FileName: text(f.FileName)}
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

// failedAttemptsOf are a message's.
func (r *Resolver) failedAttemptsOf(ctx context.Context, m *ent.Message) ([]*model.SendAttempt, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	attempts, err := loadsOf(ctx).attempts.load(ctx, m.ID,
		func(ctx context.Context, ids []uid.ID) (map[uid.ID][]delivery.SendAttempt, error) {
			all, err := r.Log.FailedAttempts(ctx, v.Organization, ids)
			byMessage := make(map[uid.ID][]delivery.SendAttempt, len(ids))
			for _, a := range all {
				byMessage[a.Message] = append(byMessage[a.Message], a)
			}

			return byMessage, err
		})

	out := make([]*model.SendAttempt, len(attempts))
	for i, a := range attempts {
		rule := whatsapp.RuleFor(a.Code, a.Subcode, a.HTTPStatus, false)
		out[i] = &model.SendAttempt{Number: a.Number, At: a.At, TookMs: int(a.Took.Milliseconds()), Endpoint: a.Endpoint,
			Request: a.Request, HTTPStatus: some(a.HTTPStatus), Code: a.Code, Subcode: some(a.Subcode),
			Title: rule.Title, Detail: some(a.Detail), TraceID: some(a.TraceID), TryAgainAt: a.AgainAt}
	}

	return out, err
}

// eventsOf is a message's part of the log.
func (r *Resolver) eventsOf(ctx context.Context, m *ent.Message) ([]*model.DeliveryEvent, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	events, err := loadsOf(ctx).events.load(ctx, m.ID,
		func(ctx context.Context, ids []uid.ID) (map[uid.ID][]delivery.Event, error) {
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
