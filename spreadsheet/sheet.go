package spreadsheet

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	maxSheetRows    = 1_048_576
	maxSheetColumns = 16_384

	// What a workbook's text says of a whole row, before its first value.
	markHidden = '\x01'
	markLong   = '\x02' // it has more than maxRow bytes; the rest is left out
)

// sheetRow is one row of a sheet.
type sheetRow struct {
	line         int
	cells        []string
	hidden, long bool
}

// sheetRows reads the rows of a sheet, those without a value too.
type sheetRows struct {
	*part
	line int // of the last row
}

func (w *workbook) rows(s sheet) (*sheetRows, error) {
	p, err := w.open(s.part)
	if err != nil {
		return nil, err
	}

	return &sheetRows{part: p}, nil
}

func (r *sheetRows) close() {
	if r != nil {
		_ = r.from.Close()
	}
}

// next is the next row; nil after the last.
func (r *sheetRows) next() (*sheetRow, error) {
	for {
		token, err := r.part.next()
		if err != nil || token == nil {
			return nil, err
		}

		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "row" {
				return r.row(e)
			}
		case xml.EndElement:
			if e.Name.Local == "sheetData" {
				return nil, nil
			}
		}
	}
}

func (r *sheetRows) row(e xml.StartElement) (*sheetRow, error) {
	r.line++
	if n, ok := number(attribute(e, "r")); ok && n >= r.line {
		r.line = n
	}
	if r.line > maxSheetRows {
		return nil, errBroken
	}

	row := &sheetRow{line: r.line, hidden: isTrue(attribute(e, "hidden"))}
	size := 0

	for at := -1; ; {
		token, err := r.part.next()
		if err != nil {
			return nil, err
		}
		if token == nil {
			return nil, errBroken
		}

		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return row, nil
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}

			at++
			if named := column(attribute(e, "r")); named >= 0 {
				at = named
			}

			value, err := r.cell(e)
			if err != nil {
				return nil, err
			}
			if value == "" || at >= maxSheetColumns {
				continue
			}

			if size += len(value); size > maxRow {
				row.long = true
				continue
			}

			row.put(at, value)
		}
	}
}

func (r *sheetRow) put(at int, value string) {
	for len(r.cells) <= at {
		r.cells = append(r.cells, "")
	}

	r.cells[at] = value
}

// cell reads a cell to its end, and gives its value as a person would write it.
func (r *sheetRows) cell(e xml.StartElement) (string, error) {
	kind := attribute(e, "t")
	style, _ := number(attribute(e, "s"))
	var value strings.Builder

	for inside, depth := "", 0; ; {
		token, err := r.part.next()
		if err != nil {
			return "", err
		}

		switch e := token.(type) {
		case nil:
			return "", errBroken
		case xml.StartElement:
			if depth++; e.Name.Local == "rPh" { // how the value is spoken
				inside = "rPh"
			} else if inside != "rPh" && (e.Name.Local == "v" || e.Name.Local == "t") {
				inside = e.Name.Local
			}
		case xml.EndElement:
			if depth == 0 {
				return r.w.value(kind, style, value.String())
			}
			if depth--; inside == e.Name.Local {
				inside = ""
			}
		case xml.CharData:
			if (inside == "v" || inside == "t") && value.Len() <= maxRow {
				value.Write(e)
			}
		}
	}
}

// value is what a cell of a kind holds. A formula's is the value that it had last.
func (w *workbook) value(kind string, style int, text string) (string, error) {
	switch kind {
	case "s":
		n, ok := number(text)
		if !ok {
			return "", nil
		}
		return w.strings.at(n)
	case "inlineStr", "str":
		return unescape(text), nil
	case "b":
		if isTrue(text) {
			return "TRUE", nil
		}
		return "FALSE", nil
	case "e": // such as #N/A
		return "", nil
	case "d":
		return strings.TrimSuffix(strings.Replace(text, "T", " ", 1), " 00:00:00"), nil
	}

	return w.styles.number(style, text, w.date1904), nil
}

// unescape reads _x000D_ and its like, which stand for characters that XML cannot hold.
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}

	var out strings.Builder
	for {
		at := strings.Index(text, "_x")
		if at < 0 || at+7 > len(text) {
			out.WriteString(text)
			return out.String()
		}

		r, ok := hex(text[at+2 : at+6])
		if !ok || text[at+6] != '_' {
			out.WriteString(text[:at+2])
			text = text[at+2:]

			continue
		}

		out.WriteString(text[:at])
		if r >= ' ' || r == '\n' || r == '\t' || r == '\r' {
			out.WriteRune(r)
		}

		text = text[at+7:]
	}
}

func hex(digits string) (r rune, ok bool) {
	for _, d := range strings.ToLower(digits) {
		at := strings.IndexRune("0123456789abcdef", d)
		if at < 0 {
			return 0, false
		}

		r = r<<4 | rune(at)
	}

	return r, utf8.ValidRune(r)
}

// sheetText writes a sheet as CSV: a line for each of its rows.
type sheetText struct {
	rows *sheetRows
	line int // that is written
	over bool
	buf  bytes.Buffer
}

func (t *sheetText) Read(p []byte) (int, error) {
	for t.buf.Len() == 0 {
		if t.over || t.rows == nil {
			return 0, io.EOF
		}

		row, err := t.rows.next()
		if err != nil {
			return 0, err
		}

		if t.over = row == nil; !t.over {
			t.write(row)
		}
	}

	n, err := t.buf.Read(p)
	if errors.Is(err, io.EOF) { // of the row alone
		err = nil
	}

	return n, err
}

func (t *sheetText) write(row *sheetRow) {
	for t.line++; t.line < row.line; t.line++ {
		t.buf.WriteByte('\n')
	}

	switch {
	case row.long:
		t.buf.WriteByte(markLong)
	case row.hidden:
		t.buf.WriteByte(markHidden)
	}

	for i, cell := range row.cells {
		if i > 0 {
			t.buf.WriteByte(Comma)
		}
		if cell != "" {
			t.buf.WriteByte('"')
			t.buf.WriteString(strings.ReplaceAll(cell, `"`, `""`))
			t.buf.WriteByte('"')
		}
	}

	t.buf.WriteByte('\n')
}
