package spreadsheet

import (
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scan reads a text that comes in pieces of that many bytes.
func scan(t testing.TB, text string, piece int) (rows []Record, offsets []int64) {
	t.Helper()
	rest := text
	s := NewScanner(Position{Line: 1}, ',', false, func() ([]byte, error) {
		n := min(piece, len(rest))
		p := rest[:n]
		if rest = rest[n:]; rest == "" {
			return []byte(p), io.EOF
		}

		return []byte(p), nil
	})

	for {
		r, ok, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}

		if !ok {
			if s.Offset != int64(len(text)) {
				t.Fatalf("stopped at byte %d of %d", s.Offset, len(text))
			}
			return rows, offsets
		}

		rows, offsets = append(rows, r), append(offsets, s.Offset)
	}
}

func TestScanner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []Record
	}{
		"counts lines over quoted line ends": {"a,\"b\nc\r\nd\"\ne\n",
			[]Record{{Line: 1, Cells: []string{"a", "b\nc\nd"}}, {Line: 4, Cells: []string{"e"}}}},
		"reads doubled quotes": {`"say ""hi""",""` + "\n",
			[]Record{{Line: 1, Cells: []string{`say "hi"`, ""}}}},
		"takes any line end, or none": {"a\r\nb\rc\nd", []Record{{Line: 1, Cells: []string{"a"}},
			{Line: 2, Cells: []string{"b"}}, {Line: 3, Cells: []string{"c"}}, {Line: 4, Cells: []string{"d"}}}},
		"passes over rows without a value": {"\n,\n\"\"\n \na", []Record{{Line: 5, Cells: []string{"a"}}}},
		"keeps an empty last cell":         {"a,", []Record{{Line: 1, Cells: []string{"a", ""}}}},
		"goes on behind a quote that is never closed": {"a\n1,\"b\nc\nd", []Record{{Line: 1, Cells: []string{"a"}},
			{Line: 2, Wrong: quoteUnclosed, Raw: `1,"b`}, {Line: 3, Cells: []string{"c"}}, {Line: 4, Cells: []string{"d"}}}},
		"goes on behind a quote that another row's would close": {"1,\"b\n2,\"c\"\n3",
			[]Record{{Line: 1, Wrong: QuoteInside, Raw: `1,"b`},
				{Line: 2, Cells: []string{"2", "c"}}, {Line: 3, Cells: []string{"3"}}}},
		"takes a quote inside a value as it is": {"5\" pipe,x\nc",
			[]Record{{Line: 1, Cells: []string{`5" pipe`, "x"}, OpenQuote: true}, {Line: 2, Cells: []string{"c"}}}},
		"takes a word in quotes inside a value": {"Ana \"Nana\" B\n",
			[]Record{{Line: 1, Cells: []string{`Ana "Nana" B`}}}},
		"takes blanks around the quotes of a value": {"a, \"b, c\" ,d\n",
			[]Record{{Line: 1, Cells: []string{"a", "b, c", "d"}}}},
		"takes what a spreadsheet is to keep as text": {"=\"007\",=1\n", []Record{{Line: 1, Cells: []string{"007", "=1"}}}},
		"refuses a quote behind a value's end": {"\"a\"b\nc",
			[]Record{{Line: 1, Wrong: QuoteInside, Raw: `"a"b`}, {Line: 2, Cells: []string{"c"}}}},
		"refuses what is not UTF-8": {"a\xff\nb",
			[]Record{{Line: 1, Wrong: rowNotText, Raw: "a\uFFFD"}, {Line: 2, Cells: []string{"b"}}}},
		"refuses NUL": {"a\x00\nb",
			[]Record{{Line: 1, Wrong: rowWithNUL, Raw: "a\uFFFD"}, {Line: 2, Cells: []string{"b"}}}},
		"gives up a row without end": {strings.Repeat("x", 3*maxRow) + "\r\nb",
			[]Record{{Line: 1, Wrong: rowTooLong, Raw: strings.Repeat("x", maxRawKept)},
				{Line: 2, Cells: []string{"b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1, 7, maxRow} {
				if len(tc.text) > maxRow && piece < maxRow {
					continue
				}

				got, _ := scan(t, tc.text, piece)
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("in pieces of %d: %s", piece, diff)
				}
			}
		})
	}
}

func FuzzScanner(f *testing.F) {
	f.Add("phone,name\n+8613800138000,\"Li, Lei\"\n", 5)
	f.Add("a,\"b\nc\"\"d\"\r\n\r\ne\rf,\"", 1)
	f.Add("\"x\n\"y\",\n\x00\xff\n", 2)

	f.Fuzz(func(t *testing.T, text string, piece int) {
		piece = max(1, min(piece, 4096))
		rows, offsets := scan(t, text, piece)
		whole, _ := scan(t, text, len(text)+1)
		if diff := cmp.Diff(whole, rows); diff != "" {
			t.Fatalf("pieces change the rows: %s", diff)
		}

		line := 0
		for i, r := range rows {
			if r.Line <= line {
				t.Fatalf("row %d is on line %d, after line %d", i, r.Line, line)
			}

			line = r.Line
			if (r.Wrong == "") == (r.Cells == nil) {
				t.Fatalf("row %d has neither cells nor a reason, or both: %+v", i, r)
			}

			rest, _ := scan(t, text[offsets[i]:], piece) // as an import that goes on after a crash
			if len(rest) != len(rows)-i-1 {
				t.Fatalf("from byte %d on there are %d rows, not %d", offsets[i], len(rest), len(rows)-i-1)
			}
		}

		agree(t, text, rows)
	})
}

// agree holds well-formed texts against encoding/csv.
func agree(t *testing.T, text string, rows []Record) {
	t.Helper()
	if strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), "\r") {
		return // a lone \r ends a line here, not there
	}

	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	var want, got [][]string

	for {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
		if !blank(cells) {
			want = append(want, cells)
		}
	}

	for _, row := range rows {
		if row.Wrong == rowNotText || row.Wrong == rowWithNUL {
			return
		}

		got = append(got, row.Cells)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("encoding/csv (-) reads it otherwise (+): %s", diff)
	}
}
