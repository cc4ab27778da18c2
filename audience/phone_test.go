package audience

import (
	"regexp"
	"strings"
	"testing"
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
		"of a short number":                     {"12345", "", `"12345" is not a phone number: write it with its country code, e.g. +86 138 0013 8000`},
		"of a number without country":           {"13800138000", "", `write it with its country code, e.g. +86 138 0013 8000`},
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
		"of a second number beside the first":   {"+8613800138000;+8613800138001", "", `';' does not belong in a number`},
		"of a + in the middle":                  {"86+13800138000", "", `'+' does not belong in a number`},
		"of what a spreadsheet shortened":       {"8.61380E+12", "", `format the column as text`},
		"of a formula":                          {`="8613800138000"`, "", `'=' does not belong`},
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

func FuzzPhone(f *testing.F) {
	f.Add("+86 138 0013 8000", "")
	f.Add("13800138000", "CN")
	f.Add("+44 (0)7400 123456", "GB")
	f.Add("+39 06 1234 5678", "IT")
	f.Add("８.61380E+12", "zz")
	f.Add("+5491123456789\x00\xff", "AR")
	f.Fuzz(func(t *testing.T, raw, country string) {
		got, in, err := Phone(raw, country)
		if err != nil {
			if err.Error() == "" || got != "" {
				t.Errorf("Phone(%q) = %q and no reason", raw, got)
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
	})
}

func BenchmarkPhone(b *testing.B) {
	for name, tc := range map[string][2]string{"international": {"+8613800138000", ""}, "national": {"13800138000", "CN"}, "shared code": {"+14155552671", ""}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := Phone(tc[0], tc[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
