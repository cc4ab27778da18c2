package campaign

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/account"
	"carillon/audience"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	maxName      = 200
	maxRateLimit = 1000 // no number of WhatsApp's sends faster
	namedMissing = 5    // recipients without a value that a refusal names
)

// Draft is what a campaign is made of.
type Draft struct {
	Name                   string
	TemplateID             uid.ID
	PhoneNumberID          uid.ID
	Audience               jsonfield.Audience
	Parameters             []jsonfield.ParameterBinding
	MissingParameter       enum.MissingParameterPolicy
	RateLimit              *int
	FailureThreshold       *float64
	ScheduledAt, ExpiresAt *time.Time
	IdempotencyKey         string `json:"-"`
}

// Create makes a draft. What is wrong with it comes back as usererror.Fields, all at once.
func (s *Service) Create(ctx context.Context, d Draft) (*ent.Campaign, error) {
	d.Name = strings.TrimSpace(d.Name)
	if err := s.check(ctx, d); err != nil {
		return nil, err
	}

	var id uid.ID
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		made, replayed, err := s.identity.Once(ctx, tx, "createCampaign", d.IdempotencyKey, d, func() (uid.ID, error) {
			c := tx.Client.Campaign.Create().SetName(d.Name).SetTemplateID(d.TemplateID).SetPhoneNumberID(d.PhoneNumberID).
				SetAudienceRule(d.Audience).
				SetParameters(append([]jsonfield.ParameterBinding{}, d.Parameters...)).SetNillableRateLimit(d.RateLimit).
				SetNillableFailureThreshold(d.FailureThreshold).
				SetNillableScheduledAt(d.ScheduledAt).SetNillableExpiresAt(d.ExpiresAt)
			if d.MissingParameter != "" {
				c.SetMissingParameter(d.MissingParameter)
			}

			v, ok := identity.From(ctx)
			if !ok {
				return uid.ID{}, usererror.New(usererror.Unauthenticated, "sign in first")
			}

			c.SetOrganizationID(v.Organization)
			if v.Member != nil {
				c.SetCreatedByID(v.Member.ID)
			}

			row, err := c.Save(ctx)
			if err != nil {
				return uid.ID{}, fmt.Errorf("create campaign: %w", err)
			}

			return row.ID, nil
		})
		if id = made; err != nil || replayed {
			return err
		}

		return identity.Record(ctx, tx, identity.Entry{Action: identity.ActionCampaignCreate, Subject: id,
			Summary: fmt.Sprintf("drafted campaign %q", d.Name)})
	})
	if err != nil {
		return nil, err
	}

	return s.find(ctx, id)
}

func (s *Service) check(ctx context.Context, d Draft) error {
	var in usererror.Fields
	switch {
	case d.Name == "":
		in.Add("name", usererror.Required, "a campaign needs a name")
	case utf8.RuneCountInString(d.Name) > maxName:
		in.Add("name", usererror.TooLong, "the name has more than %d characters", maxName)
	case !usererror.OneLine(d.Name):
		in.Add("name", usererror.Invalid, usererror.NotOneLine)
	}

	if d.RateLimit != nil && (*d.RateLimit < 1 || *d.RateLimit > maxRateLimit) {
		in.Add("rateLimit", usererror.Invalid, "the rate limit is 1 to %d messages a second, or null", maxRateLimit)
	}
	if d.FailureThreshold != nil && (*d.FailureThreshold <= 0 || *d.FailureThreshold > 1) {
		in.Add("failureThreshold", usererror.Invalid, "the failure threshold is a share over 0 and up to 1, e.g. 0.2")
	}

	d.checkTimes(s.now(), &in)
	if err := s.audience.CheckAudience(ctx, d.Audience); err != nil {
		var more usererror.Fields
		if !asInputs(err, &more) {
			return err
		}

		in = append(in, more...)
	}

	template, number, err := s.parts(ctx, d.TemplateID, d.PhoneNumberID, &in)
	if err != nil {
		return err
	}
	if template != nil && number != nil && template.AccountID != number.AccountID {
		in.Add("phoneNumberId", usererror.Invalid, "the phone number and the template belong to different WhatsApp accounts")
	}
	if template != nil {
		checkBindings(template, d.Parameters, &in)
	}

	return in.Err()
}

const (
	// late is how far behind us a start may lie that still means now: the caller's clock is not ours,
	// and the request took its time.
	late = time.Minute
	// farthest is how far ahead a time may lie. What is further off is a wrong year.
	farthest = 366 * 24 * time.Hour
)

