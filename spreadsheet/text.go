package spreadsheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

const (
	utf8Mark    = "\xef\xbb\xbf"
	readAtOnce  = 64 << 10
	sampleBytes = 64 << 10
)

// marks are what files begin with that say their encoding. UTF-32's comes before UTF-16's, with
// which it begins.
var marks = []struct {
	mark, name string
	encoding   encoding.Encoding
}{
	{utf8Mark, "UTF-8", nil},
	{"\xff\xfe\x00\x00", "UTF-32LE", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
	{"\x00\x00\xfe\xff", "UTF-32BE", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
	{"\xff\xfe", "UTF-16LE", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{"\xfe\xff", "UTF-16BE", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{"\x84\x31\x95\x33", "GB18030", gb18030},
}

func openText(file Upload, o Options) (*Text, error) {
	name, decode, passed, err := encodingOf(file, o.Country)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(passed, io.SeekStart); err != nil {
		return nil, fmt.Errorf("go to the beginning of a file: %w", err)
	}

	var content io.Reader = file
	if decode != nil {
		content = newLostReader(transform.NewReader(file, decode.NewDecoder()))
	}

	text := bufio.NewReaderSize(content, readAtOnce)

	return &Text{Reader: text, Encoding: name}, passMarks(text)
}

// encodingOf finds out in which encoding a file is, and how many bytes at its beginning say so. Its
// decoder is nil for UTF-8.
func encodingOf(file Upload, country string) (name string, decode encoding.Encoding, passed int64, err error) {
	head := make([]byte, 4)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil, 0, fmt.Errorf("read the beginning of a file: %w", err)
	}

	for _, m := range marks {
		if bytes.HasPrefix(head[:n], []byte(m.mark)) {
			return m.name, m.encoding, int64(len(m.mark)), nil
		}
	}

	c, err := takeCensus(io.NewSectionReader(file, 0, file.Size()))
	if err != nil {
		return "", nil, 0, err
	}

	switch {
	case c.nulls[1]*10 > c.units && c.nulls[0]*10 < c.nulls[1]:
		return "UTF-16LE", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 0, nil
	case c.nulls[0]*10 > c.units && c.nulls[1]*10 < c.nulls[0]:
		return "UTF-16BE", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 0, nil
	case c.broken == 0, c.whole > 4*c.broken:
		return "UTF-8", nil, 0, nil
	}

	guess := guessEncoding(c.sample, country)

	return guess.name, guess.encoding, 0, nil
}

// census is what the bytes of a file are like.
type census struct {
	nulls         [2]int // at even and at odd places
	units         int    // pairs of bytes
	whole, broken int    // characters of several bytes that are UTF-8, and bytes that are not
	sample        []byte // lines that hold more than ASCII
}

func takeCensus(file io.Reader) (*census, error) {
	c := &census{}
	buffer, kept := make([]byte, readAtOnce+utf8.UTFMax), 0
	for at := 0; ; {
		n, err := io.ReadFull(file, buffer[kept:kept+readAtOnce])
		over := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !over {
			return nil, fmt.Errorf("look through a file: %w", err)
		}

		fresh := buffer[kept : kept+n]
		for i, b := range fresh {
			if b == 0 {
				c.nulls[(at+i)%2]++
			}
		}

		at += n
		c.units = at / 2
		all := buffer[:kept+n]
		c.keep(fresh)
		kept = copy(buffer, c.count(all, over))

		if over {
			return c, nil
		}
	}
}

// count looks at the characters, and leaves the beginning of one that is cut off at the end.
func (c *census) count(text []byte, over bool) (rest []byte) {
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			text = text[1:]
			continue
		}
		if !over && len(text) < utf8.UTFMax && !utf8.FullRune(text) {
			return text
		}

		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			c.broken++
		} else {
			c.whole++
		}

		text = text[size:]
	}

	return nil
}

// keep adds lines to the sample.
func (c *census) keep(text []byte) {
	for len(text) > 0 && len(c.sample) < sampleBytes {
		line := text
		if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
			line = text[:i+1]
		}

		text = text[len(line):]
		if bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			c.sample = append(c.sample, line[:min(len(line), sampleBytes-len(c.sample))]...)
		}
	}
}

// passMarks passes over the marks at the beginning. A file that went through several programs may
// have more than one.
func passMarks(text *bufio.Reader) error {
	for {
		mark, err := text.Peek(len(utf8Mark))
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the beginning of a file: %w", err)
		}
		if string(mark) != utf8Mark {
			return nil
		}
		if _, err := text.Discard(len(mark)); err != nil {
			return fmt.Errorf("read the beginning of a file: %w", err)
		}
	}
}

// lost makes a byte that is no text of the character that decoders write for what they cannot
// read, so that the row is refused, and not taken with a character that was lost.
type lost struct{ transform.NopResetter }

func newLostReader(text io.Reader) io.Reader { return transform.NewReader(text, lost{}) }

func (lost) Transform(to, from []byte, atEOF bool) (written, read int, err error) {
	const replacement = "\uFFFD"
	for read < len(from) {
		n := bytes.Index(from[read:], []byte(replacement))
		if n == 0 {
			if written == len(to) {
				return written, read, transform.ErrShortDst
			}

			to[written] = 0xff
			written, read = written+1, read+len(replacement)

			continue
		}

		if n < 0 {
			n = len(from) - read
			if !atEOF {
				n -= len(replacement) - 1 // which may be its beginning
			}
		}
		if n <= 0 {
			return written, read, transform.ErrShortSrc
		}

		copied := copy(to[written:], from[read:read+n])
		written, read = written+copied, read+copied
		if copied < n {
			return written, read, transform.ErrShortDst
		}
	}

	return written, read, nil
}
