package audience

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
)

// stopButtons are the labels of the button by which a marketing template lets a person opt out.
// Meta adds it to templates in WhatsApp Manager, in the template's language; what comes back is its
// label, also as its payload. It counts whatever an organization's words are.
var stopButtons = []string{
	"Stop promotions",
	"Parar promoções",     // pt_BR
	"Detener promociones", // es
}

// keyword is the consent that a text expresses when it is one of the organization's words, or
// Meta's button, and nothing else. The stricter one counts for a word that is both.
func keyword(text string, policy jsonfield.SendingPolicy) (enum.Consent, bool) {
	said := plain(text)
	is := func(words []string) bool {
		return said != "" && slices.ContainsFunc(words, func(word string) bool { return plain(word) == said })
	}
	switch {
	case is(policy.OptOutKeywords), is(stopButtons):
		return enum.ConsentOptedOut, true
	case is(policy.OptInKeywords):
		return enum.ConsentOptedIn, true
	}

	return "", false
}

// maxKeyword is more bytes than any word has with all that may stand around it.
const maxKeyword = 1024

// plain is a text in one form for all ways to write it: without invisible marks, in one width and
// case, with single blanks, and without the blanks and signs around it. What consists of signs
// alone keeps them.
func plain(text string) string {
	if len(text) > maxKeyword {
		return ""
	}

	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}

		return r
	}, norm.NFKC.String(text))

	folded := strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(visible))), " ")
	trimmed := strings.TrimFunc(folded, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r)
	})
	if trimmed == "" {
		return folded
	}

	return trimmed
}
