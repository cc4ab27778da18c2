package audience

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"carillon/ent"
)

// FuzzImport reads any bytes as an upload, page by page as a worker does.
func FuzzImport(f *testing.F) {
	f.Add("phone,name,city\n+8613800138000,\"Li, Lei\",Beijing\n12345,,\n", "CN")
	f.Add("\xef\xbb\xbftel;country;timezone;language\r\n07400 123456;gb;Europe/London;en\r\n;;;\r\n\"x", "")
	f.Add("\xff\xfep\x00h\x00o\x00n\x00e\x00\n\x001\x002\x00", "US")
	f.Add("sep=;\r\n;phone;name;Land;\r\n0;'0151 12345678;\" Ana\" ;Deutschland;\r\n1;=\"14155552671\"\r\n\x1a", "DE")
	f.Add("\ufeff\ufeffUnnamed: 0|wa_id|country|dial code\n0|551187654321|Brasil|+55\n", "US")
	f.Add("手机\t姓名\n+86 138 0013 8000\t\"a\nb\"\t\t\n\x00", "")

	f.Fuzz(func(t *testing.T, upload, country string) {
		all, start, encoding, err := understood(t, upload, NewImport{})
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return
		}

		im := &ent.ContactImport{Columns: start.header.columns, Plan: start.header.plan(), Delimiter: string(start.delimiter),
			NextOffset: start.Offset, NextLine: start.Line, Encoding: encoding, DefaultCountry: &country}
		open := func() *rows {
			r, err := newRows(im, func() ([]byte, error) { return all[start.Offset:], io.EOF })
			if err != nil {
				t.Fatalf("a header that was taken is refused: %v", err)
			}

			return r
		}

		total, err := open().count(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		taken, line := 0, 0
		for r := open(); ; {
			p, err := r.page()
			if err != nil {
				t.Fatal(err)
			}

			taken += p.accepted + len(p.rejected)
			for _, one := range p.rejected {
				if one.reason == "" || one.line <= line || !storable(one.reason) || !storable(one.value) {
					t.Errorf("after line %d: line %d, %q, %q", line, one.line, one.value, one.reason)
				}

				line = one.line
			}

			for _, e := range p.entries {
				checkEntry(t, e)
				if !holds(string(all), e.phone) {
					t.Errorf("%s does not stand in the file", e.phone)
				}
			}

			if p.last {
				break
			}
		}

		if taken != total {
			t.Errorf("%d rows are taken or rejected, and %d there", taken, total)
		}
	})
}

func checkEntry(t *testing.T, e *entry) {
	t.Helper()
	if !e164.MatchString(e.phone) {
		t.Errorf("%q is not a number", e.phone)
	}

	for _, s := range []*string{e.name, e.language, e.timeZone} {
		if s != nil && (*s == "" || !storable(*s)) {
			t.Errorf("%q cannot be stored", *s)
		}
	}

	for k, v := range e.attributes {
		if k == "" || v == "" || !storable(k) || !storable(v) {
			t.Errorf("%q = %q cannot be stored", k, v)
		}
	}
}

// storable is what both databases take as text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
