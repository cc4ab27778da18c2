package export

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaignrecipient"
	"carillon/ent/consentrecord"
	"carillon/ent/contactidentifier"
	"carillon/ent/formeridentifier"
	"carillon/ent/suppression"
	"carillon/uid"
	"carillon/usererror"
)

// person is all that is kept about a contact: a row for each thing, with its kind, and then their
// messages. It holds the content as it is kept, beside what the API shows.
type person struct {
	messages
	organization uid.ID
	contact      *ent.Contact
	addresses    []string
	known        *audience.Removed // by what texts name them
}

// openPerson refuses one who was erased meanwhile.
func (s *Service) openPerson(ctx context.Context, e *ent.Export) (source, error) {
	c, err := s.DB.Client.Contact.Get(ctx, or(e.Question.ContactID))
	if ent.IsNotFound(err) {
		return nil, usererror.New(usererror.NotFound, "The contact is not there any more.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a contact: %w", err)
	}

	p := &person{organization: e.OrganizationID, contact: c}
	for _, address := range []*string{c.Phone, c.WaPhone, c.WaUserID} {
		if address == nil {
			continue
		}

		all, err := audience.Addresses(ctx, s.DB.Client, e.OrganizationID, *address)
		if err != nil {
			return nil, err
		}

		p.addresses = append(p.addresses, all...)
	}

	if p.known, err = s.Audience.Known(ctx, c); err != nil {
		return nil, err
	}

	slices.Sort(p.addresses)
	p.addresses = slices.Compact(p.addresses)
	p.messages = *s.messagesThat(delivery.Select(e.OrganizationID, nil, nil).OfPerson(c.ID, p.addresses), e)

	return p, nil
}

func (p *person) columns() []column { return []column{{"kind", isText}, {"data", isText}} }

func (p *person) page(ctx context.Context, after uid.ID, most int) (page, error) {
	var out page
	if after.IsZero() {
		about, err := p.about(ctx)
		if err != nil {
			return out, err
		}

		out.rows = about
	}

	rows, more, err := p.read(ctx, after, most)
	if err != nil {
		return out, err
	}

	all, err := p.complete(ctx, rows)
	if err != nil {
		return out, err
	}

	events, err := p.eventsOf(ctx, rows)
	out.place, out.more = after, more
	for _, one := range all {
		out.rows = append(out.rows, []any{"message", p.data(one, events[one.ID])})
		out.place = one.ID
	}

	return out, err
}

// data is a message as a file of messages has it, and what is kept of it besides.
func (p *person) data(one *oneMessage, events []map[string]any) map[string]any {
	data := map[string]any{"parameters": one.Parameters, "content": raw(one.Content), "chosen": one.Reply,
		"time_zone": text(one.TimeZone), "edited_at": one.EditedAt, "revoked_at": one.RevokedAt, "events": events}
	for _, c := range messageColumns {
		data[c.name] = c.of(one)
		if c.is == isTime && flat(data[c.name]) == "" {
			data[c.name] = nil
		}
	}

	return data
}

func (p *person) eventsOf(ctx context.Context, rows []*ent.Message) (map[uid.ID][]map[string]any, error) {
	ids := make([]uid.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}

	of := map[uid.ID][]map[string]any{}
	if len(ids) == 0 {
		return of, nil
	}

	events, err := p.Log.OfMessages(ctx, p.organization, ids)
	for _, e := range events {
		of[e.Message] = append(of[e.Message], map[string]any{"status": e.Status, "at": e.At, "recorded_at": e.RecordedAt,
			"error_code": e.ErrorCode, "error_detail": e.ErrorDetail})
	}

	return of, err
}

// about is what is kept of the person beside their messages.
func (p *person) about(ctx context.Context) (rows [][]any, err error) {
	all, err := (&contacts{Service: p.Service}).complete(ctx, []*ent.Contact{p.contact})
	if err != nil {
		return nil, err
	}

	data := map[string]any{"attributes": p.contact.Attributes, "wa_phone": text(p.contact.WaPhone),
		"service_window_closes_at": p.contact.ServiceWindowClosesAt}
	for _, c := range contactColumns {
		data[c.name] = c.of(all[0])
	}

	rows = [][]any{{"contact", data}}
	for _, read := range []func(context.Context) ([][]any, error){p.identifiers, p.consents, p.recipients,
		p.suppressions, p.conversations, p.notifications, p.rejections, p.webhooks} {
		more, err := read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read what is kept of a person: %w", err)
		}

		rows = append(rows, more...)
	}

	return rows, nil
}

// things are rows of one kind. What says how they are kept, and not what, is left out.
func things[T any](kind string, all []T, err error) (rows [][]any, _ error) {
	for _, one := range all {
		text, err := json.Marshal(one)
		if err != nil {
			return nil, err
		}

		var data map[string]any
		if err := json.Unmarshal(text, &data); err != nil {
			return nil, err
		}

		for _, internal := range []string{"id", "edges", "organization_id", "contact_id", "number_key"} {
			delete(data, internal)
		}

		rows = append(rows, []any{kind, data})
	}

	return rows, err
}

func (p *person) identifiers(ctx context.Context) ([][]any, error) {
	held, err := p.DB.Client.ContactIdentifier.Query().Where(contactidentifier.ContactID(p.contact.ID)).
		Order(contactidentifier.ByID()).All(ctx)
	now, err := things("identifier", held, err)
	if err != nil {
		return nil, err
	}

	had, err := p.DB.Client.FormerIdentifier.Query().Where(formeridentifier.ContactID(p.contact.ID)).
		Order(formeridentifier.ByID()).All(ctx)
	former, err := things("former_identifier", had, err)

	return append(now, former...), err
}

func (p *person) consents(ctx context.Context) ([][]any, error) {
	all, err := p.DB.Client.ConsentRecord.Query().Where(consentrecord.ContactID(p.contact.ID)).
		Order(consentrecord.BySaidAt()).All(ctx)
	return things("consent", all, err)
}

func (p *person) recipients(ctx context.Context) ([][]any, error) {
	all, err := p.DB.Client.CampaignRecipient.Query().Where(campaignrecipient.ContactID(p.contact.ID)).
		Order(campaignrecipient.ByID()).All(ctx)
	return things("campaign_recipient", all, err)
}

func (p *person) suppressions(ctx context.Context) ([][]any, error) {
	keys := make([]string, len(p.addresses))
	for i, address := range p.addresses {
		keys[i] = audience.NumberKey(address)
	}

	all, err := p.DB.Client.Suppression.Query().Where(suppression.NumberKeyIn(keys...)).All(ctx)

	return things("suppression", all, err)
}
