package audience

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"carillon/ent/jsonfield"
	"carillon/spreadsheet"
	"carillon/usererror"
)

// ownColumns is how many columns can be a contact's own fields.
const ownColumns = 9

// header says what the columns of a file are; -1 is a column that it does not have.
type header struct {
	columns                           []string // as written, trimmed, in one line; empty where there is no name
	folded                            []string // the same, as foldName leaves them
	uses                              []use    // what each of them becomes
	phone, userID, language, timeZone int
	names                             []int // the parts of the name, in the order in which they are written
	countries                         []int // what they say of the number's country, the best first
	attributes                        []int // columns that become attributes
	nameless                          []int // columns that are allowed to hold nothing
	reference                         int   // of recipients
	index                             int   // the row numbers that a data frame puts before its columns
	international                     bool  // the phone column holds WhatsApp's ids: they begin with the country code
}

// use is what a column becomes. Nothing is a column that is passed over.
type use struct {
	field, attribute string
	said             bool // by the caller, so that nothing is guessed
}

// The fields of a contact that a column can become.
const (
	fieldPhone    = "phone"
	fieldUserID   = "waUserId"
	fieldName     = "name"
	fieldLanguage = "language"
	fieldTimeZone = "timeZone"
	fieldCountry  = "country"

	fieldReference = "reference" // of a recipient's message
)

var importFields = []string{fieldPhone, fieldName, fieldLanguage, fieldTimeZone, fieldUserID, fieldCountry}

// evidence is what a header is read by, besides its names.
type evidence struct {
	mapping []jsonfield.ImportColumn // what the caller says of columns
	rows    [][]string               // the first of the file
	origin  origin                   // of their numbers
	// parameter is that of a campaign's template which a column of recipients has values of, by the
	// column's name; empty for none. Nil where the file has no recipients.
	parameter func(column string) string
}

// readHeader understands the header line. The error's text is for the file's author.
func readHeader(cells []string, by evidence) (header, error) {
	h := header{columns: make([]string, len(cells)), index: -1, phone: -1, userID: -1, language: -1, timeZone: -1,
		reference: -1}
	for i, c := range cells {
		h.columns[i] = columnName(c)
	}

	h.passOverNameless()
	h.uses = make([]use, len(h.columns))
	h.findParameters(by)
	for _, m := range by.mapping {
		if i := h.column(m.Column); i >= 0 {
			h.uses[i] = use{text(m.Field), text(m.Attribute), true}
		}
	}

	if err := h.fold(); err != nil {
		return h, err
	}
	if err := h.findPhone(by); err != nil {
		return h, err
	}

	if by.parameter == nil { // of recipients the name is not taken
		h.findName()
	}

	h.guess(fieldLanguage, languageNames)
	h.guess(fieldTimeZone, timeZoneNames)
	h.guess(fieldCountry, callingCodeNames)
	h.guess(fieldCountry, countryNamesOfColumns)
	h.guess(fieldReference, by.referenceNames())
	h.settle(by.parameter != nil)

	return h, h.checkAttributes()
}

// columnName is a column's name as it is kept: in one line, without blanks around it.
func columnName(cell string) string {
	return usererror.ToOneLine(strings.TrimFunc(cell, spreadsheet.IsBlankMark))
}

// column is the one of that name; -1 where the file has none.
func (h *header) column(name string) int {
	name = columnName(name)
	if i := slices.Index(h.columns, name); i >= 0 && name != "" {
		return i
	}

	return slices.IndexFunc(h.columns, func(c string) bool { return c != "" && strings.EqualFold(c, name) })
}

