package audience

import (
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

func TestPhone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raw, country, want, in string }{
		"takes a number with its country code":              {"+8613800138000", "", "+8613800138000", "CN"},
		"takes spaces and dashes":                           {" +86 138-0013–8000 ", "", "+8613800138000", "CN"},
		"takes parentheses":                                 {"+1 (415) 555-2671", "", "+14155552671", "US"},
		"takes full-width digits":                           {"＋８６ １３８ ００１３ ８０００", "", "+8613800138000", "CN"},
		"takes Arabic digits":                               {"+٩٧١٥٠١٢٣٤٥٦٧", "", "+971501234567", "AE"},
		"takes 00 for the +":                                {"008613800138000", "", "+8613800138000", "CN"},
		"takes 00 for the + whatever the default country":   {"00 86 138 0013 8000", "US", "+8613800138000", "CN"},
		"takes invisible marks along":                       {"\u202a+86 138 0013 8000\u202c", "", "+8613800138000", "CN"},
		"adds the default country's code":                   {"138 0013 8000", "CN", "+8613800138000", "CN"},
		"takes the default country in lower case":           {"13800138000", "cn", "+8613800138000", "CN"},
		"drops the national prefix":                         {"07400 123456", "GB", "+447400123456", "GB"},
		"drops a national prefix behind the country code":   {"+44 (0)7400 123456", "", "+447400123456", "GB"},
		"keeps the zero of Italian numbers":                 {"+39 06 1234 5678", "", "+390612345678", "IT"},
		"takes a fixed line":                                {"+86 10 6552 9988", "", "+861065529988", "CN"},
		"sees the country code in a number without +":       {"8613800138000", "CN", "+8613800138000", "CN"},
		"tells countries apart that share a code":           {"+1 416 555 2671", "US", "+14165552671", "CA"},
		"takes Meta's test numbers, which stand in no plan": {"+1 555 123 4567", "", "+15551234567", "US"},
		"knows numbers of no country":                       {"+800 1234 5678", "", "+80012345678", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, country, err := Phone(tc.raw, tc.country)
			if err != nil || got != tc.want || country != tc.in {
				t.Errorf("Phone(%q, %q) = %q, %q, %v; want %q, %q", tc.raw, tc.country, got, country, err, tc.want, tc.in)
			}
		})
	}
}

func TestPhoneSaysWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raw, country, want string }{
		"of a short number": {"12345", "",
			`"12345" is not a phone number: write it with its country code, e.g. +86 138 0013 8000`},
		"of a number without country": {"13800138000", "",
			`write it with its country code, e.g. +86 138 0013 8000`},
		"of a default country that is none":     {"13800138000", "XX", `write it with its country code`},
		"of letters":                            {"+86 138 CALL ME", "", `it has letters`},
		"of nothing":                            {"  ", "", `the phone number is missing`},
		"of punctuation alone":                  {"+-", "", `write it with its country code`},
		"of a number too short for its country": {"+86 1234 567", "", `its country (+86) has no such number`},
		"of a digit that is missing":            {"+86 138 0013 800", "", `is a digit missing`},
		"of a digit too many":                   {"+86 138 0013 80001", "", `is a digit missing`},
		"of a number too long for its country":  {"+1 415 555 26719", "", `too long for its country (+1)`},
		"of a number too long for any":          {"+86138001380001234567", "", `it is too long`},
		"of a code that no country has":         {"+999 1234 5678", "", `no country has that code`},
		"of a second number beside the first": {"+8613800138000;+8613800138001", "",
			`more than one number stands there; write one`},
		"of a + in the middle":            {"86+13800138000", "", `'+' does not belong in a number`},
		"of what a spreadsheet shortened": {"8.61380E+12", "", `format the column as text`},
		"of a formula":                    {`=A1+B1`, "", `'=' does not belong`},
		"of a number that may be another's": {"15012345678", "CN",
			`"15012345678" can be two numbers, +8615012345678 (CN) or +15012345678 (US): write the right one with its + and country code`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := Phone(tc.raw, tc.country)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Phone(%q, %q) = %q, %v; want %q", tc.raw, tc.country, got, err, tc.want)
			}
		})
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// A digit of any script that Unicode has is read as what it means.
func TestDigitsOfAllScripts(t *testing.T) {
	t.Parallel()
	zeros := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsDigit(r) {
			continue
		}

		if digitOf(r) == '0' {
			zeros++
			for i := range rune(10) {
				if !unicode.IsDigit(r+i) || digitOf(r+i) != '0'+byte(i) {
					t.Fatalf("%q, %d behind the zero %q, is read as %c", r+i, i, r, digitOf(r+i))
				}
			}
		}
	}

	if zeros < 60 {
		t.Errorf("there are %d sets of digits", zeros)
	}
}

