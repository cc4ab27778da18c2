package spreadsheet

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	stringsInMemory = 8 << 20  // bytes
	stringsAtOnce   = 64 << 10 // bytes that are read of the file
	maxStrings      = 8 << 20
	maxStringBytes  = 1 << 30
)

// sharedStrings are the texts that a workbook's cells name by number. The first of them, which
// cells name most often, are in memory, the others in a file without a name, which is gone with
// the process. Cells name them mostly in their order, so the file is read in pieces.
type sharedStrings struct {
	ends   []uint32 // where each ends
	memory []byte
	file   *os.File

	piece   []byte
	pieceAt int64
}

func (s *sharedStrings) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}

func (w *workbook) readStrings(name string) error {
	p, err := w.open(name)
	if err != nil {
		return err
	}

	defer func() { _ = p.from.Close() }()
	kept := &stringWriter{sharedStrings: w.strings}
	var text strings.Builder

	for inside := ""; ; {
		token, err := p.next()
		if err != nil {
			return err
		}

		switch e := token.(type) {
		case nil:
			return kept.flush()
		case xml.StartElement:
			if e.Name.Local == "rPh" || e.Name.Local == "t" && inside != "rPh" {
				inside = e.Name.Local
			}
		case xml.CharData:
			if inside == "t" && text.Len() <= maxRow {
				text.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case inside:
				inside = ""
			case "si":
				if err := kept.add(unescape(text.String())); err != nil {
					return err
				}

				text.Reset()
			}
		}
	}
}

// stringWriter fills the strings.
type stringWriter struct {
	*sharedStrings
	out  *bufio.Writer
	size int64
}

func (s *stringWriter) add(text string) error {
	if s.size += int64(len(text)); s.size > maxStringBytes || len(s.ends) >= maxStrings {
		return Unreadable{TooLarge: true, Reason: "the workbook holds too many texts: split it, or save it as CSV UTF-8"}
	}

	s.ends = append(s.ends, uint32(s.size))
	if s.file == nil && s.size <= stringsInMemory {
		s.memory = append(s.memory, text...)
		return nil
	}

	if s.file == nil {
		if err := s.spill(); err != nil {
			return err
		}
	}

	if _, err := s.out.WriteString(text); err != nil {
		return fmt.Errorf("keep a workbook's texts: %w", err)
	}

	return nil
}

// spill begins the file. It has no name, so that nothing is left of it whatever happens.
func (s *stringWriter) spill() error {
	file, err := os.CreateTemp("", "carillon-workbook-")
	if err != nil {
		return fmt.Errorf("keep a workbook's texts: %w", err)
	}

	s.file = file
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("keep a workbook's texts: %w", err)
	}

	s.out = bufio.NewWriterSize(file, stringsAtOnce)

	return nil
}

func (s *stringWriter) flush() error {
	if s.out == nil {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("keep a workbook's texts: %w", err)
	}

	return nil
}

// at is the text of a number; empty where there is none.
func (s *sharedStrings) at(n int) (string, error) {
	if n >= len(s.ends) {
		return "", nil
	}

	start, end := int64(0), int64(s.ends[n])
	if n > 0 {
		start = int64(s.ends[n-1])
	}

	inMemory := int64(len(s.memory))
	if end <= inMemory {
		return string(s.memory[start:end]), nil
	}

	start, end = start-inMemory, end-inMemory
	if start < s.pieceAt || end > s.pieceAt+int64(len(s.piece)) {
		if err := s.read(start, int(max(stringsAtOnce, end-start))); err != nil {
			return "", err
		}
	}

	if end > s.pieceAt+int64(len(s.piece)) {
		return "", fmt.Errorf("read a workbook's texts: %w", io.ErrUnexpectedEOF)
	}

	return string(s.piece[start-s.pieceAt : end-s.pieceAt]), nil
}

func (s *sharedStrings) read(at int64, size int) error {
	if cap(s.piece) < size {
		s.piece = make([]byte, size)
	}

	n, err := s.file.ReadAt(s.piece[:size], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read a workbook's texts: %w", err)
	}

	s.piece, s.pieceAt = s.piece[:n], at

	return nil
}
