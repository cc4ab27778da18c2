package spreadsheet

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"time"
)

// styles says which of a workbook's formats show a number as a date.
type styles []bool

// readStyles reads the formats of cells.
func (w *workbook) readStyles(name string) error {
	dates := map[int]bool{}
	inside := false

	return w.each(name, func(e xml.StartElement) {
		switch e.Name.Local {
		case "numFmt":
			if id, ok := number(attribute(e, "numFmtId")); ok && len(dates) < maxStyles {
				dates[id] = showsDate(attribute(e, "formatCode"))
			}
		case "cellXfs":
			inside = true
		case "cellStyles", "dxfs":
			inside = false
		case "xf":
			if inside && len(w.styles) < maxStyles {
				id, _ := number(attribute(e, "numFmtId"))
				own, known := dates[id]
				w.styles = append(w.styles, own || !known && isDateFormat(id))
			}
		}
	})
}

// isDateFormat knows the formats that no workbook describes, those of East Asia too.
func isDateFormat(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 && id != 46 || id >= 50 && id <= 58
}

// showsDate reports whether a format has a day, month, year or time in it.
func showsDate(format string) bool {
	format, _, _ = strings.Cut(format, ";") // of numbers that are not negative
	quoted, bracket := false, false
	for i := 0; i < len(format); i++ {
		switch c := format[i] | 0x20; {
		case format[i] == '\\' || format[i] == '_' || format[i] == '*': // with the character after it
			i++
		case format[i] == '"':
			quoted = !quoted
		case format[i] == '[':
			bracket = true
		case format[i] == ']':
			bracket = false
		case quoted || bracket:
		case strings.HasPrefix(strings.ToLower(format[i:]), "general"):
			i += len("general") - 1
		case c == 'y' || c == 'm' || c == 'd' || c == 'h' || c == 's':
			return true
		}
	}

	return false
}

// number is what a number with a format stands for: a date, or the number with all its digits,
// whatever the sheet shows of it.
func (s styles) number(style int, text string, date1904 bool) string {
	text = strings.TrimSpace(text)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return text
	}

	if style < len(s) && s[style] {
		if date, ok := dateOf(v, date1904); ok {
			return date
		}
	}

	if strings.Trim(text, "0123456789") == "" {
		return text
	}
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}

	// Excel computes with 15 digits, and what is beyond them is how 0.1 is no binary number.
	if rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64); err == nil {
		v = rounded
	}

	return strconv.FormatFloat(v, 'f', -1, 64)
}

// dateOf reads the days since the end of 1899, or since 1904.
func dateOf(days float64, date1904 bool) (string, bool) {
	const lastDay = 2_958_466 // the end of 9999
	if days < 0 || days >= lastDay {
		return "", false
	}

	begin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case date1904:
		begin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60: // before a 29 February that 1900 never had
		begin = begin.AddDate(0, 0, 1)
	}

	whole := math.Floor(days)
	at := begin.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round((days-whole)*86400)) * time.Second)

	switch {
	case days < 1 && !date1904:
		return at.Format(time.TimeOnly), true
	case at.Equal(at.Truncate(24 * time.Hour)):
		return at.Format(time.DateOnly), true
	}

	return at.Format(time.DateTime), true
}
