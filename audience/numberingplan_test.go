package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

// lines are pairs of numbers of one line: the spelling of an older plan and the one of today.
var lines = map[string][2]string{
	"São Paulo, Vivo":            {"+551187654321", "+5511987654321"},
	"São Paulo, before the 9":    {"+551198765432", "+5511998765432"},
	"São Paulo, old series of 6": {"+551161234567", "+5511961234567"},
	"São Paulo, old series of 7": {"+551171234567", "+5511971234567"},
	"Recife":                     {"+558187042155", "+5581987042155"},
	"Porto Alegre":               {"+555186586134", "+5551986586134"},
	"Mexico City":                {"+5215512345678", "+525512345678"},
	"Monterrey":                  {"+5218112345678", "+528112345678"},
	"Acapulco":                   {"+5217441234567", "+527441234567"},
	"Buenos Aires":               {"+5491123456789", "+541123456789"},
	"Córdoba (AR)":               {"+5493512345678", "+543512345678"},
	"Ivory Coast, Moov":          {"+22501234567", "+2250101234567"},
	"Ivory Coast, MTN":           {"+22505060709", "+2250505060709"},
	"Ivory Coast, Orange":        {"+22507123456", "+2250707123456"},
	"Ivory Coast, Orange 47":     {"+22547123456", "+2250747123456"},
	"Ivory Coast, MTN 86":        {"+22586123456", "+2250586123456"},
	"Ivory Coast, Moov 40":       {"+22540123456", "+2250140123456"},
	"Ivory Coast, fixed Orange":  {"+22520212345", "+2252720212345"},
	"Ivory Coast, fixed MTN":     {"+22521012345", "+2252521012345"},
	"Ivory Coast, fixed Moov":    {"+22520812345", "+2252120812345"},
	"Benin, MTN":                 {"+22997123456", "+2290197123456"},
	"Benin, fixed":               {"+22921312345", "+2290121312345"},
	"Cameroon, MTN":              {"+23777123456", "+237677123456"},
	"Cameroon, Orange":           {"+23795123456", "+237695123456"},
	"Gabon, Libertis":            {"+24106031234", "+24166031234"},
	"Gabon, Airtel":              {"+24107031234", "+24177031234"},
	"Gabon, Airtel without 0":    {"+2417031234", "+24177031234"},
	"Gabon, fixed":               {"+24101441234", "+24111441234"},
	"Mauritius, Orange":          {"+2307581234", "+23057581234"},
	"Mauritius, Emtel":           {"+2302501234", "+23052501234"},
	"Egypt, Vodafone":            {"+20101234567", "+201001234567"},
	"Egypt, Vodafone 19":         {"+20191234567", "+201091234567"},
	"Egypt, Mobinil":             {"+20121234567", "+201221234567"},
	"Egypt, Etisalat":            {"+20141234567", "+201141234567"},
	"Ecuador, Claro":             {"+59394364161", "+593994364161"},
	"Ecuador, Movistar":          {"+59384364161", "+593984364161"},
	"Colombia, Bogotá fixed":     {"+5712281260", "+576012281260"},
	"Vietnam, Viettel":           {"+841681234567", "+84381234567"},
	"Vietnam, Mobifone":          {"+841211234567", "+84791234567"},
	"Vietnam, Vinaphone":         {"+841231234567", "+84831234567"},
	"Vietnam, Gmobile":           {"+841991234567", "+84591234567"},
	"Georgia":                    {"+99577123456", "+995577123456"},
	"French Polynesia":           {"+689212345", "+68987212345"},
	"Qatar":                      {"+9745123456", "+97455123456"},
}

func TestBothSpellingsOfALineHaveOneKey(t *testing.T) {
	t.Parallel()
	for name, tc := range lines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			then, now := NumberKey(tc[0]), NumberKey(tc[1])
			if then != now {
				t.Errorf("the key of %s is %s, and of %s it is %s", tc[0], then, tc[1], now)
			}

			for _, number := range tc {
				all := Spellings(number)
				if all[0] != now || !slices.Contains(all, tc[0]) || !slices.Contains(all, tc[1]) {
					t.Errorf("Spellings(%s) = %s", number, all)
				}
			}
		})
	}
}

