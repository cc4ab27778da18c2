package audience

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// countryOf knows a country by what people and programs write for one: an ISO 3166 code of two or
// three letters, its name in one of many languages, a short name, or its calling code (+49, 0049,
// 49). It gives the ISO code of two letters; empty for what it does not know.
func countryOf(text string) string {
	text = strings.TrimSpace(text)
	if code := strings.ToUpper(text); isCountry(code) {
		return code
	}
	if region := callingCountry(text); region != "" {
		return region
	}

	folded := foldCountry(text)
	if len(folded) == 3 {
		if region, err := language.ParseRegion(folded); err == nil && isCountry(region.String()) &&
			folded == strings.ToLower(region.ISO3()) {
			return region.String()
		}
	}

	return countryNames()[folded]
}

// callingCountry is the main country of a calling code, since all countries that share one write
// their numbers in one way. +1-242 and the like are codes with an area.
func callingCountry(text string) string {
	digits := strings.TrimLeft(plainText(text), "+ ")
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		digits = rest
	}

	digits, _, _ = strings.Cut(digits, "-")
	code, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || code <= 0 || strings.HasPrefix(digits, "0") {
		return ""
	}

	region := phonenumbers.GetRegionCodeForCountryCode(code)
	if !isCountry(region) {
		return ""
	}

	return region
}

// foldCountry leaves of a name its letters and digits, without case and accents.
func foldCountry(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mc, r) {
			b.WriteRune(r)
		}
	}

	return strings.TrimPrefix(b.String(), "the")
}

// nameLanguages are those in which the names of countries are known.
const nameLanguages = "en de fr es pt it nl pl cs sk sl hr sr-Latn sr bs hu ro bg mk el sq tr az ru uk be kk uz ka " +
	"hy " +
	"et lv lt fi sv da nb is ca gl eu ar he fa ur hi bn ta te mr gu kn ml pa ne si th lo km my vi id ms fil sw am ha " +
	"yo zu af " +
	"ja ko zh-Hans zh-Hant"

// moreNames are names that Unicode's lists do not have in this form.
var moreNames = map[string]string{
	"AE": "UAE, U.A.E., Emirates, Emirate, VAE",
	"BA": "Bosnia, Bosnien",
	"BN": "Brunei Darussalam",
	"BO": "Plurinational State of Bolivia",
	"CD": "DR Congo, DRC, RDC, Democratic Republic of the Congo, Congo Kinshasa, Congo (Kinshasa), Zaire",
	"CG": "Republic of the Congo, Congo Brazzaville, Congo (Brazzaville)",
	"CI": "Ivory Coast, Cote d'Ivoire, Elfenbeinküste, Costa de Marfil",
	"CN": "PRC, P.R. China, PR China, Mainland China, People's Republic of China, 中国大陆, 中國大陸, 中华人民共和国, 大陆",
	"CV": "Cabo Verde, Cape Verde",
	"CZ": "Czech Republic, Czechia, Tschechische Republik, Česká republika",
	"DE": "Federal Republic of Germany, BRD, Bundesrepublik Deutschland",
	"FM": "Federated States of Micronesia",
	"GB": "UK, U.K., United Kingdom of Great Britain and Northern Ireland, Great Britain, Britain, England, Scotland, " +
		"Wales, " +
		"Northern Ireland, Großbritannien, Grossbritannien, Grande-Bretagne, Gran Bretaña, Grã-Bretanha, Gran Bretagna, " +
		"Inglaterra, " +
		"Angleterre, Inghilterra, Engeland, Reino Unido, Royaume Uni, 英格兰",
	"HK": "Hong Kong, HKSAR, Hongkong, Hong Kong SAR, 香港, 中国香港",
	"IR": "Islamic Republic of Iran",
	"KR": "South Korea, Republic of Korea, Korea Republic, Korea South, ROK, Südkorea, Corea del Sur, Corée du Sud, " +
		"韩国, 韓国, 南韓, 한국",
	"KP": "North Korea, DPRK",
	"LA": "Lao People's Democratic Republic, Lao PDR",
	"MD": "Republic of Moldova",
	"MK": "Macedonia, North Macedonia, FYROM",
	"MM": "Burma, Myanmar, Birma",
	"MO": "Macau, Macao, Macao SAR, 澳门, 澳門",
	"NL": "Holland, The Netherlands, Hollande, Holanda, Olanda",
	"PS": "Palestine, State of Palestine, Palestinian Territory",
	"RU": "Russian Federation, Россия, РФ, Russische Föderation",
	"SA": "KSA, Kingdom of Saudi Arabia, Saudi",
	"ST": "Sao Tome and Principe",
	"SY": "Syrian Arab Republic",
	"SZ": "Swaziland, Eswatini",
	"TL": "East Timor, Timor Leste",
	"TR": "Türkiye, Turkiye, Turkey",
	"TW": "Taiwan, Chinese Taipei, 台湾, 台灣",
	"TZ": "United Republic of Tanzania",
	"US": "USA, U.S.A., U.S., United States of America, America, EE.UU., EEUU, EUA, E.U.A., États-Unis d'Amérique, " +
		"Estados Unidos de América, Stati Uniti d'America, Vereinigte Staaten von Amerika, 美利坚合众国",
	"VA": "Vatican, Vatican City, Holy See",
	"VE": "Bolivarian Republic of Venezuela",
	"VN": "Viet Nam, Vietnam, Việt Nam",
	"ZA": "RSA, Republic of South Africa",
}

// countryNames are the countries by their names, folded. A name that means one country in one
// language and another in another means none.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	add := func(name, region string) {
		folded := foldCountry(name)
		if other, ok := names[folded]; ok && other != region {
			region = ""
		}

		names[folded] = region
	}

	for tag := range strings.FieldsSeq(nameLanguages) {
		namer := display.Regions(language.MustParse(tag))
		for region := range phonenumbers.GetSupportedRegions() {
			if id, err := language.ParseRegion(region); err == nil && namer != nil {
				name := namer.Name(id)
				add(name, region)
				short, _, _ := strings.Cut(name, " (")
				add(short, region)
			}
		}
	}

	for region, more := range moreNames {
		for name := range strings.SplitSeq(more, ", ") {
			names[foldCountry(name)] = region
		}
	}

	delete(names, "")

	return names
})
