package pricing

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

const (
	july    = "2026-07-01"
	october = "2026-10-01"
)

func TestAMarketIsFoundByTheLongestCallingCode(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]struct{ july, october Market }{
		"+4915112345678":  {"Germany", "Germany"},
		"+14155550123":    {"North America", "North America"},
		"+18095550123":    {"Rest of Latin America", "Rest of Latin America"},
		"+18295550123":    {"Rest of Latin America", "Rest of Latin America"},
		"+18765550123":    {"Rest of Latin America", "Rest of Latin America"},
		"+17875550123":    {"Rest of Latin America", "Rest of Latin America"},
		"+12425550123":    {"North America", "North America"},
		"+79161234567":    {"Russia", "Russia"},
		"+77011234567":    {"Russia", "Kazakhstan"},
		"+76011234567":    {"Russia", "Kazakhstan"},
		"+8801712345678":  {"Rest of Asia Pacific", "Bangladesh"},
		"+9647912345678":  {"Rest of Middle East", "Iraq"},
		"+212650123456":   {"Rest of Africa", "Morocco"},
		"+380501234567":   {"Rest of Central & Eastern Europe", "Ukraine"},
		"+94712345678":    {"Rest of Asia Pacific", "Sri Lanka"},
		"+35312345678":    {"Rest of Western Europe", "Rest of Western Europe"},
		"+8613800138000":  {"Rest of Asia Pacific", "Rest of Asia Pacific"},
		"+3545812345":     {Other, Other}, // Iceland is on no list
		"+80012345678":    {Other, Other},
		"+99999999999999": {Other, Other},
		"+":               {Other, Other},
	} {
		for day, want := range map[string]Market{july: want.july, october: want.october} {
			if got, ok := (Recipient{Address: number}).market(day); got != want || !ok {
				t.Errorf("%s is in %s on %s, want %s", number, got, day, want)
			}
		}
	}
}

func TestAPersonKnownByUserIDIsWhereTheirCountryIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		who  Recipient
		want Market
		ok   bool
	}{
		"by the id":                {Recipient{"US.13491208655302741918", ""}, "North America", true},
		"by the id of an employee": {Recipient{"KZ.ENT.13491", "DE"}, "Kazakhstan", true},
		"by their country":         {Recipient{"", "do"}, "Rest of Latin America", true},
		"and a number goes first":  {Recipient{"+4915112345678", "FR"}, "Germany", true},
		"in a country of Other":    {Recipient{"IS.1", ""}, Other, true},
		"where nothing is known":   {Recipient{"", ""}, Other, false},
		"in no country":            {Recipient{"ZZ.1", ""}, Other, false},
	} {
		if got, ok := tc.who.market(october); ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s: %s, %v", name, got, ok)
		}
	}
}

// TestEveryCountryFallsIntoOneMarket goes through all calling codes of libphonenumber: each is in
// exactly one market, and by number and by country it is the same one.
func TestEveryCountryFallsIntoOneMarket(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"2025-07-01", july, october, "2027-01-01"} {
		seen := map[Market]bool{}
		for region := range phonenumbers.GetSupportedRegions() {
			number := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
			if number == nil {
				number = phonenumbers.GetExampleNumber(region)
			}

			e164 := phonenumbers.Format(number, phonenumbers.E164)
			byNumber, _ := Recipient{Address: e164}.market(day)
			byCountry, ok := Recipient{Country: region}.market(day)
			if !ok || byNumber != byCountry || !existsOn(byNumber, day) {
				t.Errorf("%s: %s (%s) is in %q by number, in %q by country", day, region, e164, byNumber, byCountry)
			}

			seen[byNumber] = true
		}

		for _, row := range markets {
			if existsOn(row.market, day) != seen[row.market] {
				t.Errorf("%s: nobody is in %s, or somebody is before it exists", day, row.market)
			}
		}
	}
}

func TestNoCallingCodeIsInTwoMarkets(t *testing.T) {
	t.Parallel()
	of := map[string]Market{}
	for _, row := range markets {
		for _, code := range strings.Fields(row.codes) {
			if other, twice := of[code+row.since]; twice {
				t.Errorf("%s is in %s and in %s", code, other, row.market)
			}

			of[code+row.since] = row.market
			if len(code) > longestCode {
				t.Errorf("%s of %s is longer than what is looked at", code, row.market)
			}

			n, _ := strconv.Atoi(code)
			if len(phonenumbers.GetRegionCodesForCountryCode(n)) == 0 && len(code) < longestCode &&
				code != "76" && code != "77" {
				t.Errorf("%s of %s is no country's", code, row.market)
			}
		}
	}
}

func TestMarketsHaveTheNumberThatMetaNames(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]int{july: 38, october: 47} {
		n := 0
		for _, row := range markets {
			if existsOn(row.market, day) {
				n++
			}
		}

		if n != want {
			t.Errorf("%d markets on %s, want %d", n, day, want)
		}
	}
}

func TestMarketsAreReadAsCardsWriteThem(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]Market{
		"Rest of Central and Eastern Europe": "Rest of Central & Eastern Europe",
		"REST OF ASIA-PACIFIC":               "Rest of Asia Pacific",
		" United\nKingdom ":                  "United Kingdom", "UAE": "United Arab Emirates", "Türkiye": "Turkey",
		"Other*":                           Other,
		"rest of central & eastern europe": "Rest of Central & Eastern Europe", "Atlantis": "", "": "", "49": "",
	} {
		if got, ok := marketNamed(cell); got != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}

	if !slices.ContainsFunc(markets, func(r marketRow) bool { return r.market == Other }) {
		t.Error("nobody can be in Other")
	}
}
