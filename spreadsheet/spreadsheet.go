// Package spreadsheet reads the files that people export from spreadsheets and other programs: CSV
// in whatever encoding and with whatever delimiter, and XLSX workbooks. It makes of each a text,
// which is CSV in UTF-8, and reads rows from any place in that text. It knows nothing of what the
// columns mean. Whatever a file holds, it takes a bounded number of bytes of memory and disk.
package spreadsheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Upload is a file that has come whole.
type Upload interface {
	io.ReadSeeker
	io.ReaderAt
	Size() int64
}

// Text is a file's content as CSV in UTF-8.
type Text struct {
	io.Reader
	// Encoding is the file's own, as browsers name it, or XLSX.
	Encoding string
	// Workbook says that each row of the text is one line of the file, that its delimiter is
	// Comma, and that NewScanner must know it.
	Workbook bool

	close func()
}

// XLSX is the Encoding of a workbook.
const XLSX = "XLSX"

// Comma stands between the values of a workbook's text.
const Comma = ','

// Close gives back what reading takes.
func (t *Text) Close() {
	if t.close != nil {
		t.close()
	}
}

// Options help where a file does not say what it is.
type Options struct {
	// Country is where the file probably comes from, ISO 3166. It decides between encodings in
	// which the file makes as much sense.
	Country string
	// Header reports whether a row names the columns of what is looked for. Of several sheets the
	// first that begins with such a row is read.
	Header func(cells []string) bool
}

// Unreadable is why a file cannot be read, for its author.
type Unreadable struct {
	TooLarge bool
	Reason   string
}

func (u Unreadable) Error() string { return u.Reason }

func unreadable(reason string, args ...any) error {
	return Unreadable{Reason: fmt.Sprintf(reason, args...)}
}

// beginnings tell files that are no tables, and what to do with them.
var beginnings = []struct{ bytes, reason string }{
	{"%PDF", "the file is a PDF document: import the table that it was made from"},
	{"\x1f\x8b", "the file is compressed: unpack it and import what is in it"},
	{"Rar!", "the file is an archive: unpack it and import what is in it"},
	{"7z\xbc\xaf\x27\x1c", "the file is an archive: unpack it and import what is in it"},
	{"{\\rtf", "the file is a text document: save its table as CSV UTF-8 and import that"},
	{"\x89PNG", "the file is a picture: import the table that it shows"},
	{"\xff\xd8\xff", "the file is a picture: import the table that it shows"},
	{"SQLite format 3", "the file is a database: save its table as CSV UTF-8 and import that"},
}

// Open finds out what a file is and reads it from its beginning. Close the text after use.
func Open(file Upload, o Options) (*Text, error) {
	head := make([]byte, 4096)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the beginning of a file: %w", err)
	}

	head = head[:n]
	for _, b := range beginnings {
		if bytes.HasPrefix(head, []byte(b.bytes)) {
			return nil, unreadable("%s", b.reason)
		}
	}

	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return openWorkbook(file, o)
	case bytes.HasPrefix(head, []byte(oldWorkbook)):
		return nil, refuseOldWorkbook(file)
	case isMarkup(head):
		return nil, unreadable("the file is a web page or XML, whatever its name says: open it in a spreadsheet, " +
			"save it as XLSX or CSV UTF-8, and import that")
	}

	return openText(file, o)
}

// isMarkup reports whether a file is HTML or XML, which programs like to call .xls.
func isMarkup(head []byte) bool {
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	for _, tag := range []string{"<?xml", "<html", "<!doctype", "<table", "<head", "<body", "<meta"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}

	return false
}
