package audience

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"carillon/ent"
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
	name, language, timeZone *string
	attributes               map[string]string
	lines                    []int // of its rows
}

// follow adds what a later row of the same number says, as the database would if that row came by itself.
func (e *entry) follow(later *entry) {
	for _, f := range []struct{ to, from **string }{{&e.name, &later.name}, {&e.language, &later.language}, {&e.timeZone, &later.timeZone}} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	maps.Copy(e.attributes, later.attributes)
	e.lines = append(e.lines, later.lines...)
}

// rejection is a row that is not taken.
type rejection struct {
	line          int
	value, reason string
}

// page is some rows of a file, understood, that go into the database in one transaction.
type page struct {
	from     int64    // where it begins in the file
	entries  []*entry // by number, ascending: imports of the same numbers then wait for each other, and do not deadlock
	accepted int      // rows; more than entries where a number comes twice
	rejected []rejection
	to       int64 // where the next page begins
	line     int
	last     bool
}

// rows reads an import's file from where its last commit left it.
type rows struct {
	scan           scanner
	header         header
	defaultCountry string
	language       func(string) *mistake
	timeZone       func(string) *mistake
}

func newRows(im *ent.ContactImport, more func() ([]byte, error)) (*rows, error) {
	h, err := readHeader(im.Columns)
	if err != nil {
		return nil, fmt.Errorf("header of import %s: %w", im.ID, err)
	}
	r := &rows{header: h, language: once(map[string]bool{}, checkLanguage), timeZone: once(map[string]bool{}, checkTimeZone),
		scan: scanner{more: more, delimiter: im.Delimiter[0], offset: im.NextOffset, line: im.NextLine}}
	if im.DefaultCountry != nil {
		r.defaultCountry = *im.DefaultCountry
	}
	return r, nil
}

// count reads to the end of the file and says how many rows there are.
func (r *rows) count(ctx context.Context) (n int, err error) {
	for ; ; n++ {
		if _, ok, err := r.scan.next(); err != nil || !ok {
			return n, err
		}
		if n%pageRows == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
}

func (r *rows) page() (page, error) {
	p := page{from: r.scan.offset}
	byPhone := map[string]*entry{}
	for p.accepted+len(p.rejected) < pageRows && r.scan.offset-p.from < pageBytes {
		rec, ok, err := r.scan.next()
		if err != nil {
			return p, err
		}
		if !ok {
			p.last = true
			break
		}
		e, rejected := r.entry(rec)
		if rejected != nil {
			p.rejected = append(p.rejected, *rejected)
			continue
		}
		p.accepted++
		if first := byPhone[e.phone]; first != nil {
			first.follow(e)
		} else {
			byPhone[e.phone] = e
		}
	}
	p.to, p.line = r.scan.offset, r.scan.line
	p.entries = slices.SortedFunc(maps.Values(byPhone), func(a, b *entry) int { return strings.Compare(a.phone, b.phone) })
	return p, nil
}

// entry understands one row.
func (r *rows) entry(rec record) (*entry, *rejection) {
	value, m := rec.raw, &mistake{text: rec.wrong}
	e := &entry{attributes: map[string]string{}, lines: []int{rec.line}}
	if rec.wrong == "" {
		cells := rec.cells
		for len(cells) > len(r.header.columns) && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		value, m = r.fill(e, cells)
	}
	if m != nil {
		return nil, &rejection{rec.line, cut(clean(value), maxRawKept), cut(m.text, maxReason)}
	}
	return e, nil
}

// fill puts a row's values into e, or says which of them is wrong.
func (r *rows) fill(e *entry, cells []string) (value string, m *mistake) {
	h := r.header
	if len(cells) != len(h.columns) {
		return strings.Join(cells, string(r.scan.delimiter)), &mistake{text: fmt.Sprintf(
			"the row has %d values and the header line %d: is a delimiter or a quote missing or too many?", len(cells), len(h.columns))}
	}
	attributes, err := r.number(e, cells)
	if err != nil {
		return h.cell(cells, h.phone), &mistake{text: err.Error()}
	}
	for _, f := range []struct {
		column int
		to     **string
		check  func(string) *mistake
	}{{h.name, &e.name, checkName}, {h.language, &e.language, r.language}, {h.timeZone, &e.timeZone, r.timeZone}} {
		value := h.cell(cells, f.column)
		if value == "" {
			continue
		}
		if m := f.check(value); m != nil {
			return value, m
		}
		*f.to = &value
	}
	for _, i := range attributes {
		value, key := h.cell(cells, i), h.columns[i]
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

// number reads the row's phone number, and says which columns are attributes. The column country is one of them in a row that
// does not need it to read its number.
func (r *rows) number(e *entry, cells []string) (attributes []int, err error) {
	h, region := r.header, r.defaultCountry
	raw, country := h.cell(cells, h.phone), strings.ToUpper(h.cell(cells, h.country))
	_, international, _ := phoneDigits(raw)
	needed := !international && isCountry(country)
	if needed {
		region = country
	}
	if !needed && country != "" {
		attributes = append(h.attributes[:len(h.attributes):len(h.attributes)], h.country)
	} else {
		attributes = h.attributes
	}
	e.phone, e.country, err = Phone(raw, region)
	return attributes, err
}

// once is a check that looks each right value up once: time zones are files, and languages a grammar.
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

func checkName(s string) *mistake { return checkText("the name", s, maxName) }

// cut shortens s to so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
