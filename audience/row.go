package audience

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/spreadsheet"
	"carillon/usererror"
)

const (
	pageRows  = 1000
	pageBytes = 4 << 20 // so that rows of thousands of bytes do not fill the memory
	maxReason = 400
	maxKnown  = 10_000
)

// entry is what a page says of one number.
type entry struct {
	phone, country           string
	userID                   string // business-scoped, where the file has one
	key                      string // of the number: whoever writes it in another way means the same person
	name, language, timeZone *string
	reference                *string           // of a recipient's message
	attributes               map[string]string // of a recipient, the values of parameters
	lines                    []int             // of its rows
	// doubt says why the number, which stands in the file as written, is refused unless WhatsApp
	// has told of it.
	doubt, written string
}

// follow adds what a later row of the same number says, as the database would if that row came by
// itself.
func (e *entry) follow(later *entry) {
	for _, f := range []struct{ to, from **string }{{&e.name, &later.name}, {&e.language, &later.language},
		{&e.timeZone, &later.timeZone}, {&e.reference, &later.reference}} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}

	maps.Copy(e.attributes, later.attributes)
	e.lines = append(e.lines, later.lines...)
	if later.doubt == "" {
		e.doubt = ""
	}
}

// with is an entry with what a later one of the same contact says. Neither changes: a page may be
// taken again.
func (e *entry) with(later *entry) *entry {
	both := *e
	both.attributes, both.lines = maps.Clone(e.attributes), slices.Clone(e.lines)
	both.userID = cmp.Or(e.userID, later.userID)
	both.follow(later)

	return &both
}

// rejection is a row that is not taken.
type rejection struct {
	line          int
	value, reason string
}

// page is some rows of a file, understood, that go into the database in one transaction.
type page struct {
	from     int64 // where it begins in the file
	byKey    map[string]*entry
	byUserID map[string]*entry
	entries  []*entry // by number, ascending
	accepted int      // rows; more than entries where a number comes twice
	rejected []rejection
	to       int64 // where the next page begins
	line     int
	last     bool
}

// rows reads an import's file from where its last commit left it.
type rows struct {
	scan           *spreadsheet.Scanner
	header         header
	defaultCountry string
	form           enum.NumberForm
	countries      map[string]string // by what rows write for them
	language       func(string) *mistake
	timeZone       func(string) *mistake
}

func newRows(im *ent.ContactImport, more func() ([]byte, error)) (*rows, error) {
	h, err := readHeader(im.Columns, evidence{mapping: im.Plan})
	if err != nil {
		return nil, fmt.Errorf("header of import %s: %w", im.ID, err)
	}

	at := spreadsheet.Position{Offset: im.NextOffset, Line: im.NextLine}
	r := rowsOf(h, spreadsheet.NewScanner(at, im.Delimiter[0], im.Encoding == spreadsheet.XLSX, more))
	if im.DefaultCountry != nil {
		r.defaultCountry = *im.DefaultCountry
	}
	if im.NumberForm != nil {
		r.form = *im.NumberForm
	}

	return r, nil
}

func rowsOf(h header, scan *spreadsheet.Scanner) *rows {
	return &rows{header: h, scan: scan, countries: map[string]string{}, language: once(map[string]bool{}, checkLanguage),
		timeZone: once(map[string]bool{}, checkTimeZone)}
}

