package outbound_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"carillon/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names is a resolver that gives each name its addresses, one list after the other.
type names struct {
	of    map[string][][]string
	asked atomic.Int32
}

func (n *names) LookupNetIP(_ context.Context, _, host string) (all []netip.Addr, err error) {
	lists := n.of[host]
	if len(lists) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}

	at := int(n.asked.Add(1)) - 1
	for _, ip := range lists[min(at, len(lists)-1)] {
		all = append(all, netip.MustParseAddr(ip))
	}

	return all, nil
}

func guard(t *testing.T, resolver outbound.Resolver, allowed ...string) *outbound.Guard {
	t.Helper()
	g, err := outbound.New(allowed, resolver)
	if err != nil {
		t.Fatal(err)
	}

	return g
}

func TestOnlyPublicAddressesArePublic(t *testing.T) {
	t.Parallel()
	for ip, public := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.0.1": true,
		"100.128.0.1": true, "2606:4700::1111": true, "2a00:1450:4001::1": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false,
		"127.255.255.254": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.0.0.8": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.51.100.7": false,
		"203.0.113.9": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false,
		"255.255.255.255": false, "::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "100::1": false, "2001::1": false,
		"2001:db8::1": false, "2002:7f00:1::": false, "fc00::1": false, "fd12::1": false, "fe80::1": false,
		"fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "2001:10::1": false,
	} {
		if got := outbound.Public(netip.MustParseAddr(ip)); got != public {
			t.Errorf("%s is public: %v, want %v", ip, got, public)
		}
	}

	if outbound.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestAnAddressIsRefusedAsItIsWritten(t *testing.T) {
	t.Parallel()
	g := guard(t, nil, "hooks.intern", "box:8081", "10.1.0.0/16", "[::1]:99")
	for address, good := range map[string]bool{
		"https://example.com/hook": true, "https://example.com:8443/": true, "https://8.8.8.8/": true,
		"http://hooks.intern/x": true, "https://hooks.intern": true, "http://HOOKS.intern.:9/": true,
		"http://box:8081/": true, "http://10.1.2.3/": true, "https://10.1.2.3": true,
		"http://example.com/": false, "ftp://example.com/": false, "https:///x": false, "example.com": false,
		"https://user:pass@example.com/": false, "https://example.com/#part": false, "http://box:8082/": false,
		"https://localhost/": false, "https://LOCALHOST./": false, "https://a.localhost/": false,
		"https://printer.local/": false, "https://metadata.google.internal/": false, "https://127.0.0.1/": false,
		"https://10.2.0.1/": false, "https://[::1]/": false, "https://[::ffff:169.254.169.254]/": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := g.Check(u); (wrong == "") != good {
			t.Errorf("%s: %q", address, wrong)
		}
	}
}

func TestWhatTheOperatorAllowsMustBeReadable(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"10.0.0.0/99", "a/b", "", "*.example.com", "http://a"} {
		if _, err := outbound.New([]string{bad}, nil); err == nil || !strings.Contains(err.Error(), "network such as") {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}

// TestNoNameLeadsInside has names that resolve to what is not public: alone, among others, and at
// the second look (rebinding).
func TestNoNameLeadsInside(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	for what, lists := range map[string][][]string{
		"this machine": {{"127.0.0.1"}}, "mapped": {{"::ffff:127.0.0.1"}}, "among public ones": {{"8.8.8.8", "127.0.0.1"}},
		"metadata": {{"169.254.169.254"}}, "private": {{"10.0.0.1"}},
	} {
		client := guard(t, &names{of: map[string][][]string{"evil.example": lists}}).Client()
		_, err := client.Get("http://evil.example:" + port + "/")
		if !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: %v", what, err)
		}

		client.CloseIdleConnections()
	}

	for _, literal := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		if _, err := guard(t, nil).Client().Get("http://" + literal + ":" + port); !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: %v", literal, err)
		}
	}

	if n := reached.Load(); n != 0 {
		t.Fatalf("the server inside was reached %d times", n)
	}
}

// TestANameIsResolvedOncePerConnection has a name that is allowed by its network at first and leads
// elsewhere at the second look: what was checked is what is dialled.
func TestANameIsResolvedOncePerConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	resolver := &names{of: map[string][][]string{"moves.example": {{"127.0.0.1"}, {"127.9.9.9"}, {"10.0.0.1"}}}}
	client := guard(t, resolver, "127.0.0.1/32").Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	answer, err := client.Get("http://moves.example:" + port)
	if err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("the first connection: %v", err)
	}

	answer.Body.Close()
	if n := resolver.asked.Load(); n != 1 {
		t.Errorf("the name was resolved %d times for one connection", n)
	}
	if _, err := client.Get("http://moves.example:" + port); !errors.Is(err, outbound.ErrForbidden) {
		t.Errorf("after the name has moved: %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var inside atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inside" {
			inside.Add(1)
		}

		http.Redirect(w, r, "/inside", http.StatusTemporaryRedirect)
	}))
	defer server.Close()

	client := guard(t, nil, "127.0.0.0/8").Client()
	defer client.CloseIdleConnections()
	answer, err := client.Post(server.URL, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}

	answer.Body.Close()
	if answer.StatusCode != http.StatusTemporaryRedirect || inside.Load() != 0 {
		t.Errorf("it answered %d, and the target was reached %d times", answer.StatusCode, inside.Load())
	}
}

func TestANameThatNobodyKnowsIsAnError(t *testing.T) {
	t.Parallel()
	for _, of := range []map[string][][]string{{}, {"empty.example": {{}}}} {
		_, err := guard(t, &names{of: of}).Dial(t.Context(), "tcp", "empty.example:443")
		var dns *net.DNSError
		if !errors.As(err, &dns) {
			t.Errorf("%v", err)
		}
	}
}
