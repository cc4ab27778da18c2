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
		if err := audience.Hold(ctx, tx, d.Audience); err != nil {
			return err
		}

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
	of, names := account.Of(template), []string{}
	for _, p := range of.Parameters() {
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
		case !of.Takes(b.Parameter):
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
