package whatsapp

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"
)

// recorded keeps what is written to it, write by write.
type recorded struct {
	net.Conn
	writes []string
}

func (r *recorded) Write(p []byte) (int, error) {
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func TestARequestLeavesWithItsBody(t *testing.T) {
	t.Parallel()
	const head, body, alone = "POST /1/messages HTTP/1.1\r\nContent-Length: 4\r\n\r\n", "body",
		"POST /1/subscribed_apps HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
	for name, tc := range map[string]struct{ given, left []string }{
		"head and body":                    {[]string{head, body}, []string{head + body}},
		"one request after the other":      {[]string{head, body, head, body}, []string{head + body, head + body}},
		"a head without a body":            {[]string{alone}, []string{alone}},
		"a head whose body does not come":  {[]string{head}, nil},
		"a body that net/http has brought": {[]string{head + body, head, body}, []string{head + body, head + body}},
		"a body in parts":                  {[]string{head, "bo", "dy"}, []string{head + "bo", "dy"}},
		"what is no POST": {[]string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n"},
			[]string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &recorded{}
			conn := &wholeConn{Conn: wire}

			for _, p := range tc.given {
				if n, err := conn.Write([]byte(p)); n != len(p) || err != nil {
					t.Fatalf("wrote %d of %q: %v", n, p, err)
				}
			}

			if !slices.Equal(wire.writes, tc.left) {
				t.Errorf("left %q, want %q", wire.writes, tc.left)
			}
		})
	}
}

func TestAMessageIsOneWrite(t *testing.T) {
	t.Parallel()
	client := serve(t, answer(200, `{"messages":[{"id":"wamid.1"}]}`))
	transport := newTransport()
	t.Cleanup(transport.CloseIdleConnections)
	wire := make(chan *counted, 1)

	transport.DialContext = whole(func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		c := &counted{Conn: conn}
		wire <- c

		return c, err
	})

	WithHTTPClient(&http.Client{Transport: transport})(client)
	const messages = 3

	for range messages {
		if got := client.Send(t.Context(), secretToken, "1", hello("1666")); got.Outcome != Accepted {
			t.Fatalf("%+v", got)
		}
	}

	if n := (<-wire).writes; n != messages {
		t.Errorf("%d writes for %d messages", n, messages)
	}
}

// counted counts writes. Whoever has the answer to the last one may read the count.
type counted struct {
	net.Conn
	writes int
}

func (c *counted) Write(p []byte) (int, error) { c.writes++; return c.Conn.Write(p) }
