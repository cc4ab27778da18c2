package spreadsheet

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

var gb18030 = simplifiedchinese.GB18030

// legacy is an encoding from before Unicode, in which Excel still saves what it calls CSV. They are
// in the order in which they are believed where two make as much sense.
type legacy struct {
	name      string
	encoding  encoding.Encoding
	countries string // where files without a mark are probably in it
	// pair values a character of two bytes, nil for encodings of one. A value is between −1 and 1.
	pair   func(first, second byte) float64
	script *unicode.RangeTable // of an encoding of one byte
	rare   string              // letters that the encoding has and its files hardly do
}

var legacies = []legacy{
	{name: "GB18030", encoding: gb18030, countries: "CN SG", pair: valueGB},
	{name: "windows-1252", encoding: charmap.Windows1252, script: unicode.Latin, rare: "ðþÐÞýÝ¹³ª",
		countries: "DE AT CH FR ES PT BR IT NL BE GB US IE DK SE NO FI MX AR CO CL PE"},
	{name: "windows-1251", encoding: charmap.Windows1251, script: unicode.Cyrillic, countries: "RU UA BY BG RS MK KZ KG"},
	{name: "windows-1250", encoding: charmap.Windows1250, script: unicode.Latin, countries: "PL CZ SK HU SI HR BA RO AL",
		rare: "Ł"},
	{name: "Big5", encoding: traditionalchinese.Big5, countries: "TW HK MO", pair: valueBig5},
	{name: "Shift_JIS", encoding: japanese.ShiftJIS, countries: "JP", pair: valueShiftJIS},
	{name: "EUC-KR", encoding: korean.EUCKR, countries: "KR", pair: valueEUCKR},
	{name: "windows-1254", encoding: charmap.Windows1254, script: unicode.Latin, countries: "TR AZ CY"},
	{name: "windows-1253", encoding: charmap.Windows1253, script: unicode.Greek, countries: "GR CY"},
	{name: "windows-1255", encoding: charmap.Windows1255, script: unicode.Hebrew, countries: "IL"},
	{name: "windows-1256", encoding: charmap.Windows1256, script: unicode.Arabic,
		countries: "SA AE EG IQ JO KW LB MA OM QA SY TN YE DZ BH LY PS SD IR PK"},
	{name: "windows-1257", encoding: charmap.Windows1257, script: unicode.Latin, countries: "LT LV EE"},
	{name: "windows-1258", encoding: charmap.Windows1258, script: unicode.Latin, countries: "VN", rare: "ăđơư"},
	{name: "windows-874", encoding: charmap.Windows874, script: unicode.Thai, countries: "TH"},
	{name: "macintosh", encoding: charmap.Macintosh, script: unicode.Latin, rare: "ıˆ˜¯˘˙˚¸˝˛ˇŒœŸ"},
}

// ofCountry is what an encoding gains by the country that a file probably comes from: enough to
// decide between two that make as much sense, and not to take one that makes none.
const ofCountry = 0.12

// guessEncoding is the encoding in which the lines make most sense.
func guessEncoding(sample []byte, country string) legacy {
	best, most := legacies[1], 0.0
	for _, l := range legacies {
		value := l.value(sample)
		if country != "" && slices.Contains(strings.Fields(l.countries), country) {
			value += ofCountry
		}

		if value > most+1e-9 {
			best, most = l, value
		}
	}

	return best
}

// value says how much sense the lines make: the mean of all that is not ASCII.
func (l legacy) value(sample []byte) float64 {
	if l.pair != nil {
		return l.valueOfPairs(sample)
	}

	text, err := l.encoding.NewDecoder().Bytes(sample)
	if err != nil {
		return -1
	}

	return l.valueOfLetters([]rune(string(text)))
}

func (l legacy) valueOfPairs(sample []byte) float64 {
	sum, n := 0.0, 0
	for i := 0; i < len(sample); i++ {
		if sample[i] < utf8.RuneSelf {
			continue
		}

		second := byte(0)
		if i+1 < len(sample) {
			second = sample[i+1]
		}

		n++
		value := l.pair(sample[i], second)
		sum += value
		if second >= 0x40 && value > valueBroken {
			i++
		}
	}

	if n == 0 {
		return 0
	}

	return sum / float64(n)
}

