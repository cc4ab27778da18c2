package audience

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"carillon/usererror"
)

// ownColumns is how many columns can be a contact's own fields.
const ownColumns = 6

// header says what the columns of a file are; -1 is a column that it does not have.
type header struct {
	columns                         []string // as written, trimmed, in one line; empty where there is no name
	folded                          []string // the same, as foldName leaves them
	phone, name, language, timeZone int
	countries                       []int // what they say of the number's country, the best first
	attributes                      []int // every other column that has a name
	nameless                        []int // columns that are allowed to hold nothing
	index                           int   // the row numbers that a data frame puts before its columns
	international                   bool  // the phone column holds WhatsApp's ids: they begin with the country code
}

// readHeader understands the header line. The error's text is for the file's author.
func readHeader(cells []string) (header, error) {
	h := header{columns: make([]string, len(cells)), index: -1}
	for i, c := range cells {
		h.columns[i] = usererror.ToOneLine(strings.TrimFunc(c, isBlankMark))
	}

	h.passOverNameless()
	if err := h.fold(); err != nil {
		return h, err
	}
	if err := h.findPhone(); err != nil {
		return h, err
	}

	h.name, h.language, h.timeZone = h.find(nameNames), h.find(languageNames), h.find(timeZoneNames)
	for _, names := range [][]string{callingCodeNames, countryNamesOfColumns} {
		if at := h.find(names); at >= 0 {
			h.countries = append(h.countries, at)
		}
	}

	return h, h.findAttributes()
}

// fold looks at the names as such.
func (h *header) fold() error {
	h.folded = make([]string, len(h.columns))
	first, named := map[string]int{}, 0
	for i, c := range h.columns {
		if c == "" {
			continue
		}

		if named++; named > maxAttributes+ownColumns {
			return fmt.Errorf("the file has more than %d columns; at most %d can become attributes", maxAttributes+ownColumns,
				maxAttributes)
		}

		low := strings.ToLower(c)
		if before, ok := first[low]; ok {
			return fmt.Errorf("columns %d and %d are both called %s", before+1, i+1, shown(c))
		}

		first[low], h.folded[i] = i, foldName(c)
	}

	return nil
}

// unnamed is how pandas calls a column without a name.
var unnamed = regexp.MustCompile(`^Unnamed: \d+(?:_level_\d+|\.\d+)*$`)

// passOverNameless takes note of columns without a name: the row numbers of a data frame, and
// what is left of cells that were cleared.
func (h *header) passOverNameless() {
	for i, c := range h.columns {
		if c != "" && !unnamed.MatchString(c) {
			continue
		}

		h.columns[i] = ""
		if i == 0 {
			h.index = i
		} else {
			h.nameless = append(h.nameless, i)
		}
	}
}

func (h *header) findPhone() error {
	for _, names := range [][]string{whatsAppNames, phoneNames[:1], phoneNames, lastNames} {
		found := h.all(names)
		if len(found) > 1 {
			return fmt.Errorf("columns %s and %s both say the phone: rename one", shown(h.columns[found[0]]),
				shown(h.columns[found[1]]))
		}

		if len(found) == 1 {
			h.phone = found[0]
			h.international = slices.Contains(idNames, h.folded[h.phone])
			return nil
		}
	}

	for _, c := range h.columns {
		if _, _, err := (origin{region: "US"}).phone(c); err == nil {
			return errors.New("the first line holds a number and no names of columns: write a line above it, e.g. phone,name")
		}
	}

	return fmt.Errorf("the header line has no column phone: its columns are %s", shown(strings.Join(h.columns, ", ")))
}

// find is the column of the first of the names that the file has; -1 when it has none.
func (h *header) find(names []string) int {
	for _, name := range names {
		if found := h.all([]string{name}); len(found) > 0 && found[0] != h.phone {
			return found[0]
		}
	}

	return -1
}

func (h *header) all(names []string) (found []int) {
	for i, c := range h.columns {
		if c != "" && slices.Contains(names, h.folded[i]) {
			found = append(found, i)
		}
	}

	return found
}

func (h *header) findAttributes() error {
	taken := append([]int{h.phone, h.name, h.language, h.timeZone}, h.countries...)
	for i, c := range h.columns {
		if c == "" || slices.Contains(taken, i) {
			continue
		}
		if m := checkKey("the name of column "+shown(c), c); m != nil {
			return errors.New(m.text)
		}

		h.attributes = append(h.attributes, i)
	}

	if len(h.attributes) > maxAttributes {
		return fmt.Errorf("the file has %d columns that would become attributes; at most %d", len(h.attributes),
			maxAttributes)
	}

	return nil
}

// cell is a column's value in a row; empty where the file or the row has no such column.
func (h header) cell(cells []string, column int) string {
	if column < 0 || column >= len(cells) {
		return ""
	}

	value := strings.TrimFunc(cells[column], isBlankMark)
	if len(value) > 3 && strings.HasPrefix(value, `="`) && strings.IndexByte(value[2:], '"') == len(value)-3 {
		return strings.TrimFunc(value[2:len(value)-1], isBlankMark) // how spreadsheets keep digits as text
	}

	return value
}

// isBlankMark reports whether nobody can see the character: a space, or a mark such as a byte
// order mark in the midst of a file that was put together from several.
func isBlankMark(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == 0x1A }

// foldName leaves of a column's name its words, in lower case and without accents.
func foldName(name string) string {
	var b strings.Builder
	last := ' '
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mc, r):
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(last): // mobilePhone
			b.WriteByte(' ')
		}

		b.WriteRune(unicode.ToLower(r))
		last = r
	}

	return norm.NFC.String(strings.Join(strings.Fields(b.String()), " "))
}

const sniffed = ",;\t|"

// sniff finds the delimiter: the one with which the header line makes sense and has most columns,
// or else the one that the line has most often.
func sniff(head []byte) byte {
	best, columns := byte(0), 0
	for _, d := range []byte(sniffed) {
		scan := scanner{delimiter: d, line: 1, buf: head, over: true}
		r, ok, err := scan.next()
		if err != nil || !ok || r.wrong != "" || len(r.cells) <= columns {
			continue
		}
		if _, err := readHeader(r.cells); err == nil {
			best, columns = d, len(r.cells)
		}
	}

	if best != 0 {
		return best
	}

	return mostOften(head)
}

func mostOften(head []byte) byte {
	count := map[byte]int{}
	inQuotes, any := false, false
	for _, c := range head {
		isDelimiter := strings.IndexByte(sniffed, c) >= 0
		switch {
		case c == '"':
			inQuotes = !inQuotes
		case (c == '\n' || c == '\r') && !inQuotes && any:
			return most(count)
		case isDelimiter && !inQuotes:
			count[c]++
		}

		any = any || c > ' ' && !isDelimiter
	}

	return most(count)
}

func most(count map[byte]int) byte {
	best := byte(',')
	for _, c := range []byte(sniffed) {
		if count[c] > count[best] {
			best = c
		}
	}

	return best
}
