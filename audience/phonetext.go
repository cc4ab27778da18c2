package audience

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const maxText = 2000 // bytes of a cell that is read as a number; links are long

// written is what a text says of a number.
type written struct {
	digits   string // 0 to 9
	plus     bool   // they begin with a country code: a + stands before them, or a link holds them
	groups   []int  // in how many digits each they are written
	optional int    // where the zero of "(0)" stands among the digits; -1 without one
	tail     int    // how many digits at the end may be no part of the number
}

// readText reads a cell, as people, spreadsheets and other programs write it.
func readText(raw string, o origin) (written, error) {
	if w, ok := plainDigits(raw); ok {
		return w, nil
	}
	if isSimple(raw) {
		return digitGroups(raw, raw)
	}
	if len(raw) > maxText {
		return written{}, notAPhone(raw, "it is too long")
	}

	text := unwrapped(plainText(raw))
	if slices.Contains(nothings, strings.ToLower(text)) {
		return written{}, errors.New("the phone number is missing")
	}

	text, plus, err := unlinked(raw, text)
	if err != nil {
		return written{}, err
	}
	if text, err = unscaled(raw, text); err != nil {
		return written{}, err
	}

	one, err := oneOf(raw, text, o)
	switch {
	case err != nil:
		return written{}, err
	case one != "":
		return readText(one, o)
	}

	if text, err = unpointed(raw, text); err != nil {
		return written{}, err
	}

	w, err := digitGroups(raw, text)
	w.plus = w.plus || plus

	return w, err
}

// isSimple reports whether nothing but digits, blanks, dashes and parentheses stand in a number,
// and a + before it. Most numbers that people write are so.
func isSimple(raw string) bool {
	for i := range len(raw) {
		c := raw[i]
		if (c < '0' || c > '9') && c != ' ' && c != '-' && c != '(' && c != ')' && (c != '+' || i > 0) {
			return false
		}
	}

	return countDigits(raw) >= minDigits
}

// plainDigits is the short way for what most numbers are: digits, perhaps with a + before them.
func plainDigits(raw string) (written, bool) {
	digits := strings.TrimPrefix(raw, "+")
	if digits == "" || len(digits) > maxDigits+5 || !allDigits(digits) {
		return written{}, false
	}

	return written{digits: digits, plus: len(raw) > len(digits), optional: -1}, true
}

// nothings are what programs and people write where there is no number.
var nothings = []string{"", "nan", "null", "none", "nil", "na", "n/a", "n.a.", "#n/a", "-", "--", "–", "?",
	"<na>", "undefined"}

// plainText writes the digits of all scripts as 0 to 9 and the marks that look alike as one of
// them. Invisible marks, which come along when a number is copied, are left out.
func plainText(raw string) string {
	var b strings.Builder
	for _, r := range raw {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 0xFF01 && r <= 0xFF5E: // full-width forms
			b.WriteRune(r - 0xFF01 + '!')
		case unicode.IsDigit(r):
			b.WriteByte(digitOf(r))
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), r == 0x20E3, r == 0x2800, r == 0x3164:
		case r == '\n', r == '\r', r == '\v', r == '\f', r == 0x2028, r == 0x2029, r == 0x85:
			b.WriteByte('\n')
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Pd, r), r == '−', r == 'ー', r == '⁃', r == '─':
			b.WriteByte('-')
		case r == '·', r == '•', r == '∙', r == '・', r == '。', r == '٫':
			b.WriteByte('.')
		case r == '、', r == '،', r == '٬':
			b.WriteByte(',')
		case r == '؛':
			b.WriteByte(';')
		case strings.ContainsRune("’‘‛´`ʹʼ′", r):
			b.WriteByte('\'')
		case strings.ContainsRune("“”„‟«»″", r):
			b.WriteByte('"')
		case r == '⁺':
			b.WriteByte('+')
		default:
			b.WriteRune(r)
		}
	}

	return strings.TrimSpace(b.String())
}

// digitOf is the value of a decimal digit of any script. Unicode keeps those of a script
// together, from zero to nine.
func digitOf(r rune) byte {
	for _, set := range unicode.Nd.R16 {
		if uint32(r) >= uint32(set.Lo) && uint32(r) <= uint32(set.Hi) {
			return '0' + byte((uint32(r)-uint32(set.Lo))%10)
		}
	}

	for _, set := range unicode.Nd.R32 {
		if uint32(r) >= set.Lo && uint32(r) <= set.Hi {
			return '0' + byte((uint32(r)-set.Lo)%10)
		}
	}

	return '?'
}

