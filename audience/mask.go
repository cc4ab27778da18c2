package audience

import (
	"regexp"
	"strings"
	"unicode"
)

// Hidden stands where a text was that somebody may not see.
const Hidden = "•••"

// leastDigits make a number that could be somebody's. Error codes have fewer.
const leastDigits = 7

var numbersWithin = regexp.MustCompile(`\+?[0-9](?:[ ().-]{0,2}[0-9])+`)

// MaskNumbers masks the numbers in a text that could be somebody's.
func MaskNumbers(text string) string {
	return numbersWithin.ReplaceAllStringFunc(text, func(found string) string {
		digits := strings.Map(onlyDigits, found)
		if len(digits) < leastDigits {
			return found
		}

		return MaskPhone("+" + digits)
	})
}

func onlyDigits(r rune) rune {
	if unicode.IsDigit(r) {
		return r
	}
	return -1
}
