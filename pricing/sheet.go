package pricing

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const (
	mostBytes  = 8 << 20 // of a file: 30 times what one with all currencies and tiers has
	mostShown  = 40      // characters of a wrong cell that a message repeats
	headerIn   = 12      // rows: the header is among the first of them
	mostIgnore = 20      // what is ignored, told in words
)

// line is a row of a file, with the number of the line on which it begins.
type line struct {
	number int
	cells  []string
	// decimalCommas says that a comma may stand before decimals, since cells are parted by something
	// else, as in much of Europe.
	decimalCommas bool
}

// cell gives a cell without line breaks; empty where the line has none there.
func (l line) cell(i int) string {
	if i < 0 || i >= len(l.cells) {
		return ""
	}
	return flat(l.cells[i])
}

// filled are the places of the cells that hold something.
func (l line) filled() (places []int) {
	for i := range l.cells {
		if l.cell(i) != "" {
			places = append(places, i)
		}
	}

	return places
}

// wrong is an error about one cell.
func (l line) wrong(column, why string, args ...any) error {
	return fmt.Errorf("line %d, %s: %s", l.number, column, fmt.Sprintf(why, args...))
}

// sheet is what a file says.
type sheet struct {
	from    string // the day that the importer named
	cards   []*Card
	ignored []string
}

// readSheet reads a file in any of the three forms, whatever its encoding and delimiter.
func readSheet(content []byte, from string) (*sheet, error) {
	if from != "" {
		if _, err := time.Parse(dayForm, from); err != nil {
			return nil, fmt.Errorf("--effective: %s is no day: write it as 2026-10-01", shown(from))
		}
	}

	text, err := decode(content)
	if err != nil {
		return nil, err
	}

	for _, delimiter := range []rune{',', ';', '\t', '|'} {
		lines := split(text, delimiter)
		for _, form := range []func(*sheet, []line) (bool, error){(*sheet).tidy, (*sheet).base, (*sheet).tiers} {
			s := &sheet{from: from}
			is, err := form(s, lines)
			s.cards = slices.DeleteFunc(s.cards, func(c *Card) bool { return c.Markets() == 0 })
			switch {
			case err != nil:
				return nil, err
			case is && len(s.cards) == 0:
				return nil, errors.New("the file has a header and no prices below it")
			case is:
				return s, nil
			}
		}
	}

	return nil, errors.New("the file is no rate card: Meta's have a line Market,Currency,Marketing,Utility,… or speak " +
		"of volume tiers, and the tidy form begins with effective_date,currency,market,category,rate")
}

// decode gives a file's text: UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252,
// in which spreadsheets save.
func decode(content []byte) (string, error) {
	var from encoding.Encoding
	even, odd := zeros(content)
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}) || odd > len(content)/4:
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(content, []byte{0xfe, 0xff}) || even > len(content)/4:
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case utf8.Valid(content):
		return strings.TrimPrefix(string(content), "\ufeff"), nil
	default:
		from = charmap.Windows1252
	}

	text, err := from.NewDecoder().Bytes(content)
	if err != nil {
		return "", fmt.Errorf("the file is no text: %w", err)
	}

	return strings.TrimPrefix(string(text), "\ufeff"), nil
}

// zeros counts zero bytes at even and odd places: UTF-16 has them in one of both.
func zeros(content []byte) (even, odd int) {
	for i, b := range content {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}

	return even, odd
}

// split reads rows. What is no CSV ends it: the forms then miss what they look for.
func split(text string, delimiter rune) (lines []line) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = delimiter, -1, true, delimiter != '\t'
	for {
		cells, err := r.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil
			}
			return lines
		}

		number, _ := r.FieldPos(0)
		lines = append(lines, line{number, cells, delimiter != ','})
	}
}

// header is the columns of a header line, by their folded names.
type header struct {
	at      int // its place among the lines
	columns map[string]int
}

// findHeader looks for a line that has all the columns.
func findHeader(lines []line, columns ...string) (header, bool) {
	for at, l := range lines[:min(len(lines), headerIn)] {
		h := header{at, map[string]int{}}
		for i := range l.cells {
			if name := fold(l.cells[i]); name != "" {
				h.columns[name] = i
			}
		}

		if !slices.ContainsFunc(columns, func(c string) bool { _, ok := h.columns[c]; return !ok }) {
			return h, true
		}
	}

	return header{}, false
}

// ignore notes what the file has beside prices.
func (s *sheet) ignore(what string, args ...any) {
	if len(s.ignored) < mostIgnore {
		s.ignored = append(s.ignored, fmt.Sprintf(what, args...))
	}
}

