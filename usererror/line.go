package usererror

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// NotOneLine says what is wrong with a name for which OneLine is false.
const NotOneLine = "A name is one line: without line breaks, control characters and marks that turn the direction " +
	"of writing."

// OneLine says whether a text can stand as a name among others: in one line, and without changing
// how what stands around it is read.
func OneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return breaksLine(r) || turnsWriting(r) })
}

// ToOneLine makes one line of a name from a file: a blank in place of line breaks and control
// characters, and nothing in place of marks that turn the direction of writing.
func ToOneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case breaksLine(r):
			return ' '
		case turnsWriting(r):
			return -1
		}

		return r
	}, s)

	return strings.TrimSpace(strings.ReplaceAll(s, "  ", " "))
}

// breaksLine is true of control characters, and of Unicode's line and paragraph separators.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// turnsWriting is true of embeddings, overrides and isolates.
func turnsWriting(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}
