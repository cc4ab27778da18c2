package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxRow     = 256 << 10 // bytes; a quote that is never closed is given up after so many
	maxRawKept = 200       // bytes of a broken line that are shown
)

// Position is where a row begins in a text.
type Position struct {
	Offset int64 // bytes
	Line   int   // of the file that the text was made from, from 1
}

// Scanner reads the rows of a text (RFC 4180) that comes in pieces. Unlike encoding/csv it knows
// where each row begins, so that an import can go on from there, and a broken row costs that row
// alone: it goes on with the next line.
type Scanner struct {
	Position // of the next row

	more      func() ([]byte, error)
	delimiter byte
	workbook  bool // each row is a line of its own, however many its cells have

	buf  []byte // what is read and not yet passed
	over bool   // buf goes to the end of the file
}

// NewScanner reads a text from a position on. more gives the next piece, and io.EOF with or after
// the last. Of a workbook's text the delimiter is Comma.
func NewScanner(at Position, delimiter byte, workbook bool, more func() ([]byte, error)) *Scanner {
	return &Scanner{Position: at, delimiter: delimiter, workbook: workbook, more: more}
}

// ScanBeginning reads rows from the beginning of a text that is at hand.
func ScanBeginning(head []byte, delimiter byte, workbook bool) *Scanner {
	return &Scanner{Position: Position{Line: 1}, delimiter: delimiter, workbook: workbook, buf: head, over: true}
}

// Skip passes over so many bytes at the beginning.
func (s *Scanner) Skip(size int) { s.pass(size) }

// Delimiter is what stands between the values.
func (s *Scanner) Delimiter() byte { return s.delimiter }

// Record is one row. One that could not be read has no cells.
type Record struct {
	Line  int // of its beginning
	Cells []string
	// OpenQuote says that a value without quotes around it holds an odd number of them. With
	// values missing, that is a quote in the wrong place.
	OpenQuote bool
	Wrong     string // why it could not be read, for the file's author
	Raw       string // its beginning, when it is wrong
}

const (
	QuoteInside   = `a quote (") stands inside a value: put the whole value in quotes and write "" for the one inside`
	quoteUnclosed = `a quote (") is opened and never closed`
	rowTooLong    = "the row is longer than 256 KiB"
	rowNotText    = "the row is no text in the encoding of the file: save the file as CSV UTF-8"
	rowWithNUL    = "the row holds a NUL character: save the file as CSV UTF-8"
	rowHidden     = "the row is hidden in the workbook: show it or delete it"
)

// Next gives the next row; false when there is none. Rows without a single value are passed over.
func (s *Scanner) Next() (Record, bool, error) {
	for {
		if err := s.fill(maxRow + 2); err != nil || len(s.buf) == 0 {
			return Record{}, false, err
		}

		r := Record{Line: s.Line}
		mark := s.mark()
		cells, size, wrong := s.row(&r)

		switch {
		case wrong != "":
			r.Wrong, r.Raw = wrong, s.firstLine()
			return r, true, s.skipLine()
		case mark == markHidden && !blank(cells):
			r.Wrong, r.Raw = rowHidden, s.firstLine()
		case mark == markLong:
			r.Wrong, r.Raw = rowTooLong, s.firstLine()
		case !utf8.Valid(s.buf[:size]):
			r.Wrong, r.Raw = rowNotText, s.firstLine()
		case bytes.IndexByte(s.buf[:size], 0) >= 0:
			r.Wrong, r.Raw = rowWithNUL, s.firstLine()
		default:
			r.Cells = cells
		}

		s.pass(size)
		if r.Wrong != "" || !blank(cells) {
			return r, true, nil
		}
	}
}

// mark takes what a workbook's text says of a whole row from its beginning.
func (s *Scanner) mark() (mark byte) {
	if mark = s.buf[0]; !s.workbook || mark != markHidden && mark != markLong {
		return 0
	}

	s.buf, s.Offset = s.buf[1:], s.Offset+1

	return mark
}

// fill reads until buf holds n bytes or the file's end.
func (s *Scanner) fill(n int) error {
	for !s.over && len(s.buf) < n {
		piece, err := s.more()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}

		s.over = err != nil
		s.buf = append(s.buf, piece...) // moves what is left to a new array now and then; pieces are large
	}

	return nil
}

