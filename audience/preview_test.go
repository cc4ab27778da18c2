package audience_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// row is what a preview says of one, in a line.
func rowText(r *audience.RowPreview) string {
	show := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}

	return fmt.Sprintf("%d %s %s %t %s", r.Line, show(r.Phone), show(r.Name), r.Accepted, show(r.Reason))
}

func (h *house) preview(t testing.TB, n audience.NewImport, file string) *audience.ImportPreview {
	t.Helper()
	n.File = strings.NewReader(file)
	p, err := h.PreviewImport(h.ctx, n)
	if err != nil {
		t.Fatal(err)
	}

	return p
}

func TestAPreviewSaysWhatAFileIsAndWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		p := h.preview(t, audience.NewImport{DefaultCountry: new("DE")},
			"Vorname;Nachname;Handy;Land;Kundennummer\nAnna;M\xfcller;0151 12345678;;4711\nBo;;12;;4712\n")
		if p.Encoding != "windows-1252" || *p.Delimiter != ";" || *p.RowsTotal != 2 {
			t.Errorf("%s, %q, %d rows", p.Encoding, *p.Delimiter, *p.RowsTotal)
		}

		want := []string{"Vorname name Vorname Anna,Bo", "Nachname name Nachname Müller", "Handy phone  0151 12345678,12",
			"Land country  ", "Kundennummer  Kundennummer 4711,4712"}
		if diff := cmp.Diff(want, columnTexts(p)); diff != "" {
			t.Error(diff)
		}

		rows := []string{"2 +4915112345678 Anna Müller true -",
			`3 12 Bo false "12" is not a phone number: write it with its country code, e.g. +86 138 0013 8000`}
		if diff := cmp.Diff(rows, rowTexts(p)); diff != "" {
			t.Error(diff)
		}

		for what, n := range map[string]int{"contacts": db.Client.Contact.Query().CountX(h.ctx),
			"imports": db.Client.ContactImport.Query().CountX(h.ctx), "pieces": db.Client.ImportChunk.Query().CountX(h.ctx),
			"rejections": db.Client.ImportRejection.Query().CountX(h.ctx)} {
			if n != 0 {
				t.Errorf("%d %s are kept of a preview", n, what)
			}
		}
	})
}

func columnTexts(p *audience.ImportPreview) (all []string) {
	show := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for _, c := range p.Columns {
		all = append(all, c.Column+" "+show(c.Field)+" "+show(c.Attribute)+" "+strings.Join(c.Examples, ","))
	}

	return all
}

func rowTexts(p *audience.ImportPreview) (all []string) {
	for _, r := range p.Rows {
		all = append(all, rowText(r))
	}

	return all
}

func TestColumnsBecomeWhatTheCallerSays(t *testing.T) {
	t.Parallel()
	const file = "Kontakt,Wer,Stadt,Notiz,Land\n+49 151 12345678,Anna,Berlin,vip,DE\n"
	field := func(column, field string) jsonfield.ImportColumn {
		return jsonfield.ImportColumn{Column: column, Field: &field}
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		columns := []jsonfield.ImportColumn{field("kontakt", "phone"), field("Wer", "name"),
			{Column: "Stadt", Attribute: new("city")}, {Column: "Notiz"}}
		h.load(t, audience.NewImport{Columns: columns}, file)
		want := map[string]person{"+4915112345678": {Name: "Anna", Country: "DE",
			Attributes: map[string]string{"city": "Berlin"}, Consent: "UNKNOWN"}}
		if diff := cmp.Diff(want, h.people(t)); diff != "" {
			t.Error(diff)
		}

		for name, tc := range map[string]struct {
			columns []jsonfield.ImportColumn
			want    []string
		}{
			"a column that is not there": {[]jsonfield.ImportColumn{field("Kontakt", "phone"), field("Vorname", "name")},
				[]string{"columns.1.column NOT_FOUND"}},
			"a field that is none": {[]jsonfield.ImportColumn{field("Kontakt", "number")}, []string{"columns.0.field INVALID"}},
			"a column twice": {[]jsonfield.ImportColumn{field("Kontakt", "phone"), field("KONTAKT", "name")},
				[]string{"columns.1.column INVALID"}},
			"a field twice": {[]jsonfield.ImportColumn{field("Kontakt", "phone"), field("Wer", "phone")},
				[]string{"columns.1.field INVALID"}},
			"an attribute without a name": {[]jsonfield.ImportColumn{field("Kontakt", "phone"),
				{Column: "Wer", Attribute: new(" ")}}, []string{"columns.1.attribute REQUIRED"}},
			"no number": {[]jsonfield.ImportColumn{{Column: "Kontakt"}}, []string{"file INVALID"}},
		} {
			n := audience.NewImport{File: strings.NewReader(file), Columns: tc.columns}
			if _, err := h.PreviewImport(h.ctx, n); !slices.Equal(inputs(err), tc.want) {
				t.Errorf("%s: a preview says %q, want %q", name, inputs(err), tc.want)
			}

			n.File = strings.NewReader(file)
			if _, err := h.StartImport(h.ctx, n); !slices.Equal(inputs(err), tc.want) {
				t.Errorf("%s: an import says %q, want %q", name, inputs(err), tc.want)
			}
		}
	})
}

