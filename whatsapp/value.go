package whatsapp

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValueError says why a value cannot be sent. WhatsApp would refuse the message.
type ValueError struct {
	Parameter string
	// Rule is MISSING, LINE_BREAK, TAB, SPACES, TOO_LONG or FORMAT.
	Rule    string
	Message string
}

func (e *ValueError) Error() string { return fmt.Sprintf("parameter %s: %s", e.Parameter, e.Message) }

// Longest values, in characters. developers.facebook.com, WhatsApp "Template components" (read
// 2026-09).
const (
	maxBody      = 1024
	maxOfferBody = 600
	maxCardBody  = 160
	maxHeader    = 60
	maxURL       = 2000
	maxCoupon    = 20
	maxOTP       = 15
	maxPayload   = 256
	maxFilename  = 240
	maxOptional  = 1024
	maxFlowData  = 8192
	maxTapTitle  = 60
	maxCards     = 10
	maxOffer     = 16
	maxFooter    = 60
	maxSpaces    = 4
	// developers.facebook.com, WhatsApp "Call button messages" (read 2026-07).
	maxCallMinutes = 43_200
	authenticated  = "AUTHENTICATION"
)

// valueRules are WhatsApp's rules for the values of parameters, by kind; they stand here and
// nowhere else. mend makes of a value that was not written for WhatsApp what can be sent and says
// the same; check says which rule a value breaks, "" for none. Both know the fixed part of a
// button's address. What mend has made it makes again, and what check passes WhatsApp takes.
var valueRules = map[Kind]struct {
	mend  func(value, fixed string) string
	check func(value, fixed string) (rule, message string)
}{
	KindText:       {mendText, checkText},
	KindImage:      {mendFile, checkFile},
	KindVideo:      {mendFile, checkFile},
	KindDocument:   {mendFile, checkFile},
	KindLocation:   {mendLocation, checkGiven},
	KindURLSuffix:  {mendSuffix, checkSuffix},
	KindCouponCode: {mendWord, checkCoupon},
	KindOTPCode:    {mendText, checkOTP},
	KindPayload:    {mendWord, checkGiven}, // JSON, which may be spaced as it likes
	KindExpiration: {mendWord, checkGiven},
}

// standIns are values that break no rule, for parameters that nobody knows yet.
var standIns = map[Kind]string{
	KindText: "x", KindImage: "1", KindVideo: "1", KindDocument: "1", KindLocation: "0,0", KindURLSuffix: "x",
	KindCouponCode: "X", KindOTPCode: "1", KindPayload: `{"sections":[{"product_items":[{"product_retailer_id":"1"}]}]}`, KindExpiration: "4102444800000",
}

// mendText puts a text on one line: a run of blanks that has a line break or a tab, or is too long,
// becomes one blank.
func mendText(s, _ string) string {
	if ordinary(s) {
		return s
	}

	var b strings.Builder
	for rest := strings.ToValidUTF8(s, ""); rest != ""; {
		run := rest[:len(rest)-len(strings.TrimLeftFunc(rest, blank))]
		switch {
		case run == "":
			r, size := utf8.DecodeRuneInString(rest)
			if !unicode.IsControl(r) {
				b.WriteRune(r)
			}

			rest = rest[size:]
			continue
		case strings.ContainsFunc(run, lineBreak), strings.Contains(run, "\t"), utf8.RuneCountInString(run) > maxSpaces:
			b.WriteByte(' ')
		default:
			b.WriteString(run)
		}

		rest = rest[len(run):]
	}

	if mended := strings.TrimFunc(b.String(), blank); visible(mended) {
		return mended
	}

	return ""
}

func checkText(s, _ string) (rule, message string) {
	switch {
	case ordinary(s):
		return "", ""
	case !visible(s):
		return "MISSING", "has no value"
	case strings.ContainsFunc(s, lineBreak):
		return "LINE_BREAK", "has a line break"
	case strings.Contains(s, "\t"):
		return "TAB", "has a tab"
	case longestRun(s) > maxSpaces:
		return "SPACES", "has more than four spaces in a row"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "FORMAT", "has characters that are not text"
	}

	return "", ""
}

// ordinary says whether a text is of the most frequent sort, about which no rule has anything to
// say: ASCII that can be seen, and Chinese characters, with one space between words at most.
func ordinary(s string) bool {
	last := ' '
	for _, r := range s {
		switch {
		case r == ' ' && last != ' ', r > ' ' && r < 0x7f, r >= 0x4e00 && r <= 0x9fff:
			last = r
		default:
			return false
		}
	}

	return last != ' '
}

func checkGiven(s, _ string) (rule, message string) {
	if !visible(s) {
		return "MISSING", "has no value"
	}
	return "", ""
}