// checkTimes refuses a start that has passed. Such a campaign would go out to everybody at its
// launch, and a wrong year cannot be taken back.
func (d Draft) checkTimes(now time.Time, in *usererror.Fields) {
	for _, t := range []struct {
		field string
		at    *time.Time
	}{{"scheduledAt", d.ScheduledAt}, {"expiresAt", d.ExpiresAt}} {
		if t.at != nil && t.at.After(now.Add(farthest)) {
			in.Add(t.field, usererror.Invalid, "%s is more than a year ahead; is the year right?",
				t.at.UTC().Format(time.RFC3339))
		}
	}

	if d.ScheduledAt != nil && hasPassed(*d.ScheduledAt, now) {
		in.Add("scheduledAt", usererror.Invalid, "%s has passed; give a time ahead, or none to start at the launch",
			d.ScheduledAt.UTC().Format(time.RFC3339))
	}

	if d.ExpiresAt != nil && (!d.ExpiresAt.After(now) || d.ScheduledAt != nil && !d.ExpiresAt.After(*d.ScheduledAt)) {
		in.Add("expiresAt", usererror.Invalid, "the campaign would expire before it starts")
	}
}

// hasPassed reports whether a start lies too far back to mean now.
func hasPassed(start, now time.Time) bool { return start.Before(now.Add(-late)) }

func (s *Service) parts(ctx context.Context, templateID, numberID uid.ID,
	in *usererror.Fields) (template *ent.Template, number *ent.PhoneNumber, err error) {
	template, err = s.db.Client.Template.Get(ctx, templateID)
	if ent.IsNotFound(err) {
		in.Add("templateId", usererror.NoSuch, "there is no such template")
	} else if err != nil {
		return nil, nil, fmt.Errorf("read template: %w", err)
	}

	number, err = s.db.Client.PhoneNumber.Get(ctx, numberID)
	if ent.IsNotFound(err) {
		in.Add("phoneNumberId", usererror.NoSuch, "there is no such phone number")
	} else if err != nil {
		return nil, nil, fmt.Errorf("read phone number: %w", err)
	}

	return template, number, nil
}

// contactFields are what a binding may take from a contact.
var contactFields = map[string]func(audience.Recipient) string{
	"phone":    func(r audience.Recipient) string { return r.Phone },
	"name":     func(r audience.Recipient) string { return r.Name },
	"language": func(r audience.Recipient) string { return r.Language },
	"country":  func(r audience.Recipient) string { return r.Country },
}

func checkBindings(template *ent.Template, bindings []jsonfield.ParameterBinding, in *usererror.Fields) {
	known := map[string]bool{}
	names := []string{}
	for _, p := range account.Of(template).Parameters() {
		known[p.Name] = true
		names = append(names, p.Name)
	}

	seen, sound := map[string]bool{}, len(*in)
	for i, b := range bindings {
		at := "parameters." + strconv.Itoa(i)
		sources := 0
		for _, source := range []*string{b.Value, b.ContactField, b.Attribute} {
			if source != nil {
				sources++
			}
		}

		switch {
		case !known[b.Parameter]:
			in.Add(at+".parameter", usererror.Invalid, "the template has no parameter %q; it has: %s", b.Parameter,
				strings.Join(names, ", "))
		case seen[b.Parameter]:
			in.Add(at+".parameter", usererror.Invalid, "parameter %q is bound twice", b.Parameter)
		case sources != 1:
			in.Add(at, usererror.Invalid, "give exactly one of value, contactField and attribute for parameter %q", b.Parameter)
		case b.ContactField != nil && contactFields[*b.ContactField] == nil:
			in.Add(at+".contactField", usererror.Invalid, "a contact has the fields phone, name, language and country, not %q",
				*b.ContactField)
		}

		seen[b.Parameter] = true
	}

	if len(*in) > sound {
		return
	}

	for _, p := range newBinder(template, bindings).constants() {
		if p.Rule != "MISSING" { // a draft need not be complete
			in.Add(p.field, account.FaultOf(p.ValueError), "parameter %q %s", p.Parameter, p.Message)
		}
	}
}