// The plans of the library, asked in our way, give what its own functions give.
func TestThePlansAgreeWithTheLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for code, p := range plans() {
		for range 200 {
			length := 4 + random.IntN(10)
			if p.mobile > 0 && random.IntN(2) == 0 {
				length = p.mobile
			}

			national := randomDigits(random, length)
			parsed, err := phonenumbers.Parse("+"+code+national, "")
			if err != nil || phonenumbers.GetNationalSignificantNumber(parsed) != national {
				continue // it took off a prefix
			}

			country, g := p.look(national)
			kind := phonenumbers.GetNumberType(parsed)
			mobile := kind == phonenumbers.MOBILE || kind == phonenumbers.FIXED_LINE_OR_MOBILE
			region := phonenumbers.GetRegionCodeForNumber(parsed)
			if len(region) != 2 {
				region = ""
			}

			valid := phonenumbers.IsValidNumber(parsed)
			if valid != (g != impossible) || mobile != (g == likely) || valid && country != region {
				t.Errorf("+%s %s: %s %d, but the library says %s %v, valid %t", code, national, country, g, region, kind, valid)
			}
		}
	}
}

func FuzzPhone(f *testing.F) {
	for _, all := range forms {
		for _, one := range all {
			f.Add(one.raw, one.region)
		}
	}

	f.Add("８.61380E+12", "zz")
	f.Add("+5491123456789\x00\xff", "AR")

	f.Fuzz(func(t *testing.T, raw, country string) {
		got, in, err := Phone(raw, country)
		if err != nil {
			if err.Error() == "" || got != "" || len(err.Error()) > 1000 {
				t.Errorf("Phone(%q) = %q, %v", raw, got, err)
			}
			return
		}

		if !e164.MatchString(got) {
			t.Errorf("Phone(%q, %q) = %q, which is not E.164", raw, country, got)
		}

		again, same, err := Phone(got, "")
		if err != nil || again != got || same != in {
			t.Errorf("Phone(%q) = %q, %q, but Phone(%q) = %q, %q, %v", raw, got, in, got, again, same, err)
		}
		if !holds(raw, got) {
			t.Errorf("Phone(%q, %q) = %q, whose last digits do not stand there", raw, country, got)
		}
	})
}

// holds reports whether the last digits of a number stand in a text, in their order and with no
// other digit between them. No country code and no prefix reaches so far.
func holds(raw, number string) bool {
	texts := []string{raw}
	if plain, err := url.QueryUnescape(raw); err == nil { // a link
		texts = append(texts, plain)
	}

	return slices.ContainsFunc(texts, func(text string) bool {
		var digits strings.Builder
		for _, r := range plainText(text) {
			if r >= '0' && r <= '9' {
				digits.WriteRune(r)
			}
		}

		return strings.Contains(digits.String(), number[len(number)-5:])
	})
}

func BenchmarkPhone(b *testing.B) {
	for name, tc := range map[string][2]string{
		"international":         {"+8613800138000", ""},
		"shared code":           {"+14155552671", ""},
		"with spaces":           {"+49 151 12345678", ""},
		"national":              {"13800138000", "CN"},
		"national with a trunk": {"0151 12345678", "DE"},
		"without a +":           {"919876543210", "DE"},
		"older plan":            {"+551187654321", ""},
		"decimals":              {"4915112345678.0", "DE"},
		"link":                  {"https://wa.me/4915112345678", ""},
		"no country":            {"4915112345678", ""},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := Phone(tc[0], tc[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