func checkOTP(s, _ string) (rule, message string) {
	if rule, message = checkText(s, ""); rule != "" {
		return rule, message
	}
	return checkLength(s, maxOTP, "a code")
}

func checkCoupon(s, _ string) (rule, message string) {
	if rule, message = checkText(s, ""); rule != "" {
		return rule, message
	}
	if rule, message = checkLength(s, maxCoupon, "a coupon code"); rule != "" {
		return rule, message
	}
	if !alphanumeric(s) {
		return "FORMAT", "may only have letters and digits"
	}

	return "", ""
}

func checkLength(s string, limit int, what string) (rule, message string) {
	if n := utf8.RuneCountInString(s); n > limit {
		return "TOO_LONG", fmt.Sprintf("has %d characters; %s may have %d", n, what, limit)
	}
	return "", ""
}

// mendWord takes what cannot be seen off both ends.
func mendWord(s, _ string) string {
	unseen := func(r rune) bool { return blank(r) || unicode.IsControl(r) || invisible(r) }
	return strings.TrimFunc(strings.ToValidUTF8(s, ""), unseen)
}

func mendFile(s, _ string) string { return plainScheme(mendWord(s, "")) }

func checkFile(s, _ string) (rule, message string) {
	switch {
	case !visible(s):
		return "MISSING", "has no value"
	case IsMediaID(s):
		return "", ""
	}

	if scheme, _, _ := strings.Cut(s, ":"); !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "FORMAT", "is neither the address of a file, which begins with https://, " +
			"nor the id of an upload, which is digits alone"
	}

	return LinkProblem(s)
}

// mendLocation leaves JSON as it is.
func mendLocation(s, _ string) string {
	if s = mendWord(s, ""); strings.HasPrefix(s, "{") {
		return s
	}
	return mendText(s, "")
}

// mendSuffix drops what browsers drop of an address, and escapes the rest of what it may not have.
func mendSuffix(s, fixed string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case lineBreak(r), unicode.IsControl(r), invisible(r):
			return -1
		case blank(r):
			return ' '
		}

		return r
	}, mendWord(s, ""))

	s = withoutFixed(escaped(s), escaped(fixed))
	if s != "" && inHost(s, fixed) {
		return "/" + s
	}

	return s
}

func checkSuffix(s, fixed string) (rule, message string) {
	address, err := url.Parse(escaped(fixed) + escaped(s))
	switch {
	case !visible(s):
		return "MISSING", "has no value"
	case withoutFixed(escaped(s), escaped(fixed)) != escaped(s):
		return "FORMAT", fmt.Sprintf("repeats the fixed part of the button's address: give only what follows %s", fixed)
	case elsewhere(s, fixed):
		return "FORMAT", fmt.Sprintf("is a whole address: give only what follows %s", fixed)
	case inHost(s, fixed):
		const message = "would become a part of the host's name: begin with a slash, since it follows %s"
		return "FORMAT", fmt.Sprintf(message, fixed)
	case strings.ContainsFunc(s, notInAddress) || brokenEscape(s):
		return "FORMAT", "has characters that an address may not have"
	case err != nil || address.Host == "":
		return "FORMAT", fmt.Sprintf("makes no address behind %s", fixed)
	}

	return "", ""
}

// lineBreak is what ends a line in Unicode.
func lineBreak(r rune) bool { return strings.ContainsRune("\n\v\f\r\u0085\u2028\u2029", r) }

// blank is what a person sees as a space between words, or as the end of a line. WhatsApp's rule
// speaks of spaces; the wider ones count, too, since nothing is lost by it.
func blank(r rune) bool { return unicode.IsSpace(r) }

// invisible is what a person does not see at all.
func invisible(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return true
	}

	return r == '\u2800' // a braille cell without dots
}

// visible says whether anything of a text can be seen.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !blank(r) && !unicode.IsControl(r) && !invisible(r) })
}

// Visible says whether a person who reads a text sees anything.
func Visible(text string) bool { return visible(text) }

// Seen is a text without what nobody sees of it.
func Seen(text string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) || unicode.IsControl(r) && !blank(r) {
			return -1
		}
		return r
	}, text)
}

// longestRun is how many blanks stand beside each other at most.
func longestRun(s string) (longest int) {
	run := 0
	for _, r := range s {
		if !blank(r) {
			run = 0
			continue
		}

		run++
		longest = max(longest, run)
	}

	return longest
}

func alphanumeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}

	return true
}

// fixedPart is what stands before the variable of a button's address.
func fixedPart(address string) string {
	fixed, _, _ := strings.Cut(address, "{{")
	return fixed
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
