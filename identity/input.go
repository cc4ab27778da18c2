package identity

import (
	"net/mail"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"carillon/usererror"
)

const (
	longestName      = 100
	longestEmail     = 254 // RFC 3696, erratum 1690
	longestUserAgent = 300
)

// normalEmail is the one form in which an address is stored and looked up; empty when it is not an
// address.
func normalEmail(s string) string {
	s = norm.NFC.String(strings.ToLower(strings.TrimSpace(s)))
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || len(s) > longestEmail {
		return ""
	}

	return s
}

func checkEmail(in *usererror.Fields, field, s string) string {
	email := normalEmail(s)
	switch {
	case strings.TrimSpace(s) == "":
		in.Add(field, usererror.Required, "An e-mail address is needed.")
	case len(s) > longestEmail && email == "":
		in.Add(field, usererror.TooLong, "An e-mail address can have at most %d characters.", longestEmail)
	case email == "":
		in.Add(field, usererror.Invalid, "This is not an e-mail address.")
	}

	return email
}

// checkName trims a name and notes why it will not do.
func checkName(in *usererror.Fields, field, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		in.Add(field, usererror.Required, "A name is needed.")
	case utf8.RuneCountInString(s) > longestName:
		in.Add(field, usererror.TooLong, "A name can have at most %d characters.", longestName)
	case !usererror.OneLine(s):
		in.Add(field, usererror.Invalid, usererror.NotOneLine)
	}

	return s
}

// Network gives what counts as one caller's address: of IPv6 the 64 bits that a provider gives to
// one customer.
func Network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}

	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}

	return a.String()
}
