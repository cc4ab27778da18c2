package pricing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// tidy reads the form effective_date,currency,market,category,rate: a line for each price. A
// missing line is a price that there is not.
func (s *sheet) tidy(lines []line) (is bool, err error) {
	h, is := findHeader(lines, "effective date", "currency", "market", "category", "rate")
	if !is {
		return false, nil
	}
	if s.from != "" {
		return true, fmt.Errorf("--effective: the file says itself from which day on each price holds; leave it out")
	}

	for _, l := range lines[h.at+1:] {
		if s.isNote(l) {
			continue
		}

		day, err := l.day(h.columns["effective date"])
		if err != nil {
			return true, err
		}

		currency, err := l.currency(h.columns["currency"])
		if err != nil {
			return true, err
		}

		market, err := l.market(h.columns["market"], day)
		if err != nil {
			return true, err
		}

		name := l.cell(h.columns["category"])
		category, ok := CategoryOf(name)
		if !ok {
			return true, l.wrong("category", "%s is none: it is marketing, utility, authentication, "+
				"authentication_international, service or marketing_lite", shown(name))
		}

		if isNone(l.cell(h.columns["rate"])) {
			continue
		}
		if err := l.rate(s.card(KindList, currency, day), market, category, h.columns["rate"]); err != nil {
			return true, err
		}
	}

	return true, nil
}

// day reads the cell of a day.
func (l line) day(column int) (string, error) {
	for _, form := range []string{dayForm, "2006/01/02", "20060102"} {
		if t, err := time.Parse(form, l.cell(column)); err == nil {
			return t.Format(dayForm), nil
		}
	}

	return "", l.wrong("effective_date", "%s is no day: write it as 2026-10-01", shown(l.cell(column)))
}

// base reads Meta's list prices: some lines about the file, a header with the columns in any order,
// and a line for each market.
func (s *sheet) base(lines []line) (is bool, err error) {
	h, is := findHeader(lines, "market", "currency", "marketing")
	if !is {
		return false, nil
	}

	day, err := s.day(lines[:h.at])
	if err != nil {
		return true, err
	}

	columns := map[int]Category{}
	for name, i := range h.columns {
		if category, ok := CategoryOf(name); ok {
			columns[i] = category
		} else if name != "market" && name != "currency" {
			s.ignore("column %s", shown(lines[h.at].cell(i)))
		}
	}

	for _, l := range lines[h.at+1:] {
		if s.isNote(l) {
			continue
		}

		market, err := l.market(h.columns["market"], day)
		if err != nil {
			return true, err
		}

		currency, err := l.currency(h.columns["currency"])
		if err != nil {
			return true, err
		}

		for i, category := range columns {
			if err := l.rate(s.card(KindList, currency, day), market, category, i); err != nil {
				return true, err
			}
		}
	}

	return true, nil
}

// The columns of Meta's tier file: the market, the currency, and three groups of five.
const (
	tierColumns  = 17
	groupColumns = 5
	firstGroup   = 2
	tierHeaders  = 3 // lines
)

// Tier is what a message costs when that many of its market and category were charged in a month.
type Tier struct {
	From   int64 `json:"from"`         // this many and more
	To     int64 `json:"to,omitempty"` // this many at most; 0: without bound
	Micros int64 `json:"micros"`
	List   bool  `json:"list,omitempty"` // it is the list price
}

// TierTable is tiers by market and category, by ascending volume.
type TierTable map[Market]map[Category][]Tier

