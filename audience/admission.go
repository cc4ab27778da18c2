package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaignrecipient"
	"carillon/uid"
	"carillon/usererror"
)

// MostRecipients is how many people can be added to a campaign at once.
const MostRecipients = 1000

// Admission says whether people may be added to a campaign now, and what their values may be. It
// holds the campaign until the transaction ends.
type Admission func(ctx context.Context, tx *database.Tx, campaign uid.ID) (*Admitted, error)

// Admitted is what a campaign says of recipients that are added to it.
type Admitted struct {
	Closed string // why nobody may be added; empty where they may
	// Wrong is what is wrong with somebody's values of the template's parameters; empty for nothing.
	Wrong func(values map[string]string) string
}

// AdmitBy sets what says who may be added to campaigns; call it before the first import. Without it
// nobody may.
func (s *Service) AdmitBy(admission Admission) { s.admission = admission }

// closed admits nobody.
func closed(context.Context, *database.Tx, uid.ID) (*Admitted, error) {
	return &Admitted{Closed: "this service has no campaigns"}, nil
}

// admitted refuses recipients for whom the campaign is closed.
func (s *Service) admitted(ctx context.Context, tx *database.Tx, campaign uid.ID) (*Admitted, error) {
	a, err := s.admission(ctx, tx, campaign)
	if err == nil && a.Closed != "" {
		err = usererror.Refuse("campaignId", usererror.NotAllowed, "%s", a.Closed)
	}

	return a, err
}

// ForCampaign is a campaign whose recipients the people of a file become.
type ForCampaign struct {
	ID uid.ID
	// Parameter is that of the campaign's template which a column has values of, by the column's name;
	// empty for none.
	Parameter func(column string) string
}

// NewRecipient is somebody who is added to a campaign, with values of their own.
type NewRecipient struct {
	Phone               string // or a business-scoped user id
	Values              map[string]string
	Language, Reference *string
}

// recipientPath is a field of a recipient in the input.
func recipientPath(i int, field string) string { return fmt.Sprintf("recipients.%d.%s", i, field) }

// readRecipients understands recipients as an import understands rows. Their lines are their places
// in the input.
func readRecipients(recipients []NewRecipient) (page, usererror.Fields) {
	var in usererror.Fields
	p := page{byKey: map[string]*entry{}, byUserID: map[string]*entry{}}
	for i, r := range recipients {
		e := &entry{attributes: r.Values, lines: []int{i}, language: given(r.Language), reference: given(r.Reference)}
		if e.attributes == nil {
			e.attributes = map[string]string{}
		}
		if err := e.readAddress(r.Phone); err != nil {
			in.Add(recipientPath(i, "phone"), usererror.Invalid, "%s", err)
			continue
		}
		if e.language != nil {
			note(&in, recipientPath(i, "language"), checkLanguage(*e.language))
		}
		if e.reference != nil {
			note(&in, recipientPath(i, "reference"), checkReference(*e.reference))
		}

		for name, value := range r.Values {
			note(&in, recipientPath(i, "values"), checkText("the value of "+shown(name), value, maxValue))
		}

		note(&in, recipientPath(i, "phone"), p.add(e))
	}

	return p.sorted(), in
}

// readAddress reads a number as people write it, or a user id.
func (e *entry) readAddress(text string) (err error) {
	if id := visible(text); IsUserID(id) {
		e.userID, e.country = id, userIDCountry(id)
		return nil
	}

	var from origin
	if e.phone, e.country, err = from.phone(text); err == nil {
		return nil
	}

	told := whatsAppNumber(text, true)
	if told == "" {
		return err
	}

	e.phone, e.country, e.doubt, e.written = told, "", err.Error(), text

	return nil
}

// AddRecipients adds people to a campaign, in the caller's transaction, and gives how many they
// are: each once, whether they were recipients before or not. Who is no contact becomes one, with
// nothing but the number. What is wrong with them comes back as usererror.Fields, all at once.
func (s *Service) AddRecipients(ctx context.Context, tx *database.Tx, campaign uid.ID,
	recipients []NewRecipient) (people int, err error) {
	owner, err := organization(ctx)
	if err != nil {
		return 0, err
	}

	p, in := readRecipients(recipients)
	if err := in.Err(); err != nil {
		return 0, err
	}

	w := writer{Tx: tx, im: &ent.ContactImport{OrganizationID: owner, CampaignID: &campaign}, now: s.moment(),
		erased: s.erased}
	if err := HoldPeople(ctx, tx, owner); err != nil {
		return 0, err
	}

	known, err := w.people(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("look for contacts: %w", err)
	}
	if w.admits, err = s.admitted(ctx, tx, campaign); err != nil {
		return 0, err
	}

	p = p.united(known)
	if err := w.refuseRecipients(ctx, p, known); err != nil {
		return 0, err
	}

	written, err := w.contacts(ctx, p.entries, known)
	if err != nil {
		return 0, fmt.Errorf("write contacts: %w", err)
	}

	return len(p.entries), w.recipients(ctx, p.entries, written)
}