// isNote reports whether a line below the header holds no prices: it is empty, or a remark in one
// cell.
func (s *sheet) isNote(l line) bool {
	filled := l.filled()
	if len(filled) == 1 && len(l.cells) > 0 {
		s.ignore("line %d: %s", l.number, shown(l.cell(filled[0])))
	}

	return len(filled) < 2
}

// card is the file's card of a currency and a day.
func (s *sheet) card(kind, currency, from string) *Card {
	for _, c := range s.cards {
		if c.Kind == kind && c.Currency == currency && c.From == from {
			return c
		}
	}

	c := &Card{Kind: kind, Currency: currency, From: from}
	s.cards = append(s.cards, c)

	return c
}

// market reads the cell of a market, which must be one on the card's day.
func (l line) market(column int, day string) (Market, error) {
	m, ok := marketNamed(l.cell(column))
	if !ok {
		return "", l.wrong("market", "%s is no market that Meta has; docs/pricing.md lists them", shown(l.cell(column)))
	}
	if !existsOn(m, day) {
		return "", l.wrong("market", "%s is a market of its own from %s on, and the card is of %s: is its day right?", m,
			October2026, day)
	}

	return m, nil
}

// currency reads the cell of a currency.
func (l line) currency(column int) (string, error) {
	code, ok := currencyOf(l.cell(column))
	if !ok {
		return "", l.wrong("currency", "%s is no currency: write it as ISO 4217 does, e.g. USD", shown(l.cell(column)))
	}

	return code, nil
}

// isNone reports whether a cell says that there is no price.
func isNone(cell string) bool {
	return slices.Contains([]string{"", "n/a", "na", "-", "--", "–", "—", "none"}, strings.ToLower(flat(cell)))
}

// price reads a cell that holds one.
func (l line) price(column int) (int64, error) {
	cell := l.cell(column)
	if l.decimalCommas && strings.Contains(cell, ",") && !strings.Contains(cell, ".") {
		return 0, fmt.Errorf("%s may be two prices: write 2,400 as 2400, and decimals after a full stop", shown(cell))
	}

	return parseRate(cell)
}

// rate reads a price and sets it in a card.
func (l line) rate(c *Card, m Market, k Category, column int) error {
	if isNone(l.cell(column)) {
		return nil
	}

	micros, err := l.price(column)
	if err != nil {
		return l.wrong(string(k), "%s", err.Error())
	}

	if c.Rates == nil {
		c.Rates = Rates{}
	}
	if c.Rates[m] == nil {
		c.Rates[m] = map[Category]int64{}
	}
	if old, twice := c.Rates[m][k]; twice && old != micros {
		return l.wrong(string(k), "%s has this price already, as %s: leave one of them out", m,
			Money{old, c.Currency}.Amount())
	}

	c.Rates[m][k] = micros

	return nil
}

var (
	months    = `January|February|March|April|May|June|July|August|September|October|November|December`
	dayForms  = []string{dayForm, "January 2, 2006", "January 2 2006", "2 January 2006"}
	spokenDay = regexp.MustCompile(`(?i)\beffective(?: date| as| of| on| from|:)* (\d{4}-\d\d-\d\d|(?:` + months +
		`) \d{1,2},? \d{4}|\d{1,2} (?:` + months + `) \d{4})`)
)

// day is the first day of the file's cards: the one that the importer named, else one that the
// lines above the header call effective.
func (s *sheet) day(above []line) (string, error) {
	if s.from != "" {
		return s.from, nil
	}

	var days []string
	for _, l := range above {
		for i := range l.cells {
			for _, found := range spokenDay.FindAllStringSubmatch(l.cell(i), -1) {
				for _, form := range dayForms {
					if t, err := time.Parse(form, found[1]); err == nil {
						days = append(days, t.Format(dayForm))
						break
					}
				}
			}
		}
	}

	slices.Sort(days)
	if days = slices.Compact(days); len(days) == 1 {
		return days[0], nil
	}

	return "", errors.New("the file does not say from which day on its prices hold: say it with --effective 2026-10-01")
}

// shown quotes a cell for a message, cut to a readable length.
func shown(cell string) string {
	cell = strings.ToValidUTF8(flat(cell), "\uFFFD")
	if runes := []rune(cell); len(runes) > mostShown {
		cell = string(runes[:mostShown]) + "…"
	}

	return fmt.Sprintf("%q", cell)
}
