package whatsapp

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ValueError says why a value cannot be sent. WhatsApp would refuse the message.
type ValueError struct {
	Parameter string
	// Rule is MISSING, LINE_BREAK, TAB, SPACES, TOO_LONG or FORMAT.
	Rule    string
	Message string
}

func (e *ValueError) Error() string { return fmt.Sprintf("parameter %s: %s", e.Parameter, e.Message) }

// Longest values, in characters. developers.facebook.com, WhatsApp "Template components" (read 2026-09).
const (
	maxBody       = 1024
	maxOfferBody  = 600
	maxCardBody   = 160
	maxHeader     = 60
	maxURL        = 2000
	maxCoupon     = 20
	maxOTP        = 15
	maxPayload    = 256
	maxSpaces     = 4
	authenticated = "AUTHENTICATION"
)

// checkValue says which of WhatsApp's rules a value breaks; "" is none.
func checkValue(kind Kind, value string) (rule, message string) {
	switch {
	case strings.TrimSpace(value) == "":
		return "MISSING", "has no value"
	case kind == KindPayload || kind == KindLocation:
		// JSON, which may be spaced as it likes.
		return "", ""
	case strings.ContainsAny(value, "\n\r\u2028\u2029"):
		return "LINE_BREAK", "has a line break"
	case strings.Contains(value, "\t"):
		return "TAB", "has a tab"
	case strings.Contains(value, strings.Repeat(" ", maxSpaces+1)):
		return "SPACES", "has more than four spaces in a row"
	}
	length := utf8.RuneCountInString(value)
	switch {
	case kind == KindOTPCode && length > maxOTP:
		return "TOO_LONG", fmt.Sprintf("has %d characters; a code may have %d", length, maxOTP)
	case kind == KindCouponCode && length > maxCoupon:
		return "TOO_LONG", fmt.Sprintf("has %d characters; a coupon code may have %d", length, maxCoupon)
	case kind == KindCouponCode && !alphanumeric(value):
		return "FORMAT", "may only have letters and digits"
	case kind == KindURLSuffix && strings.ContainsAny(value, " <>\"{}|\\^`"):
		return "FORMAT", "has characters that an address may not have"
	}
	return "", ""
}

func alphanumeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return true
}

// urlSuffix is the part of an example address that stands for the variable.
func urlSuffix(address, example string) string {
	fixed, _, _ := strings.Cut(address, "{{")
	return strings.TrimPrefix(example, fixed)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
