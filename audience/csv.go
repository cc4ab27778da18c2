package audience

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	maxRow     = 256 << 10 // bytes; a quote that is never closed is given up after so many
	maxRawKept = 200       // bytes of a broken line that its rejection shows
)

// scanner reads the rows of a CSV file (RFC 4180) that comes in pieces. Unlike encoding/csv it
// knows where each row begins, so that an import can go on from there, and a broken row costs
// that row alone: it goes on with the next line.
type scanner struct {
	more      func() ([]byte, error) // the next piece of the file; io.EOF when there is none
	delimiter byte
	offset    int64 // of the next row in the file
	line      int   // of the next row, from 1

	buf  []byte // what is read and not yet passed
	over bool   // buf goes to the end of the file
}

// record is one row. One that could not be read has no cells.
type record struct {
	line  int // of its beginning
	cells []string
	// openQuote says that a value without quotes around it holds an odd number of them. With
	// values missing, that is a quote in the wrong place.
	openQuote bool
	wrong     string // why it could not be read, for the file's author
	raw       string // its beginning, when it is wrong
}

const (
	quoteInside   = `a quote (") stands inside a value: put the whole value in quotes and write "" for the one inside`
	quoteUnclosed = `a quote (") is opened and never closed`
	rowTooLong    = "the row is longer than 256 KiB"
	rowNotUTF8    = "the row is not UTF-8 text: save the file as CSV UTF-8"
	rowWithNUL    = "the row holds a NUL character: save the file as CSV UTF-8"
)

// next gives the next row; false when there is none. Rows without a single value are passed over.
func (s *scanner) next() (record, bool, error) {
	for {
		if err := s.fill(maxRow + 2); err != nil || len(s.buf) == 0 {
			return record{}, false, err
		}

		r := record{line: s.line}
		cells, size, wrong := s.row(&r)

		switch {
		case wrong != "":
			r.wrong, r.raw = wrong, s.firstLine()
			return r, true, s.skipLine()
		case !utf8.Valid(s.buf[:size]):
			r.wrong, r.raw = rowNotUTF8, s.firstLine()
		case bytes.IndexByte(s.buf[:size], 0) >= 0:
			r.wrong, r.raw = rowWithNUL, s.firstLine()
		default:
			r.cells = cells
		}

		s.pass(size)
		if r.wrong != "" || !blank(cells) {
			return r, true, nil
		}
	}
}

// fill reads until buf holds n bytes or the file's end.
func (s *scanner) fill(n int) error {
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
func (s *scanner) row(r *record) (cells []string, size int, wrong string) {
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
				return nil, 0, quoteInside
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
			r.openQuote = r.openQuote || quotes%2 == 1
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
func (s *scanner) openingQuote(b []byte, n int) (behind int, ok bool) {
	n = s.passBlanks(b, n)
	if n+1 < len(b) && b[n] == '=' && b[n+1] == '"' {
		n++
	}

	return n + 1, n < len(b) && b[n] == '"'
}

func (s *scanner) passBlanks(b []byte, n int) int {
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
func (s *scanner) skipLine() error {
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

func (s *scanner) pass(size int) {
	for b := s.buf[:size]; ; s.line++ {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			break
		}

		b = b[i+lineEnd(b[i:]):]
	}

	s.buf, s.offset = s.buf[size:], s.offset+int64(size)
}

func (s *scanner) firstLine() string {
	line := s.buf[:min(len(s.buf), maxRawKept)]
	if i := bytes.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}

	return clean(string(line))
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
		if strings.TrimFunc(c, isBlankMark) != "" {
			return false
		}
	}

	return true
}
