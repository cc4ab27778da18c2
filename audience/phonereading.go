package audience

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"carillon/ent/enum"
)

// grade says how sure it is that WhatsApp can have a number.
type grade int

const (
	impossible grade = iota
	unknown          // as long as a mobile number of its country, but in no plan
	possible         // a number that stands in its country's plan, but is not known as mobile
	likely           // a mobile number, or one that may be mobile by the plan
)

// reading is one way in which digits can be meant.
type reading struct {
	e164, country string
	grade         grade
	national      bool // without its country code
}

// readings are all the ways in which a written number can be meant.
func (o origin) readings(w written) []reading {
	all := o.readDigits(w.digits, w.plus)
	if w.optional >= 0 { // +44 (0)20 …: the zero is for those who call from inside the country
		all = append(all, o.readDigits(w.digits[:w.optional]+w.digits[w.optional+1:], w.plus)...)
	}
	if w.tail > 0 {
		all = append(all, o.readDigits(w.digits[:len(w.digits)-w.tail], w.plus)...)
	}

	return all
}

func (o origin) readDigits(digits string, plus bool) []reading {
	if len(digits) < minDigits || len(digits) > maxDigits+5 { // prefixes may stand before the number
		return nil
	}
	if plus {
		return readInternational(strings.TrimPrefix(digits, "00"))
	}
	if o.own && o.region == "" && !strings.HasPrefix(digits, "00") {
		return nil
	}

	var all []reading
	if o.region != "" && o.form != enum.NumberFormInternational || o.region != "" && digits[0] == '0' {
		all = readNational(digits, o.region)
	}
	if digits[0] == '0' || len(all) > 0 && all[0].grade == impossible {
		all = append(all, readPrefixed(digits, len(all) > 0 && all[0].grade > impossible)...)
	}
	if digits[0] == '0' || o.form == enum.NumberFormNational {
		return all
	}

	for _, r := range readInternational(digits) {
		// Without a country the digits may be the national number of any: one that nobody else
		// can have has one reading.
		if o.region == "" && o.form == "" && (r.grade < likely || isMobileElsewhere(digits)) {
			continue
		}

		all = append(all, r)
	}

	return all
}

// readInternational reads digits that begin with a country code.
func readInternational(digits string) []reading {
	p, national := planFor(digits)
	if p == nil {
		return nil
	}

	first := p.read(national)
	if first.grade == likely {
		return []reading{first}
	}

	all := []reading{}
	if first.grade != impossible {
		all = append(all, first)
	}

	if trunk := p.readBehindTrunk(national); trunk.grade > first.grade {
		all = []reading{trunk}
		first = trunk
	}

	// Who writes the country code of a whole column often writes it a second time: +49 49 160 …
	twice, ok := strings.CutPrefix(strings.TrimPrefix(national, "00"), p.code)
	if !ok || first.grade == likely {
		return all
	}

	if again := p.read(twice); again.grade == likely {
		if first.grade == possible && len(national) > p.mobile { // no fixed line is as long as that
			return []reading{again}
		}

		if first.grade == possible {
			first.grade = likely // as good as the other: the two contradict each other
			return []reading{first, again}
		}

		return []reading{again}
	}

	return all
}

// readBehindTrunk reads a number with a trunk prefix between country code and number, which
// nobody dials from abroad: +44 07400 …
func (p *plan) readBehindTrunk(national string) reading {
	rest, trunk := p.regions[0].withoutTrunk(national)
	switch {
	case !trunk:
		return reading{}
	case rest != "":
		return p.read(rest)
	}

	parsed, err := phonenumbers.Parse("+"+p.code+national, "")
	if err != nil || strconv.Itoa(int(parsed.GetCountryCode())) != p.code {
		return reading{}
	}

	return p.read(phonenumbers.GetNationalSignificantNumber(parsed))
}

