package campaign

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carillon/account"
	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/campaignrecipient"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// AddRecipients is people to be added to a campaign one by one.
type AddRecipients struct {
	CampaignID     uid.ID
	Recipients     []Recipient
	IdempotencyKey string `json:"-"`
}

// Recipient is somebody with values of their own.
type Recipient struct {
	Phone               string // or a business-scoped user id
	Values              []Value
	Language, Reference *string
}

// Value is one of a template's parameters.
type Value struct{ Parameter, Value string }

// Added is what AddRecipients did.
type Added struct {
	Campaign *ent.Campaign
	People   int // each once, whether they were recipients before or not
}

// AddRecipients adds people to a campaign that has not begun. Of who is a recipient already, each
// value that is given takes the place of the earlier one, and the others stay; so a call may be
// repeated. What is wrong comes back as usererror.Fields, all at once, and nobody is added then.
func (s *Service) AddRecipients(ctx context.Context, in AddRecipients) (*Added, error) {
	c, err := s.find(ctx, in.CampaignID)
	if err != nil {
		return nil, err
	}

	people, err := s.checkRecipients(ctx, c, in.Recipients)
	if err != nil {
		return nil, err
	}

	out := &Added{People: audience.DistinctRecipients(people)} // also where the call was made before
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		_, replayed, err := s.identity.Once(ctx, tx, "addCampaignRecipients", in.IdempotencyKey, in,
			func() (uid.ID, error) {
				out.People, err = s.audience.AddRecipients(ctx, tx, c.ID, people)
				return c.ID, err
			})
		if err != nil || replayed {
			return err
		}

		s.tell(tx, c)

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionCampaignRecipient, Subject: c.ID,
			Summary: fmt.Sprintf("added %d recipients to campaign %q", out.People, c.Name)})
	})
	if err != nil {
		return nil, err
	}

	out.Campaign, err = s.find(ctx, c.ID)

	return out, err
}

// checkRecipients looks at what can be known of recipients before they are written.
func (s *Service) checkRecipients(ctx context.Context, c *ent.Campaign,
	recipients []Recipient) ([]audience.NewRecipient, error) {
	var in usererror.Fields
	switch n := len(recipients); {
	case n == 0:
		in.Add("recipients", usererror.Required, "name at least one recipient")
	case n > audience.MostRecipients:
		in.Add("recipients", usererror.LimitExceeded, "there are %d recipients; at most %d at once", n,
			audience.MostRecipients)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}

	template, err := s.db.Client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	rules, people := newValueRules(template), make([]audience.NewRecipient, len(recipients))
	for i, r := range recipients {
		values := make(map[string]string, len(r.Values))
		for j, v := range r.Values {
			at := fmt.Sprintf("recipients.%d.values.%d", i, j)
			switch _, twice := values[v.Parameter]; {
			case twice:
				in.Add(at+".parameter", usererror.Invalid, "parameter %q is given twice", v.Parameter)
			case !rules.takes(v.Parameter):
				in.Add(at+".parameter", usererror.Invalid, "%s", rules.unknown(v.Parameter))
			}

			values[v.Parameter] = v.Value
		}

		for _, p := range rules.problems(values) {
			j := slices.IndexFunc(r.Values, func(v Value) bool { return v.Parameter == p.Parameter })
			in.Add(fmt.Sprintf("recipients.%d.values.%d.value", i, j), account.FaultOf(p), "parameter %q %s", p.Parameter,
				p.Message)
		}

		people[i] = audience.NewRecipient{Phone: r.Phone, Values: values, Language: r.Language, Reference: r.Reference}
	}

	return people, in.Err()
}

// RecipientsFile is a file with people to be added to a campaign.
type RecipientsFile struct {
	CampaignID     uid.ID
	FileName       string
	File           audience.File
	DefaultCountry *string
}

// ImportRecipients stores a file whose people become recipients of a campaign that has not begun,
// as an import of contacts is stored; a worker takes its rows. A column that is called as a
// parameter of the template has its values.
func (s *Service) ImportRecipients(ctx context.Context, in RecipientsFile) (*ent.ContactImport, error) {
	c, err := s.find(ctx, in.CampaignID)
	if err != nil {
		return nil, err
	}
	if closed := closedTo(c); closed != "" {
		return nil, usererror.Refuse("campaignId", usererror.NotAllowed, "%s", closed)
	}

	template, err := s.db.Client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	return s.audience.StartImport(ctx, audience.NewImport{FileName: in.FileName, File: in.File,
		DefaultCountry: in.DefaultCountry,
		Campaign:       &audience.ForCampaign{ID: c.ID, Parameter: newValueRules(template).named}})
}

