package whatsapp

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLink    = 2048 // characters of an address of a file
	maxMediaID = 32   // digits; Meta's have some 16
)

// LinkProblem says why WhatsApp cannot fetch a file from an address, as a sentence about the value
// without its subject; "" is that it may.
func LinkProblem(link string) (rule, message string) {
	u, err := url.Parse(link)
	switch {
	case utf8.RuneCountInString(link) > maxLink:
		return "TOO_LONG", fmt.Sprintf("has more than %d characters", maxLink)
	case err != nil || strings.ContainsFunc(link, notInAddress) || brokenEscape(link):
		return "FORMAT", "is not the address of a file: it begins with https:// and has no blanks"
	case strings.EqualFold(u.Scheme, "http"):
		return "FORMAT", "begins with http://: give an address that begins with https://"
	case !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" || u.Opaque != "":
		return "FORMAT", "is not the address of a file: it begins with https:// and can be reached by everybody"
	case !publicHost(u.Hostname()):
		return "FORMAT", "names a host that WhatsApp cannot reach: the file must be there for everybody"
	}

	return "", ""
}

// IsMediaID says whether a text can be Meta's id of an upload.
func IsMediaID(s string) bool {
	return s != "" && len(s) <= maxMediaID && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// mediaOf is a file by its id or its link, with the scheme as everybody writes it.
func mediaOf(value string) *MediaMessage {
	if IsMediaID(value) {
		return &MediaMessage{ID: value}
	}
	return &MediaMessage{Link: plainScheme(value)}
}

// plainScheme writes an address's scheme in lower case, which is the same to everybody who reads it
// as the standard says.
func plainScheme(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}

	return strings.ToLower(scheme) + "://" + rest
}

// publicHost leaves out what is a host only inside of somebody's network.
func publicHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}

	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	for _, label := range labels {
		if label == "" {
			return false
		}
	}

	switch last := labels[len(labels)-1]; last {
	case "localhost", "local", "internal":
		return false
	default:
		return len(labels) > 1 && strings.Trim(last, "0123456789") != ""
	}
}

// notInAddress are characters that no address has; WhatsApp's clients would cut it there, or show
// it as text.
func notInAddress(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) ||
		strings.ContainsRune("<>\"{}|\\^`", r)
}

// brokenEscape says whether a percent sign is not followed by two hexadecimal digits.
func brokenEscape(s string) bool {
	for i := range len(s) {
		if s[i] == '%' && !escapeAt(s, i) {
			return true
		}
	}

	return false
}

func escapeAt(s string, i int) bool { return i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]) }

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// escaped writes what an address may not have as bytes with a percent sign.
func escaped(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '%' && !escapeAt(s, i):
			b.WriteString("%25")
		case r >= utf8.RuneSelf || notInAddress(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		default:
			b.WriteRune(r)
		}
	}

	return b.String()
}

// withoutFixed takes the fixed part of a button's address off a value that repeats it: the whole,
// without scheme, with another scheme, with or without www., or the path alone where it begins with
// a slash. Such a value is never meant to stand behind the fixed part. Both are escaped.
func withoutFixed(value, fixed string) string {
	host, path, address := bare(fixed)
	if _, host, found := strings.Cut(fixed, "://"); found && host == "" { // the variable is all of the address
		if rest, found := cutScheme(value); found {
			return rest
		}
	}

	for address {
		given, suffix, _ := bare(value)
		switch {
		case path != "" && strings.HasPrefix(value, path):
			value = value[len(path):]
		case given == host && strings.HasPrefix(suffix, path):
			value = suffix[len(path):]
		default:
			return value
		}
	}

	return value
}

// bare splits an address into its host, in lower case and without www., and what follows from the
// first slash on. It is none when it has no host that could be one.
func bare(address string) (host, path string, is bool) {
	rest, found := cutScheme(address)
	if !found {
		rest = strings.TrimPrefix(rest, "//")
	}

	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}

	host = strings.TrimPrefix(strings.ToLower(rest[:end]), "www.")

	return host, rest[end:], strings.Contains(host, ".")
}

// cutScheme takes https:// or http:// off an address.
func cutScheme(address string) (rest string, found bool) {
	scheme, rest, found := strings.Cut(address, "://")
	if !found || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return address, false
	}

	return rest, true
}

// inHost says whether a value would become a part of the host's name: the fixed part is a host
// alone.
func inHost(value, fixed string) bool {
	_, path, address := bare(fixed)
	begins := value != "" && strings.ContainsRune("/?#", rune(value[0]))
	return address && path == "" && !strings.HasSuffix(fixed, ".") && !begins
}

// elsewhere says whether a value is an address of the button's own site, but not one that begins
// with its fixed part. Behind a question mark an address may be meant, as in a redirection.
func elsewhere(value, fixed string) bool {
	if !strings.Contains(value, "://") || strings.ContainsAny(fixed, "?#") {
		return false
	}

	host, _, address := bare(fixed)
	given, _, _ := bare(value)

	return address && given == host
}