// readNational reads digits without a country code as they are written in the region.
func readNational(digits, region string) []reading {
	p, r := planOf(region)
	if p == nil {
		return nil
	}

	digits = withoutRetired(p.code, digits)
	rest, trunk := r.withoutTrunk(digits)

	if rest != "" {
		n := p.read(rest)
		n.national = true
		switch {
		case n.grade == likely:
			return []reading{n}
		case trunk:
		// Germany and Austria have fixed lines of nearly every length. One that is longer than a
		// mobile number and has nothing before it is the number of another country.
		case n.grade == possible && len(rest) > p.mobile:
			return nil
		case n.grade > impossible:
			return []reading{n}
		}
	}

	if digits[0] == '0' || trunk {
		return p.readAsDialled(digits, region)
	}

	return nil
}

// readAsDialled leaves it to the library what stands before a number that is dialled in a
// country: trunk prefixes, carriers, the prefix for calls abroad.
func (p *plan) readAsDialled(digits, region string) []reading {
	parsed, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return nil
	}

	with := plans()[strconv.Itoa(int(parsed.GetCountryCode()))]
	n := with.read(phonenumbers.GetNationalSignificantNumber(parsed))
	n.national = with == p

	if n.grade < likely && with == p { // an older spelling, which the library does not know
		if old := p.read(strings.TrimLeft(digits, "0")); old.grade == likely {
			old.national = true
			n = old
		}
	}

	return []reading{n}
}

// withoutRetired takes off what was dialled before mobile numbers in former years.
func withoutRetired(code, digits string) string {
	for _, retired := range retiredPrefixes {
		if retired.code == code && retired.pattern.MatchString(digits) {
			return retired.pattern.ReplaceAllString(digits, retired.number)
		}
	}

	return digits
}

// readPrefixed reads what follows the prefixes for calls abroad. 00 is nearly everywhere; the
// others count when the number is nothing else.
func readPrefixed(digits string, known bool) []reading {
	for _, prefix := range []string{"00", "0011", "011", "810"} {
		rest, ok := strings.CutPrefix(digits, prefix)
		if !ok || known && prefix != "00" {
			continue
		}
		if all := readInternational(rest); len(all) > 0 {
			return all
		}
	}

	return nil
}

// read grades a national number of the plan.
func (p *plan) read(national string) reading {
	r := reading{e164: "+" + p.code + national}
	if len(p.code)+len(national) > maxDigits {
		return reading{}
	}

	r.country, r.grade = p.look(national)
	if r.grade != impossible {
		if r.grade == likely {
			return r
		}
	}

	if now := NumberKey(r.e164); now != r.e164 {
		if country, g := p.look(now[1+len(p.code):]); g > r.grade {
			r.country, r.grade = country, g
		}
	}

	if r.grade == impossible && p.mobile > 0 && len(national) == p.mobile && national[0] != '0' {
		r.country, r.grade = p.main(), unknown
	}

	return r
}

// fits reports whether digits that are grouped in that way are usually this reading.
func (r reading) fits(groups []int) bool {
	p, err := phonenumbers.Parse(r.e164, "")
	if err != nil {
		return false
	}

	with := groupsOf(phonenumbers.Format(p, phonenumbers.INTERNATIONAL))
	if !r.national {
		return slices.Equal(groups, with)
	}

	return slices.Equal(groups, with[1:]) || slices.Equal(groups, groupsOf(phonenumbers.Format(p, phonenumbers.NATIONAL)))
}

func groupsOf(number string) (groups []int) {
	for group := range strings.FieldsFuncSeq(number, func(c rune) bool { return c < '0' || c > '9' }) {
		groups = append(groups, len(group))
	}

	return groups
}

// retiredPrefixes were dialled before mobile numbers, and are in address books still.
var retiredPrefixes = []struct {
	code    string
	pattern *regexp.Regexp
	number  string // the national number in it
}{
	{"52", regexp.MustCompile(`^(?:01|044|045)([2-9]\d{9})$`), "$1"}, // Mexico, until 3 August 2019
	{"57", regexp.MustCompile(`^03(3\d{9})$`), "$1"},                 // Colombia, until 1 September 2021
	{"56", regexp.MustCompile(`^0(9[2-9]\d{7})$`), "$1"},             // Chile, until 6 February 2016
	{"56", regexp.MustCompile(`^0([4-8]\d{7})$`), "9$1"},             // Chile, from mobiles
}
