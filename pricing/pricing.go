// Package pricing knows what messages cost: the rate cards that the operator has imported, the
// markets into which Meta divides the world, and how a price is told. Amounts are whole millionths
// of a currency, never floats. A card is never changed or deleted, and what a message was charged
// is fixed once, with the card that was in force then: what is imported later changes no charge.
package pricing

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
)

// one is a whole unit of a currency, in micros.
const one = 1_000_000

// microDigits are the decimals of a micro.
const microDigits = 6

// Money is an exact amount.
type Money struct {
	Micros   int64  // millionths of the currency's unit
	Currency string // ISO 4217
}

// Amount writes the amount as a decimal: exactly, and with no fewer digits than the currency's own
// (0.0034, 12.50, and 12 in CLP, which has none).
func (m Money) Amount() string {
	digits := fmt.Sprintf("%0*d", microDigits+1, absolute(m.Micros))
	whole, decimals := digits[:len(digits)-microDigits], strings.TrimRight(digits[len(digits)-microDigits:], "0")
	if short := minorDigits(m.Currency) - len(decimals); short > 0 {
		decimals += strings.Repeat("0", short)
	}

	if decimals != "" {
		whole += "." + decimals
	}
	if m.Micros < 0 {
		return "-" + whole
	}

	return whole
}

func absolute(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// minorDigits is how many decimals a currency is counted in.
func minorDigits(code string) int {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return 0
	}

	scale, _ := currency.Standard.Rounding(unit)

	return scale
}

// currencyAliases are how cards write currencies beside ISO 4217, without spaces and full stops, in
// capitals. A mere $ is left out: it may be any of several.
var currencyAliases = map[string]string{
	"$US": "USD", "US$": "USD", "$USD": "USD", "USD$": "USD", "A$": "AUD", "$A": "AUD", "AU$": "AUD", "$AU": "AUD",
	"$AUD": "AUD", "AUD$": "AUD", "R$": "BRL", "BRL$": "BRL", "£": "GBP", "GBD": "GBP", "GBP£": "GBP", "UK£": "GBP",
	"€": "EUR", "EURO": "EUR", "₹": "INR", "RS": "INR", "RP": "IDR", "RM": "MYR", "S$": "SGD", "$SG": "SGD", "SG$": "SGD",
	"MX$": "MXN", "$MX": "MXN", "MEX$": "MXN", "AR$": "ARS", "$AR": "ARS", "CL$": "CLP", "CLP$": "CLP", "COL$": "COP",
	"CO$": "COP", "COP$": "COP", "S/": "PEN", "SR": "SAR", "﷼": "SAR", "DH": "AED", "DHS": "AED",
}

// currencyOf reads a currency as cards write it; false where it is none.
func currencyOf(cell string) (string, bool) {
	code := strings.ToUpper(strings.NewReplacer(" ", "", ".", "", "\u00a0", "").Replace(flat(cell)))
	if alias, ok := currencyAliases[code]; ok {
		code = alias
	}

	_, err := currency.ParseISO(code)

	return code, err == nil
}

// mostWhole bounds a rate. The dearest that Meta has are below 5,000, and 90 million messages at
// this one are a sum that still fits.
const mostWhole = 100_000

// parseRate reads a price as cards write it: 0.0068, or with thousands commas 1,940.13. What could
// mean two numbers is refused.
func parseRate(cell string) (micros int64, err error) {
	wrong := func(why string) (int64, error) { return 0, fmt.Errorf("%s is no price: %s", shown(cell), why) }
	text := flat(cell)
	whole, decimals, dotted := strings.Cut(text, ".")
	if groups := strings.Split(whole, ","); len(groups) > 1 {
		for i, g := range groups {
			if len(g) != 3 && i > 0 || i == 0 && (g == "" || len(g) > 3 || strings.HasPrefix(g, "0")) {
				return wrong("write decimals after a full stop, e.g. 0.0068")
			}
		}

		whole = strings.Join(groups, "")
	}

	if !onlyDigits(whole) || whole == "" || dotted && (decimals == "" || !onlyDigits(decimals)) {
		return wrong("write it as 0.0068 or 1,940.13, and n/a where there is none")
	}

	if decimals = strings.TrimRight(decimals, "0"); len(decimals) > microDigits {
		return wrong(fmt.Sprintf("it has more than %d decimals", microDigits))
	}

	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || units > mostWhole {
		return wrong(fmt.Sprintf("it is more than %d", mostWhole))
	}

	part, _ := strconv.ParseInt((decimals + strings.Repeat("0", microDigits))[:microDigits], 10, 64)

	return units*one + part, nil
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
