package clientip

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseNode reads one address as proxies write it: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1,
// [2001:db8::1], [2001:db8::1]:4711. An IPv4 address within IPv6 is that IPv4 address. "unknown",
// names and obfuscated ids are none.
func parseNode(text string) (netip.Addr, bool) {
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		host, port, closed := strings.Cut(inner, "]")
		a, err := netip.ParseAddr(host)
		if !closed || err != nil || !a.Is6() || port != "" && !isPort(port) {
			return netip.Addr{}, false
		}

		return plain(a), true
	}

	if a, err := netip.ParseAddr(text); err == nil {
		return plain(a), true
	}

	at := strings.IndexByte(text, ':')
	if at < 0 || !isPort(text[at:]) {
		return netip.Addr{}, false
	}

	a, err := netip.ParseAddr(text[:at])

	return plain(a), err == nil
}

// isPort reads :4711, and the obfuscated :_port of RFC 7239.
func isPort(text string) bool {
	port, ok := strings.CutPrefix(text, ":")
	if name, obfuscated := strings.CutPrefix(port, "_"); ok && obfuscated {
		return name != "" && isToken(name)
	}

	_, err := strconv.ParseUint(port, 10, 16)

	return ok && err == nil
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// parseElement reads the address of one element of Forwarded, for=192.0.2.1;proto=https. An element
// that breaks the grammar anywhere names nobody.
func parseElement(text string) (a netip.Addr, ok bool) {
	named := false
	for text != "" {
		name, rest, found := strings.Cut(text, "=")
		if !found || !isToken(name) {
			return netip.Addr{}, false
		}

		value, rest, well := parseValue(rest)
		if !well || rest != "" && rest[0] != ';' {
			return netip.Addr{}, false
		}

		text = strings.TrimLeft(strings.TrimPrefix(rest, ";"), " \t")
		if !strings.EqualFold(name, "for") {
			continue
		}
		if named { // each parameter stands once
			return netip.Addr{}, false
		}
		if a, named = parseNode(value); !named {
			return netip.Addr{}, false
		}
	}

	return a, named
}

// parseValue reads a token, or a quoted string, and returns what follows. An IPv6 address has to be
// quoted; proxies that leave its quotes out are understood.
func parseValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, "; \t")
		if end < 0 {
			end = len(text)
		}

		value, rest = text[:end], strings.TrimLeft(text[end:], " \t")

		return value, rest, value != "" && !strings.ContainsAny(value, `"\`)
	}

	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), strings.TrimLeft(text[i+1:], " \t"), true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}

		b.WriteByte(text[i])
	}

	return "", "", false
}

// isToken reports whether a text is a token of HTTP.
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}

	return text != ""
}
