package transactional

import (
	"context"
	"fmt"
	"strconv"

	"carillon/account"
	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// maxValues is more than any template takes.
const maxValues = 200

// template takes a template with its values.
func (c *check) template(ctx context.Context, t Template, out *delivery.Outgoing) error {
	out.Type, out.Template = enum.MessageTypeTemplate, t.TemplateID
	row, err := c.client.Template.Get(ctx, t.TemplateID)
	if ent.IsNotFound(err) {
		c.in.Add("content.template.templateId", usererror.NoSuch, "there is no such template")
		return nil
	}

	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}

	out.Category = row.Category
	switch {
	case c.number != nil && row.AccountID != c.number.AccountID:
		c.in.Add("content.template.templateId", usererror.Invalid,
			"the template and the phone number belong to different WhatsApp accounts")
	case row.Status != enum.TemplateStatusApproved:
		c.in.Add("content.template.templateId", usererror.Invalid,
			"template %s is %s%s; only an APPROVED template can be sent", row.Name, row.Status, because(row.RejectionReason))
	}

	c.consent(row)
	out.Parameters = c.values(row, t.Values)

	return nil
}

// consent notes why a person may not get marketing.
func (c *check) consent(template *ent.Template) {
	if c.address == "" {
		return
	}

	if template.Category == enum.TemplateCategoryAuthentication && audience.IsUserID(c.address) {
		c.in.Add("to", usererror.Invalid, "an AUTHENTICATION template goes to a phone number, and none is known of %s",
			c.address)
	}

	switch reason := (delivery.Eligibility{Category: template.Category, Consent: c.says, Country: c.country,
		RequireOptIn: c.organization.SendingPolicy.RequireOptIn}).Barred(); reason {
	case "":
	case enum.SkipReasonCountryRule:
		rule, _ := whatsapp.CountryRuleOf(c.country, string(template.Category))
		c.in.Add("to", usererror.NotAllowed, "WhatsApp delivers no %s template to numbers of the country %s (since %s), "+
			"and %s is one of these", rule.Category, rule.Country, rule.Since, template.Name)
	case enum.SkipReasonOptedOut:
		c.in.Add("to", usererror.NotAllowed, "%s has opted out of marketing, and %s is a MARKETING template", c.address,
			template.Name)
	case enum.SkipReasonNoOptIn:
		c.in.Add("to", usererror.NotAllowed,
			"the organization sends marketing only to people who have opted in, and %s has not", c.address)
	default:
		c.in.Add("to", usererror.NotAllowed, "%s may not be written to: %s", c.address, reason)
	}
}

// values binds the template's parameters, and notes what WhatsApp would refuse beside the value at
// fault.
func (c *check) values(row *ent.Template, given []Value) map[string]string {
	const field = "content.template.values"
	if len(given) > maxValues {
		c.in.Add(field, usererror.LimitExceeded, "there are %d values; at most %d", len(given), maxValues)
		return nil
	}

	template := account.Of(row)
	values, at := map[string]string{}, map[string]string{}

	for i, v := range given {
		place := field + "." + strconv.Itoa(i)
		switch {
		case !template.Takes(v.Parameter):
			c.in.Add(place+".parameter", usererror.Invalid, "the template has no parameter %q", v.Parameter)
			continue
		case at[v.Parameter] != "":
			c.in.Add(place+".parameter", usererror.Invalid, "parameter %q has two values", v.Parameter)
			continue
		}

		values[v.Parameter], at[v.Parameter] = v.Value, place+".value"
	}

	_, problems := template.Message(values)
	for _, p := range problems {
		place := at[p.Parameter]
		if place == "" {
			place = field
		}

		c.in.Add(place, account.FaultOf(p), "parameter %q %s", p.Parameter, p.Message)
	}

	return values
}
