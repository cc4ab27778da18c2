package audience

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"carillon/ent/enum"
)

const (
	minDigits = 7  // the shortest international number with its country code
	maxDigits = 15 // of E.164, without the +
	maxShown  = 40 // characters of a wrong value that a message repeats
)

// Phone reads a number as people and programs write it and gives it in E.164, with the ISO 3166
// country that it belongs to (empty for a number of no country, such as +800). defaultCountry is
// for numbers without a country code; it may be empty. The error's text is for the person who
// wrote the number.
//
// A number that can be read in two ways, each of them a number that WhatsApp can have, is
// refused: the other one is somebody else's. What has one reading passes when the library's
// numbering plans know it, in the plan of today or in an older one (see NumberKey). With its
// country code written out, it also passes when it is as long as the country's mobile numbers:
// plans grow faster than libraries, and Meta's own test numbers (+1 555 …) stand in no plan.
func Phone(raw, defaultCountry string) (e164, country string, err error) {
	return origin{region: strings.ToUpper(strings.TrimSpace(defaultCountry))}.phone(raw)
}

// origin is what is known of a number besides its digits.
type origin struct {
	region string // for numbers without a country code, ISO 3166; empty when it is not known
	// own says that region is this number's own, and not only what most numbers of a file have.
	// When it is not known which country is meant, only a number with its country code is read.
	own bool
	// form says whether digits without a + begin with a country code. Empty is either.
	form enum.NumberForm
}

func (o origin) phone(raw string) (e164, country string, err error) {
	w, err := readText(raw, o)
	if err != nil {
		return "", "", err
	}
	if !isCountry(o.region) {
		o.region = ""
	}

	found, err := o.choose(raw, w)
	if err != nil {
		return "", "", err
	}

	return found.e164, found.country, nil
}

// choose takes the one reading that can be meant.
func (o origin) choose(raw string, w written) (reading, error) {
	all := o.readings(w)
	best := slices.MaxFunc(append(all, reading{}), func(a, b reading) int { return int(a.grade) - int(b.grade) })
	if best.grade == impossible {
		return reading{}, o.why(raw, w)
	}

	var rivals []reading
	for _, r := range all {
		if r.grade == best.grade && !slices.ContainsFunc(rivals, func(o reading) bool { return o.e164 == r.e164 }) {
			rivals = append(rivals, r)
		}
	}

	if len(rivals) > 1 {
		rivals = o.meant(w, rivals)
	}
	if len(rivals) > 1 {
		return reading{}, twoReadings(raw, rivals)
	}

	return rivals[0], nil
}

// meant leaves those of the readings that fit the way in which the digits are grouped and what is
// known of the number.
func (o origin) meant(w written, rivals []reading) []reading {
	if o.own {
		if i := slices.IndexFunc(rivals, func(r reading) bool { return r.national }); i >= 0 {
			return rivals[i : i+1]
		}
	}

	if len(w.groups) < 2 || w.tail > 0 {
		return rivals
	}

	var fit []reading
	for _, r := range rivals {
		if r.fits(w.groups) {
			fit = append(fit, r)
		}
	}

	if len(fit) == 1 {
		return fit
	}

	return rivals
}

func twoReadings(raw string, rivals []reading) error {
	var names []string
	for _, r := range rivals[:2] {
		name := r.e164
		if r.country != "" {
			name += " (" + r.country + ")"
		}

		names = append(names, name)
	}

	return fmt.Errorf("%s can be two numbers, %s: write the right one with its + and country code", shown(raw),
		strings.Join(names, " or "))
}

// why says what is wrong with a number that has no reading.
func (o origin) why(raw string, w written) error {
	digits, region := w.digits, o.region
	switch {
	case len(digits) < minDigits || !w.plus && region == "":
		return notAPhone(raw, "write it with its country code, e.g. +86 138 0013 8000")
	case w.plus:
		digits = "+" + digits
	}

	p, err := phonenumbers.Parse(digits, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return notAPhone(raw, "no country has that code; write it e.g. as +86 138 0013 8000")
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return notAPhone(raw, "it is too long")
	case err != nil:
		return notAPhone(raw, "it is too short; write it with its country code, e.g. +86 138 0013 8000")
	}

	switch phonenumbers.IsPossibleNumberWithReason(p) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return notAPhone(raw, "it is too short for its country (+%d)", p.GetCountryCode())
	case phonenumbers.TOO_LONG:
		return notAPhone(raw, "it is too long for its country (+%d)", p.GetCountryCode())
	}

	return notAPhone(raw, "its country (+%d) has no such number; is a digit missing or too many?", p.GetCountryCode())
}

func notAPhone(raw, remedy string, args ...any) error {
	return fmt.Errorf("%s is not a phone number: %s", shown(raw), fmt.Sprintf(remedy, args...))
}

// shown quotes a value for a message, cut to a readable length.
func shown(s string) string {
	s = clean(s)
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}

	return `"` + s + `"`
}

// clean makes any bytes a text that both databases take.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func isCountry(code string) bool {
	return len(code) == 2 && phonenumbers.GetCountryCodeForRegion(code) != 0
}

// MaskPhone leaves of a number its country code and its last two digits, and of anything else
// only these.
func MaskPhone(number string) string {
	const shown, dots = 2, "•••••••"
	digits := []rune(number)
	if len(digits) <= 3*shown {
		return dots
	}

	tail := string(digits[len(digits)-shown:])
	if parsed, err := phonenumbers.Parse(number, ""); err == nil {
		return "+" + strconv.Itoa(int(parsed.GetCountryCode())) + dots + tail
	}

	return dots + tail
}
