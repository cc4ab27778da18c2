package whatsapp

import "slices"

// CountryRule is a category of templates that WhatsApp delivers to nobody in a country.
type CountryRule struct {
	Country  string // ISO 3166 of the recipient's number; of +1, not all numbers are one country's
	Category string
	Since    string // a day
	Code     int    // the error of a message that is sent all the same
	Source   string
}

// CountryRules lists them.
var CountryRules = []CountryRule{
	{"US", "MARKETING", "2025-04-01", 131049,
		"developers.facebook.com, WhatsApp \"Per-user marketing template message limits\" (read 2026-04)"},
}

// CountryRuleOf is the rule that keeps a category from a country.
func CountryRuleOf(country, category string) (CountryRule, bool) {
	i := slices.IndexFunc(CountryRules, func(r CountryRule) bool {
		return r.Country == country && r.Category == category
	})
	if i < 0 {
		return CountryRule{}, false
	}

	return CountryRules[i], true
}
