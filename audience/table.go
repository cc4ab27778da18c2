package audience

import (
	"bufio"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"carillon/ent/jsonfield"
	"carillon/spreadsheet"
	"carillon/usererror"
)

const (
	maxFile   = 100_000_000 // bytes as it is uploaded
	maxTable  = 250_000_000 // bytes of the text that becomes of it
	maxHeader = 64 << 10
	headBytes = 256 << 10 // of the text, by which columns are guessed
	headRows  = 200       // the same
	// headerWithin is among how many rows the header line is looked for: some files begin with a
	// title.
	headerWithin = 10
)

// table is an uploaded file that is understood as far as its header line. Its position is that of
// the first row behind it.
type table struct {
	start
	text     *bufio.Reader // from the beginning of the file
	encoding string
	workbook bool
	close    func()
}

// start is what a file's beginning says, and where its rows begin.
type start struct {
	header    header
	delimiter byte
	spreadsheet.Position
}

// check looks at what is said of a file.
func (f NewImport) check(in *usererror.Fields) {
	if c := upper(f.DefaultCountry); c != nil && !isCountry(*c) {
		in.Add("defaultCountry", usererror.Invalid, "%s is not a country: write its ISO 3166 code, e.g. CN", shown(*c))
	}

	if len(f.Columns) > maxMapped {
		in.Add("columns", usererror.LimitExceeded, "at most %d columns", maxMapped)
		return
	}

	for i, c := range f.Columns {
		if c.Field != nil && !slices.Contains(importFields, *c.Field) {
			in.Add(columnPath(i, "field"), usererror.Invalid, "%s is not a field of contacts: one of %s, or leave it out",
				shown(*c.Field), strings.Join(importFields, ", "))
		}
		if c.Attribute != nil {
			note(in, columnPath(i, "attribute"), checkKey("the attribute", *c.Attribute))
		}
	}
}

// workbooksAtOnce is how many workbooks a process unpacks at a time: each takes tens of megabytes.
const workbooksAtOnce = 4

// open reads a file's beginning. The caller closes the table.
func (s *Service) open(ctx context.Context, f NewImport) (*table, error) {
	if f.File.Size() > maxFile {
		return nil, usererror.Refuse("file", usererror.LimitExceeded, "the file is larger than 100 MB: split it")
	}

	select {
	case s.workbooks <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}

	t := &table{close: func() { <-s.workbooks }}
	if err := t.read(f); err != nil {
		t.close()
		return nil, refuseFile(err)
	}

	return t, nil
}

func (t *table) read(f NewImport) error {
	origin := f.origin()
	text, err := spreadsheet.Open(f.File, spreadsheet.Options{Country: origin.region, Header: func(cells []string) bool {
		return isHeader(cells, f.Columns)
	}})
	if err != nil {
		return err
	}

	free := t.close
	t.close = func() {
		text.Close()
		free()
	}

	t.encoding, t.workbook = text.Encoding, text.Workbook
	t.text = bufio.NewReaderSize(&limited{text, maxTable}, headBytes)
	head, err := t.text.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}

	t.start, err = readStart(head, len(head) < headBytes, t.workbook, f.evidence(origin))

	return err
}

// origin is of the file's numbers.
func (f NewImport) origin() (o origin) {
	if c := upper(f.DefaultCountry); c != nil {
		o.region = *c
	}
	if f.NumberForm != nil {
		o.form = *f.NumberForm
	}

	return o
}

// evidence is what the caller says of a file's columns.
func (f NewImport) evidence(from origin) evidence {
	by := evidence{mapping: f.Columns, origin: from}
	if f.Campaign != nil {
		by.parameter = f.Campaign.Parameter
	}

	return by
}

// limited reads at most so many bytes and refuses a text that has more.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fileMistake{usererror.LimitExceeded, "the file holds more than 250 MB of text: split it"}
	}

	return n, err
}

// declared is the line that tells Excel which delimiter a file has.
var declared = regexp.MustCompile(`^\s*"?(?i:sep)=(\\t|[^\r\n"0-9A-Za-z])"?[,;\t |]*(?:\r\n|\r|\n|$)`)

const (
	delimiters = ",;\t|"
	maxMapped  = 20_000 // a sheet has 16,384 columns
)

