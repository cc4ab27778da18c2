package transport_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/graph/transport"
)

// peer is a client of a socket.
type peer struct {
	*websocket.Conn
	t *testing.T
}

type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (s *served) dial(t *testing.T, dialer *websocket.Dialer) *peer {
	t.Helper()
	if dialer.Subprotocols == nil {
		dialer.Subprotocols = []string{"graphql-transport-ws"}
	}

	conn, resp, err := dialer.DialContext(t.Context(), strings.Replace(s.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}

	_ = resp.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Minute))

	return &peer{conn, t}
}

// connect dials and is acknowledged.
func (s *served) connect(t *testing.T) *peer {
	t.Helper()
	p := s.dial(t, &websocket.Dialer{})
	p.send(`{"type":"connection_init","payload":{"Authorization":"Bearer alice"}}`)
	p.wants("connection_ack")

	return p
}

// hello connects by either protocol.
func (s *served) hello(t *testing.T, protocol string) *peer {
	t.Helper()
	p := s.dial(t, &websocket.Dialer{Subprotocols: []string{protocol}})
	p.send(`{"type":"connection_init","payload":{"Authorization":"Bearer alice"}}`)
	p.wants("connection_ack")

	return p
}

func (p *peer) send(text string) {
	p.t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) subscribe(id, document string) {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%q}}`, id, document))
}

func (p *peer) next() (m message, err error) {
	_, text, err := p.ReadMessage()
	if err == nil {
		err = json.Unmarshal(text, &m)
	}

	return m, err
}

// wants reads up to the next message of a type.
func (p *peer) wants(kind string) message {
	p.t.Helper()
	for {
		m, err := p.next()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", kind, err)
		}
		if m.Type == kind {
			return m
		}
	}
}

// wantsClose reads up to the close frame.
func (p *peer) wantsClose(code int) {
	p.t.Helper()
	for {
		_, err := p.next()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			if closed.Code != code {
				p.t.Errorf("closed with %d %s, not %d", closed.Code, closed.Text, code)
			}
			return
		}

		if err != nil {
			p.t.Errorf("no close frame: %v", err)
			return
		}
	}
}

func quickPings(o *transport.Options) { o.Websocket.PingInterval = 100 * time.Millisecond }

// vanish ends a TCP connection without a word.
func (p *peer) vanish() {
	if tcp, ok := p.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}

	_ = p.NetConn().Close()
}

func TestSocketsThatVanish(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const sockets = 1000
	peers := make([]*peer, sockets)
	var dialing sync.WaitGroup

	for part := range 10 {
		dialing.Go(func() {
			for i := part; i < sockets; i += 10 {
				peers[i] = s.connect(t)
				peers[i].subscribe("a", "subscription { ticks(everyMs: 100000) { seq } }")
				peers[i].wants("next")
			}
		})
	}

	dialing.Wait()
	if n, streams := s.Connections(), s.resolvers.Streams.Load(); n != sockets || streams != sockets {
		t.Fatalf("%d connections, %d streams", n, streams)
	}

	for _, p := range peers {
		p.vanish()
	}

	eventually(t, "no connections", func() bool { return s.Connections() == 0 })
	eventually(t, "no streams", func() bool { return s.resolvers.Streams.Load() == 0 })
	if codes := s.codes(); len(codes) != sockets {
		t.Errorf("%d disconnects", len(codes))
	}
}

// A peer whose cable is cut sends no reset; only its silence tells.
func TestSocketsThatFallSilent(t *testing.T) {
	t.Parallel()
	s := serve(t, quickPings)
	for name, protocol := range map[string]string{"newer protocol": "graphql-transport-ws",
		"older protocol": "graphql-ws"} {
		p := s.dial(t, &websocket.Dialer{Subprotocols: []string{protocol}})
		p.send(`{"type":"connection_init"}`)
		p.wants("connection_ack")
		start := time.Now()
		eventually(t, name, func() bool { return s.Connections() == 0 })
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %s", name, took) // two intervals, the time to say goodbye, and slow machines
		}
	}
}

func TestSocketThatAnswersPingsStays(t *testing.T) {
	t.Parallel()
	s := serve(t, quickPings)
	p := s.connect(t)
	for range 6 {
		p.wants("ping")
		p.send(`{"type":"pong"}`)
	}

	old := s.dial(t, &websocket.Dialer{Subprotocols: []string{"graphql-ws"}}) // the library answers its pings
	old.send(`{"type":"connection_init"}`)
	for range 6 {
		old.wants("ka")
	}
}

// A client that does not read holds up its streams, and neither the memory of the server nor its
// own pings.
func TestSlowSocket(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) {
		o.Websocket.QueueFrames, o.Websocket.QueueBytes = 8, 64<<10
		o.Websocket.WriteTimeout = 20 * time.Second
	})

	p := s.connect(t)
	const events = 4000
	p.subscribe("a", fmt.Sprintf("subscription { ticks(everyMs: 0, count: %d, padding: 8000) { seq padding } }", events))
	p.send(`{"type":"ping","payload":{"n":1}}`)
	p.subscribe("b", "{ hello }")
	seen, pong, hello := 0, 0, 0

	for done := false; !done; {
		m, err := p.next()
		switch {
		case err != nil:
			t.Fatal(err)
		case m.Type == "pong":
			pong = seen
		case m.ID == "b" && m.Type == "next":
			hello = seen
		case m.ID == "a" && m.Type == "next":
			seen++
			if !strings.Contains(string(m.Payload), fmt.Sprintf(`"seq":%d,`, seen)) {
				t.Fatalf("event %d is %.60s", seen, m.Payload)
			}
		case m.ID == "a" && m.Type == "complete":
			done = true
		}
	}

	if seen != events || pong > events/2 || hello > events/2 {
		t.Errorf("%d events, pong after %d, another answer after %d", seen, pong, hello)
	}
}

func TestSocketThatNeverReads(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.WriteTimeout = 200 * time.Millisecond })
	p := s.connect(t)
	p.subscribe("a", "subscription { ticks(everyMs: 0, padding: 100000) { padding } }")
	eventually(t, "it is dropped", func() bool { return s.Connections() == 0 })
	if codes := s.codes(); len(codes) != 1 || codes[0] != 1013 {
		t.Errorf("%v", codes)
	}
}

// Questions of a client that reads no answers are no way to fill the memory either.
func TestSocketThatOnlyAsks(t *testing.T) {
	t.Parallel()
	for name, question := range map[string]string{
		"pings":    `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 10_000) + `"}}`,
		"mistakes": `{"id":"a","type":"subscribe","payload":{"query":"{` + strings.Repeat("x ", 60) + `}"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(o *transport.Options) { o.Websocket.WriteTimeout = 300 * time.Millisecond })
			p := s.connect(t)
			_ = p.SetWriteDeadline(time.Now().Add(15 * time.Second))

			for p.WriteMessage(websocket.TextMessage, []byte(question)) == nil {
				if s.Connections() == 0 {
					break
				}
			}

			eventually(t, "it is dropped", func() bool { return s.Connections() == 0 })
		})
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.Compression = true })
	p := s.dial(t, &websocket.Dialer{EnableCompression: true})
	p.EnableWriteCompression(true)
	p.send(`{"type":"connection_init"}`)
	p.wants("connection_ack")
	p.subscribe("a", "{ padding(size: 100000) }")
	if m := p.wants("next"); len(m.Payload) < 100_000 {
		t.Errorf("%d bytes", len(m.Payload))
	}

	p.subscribe("b", "{ hello } #"+strings.Repeat(" ", 10<<20)) // ten kilobytes on the wire
	p.wantsClose(1009)
}

func TestLegacySocket(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct {
		sends string
		code  int
	}{
		"refuses what is no JSON":          {`x`, 4400},
		"refuses an unknown type":          {`{"type":"subscribe","id":"1","payload":{"query":"{hello}"}}`, 4400},
		"refuses an operation without id":  {`{"type":"start","payload":{"query":"{hello}"}}`, 4400},
		"refuses an operation without one": {`{"type":"start","id":"1"}`, 4400},
		"refuses a second init":            {`{"type":"connection_init"}`, 4429},
		"ends when it is told to":          {`{"type":"connection_terminate"}`, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.dial(t, &websocket.Dialer{Subprotocols: []string{"graphql-ws"}})
			p.send(`{"type":"connection_init","payload":{}}`)
			p.wants("connection_ack")
			p.send(tc.sends)
			p.wantsClose(tc.code)
		})
	}

	p := s.dial(t, &websocket.Dialer{Subprotocols: []string{"graphql-ws"}})
	p.send(`{"type":"start","id":"1","payload":{"query":"{hello}"}}`)
	p.wantsClose(4401)
}

func TestOperationsOfASocket(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.connect(t)
	p.subscribe("a", "subscription Three { ticks(everyMs: 0, count: 3) { seq odd } }")
	p.wants("complete")
	p.subscribe("b", "query Mine { requestId }")
	if m := p.wants("next"); !strings.Contains(string(m.Payload), `.2"`) {
		t.Errorf("operations of a socket are numbered: %s", m.Payload)
	}

	p.wants("complete")
	eventually(t, "both are over", func() bool { return len(s.over()) == 2 })
	three := s.over()[0]
	if three.Name != "Three" || three.Kind != "subscription" || three.Transport != "websocket" || three.Responses != 3 ||
		fmt.Sprint(three.Codes) != "[CONFLICT]" {
		t.Errorf("%+v", three)
	}
}

func TestSocketWithoutHandshake(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	a := s.send(t, http.MethodGet, "/", "", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Protocol: graphql-transport-ws", "Sec-WebSocket-Version: 8")
	if a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Errorf("%d %s", a.status, a.text)
	}
}