// unwrapped takes off what makes a spreadsheet keep a number as text: '+49…, ="49…", "49…". It
// also takes off what people put before a number: a picture of a telephone, or the word.
func unwrapped(text string) string {
	for {
		before := text
		text = strings.TrimSpace(strings.Trim(text, "'"))
		if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
			text = strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
		}

		if rest, ok := strings.CutPrefix(text, "="); ok && rest != "" &&
			strings.ContainsRune(`"'+0123456789`, rune(rest[0])) {
			text = rest
		}

		text = strings.TrimFunc(text, func(r rune) bool { return unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) })
		if !strings.Contains(text, "://") && !strings.Contains(text, "wa.me/") {
			text = labels.ReplaceAllString(text, "")
		}
		if text == before {
			return text
		}
	}
}

var labels = regexp.MustCompile(
	`^(?i:whats\s?app|wa|tel|tel[eé]fono|telephone|telefon|telefone|t[ée]l[ée]phone|t[ée]l|phone|ph|mobile|mobil|mob|handy|` +
		`cell|cel|celular|m[óo]vil|m[ée]vil|手机|手機|电话|電話|тел|телефон|моб)(?:\s*(?:no|nr|number))?\s*[.:]*\s*(?:[:.]|\s)\s*`)

// JIDs are how WhatsApp's own clients, and tools that act as one, write their numbers.
var jid = regexp.MustCompile(`^(\d+)(?:[:.]\d+)*@(?:s\.whatsapp\.net|c\.us)$`)

// unlinked takes a number out of a link. In WhatsApp's links it begins with its country code.
func unlinked(raw, text string) (number string, plus bool, err error) {
	low := strings.ToLower(text)
	if at := jid.FindStringSubmatch(low); at != nil {
		return at[1], true, nil
	}

	for _, scheme := range []string{"tel:", "callto:", "sms:", "smsto:"} {
		if rest, ok := strings.CutPrefix(low, scheme); ok {
			rest, _, _ = strings.Cut(strings.TrimPrefix(rest, "//"), "?")
			if plain, err := url.PathUnescape(rest); err == nil {
				rest = plain
			}

			if strings.ContainsAny(rest, ";") {
				return "", false,
					notAPhone(raw, "more than a number stands in the link; write the number alone, e.g. +86 138 0013 8000")
			}

			return strings.TrimSpace(rest), false, nil
		}
	}

	if !strings.Contains(low, "wa.me/") && !strings.Contains(low, "whatsapp.com/") &&
		!strings.HasPrefix(low, "whatsapp:") {
		return text, false, nil
	}

	if number := linked(low); number != "" {
		return number, true, nil
	}

	return "", false, notAPhone(raw, "the link holds no number; write the number, e.g. +86 138 0013 8000")
}

// linked is the number in a link of WhatsApp's; empty when there is none. whatsapp:+49… is how
// Twilio writes numbers.
func linked(link string) string {
	if rest, ok := strings.CutPrefix(link, "whatsapp:"); ok && !strings.HasPrefix(rest, "//") {
		return onlyNumber(rest)
	}
	if !strings.Contains(link, "://") {
		link = "https://" + link
	}

	u, err := url.Parse(link)
	if err != nil {
		return ""
	}

	switch strings.TrimPrefix(u.Hostname(), "www.") {
	case "wa.me":
		return onlyNumber(strings.Trim(u.Path, "/"))
	case "api.whatsapp.com", "web.whatsapp.com", "whatsapp.com", "send":
		return onlyNumber(u.Query().Get("phone"))
	}

	return ""
}

// onlyNumber is s when it is a number and nothing else.
func onlyNumber(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "+0123456789 -()") != "" {
		return ""
	}

	return s
}

var scientific = regexp.MustCompile(`^\+?(\d+)(?:[.,](\d+))?\s*(?i:e\s*\+?|[x*×]\s*10\s*\^\s*)0*(\d{1,3})$`)

// unscaled writes 4.915112345678E+12 as 4915112345678. A spreadsheet leaves out digits that do
// not fit into the column; what has fewer than the exponent says may be any of many numbers.
func unscaled(raw, text string) (string, error) {
	m := scientific.FindStringSubmatch(text)
	if m == nil {
		return text, nil
	}

	digits := m[1] + m[2]
	if len(m[1]) != 1 || m[1] == "0" || m[3] != strconv.Itoa(len(digits)-1) || len(digits) < minDigits {
		return "", notAPhone(raw, "a spreadsheet has shortened it; format the column as text and write all digits")
	}
	if text[0] == '+' {
		return "+" + digits, nil
	}

	return digits, nil
}
