package pricing

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// Market is one of the parts into which Meta divides the world to price messages, by its name on
// Meta's cards.
type Market string

// Other is the market of everybody who is in no other.
const Other Market = "Other"

// October2026 is the first day on which messages outside of templates are charged, and on which
// nine countries became markets of their own.
const October2026 = "2026-10-01"

// marketRow is a market: since which day, and whose calling codes it has. Of several rows that have
// the beginning of a number the longest holds, and of the same one the newest.
type marketRow struct {
	market Market
	since  string // a day; empty: always
	codes  string
	names  string // what else it is called on cards, folded, separated by commas
}

// markets are Meta's, as developers.facebook.com/docs/whatsapp/pricing names them ("Countries and
// regions that map to each market", read 2026-09), with those that its notice for 2026-10-01
// announced. Whatever no row names is in Other.
var markets = []marketRow{
	{"Argentina", "", "54", ""}, {"Brazil", "", "55", ""}, {"Chile", "", "56", ""}, {"Colombia", "", "57", ""},
	{"Egypt", "", "20", ""}, {"France", "", "33", ""}, {"Germany", "", "49", ""}, {"Hong Kong", "", "852", "hongkong"},
	{"Hungary", "", "36", ""}, {"India", "", "91", ""}, {"Indonesia", "", "62", ""}, {"Israel", "", "972", ""},
	{"Italy", "", "39", ""}, {"Malaysia", "", "60", ""}, {"Mexico", "", "52", ""},
	{"Netherlands", "", "31", "the netherlands"},
	{"Nigeria", "", "234", ""}, {"Pakistan", "", "92", ""}, {"Peru", "", "51", ""}, {"Poland", "", "48", ""},
	{"Qatar", "", "974", ""}, {"Romania", "", "40", ""}, {"Russia", "", "7", "russian federation"},
	{"Saudi Arabia", "", "966", "ksa"}, {"Singapore", "", "65", ""}, {"South Africa", "", "27", ""},
	{"Spain", "", "34", ""}, {"Turkey", "", "90", "türkiye,turkiye"},
	{"United Arab Emirates", "", "971", "uae"}, {"United Kingdom", "", "44", "uk,great britain"},

	{"Bangladesh", October2026, "880", ""}, {"Iraq", October2026, "964", ""},
	{"Kazakhstan", October2026, "76 77", ""}, {"Kuwait", October2026, "965", ""},
	{"Morocco", October2026, "212", ""}, {"Nepal", October2026, "977", ""}, {"Oman", October2026, "968", ""},
	{"Sri Lanka", October2026, "94", ""}, {"Ukraine", October2026, "380", ""},

	{"North America", "", "1", ""},
	{"Rest of Africa", "", `213 244 229 267 226 257 237 235 242 291 251 241 220 233 245 225 254 266 231 218 261 265 223
		222 212 258 264 227 250 221 232 252 211 249 268 255 228 216 256 260 263`, ""},
	{"Rest of Asia Pacific", "", `93 61 880 855 86 81 856 976 977 64 675 63 94 886 992 66 993 998 84`,
		"rest of apac"},
	{"Rest of Central & Eastern Europe", "", `355 374 994 375 359 385 420 995 30 371 370 373 389 381 421 386 380`,
		"rest of cee"},
	{"Rest of Latin America", "", `591 506 593 503 502 509 504 505 507 595 598 58
		1809 1829 1849 1658 1876 1787 1939`, "rest of latam"},
	{"Rest of Middle East", "", `973 964 962 965 961 968 967`, ""},
	{"Rest of Western Europe", "", `43 32 45 358 353 47 351 46 41`, ""},
	{Other, "", "", ""},
}

// longestCode is how many digits tell a market.
const longestCode = 4

// atlas finds markets as they are from one day on.
type atlas struct {
	since string
	of    map[string]Market // by the beginning of a number
}

// atlases are those of each day on which markets changed, the oldest first.
var atlases = sync.OnceValue(func() (all []atlas) {
	var days []string
	for _, row := range markets {
		days = append(days, row.since)
	}

	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		of, since := map[string]Market{}, map[string]string{}
		for _, row := range markets {
			for _, code := range strings.Fields(row.codes) {
				if row.since <= day && row.since >= since[code] {
					of[code], since[code] = row.market, row.since
				}
			}
		}

		all = append(all, atlas{day, of})
	}

	return all
})

// marketOf is the market of a number, given by its digits with the country code, on a day.
func marketOf(digits, day string) Market {
	all := atlases()
	of := all[0].of
	for _, a := range all {
		if a.since <= day {
			of = a.of
		}
	}

	for n := min(longestCode, len(digits)); n > 0; n-- {
		if market, ok := of[digits[:n]]; ok {
			return market
		}
	}

	return Other
}

// sharedCodes are how numbers begin in countries that share a calling code with another market.
var sharedCodes = map[string]string{"DO": "1809", "JM": "1876", "PR": "1787", "KZ": "77"}

// codeOf is how numbers of a country begin; empty where it is none.
func codeOf(iso string) string {
	if code, ok := sharedCodes[iso]; ok {
		return code
	}
	if code := phonenumbers.GetCountryCodeForRegion(iso); code != 0 {
		return strconv.Itoa(code)
	}

	return ""
}

// Recipient is to whom a message goes.
type Recipient struct {
	Address string // E.164 with its +, or a business-scoped user id, such as US.1349; may be empty
	Country string // ISO 3166; looked at where the address is no number
}

// market is the recipient's on a day; false where nothing says where they are.
func (r Recipient) market(day string) (Market, bool) {
	if digits, ok := strings.CutPrefix(r.Address, "+"); ok {
		return marketOf(digits, day), true
	}

	country := r.Country
	if before, _, ok := strings.Cut(r.Address, "."); ok && len(before) == 2 {
		country = before // a user id begins with it
	}

	code := codeOf(strings.ToUpper(country))

	return marketOf(code, day), code != ""
}

// marketNames are the markets by their names and other names, folded.
var marketNames = sync.OnceValue(func() map[string]Market {
	names := map[string]Market{}
	for _, row := range markets {
		names[fold(string(row.market))] = row.market
		for _, name := range strings.Split(row.names, ",") {
			if name != "" {
				names[name] = row.market
			}
		}
	}

	return names
})

// existsOn reports whether a market is one on a day.
func existsOn(m Market, day string) bool {
	return slices.ContainsFunc(markets, func(r marketRow) bool { return r.market == m && r.since <= day })
}

// marketNamed reads a market's name as cards write it.
func marketNamed(cell string) (Market, bool) {
	m, ok := marketNames()[fold(cell)]
	return m, ok
}

// fold makes names alike that people read as the same: small letters, one blank, "and" for &, and
// no other signs.
func fold(name string) string {
	name = strings.ToLower(flat(name))
	name = strings.NewReplacer("&", " and ", "-", " ", "_", " ", "/", " ").Replace(name)
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(".,:*()'’\"", r) {
			return -1
		}
		return r
	}, name)

	return strings.Join(strings.Fields(name), " ")
}

// flat makes one line of a cell that may have line breaks.
func flat(cell string) string { return strings.Join(strings.Fields(cell), " ") }
