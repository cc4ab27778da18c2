package outbound

import (
	"net/netip"
	"slices"
)

// special are the networks that IANA keeps for other things than the public internet, and the forms
// of IPv6 that carry an address of IPv4 within.
var special = parse(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// global is where public addresses of IPv6 are. All else there is special: loopback (::1), private
// (fc00::/7), link-local (fe80::/10), multicast (ff00::/8), NAT64 (64:ff9b::/96) and so on.
var global = netip.MustParsePrefix("2000::/3")

func parse(networks ...string) (all []netip.Prefix) {
	for _, n := range networks {
		all = append(all, netip.MustParsePrefix(n))
	}

	return all
}

// Public reports whether an address is one of the public internet.
func Public(ip netip.Addr) bool {
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}

	ip = ip.Unmap()
	if ip.Is6() && !global.Contains(ip) {
		return false
	}

	return !slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(ip) })
}
