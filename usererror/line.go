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
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029': // lines and paragraphs
			return true
		case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069': // embeddings, overrides and isolates
			return true
		}

		return false
	})
}
