package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/account"
	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/timezone"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxName       = 200
	maxRateLimit  = 1000         // no number of WhatsApp's sends faster
	maxCanaryWait = 24 * 60 * 60 // seconds
	namedMissing  = 5            // recipients without a value that a refusal names
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
	TimeZone               *string // in which ScheduledAt is meant
	RecipientTime          bool    // the wall clock of ScheduledAt holds in each person's own zone
	Translate              bool
	Canary                 *jsonfield.Canary
	Reference              *string
	IdempotencyKey         string `json:"-"`
}

// Create makes a draft. What is wrong with it comes back as usererror.Fields, all at once.
func (s *Service) Create(ctx context.Context, d Draft) (*ent.Campaign, error) {
	return s.create(ctx, d, audit.ActionCampaignCreate, "drafted campaign %q")
}

// create makes a draft, with an audit event whose summary takes the campaign's name.
func (s *Service) create(ctx context.Context, d Draft, action, summary string) (*ent.Campaign, error) {
	d.Name = strings.TrimSpace(d.Name)
	d.MissingParameter = cmp.Or(d.MissingParameter, enum.MissingParameterPolicySkip)
	if err := s.check(ctx, d); err != nil {
		return nil, err
	}

	var id uid.ID
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := audience.Hold(ctx, tx, d.Audience); err != nil {
			return err
		}

		made, replayed, err := s.identity.Once(ctx, tx, "createCampaign", d.IdempotencyKey, d, func() (uid.ID, error) {
			c := tx.Client.Campaign.Create()
			d.write(c.Mutation())
			d.writeCanary(c.Mutation())
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

		return audit.Record(ctx, tx, audit.Entry{Action: action, Subject: id, Summary: fmt.Sprintf(summary, d.Name)})
	})
	if err != nil {
		return nil, err
	}

	return s.find(ctx, id)
}

func (s *Service) check(ctx context.Context, d Draft) error { return s.checkParts(ctx, d, false, nil) }

// checkParts looks at all of a draft or, of a campaign that has begun, at the parts that change:
// what else it is made of may be gone by now.
func (s *Service) checkParts(ctx context.Context, d Draft, begun bool, changed []string) error {
	var in usererror.Fields
	d.checkTexts(&in)
	d.checkNumbers(&in)
	if !begun || slices.Contains(changed, "expiresAt") {
		d.checkTimes(s.now(), &in, begun || changed != nil && !slices.Contains(changed, "scheduledAt"))
	}
	if begun {
		return in.Err()
	}

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

func (d Draft) checkTexts(in *usererror.Fields) {
	switch {
	case d.Name == "":
		in.Add("name", usererror.Required, "a campaign needs a name")
	case utf8.RuneCountInString(d.Name) > maxName:
		in.Add("name", usererror.TooLong, "the name has more than %d characters", maxName)
	case !usererror.OneLine(d.Name):
		in.Add("name", usererror.Invalid, usererror.NotOneLine)
	}

	if d.Reference != nil {
		delivery.CheckReference(in, "reference", *d.Reference)
	}
}

func (d Draft) checkNumbers(in *usererror.Fields) {
	if d.RateLimit != nil && (*d.RateLimit < 1 || *d.RateLimit > maxRateLimit) {
		in.Add("rateLimit", usererror.Invalid, "the rate limit is 1 to %d messages a second, or null", maxRateLimit)
	}
	if t := d.FailureThreshold; t != nil && !(*t > 0 && *t <= 1) { // NaN neither
		in.Add("failureThreshold", usererror.Invalid, "the failure threshold is a share over 0 and up to 1, e.g. 0.2")
	}

	if d.Canary == nil {
		return
	}
	if d.Canary.Size < 1 {
		in.Add("canary.size", usererror.Invalid, "a canary has at least one message")
	}
	if d.Canary.WaitSeconds < 0 || d.Canary.WaitSeconds > maxCanaryWait {
		in.Add("canary.waitSeconds", usererror.Invalid, "the wait is 0 to %d seconds", maxCanaryWait)
	}
	if r := d.Canary.MaxFailureRate; !(r >= 0 && r <= 1) {
		in.Add("canary.maxFailureRate", usererror.Invalid, "the share that may fail is 0 to 1, e.g. 0.1")
	}
}

const (
	// late is how far behind us a start may lie that still means now: the caller's clock is not ours,
	// and the request took its time.
	late = time.Minute
	// farthest is how far ahead a time may lie. What is further off is a wrong year.
	farthest = 366 * 24 * time.Hour
)

// checkTimes refuses a start that has passed, unless it was given before. Such a campaign would go
// out to everybody at its launch, and a wrong year cannot be taken back.
func (d Draft) checkTimes(now time.Time, in *usererror.Fields, startKnown bool) {
	for _, t := range []struct {
		field string
		at    *time.Time
	}{{"scheduledAt", d.ScheduledAt}, {"expiresAt", d.ExpiresAt}} {
		if t.at != nil && t.at.After(now.Add(farthest)) {
			in.Add(t.field, usererror.Invalid, "%s is more than a year ahead; is the year right?",
				t.at.UTC().Format(time.RFC3339))
		}
	}

	if d.TimeZone != nil {
		if _, err := timezone.Load(*d.TimeZone); err != nil {
			in.Add("timeZone", usererror.Invalid, "%q is not a time zone: write its IANA name, e.g. Asia/Shanghai", *d.TimeZone)
			return
		}
	}

	if d.RecipientTime && (d.ScheduledAt == nil || d.TimeZone == nil) {
		in.Add("recipientTime", usererror.Required,
			"to hold in each person's own zone, the start needs scheduledAt and the timeZone in which it is meant")
		return
	}

	if last := d.lastStart(); last != nil && !startKnown && hasPassed(*last, now) {
		in.Add("scheduledAt", usererror.Invalid, "%s has passed; give a time ahead, or none to start at the launch",
			last.UTC().Format(time.RFC3339))
	}

	if d.ExpiresAt != nil && (!d.ExpiresAt.After(now) || d.ScheduledAt != nil && !d.ExpiresAt.After(*d.lastStart())) {
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
