package outbox

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// LinkLike reports whether a text has something that mail programs turn into a link, or people into
// a call.
func LinkLike(text string) bool { return linkLike.MatchString(norm.NFKC.String(text)) }

// longestMailable is how much of a stranger's words a mail carries.
const longestMailable = 60

// linkLike is what mail programs turn into a link, or people into a call: a scheme, an address, a
// domain, a long number.
var linkLike = regexp.MustCompile(`(?i)://|www\.|@|[\p{L}\p{N}-][.。｡]\p{L}{2,}|[0-9](?:[ ().+/-]*[0-9]){6,}`)

// Mailable is a name that somebody chose, in quotation marks, as a mail from this service may carry
// it to people who do not know them; instead where it could be more than a name.
func Mailable(name, instead string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(name), " "))
	if name == "" || LinkLike(name) {
		return instead
	}
	if utf8.RuneCountInString(name) > longestMailable {
		name = string([]rune(name)[:longestMailable-1]) + "…"
	}

	return `"` + strings.ReplaceAll(name, `"`, "'") + `"`
}
