package transport_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

// crowded is a server with room for 60 connections, whose callers say in a header which address
// they come from.
func crowded(t *testing.T) *served {
	return serve(t, func(o *transport.Options) {
		o.Websocket.MaxConnections = 60
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
		o.IsStranger = func(ctx context.Context) bool { return transporttest.Caller(ctx) == "" }
		o.Address = func(r *http.Request) string { return r.Header.Get("X-From") }
	})
}

func (s *served) dialFrom(t *testing.T, address string, header http.Header) *peer {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}

	header.Set("X-From", address)
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(t.Context(), strings.Replace(s.URL, "http", "ws", 1), header)
	if err != nil {
		t.Fatal(err)
	}

	_ = resp.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Minute))

	return &peer{conn, t}
}

// Silent sockets keep nobody out: not those with a token in the header, not those who say it after,
// and not from the same address.
func TestSilentSocketsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	var silent []*peer
	for range 60 {
		silent = append(silent, s.dialFrom(t, "203.0.113.7", nil))
	}

	eventually(t, "few are left", func() bool { return s.Connections() <= 8 })
	silent[0].wantsReason(4408, "too many are waiting")

	for _, from := range []string{"203.0.113.7", "198.51.100.1"} {
		p := s.dialFrom(t, from, nil)
		p.send(`{"type":"connection_init","payload":{"Authorization":"Bearer alice"}}`)
		p.wants("connection_ack")
		p.subscribe("a", "{whoami}")
		p.wants("next")
	}

	for range 20 { // of one address, which is more than it may have of nobody's
		s.dialFrom(t, "203.0.113.7", http.Header{"Authorization": {"Bearer alice"}}).send(`{"type":"connection_init"}`)
	}

	for range 30 {
		s.dialFrom(t, "203.0.113.8", nil)
	}

	e := s.open(t, "subscription { ticks(everyMs: 5) { seq } }")
	e.wants("next")
	eventually(t, "only nobody's had to go", func() bool { n := s.Connections(); return n >= 2+20+1 && n <= 2+20+1+16 })
}

// A network of IPv6 is one house, and many houses have a bound together.
func TestManyAddressesHaveABoundTogether(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	for i := range 40 {
		s.dialFrom(t, "2001:db8::"+string(rune('a'+i%6))+string(rune('0'+i%10)), nil)
	}

	eventually(t, "one network has its part", func() bool { return s.Connections() <= 8 })
	for i := range 40 {
		s.dialFrom(t, "198.51.100."+string(rune('1'+i%9))+string(rune('0'+i%10)), nil)
	}

	eventually(t, "all have theirs", func() bool { return s.Connections() <= 16 })
}

// Who has said that they are nobody is nobody still.
func TestStrangersWhoIntroducedThemselvesMakeRoomToo(t *testing.T) {
	t.Parallel()
	s := crowded(t)
	for range 60 {
		p := s.dialFrom(t, "203.0.113.7", nil)
		p.send(`{"type":"connection_init"}`)
		p.wants("connection_ack")
	}

	eventually(t, "few are left", func() bool { return s.Connections() <= 8 })
	s.connect(t)
}

func TestATokenInTheHeaderCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) {
		o.Websocket.MaxPerOwner = 2
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
	})

	header := http.Header{"Authorization": {"Bearer alice"}}
	first, second := s.dialFrom(t, "", header.Clone()), s.dialFrom(t, "", header.Clone())
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	_, resp, err := dialer.DialContext(t.Context(), strings.Replace(s.URL, "http", "ws", 1), header)
	if err == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("a third was let in: %v", err)
	}

	_ = resp.Body.Close()
	// The token in connection_init goes before it, and the socket counts to that one's owner from then
	// on.
	first.send(`{"type":"connection_init","payload":{"Authorization":"Bearer bob"}}`)
	first.wants("connection_ack")
	third := s.dialFrom(t, "", header.Clone())
	third.send(`{"type":"connection_init"}`)
	third.wants("connection_ack")
	second.vanish()
	third.vanish()
	eventually(t, "they are gone", func() bool { return s.Connections() == 1 })
	s.dialFrom(t, "", header.Clone())
	s.dialFrom(t, "", header.Clone())
}
