package audience

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	fewDigits = 6 // a part with fewer is no number of its own
	maxParts  = 8 // of one cell
)

var (
	between = regexp.MustCompile(`[;|&\n]|[,/]|\s(?:or|and|oder|und|ou|et|o|y|e|или|и|または)\s|或者|或|和`)
	hard    = regexp.MustCompile(`[;|&\n]|\s(?:or|and|oder|und|ou|et|o|y|e|или|и|または)\s|或者|或|和`)
	again   = regexp.MustCompile(`(\d[^\d+]*)\+([^+]*\d)`)
)

// oneOf looks for several numbers in one cell. Where all are the same number, it is that one;
// where there is one number and nothing beside it, it is that. Empty leaves the text as it is.
func oneOf(raw, text string, o origin) (one string, err error) {
	apart := again.ReplaceAllString(text, "$1;+$2")
	parts := between.Split(apart, maxParts+1)
	if len(parts) == 1 {
		return "", nil
	}

	var full []string
	digits := 0

	for _, part := range parts {
		n := countDigits(part)
		if n >= fewDigits {
			full = append(full, strings.TrimSpace(part))
		}
		if n > 0 {
			digits++
		}
	}

	if len(full) == 1 && digits == 1 && apart == text && hard.MatchString(text) {
		return full[0], nil
	}

	if code := strings.Trim(parts[0], "+ "); len(parts) == 2 && apart != text && allDigits(code) &&
		strings.HasPrefix(parts[1], "+"+code) {
		return parts[1], nil // +49 +49 160 …
	}

	if len(full) < 2 {
		return "", nil
	}

	several := notAPhone(raw, "more than one number stands there; write one")
	if len(parts) > maxParts {
		return "", several
	}

	first := ""
	for _, part := range full {
		number, _, err := o.phone(part)
		switch {
		case err != nil && !hard.MatchString(apart):
			return "", nil // a comma or a slash may also stand inside a number
		case err != nil, first != "" && number != first:
			return "", several
		}

		first = number
	}

	return full[0], nil
}

func countDigits(s string) (n int) {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}

	return n
}

var (
	fraction  = regexp.MustCompile(`^(.*\d)([.,])(\d+)$`)
	thousands = regexp.MustCompile(`^\+?\d{1,3}(?:(?:\.\d{3})+|(?:,\d{3})+|(?:'\d{3})+|(?: \d{3})+)$`)
	lastGroup = regexp.MustCompile(`\d+$`)
	notDigits = regexp.MustCompile(`[^+\d]`)
)

// unpointed takes off the decimal places that a spreadsheet or a data frame has given a number
// (….0), and the marks between its thousands. What has other decimal places is no number that
// somebody wrote.
func unpointed(raw, text string) (string, error) {
	if m := fraction.FindStringSubmatch(text); m != nil {
		head, point, places := m[1], m[2], m[3]
		before := len(lastGroup.FindString(head))
		alone := !strings.ContainsAny(strings.TrimPrefix(head, "+"), " .,'()-/") // the only mark
		grouped := thousands.MatchString(head) && !strings.Contains(head, point)
		pairs := len(places) == 2 && before == 2 && strings.Contains(head, point)
		zeros := strings.Trim(places, "0") == ""

		switch {
		case zeros && (grouped && len(places) <= 2 || alone && (len(places) <= 2 || before >= minDigits)):
			text = head
		case pairs:
		case len(places) == 1, len(places) == 2 && before >= 5, alone && point == "," && len(places) != 3:
			return "",
				notAPhone(raw, "it has decimal places; format the column as text and write the digits of the number alone")
		}
	}

	if thousands.MatchString(text) && (strings.ContainsAny(text, ",'") || strings.Count(text, ".") > 0) {
		return notDigits.ReplaceAllString(text, ""), nil
	}

	return text, nil
}

var extension = regexp.MustCompile(
	`(?i)\d[\s,;.(/-]*(?:ext(?:ension|n)?|x|#|durchwahl|dw|доб|внутр|anexo|ramal|interno|int|poste|转|轉|分机|分機|内線|内线|내선)\s*[:.=]*\s*\d{1,7}\)?$`)

// digitGroups reads the digits and what stands between them.
func digitGroups(raw, text string) (written, error) {
	w := written{optional: -1}
	if extension.MatchString(text) {
		return w, notAPhone(raw, "it has an extension, which WhatsApp does not know; write a number without one")
	}
	if rest, ok := strings.CutSuffix(text, "+"); ok && !strings.Contains(rest, "+") && countDigits(rest) > 0 {
		text = "+" + rest // text that runs from right to left puts the + behind
	}
	if strings.HasPrefix(text, "++") {
		text = text[1:]
	}

	var digits strings.Builder
	gap := "" // what stands before the present group
	var gaps []string

	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			if gap != "" || len(w.groups) == 0 {
				w.groups, gaps = append(w.groups, 0), append(gaps, gap)
				gap = ""
			}

			if r == '0' && digits.Len() > 0 && strings.HasSuffix(text[:i], "(") && strings.HasPrefix(text[i+1:], ")") {
				w.optional = digits.Len()
			}

			w.groups[len(w.groups)-1]++
			digits.WriteRune(r)
		case r == '+' && digits.Len() == 0 && !w.plus:
			w.plus = true
		case strings.ContainsRune(" -.()/_~\n", r):
			gap += string(r)
		case unicode.IsLetter(r):
			return w, notAPhone(raw, "it has letters; write digits only, e.g. +86 138 0013 8000")
		default:
			return w, notAPhone(raw, "%q does not belong in a number", r)
		}
	}

	w.digits = digits.String()
	switch {
	case len(w.digits) < minDigits:
		return w, notAPhone(raw, "write it with its country code, e.g. +86 138 0013 8000")
	case len(w.digits) > maxDigits+5: // prefixes may stand before a national number
		return w, notAPhone(raw, "it is too long")
	}

	return w, w.checkEnd(raw, gaps)
}

// checkEnd looks at a few digits that are set apart at the end: "1234567/8" are two numbers that
// end in 7 and in 8, and "1234567-12" may be a number with an extension.
func (w *written) checkEnd(raw string, gaps []string) error {
	n := len(w.groups)
	if n < 2 {
		return nil
	}

	last, before, gap := w.groups[n-1], w.groups[n-2], gaps[n-1]
	slashes := 0

	for _, g := range gaps {
		if strings.Contains(g, "/") {
			slashes++
		}
	}

	few := strings.Contains(gap, "/") && last <= 4 && len(w.digits)-last >= minDigits
	if few && (slashes == 1 || before >= 4) { // 06/12/34/56/78 is one number
		return notAPhone(raw, "more than one number stands there; write one")
	}
	if last <= 2 && before >= 5 || last == 3 && before >= 6 && strings.Contains(gap, "-") {
		w.tail = last
	}

	return nil
}