// count reads to the end of the file and says how many rows there are.
func (r *rows) count(ctx context.Context) (n int, err error) {
	for ; ; n++ {
		if _, ok, err := r.scan.Next(); err != nil || !ok {
			return n, err
		}
		if n%pageRows == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
}

// page reads the next rows.
func (r *rows) page() (page, error) {
	p := page{from: r.scan.Offset, byKey: map[string]*entry{}, byUserID: map[string]*entry{}}
	for p.accepted+len(p.rejected) < pageRows && r.scan.Offset-p.from < pageBytes {
		rec, ok, err := r.scan.Next()
		if err != nil {
			return p, err
		}

		if p.last = !ok; p.last {
			break
		}

		r.take(&p, rec)
	}

	p.to, p.line = r.scan.Offset, r.scan.Line

	return p.sorted(), nil
}

// take understands one row and puts it on the page. A row that is rejected has no entry.
func (r *rows) take(p *page, rec spreadsheet.Record) *entry {
	value, m := rec.Raw, &mistake{text: rec.Wrong}
	e := &entry{attributes: map[string]string{}, lines: []int{rec.Line}}
	if rec.Wrong == "" {
		value, m = r.fill(e, rec)
	}
	if m == nil {
		m = p.add(e)
		value = e.userID
	}
	if m != nil {
		p.rejected = append(p.rejected, rejection{rec.Line, cut(clean(value), maxRawKept), cut(m.text, maxReason)})
		return nil
	}

	return e
}

// add puts an entry on the page, with what earlier rows say of the same person.
func (p *page) add(e *entry) *mistake {
	if e.key = NumberKey(e.phone); e.phone == "" {
		e.key = e.userID
	}

	first := p.byKey[e.key]
	if e.userID != "" {
		known, m := p.joined(e, first)
		if m != nil {
			return m
		}

		first = known
	}

	p.accepted++
	if first != nil {
		first.follow(e)
	} else {
		first = e
		p.byKey[e.key] = e
	}

	if e.userID != "" {
		first.userID = e.userID
		p.byUserID[e.userID] = first
	}

	return nil
}

// joined is the entry of the person whose user id an entry has: first is that of its number.
func (p *page) joined(e, first *entry) (*entry, *mistake) {
	other := p.byUserID[e.userID]
	switch {
	case other == nil && first != nil && first.userID != "":
		return nil, &mistake{text: fmt.Sprintf("line %d has another user id for this number", first.lines[0])}
	case other == nil || other == first:
		return first, nil
	case e.phone == "":
		return other, nil
	case other.phone == "" && first == nil: // known by the id alone so far
		delete(p.byKey, other.key)
		other.key, other.phone, other.country, other.doubt, other.written = e.key, e.phone, e.country, e.doubt, e.written
		p.byKey[e.key] = other

		return other, nil
	}

	return nil, &mistake{text: fmt.Sprintf("line %d has another number for this user id", other.lines[0])}
}

// sorted puts the entries in the order in which everybody takes them: imports of the same numbers
// then wait for each other, and do not deadlock.
func (p page) sorted() page {
	p.entries = slices.SortedFunc(maps.Values(p.byKey), func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	return p
}

// fill puts a row's values into e, or says which of them is wrong. A row may end early: the
// values that are not there are empty.
func (r *rows) fill(e *entry, rec spreadsheet.Record) (value string, m *mistake) {
	h, cells := r.header, rec.Cells
	for len(cells) > len(h.columns) && h.cell(cells, len(cells)-1) == "" {
		cells = cells[:len(cells)-1]
	}

	if m := r.checkShape(cells, rec.OpenQuote); m != nil {
		return strings.Join(cells, string(r.scan.Delimiter())), m
	}
	if e.userID = h.cell(cells, h.userID); e.userID != "" && !IsUserID(e.userID) {
		return e.userID, &mistake{text: shown(e.userID) +
			" is not a business-scoped user id, such as US.13491208655302741918"}
	}
	if err := r.number(e, cells); err != nil {
		return h.cell(cells, h.phone), &mistake{text: err.Error()}
	}

	for _, f := range []struct {
		value string
		to    **string
		check func(string) *mistake
	}{
		// A file's line breaks and marks are no reason to leave a person out.
		{h.fullName(cells), &e.name, checkName},
		{h.cell(cells, h.language), &e.language, r.language},
		{h.cell(cells, h.timeZone), &e.timeZone, r.timeZone},
		{h.cell(cells, h.reference), &e.reference, checkReference},
	} {
		if f.value == "" {
			continue
		}
		if m := f.check(f.value); m != nil {
			return f.value, m
		}

		*f.to = &f.value
	}

	for _, i := range h.attributes {
		value, key := h.cell(cells, i), h.uses[i].attribute
		if value == "" {
			continue
		}
		if m := checkText("the value of "+key, value, maxValue); m != nil {
			return value, m
		}

		e.attributes[key] = value
	}

	return "", nil
}

// checkShape looks at how many values a row has, and at those that belong to no column.
func (r *rows) checkShape(cells []string, openQuote bool) *mistake {
	h := r.header
	switch {
	case len(cells) > len(h.columns):
		return &mistake{text: fmt.Sprintf("the row has %d values and the header line names %d columns: name the others, "+
			"or put a value that holds the delimiter in quotes", len(cells), len(h.columns))}
	case len(cells) < len(h.columns) && openQuote:
		return &mistake{text: spreadsheet.QuoteInside}
	}

	for _, i := range h.nameless {
		if value := h.cell(cells, i); value != "" {
			return &mistake{text: fmt.Sprintf(
				"column %d holds %s and has no name in the header line: give it one, or empty it", i+1, shown(value))}
		}
	}

	if value := h.cell(cells, h.index); value != "" && !allDigits(value) {
		return &mistake{text: fmt.Sprintf("column %d holds %s and has no name in the header line: give it one, or empty it",
			h.index+1, shown(value))}
	}

	return nil
}

// number reads the row's phone number. What the row says of its country goes before what is said
// of the whole file.
func (r *rows) number(e *entry, cells []string) (err error) {
	h, from := r.header, origin{region: r.defaultCountry, form: r.form}
	if h.international {
		from.form = enum.NumberFormInternational
	}

	region, stated, unclear := r.country(cells)
	if stated != "" {
		from.region, from.own = region, true
	}

	written := h.cell(cells, h.phone)
	if written == "" && e.userID != "" {
		e.country = userIDCountry(e.userID)
		return nil
	}

	e.phone, e.country, err = from.firstPhone(written)

	switch {
	case err == nil:
		return nil
	case unclear != nil && written != "":
		return unclear
	}

	told := whatsAppNumber(written, from.region == "")
	if told == "" {
		return err
	}

	e.phone, e.country, e.doubt, e.written = told, "", err.Error(), written

	return nil
}

// firstPhone reads a number, or the first of those that Google Contacts writes into one cell for
// one person.
func (o origin) firstPhone(text string) (e164, country string, err error) {
	for i, part := range strings.Split(text, ":::") {
		number, of, wrong := o.phone(strings.TrimSpace(part))
		if wrong == nil {
			return number, of, nil
		}
		if i == 0 {
			err = wrong
		}
	}

	return "", "", err
}

// whatsAppNumber reads a number that no numbering plan knows, but WhatsApp may: digits with their
// country code. bare says that digits without a + can only be such. It is empty for anything else.
func whatsAppNumber(text string, bare bool) string {
	digits := strings.ReplaceAll(visible(text), " ", "")
	if digits, isDialed := strings.CutPrefix(digits, "00"); isDialed {
		return Address("+" + digits)
	}
	if !strings.HasPrefix(digits, "+") && !bare || IsUserID(digits) {
		return ""
	}

	return Address(digits)
}

// country is what the row says of its country, as an ISO code. It is empty where the row says
// nothing, and where unclear says why it is not known. stated is how the row says it.
func (r *rows) country(cells []string) (region, stated string, unclear error) {
	for _, i := range r.header.countries {
		text := r.header.cell(cells, i)
		if text == "" {
			continue
		}

		known, ok := r.countries[text]
		if !ok {
			known = countryOf(text)
			if len(r.countries) < maxKnown {
				r.countries[text] = known
			}
		}

		if region != "" && known != "" &&
			phonenumbers.GetCountryCodeForRegion(region) != phonenumbers.GetCountryCodeForRegion(known) {
			return "", stated, fmt.Errorf("%s and %s are two countries: write one, or the number with its + and country code",
				shown(stated), shown(text))
		}

		if region == "" {
			region, stated = known, text
		}
	}

	if stated != "" && region == "" {
		unclear = fmt.Errorf(
			"%s is not a country that is known here: write its ISO 3166 code, e.g. CN, or the number with its + and country "+
				"code",
			shown(stated))
	}

	return region, stated, unclear
}

// once is a check that looks each right value up once: time zones are files, and languages a
// grammar.
func once(known map[string]bool, check func(string) *mistake) func(string) *mistake {
	return func(value string) *mistake {
		if known[value] {
			return nil
		}

		m := check(value)
		if m == nil && len(known) < maxKnown {
			known[value] = true
		}

		return m
	}
}

// checkReference looks at the caller's own name for a recipient's message.
func checkReference(s string) *mistake {
	var in usererror.Fields
	if delivery.CheckReference(&in, "reference", s); len(in) > 0 {
		return &mistake{in[0].Code, in[0].Message}
	}

	return nil
}

// checkName looks at what a person is called: one line, like every name.
func checkName(s string) *mistake {
	if m := checkText("the name", s, maxName); m != nil {
		return m
	}
	if !usererror.OneLine(s) {
		return &mistake{usererror.Invalid, usererror.NotOneLine}
	}

	return nil
}

// cut shortens s to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
