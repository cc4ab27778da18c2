package export

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect/sql"

	"carillon/account"
	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/campaign"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/ent/phonenumber"
	"carillon/ent/template"
	"carillon/pricing"
	"carillon/uid"
	"carillon/whatsapp"
)

// oneMessage is a message with what is read beside it.
type oneMessage struct {
	*ent.Message
	mask
	contact  string // their name
	campaign string // its name
	number   string // ours, as Meta writes it
	template *filling
	price    *pricing.Price // nil of what costs nothing
}

// filling is a template, read once for all its messages.
type filling struct {
	name, language string
	whatsapp.Template
}

func (m *oneMessage) to(d enum.Direction) string {
	if m.Direction != d {
		return ""
	}
	return m.mask.number(m.Address)
}

func (m *oneMessage) text() string {
	var t *whatsapp.Template
	if m.template != nil {
		t = &m.template.Template
	}

	return m.mask.text(account.Text(m.Message, t))
}

func (m *oneMessage) reply() string {
	if m.Reply == nil {
		return ""
	}
	return m.mask.text(m.Reply.Title)
}

func (m *oneMessage) error() string {
	if m.ErrorCode == nil {
		return ""
	}
	return whatsapp.RuleFor(*m.ErrorCode, 0, 0, false).Title
}

func (m *oneMessage) templateName() (name, language string) {
	if m.template == nil {
		return "", ""
	}
	return m.template.name, m.template.language
}

func (m *oneMessage) cost() (state, amount, currency string) {
	if m.price == nil {
		return "", "", ""
	}
	if state = string(m.price.State); m.price.Cost == nil {
		return state, "", ""
	}

	return state, m.price.Cost.Amount(), m.price.Cost.Currency
}

// messageColumns are those of a file of messages, in their order.
var messageColumns = []struct {
	column
	of func(m *oneMessage) any
}{
	{column{"id", isText}, func(m *oneMessage) any { return m.ID.String() }},
	{column{"direction", isText}, func(m *oneMessage) any { return string(m.Direction) }},
	{column{"type", isText}, func(m *oneMessage) any { return string(m.Type) }},
	{column{"status", isText}, func(m *oneMessage) any { return string(m.Status) }},
	{column{"to", isText}, func(m *oneMessage) any { return m.to(enum.DirectionOutbound) }},
	{column{"from", isText}, func(m *oneMessage) any { return m.to(enum.DirectionInbound) }},
	{column{"contact_id", isText}, func(m *oneMessage) any { return idText(m.ContactID) }},
	{column{"contact_name", isText}, func(m *oneMessage) any { return m.contact }},
	{column{"phone_number", isText}, func(m *oneMessage) any { return m.number }},
	{column{"campaign_id", isText}, func(m *oneMessage) any { return idText(m.CampaignID) }},
	{column{"campaign", isText}, func(m *oneMessage) any { return m.campaign }},
	{column{"template", isText}, func(m *oneMessage) any { name, _ := m.templateName(); return name }},
	{column{"language", isText}, func(m *oneMessage) any { _, language := m.templateName(); return language }},
	{column{"category", isText}, func(m *oneMessage) any { return text(m.Category) }},
	{column{"country", isText}, func(m *oneMessage) any { return m.Country }},
	{column{"reference", isText}, func(m *oneMessage) any { return text(m.Reference) }},
	{column{"wamid", isText}, func(m *oneMessage) any { return m.mask.text(text(m.Wamid)) }},
	{column{"text", isText}, func(m *oneMessage) any { return m.text() }},
	{column{"reply", isText}, func(m *oneMessage) any { return m.reply() }},
	{column{"error_code", isText}, func(m *oneMessage) any { return number(m.ErrorCode) }},
	{column{"error", isText}, func(m *oneMessage) any { return m.error() }},
	{column{"error_detail", isText}, func(m *oneMessage) any { return m.numbersIn(text(m.ErrorDetail)) }},
	{column{"skip_reason", isText}, func(m *oneMessage) any { return text(m.SkipReason) }},
	{column{"attempts", isText}, func(m *oneMessage) any { return m.Attempts }},
	{column{"price", isText}, func(m *oneMessage) any { state, _, _ := m.cost(); return state }},
	{column{"cost", isDecimal}, func(m *oneMessage) any { _, amount, _ := m.cost(); return amount }},
	{column{"currency", isText}, func(m *oneMessage) any { _, _, currency := m.cost(); return currency }},
	{column{"created_at", isTime}, func(m *oneMessage) any { return m.CreatedAt }},
	{column{"queued_at", isTime}, func(m *oneMessage) any { return moment(m.QueuedAt) }},
	{column{"accepted_at", isTime}, func(m *oneMessage) any { return moment(m.AcceptedAt) }},
	{column{"sent_at", isTime}, func(m *oneMessage) any { return moment(m.SentAt) }},
	{column{"delivered_at", isTime}, func(m *oneMessage) any { return moment(m.DeliveredAt) }},
	{column{"read_at", isTime}, func(m *oneMessage) any { return moment(m.ReadAt) }},
	{column{"failed_at", isTime}, func(m *oneMessage) any { return moment(m.FailedAt) }},
}

