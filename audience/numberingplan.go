package audience

import (
	"regexp"
	"slices"
	"strings"
)

// A country that changes its numbering plan gives each line a second number. WhatsApp keeps the
// one under which an account was registered, and people write the one that is dialled today. So
// one person has two numbers for years.

// renumbering is one rule of such a change: how the numbers of the old plan became those of the
// new one.
type renumbering struct {
	code   string // country calling code
	digits int    // of a whole national number in the spelling that is rewritten
	// old says which national numbers of that length are meant. It leaves out every number that
	// is a line of its own today, so that no two lines that work become one.
	old *regexp.Regexp
	// A rewritten number keeps its first digits, then cut is replaced by put.
	keep     int
	cut, put string
	source   string
}

// renumberings is the table of the changes that happened while WhatsApp was there (from 2009 on)
// and that can be reckoned from the number alone. It holds mobile lines, and fixed lines where
// the change came after WhatsApp Business (2018) let them in.
//
// Left out on purpose:
//   - Togo 2011, Somalia, South Korea (01x to 010): the new number depends on the operator or on
//     the person.
//   - Chile 2012, Saudi Arabia 2013, Vietnam 2017 (fixed lines only): there were no fixed lines on
//     WhatsApp then.
//   - Egypt's old 0150 to 0152, Brazil's trunking radio (70, 77 to 79): the old or the new number
//     is another line today.
//   - Kosovo (+377 and +386 to +383): the old numbers belong to Monaco and Slovenia.
//   - Burkina Faso, Senegal, Mali, Ghana, both Congos, Lebanon: no number has grown since 2009.
var renumberings = []renumbering{
	// Argentina writes a 9 before the number of a mobile when it is called from abroad. It is a
	// sign for the billing and no part of the number: within an area, mobile and fixed lines
	// share one set of numbers. ENACOM, Plan Fundamental de Numeración Nacional (Res. SC 46/97);
	// ITU-T E.164 national numbering plan of Argentina.
	{code: "54", digits: 11, old: leads(`9[1-3]`), cut: "9",
		source: "Res. SC 46/97, Plan Fundamental de Numeración Nacional"},

	// Brazil put a 9 before the mobiles' eight digits, area by area. Fixed lines begin with 2 to
	// 5 and keep eight digits, and so do the numbers of trunking radio, which begin with 70, 77,
	// 78 and 79.
	{code: "55", digits: 10, old: leads(`[1-9][1-9](?:[689]|7[1-6])`), keep: 2, put: "9",
		source: "ANATEL, Resolução 553/2010; ITU communication of 6.II.2013; 29 July 2012 to 6 November 2016"},

	// Mexico had a 1 before mobiles that are called from abroad. No Mexican number begins with 1.
	{code: "52", digits: 11, old: leads(`1[2-9]`), cut: "1",
		source: "IFT, Plan Técnico Fundamental de Numeración; 3 August 2019"},

	// Ivory Coast put the operator before each number: the second digit of a mobile tells which,
	// the third of a fixed line.
	{code: "225", digits: 8, old: leads(`[04-9][0-3]`), put: "01", source: ivoryCoast},
	{code: "225", digits: 8, old: leads(`[04-9][4-6]`), put: "05", source: ivoryCoast},
	{code: "225", digits: 8, old: leads(`[04-9][7-9]`), put: "07", source: ivoryCoast},
	{code: "225", digits: 8, old: leads(`2[0-3]8`), put: "21", source: ivoryCoast},
	{code: "225", digits: 8, old: leads(`(?:2[0-4]|3[0-6])0`), put: "25", source: ivoryCoast},
	{code: "225", digits: 8, old: leads(`(?:2[0-4]|3[0-6])[1-79]|(?:24|3[0-6])8`), put: "27", source: ivoryCoast},

	// Benin put 01 before every number. Special services that begin with 8 keep eight digits.
	{code: "229", digits: 8, old: leads(`[2-79]`), put: "01",
		source: "ARCEP Bénin, plan national de numérotation; 30 November 2024"},

	// Cameroon put a 6 before mobiles. Fixed lines went two ways that cannot be told apart.
	{code: "237", digits: 8, old: leads(`[5-79]`), put: "6",
		source: "ART, ITU communication of 6.X.2014; 21 November 2014"},

	// Gabon replaced the 0 that it had kept behind the country code; some wrote the number
	// without that 0.
	{code: "241", digits: 8, old: leads(`01`), cut: "0", put: "1", source: gabon},
	{code: "241", digits: 8, old: leads(`0[256]`), cut: "0", put: "6", source: gabon},
	{code: "241", digits: 8, old: leads(`0[47]`), cut: "0", put: "7", source: gabon},
	{code: "241", digits: 7, old: leads(`[256]`), put: "6", source: gabon},
	{code: "241", digits: 7, old: leads(`[47]`), put: "7", source: gabon},

	// Mauritius put a 5 before mobiles. What could be a fixed line of today (42x, 471, 490 and
	// others) is left alone.
	{code: "230", digits: 7, old: leads(`25|44|47[2-9]|49[1-9]|7|87[15-8]|9[1-8]`), put: "5",
		source: "ICTA, decision of 11 February 2013; 1 September 2013"},

	// Egypt.
	{code: "20", digits: 9, old: leads(`1[069]`), keep: 1, put: "0", source: egypt},
	{code: "20", digits: 9, old: leads(`1[14]`), keep: 1, put: "1", source: egypt},
	{code: "20", digits: 9, old: leads(`1[278]`), keep: 1, put: "2", source: egypt},

	// Ecuador put a 9 before mobiles. Fixed lines begin with 2 to 7.
	{code: "593", digits: 8, old: leads(`[89]`), put: "9", source: "CONATEL; 30 September 2012"},

	// Colombia put 60 before the area code of fixed lines, but for those that begin with 46.
	{code: "57", digits: 8, old: leads(`[125-8][2-8]|4[2-578]`), put: "60",
		source: "CRC, Resolución 5826 de 2019; 1 September 2021"},

	// Vietnam took the mobiles that began with 1 back to the length of all others.
	{code: "84", digits: 10, old: leads(`120`), cut: "120", put: "70", source: vietnam},
	{code: "84", digits: 10, old: leads(`121`), cut: "121", put: "79", source: vietnam},
	{code: "84", digits: 10, old: leads(`122`), cut: "122", put: "77", source: vietnam},
	{code: "84", digits: 10, old: leads(`123`), cut: "123", put: "83", source: vietnam},
	{code: "84", digits: 10, old: leads(`124`), cut: "124", put: "84", source: vietnam},
	{code: "84", digits: 10, old: leads(`125`), cut: "125", put: "85", source: vietnam},
	{code: "84", digits: 10, old: leads(`126`), cut: "126", put: "76", source: vietnam},
	{code: "84", digits: 10, old: leads(`127`), cut: "127", put: "81", source: vietnam},
	{code: "84", digits: 10, old: leads(`128`), cut: "128", put: "78", source: vietnam},
	{code: "84", digits: 10, old: leads(`129`), cut: "129", put: "82", source: vietnam},
	{code: "84", digits: 10, old: leads(`16[2-9]`), cut: "16", put: "3", source: vietnam},
	{code: "84", digits: 10, old: leads(`18[68]`), cut: "18", put: "5", source: vietnam},
	{code: "84", digits: 10, old: leads(`199`), cut: "199", put: "59", source: vietnam},

	// Georgia put a 5 before mobiles.
	{code: "995", digits: 8, old: leads(`[579]`), put: "5",
		source: "GNCC, ITU communication of 22.XII.2010; 20 June 2011"},

	// French Polynesia put 87 before the mobiles of Vini.
	{code: "689", digits: 6, old: leads(`[237]`), put: "87", source: "OPT, arrêté of March 2013; 23 June 2014"},

	// Qatar wrote the first digit twice.
	{code: "974", digits: 7, old: leads(`3`), put: "3", source: qatar},
	{code: "974", digits: 7, old: leads(`5`), put: "5", source: qatar},
	{code: "974", digits: 7, old: leads(`6`), put: "6", source: qatar},
	{code: "974", digits: 7, old: leads(`7`), put: "7", source: qatar},
}

