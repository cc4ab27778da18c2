package whatsapp

import (
	"regexp"
	"testing"
	"time"
)

func TestARuleOfACountryIsOfItsCategoryAloneAndSaysItsSource(t *testing.T) {
	t.Parallel()
	for of, want := range map[[2]string]bool{{"US", "MARKETING"}: true, {"US", "UTILITY"}: false,
		{"CA", "MARKETING"}: false, {"", "MARKETING"}: false, {"US", ""}: false, {"us", "MARKETING"}: false} {
		if rule, is := CountryRuleOf(of[0], of[1]); is != want || is && (rule.Country != of[0] || rule.Category != of[1]) {
			t.Errorf("%v: %t, %+v", of, is, rule)
		}
	}

	for _, r := range CountryRules {
		if _, err := time.Parse(time.DateOnly, r.Since); err != nil || r.Source == "" ||
			!regexp.MustCompile(`^[A-Z]{2}$`).MatchString(r.Country) || RuleFor(r.Code, 0, 0, false).Code != r.Code {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