func TestANumberAsWhatsAppWritesItHasTheKeyOfItsE164(t *testing.T) {
	t.Parallel()
	if got, want := NumberKey("551187654321"), NumberKey("+5511987654321"); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// Each of these is a line beside which another works that looks like its older or newer spelling.
func TestNoTwoLinesHaveOneKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string][2]string{
		"a fixed line of São Paulo and a mobile":          {"+551132345678", "+5511932345678"},
		"a fixed line that begins with 5 and a mobile":    {"+551150512345", "+5511950512345"},
		"trunking radio and a mobile":                     {"+551178123456", "+5511978123456"},
		"a fixed line of Quito and a mobile":              {"+59322345678", "+593922345678"},
		"a fixed line of Mauritius and a mobile":          {"+2304201234", "+23054201234"},
		"a fixed line of Mauritius in the mobiles' range": {"+2304711234", "+23054711234"},
		"WE of Egypt and Mobinil":                         {"+201501234567", "+201201234567"},
		"a mobile of Colombia and a fixed line":           {"+573012345678", "+576013012345"},
		"services of Benin and a mobile":                  {"+22981123456", "+2290181123456"},
		"two mobiles of Vietnam":                          {"+84381234567", "+84831234567"},
		"a landline of Hanoi and a mobile":                {"+842438123456", "+84438123456"},
		"two numbers of the United States":                {"+14155552671", "+14155552672"},
	} {
		if a, b := NumberKey(tc[0]), NumberKey(tc[1]); a == b {
			t.Errorf("%s: %s and %s both have the key %s", name, tc[0], tc[1], a)
		}
	}
}

// live numbers that the rules rewrite though libphonenumber still calls them valid, with the
// reason.
var stillValid = map[string]string{
	"54":  "the library takes the number without 9 for a fixed line: mobile and fixed lines share one set",
	"55":  "the library leaves eight digits that begin with 7 valid, for trunking radio",
	"241": "the library leaves the old plan of Gabon valid beside the new one",
}

func TestTheRulesRewriteNoNumberThatTheLibraryCallsValid(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for i, r := range renumberings {
		if r.source == "" {
			t.Errorf("rule %d (+%s) has no source", i, r.code)
		}

		tried := 0
		for range 20_000 {
			number := "+" + r.code + randomDigits(random, r.digits)
			now, ok := r.apply(number)
			if !ok {
				continue
			}

			tried++
			if again := NumberKey(now); again != now {
				t.Fatalf("%s becomes %s and then %s", number, now, again)
			}
			if old, ok := r.undo(now); !ok || old != number {
				t.Fatalf("%s becomes %s, and that goes back to %q", number, now, old)
			}
			if stillValid[r.code] != "" {
				continue
			}
			if p, err := phonenumbers.Parse(number, ""); err == nil && phonenumbers.IsValidNumber(p) {
				t.Fatalf("%s would become %s, but it is valid", number, now)
			}
		}

		if tried == 0 {
			t.Errorf("rule %d (+%s %s) met no number", i, r.code, r.old)
		}
	}
}

// Whatever the library calls a mobile keeps a key of its own: only spellings that the library
// knows as the same line share it.
func TestValidMobilesOfEveryCountryKeepTheirOwnKey(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	for region := range phonenumbers.GetSupportedRegions() {
		p := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if p == nil {
			continue
		}

		number := phonenumbers.Format(p, phonenumbers.E164)
		key := NumberKey(number)
		if other, ok := keys[key]; ok && other != number {
			t.Errorf("%s and %s have the key %s", other, number, key)
		}

		keys[key] = number
		if key != number && region != "AR" && region != "GA" {
			t.Errorf("%s: the mobile %s has the key %s", region, number, key)
		}
	}
}

func randomDigits(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		fmt.Fprint(&b, r.IntN(10))
	}

	return b.String()
}

func TestSpellingsOfALineThatHasOneAreThatOne(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"+14155552671", "+4915112345678", "+8613800138000", "+551132345678"} {
		if diff := cmp.Diff([]string{number}, Spellings(number)); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzNumberKey(f *testing.F) {
	for _, pair := range lines {
		f.Add(pair[0])
		f.Add(pair[1])
	}

	f.Add("US.1234567890123456")
	f.Add("")
	f.Add("+55１１８７６５４３２１")

	f.Fuzz(func(t *testing.T, number string) {
		key := NumberKey(number)
		if again := NumberKey(key); again != key {
			t.Errorf("NumberKey(%q) = %q, whose key is %q", number, key, again)
		}

		all := Spellings(number)
		if !slices.Contains(all, withPlus(number)) {
			t.Errorf("Spellings(%q) = %q", number, all)
		}

		for _, one := range all {
			if NumberKey(one) != key {
				t.Errorf("%q is a spelling of %q and has the key %q", one, key, NumberKey(one))
			}
		}
	})
}

func BenchmarkNumberKey(b *testing.B) {
	for _, number := range []string{"+14155552671", "+551187654321", "+5511987654321", "+22507123456"} {
		b.Run(number, func(b *testing.B) {
			for b.Loop() {
				NumberKey(number)
			}
		})
	}
}
