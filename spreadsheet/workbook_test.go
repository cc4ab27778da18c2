package spreadsheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

func zipped(t testing.TB, parts map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}

	if err := z.Close(); err != nil {
		t.Fatal(err)
	}

	return b.String()
}

// workbookOf is a workbook with one sheet, by its XML.
func workbookOf(t testing.TB, rows, strings string) string {
	t.Helper()
	return zipped(t, map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>
			<Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/>
			<Relationship Id="rId3" Type="x/styles" Target="styles.xml"/></Relationships>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-407]d\. mmmm yyyy;@"/>
			<numFmt numFmtId="165" formatCode="0.00&quot; mm&quot;"/></numFmts>
			<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
			<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="11"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml":     `<sst>` + strings + `</sst>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	})
}

// rowsOf reads a workbook to its end.
func rowsOf(t testing.TB, file string, isHeader func([]string) bool) (rows []Record, err error) {
	t.Helper()
	text, err := Open(strings.NewReader(file), Options{Header: isHeader})
	if err != nil {
		return nil, err
	}

	defer text.Close()
	s := NewScanner(Position{Line: 1}, Comma, true, func() ([]byte, error) {
		piece := make([]byte, 1000)
		n, err := text.Read(piece)
		return piece[:n], err
	})

	for {
		r, ok, err := s.Next()
		if err != nil || !ok {
			return rows, err
		}

		rows = append(rows, r)
	}
}

func TestTheCellsOfAWorkbook(t *testing.T) {
	t.Parallel()
	const shared = `<si><t>Li Lei</t></si><si><r><t>Han </t></r><r><t xml:space="preserve">Meimei</t></r><rPh sb="0" eb="1"><t>ハン</t></rPh></si>` +
		`<si><t>a_x000D_
b_x0041__x0001_</t></si><si><t>"x", y</t></si><si/>`
	for name, tc := range map[string]struct{ cell, want string }{
		"a number":                        {`<c><v>8613800138000</v></c>`, "8613800138000"},
		"a number in scientific notation": {`<c s="4"><v>8.6138001380000005E+12</v></c>`, "8613800138000"},
		"a phone as 1.5E+11":              {`<c s="4"><v>1.5E+11</v></c>`, "150000000000"},
		"a fraction":                      {`<c><v>0.30000000000000004</v></c>`, "0.3"},
		"a number with a unit":            {`<c s="3"><v>5</v></c>`, "5"},
		"a date":                          {`<c s="1"><v>45292</v></c>`, "2024-01-01"},
		"a date with a time":              {`<c s="1"><v>45292.75</v></c>`, "2024-01-01 18:00:00"},
		"a date in words":                 {`<c s="2"><v>45292</v></c>`, "2024-01-01"},
		"a time":                          {`<c s="1"><v>0.5</v></c>`, "12:00:00"},
		"an old date":                     {`<c s="1"><v>1</v></c>`, "1900-01-01"},
		"a date in ISO":                   {`<c t="d"><v>2024-01-01T00:00:00</v></c>`, "2024-01-01"},
		"true":                            {`<c t="b"><v>1</v></c>`, "TRUE"},
		"false":                           {`<c t="b"><v>0</v></c>`, "FALSE"},
		"a shared text":                   {`<c t="s"><v>0</v></c>`, "Li Lei"},
		"a text in parts":                 {`<c t="s"><v>1</v></c>`, "Han Meimei"},
		"a text with escapes":             {`<c t="s"><v>2</v></c>`, "a\nbA"},
		"a text with quotes":              {`<c t="s"><v>3</v></c>`, `"x", y`},
		"an empty text":                   {`<c t="s"><v>4</v></c>`, ""},
		"a text that is not there":        {`<c t="s"><v>99</v></c>`, ""},
		"a text of its own":               {`<c t="inlineStr"><is><t>Ana</t></is></c>`, "Ana"},
		"a formula":                       {`<c t="str"><f>A1&amp;"x"</f><v>49x</v></c>`, "49x"},
		"a formula with a number":         {`<c><f>1+1</f><v>2</v></c>`, "2"},
		"a formula without a value":       {`<c><f>1+1</f></c>`, ""},
		"an error":                        {`<c t="e"><v>#N/A</v></c>`, ""},
		"an empty cell":                   {`<c s="1"/>`, ""},
		"a prefix":                        {`<x:c xmlns:x="y"><x:v>7</x:v></x:c>`, "7"},
	} {
		rows, err := rowsOf(t, workbookOf(t, `<row r="1"><c t="inlineStr"><is><t>-</t></is></c>`+tc.cell+`</row>`, shared), nil)
		if err != nil || len(rows) != 1 || strings.Join(rows[0].Cells[1:], "|") != tc.want {
			t.Errorf("%s: %+v, %v; want %q", name, rows, err, tc.want)
		}
	}
}

func TestRowsOfAWorkbookKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	rows, err := rowsOf(t, workbookOf(t, `<row r="2"><c r="B2" t="inlineStr"><is><t>phone
number</t></is></c></row><row/><row r="7" hidden="1"><c r="A7"><v>1</v></c></row><row r="8"><c r="C8"><v>2</v></c><c><v>3</v></c></row>
		<row hidden="true"/>`, ""), nil)
	want := []Record{{Line: 2, Cells: []string{"", "phone\nnumber"}}, {Line: 7, Wrong: rowHidden, Raw: `"1"`},
		{Line: 8, Cells: []string{"", "", "2", "3"}}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestTheSheetWithTheHeaderIsRead(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	put := func(sheet, cell string, value any) {
		if i, _ := f.GetSheetIndex(sheet); i < 0 {
			if _, err := f.NewSheet(sheet); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.SetCellValue(sheet, cell, value); err != nil {
			t.Fatal(err)
		}
	}

	put("Sheet1", "A1", "How to use this workbook")
	put("Secret", "A1", "phone")
	put("People", "A2", "Our customers")
	put("People", "A3", "phone")
	put("People", "A4", 4915112345678)
	put("More", "A1", "phone")
	if err := f.SetSheetVisible("Secret", false); err != nil {
		t.Fatal(err)
	}

	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}

	rows, err := rowsOf(t, b.String(), func(cells []string) bool { return slices.Contains(cells, "phone") })
	want := []Record{{Line: 2, Cells: []string{"Our customers"}}, {Line: 3, Cells: []string{"phone"}},
		{Line: 4, Cells: []string{"4915112345678"}}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Error(diff, err)
	}

	if rows, err = rowsOf(t, b.String(), nil); err != nil || len(rows) != 1 || rows[0].Cells[0][:3] != "How" {
		t.Errorf("without a header the first sheet is not read: %v, %v", rows, err)
	}
}

// excelize is another reader of the same format.
func TestAWorkbookIsReadAsAnotherLibraryReadsIt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		f, used := excelize.NewFile(), map[string]bool{}
		for range 200 {
			cell, err := excelize.CoordinatesToCellName(1+r.IntN(12), 1+r.IntN(60))
			if err != nil {
				t.Fatal(err)
			}

			if used[cell] { // a date's format would stay
				continue
			}

			used[cell] = true
			values := []any{r.Int64N(1e13), r.Float64(), "text " + fmt.Sprint(r.IntN(9)), "a\"b,c\nd", " blank ", "長い 🙂",
				"_x0041_", r.IntN(2) == 0, time.Date(2024, 1, 1+r.IntN(300), 0, 0, 0, 0, time.UTC)}
			if err := f.SetCellValue("Sheet1", cell, values[r.IntN(len(values))]); err != nil {
				t.Fatal(err)
			}
		}

		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}

		checkAsExcelize(t, b.String())
	}
}

func checkAsExcelize(t *testing.T, file string) {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}

	all, err := f.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}

	ours, err := rowsOf(t, file, nil)
	if err != nil {
		t.Fatal(err)
	}

	got := map[int][]string{}
	for _, r := range ours {
		got[r.Line] = r.Cells
	}

	for i, cells := range all {
		for len(cells) > 0 && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1]
		}

		for c, value := range cells {
			if c < len(got[i+1]) && saysTheSame(got[i+1][c], value) {
				continue
			}

			if c >= len(got[i+1]) || got[i+1][c] != value {
				t.Fatalf("row %d, column %d: %q, and here %q", i+1, c+1, value, got[i+1])
			}
		}
	}
}

// saysTheSame reports whether a raw number of a cell is shown as that number, a date, or TRUE and
// FALSE.
func saysTheSame(shown, raw string) bool {
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return false
	}

	if v, err := strconv.ParseFloat(shown, 64); err == nil {
		return math.Abs(v-n) < 1e-12*math.Abs(n)
	}

	at, err := excelize.ExcelDateToTime(n, false)

	return err == nil && shown == at.Format(time.DateOnly) || shown == map[string]string{"0": "FALSE", "1": "TRUE"}[raw]
}