// messages are those that a filter selects, oldest first, and were made before the export.
type messages struct {
	*Service
	that delivery.Selection
	mask mask

	templates memory[*filling]
	campaigns memory[string]
	numbers   memory[string]
}

func (s *Service) openMessages(ctx context.Context, e *ent.Export) (source, error) {
	f := e.Question.Messages
	var addresses []string
	if f != nil && f.To != nil {
		var err error
		if addresses, err = audience.Addresses(ctx, s.DB.Client, e.OrganizationID, *f.To); err != nil {
			return nil, err
		}
	}

	return s.messagesThat(delivery.Select(e.OrganizationID, f, addresses), e), nil
}

func (s *Service) messagesThat(that delivery.Selection, e *ent.Export) *messages {
	return &messages{Service: s, that: that.Before(uid.From(e.CreatedAt)), mask: mask(e.Masked),
		templates: memory[*filling]{read: s.findTemplates}, campaigns: memory[string]{read: s.findCampaigns},
		numbers: memory[string]{read: s.findNumbers}}
}

func (m *messages) columns() []column {
	all := make([]column, len(messageColumns))
	for i, c := range messageColumns {
		all[i] = c.column
	}

	return all
}

func (m *messages) count(ctx context.Context) (n int, err error) {
	find, _ := m.that.Find(m.DB.Dialect)
	query, args := find.Select(sql.Count("*")).Query()
	if err := m.DB.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}

	return n, nil
}

func (m *messages) page(ctx context.Context, after uid.ID, most int) (p page, err error) {
	rows, more, err := m.read(ctx, after, most)
	if err != nil {
		return p, err
	}

	all, err := m.complete(ctx, rows)
	p = page{rows: make([][]any, len(all)), place: after, more: more}
	for i, one := range all {
		p.rows[i] = make([]any, len(messageColumns))
		for j, c := range messageColumns {
			p.rows[i][j] = c.of(one)
		}

		p.place = one.ID
	}

	return p, err
}

// read gives messages in the order of their ids. One that was erased between the two statements is
// left out.
func (m *messages) read(ctx context.Context, after uid.ID, most int) (rows []*ent.Message, more bool, err error) {
	find, id := m.that.After(after).Find(m.DB.Dialect)
	query, args := find.Select(id).OrderBy(sql.Asc(id)).Limit(most).Query()
	ids, err := database.ScanIDs(m.DB.Query(ctx, query, args...))
	if err != nil {
		return nil, false, fmt.Errorf("find messages: %w", err)
	}

	rows, err = m.DB.Client.Message.Query().Where(message.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("read messages: %w", err)
	}

	slices.SortFunc(rows, func(a, b *ent.Message) int { return uid.Compare(a.ID, b.ID) })

	return rows, len(ids) == most, nil
}