// ready says whether a campaign may be launched; if not, everything that stands in its way.
func (s *Service) ready(ctx context.Context, c *ent.Campaign) error {
	var in usererror.Fields
	if c.ExpiresAt != nil && !c.ExpiresAt.After(s.now()) {
		in.Add("campaignId", usererror.Stale, "the campaign expired at %s", c.ExpiresAt.UTC().Format(time.RFC3339))
	}

	if c.Status == enum.CampaignStatusDraft && c.ScheduledAt != nil && hasPassed(*c.ScheduledAt, s.now()) {
		in.Add("campaignId", usererror.Stale,
			"the campaign was to start at %s, which has passed; draft it anew with a time ahead, or with none to start at the launch",
			c.ScheduledAt.UTC().Format(time.RFC3339))
	}

	if err := s.sendable(ctx, c); err != nil {
		var more usererror.Fields
		if !asInputs(err, &more) {
			return err
		}

		in = append(in, more...)
	}

	template, err := s.db.Client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}

	unbound := unboundParameters(template, c.Parameters)
	if len(unbound) > 0 {
		in.Add("campaignId", usererror.Required, "these parameters of the template are not bound: %s",
			strings.Join(unbound, ", "))
	}

	for _, p := range newBinder(template, c.Parameters).constants() {
		in.Add("campaignId", account.FaultOf(p.ValueError), "%s: parameter %q %s", p.field, p.Parameter, p.Message)
	}

	if len(in) == 0 {
		if err := s.checkRecipients(ctx, c, template, &in); err != nil {
			return err
		}
	}

	return in.Err()
}

func unboundParameters(template *ent.Template, bindings []jsonfield.ParameterBinding) (names []string) {
	bound := map[string]bool{}
	for _, b := range bindings {
		bound[b.Parameter] = true
	}

	for _, p := range account.Of(template).Parameters() {
		if !bound[p.Name] {
			names = append(names, p.Name)
		}
	}

	return names
}

// checkRecipients refuses an empty audience and, where the campaign says FAIL, recipients without a
// value.
func (s *Service) checkRecipients(ctx context.Context, c *ent.Campaign, template *ent.Template,
	in *usererror.Fields) error {
	first, err := s.page(ctx, c, uid.ID{}, 1)
	if err != nil {
		return err
	}

	if len(first) == 0 {
		in.Add("campaignId", usererror.Invalid, "the audience is empty: nobody would receive it")
		return nil
	}

	if c.MissingParameter != enum.MissingParameterPolicyFail {
		return nil
	}

	return s.checkValues(ctx, c, template, in)
}

// checkValues refuses recipients without a value, and those with one that WhatsApp would refuse.
func (s *Service) checkValues(ctx context.Context, c *ent.Campaign, template *ent.Template,
	in *usererror.Fields) error {
	bind := newBinder(template, c.Parameters)
	var after uid.ID
	var missing, refused tally

	for {
		page, err := s.page(ctx, c, after, pageSize)
		if err != nil {
			return err
		}

		for _, r := range page {
			_, problems := bind.values(r)
			switch unfit(problems) {
			case enum.SkipReasonMissingParameter:
				missing.add(r, problems)
			case enum.SkipReasonInvalidParameter:
				refused.add(r, problems)
			}
		}

		if len(page) < pageSize {
			break
		}

		after = page[len(page)-1].ID
	}

	if missing.people > 0 {
		in.Add("campaignId", usererror.Required,
			"%d recipients lack a value, e.g. %s; give the bindings a fallback, or choose missingParameter SKIP",
			missing.people, strings.Join(missing.examples, "; "))
	}

	if refused.people > 0 {
		in.Add("campaignId", usererror.Invalid,
			"%d recipients have a value that WhatsApp refuses, e.g. %s; mend their contacts, or choose missingParameter SKIP",
			refused.people, strings.Join(refused.examples, "; "))
	}

	return nil
}

// tally counts recipients who cannot be written to, and names the first of them.
type tally struct {
	people   int
	examples []string
}

func (t *tally) add(r audience.Recipient, problems []*whatsapp.ValueError) {
	if t.people++; len(t.examples) == namedMissing {
		return
	}

	texts := make([]string, len(problems))
	for i, p := range problems {
		if texts[i] = p.Parameter; p.Rule != "MISSING" {
			texts[i] += " " + p.Message
		}
	}

	t.examples = append(t.examples, r.Phone+" ("+strings.Join(texts, ", ")+")")
}

func (s *Service) page(ctx context.Context, c *ent.Campaign, after uid.ID, limit int) (page []audience.Recipient,
	err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		page, err = audience.Page(ctx, tx, c.OrganizationID, c.AudienceRule, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audience of %s: %w", c.ID, err)
	}

	return page, nil
}
