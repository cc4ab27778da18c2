package spreadsheet

import "strings"

// NoFormula keeps a spreadsheet that reads a CSV file from reckoning with a value that somebody
// else has written: it puts a ' before what it would take for a formula. A + with digits alone is a
// number of a telephone, and stays as other programs read it.
func NoFormula(value string) string {
	if value == "" || !strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(value)[0]) {
		return value
	}
	digits, signed := strings.CutPrefix(value, "+")
	if signed && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return value
	}

	return "'" + value
}
