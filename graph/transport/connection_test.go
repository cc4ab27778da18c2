package transport_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

func TestShutdown(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.ShutdownSpread = 100 * time.Millisecond })
	peers := make([]*peer, 20)

	for i := range peers {
		peers[i] = s.connect(t)
		peers[i].subscribe("a", "subscription { ticks(everyMs: 5) { seq } }")
		peers[i].wants("next")
	}

	events := s.open(t, "subscription { ticks(everyMs: 5) { seq } }")
	events.wants("next")
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	for _, p := range peers {
		p.wantsClose(1001)
	}

	if err := events.end(); err == nil {
		t.Error("an event stream ends as if it were complete")
	}
	if err := <-down; err != nil {
		t.Error(err)
	}

	eventually(t, "no streams", func() bool { return s.resolvers.Streams.Load() == 0 })
	if a := s.query(t, "{hello}"); a.status != 200 {
		t.Errorf("a query after Shutdown: %d", a.status)
	}
	if status := s.refused(t); status != 503 {
		t.Errorf("a socket after Shutdown: %d", status)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

func TestShutdownInAHurry(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.CloseTimeout = time.Hour })
	p := s.connect(t) // which does not answer the close frame
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}

	eventually(t, "it is cut off", func() bool { return s.Connections() == 0 })
	_ = p
}

func (s *served) refused(t *testing.T) (status int) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(t.Context(), strings.Replace(s.URL, "http", "ws", 1), nil)
	if err == nil {
		_ = conn.Close()
	}
	if resp == nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()

	return resp.StatusCode
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.MaxConnections = 2 })
	first := s.connect(t)
	s.connect(t)
	if status := s.refused(t); status != 503 {
		t.Errorf("%d", status)
	}

	if a := s.send(t, "GET", "/?query={hello}", "", "Accept: text/event-stream"); a.status != 503 ||
		a.code() != "UNAVAILABLE" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}

	first.vanish()
	eventually(t, "room", func() bool { return s.Connections() < 2 })
	s.connect(t)
}

func TestMaxPerOwner(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) {
		o.Websocket.MaxPerOwner = 2
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
	})

	first := s.connect(t)
	events := s.open(t, "subscription { ticks(everyMs: 5) { seq } }")
	events.wants("next")
	p := s.dial(t, &websocket.Dialer{})
	p.send(`{"type":"connection_init","payload":{"Authorization":"Bearer alice"}}`)
	p.wantsClose(1013)
	older := s.dial(t, &websocket.Dialer{Subprotocols: []string{"graphql-ws"}})
	older.send(`{"type":"connection_init","payload":{"Authorization":"Bearer alice"}}`)
	if told := older.wants("connection_error"); !strings.Contains(string(told.Payload), "RATE_LIMITED") {
		t.Errorf("the older protocol is told %s", told.Payload)
	}

	older.wantsClose(1013)
	if a := s.send(t, "GET", "/?query={hello}", "", "Accept: text/event-stream",
		"Authorization: Bearer alice"); a.status != 429 || a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.text)
	}

	other := s.dial(t, &websocket.Dialer{})
	other.send(`{"type":"connection_init","payload":{"Authorization":"Bearer bob"}}`)
	other.wants("connection_ack")

	first.vanish()
	eventually(t, "room", func() bool { return s.Connections() < 3 })
	s.connect(t)
	events.cancel()
	eventually(t, "room", func() bool { return s.Connections() < 3 })
	s.connect(t)
}

// A session can be revoked by whoever kept the context that OnConnect got.
func TestCloseConnection(t *testing.T) {
	t.Parallel()
	sessions := make(chan context.Context, 1)
	s := serve(t, func(o *transport.Options) {
		o.OnConnect = func(ctx context.Context) error { sessions <- ctx; return nil }
	})
	p := s.connect(t)
	p.subscribe("a", "subscription { ticks(everyMs: 5) { seq } }")
	p.wants("next")
	session := <-sessions
	if transporttest.Caller(session) != "alice" {
		t.Errorf("connected as %q", transporttest.Caller(session))
	}

	transport.CloseConnection(session, 4403, "Forbidden")
	p.wantsClose(4403)
	eventually(t, "it is gone", func() bool { return len(s.codes()) == 1 })
	if codes := s.codes(); codes[0] != 4403 {
		t.Errorf("%v", codes)
	}

	transport.CloseConnection(session, 4403, "Forbidden") // which has nothing to close any more
	transport.CloseConnection(context.Background(), 4403, "Forbidden")
}

func TestOnConnect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hook func(context.Context) error
		code int
	}{
		"refuses for good": {func(context.Context) error {
			return transporttest.Fault{Code: "FORBIDDEN", Message: "no"}
		}, 4403},
		"refuses for a while": {func(context.Context) error {
			return transporttest.Fault{Code: "RATE_LIMITED", Message: "later"}
		}, 1013},
		"fails":                 {func(context.Context) error { return errors.New("secret") }, 1013},
		"panics, which is ours": {func(context.Context) error { panic("secret") }, 1013},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(o *transport.Options) { o.OnConnect = tc.hook })
			p := s.dial(t, &websocket.Dialer{})
			p.send(`{"type":"connection_init"}`)
			p.wantsClose(tc.code)
			eventually(t, "it is gone", func() bool { return s.Connections() == 0 })
			if codes := s.codes(); len(codes) != 0 {
				t.Errorf("disconnected %v without having connected", codes)
			}
		})
	}
}