// row reads the row at the beginning of buf: its cells and its bytes, with the line's end.
func (s *Scanner) row(r *Record) (cells []string, size int, wrong string) {
	b := s.buf[:min(len(s.buf), maxRow)]
	whole := s.over && len(b) == len(s.buf)
	for n := 0; ; n++ {
		var cell string
		if start, ok := s.openingQuote(b, n); ok {
			var closed bool
			if cell, n, closed = quoted(b, start); !closed {
				return nil, 0, quoteUnclosed
			}

			n = s.passBlanks(b, n)
			if n < len(b) && b[n] != s.delimiter && b[n] != '\n' && b[n] != '\r' {
				return nil, 0, QuoteInside
			}
		} else {
			start, quotes := n, 0
			for n < len(b) && b[n] != s.delimiter && b[n] != '\n' && b[n] != '\r' {
				if b[n] == '"' {
					quotes++
				}

				n++
			}

			cell = string(b[start:n])
			r.OpenQuote = r.OpenQuote || quotes%2 == 1
		}

		cells = append(cells, cell)
		switch {
		case n < len(b) && b[n] == s.delimiter:
		case n < len(b):
			return cells, n + lineEnd(s.buf[n:]), ""
		case whole:
			return cells, n, ""
		default:
			return nil, 0, rowTooLong
		}
	}
}

// openingQuote finds the quote that a value begins with, and gives the place behind it. Programs
// put blanks before it, and a = that makes a spreadsheet keep digits as text.
func (s *Scanner) openingQuote(b []byte, n int) (behind int, ok bool) {
	n = s.passBlanks(b, n)
	if n+1 < len(b) && b[n] == '=' && b[n+1] == '"' {
		n++
	}

	return n + 1, n < len(b) && b[n] == '"'
}

func (s *Scanner) passBlanks(b []byte, n int) int {
	for n < len(b) && (b[n] == ' ' || b[n] == '\t') && b[n] != s.delimiter {
		n++
	}

	return n
}

// quoted reads a quoted value from behind its quote to behind the closing one. Line ends inside
// become \n.
func quoted(b []byte, start int) (cell string, n int, closed bool) {
	var parts strings.Builder
	for n = start; n < len(b); n++ {
		if b[n] != '"' {
			continue
		}

		if n+1 == len(b) || b[n+1] != '"' {
			parts.Write(b[start:n])
			return strings.ReplaceAll(parts.String(), "\r\n", "\n"), n + 1, true
		}

		parts.Write(b[start : n+1])
		n++
		start = n + 1
	}

	return "", n, false
}

// skipLine passes the rest of the line, however long it is.
func (s *Scanner) skipLine() error {
	for {
		if i := bytes.IndexAny(s.buf, "\r\n"); i >= 0 && (s.buf[i] == '\n' || s.over || i+1 < len(s.buf)) {
			s.pass(i + lineEnd(s.buf[i:]))
			return nil
		}

		if s.over {
			s.pass(len(s.buf))
			return nil
		}

		keep := 0
		if bytes.HasSuffix(s.buf, []byte("\r")) { // its \n may follow
			keep = 1
		}

		s.pass(len(s.buf) - keep)
		if err := s.fill(len(s.buf) + 1); err != nil {
			return err
		}
	}
}

func (s *Scanner) pass(size int) {
	if s.workbook {
		s.Line++
		s.buf, s.Offset = s.buf[size:], s.Offset+int64(size)

		return
	}

	for b := s.buf[:size]; ; s.Line++ {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			break
		}

		b = b[i+lineEnd(b[i:]):]
	}

	s.buf, s.Offset = s.buf[size:], s.Offset+int64(size)
}

func (s *Scanner) firstLine() string {
	line := s.buf[:min(len(s.buf), maxRawKept)]
	if i := bytes.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}

	return strings.ReplaceAll(strings.ToValidUTF8(string(line), "\uFFFD"), "\x00", "\uFFFD")
}

// lineEnd is how many bytes the line end at the beginning of b has: \n, \r\n, or the lone \r of
// old programs.
func lineEnd(b []byte) int {
	if len(b) > 1 && b[0] == '\r' && b[1] == '\n' {
		return 2
	}
	return 1
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimFunc(c, IsBlankMark) != "" {
			return false
		}
	}

	return true
}

// IsBlankMark reports whether nobody can see the character: a space, or a mark such as a byte
// order mark in the midst of a file that was put together from several.
func IsBlankMark(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == 0x1A }
