package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"

	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/template"
	"carillon/timezone"
	"carillon/uid"
	"carillon/whatsapp"
)

// plan makes messages of a campaign's recipients. Enrolment and estimate share it, so that they
// agree: it says who gets which translation with which values and when, and who is left out.
type plan struct {
	campaign     *ent.Campaign
	organization *ent.Organization
	account      uid.ID
	quiet        *delivery.QuietHours
	at           time.Time           // when the messages are made
	chosen       binder              // of the campaign's template
	translations map[string]binder   // approved ones, by language as languageKey writes it
	byBase       map[string][]string // their keys by base language and script, in alphabetical order
}

// plan reads what a campaign's messages are made of. The client may be a transaction's.
func (s *Service) plan(ctx context.Context, client *ent.Client, c *ent.Campaign) (*plan, error) {
	p := &plan{campaign: c, at: s.now(), translations: map[string]binder{}, byBase: map[string][]string{}}
	var err error
	if p.organization, err = client.Organization.Get(ctx, c.OrganizationID); err != nil {
		return nil, fmt.Errorf("read organization: %w", err)
	}

	p.quiet = delivery.QuietHoursOf(p.organization)

	number, err := client.PhoneNumber.Get(ctx, c.PhoneNumberID)
	if err != nil {
		return nil, fmt.Errorf("read phone number: %w", err)
	}

	p.account = number.AccountID
	of, err := client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	p.chosen = newBinder(of, c.Parameters)
	if !c.Translate {
		return p, nil
	}

	approved, err := client.Template.Query().Where(template.OrganizationID(c.OrganizationID),
		template.AccountID(of.AccountID), template.Name(of.Name), template.StatusEQ(enum.TemplateStatusApproved)).
		Order(template.ByLanguage()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read translations: %w", err)
	}

	for _, t := range approved {
		p.translate(t)
	}

	return p, nil
}

// translate takes a translation. Whoever has no value for one of its parameters does not get it.
func (p *plan) translate(t *ent.Template) {
	key := languageKey(t.Language)
	base := baseKey(key)
	p.translations[key], p.byBase[base] = newBinder(t, p.campaign.Parameters), append(p.byBase[base], key)
}

// languageKey is a language as it is compared: zh-CN, zh_cn and ZH_CN are one.
func languageKey(code string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(code), "-", "_"))
}

// baseKey is a language without its region, and the script in which it is written there: whoever
// reads zh_HK does not read zh_CN.
func baseKey(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}

	base, _ := tag.Base()
	script, _ := tag.Script()

	return base.String() + " " + script.String()
}

// binderFor is that of the translation which a person gets: exactly theirs, else that of their base
// language, else any of it in the same script, else the campaign's template.
func (p *plan) binderFor(r audience.Recipient) binder {
	if len(p.translations) == 0 || r.Language == "" {
		return p.chosen
	}

	key := languageKey(r.Language)
	bare, _, _ := strings.Cut(key, "_")
	same := p.byBase[baseKey(key)]

	for _, candidate := range append([]string{key, bare}, same...) {
		b, there := p.translations[candidate]
		if there && b.fills(r) && (candidate == key || baseKey(candidate) == baseKey(key)) {
			return b
		}
	}

	return p.chosen
}

// message is what a recipient gets, or why they get nothing, and what is wrong with their values.
func (p *plan) message(r audience.Recipient) (delivery.Outgoing, []*whatsapp.ValueError) {
	bind := p.binderFor(r)
	values, problems := bind.values(r)

	zone := r.Zone(p.organization.TimeZone)
	m := delivery.Outgoing{
		Campaign: p.campaign.ID, Template: bind.row.ID, PhoneNumber: p.campaign.PhoneNumberID, Account: p.account,
		Contact: r.ID, Address: r.Address(), Country: r.Country, Type: enum.MessageTypeTemplate,
		Category: bind.row.Category, Parameters: values, Skip: p.skip(bind.row, r, problems),
		Reference: r.Reference,
		NotBefore: p.notBefore(zone), TimeZone: zone,
	}
	p.quiet.Hold(&m, p.at)

	return m, problems
}

// notBefore is when a person's own clock shows the campaign's start; zero is at once.
func (p *plan) notBefore(in string) time.Time {
	if !p.campaign.RecipientTime || p.campaign.ScheduledAt == nil {
		return time.Time{}
	}

	zone, err := timezone.Load(in)
	if err != nil {
		zone = time.UTC
	}

	return atWallClock(wallClock(*p.campaign.ScheduledAt, p.campaign.TimeZone), zone).UTC()
}

// skip says why a recipient is left out; empty when they are not. The first reason counts. What may
// change while a message waits is Eligibility's, and looked at again when it is to be sent.
func (p *plan) skip(t *ent.Template, r audience.Recipient, problems []*whatsapp.ValueError) enum.SkipReason {
	barred := delivery.Eligibility{Category: t.Category, Consent: r.Consent, Suppressed: r.Suppressed,
		Country: r.Country, RequireOptIn: p.organization.SendingPolicy.RequireOptIn}.Barred()
	switch {
	// WhatsApp takes no code for a user id
	case r.Address() == "", r.Phone == "" && t.Category == enum.TemplateCategoryAuthentication:
		return enum.SkipReasonInvalidNumber
	case barred != "":
		return barred
	}

	return unfit(problems)
}

// messages are those of a page of recipients.
func (p *plan) messages(page []audience.Recipient) []delivery.Outgoing {
	out := make([]delivery.Outgoing, len(page))
	for i, r := range page {
		out[i], _ = p.message(r)
	}

	return out
}
