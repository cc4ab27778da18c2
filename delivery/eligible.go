package delivery

import (
	"strings"

	"carillon/ent/enum"
	"carillon/whatsapp"
)

// Eligibility is what decides whether a message may be written to its person now. Consent, policy
// and category change while a message waits, so it is asked when the message is made and again by
// every claim; nobody decides it elsewhere.
type Eligibility struct {
	Category     enum.TemplateCategory // of the template, as it is now; empty for a text or a file
	Consent      enum.Consent          // to marketing; empty when the contact is gone
	RequireOptIn bool                  // the organization's sending policy
	Suppressed   bool                  // one of the person's numbers is on the suppression list
	Country      string                // ISO 3166 of the person's number; empty where it says none
}

// eligibility says why a message of marketing may not go, in Go and in SQL. The first reason
// counts. What is not marketing needs nobody's consent, and costs no look-up.
//
// Whatever else may forbid a message at the last moment, such as a suppression list or a cap on
// frequency, is a field of Eligibility and a row here; what concerns all categories goes before the
// question for marketing in Barred and in barred.
var eligibility = []struct {
	reason enum.SkipReason
	bars   func(Eligibility) bool
	sql    func(consent, requireOptIn string) string // a null consent is no contact
}{
	{enum.SkipReasonContactDeleted, func(e Eligibility) bool { return e.Consent == "" },
		func(consent, _ string) string { return consent + " IS NULL" }},
	{enum.SkipReasonOptedOut, func(e Eligibility) bool { return e.Consent == enum.ConsentOptedOut },
		func(consent, _ string) string { return consent + " = 'OPTED_OUT'" }},
	{enum.SkipReasonNoOptIn, func(e Eligibility) bool { return e.RequireOptIn && e.Consent != enum.ConsentOptedIn },
		func(consent, requireOptIn string) string { return consent + " <> 'OPTED_IN' AND " + requireOptIn }},
}

// Barred says why the message may not go; empty when it may.
func (e Eligibility) Barred() enum.SkipReason {
	switch {
	case e.Suppressed: // whatever is to be said to them
		return enum.SkipReasonSuppressed
	case e.ruledOut():
		return enum.SkipReasonCountryRule
	case !e.marketing():
		return ""
	}

	for _, rule := range eligibility {
		if rule.bars(e) {
			return rule.reason
		}
	}

	return ""
}

// ruledOut reports whether WhatsApp delivers nothing of the category to the country.
func (e Eligibility) ruledOut() bool {
	_, ruled := whatsapp.CountryRuleOf(e.Country, string(e.Category))
	return ruled
}

func (e Eligibility) marketing() bool { return e.Category == enum.TemplateCategoryMarketing }

// sender is whose messages a statement looks at, by its parameter $1, and how it knows what they
// have in common: PostgreSQL and SQLite read that once in a statement.
type sender struct {
	messages, organization, category, requireOptIn string
}

var (
	ofCampaign = sender{
		messages: "campaign_id = $1 AND EXISTS (SELECT 1 FROM campaign WHERE campaign.id = $1" +
			" AND campaign.status = 'RUNNING'" + maySend("campaign.organization_id") + ")",
		category: `(SELECT template.category FROM template
			WHERE template.id = (SELECT campaign.template_id FROM campaign WHERE campaign.id = $1))`,
		organization: organizationOfCampaign,
		requireOptIn: requireOptIn(organizationOfCampaign),
	}
	single = sender{
		messages:     "phone_number_id = $1 AND campaign_id IS NULL" + numberMaySend,
		category:     "(SELECT template.category FROM template WHERE template.id = message.template_id)",
		organization: organizationOfNumber,
		requireOptIn: requireOptIn(organizationOfNumber),
	}
)

const (
	organizationOfCampaign = "(SELECT campaign.organization_id FROM campaign WHERE campaign.id = $1)"
	organizationOfNumber   = "(SELECT phone_number.organization_id FROM phone_number WHERE phone_number.id = $1)"
)

func requireOptIn(organization string) string {
	return "(SELECT CAST(organization.sending_policy ->> 'requireOptIn' AS text) FROM organization" +
		" WHERE organization.id = " + organization + ") IN ('true', '1')"
}