// readStart finds the header line at a text's beginning, which may be all of it.
func readStart(head []byte, all, workbook bool, by evidence) (start, error) {
	passed, delimiter := 0, byte(spreadsheet.Comma)
	if m := declared.FindSubmatch(head); m != nil && !workbook && len(m[1]) <= 2 && m[1][0] < utf8.RuneSelf {
		passed, delimiter = len(m[0]), m[1][0]
		if delimiter == '\\' && len(m[1]) == 2 {
			delimiter = '\t'
		}
	} else if !workbook {
		delimiter = sniff(head, by.mapping)
	}

	scan := spreadsheet.ScanBeginning(head, delimiter, workbook)
	if passed > 0 {
		scan.Skip(passed)
	}

	cells, err := headerRow(scan, head, all, by.mapping)
	if err != nil {
		return start{}, err
	}

	s := start{delimiter: delimiter, Position: scan.Position}
	cells = withoutEmptyEnd(cells)
	if err := checkMapping(cells, by.mapping); err != nil {
		return start{}, err
	}

	by.rows = firstRows(scan, head, all)
	s.header, err = readHeader(cells, by)
	if err != nil {
		return start{}, wrongFile("%s", err)
	}

	return s, nil
}

// headerRow is the first row that names columns of a contact, or else the first of all. The
// scanner then stands behind it.
func headerRow(scan *spreadsheet.Scanner, head []byte, all bool, mapping []jsonfield.ImportColumn) ([]string, error) {
	first, ok, err := scan.Next()
	switch {
	case err != nil:
		return nil, err
	case !ok && all:
		return nil, wrongFile("the file is empty")
	case !ok, scan.Offset > maxHeader, scan.Offset == int64(len(head)) && !all:
		return nil, wrongFile("the header line is longer than 64 KiB: is the file a CSV file?")
	case first.Wrong != "":
		return nil, wrongFile("in the header line, %s", first.Wrong)
	}

	later := *scan
	for n, row := 1, first; n < headerWithin && !(&header{columns: row.Cells}).holdsNumber(); n++ {
		if isHeader(row.Cells, mapping) {
			*scan = later
			return row.Cells, nil
		}

		if row, ok, err = later.Next(); err != nil || !ok || later.Offset > maxHeader || row.Wrong != "" {
			break
		}
	}

	return first.Cells, err
}

// isHeader reports whether a row names the columns of contacts: all that the caller says, or else
// that of their numbers.
func isHeader(cells []string, mapping []jsonfield.ImportColumn) bool {
	cells = withoutEmptyEnd(cells)
	if len(mapping) > 0 {
		return checkMapping(cells, mapping) == nil
	}

	_, err := readHeader(cells, evidence{})

	return err == nil
}

// firstRows are the first whole rows behind the header line.
func firstRows(scan *spreadsheet.Scanner, head []byte, all bool) (rows [][]string) {
	for len(rows) < headRows {
		r, ok, err := scan.Next()
		if err != nil || !ok || scan.Offset == int64(len(head)) && !all {
			break
		}
		if r.Wrong == "" {
			rows = append(rows, r.Cells)
		}
	}

	return rows
}

// withoutEmptyEnd leaves out the columns at the end that have no name: a spreadsheet writes up to
// 16,384 of them for cells that were used once.
func withoutEmptyEnd(cells []string) []string {
	for len(cells) > 1 && strings.TrimFunc(cells[len(cells)-1], spreadsheet.IsBlankMark) == "" {
		cells = cells[:len(cells)-1]
	}

	return cells
}

// sniff finds the delimiter: the one with which a header line makes sense and has most columns, or
// else the one that the first line has most often.
func sniff(head []byte, mapping []jsonfield.ImportColumn) byte {
	best, columns := byte(0), 0
	for _, d := range []byte(delimiters) {
		scan := spreadsheet.ScanBeginning(head, d, false)
		for range headerWithin {
			r, ok, err := scan.Next()
			if err != nil || !ok || scan.Offset > maxHeader {
				break
			}

			if len(r.Cells) > columns && isHeader(r.Cells, mapping) {
				best, columns = d, len(r.Cells)
				break
			}
		}
	}

	if best != 0 {
		return best
	}

	return mostOften(head)
}

func mostOften(head []byte) byte {
	count := map[byte]int{}
	inQuotes, any := false, false
	for _, c := range head {
		isDelimiter := strings.IndexByte(delimiters, c) >= 0
		switch {
		case c == '"':
			inQuotes = !inQuotes
		case (c == '\n' || c == '\r') && !inQuotes && any:
			return most(count)
		case isDelimiter && !inQuotes:
			count[c]++
		}

		any = any || c > ' ' && !isDelimiter
	}

	return most(count)
}

func most(count map[byte]int) byte {
	best := byte(',')
	for _, c := range []byte(delimiters) {
		if count[c] > count[best] {
			best = c
		}
	}

	return best
}