// complete reads what stands beside messages: one statement for each kind of it.
func (m *messages) complete(ctx context.Context, rows []*ent.Message) (all []*oneMessage, err error) {
	var templates, campaigns, numbers, people, accounts []uid.ID
	for _, r := range rows {
		templates, campaigns = with(templates, r.TemplateID), with(campaigns, r.CampaignID)
		people, numbers = with(people, r.ContactID), with(numbers, &r.PhoneNumberID)
		accounts = with(accounts, &r.AccountID)
	}

	fillings, err := m.templates.of(ctx, templates)
	if err != nil {
		return nil, err
	}

	names, err := m.campaigns.of(ctx, campaigns)
	if err != nil {
		return nil, err
	}

	ours, err := m.numbers.of(ctx, numbers)
	if err != nil {
		return nil, err
	}

	called, err := m.findNames(ctx, people)
	if err != nil {
		return nil, err
	}

	prices, err := m.Prices.Prices(ctx, slices.Compact(accounts)...)
	if err != nil {
		return nil, err
	}

	for _, r := range rows {
		all = append(all, &oneMessage{Message: r, mask: m.mask, contact: called[or(r.ContactID)],
			campaign: names[or(r.CampaignID)], number: ours[r.PhoneNumberID], template: fillings[or(r.TemplateID)],
			price: prices.Of(r)})
	}

	return all, nil
}

func with(ids []uid.ID, id *uid.ID) []uid.ID {
	if id == nil {
		return ids
	}
	return append(ids, *id)
}

func or(id *uid.ID) uid.ID {
	if id == nil {
		return uid.ID{}
	}
	return *id
}

func (s *Service) findTemplates(ctx context.Context, ids []uid.ID) (map[uid.ID]*filling, error) {
	rows, err := s.DB.Client.Template.Query().Where(template.IDIn(ids...)).All(ctx)
	found := make(map[uid.ID]*filling, len(rows))
	for _, t := range rows {
		found[t.ID] = &filling{t.Name, t.Language, account.Of(t)}
	}

	return found, err
}

func (s *Service) findCampaigns(ctx context.Context, ids []uid.ID) (map[uid.ID]string, error) {
	rows, err := s.DB.Client.Campaign.Query().Where(campaign.IDIn(ids...)).Select(campaign.FieldName).All(ctx)
	found := make(map[uid.ID]string, len(rows))
	for _, c := range rows {
		found[c.ID] = c.Name
	}

	return found, err
}

func (s *Service) findNumbers(ctx context.Context, ids []uid.ID) (map[uid.ID]string, error) {
	rows, err := s.DB.Client.PhoneNumber.Query().Where(phonenumber.IDIn(ids...)).
		Select(phonenumber.FieldDisplayNumber).All(ctx)
	found := make(map[uid.ID]string, len(rows))
	for _, n := range rows {
		found[n.ID] = e164(n.DisplayNumber)
	}

	return found, err
}

// e164 is a number as Meta shows it, without blanks and hyphens: as all other numbers in a file.
func e164(shown string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, shown)
	if digits == "" {
		return ""
	}

	return "+" + digits
}

func (s *Service) findAccounts(ctx context.Context, ids []uid.ID) (map[uid.ID]string, error) {
	rows, err := s.DB.Client.Account.Query().Where(entaccount.IDIn(ids...)).Select(entaccount.FieldName).All(ctx)
	found := make(map[uid.ID]string, len(rows))
	for _, a := range rows {
		found[a.ID] = a.Name
	}

	return found, err
}

// findNames are what contacts are called.
func (s *Service) findNames(ctx context.Context, ids []uid.ID) (map[uid.ID]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}

	rows, err := s.DB.Client.Contact.Query().Where(contact.IDIn(ids...)).Select(contact.FieldName).All(ctx)
	found := make(map[uid.ID]string, len(rows))
	for _, c := range rows {
		found[c.ID] = text(c.Name)
	}

	return found, err
}