// tiers reads Meta's volume tiers. The market stands on the first line of its block alone.
func (s *sheet) tiers(lines []line) (is bool, err error) {
	h := tierHeader(lines)
	if h < 0 {
		return false, nil
	}

	day, err := s.day(lines[:h])
	if err != nil {
		return true, err
	}

	groups, err := tierGroups(lines[h : h+tierHeaders])
	if err != nil {
		return true, err
	}

	var market Market
	currency := ""
	for _, l := range lines[h+tierHeaders:] {
		if s.isNote(l) {
			continue
		}

		if l.cell(0) != "" {
			if market, err = l.market(0, day); err != nil {
				return true, err
			}
		}
		if l.cell(1) != "" {
			if currency, err = l.currency(1); err != nil {
				return true, err
			}
		}
		if market == "" || currency == "" {
			return true, l.wrong("market", "the first line of the prices names no market or no currency")
		}

		c := s.card(KindTiers, currency, day)
		for i, category := range groups {
			if err := l.tier(c, market, category, firstGroup+i*groupColumns); err != nil {
				return true, err
			}
		}
	}

	return true, nil
}

// tierHeader is the first of the three lines of headers; -1 where the lines are no tier file.
func tierHeader(lines []line) int {
	about := false
	for i, l := range lines[:min(len(lines), headerIn)] {
		for j := range l.cells {
			about = about || strings.Contains(fold(l.cells[j]), "volume tier")
		}

		if !about || i+tierHeaders >= len(lines) || len(l.cells) < tierColumns {
			continue
		}
		if _, err := tierGroups(lines[i : i+tierHeaders]); err == nil {
			return i
		}
	}

	return -1
}

// tierGroups are the categories of the three groups of columns, which their headers name.
func tierGroups(headers []line) (groups [3]Category, err error) {
	market := false
	for _, l := range headers {
		market = market || strings.HasPrefix(fold(l.cell(0)), "market")
		for i := range groups {
			for j := range groupColumns {
				if c, ok := CategoryOf(groupName(l.cell(firstGroup + i*groupColumns + j))); ok && groups[i] == "" {
					groups[i] = c
				}
			}
		}
	}

	for _, c := range groups {
		if c == "" || !market {
			return groups, fmt.Errorf("line %d: the columns of volume tiers are not named as in Meta's files: a market, a "+
				"currency, and five columns each for Utility, Authentication and Authentication-International",
				headers[0].number)
		}
	}

	return groups, nil
}

// groupName is the header of a group without what stands behind the category.
func groupName(cell string) string {
	name := fold(cell)
	for _, tail := range []string{" volume tiers", " volume tier", " tiers", " rates", " messages"} {
		name = strings.TrimSuffix(name, tail)
	}

	return name
}

// tier reads the five cells of a group and adds the tier to a card.
func (l line) tier(c *Card, m Market, k Category, column int) error {
	if isNone(l.cell(column)) && isNone(l.cell(column+3)) {
		return nil // no tiers, or none on this line
	}

	name := string(k) + " tier"
	from, err := l.volume(column, name)
	if err != nil {
		return err
	}

	to := int64(0)
	if !isNone(l.cell(column + 1)) {
		if to, err = l.volume(column+1, name); err != nil {
			return err
		}
	}

	kind := strings.ToLower(l.cell(column + 2))
	if !strings.HasPrefix(kind, "list") && !strings.HasPrefix(kind, "tier") {
		return l.wrong(name, "%s is neither List nor Tier", shown(l.cell(column+2)))
	}

	micros, err := l.price(column + 3)
	if err != nil {
		return l.wrong(name, "%s", err.Error())
	}

	if c.Tiers == nil {
		c.Tiers = TierTable{}
	}
	if c.Tiers[m] == nil {
		c.Tiers[m] = map[Category][]Tier{}
	}

	before := c.Tiers[m][k]
	if to != 0 && to < from || len(before) > 0 && (before[len(before)-1].To == 0 || before[len(before)-1].To >= from) {
		return l.wrong(name, "it does not follow the one before it: from %d to %d", from, to)
	}

	c.Tiers[m][k] = append(before, Tier{from, to, micros, strings.HasPrefix(kind, "list")})

	return nil
}

// volume reads a number of messages, with or without thousands commas.
func (l line) volume(column int, name string) (int64, error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(l.cell(column), ",", ""), 10, 64)
	if err != nil || n < 0 {
		return 0, l.wrong(name, "%s is no number of messages", shown(l.cell(column)))
	}

	return n, nil
}