func TestAWorkbookTakesABoundedNumberOfBytes(t *testing.T) {
	t.Parallel()
	cell := `<c t="inlineStr"><is><t>` + strings.Repeat("x", 10_000) + `</t></is></c>`
	var before, after runtime.MemStats
	for name, tc := range map[string]struct {
		rows, shared, want string
	}{
		"a value of two megabytes": {`<row><c t="inlineStr"><is><t>` + strings.Repeat("x", 2<<20) + `</t></is></c></row>`, "", "more than 1 MiB"},
		"a shared text of two":     {"", `<si><t>` + strings.Repeat("x", 2<<20) + `</t></si>`, "more than 1 MiB"},
		"an attribute of two":      {`<row r="` + strings.Repeat("1", 2<<20) + `"/>`, "", "more than 1 MiB"},
		"a row of no sheet":        {`<row r="4000000"><c><v>1</v></c></row>`, "", "a broken workbook"},
		"no end":                   {`<row><c><v>1`, "", "a broken workbook"},
	} {
		_, err := rowsOf(t, workbookOf(t, tc.rows, tc.shared), nil)
		var u Unreadable
		if !errors.As(err, &u) || !strings.Contains(u.Reason, tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}

	runtime.ReadMemStats(&before)
	rows, err := rowsOf(t, workbookOf(t, `<row>`+strings.Repeat(cell, 3000)+`</row><row><c><v>1</v></c></row>`, ""), nil)
	runtime.ReadMemStats(&after)
	if err != nil || len(rows) != 2 || rows[0].Wrong != rowTooLong || rows[1].Line != 2 {
		t.Errorf("a row of 30 MB: %d rows, %v", len(rows), err)
	}

	far := `<row><c r="XFE1"><v>1</v></c><c r="ZZZZZZ1"><v>2</v></c></row><row><c><v>3</v></c></row>`
	if rows, err = rowsOf(t, workbookOf(t, far, ""), nil); err != nil || len(rows) != 1 || rows[0].Line != 2 {
		t.Errorf("cells beyond the last column: %v, %v", rows, err)
	}
}

func TestAZipBombEndsAtItsBound(t *testing.T) {
	t.Parallel()
	text, err := Open(strings.NewReader(workbookOf(t, "<row><c><v>1</v></c></row>", "")), Options{})
	if err != nil {
		t.Fatal(err)
	}

	text.Close()
	bounded := &part{w: &workbook{left: 10}, leash: maxToken,
		from: io.NopCloser(strings.NewReader(strings.Repeat(" ", 100)))}
	if n, err := io.Copy(io.Discard, bounded); err == nil || n > 100 || !strings.Contains(err.Error(), "2 GiB") {
		t.Errorf("%d bytes were read, %v", n, err)
	}

	directory := strings.Repeat("PK\x01\x02"+strings.Repeat("\x00", 42), 300_000)
	end := "PK\x05\x06" + "\x00\x00\x00\x00\x01\x00\x01\x00" + "\x00\x00\x10\x00" + "\x04\x00\x00\x00" + "\x00\x00"
	if _, err := Open(strings.NewReader("PK\x03\x04"+directory+end), Options{}); err == nil {
		t.Error("an archive with 300,000 entries is read")
	}
}

func TestManySharedTextsAreKeptInAFile(t *testing.T) {
	t.Parallel()
	s := &sharedStrings{}
	w := &stringWriter{sharedStrings: s}
	text := func(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("長", i%50)) }

	const n = 200_000
	for i := range n {
		if err := w.add(text(i)); err != nil {
			t.Fatal(err)
		}
	}

	if err := w.flush(); err != nil || s.file == nil {
		t.Fatal(err, s.file)
	}

	defer s.close()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		at := i
		if i%5 == 0 {
			at = r.IntN(n)
		}
		if got, err := s.at(at); err != nil || got != text(at) {
			t.Fatalf("text %d is %q, %v", at, got, err)
		}
	}
}

func FuzzWorkbook(f *testing.F) {
	f.Add(`<row r="2"><c r="A2" t="s"><v>0</v></c><c><v>1.5E+11</v></c></row>`, `<si><t>phone</t></si>`)
	f.Add(`<row hidden="1"><c t="inlineStr"><is><t>a</t></is></c></row><row r="9"/>`, `<si><r><t>x</t></r></si>`)
	f.Add(`<row><c s="1"><v>45292.5</v></c><c t="e"><v>#N/A</v></c></row>`, ``)
	f.Fuzz(func(t *testing.T, rows, shared string) {
		got, err := rowsOf(t, workbookOf(t, rows, shared), nil)
		var u Unreadable
		if err != nil && !errors.As(err, &u) {
			t.Fatalf("an error that is not the file's: %v", err)
		}

		line := 0
		for _, r := range got {
			if r.Line <= line || r.Line > maxSheetRows {
				t.Fatalf("row %d after row %d", r.Line, line)
			}

			line = r.Line
		}
	})
}