// valueBroken is of bytes that are no character.
const valueBroken = -1

func between(b, first, last byte) bool { return first <= b && b <= last }

// valueGB believes the 3,755 characters that GB 2312 has first, by their sound; the others of GB
// 2312 are for names.
func valueGB(first, second byte) float64 {
	switch {
	case between(first, 0xb0, 0xd7) && second >= 0xa1 && second <= 0xfe:
		return 1
	case between(first, 0xd8, 0xf7) && second >= 0xa1 && second <= 0xfe:
		return 0.7
	case between(first, 0xa1, 0xa3) && second >= 0xa1 && second <= 0xfe: // punctuation
		return 0.5
	case between(first, 0x81, 0xfe) && (between(second, 0x40, 0x7e) || between(second, 0x80, 0xfe)):
		return -0.3
	}

	return valueBroken
}

func valueBig5(first, second byte) float64 {
	trails := between(second, 0x40, 0x7e) || between(second, 0xa1, 0xfe)
	switch {
	case between(first, 0xa4, 0xc6) && trails:
		return 0.95
	case between(first, 0xc9, 0xf9) && trails:
		return 0.4
	case between(first, 0xa1, 0xa3) && trails:
		return 0.5
	}

	return valueBroken
}

func valueShiftJIS(first, second byte) float64 {
	trails := between(second, 0x40, 0x7e) || between(second, 0x80, 0xfc)
	switch {
	case first == 0x82 && between(second, 0x9f, 0xf1), first == 0x83 && between(second, 0x40, 0x96):
		return 1 // kana
	case between(first, 0x88, 0x97) && trails:
		return 0.95
	case first == 0x81 && trails:
		return 0.5
	case (between(first, 0x98, 0x9f) || between(first, 0xe0, 0xea)) && trails:
		return 0.6
	case between(first, 0xa1, 0xdf): // half-width kana, of one byte
		return 0.2
	}

	return valueBroken
}

// valueEUCKR believes Korean syllables a little more than Chinese characters, which stand in the
// same place and beyond it: a longer Chinese text has some beyond.
func valueEUCKR(first, second byte) float64 {
	switch {
	case second < 0xa1 || second == 0xff:
		return valueBroken
	case between(first, 0xb0, 0xc8):
		return 0.99
	case between(first, 0xa1, 0xa3):
		return 0.5
	case between(first, 0xca, 0xfd):
		return -0.5
	}

	return valueBroken
}

// marksOfText are characters of a text that are neither letters nor in ASCII.
const marksOfText = "’‘“”„–—…€£§°«»®©™¿¡ºª·\u00a0،؛؟฿№"

// valueOfLetters believes letters of the encoding's script that keep to how words are written.
func (l legacy) valueOfLetters(text []rune) float64 {
	sum, n, run := 0.0, 0, 0
	for i, r := range text {
		if r < utf8.RuneSelf {
			run = 0
			continue
		}

		n++
		run++
		sum += l.valueOfLetter(text, i, run)
	}

	if n == 0 {
		return 0
	}

	return sum / float64(n)
}

func (l legacy) valueOfLetter(text []rune, i, run int) float64 {
	r, before := text[i], ' '
	if i > 0 {
		before = text[i-1]
	}

	after := ' '
	if i+1 < len(text) {
		after = text[i+1]
	}

	letter := unicode.Is(l.script, r) || unicode.Is(unicode.Mn, r)
	switch {
	case r == utf8.RuneError:
		return valueBroken
	case strings.ContainsRune(l.rare, r):
		return -0.2
	case strings.ContainsRune(marksOfText, r):
		if unicode.IsLetter(before) && unicode.IsLetter(after) && r != '’' {
			return -0.2
		}
		return 0.4
	case !letter:
		return -0.5
	case unicode.IsUpper(r) && unicode.IsLower(before):
		return -0.5
	case mixes(l.script, before), mixes(l.script, after):
		return -0.5
	case l.script == unicode.Latin && run > 2: // so many accents one after the other
		return 0
	}

	return 0.9
}

// mixes reports whether a letter beside one of the script is of another.
func mixes(script *unicode.RangeTable, r rune) bool {
	return unicode.IsLetter(r) && !unicode.Is(script, r)
}