// randomFile is a file of at most fifty rows, many of them wrong in some way.
func randomFile(r *rand.Rand) string {
	delimiter := string(",;\t|"[r.IntN(4)])
	headers := [][]string{{"phone", "name", "city", "language"}, {"Handy", "Vorname", "Nachname", "Land"},
		{"手机", "姓名", "时区", "城市"}, {"wa_id", "name", "bsuid", "note"}, {"Kontakt", "x", "y", "timezone"}}
	values := []string{
		"+8613800138000", "13800138000", "0151 12345678", "+49151123456", "4915112345678", "", " ", "12", "x",
		"1.5E+11", "Li Lei", "en", "Klingon", "Asia/Shanghai", "DE", "Mars", "+4915112345678 ::: +4915112345679", "\xff",
		"\x00", "=1+1", "a \"b\" c", "two\nlines", strings.Repeat("y", 300), "CN.1234567890", "CN.99",
		"551100001111", "#N/A",
		"+551100003333", "٠١٥١ ١٢٣٤٥٦٧٨"}
	var b strings.Builder
	b.WriteString(strings.Join(headers[r.IntN(len(headers))], delimiter) + "\n")

	for range r.IntN(40) {
		for i := range 2 + r.IntN(4) {
			if i > 0 {
				b.WriteString(delimiter)
			}

			value := values[r.IntN(len(values))]
			if i == 0 && r.IntN(2) > 0 {
				value = fmt.Sprintf("+49151%08d", r.IntN(30))
			}
			if r.IntN(30) > 0 && strings.ContainsAny(value, "\"\n"+delimiter) {
				value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
			}

			b.WriteString(value)
		}

		b.WriteString([]string{"\n", "\r\n", "\n\n"}[r.IntN(3)])
	}

	return b.String()
}

func TestAPreviewAgreesWithTheImport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.identify(t, audience.Identity{Phone: "551100001111", Name: "Ana", Make: audience.MakeContact},
			audience.Identity{Phone: "4915100000007", UserID: "CN.1234567890", Make: audience.MakeContact},
			audience.Identity{Phone: "4915100000009", UserID: "DE.42"})
		taken := 0

		for seed := range uint64(60) {
			file := randomFile(rand.New(rand.NewPCG(seed, 1)))
			n := audience.NewImport{File: strings.NewReader(file), DefaultCountry: new([]string{"DE", "CN", "BR"}[seed%3])}
			p, err := h.PreviewImport(h.ctx, n)
			n.File = strings.NewReader(file)
			started, refused := h.StartImport(h.ctx, n)

			if err != nil || refused != nil {
				if fmt.Sprint(err) != fmt.Sprint(refused) {
					t.Fatalf("of file %d a preview says %v, and an import %v", seed, err, refused)
				}
				continue
			}

			if err := h.RunImport(h.system, started.ID); err != nil {
				t.Fatalf("file %d: %v\n%q", seed, err, file)
			}

			im := db.Client.ContactImport.GetX(h.ctx, started.ID)
			if *p.RowsTotal != *im.RowsTotal || *im.RowsTotal != len(p.Rows) {
				t.Errorf("of file %d a preview counts %d rows, and an import %d", seed, *p.RowsTotal, *im.RowsTotal)
			}

			rejected := map[int]string{}
			rows, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 1000)
			if err != nil {
				t.Fatal(err)
			}

			for _, r := range rows[im.ID] {
				rejected[r.Line] = r.Reason
			}

			for _, row := range p.Rows {
				reason, is := rejected[row.Line]
				if row.Accepted == is || is && *row.Reason != reason {
					t.Errorf("file %d: a preview says %s, and an import %q\n%q", seed, rowText(row), reason, file)
				}
				if row.Accepted {
					taken++
				}
			}
		}

		if taken < 100 {
			t.Errorf("only %d rows were taken at all", taken)
		}
	})
}