// barred is Eligibility.Barred in SQL, for a row of message; null when it may go.
func (s sender) barred() string {
	return "CASE WHEN message.address = '' THEN '" + string(enum.SkipReasonContactDeleted) + "' WHEN " +
		Suppresses(s.organization) + " AND (" + SuppressedContact("message.contact_id") + " OR " +
		suppressedAddress + ") THEN '" + string(enum.SkipReasonSuppressed) + "' " + s.ruledOut() + "WHEN " +
		s.category + " = 'MARKETING' THEN" +
		" (SELECT " + s.reason("person.consent") + " FROM (SELECT " + consent + " AS consent LIMIT 1) AS person) END"
}

// ruledOut is Eligibility.ruledOut in SQL, for a row of message.
func (s sender) ruledOut() (cases string) {
	for _, rule := range whatsapp.CountryRules {
		cases += "WHEN message.country = '" + rule.Country + "' AND " + s.category + " = '" + rule.Category + "' THEN '" +
			string(enum.SkipReasonCountryRule) + "' "
	}

	return cases
}

// Suppresses holds, in SQL, where an organization has a suppression list at all, or has erased
// somebody. Databases look once in a statement, so that for most organizations it costs nothing.
func Suppresses(organization string) string {
	return "(EXISTS (SELECT 1 FROM suppression WHERE suppression.organization_id = " + organization + ")" +
		" OR EXISTS (SELECT 1 FROM organization WHERE organization.id = " + organization +
		" AND organization.erasure_key IS NOT NULL))"
}

// SuppressedContact holds, in SQL, for a contact one of whose numbers is on the suppression list,
// or who has a number or a user id of somebody who was erased: package audience marks those when
// they are kept.
func SuppressedContact(id string) string {
	return "(EXISTS (SELECT 1 FROM contact_identifier AS own JOIN suppression" +
		" ON suppression.organization_id = own.organization_id AND suppression.number_key = own.value" +
		" WHERE own.contact_id = " + id + " AND own.kind = 'PHONE') OR EXISTS (SELECT 1 FROM contact_identifier AS former" +
		" WHERE former.contact_id = " + id + " AND former.erased))"
}

// suppressedAddress holds for a message to a number on the list, whoever has it.
const suppressedAddress = "EXISTS (SELECT 1 FROM suppression WHERE suppression.organization_id =" +
	" message.organization_id AND suppression.number_key = message.address)"

func (s sender) reason(consent string) string {
	cases := make([]string, len(eligibility))
	for i, rule := range eligibility {
		cases[i] = "WHEN " + rule.sql(consent, s.requireOptIn) + " THEN '" + string(rule.reason) + "'"
	}

	return "CASE " + strings.Join(cases, " ") + " END"
}

// consent is that of a message's person, who is looked up by id, and by address where that is
// nobody's: they may have become a contact since, or have said stop without being one. In a
// subquery with a limit it is looked up once for all rules. Ordered by an expression, for in the
// order of an index SQLite reads the organization's contacts until it meets the number.
const consent = `coalesce((SELECT contact.marketing_consent FROM contact WHERE contact.id = message.contact_id),
	(SELECT contact.marketing_consent FROM contact WHERE contact.organization_id = message.organization_id
	AND contact.phone = message.address ORDER BY coalesce(contact.id, contact.id) LIMIT 1),
	(SELECT contact.marketing_consent FROM contact_identifier
	JOIN contact ON contact.id = contact_identifier.contact_id WHERE ` + addressed + ` LIMIT 1),
	CASE WHEN message.contact_id IS NULL THEN coalesce((SELECT said.consent FROM contact_identifier
	JOIN consent_record said ON said.contact_id = contact_identifier.contact_id
		WHERE ` + addressed + ` AND said.consent = 'OPTED_OUT' AND NOT EXISTS (SELECT 1 FROM consent_record later
			WHERE later.contact_id = said.contact_id
			AND later.consent = 'OPTED_IN' AND later.said_by = 'CONTACT' AND later.said_at > said.said_at)
			LIMIT 1), 'UNKNOWN') END)`

const addressed = `contact_identifier.organization_id = message.organization_id AND contact_identifier.kind IN ('PHONE', 'USER_ID') AND contact_identifier.value = message.address`