// closedTo says why nobody may be added to a campaign any more; empty where they may.
func closedTo(c *ent.Campaign) string {
	now := phaseOf(c)
	for _, part := range changeable {
		if part.field == recipientsField && now > part.until {
			return "recipients cannot be added any more: it is " + phases[now]
		}
	}

	return ""
}

// admit is what audience asks before it adds people to a campaign.
func (s *Service) admit(ctx context.Context, tx *database.Tx, id uid.ID) (*audience.Admitted, error) {
	c, err := tx.Client.Campaign.Query().Where(campaign.ID(id), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return &audience.Admitted{Closed: "the campaign is not there any more"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hold campaign %s: %w", id, err)
	}

	template, err := tx.Client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	return &audience.Admitted{Closed: closedTo(c), Wrong: newValueRules(template).wrong}, nil
}

// valueRules are what a template takes as values of one person.
type valueRules struct {
	whatsapp.Template
	names []string        // of parameters that have a value in every message
	taken map[string]bool // names that were asked for
}

func newValueRules(template *ent.Template) *valueRules {
	r := &valueRules{Template: account.Of(template), taken: map[string]bool{}}
	for _, p := range r.Parameters() {
		r.names = append(r.names, p.Name)
	}

	return r
}

// mostTaken bounds what is remembered of names.
const mostTaken = 1000

func (r *valueRules) takes(name string) bool {
	taken, known := r.taken[name]
	if !known {
		if taken = r.Takes(name); len(r.taken) < mostTaken {
			r.taken[name] = taken
		}
	}

	return taken
}

func (r *valueRules) unknown(name string) string {
	return fmt.Sprintf("the template has no parameter %q; it has: %s", name, strings.Join(r.names, ", "))
}

// named is the parameter that a column has values of, by its name; empty for none.
func (r *valueRules) named(column string) string {
	if r.takes(column) {
		return column
	}

	for _, name := range r.names {
		if strings.EqualFold(name, column) {
			return name
		}
	}

	return ""
}

// problems are the values that WhatsApp would refuse. An empty value is none.
func (r *valueRules) problems(values map[string]string) (found []*whatsapp.ValueError) {
	given := maps.Clone(values)
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	if len(given) == 0 {
		return nil
	}

	for _, p := range r.Constants(given) {
		if _, is := given[p.Parameter]; is && p.Rule != "MISSING" {
			found = append(found, p)
		}
	}

	return found
}

// wrong is what is wrong with somebody's values; empty for nothing.
func (r *valueRules) wrong(values map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !r.takes(name) {
			return r.unknown(name)
		}
	}

	for _, p := range r.problems(values) {
		return fmt.Sprintf("parameter %q %s", p.Parameter, p.Message)
	}

	return ""
}

// hasRecipients reports whether somebody was added to a campaign one by one.
func (s *Service) hasRecipients(ctx context.Context, c *ent.Campaign) (bool, error) {
	there, err := s.db.Client.CampaignRecipient.Query().
		Where(campaignrecipient.OrganizationID(c.OrganizationID), campaignrecipient.CampaignID(c.ID)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for recipients of %s: %w", c.ID, err)
	}

	return there, nil
}

// pendingRecipients is a file of recipients that is still being read, if there is one.
func (s *Service) pendingRecipients(ctx context.Context, c *ent.Campaign) ([]obstacle, error) {
	im, err := s.db.Client.ContactImport.Query().Where(contactimport.CampaignID(c.ID),
		contactimport.StatusIn(enum.JobStatusPending, enum.JobStatusRunning)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for imports of %s: %w", c.ID, err)
	}

	return []obstacle{{enum.CampaignStatusReasonRecipientsPending, "campaignId", usererror.NotAllowed,
		fmt.Sprintf("recipients are still being read from %q: wait until that import has ended, or cancel it",
			im.FileName)}}, nil
}
