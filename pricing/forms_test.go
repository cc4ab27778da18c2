package pricing

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFilesOfAllFormsAreReadAsTheirGoldenFilesSay reads testdata: files in the forms in which Meta
// publishes its cards, with made-up prices.
func TestFilesOfAllFormsAreReadAsTheirGoldenFilesSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}

	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}

			from := october
			if strings.Contains(file, "tidy") || strings.Contains(file, "effective") {
				from = ""
			}

			s, err := readSheet(content, from)
			if err != nil {
				t.Fatal(err)
			}

			golden(t, strings.TrimSuffix(file, "csv")+"golden.json", s)
		})
	}
}

func golden(t *testing.T, file string, s *sheet) {
	t.Helper()
	got, err := json.MarshalIndent(map[string]any{"cards": told(s), "ignored": s.ignored}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}

	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("read as\n%s\nwant\n%s", got, want)
	}
}

// told is what a sheet says, in an order of its own.
func told(s *sheet) (cards []any) {
	slices.SortFunc(s.cards, func(a, b *Card) int { return strings.Compare(a.Currency+a.From, b.Currency+b.From) })
	for _, c := range s.cards {
		cards = append(cards, map[string]any{"kind": c.Kind, "currency": c.Currency, "from": c.From, "rates": c.Rates,
			"tiers": c.Tiers})
	}

	return cards
}

const aBase = "Rates per message\nMarket,Currency,Marketing,Utility,Service\n" +
	"Germany,£,0.1131,0.0456,n/a\nOther,£,\"1,000.5\",--,0\n"

func TestAFileIsReadInAnyEncodingAndWithAnyDelimiter(t *testing.T) {
	t.Parallel()
	want, err := readSheet([]byte(aBase), october)
	if err != nil || want.cards[0].Currency != "GBP" {
		t.Fatal(err)
	}

	encoded := map[string][]byte{
		"UTF-8 with a mark":    []byte("\ufeff" + aBase),
		"line ends of Windows": []byte(strings.ReplaceAll(aBase, "\n", "\r\n")),
		"semicolons":           []byte(strings.NewReplacer(",", ";", "\"1,000.5\"", "1,000.5").Replace(aBase)),
		"tabs":                 []byte(strings.NewReplacer("\"1,000.5\"", "1,000.5", ",", "\t").Replace(aBase)),
	}
	for name, e := range map[string]interface{ Bytes([]byte) ([]byte, error) }{
		"UTF-16 with a mark":                unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(),
		"UTF-16, high bytes first":          unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(),
		"UTF-16 without a mark":             unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder(),
		"UTF-16 without a mark, big-endian": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(),
		"Windows-1252":                      charmap.Windows1252.NewEncoder(),
	} {
		if encoded[name], err = e.Bytes([]byte(aBase)); err != nil {
			t.Fatal(err)
		}
	}

	for name, content := range encoded {
		got, err := readSheet(content, october)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a, b := fmt.Sprint(told(got)), fmt.Sprint(told(want)); a != b {
			t.Errorf("%s: %s, want %s", name, a, b)
		}
	}
}

