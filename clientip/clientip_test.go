package clientip_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"carillon/clientip"
)

// proxies are two networks of the operator's, and the front end of a cloud balancer.
var proxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"),
	netip.MustParsePrefix("203.0.113.10/32"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fe80::/10"),
}

const (
	proxy  = "10.0.0.1:40000"
	client = "198.51.100.9"
)

func of(t *testing.T, header, peer string, lines ...string) (address, log string) {
	t.Helper()
	var b bytes.Buffer
	r := clientip.New(proxies, header, slog.New(slog.NewTextHandler(&b, nil)))

	return r.Of(request(peer, lines...)), b.String()
}

func request(peer string, lines ...string) *http.Request {
	request := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}

	return request
}

func TestTheClientIsFoundBehindProxies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		peer  string
		lines []string
		want  string
	}{
		"nobody between":                   {"198.51.100.9:1234", nil, client},
		"nobody between, over IPv6":        {"[2001:db8::9]:1234", nil, "2001:db8::9"},
		"nobody between, IPv4 within IPv6": {"[::ffff:198.51.100.9]:1234", nil, client},
		"a proxy that says nothing":        {proxy, nil, "10.0.0.1"},
		"nginx adds to the one line": {proxy, []string{"X-Forwarded-For: 192.0.2.66, 198.51.100.9"},
			client},
		"HAProxy adds a line of its own": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66", "X-Forwarded-For: 198.51.100.9"}, client},
		"HAProxy after a line with several": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66, 10.0.0.7", "X-Forwarded-For: 198.51.100.9"}, client},
		"Caddy and Traefik replace the line": {proxy, []string{"X-Forwarded-For: 198.51.100.9"}, client},
		"a balancer before nginx": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66, 198.51.100.9, 10.2.0.1"}, client},
		"a balancer before HAProxy": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66, 198.51.100.9", "X-Forwarded-For: 10.2.0.1"}, client},
		"Google's balancer, which names itself": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66,198.51.100.9,203.0.113.10"}, client},
		"Azure's balancer, which adds the port": {proxy, []string{"X-Forwarded-For: 198.51.100.9:52113"}, client},
		"a spoofed address of a trusted network": {proxy, []string{"X-Forwarded-For: 10.9.9.9, 198.51.100.9"},
			client},
		"a spoofed line of garbage": {proxy,
			[]string{"X-Forwarded-For: \"';--", "X-Forwarded-For: 198.51.100.9"}, client},
		"a stranger's word is not taken": {"198.51.100.9:80", []string{"X-Forwarded-For: 192.0.2.66"},
			client},
		"a private peer is a stranger unless told": {"192.168.1.5:80", []string{"X-Forwarded-For: 192.0.2.66"},
			"192.168.1.5"},
		"a client within the trusted networks": {proxy, []string{"X-Forwarded-For: 10.4.4.4, 10.3.3.3"},
			"10.4.4.4"},
		"IPv6": {proxy, []string{"X-Forwarded-For: 2001:db8::9"}, "2001:db8::9"},
		"IPv6 in brackets": {proxy, []string{"X-Forwarded-For: [2001:db8::9]"},
			"2001:db8::9"},
		"IPv6 in brackets with a port": {proxy, []string{"X-Forwarded-For: [2001:db8::9]:443"},
			"2001:db8::9"},
		"IPv6 written at length": {proxy, []string{"X-Forwarded-For: 2001:0DB8:0:0:0:0:0:9"},
			"2001:db8::9"},
		"IPv4 within IPv6": {proxy, []string{"X-Forwarded-For: ::ffff:198.51.100.9"},
			client},
		"an IPv6 proxy": {"[2001:db8:ffff::1]:9",
			[]string{"X-Forwarded-For: 198.51.100.9"}, client},
		"an IPv6 proxy with a zone": {"[fe80::1%eth0]:9", []string{"X-Forwarded-For: 198.51.100.9"},
			client},
		"a proxy's IPv4 within IPv6": {"[::ffff:10.0.0.1]:9",
			[]string{"X-Forwarded-For: 198.51.100.9"}, client},
		"empty elements and blanks": {proxy, []string{"X-Forwarded-For:  198.51.100.9 ,, \t,"},
			client},
		"an empty line": {proxy, []string{"X-Forwarded-For: "}, "10.0.0.1"},
		"a proxy that does not know": {proxy, []string{"X-Forwarded-For: 192.0.2.66, unknown"},
			"10.0.0.1"},
		"a proxy before ours that does not know": {proxy,
			[]string{"X-Forwarded-For: 192.0.2.66, unknown, 10.2.0.1"}, "10.2.0.1"},
		"a name": {proxy, []string{"X-Forwarded-For: client.example"}, "10.0.0.1"},
		"a port that is none": {proxy, []string{"X-Forwarded-For: 198.51.100.9:99999"},
			"10.0.0.1"},
		"a bracket that stays open": {proxy, []string{"X-Forwarded-For: [2001:db8::9"}, "10.0.0.1"},
		"IPv4 in brackets":          {proxy, []string{"X-Forwarded-For: [198.51.100.9]"}, "10.0.0.1"},
		"octal IPv4": {proxy, []string{"X-Forwarded-For: 0306.063.0144.011"},
			"10.0.0.1"},
		"bytes that are no text": {proxy, []string{"X-Forwarded-For: \xff\xfe\x00"}, "10.0.0.1"},
		"Forwarded, as HAProxy writes it": {proxy, []string{"Forwarded: proto=https;for=198.51.100.9"},
			client},
		"Forwarded with everything": {proxy,
			[]string{`Forwarded: For="198.51.100.9:4711"; proto=https;by=10.0.0.1;host="a.example:8"`}, client},
		"Forwarded with IPv6": {proxy, []string{`Forwarded: for="[2001:db8::9]:4711"`},
			"2001:db8::9"},
		"Forwarded with IPv6 and no quotes": {proxy, []string{`Forwarded: for=[2001:db8::9]`}, "2001:db8::9"},
		"Forwarded with escapes":            {proxy, []string{`Forwarded: for="\1\9\8.51.100.9"`}, client},
		"Forwarded with an obfuscated port": {proxy, []string{`Forwarded: for="198.51.100.9:_p"`}, client},
		"Forwarded over several proxies": {proxy,
			[]string{"Forwarded: for=192.0.2.66, for=198.51.100.9", "Forwarded: for=10.2.0.1"}, client},
		"Forwarded, unknown": {proxy, []string{"Forwarded: for=192.0.2.66, for=unknown"},
			"10.0.0.1"},
		"Forwarded, an obfuscated id": {proxy, []string{"Forwarded: for=192.0.2.66, for=_hidden"},
			"10.0.0.1"},
		"Forwarded without for": {proxy, []string{"Forwarded: for=192.0.2.66, proto=https"},
			"10.0.0.1"},
		"Forwarded that names two": {proxy, []string{"Forwarded: for=192.0.2.66;for=198.51.100.9"},
			"10.0.0.1"},
		"Forwarded with an open quote of the caller's": {proxy,
			[]string{`Forwarded: for="192.0.2.66, for=198.51.100.9`}, client},
		"Forwarded with an open quote before IPv6": {proxy, []string{`Forwarded: for=", for="[2001:db8::9]"`},
			"2001:db8::9"},
		"Forwarded with a host of the caller's": {proxy,
			[]string{`Forwarded: for=198.51.100.9;host="x, for=192.0.2.66"`}, "10.0.0.1"},
		"Forwarded with a host that ends a parameter": {proxy,
			[]string{`Forwarded: for=198.51.100.9;host="x, for=192.0.2.66;y="`}, "10.0.0.1"},
		"Forwarded with a host that has quotes": {proxy,
			[]string{`Forwarded: for=198.51.100.9;host="x, for=192.0.2.66;y=\"z"`}, "10.0.0.1"},
		"Forwarded, garbage": {proxy, []string{"Forwarded: ;;==,for"}, "10.0.0.1"},
		"both headers that say the same": {proxy,
			[]string{"X-Forwarded-For: 198.51.100.9", "Forwarded: for=198.51.100.9"}, client},
		"both headers, one of which the caller has made up": {proxy,
			[]string{"X-Forwarded-For: 198.51.100.9", "Forwarded: for=192.0.2.66"}, "10.0.0.1"},
		"a peer without an address": {"@", []string{"X-Forwarded-For: 198.51.100.9"}, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := of(t, "", tc.peer, tc.lines...); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTheHeaderThatTheProxyWritesIsTheOneThatCounts(t *testing.T) {
	t.Parallel()
	lines := []string{"X-Forwarded-For: 198.51.100.1", "Forwarded: for=198.51.100.2"}
	for header, want := range map[string]string{clientip.XForwardedFor: "198.51.100.1",
		clientip.Forwarded: "198.51.100.2", "": "10.0.0.1"} {
		if got, _ := of(t, header, proxy, lines...); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
		if got, _ := of(t, header, proxy); got != "10.0.0.1" {
			t.Errorf("%q without a header: got %s", header, got)
		}
	}
}

func TestAHeaderThatIsNotBelievedIsSaidOnce(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r := clientip.New(nil, "", slog.New(slog.NewTextHandler(&b, nil)))
	for range 3 {
		r.Of(request("192.168.1.5:80", "X-Forwarded-For: 192.0.2.66"))
	}

	if log := b.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "TRUSTED_PROXIES") ||
		!strings.Contains(log, "192.168.1.5") {
		t.Errorf("logged %q", log)
	}

	for name, tc := range map[string]struct {
		peer  string
		lines []string
		want  string
	}{
		"nothing of a trusted proxy": {proxy, []string{"X-Forwarded-For: 198.51.100.9"}, ""},
		"nothing without a header":   {"198.51.100.9:1", nil, ""},
		"headers that differ": {proxy, []string{"X-Forwarded-For: 198.51.100.9", "Forwarded: for=192.0.2.1"},
			"FORWARDED_HEADER"},
	} {
		if _, log := of(t, "", tc.peer, tc.lines...); !strings.Contains(log, tc.want) || (tc.want == "") != (log == "") {
			t.Errorf("%s: logged %q", name, log)
		}
	}
}

// FuzzOf holds that whatever the caller sends, the address is the one that the proxy saw.
func FuzzOf(f *testing.F) {
	f.Add("192.0.2.66", `for="192.0.2.66`, true)
	f.Add("[", `for=";x=\`, false)
	r := clientip.New(proxies, clientip.Forwarded, slog.New(slog.DiscardHandler))
	usual := clientip.New(proxies, clientip.XForwardedFor, slog.New(slog.DiscardHandler))

	f.Fuzz(func(t *testing.T, xff, forwarded string, oneLine bool) {
		made := request(proxy, "X-Forwarded-For: "+xff, "Forwarded: "+forwarded)
		if oneLine {
			made.Header.Set("X-Forwarded-For", xff+", "+client)
			made.Header.Set("Forwarded", forwarded+", for="+client)
		} else {
			made.Header.Add("X-Forwarded-For", client)
			made.Header.Add("Forwarded", "for="+client)
		}

		if a, b := r.Of(made), usual.Of(made); a != client || b != client {
			t.Errorf("got %s and %s", a, b)
		}
	})
}