const (
	ivoryCoast = "ARTCI, plan national de numérotation; 31 January 2021"
	gabon      = "ARCEP Gabon; 15 November 2019; recipes of libphonenumber's migrator"
	egypt      = "NTRA; 6 October 2011"
	vietnam    = "Ministry of Information and Communications; 15 September to 14 November 2018; " +
		"recipes of libphonenumber's migrator"
	qatar = "ictQATAR; 28 July 2010"
)

// leads is a pattern for the first digits of a national number.
func leads(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)`) }

// NumberKey is one number for each phone line: both spellings of a line whose country has changed
// its numbering plan have the same key. The key of any other number is the number itself, with a
// + before it. NumberKey(NumberKey(n)) is NumberKey(n).
//
// It is a key for comparing. It is not always the number under which WhatsApp knows the line.
func NumberKey(e164 string) string {
	e164 = withPlus(e164)
	for i := range renumberings {
		if now, ok := renumberings[i].apply(e164); ok {
			return now
		}
	}

	return e164
}

// Spellings is every number that a line has or had, the one that NumberKey gives first.
func Spellings(e164 string) []string {
	key := NumberKey(e164)
	all := []string{key}
	for i := range renumberings {
		if old, ok := renumberings[i].undo(key); ok && !slices.Contains(all, old) {
			all = append(all, old)
		}
	}

	return all
}

// apply rewrites a number of the old plan.
func (r *renumbering) apply(e164 string) (now string, ok bool) {
	if len(e164) != 1+len(r.code)+r.digits || e164[0] != '+' || e164[1:1+len(r.code)] != r.code {
		return "", false
	}

	national := e164[1+len(r.code):]
	if !allDigits(national) || !r.old.MatchString(national) {
		return "", false
	}

	kept, rest := national[:r.keep], national[r.keep:]

	return "+" + r.code + kept + r.put + rest[len(r.cut):], true
}

// undo gives the number that a line had in the old plan.
func (r *renumbering) undo(key string) (old string, ok bool) {
	if len(key) != 1+len(r.code)+r.digits-len(r.cut)+len(r.put) || key[1:1+len(r.code)] != r.code {
		return "", false
	}

	national := key[1+len(r.code):]
	kept, rest := national[:r.keep], national[r.keep:]
	if !strings.HasPrefix(rest, r.put) {
		return "", false
	}

	old = "+" + r.code + kept + r.cut + rest[len(r.put):]
	now, ok := r.apply(old)

	return old, ok && now == key
}

// withPlus writes a number that WhatsApp gives, which is digits alone, as E.164.
func withPlus(number string) string {
	if number != "" && allDigits(number) {
		return "+" + number
	}
	return number
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}

	return true
}
