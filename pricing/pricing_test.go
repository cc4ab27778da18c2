package pricing

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestAnAmountIsExactAndHasTheDigitsOfItsCurrency(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Money{
		"0.0034": {3_400, "USD"}, "12.50": {12_500_000, "EUR"}, "12": {12_000_000, "CLP"}, "12.5": {12_500_000, "CLP"},
		"0.00": {0, "USD"}, "0": {0, "CLP"}, "-0.05": {-50_000, "USD"}, "1940.13": {1_940_130_000, "IDR"},
		"0.000001": {1, "USD"}, "-9223372036854.775808": {-1 << 63, "USD"}, "9223372036854.775807": {1<<63 - 1, "USD"},
	} {
		if got := m.Amount(); got != want {
			t.Errorf("%d %s is written %s, want %s", m.Micros, m.Currency, got, want)
		}
	}
}

func TestAPriceIsReadAsCardsWriteIt(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]int64{
		"0.0068": 6_800, "1,940.13": 1_940_130_000, "12": 12_000_000, " 0.0625\n": 62_500, "0": 0, "0.0000": 0,
		"100,000": 100_000_000_000, "0.123456000": 123_456, "007": 7_000_000,
	} {
		if got, err := parseRate(cell); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", cell, got, err, want)
		}
	}

	for _, cell := range []string{"0,0068", "0,062", "1.940,13", "1,94", ",123", "1,,000", "-1", "+1", "1e3", "1.", ".5",
		"$1", "1 2", "abc", "0.1234567", "100001", "99999999999999999999", "٣", "NaN", "1,234,56.0"} {
		if got, err := parseRate(cell); err == nil {
			t.Errorf("%q is read as %d", cell, got)
		}
	}
}

// TestWhatIsReadIsWhatIsWritten compares with arithmetic of unbounded numbers.
func TestWhatIsReadIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for range 2000 {
		micros := rand.Int64N(mostWhole * one)
		back, err := parseRate(Money{micros, "USD"}.Amount())
		if err != nil || back != micros {
			t.Fatalf("%d is written and read as %d, %v", micros, back, err)
		}

		want, _ := new(big.Rat).SetString(Money{micros, "CLP"}.Amount())
		if want == nil || want.Cmp(big.NewRat(micros, one)) != 0 {
			t.Fatalf("%d is written as %v", micros, want)
		}
	}
}

func TestCurrenciesAreReadAsCardsWriteThem(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"USD": "USD", "$US": "USD", "us$": "USD", "A$": "AUD", "£": "GBP", "GBD": "GBP", "₹": "INR", "Rs.": "INR",
		"RP": "IDR",
		"R$": "BRL", "€": "EUR", " eur ": "EUR", "S/.": "PEN",
	} {
		if got, ok := currencyOf(cell); got != want || !ok {
			t.Errorf("%q is %s, %v, want %s", cell, got, ok, want)
		}
	}

	for _, cell := range []string{"", "$", "XQZ", "Dollars", "USDUSD", "1"} {
		if got, ok := currencyOf(cell); ok {
			t.Errorf("%q is read as %s", cell, got)
		}
	}

	for _, code := range strings.Fields("USD AED ARS AUD BRL CLP COP EUR GBP IDR INR MXN MYR PEN SAR SGD") {
		if got, ok := currencyOf(code); got != code || !ok {
			t.Errorf("%s, in which Meta charges, is no currency", code)
		}
	}
}

func TestCategoriesAreReadAsMetaAndTheAPIWriteThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Category{
		"MARKETING": Marketing, "authentication-international": AuthenticationInternational,
		"Authentication-\nInternational": AuthenticationInternational,
		"authentication_international":   AuthenticationInternational, "group_utility": Utility, "group_service": Service,
		"marketing_lite": MarketingLite, "Service": Service,
	} {
		if got, ok := CategoryOf(name); got != want || !ok {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}

	for _, name := range []string{"", "referral_conversion", "general_purpose_ai", "marketings"} {
		if got, ok := CategoryOf(name); ok {
			t.Errorf("%q is %q", name, got)
		}
	}
}

func ExampleMoney_Amount() {
	fmt.Println(Money{3_400, "USD"}.Amount(), Money{12_000_000, "CLP"}.Amount())
	// Output: 0.0034 12
}
