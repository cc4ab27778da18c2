package audience

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// plan is what the library knows of the numbers of one calling code. Its own functions for this
// try each kind of number in turn, for each country that shares the code; an import asks for
// mobile numbers a hundred thousand times.
type plan struct {
	code    string
	regions []regionPlan // the code's main country first
	mobile  int          // digits of a mobile number by the library's example; 0 when there are none
}

type regionPlan struct {
	region  string // ISO 3166, 001 for no country
	leading func() *regexp.Regexp
	general kind
	mobiles kind
	others  []kind
	// trunk is what may stand before a national number; simpleTrunk is the same where it is
	// digits and no pattern.
	trunk       func() *regexp.Regexp
	simpleTrunk string
}

// kind is the numbers of one kind, e.g. mobile.
type kind struct {
	lengths uint32 // bit n stands for n digits; 0 for those of the general pattern
	pattern func() *regexp.Regexp
}

func (k kind) has(national string) bool {
	if k.lengths != 0 && k.lengths&(1<<len(national)) == 0 {
		return false
	}
	return k.pattern().MatchString(national)
}

// look says which country has a national number, and how well it is known there.
func (p *plan) look(national string) (country string, g grade) {
	if national == "" || len(national) > maxDigits+2 {
		return "", impossible
	}

	for i := range p.regions {
		r := &p.regions[i]
		if r.leading != nil {
			if !r.leading().MatchString(national) {
				continue
			}
			return r.iso(), r.grade(national)
		}

		if g := r.grade(national); g != impossible {
			return r.iso(), g
		}
	}

	return "", impossible
}

func (r *regionPlan) grade(national string) grade {
	if r.mobiles.has(national) {
		return likely
	}
	if !r.general.has(national) {
		return impossible
	}

	for _, k := range r.others {
		if k.has(national) {
			return possible
		}
	}

	return impossible
}

func (r *regionPlan) iso() string {
	if len(r.region) != 2 {
		return "" // 001 is the library's word for no country
	}
	return r.region
}

// main is the country for a number that stands in no plan.
func (p *plan) main() string { return p.regions[0].iso() }

// plans are all calling codes, by the code.
var plans = sync.OnceValue(func() map[string]*plan {
	all := map[string]*plan{}
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic("the library's own numbering plans cannot be read: " + err.Error())
	}

	for _, m := range collection.GetMetadata() {
		code := strconv.Itoa(int(m.GetCountryCode()))
		if all[code] == nil {
			all[code] = &plan{code: code}
		}

		all[code].regions = append(all[code].regions, regionOf(m))
	}

	for code, p := range all {
		n, _ := strconv.Atoi(code)
		order := phonenumbers.GetRegionCodesForCountryCode(n)
		slices.SortFunc(p.regions, func(a, b regionPlan) int {
			return slices.Index(order, a.region) - slices.Index(order, b.region)
		})
		if example := phonenumbers.GetExampleNumberForType(p.regions[0].region, phonenumbers.MOBILE); example != nil {
			p.mobile = len(phonenumbers.GetNationalSignificantNumber(example))
		}
	}

	return all
})

func regionOf(m *phonenumbers.PhoneMetadata) regionPlan {
	general := kindOf(m.GetGeneralDesc())
	r := regionPlan{region: m.GetId(), general: general, mobiles: kindOf(m.GetMobile())}
	if lead := m.GetLeadingDigits(); lead != "" {
		r.leading = compiled("^(?:" + lead + ")")
	}

	if trunk := m.GetNationalPrefixForParsing(); trunk != "" {
		r.trunk = compiled("^(?:" + trunk + ")")
		if allDigits(trunk) && m.GetNationalPrefixTransformRule() == "" {
			r.simpleTrunk = trunk
		}
	}

	for _, desc := range []*phonenumbers.PhoneNumberDesc{m.GetFixedLine(), m.GetPremiumRate(), m.GetTollFree(),
		m.GetSharedCost(), m.GetVoip(),
		m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail()} {
		r.others = append(r.others, kindOf(desc))
	}

	return r
}

func kindOf(desc *phonenumbers.PhoneNumberDesc) kind {
	var k kind
	for _, n := range desc.GetPossibleLength() {
		if n > 0 {
			k.lengths |= 1 << n
		} else {
			k.lengths |= 1 // -1 says that there are none
		}
	}

	k.pattern = compiled("^(?:" + desc.GetNationalNumberPattern() + ")$")

	return k
}

// compiled compiles a pattern when it is asked for: most of a thousand never are.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// planFor takes the calling code off an international number. No code begins with another one.
func planFor(digits string) (p *plan, national string) {
	for n := 1; n <= 3 && n <= len(digits); n++ {
		if p := plans()[digits[:n]]; p != nil {
			return p, digits[n:]
		}
	}

	return nil, ""
}

// planOf is the plan of a country and the country's own part of it.
func planOf(region string) (*plan, *regionPlan) {
	p := plans()[strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region))]
	if p == nil {
		return nil, nil
	}

	for i := range p.regions {
		if p.regions[i].region == region {
			return p, &p.regions[i]
		}
	}

	return p, &p.regions[0]
}

// withoutTrunk takes off what is dialled before a national number, mostly a 0. rest is empty
// where the number is not just what follows.
func (r *regionPlan) withoutTrunk(digits string) (rest string, trunk bool) {
	if r.trunk == nil {
		return digits, false
	}

	if r.simpleTrunk != "" {
		rest, trunk = strings.CutPrefix(digits, r.simpleTrunk)
		return rest, trunk
	}

	at := r.trunk().FindStringIndex(digits)
	if at == nil || at[1] == 0 {
		return digits, false
	}

	return "", true
}

// isMobileElsewhere reports whether the digits, without a country code, are a mobile number of
// some country.
func isMobileElsewhere(digits string) bool {
	for _, p := range plans() {
		for i := range p.regions {
			if p.regions[i].mobiles.has(digits) {
				return true
			}
		}
	}

	return false
}
