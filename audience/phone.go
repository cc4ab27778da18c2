package audience

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

const (
	minDigits = 7  // the shortest international number with its country code
	maxDigits = 15 // of E.164, without the +
	maxShown  = 40 // characters of a wrong value that a message repeats
)

// Phone reads a number as people write it and gives it in E.164, with the ISO 3166 country that it belongs to (empty for a
// number of no country, such as +800). defaultCountry is for numbers without a country code; it may be empty. The error's
// text is for the person who wrote the number.
//
// A number passes that the country's numbering plan knows, or that is as long as the country's mobile numbers are: plans grow
// faster than libraries, and Meta's own test numbers (+1 555 …) stand in no plan.
func Phone(raw, defaultCountry string) (e164, country string, err error) {
	digits, international, err := phoneDigits(raw)
	if err != nil {
		return "", "", err
	}
	region := strings.ToUpper(strings.TrimSpace(defaultCountry))
	if !international && !isCountry(region) {
		return "", "", notAPhone(raw, "write it with its country code, e.g. +86 138 0013 8000")
	}
	if p := plainMobile(digits, international, region); p != nil {
		return written(p)
	}
	if international {
		digits = "+" + digits
	}
	p, err := phonenumbers.Parse(digits, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return "", "", notAPhone(raw, "no country has that code; write it e.g. as +86 138 0013 8000")
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return "", "", notAPhone(raw, "it is too long")
	case err != nil:
		return "", "", notAPhone(raw, "it is too short; write it with its country code, e.g. +86 138 0013 8000")
	}
	if length := len(phonenumbers.GetNationalSignificantNumber(p)); length == mobileLength(int(p.GetCountryCode())) || phonenumbers.IsValidNumber(p) {
		return written(p)
	}
	switch phonenumbers.IsPossibleNumberWithReason(p) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return "", "", notAPhone(raw, "it is too short for its country (+%d)", p.GetCountryCode())
	case phonenumbers.TOO_LONG:
		return "", "", notAPhone(raw, "it is too long for its country (+%d)", p.GetCountryCode())
	}
	return "", "", notAPhone(raw, "its country (+%d) has no such number; is a digit missing or too many?", p.GetCountryCode())
}

// plainMobile is the short way for what nearly every number is: all digits, and as many as its country's mobile numbers
// have. The library's full parse takes twenty times as long. Nil says nothing against the number.
func plainMobile(digits string, international bool, region string) *phonenumbers.PhoneNumber {
	code, national := phonenumbers.GetCountryCodeForRegion(region), digits
	if international {
		code, national = splitCode(digits)
	}
	if code == 0 || national == "" || national[0] == '0' || len(national) != mobileLength(code) {
		return nil
	}
	var number uint64
	for _, d := range []byte(national) {
		number = number*10 + uint64(d-'0')
	}
	wide := int32(code)
	p := &phonenumbers.PhoneNumber{CountryCode: &wide, NationalNumber: &number}
	if !international && !phonenumbers.IsValidNumber(p) { // it may hold the country code after all
		return nil
	}
	return p
}

func written(p *phonenumbers.PhoneNumber) (e164, country string, err error) {
	country = phonenumbers.GetRegionCodeForNumber(p)
	if country == "" { // in no plan
		country = phonenumbers.GetRegionCodeForCountryCode(int(p.GetCountryCode()))
	}
	if len(country) != 2 || country == "ZZ" { // 001 is the library's word for no country
		country = ""
	}
	return phonenumbers.Format(p, phonenumbers.E164), country, nil
}

// phoneDigits leaves out how a number is written. A + or 00 in front makes it international.
func phoneDigits(raw string) (digits string, international bool, err error) {
	var b strings.Builder
	for _, r := range raw {
		switch {
		case r >= '0' && r <= '9':
			b.WriteByte(byte(r))
		case unicode.IsDigit(r):
			d, ok := foreignDigit(r)
			if !ok {
				return "", false, notAPhone(raw, "write it in the digits 0 to 9")
			}
			b.WriteByte(d)
		case (r == '+' || r == '＋') && b.Len() == 0 && !international:
			international = true
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), strings.ContainsRune("-.()/−（）．／·", r):
			// Cf are the invisible marks that come along when a number is copied from a phone's address book.
		case isShortened(raw):
			return "", false, notAPhone(raw, "a spreadsheet has shortened it; format the column as text and write all digits")
		case unicode.IsLetter(r):
			return "", false, notAPhone(raw, "it has letters; write digits only, e.g. +86 138 0013 8000")
		default:
			return "", false, notAPhone(raw, "%q does not belong in a number", r)
		}
	}
	digits = b.String()
	if trimmed, ok := strings.CutPrefix(digits, "00"); ok && !international {
		digits, international = trimmed, true
	}
	switch {
	case digits == "" && strings.TrimSpace(raw) == "":
		return "", false, errors.New("the phone number is missing")
	case len(digits) < minDigits:
		return "", false, notAPhone(raw, "write it with its country code, e.g. +86 138 0013 8000")
	case len(digits) > maxDigits+2: // national numbers may carry prefixes
		return "", false, notAPhone(raw, "it is too long")
	}
	return digits, international, nil
}

// foreignDigit turns the digits that keyboards of other scripts make into 0 to 9.
func foreignDigit(r rune) (byte, bool) {
	for _, zero := range "０٠۰०০" {
		if r >= zero && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}

// isShortened recognizes what a spreadsheet makes of a long number: 8.61380E+12.
func isShortened(raw string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(strings.TrimSpace(raw)), "E+")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789.,") == "" }
	return ok && digits(mantissa) && digits(exponent)
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

// callingCodes is the length of the country's mobile numbers by calling code: that of the library's example.
var callingCodes = sync.OnceValue(func() map[int]int {
	lengths := map[int]int{}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		lengths[code] = 0
		region := phonenumbers.GetRegionCodeForCountryCode(code)
		if p := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE); p != nil {
			lengths[code] = len(phonenumbers.GetNationalSignificantNumber(p))
		}
	}
	return lengths
})

// mobileLength is 0 for a code without mobile numbers.
func mobileLength(code int) int { return callingCodes()[code] }

// splitCode takes the calling code off an international number. No code begins with another one.
func splitCode(digits string) (code int, national string) {
	for i := 0; i < len(digits) && i < 3; i++ {
		code = code*10 + int(digits[i]-'0')
		if _, ok := callingCodes()[code]; ok && code > 0 {
			return code, digits[i+1:]
		}
	}
	return 0, ""
}

// MaskPhone leaves of a number its country code and its last two digits, and of anything else only these.
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
