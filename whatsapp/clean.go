package whatsapp

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Meta's bodies go into text and JSON columns. PostgreSQL refuses there what JSON allows: U+0000,
// half a surrogate pair, very large numbers, very deep nesting. This file is the one place that
// takes such things out.

// maxDepth bounds the nesting of a body; the parsers are recursive. Meta's bodies have about 10
// levels.
const maxDepth = 1_000

var byteOrderMark = []byte("\uFEFF")

// clean returns a body as both databases can store its texts: valid UTF-8 without a byte order
// mark, without U+0000, and with U+FFFD for what is not Unicode. It changes nothing else, and
// copies nothing when there is nothing to change.
func clean(body []byte) []byte {
	for bytes.HasPrefix(body, byteOrderMark) {
		body = body[len(byteOrderMark):]
	}

	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	if !bytes.Contains(body, []byte(`\u0000`)) && !hasSurrogate(body) {
		return body
	}

	return cleanEscapes(body)
}

// hasSurrogate reports whether a body may have the escape of a surrogate.
func hasSurrogate(body []byte) bool {
	for _, start := range [...]string{`\ud`, `\uD`} {
		if bytes.Contains(body, []byte(start)) {
			return true
		}
	}

	return false
}

func cleanEscapes(body []byte) []byte {
	var out []byte
	copied := 0 // what of body is in out
	replace := func(at, length int, by string) {
		out = append(append(out, body[copied:at]...), by...)
		copied = at + length
	}

	for i := 0; i < len(body); {
		next := bytes.IndexByte(body[i:], '\\')
		if next < 0 {
			break
		}

		i += next
		r, ok := escape(body[i:])

		switch {
		case !ok:
			i += 2 // \n, \" and the like
			continue
		case r == 0:
			replace(i, 6, "")
		case utf16.IsSurrogate(r):
			if low, ok := escape(body[i+6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				i += 6 // a pair
			} else {
				replace(i, 6, `\ufffd`)
			}
		}

		i += 6
	}

	return append(out, body[copied:]...)
}

// escape reads \u and four digits at the start of text.
func escape(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}

	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}

		r = r<<4 | rune(c)
	}

	return r, true
}

// depth is how deep the objects and arrays of a text are nested.
func depth(text []byte) (deepest int) {
	open, inText := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}

	return deepest
}

// The bounds of a message that is stored as it came.
const (
	maxRaw      = 256 << 10 // bytes
	maxRawDepth = 100       // PostgreSQL's parser gives up at some thousands
	maxDigits   = 300       // of a number; PostgreSQL takes some 130,000
)

// storable returns a copy of a part of a body that a JSON column takes; nil where none does.
func storable(raw json.RawMessage) json.RawMessage {
	if len(raw) > maxRaw || depth(raw) > maxRawDepth || hasHugeNumber(raw) {
		return nil
	}
	return bytes.Clone(raw)
}

// hasHugeNumber reports whether valid JSON has a number with more digits than maxDigits, written
// out.
func hasHugeNumber(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("0123456789+-.eE", text[end]) >= 0 {
				end++
			}

			if isHuge(text[i:end]) {
				return true
			}

			i = end - 1
		}
	}

	return false
}

func isHuge(number []byte) bool {
	if len(number) > maxDigits {
		return true
	}

	i := bytes.IndexAny(number, "eE")
	if i < 0 {
		return false
	}

	exponent := bytes.TrimLeft(number[i+1:], "+-0")

	return len(exponent) > 3 || integer(string(exponent)) > maxDigits
}
