package packed

import (
	"net/http"
	"regexp"
	"strings"
)

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// Guard sets what browsers are told of a page of ours: it loads, runs and reaches nothing that is
// not its own, but for what more rules of the content security policy allow.
func Guard(h http.Header, host string, more ...string) {
	sockets := "" // which 'self' does not cover in every browser
	if plainHost.MatchString(host) {
		sockets = " ws://" + host + " wss://" + host
	}

	h.Set("Content-Security-Policy", strings.Join(append([]string{
		"default-src 'none'",
		"script-src 'self'",
		"font-src 'self'",
		"connect-src 'self'" + sockets,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, more...), "; "))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
