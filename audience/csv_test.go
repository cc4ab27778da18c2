package audience

import (
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scan reads a text that comes in pieces of that many bytes.
func scan(t testing.TB, text string, piece int) (rows []record, offsets []int64) {
	t.Helper()
	rest := text
	s := &scanner{delimiter: ',', line: 1, more: func() ([]byte, error) {
		n := min(piece, len(rest))
		p := rest[:n]
		if rest = rest[n:]; rest == "" {
			return []byte(p), io.EOF
		}

		return []byte(p), nil
	}}

	for {
		r, ok, err := s.next()
		if err != nil {
			t.Fatal(err)
		}

		if !ok {
			if s.offset != int64(len(text)) {
				t.Fatalf("stopped at byte %d of %d", s.offset, len(text))
			}
			return rows, offsets
		}

		rows, offsets = append(rows, r), append(offsets, s.offset)
	}
}

func TestScanner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []record
	}{
		"counts lines over quoted line ends": {"a,\"b\nc\r\nd\"\ne\n",
			[]record{{line: 1, cells: []string{"a", "b\nc\nd"}}, {line: 4, cells: []string{"e"}}}},
		"reads doubled quotes": {`"say ""hi""",""` + "\n",
			[]record{{line: 1, cells: []string{`say "hi"`, ""}}}},
		"takes any line end, or none": {"a\r\nb\rc\nd", []record{{line: 1, cells: []string{"a"}},
			{line: 2, cells: []string{"b"}}, {line: 3, cells: []string{"c"}}, {line: 4, cells: []string{"d"}}}},
		"passes over rows without a value": {"\n,\n\"\"\n \na", []record{{line: 5, cells: []string{"a"}}}},
		"keeps an empty last cell":         {"a,", []record{{line: 1, cells: []string{"a", ""}}}},
		"goes on behind a quote that is never closed": {"a\n1,\"b\nc\nd", []record{{line: 1, cells: []string{"a"}},
			{line: 2, wrong: quoteUnclosed, raw: `1,"b`}, {line: 3, cells: []string{"c"}}, {line: 4, cells: []string{"d"}}}},
		"goes on behind a quote that another row's would close": {"1,\"b\n2,\"c\"\n3",
			[]record{{line: 1, wrong: quoteInside, raw: `1,"b`},
				{line: 2, cells: []string{"2", "c"}}, {line: 3, cells: []string{"3"}}}},
		"takes a quote inside a value as it is": {"5\" pipe,x\nc",
			[]record{{line: 1, cells: []string{`5" pipe`, "x"}, openQuote: true}, {line: 2, cells: []string{"c"}}}},
		"takes a word in quotes inside a value": {"Ana \"Nana\" B\n",
			[]record{{line: 1, cells: []string{`Ana "Nana" B`}}}},
		"takes blanks around the quotes of a value": {"a, \"b, c\" ,d\n",
			[]record{{line: 1, cells: []string{"a", "b, c", "d"}}}},
		"takes what a spreadsheet is to keep as text": {"=\"007\",=1\n", []record{{line: 1, cells: []string{"007", "=1"}}}},
		"refuses a quote behind a value's end": {"\"a\"b\nc",
			[]record{{line: 1, wrong: quoteInside, raw: `"a"b`}, {line: 2, cells: []string{"c"}}}},
		"refuses what is not UTF-8": {"a\xff\nb",
			[]record{{line: 1, wrong: rowNotUTF8, raw: "a\uFFFD"}, {line: 2, cells: []string{"b"}}}},
		"refuses NUL": {"a\x00\nb",
			[]record{{line: 1, wrong: rowWithNUL, raw: "a\uFFFD"}, {line: 2, cells: []string{"b"}}}},
		"gives up a row without end": {strings.Repeat("x", 3*maxRow) + "\r\nb",
			[]record{{line: 1, wrong: rowTooLong, raw: strings.Repeat("x", maxRawKept)},
				{line: 2, cells: []string{"b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1, 7, maxRow} {
				if len(tc.text) > maxRow && piece < maxRow {
					continue
				}

				got, _ := scan(t, tc.text, piece)
				if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(record{})); diff != "" {
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
		if diff := cmp.Diff(whole, rows, cmp.AllowUnexported(record{})); diff != "" {
			t.Fatalf("pieces change the rows: %s", diff)
		}

		line := 0
		for i, r := range rows {
			if r.line <= line {
				t.Fatalf("row %d is on line %d, after line %d", i, r.line, line)
			}

			line = r.line
			if (r.wrong == "") == (r.cells == nil) {
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
func agree(t *testing.T, text string, rows []record) {
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
		if row.wrong == rowNotUTF8 || row.wrong == rowWithNUL {
			return
		}

		got = append(got, row.cells)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("encoding/csv (-) reads it otherwise (+): %s", diff)
	}
}
