package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The header names of a contact's own fields, as foldName leaves them. Every other column is an attribute.
var (
	phoneNames    = []string{"phone", "phone number", "tel", "telephone", "mobile", "mobile number", "手机", "手机号", "手机号码", "电话", "电话号码"}
	nameNames     = []string{"name"}
	languageNames = []string{"language"}
	timeZoneNames = []string{"time zone", "timezone"}
	countryNames  = []string{"country"}
)

// header says what the columns of a file are; -1 is a column that it does not have.
type header struct {
	columns                                  []string // as written, trimmed
	phone, name, language, timeZone, country int
	attributes                               []int // every other column
}

// readHeader understands the header line. The error's text is for the file's author.
func readHeader(cells []string) (header, error) {
	h := header{columns: make([]string, len(cells))}
	for i, c := range cells {
		h.columns[i] = strings.TrimSpace(c)
		if h.columns[i] == "" {
			return h, fmt.Errorf("column %d has no name in the header line", i+1)
		}
	}
	for i, c := range h.columns {
		if first := slices.IndexFunc(h.columns, func(o string) bool { return strings.EqualFold(o, c) }); first < i {
			return h, fmt.Errorf("columns %d and %d are both called %s", first+1, i+1, shown(c))
		}
	}
	var err error
	find := func(names []string) (at int) {
		at = -1
		for i, c := range h.columns {
			if !slices.Contains(names, foldName(c)) {
				continue
			}
			if at >= 0 && err == nil {
				err = fmt.Errorf("columns %s and %s both say the %s: rename one", shown(h.columns[at]), shown(c), names[0])
			}
			at = i
		}
		return at
	}
	if h.phone = find(phoneNames[:1]); h.phone < 0 { // beside a column phone, the others are attributes
		h.phone = find(phoneNames)
	}
	h.name, h.language, h.timeZone, h.country = find(nameNames), find(languageNames), find(timeZoneNames), find(countryNames)
	switch {
	case err != nil:
		return h, err
	case h.phone < 0:
		return h, fmt.Errorf("the header line has no column phone: its columns are %s", shown(strings.Join(h.columns, ", ")))
	case len(h.columns) > maxAttributes:
		return h, fmt.Errorf("the file has %d columns; at most %d", len(h.columns), maxAttributes)
	}
	for i, c := range h.columns {
		if slices.Contains([]int{h.phone, h.name, h.language, h.timeZone, h.country}, i) {
			continue
		}
		if m := checkText("the name of column "+shown(c), c, maxKey); m != nil {
			return h, errors.New(m.text)
		}
		h.attributes = append(h.attributes, i)
	}
	return h, nil
}

// cell is a column's value in a row; empty where the file has no such column.
func (h header) cell(cells []string, column int) string {
	if column < 0 {
		return ""
	}
	return strings.TrimSpace(cells[column])
}

func foldName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '_' || r == '-' || r == ' ' }), " ")
}

// sniff finds the delimiter: which of , ; and tab the first line with a value has most often outside of quotes.
func sniff(head []byte) byte {
	count := map[byte]int{}
	inQuotes, any := false, false
	for _, c := range head {
		switch {
		case c == '"':
			inQuotes = !inQuotes
		case (c == '\n' || c == '\r') && !inQuotes && any:
			return most(count)
		case (c == ',' || c == ';' || c == '\t') && !inQuotes:
			count[c]++
		}
		any = any || c > ' ' && c != ',' && c != ';'
	}
	return most(count)
}

func most(count map[byte]int) byte {
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}
