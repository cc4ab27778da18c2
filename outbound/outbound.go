// Package outbound connects to addresses that users give. It refuses all that is not public: this
// machine, private and link-local networks, multicast, and IPv6 forms of them. A name is resolved
// once for a connection, and the address that was checked is the one that is dialled, so that a
// name which changes its mind (DNS rebinding) leads nowhere. Redirects are not followed, and no
// proxy is used. The operator may allow hosts and networks of their own.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	idleTimeout   = 60 * time.Second
	idlePerHost   = 64
	mostIdle      = 1024
	mostHeader    = 16 << 10 // bytes of an answer's header
	longestDialed = 8        // addresses of a name that are tried
)

// ErrForbidden says that an address is not public, and not allowed by the operator.
var ErrForbidden = errors.New("the address is not public")

// Resolver finds the addresses of a name, as net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard knows which addresses may be reached.
type Guard struct {
	resolver Resolver
	hosts    []string // host, or host:port
	networks []netip.Prefix
}

// New makes a guard. Each of allowed is a host, host:port, or a network such as 10.1.0.0/16: plain
// http may go there as well. A nil resolver is the system's.
func New(allowed []string, resolver Resolver) (*Guard, error) {
	if resolver == nil {
		resolver = net.DefaultResolver
	}

	g := &Guard{resolver: resolver}
	for _, a := range allowed {
		a = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(a), "."))
		if strings.Contains(a, "/") {
			network, err := netip.ParsePrefix(a)
			if err != nil {
				return nil, fmt.Errorf("%q is neither a host, host:port, nor a network such as 10.1.0.0/16", a)
			}

			g.networks = append(g.networks, network.Masked())
			continue
		}

		if a == "" || strings.ContainsAny(a, " @?#*") {
			return nil, fmt.Errorf("%q is neither a host, host:port, nor a network such as 10.1.0.0/16", a)
		}

		g.hosts = append(g.hosts, a)
	}

	return g, nil
}

// Check says what is wrong with an address as it is written; an empty text is good. It resolves no
// name: that is done when it is dialled.
func (g *Guard) Check(u *url.URL) (wrong string) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}

	allowed := g.allowsHost(u.Hostname(), port)
	ip, err := netip.ParseAddr(u.Hostname())
	isIP := err == nil
	allowed = allowed || isIP && g.allowsIP(ip)

	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !allowed):
		return "It must begin with https://."
	case u.Hostname() == "":
		return "It has no host."
	case u.User != nil:
		return "It must not hold a name or a password."
	case u.Fragment != "":
		return "It must not have a fragment (#…)."
	case allowed:
		return ""
	case isIP && !Public(ip), isLocalName(u.Hostname()):
		return "It is not a public address; the operator of this service allows others in WEBHOOK_ALLOW."
	}

	return ""
}

// isLocalName reports whether a name is that of this machine or its network.
func isLocalName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".internal")
}

func (g *Guard) allowsHost(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.Contains(g.hosts, host) || slices.Contains(g.hosts, net.JoinHostPort(host, port)) ||
		slices.Contains(g.hosts, host+":"+port)
}

func (g *Guard) allowsIP(ip netip.Addr) bool {
	ip = ip.Unmap()
	return slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// Client makes a client that reaches only what may be reached. It follows no redirect: the answer
// that redirects is the answer.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: g.Dial, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
			MaxIdleConns: mostIdle, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTimeout,
			MaxResponseHeaderBytes: mostHeader, DisableCompression: true,
		},
	}
}

// Dial connects to host:port. All addresses of the name must be public: one that has others too is
// refused.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}

	ips, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}

	allowed := g.allowsHost(host, port)
	for _, ip := range ips {
		if !allowed && !g.mayReach(ip) {
			return nil, ErrForbidden
		}
	}

	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address) // what is dialled now, whoever asked for it
		if err != nil || !allowed && !g.mayReach(at.Addr()) {
			return ErrForbidden
		}
		return nil
	}}

	var failed error
	for _, ip := range ips[:min(len(ips), longestDialed)] {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}

		failed = err
	}

	return nil, failed
}

// resolve gives the addresses of a name, or the one that it is.
func (g *Guard) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}

	ips, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}

	return ips, err
}

func (g *Guard) mayReach(ip netip.Addr) bool { return Public(ip) || g.allowsIP(ip) }