// fold looks at the names as such.
func (h *header) fold() error {
	h.folded = make([]string, len(h.columns))
	first, named := map[string]int{}, 0
	for i, c := range h.columns {
		if c == "" {
			continue
		}

		if !h.uses[i].said || h.uses[i].attribute != "" {
			named++
		}
		if named > maxAttributes+ownColumns {
			return fmt.Errorf("the file has more than %d columns, and at most %d can become attributes: leave some out, or map "+
				"them to nothing with columns", maxAttributes+ownColumns, maxAttributes)
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

// guess gives a column whose name is one of these a field that no column has by now. It remains an
// attribute where the caller says so.
func (h *header) guess(field string, names []string) {
	if i := h.find(names); i >= 0 && (field == fieldCountry || !h.has(field)) {
		h.uses[i].field = field
	}
}

func (h *header) has(field string) bool {
	return slices.ContainsFunc(h.uses, func(u use) bool { return u.field == field })
}

// find is the column of the first of the names that the file has and of which nothing is known; -1
// when it has none.
func (h *header) find(names []string) int {
	for _, name := range names {
		if found := h.all([]string{name}); len(found) > 0 {
			return found[0]
		}
	}

	return -1
}

func (h *header) all(names []string) (found []int) {
	for i, c := range h.columns {
		if c != "" && !h.uses[i].said && h.uses[i].field == "" && slices.Contains(names, h.folded[i]) {
			found = append(found, i)
		}
	}

	return found
}

// findPhone finds who a row is about.
func (h *header) findPhone(by evidence) error {
	h.guess(fieldUserID, userIDNames)
	if h.has(fieldPhone) {
		return nil
	}

	empty := -1 // a column of the right name that holds nothing
	for _, names := range [][]string{whatsAppNames, phoneNames[:1], phoneNames, billingNames, shippingNames, lastNames} {
		found := h.all(names)
		if len(found) == 0 {
			continue
		}

		filled := slices.DeleteFunc(slices.Clone(found), func(i int) bool { return !by.filled(i) })
		switch {
		case len(filled) == 1, len(found) == 1 && len(by.rows) == 0:
			h.uses[slices.Concat(filled, found)[0]].field = fieldPhone
			return nil
		case len(filled) == 0 && len(by.rows) > 0:
			if empty < 0 {
				empty = found[0]
			}
			continue
		}

		return fmt.Errorf("columns %s and %s both say the phone: rename one, or say with columns which of them it is",
			shown(h.columns[found[0]]), shown(h.columns[found[1]]))
	}

	switch {
	case empty >= 0:
		h.uses[empty].field = fieldPhone
		return nil
	case h.holdsNumber():
		return errors.New("the first line holds a number and no names of columns: write a line above it, e.g. phone,name")
	}

	if i := h.byContent(by); i >= 0 {
		h.uses[i].field = fieldPhone
		return nil
	}
	if h.has(fieldUserID) {
		return nil
	}

	return fmt.Errorf("the header line has no column phone: its columns are %s", shown(strings.Join(h.columns, ", ")))
}

func (h *header) holdsNumber() bool {
	return slices.ContainsFunc(h.columns, func(c string) bool {
		_, _, err := (origin{region: "US"}).phone(c)
		return err == nil
	})
}

// filled reports whether one of the first rows has a value in a column.
func (by evidence) filled(column int) bool {
	return slices.ContainsFunc(by.rows, func(cells []string) bool { return cellOf(cells, column) != "" })
}

// byContent is the only column of no known name of which nine of ten values are numbers; -1 where
// there are none or several. Digits that could be anything count only if they can be nothing but a
// mobile number.
func (h *header) byContent(by evidence) int {
	found := -1
	for i, c := range h.columns {
		if c == "" || h.uses[i].said || h.uses[i].field != "" || !by.holdsNumbers(i) {
			continue
		}
		if found >= 0 {
			return -1
		}

		found = i
	}

	return found
}

func (by evidence) holdsNumbers(column int) bool {
	filled, numbers := 0, 0
	for _, cells := range by.rows {
		value := cellOf(cells, column)
		if value == "" {
			continue
		}

		filled++
		number, country, err := by.origin.firstPhone(value)
		if err == nil && (strings.ContainsAny(value[:1], "+0'(") || isMobile(number, country)) {
			numbers++
		}
	}

	return filled > 0 && numbers*10 >= filled*9
}

func isMobile(number, country string) bool {
	n, err := phonenumbers.Parse(number, country)
	return err == nil && phonenumbers.GetNumberType(n) == phonenumbers.MOBILE
}

// findName finds the whole name, or else its parts. A word such as nom is the whole name, but where
// another column has the first name.
func (h *header) findName() {
	if h.has(fieldName) {
		return
	}

	given, family := h.find(givenNames), h.find(familyNames)
	whole := h.find(nameNames)
	if whole >= 0 && slices.Contains(givenOrWhole, h.folded[whole]) && given < 0 && family >= 0 {
		given, whole = whole, -1
	}
	if whole >= 0 && slices.Contains(familyOrWhole, h.folded[whole]) && family < 0 && given >= 0 {
		family, whole = whole, -1
	}

	if whole >= 0 {
		h.uses[whole].field = fieldName
		return
	}

	for _, i := range []int{given, family} {
		if i >= 0 {
			h.uses[i] = use{field: fieldName, attribute: h.columns[i]}
		}
	}
}

// findParameters finds the columns with values of a template's parameters.
func (h *header) findParameters(by evidence) {
	for i, c := range h.columns {
		if by.parameter != nil && c != "" {
			h.uses[i].attribute = by.parameter(c)
		}
	}
}

// referenceNames are what a column with references of recipients is called.
func (by evidence) referenceNames() []string {
	if by.parameter == nil {
		return nil
	}
	return []string{"reference", "ref", "external id"}
}

// settle notes by column what all of them become. Of recipients only what is theirs is read.
func (h *header) settle(ofRecipients bool) {
	for i, c := range h.columns {
		if c == "" {
			continue
		}

		u := &h.uses[i]
		if !u.said && u.field == "" && !ofRecipients {
			u.attribute = c
		}
		if u.attribute != "" {
			h.attributes = append(h.attributes, i)
		}

		switch u.field {
		case fieldPhone:
			h.phone, h.international = i, slices.Contains(idNames, h.folded[i])
		case fieldUserID:
			h.userID = i
		case fieldLanguage:
			h.language = i
		case fieldTimeZone:
			h.timeZone = i
		case fieldReference:
			h.reference = i
		case fieldName:
			h.names = append(h.names, i)
		case fieldCountry:
			h.countries = append(h.countries, i)
		}
	}

	slices.SortStableFunc(h.names, func(a, b int) int { return h.nameOrder(a) - h.nameOrder(b) })
	slices.SortStableFunc(h.countries, func(a, b int) int { return h.countryOrder(a) - h.countryOrder(b) })
}

// nameOrder puts the family name behind the others, but where names are written in Chinese
// characters.
func (h *header) nameOrder(column int) int {
	switch name := h.folded[column]; {
	case !slices.Contains(familyNames, name) && !slices.Contains(familyOrWhole, name):
		return 0
	case strings.IndexFunc(name, isHan) >= 0:
		return -1
	}

	return 1
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hangul, r) }

func (h *header) countryOrder(column int) int {
	if slices.Contains(callingCodeNames, h.folded[column]) {
		return 0
	}
	return 1
}

// plan is what each column with a name becomes, with nothing left to guess.
func (h *header) plan() []jsonfield.ImportColumn {
	plan := []jsonfield.ImportColumn{}
	for i, c := range h.columns {
		if c != "" {
			plan = append(plan, jsonfield.ImportColumn{Column: c, Field: given(&h.uses[i].field),
				Attribute: given(&h.uses[i].attribute)})
		}
	}

	return plan
}

func (h *header) checkAttributes() error {
	for _, i := range h.attributes {
		key := h.uses[i].attribute
		if m := checkKey("the name of column "+shown(key), key); m != nil {
			return errors.New(m.text)
		}
	}

	if len(h.attributes) > maxAttributes {
		return fmt.Errorf("the file has %d columns that would become attributes; at most %d: leave some out, or map them to "+
			"nothing with columns", len(h.attributes), maxAttributes)
	}

	return nil
}

// fullName is a row's name, of all its parts.
func (h header) fullName(cells []string) string {
	var parts []string
	glue := " "
	for _, i := range h.names {
		part := usererror.ToOneLine(h.cell(cells, i))
		if part == "" {
			continue
		}

		parts = append(parts, part)
		if len(h.names) > 1 && strings.IndexFunc(part, func(r rune) bool { return !isHan(r) }) < 0 {
			glue = ""
		}
	}

	return strings.Join(parts, glue)
}

// cell is a column's value in a row; empty where the file or the row has no such column.
func (h header) cell(cells []string, column int) string { return cellOf(cells, column) }

func cellOf(cells []string, column int) string {
	if column < 0 || column >= len(cells) {
		return ""
	}

	value := strings.TrimFunc(cells[column], spreadsheet.IsBlankMark)
	if len(value) > 3 && strings.HasPrefix(value, `="`) && strings.IndexByte(value[2:], '"') == len(value)-3 {
		return strings.TrimFunc(value[2:len(value)-1], spreadsheet.IsBlankMark) // how spreadsheets keep digits as text
	}

	if formulaErrors[value] {
		return ""
	}

	return value
}

// formulaErrors are what spreadsheets write where a formula has no value.
var formulaErrors = map[string]bool{"#N/A": true, "#REF!": true, "#VALUE!": true, "#DIV/0!": true, "#NAME?": true,
	"#NUM!": true, "#NULL!": true}

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