// refuseRecipients refuses all of them for what the database knows against some.
func (w writer) refuseRecipients(ctx context.Context, p page, known knownPeople) error {
	var in usererror.Fields
	for _, check := range []struct {
		field  string
		code   usererror.Code
		refuse func(context.Context, page, knownPeople) (map[*entry]refusal, error)
	}{{"phone", usererror.Invalid, w.doubtful}, {"phone", usererror.Invalid, w.twoPeople},
		{"values", usererror.Invalid, w.unfit}, {"phone", usererror.LimitExceeded, w.overQuota}} {
		refused, err := check.refuse(ctx, p, known)
		if err != nil {
			return err
		}

		for _, e := range p.entries {
			if why, is := refused[e]; is {
				in.Add(recipientPath(slices.Max(e.lines), check.field), check.code, "%s", why.reason)
			}
		}
	}

	return in.Err()
}

// unfit refuses people with values that the campaign's template does not take.
func (w writer) unfit(_ context.Context, p page, _ knownPeople) (map[*entry]refusal, error) {
	refused := map[*entry]refusal{}
	for _, e := range p.entries {
		if wrong := w.admits.Wrong(e.attributes); wrong != "" {
			refused[e] = refusal{e.phone, cut(wrong, maxReason)}
		}
	}

	return refused, nil
}

// recipient is somebody who becomes one, or is one already.
type recipient struct {
	contact             uid.ID
	values              json.RawMessage
	language, reference *string
}

// recipientColumns are of recipients of the campaign $2 of the organization $1.
var recipientColumns = database.Columns[recipient]{
	database.Col("id", func(recipient) uid.ID { return uid.New(uid.CampaignRecipient) }, database.IDs),
	database.Col("contact_id", func(r recipient) uid.ID { return r.contact }, database.IDs),
	database.Col("parameters", func(r recipient) json.RawMessage { return r.values }, database.JSONs),
	database.Col("language", func(r recipient) *string { return r.language }, database.NullTexts),
	database.Col("reference", func(r recipient) *string { return r.reference }, database.NullTexts),
	database.Expr[recipient]("organization_id", "$1"),
	database.Expr[recipient]("campaign_id", "$2"),
}

// recipients makes people recipients of the import's campaign. Of who is one already, each value
// that is given takes the place of the earlier one, and the others stay.
func (w writer) recipients(ctx context.Context, entries []*entry, people pagePeople) error {
	all := make([]recipient, len(entries))
	for i, e := range entries {
		values, err := json.Marshal(e.attributes)
		if err != nil {
			return err
		}

		all[i] = recipient{people.ids[e], values, e.language, e.reference}
	}

	if len(all) == 0 {
		return nil
	}

	slices.SortFunc(all, func(a, b recipient) int { return uid.Compare(a.contact, b.contact) })
	merged := "campaign_recipient.parameters || excluded.parameters"
	if w.DB.Dialect == dialect.SQLite {
		merged = "json_patch(campaign_recipient.parameters, excluded.parameters)"
	}

	statement, args := recipientColumns.Insertion(w.DB, "campaign_recipient", all, w.im.OrganizationID, *w.im.CampaignID)
	_, err := w.ExecContext(ctx, statement+` ON CONFLICT (campaign_id, contact_id) DO UPDATE SET parameters = `+merged+`,
		language = COALESCE(excluded.language, campaign_recipient.language),
		reference = COALESCE(excluded.reference, campaign_recipient.reference)`, args...)
	if err != nil {
		return fmt.Errorf("add %d recipients: %w", len(all), err)
	}

	return nil
}

// united makes one entry of those whose numbers are one contact's, as of those of one number: what
// comes later counts.
func (p page) united(known knownPeople) page {
	inOrder := slices.SortedFunc(slices.Values(p.entries), func(a, b *entry) int { return a.lines[0] - b.lines[0] })
	byPerson, all := map[uid.ID]int{}, make([]*entry, 0, len(inOrder))
	for _, e := range inOrder {
		id := known[e.key].id
		at, seen := byPerson[id]
		if !seen || id.IsZero() || e.userID != "" && all[at].userID != "" && e.userID != all[at].userID {
			byPerson[id] = len(all)
			all = append(all, e)
			continue
		}

		all[at] = all[at].with(e)
	}

	if len(all) < len(p.entries) {
		p.entries = all
		slices.SortFunc(p.entries, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	}

	return p
}

// RecipientCounts are how many people were added to each campaign one by one.
func (s *Service) RecipientCounts(ctx context.Context, campaigns []uid.ID) (map[uid.ID]int, error) {
	var counted []struct {
		Campaign uid.ID `json:"campaign_id"`
		Count    int    `json:"count"`
	}
	err := s.db.Client.CampaignRecipient.Query().Where(campaignrecipient.CampaignIDIn(campaigns...)).
		GroupBy(campaignrecipient.FieldCampaignID).Aggregate(ent.Count()).Scan(ctx, &counted)
	if err != nil {
		return nil, fmt.Errorf("count recipients: %w", err)
	}

	counts := make(map[uid.ID]int, len(counted))
	for _, c := range counted {
		counts[c.Campaign] = c.Count
	}

	return counts, nil
}

// DistinctRecipients is how many people recipients are, by their numbers.
func DistinctRecipients(recipients []NewRecipient) int {
	p, _ := readRecipients(recipients)
	return len(p.entries)
}
