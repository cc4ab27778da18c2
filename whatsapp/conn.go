package whatsapp

import (
	"bytes"
	"context"
	"net"
)

// wholeConn lets the head and the body of a request leave together. net/http flushes the head
// before it reads a body of a kind that it does not know, as ours behind a gate: on HTTP/1 without
// TLS two packets for each message, and a server that wakes up twice. A head whose body does not
// follow never leaves. Under TLS everything passes.
type wholeConn struct {
	net.Conn
	head []byte // waits for its body; only net/http's one writer of a connection comes here
}

var (
	headBegins, headEnds = []byte("POST "), []byte("\r\n\r\n")
	headAlone            = []byte("\r\nContent-Length: 0\r\n")
)

func (c *wholeConn) Write(p []byte) (int, error) {
	if len(c.head) == 0 {
		if bytes.HasPrefix(p, headBegins) && bytes.HasSuffix(p, headEnds) && !bytes.Contains(p, headAlone) {
			c.head = append(c.head, p...)
			return len(p), nil
		}

		return c.Conn.Write(p)
	}

	whole := append(c.head, p...)
	n, err := c.Conn.Write(whole)
	n, c.head = max(0, n-len(c.head)), whole[:0]

	return n, err
}

// whole makes a dialer's connections whole ones.
func whole(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context,
	string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}

		return &wholeConn{Conn: conn}, nil
	}
}