func TestWhatIsWrongIsRefusedWithItsLineAndCell(t *testing.T) {
	t.Parallel()
	tidy := "effective_date,currency,market,category,rate\n2026-10-01,EUR,France,marketing,0.07\n"
	for name, tc := range map[string]struct{ file, from, want string }{
		"an unknown market":    {aBase + "Atlantis,£,1,1,1\n", october, `line 5, market: "Atlantis" is no market`},
		"an unknown currency":  {aBase + "France,$,1,1,1\n", october, `line 5, currency: "$" is no currency`},
		"a price that is none": {aBase + "France,£,free,1,1\n", october, `line 5, marketing: "free" is no price`},
		"a comma for decimals": {aBase + "France,£,\"0,0456\",1,1\n", october,
			`line 5, marketing: "0,0456" is no price: write decimals after a full stop`},
		"a comma of two meanings": {"Market;Currency;Marketing\nFrance;EUR;2,400\n", october,
			`line 2, marketing: "2,400" may be two prices`},
		"a market twice":     {aBase + "Germany,£,0.2,1,1\n", october, `Germany has this price already`},
		"a market to come":   {aBase + "Iraq,£,0.2,1,1\n", july, `line 5, market: Iraq is a market of its own from 2026-10-01 on`},
		"no day":             {aBase, "", "--effective 2026-10-01"},
		"a wrong day":        {aBase, "1.10.2026", "--effective: \"1.10.2026\" is no day"},
		"a day given twice":  {tidy, october, "--effective: the file says itself"},
		"a wrong day inside": {tidy + "10/01/2026,EUR,France,marketing,1\n", "", `line 3, effective_date: "10/01/2026" is no day`},
		"a wrong category":   {tidy + "2026-10-01,EUR,France,promotion,1\n", "", `line 3, category: "promotion" is none`},
		"no market":          {tidy + "2026-10-01,EUR,,marketing,1\n", "", `line 3, market: "" is no market`},
		"nothing below":      {"Market,Currency,Marketing\n", october, "no prices below it"},
		"only n/a below":     {"Market,Currency,Marketing\nFrance,EUR,n/a\n", october, "no prices below it"},
		"something else":     {"name,phone\nAna,+4915112345678\n", "", "the file is no rate card"},
		"nothing":            {"", "", "the file is no rate card"},
		"a picture":          {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "", "the file is no rate card"},
		"tiers out of order": {aTierFile("0", "100", "List", "0.1") + tierLine("", "", "50", "--", "Tier", "0.05"), october,
			"line 7, utility tier: it does not follow the one before it: from 50 to 0"},
		"a tier of no kind": {aTierFile("0", "--", "Gift", "0.1"), october,
			`line 6, utility tier: "Gift" is neither List nor Tier`},
		"a volume of words": {aTierFile("few", "--", "List", "0.1"), october,
			`line 6, utility tier: "few" is no number of messages`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := readSheet([]byte(tc.file), tc.from)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v %+v, want %q", err, s, tc.want)
			}
		})
	}
}

// aTierFile is a tier file with one line of prices, the utility ones.
func aTierFile(from, to, kind, rate string) string {
	header := ",,Utility,,,,,Authentication,,,,,Authentication-International,,,,\n" +
		strings.Repeat(",", 16) + "\n\"Market\n(per rate card)\",Currency" + strings.Repeat(",From,To,Type,Rate,%", 3) + "\n"

	return "Volume tiers\n" + header + tierLine("France", "EUR", from, to, kind, rate)
}

func tierLine(market, currency, from, to, kind, rate string) string {
	return strings.Join([]string{market, currency, from, to, kind, rate, "0"}, ",") + strings.Repeat(",n/a", 10) + "\n"
}

func TestAFileIsBounded(t *testing.T) {
	t.Parallel()
	book := NewBook(nil, nil, nil)
	_, err := book.Import(t.Context(), strings.NewReader(strings.Repeat("x", mostBytes+1)), Import{})
	if err == nil || !strings.Contains(err.Error(), "no rate card is that large") {
		t.Error(err)
	}
}

// FuzzImport has any bytes read: what is accepted is sound, and is the same when it is written in
// the tidy form and read again.
func FuzzImport(f *testing.F) {
	f.Add([]byte(aBase), october)
	f.Add([]byte(aTierFile("0", "--", "List", "0.1")), october)
	f.Add(Example, "")
	f.Add([]byte("Market;Currency;Marketing\nOther;$US;1,940.13\n"), july)
	f.Add([]byte("\xff\xfeM\x00a\x00"), "")
	f.Fuzz(func(t *testing.T, content []byte, from string) {
		s, err := readSheet(content, from)
		if err != nil {
			return
		}

		tidy := strings.Builder{}
		tidy.WriteString("effective_date,currency,market,category,rate\n")
		want := &sheet{}
		for _, c := range s.cards {
			if c.Kind == KindTiers {
				continue
			}

			want.cards = append(want.cards, c)
			for m, rates := range c.Rates {
				for k, micros := range rates {
					if micros < 0 || micros > mostWhole*one+one || !existsOn(m, c.From) {
						t.Fatalf("%s costs %d in %s", k, micros, m)
					}

					fmt.Fprintf(&tidy, "%s,%s,%s,%s,%s\n", c.From, c.Currency, m, k, Money{micros, c.Currency}.Amount())
				}
			}
		}

		if len(want.cards) == 0 {
			return
		}

		got, err := readSheet([]byte(tidy.String()), "")
		if err != nil {
			t.Fatalf("%v\n%s", err, tidy.String())
		}
		if a, b := fmt.Sprint(told(got)), fmt.Sprint(told(want)); a != b {
			t.Fatalf("%s, want %s", a, b)
		}
	})
}
