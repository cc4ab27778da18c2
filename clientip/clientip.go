// Package clientip tells from which address a request comes when proxies stand between the client
// and this process.
//
// It hides the two headers in which proxies say so, and the ways in which they write them. It
// promises that the address is never the caller's choice: only what a proxy wrote that the operator
// trusts is believed.
package clientip

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// The headers in which a proxy says for whom it asks.
const (
	XForwardedFor = "X-Forwarded-For" // the usual one
	Forwarded     = "Forwarded"       // RFC 7239
)

// Resolver finds the address of a client. It may be used by many goroutines at once.
type Resolver struct {
	trusted []netip.Prefix
	header  string
	log     *slog.Logger

	strangerWarned, conflictWarned atomic.Bool
}

// New makes a resolver. trusted are the networks of the operator's proxies: only these are
// believed. header is the one that they write; when it is empty, it is whichever of the two a
// request has.
func New(trusted []netip.Prefix, header string, log *slog.Logger) *Resolver {
	return &Resolver{trusted: trusted, header: header, log: log}
}

// Of returns the address of the client, without port and zone. It begins with the peer and goes
// from proxy to proxy, from the right end of the header to the left, for as long as the proxy is
// trusted. So the first address that is not trusted is the client. Where a proxy does not say for
// whom it asks, the client is that proxy.
func (r *Resolver) Of(request *http.Request) string {
	peer, ok := parseNode(request.RemoteAddr)
	if !ok {
		return request.RemoteAddr
	}

	usual, standard := request.Header.Values(XForwardedFor), request.Header.Values(Forwarded)
	switch r.header {
	case XForwardedFor:
		standard = nil
	case Forwarded:
		usual = nil
	}

	if len(usual) == 0 && len(standard) == 0 {
		return peer.String()
	}

	if !r.trusts(peer) {
		r.warnOfStranger(peer)
		return peer.String()
	}

	switch {
	case len(standard) == 0:
		return r.walk(peer, usual, parseNode).String()
	case len(usual) == 0:
		return r.walk(peer, standard, parseElement).String()
	}

	// A proxy passes on the header that it does not write, and that one is the caller's choice. Nobody
	// said which one it is.
	one, other := r.walk(peer, usual, parseNode), r.walk(peer, standard, parseElement)
	if one != other {
		r.warnOfConflict(peer)
		return peer.String()
	}

	return one.String()
}

// walk goes through the elements of all lines from the right. What cannot be read ends it. Elements
// are parted at every comma, also within quotes: so an open quote of the caller's cannot swallow
// what a proxy adds behind it.
func (r *Resolver) walk(client netip.Addr, lines []string, parse func(string) (netip.Addr, bool)) netip.Addr {
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			var element string
			if at := strings.LastIndexByte(line, ','); at >= 0 {
				line, element = line[:at], line[at+1:]
			} else {
				element, more = line, false
			}

			element = strings.Trim(element, " \t")
			if element == "" { // HTTP allows empty elements in lists
				continue
			}

			next, ok := parse(element)
			if !ok {
				return client
			}
			if client = next; !r.trusts(client) {
				return client
			}
		}
	}

	return client
}

func (r *Resolver) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(r.trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (r *Resolver) warnOfStranger(peer netip.Addr) {
	if r.strangerWarned.CompareAndSwap(false, true) {
		r.log.Warn("a request has a forwarding header, and its sender is not one of TRUSTED_PROXIES: the header is not "+
			"believed; if the sender is your proxy, add its network (this is said once)", "peer", peer.String())
	}
}

func (r *Resolver) warnOfConflict(peer netip.Addr) {
	if r.conflictWarned.CompareAndSwap(false, true) {
		r.log.Warn("a request has both X-Forwarded-For and Forwarded, and they name different clients: neither is "+
			"believed; set FORWARDED_HEADER to the one that your proxy writes (this is said once)", "peer", peer.String())
	}
}
