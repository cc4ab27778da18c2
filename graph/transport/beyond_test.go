package transport_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/graph/transport"
)

// The reason is told as well as the code.
func (p *peer) wantsReason(code int, reason string) {
	p.t.Helper()
	for {
		_, _, err := p.ReadMessage()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			if closed.Code != code || !strings.Contains(closed.Text, reason) {
				p.t.Errorf("closed with %d %q, not %d %q", closed.Code, closed.Text, code, reason)
			}
			return
		}

		if err != nil {
			p.t.Fatalf("cut off, not closed with %d: %v", code, err)
		}
	}
}

func TestAnAuthorizationThatIsNoStringIsNobodys(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		for name, tc := range map[string]struct {
			payload string
			good    bool
		}{
			"a number":               {`{"Authorization":42}`, false},
			"a list":                 {`{"Authorization":["Bearer alice"]}`, false},
			"an object":              {`{"Authorization":{"token":"alice"}}`, false},
			"true":                   {`{"Authorization":true}`, false},
			"null":                   {`{"Authorization":null}`, false},
			"a list in lower case":   {`{"authorization":["Bearer alice"]}`, false},
			"a number in upper case": {`{"AUTHORIZATION":1}`, false},
			"one of two":             {`{"Authorization":"Bearer alice","authorization":1}`, false},
			"a string":               {`{"Authorization":"Bearer alice"}`, true},
			"in lower case":          {`{"authorization":"Bearer alice"}`, true},
			"in upper case":          {`{"AUTHORIZATION":"Bearer alice"}`, true},
			"empty":                  {`{"Authorization":""}`, true},
			"absent":                 {`{"token":["x"],"headers":{"x":1}}`, true},
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				t.Parallel()
				p := s.dial(t, &websocket.Dialer{Subprotocols: []string{protocol}})
				p.send(`{"type":"connection_init","payload":` + tc.payload + `}`)
				if tc.good {
					p.wants("connection_ack")
					return
				}

				if protocol == "graphql-ws" {
					if m := p.wants("connection_error"); !strings.Contains(string(m.Payload), "UNAUTHENTICATED") {
						t.Errorf("%s", m.Payload)
					}
				}

				p.wantsReason(4403, "Authorization must be a string")
			})
		}
	}
}

// A client that writes all of it before it reads anything is told the reason, and not cut off.
func TestTwoThousandSubscriptionsAtOnce(t *testing.T) {
	t.Parallel()
	for name, reads := range map[string]bool{"by a client that reads": true, "by one that writes first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(o *transport.Options) {
				o.Websocket.WriteTimeout = 2 * time.Second
				o.Websocket.QueueFrames = 8
			})

			p := s.connect(t)
			subscription := "subscription { ticks(everyMs: 1, padding: 2000) { seq padding } } #" + strings.Repeat("x", 10_000)
			sent := make(chan error, 1)

			go func() {
				for i := range 2000 {
					message := fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":%q}}`, i, subscription)
					if err := p.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
						sent <- err
						return
					}
				}

				sent <- nil
			}()

			if !reads {
				if err := <-sent; err != nil {
					t.Fatalf("cut off while it writes: %v", err)
				}
			}

			refused := 0
			for refused < 1900 {
				m, err := p.next()
				if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
					if closed.Code != 1008 || !strings.Contains(closed.Text, "Too many operations") {
						t.Errorf("closed with %d %q", closed.Code, closed.Text)
					}
					return
				}

				if err != nil {
					t.Fatalf("cut off after %d refusals: %v", refused, err)
				}
				if m.Type == "error" && strings.Contains(string(m.Payload), "RATE_LIMITED") {
					refused++
				}
			}
		})
	}
}

// frameOf is a frame as a client writes it, with a mask of zeros.
func frameOf(first byte, length int, content []byte) []byte {
	head := []byte{first, 0x80 | 127}
	head = binary.BigEndian.AppendUint64(head, uint64(length))
	return append(append(head, 0, 0, 0, 0), content...)
}

func TestFramesBeyondTheRules(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 4<<20)
	for name, tc := range map[string]struct {
		writes []byte
		code   int
		reason string
	}{
		"a message of megabytes":    {frameOf(0x81, len(large), large), 1009, "Message too big"},
		"one that says it has more": {frameOf(0x81, 1<<40, large), 1009, "Message too big"},
		"a message in many fragments": {append(frameOf(0x01, 60_000, large[:60_000]),
			bytes.Repeat(frameOf(0x00, 60_000, large[:60_000]), 50)...), 1009, "Message too big"},
		"a binary message":             {frameOf(0x82, 2, []byte("{}")), 4400, "not text"},
		"a frame of no kind":           {append(frameOf(0x83, 10, large[:10]), large...), 1002, ""},
		"a frame with a reserved bit":  {append(frameOf(0xF1, 10, large[:10]), large...), 1002, ""},
		"a frame without a mask":       {append([]byte{0x81, 0x02, '{', '}'}, large...), 1002, ""},
		"a fragment that continues no": {append(frameOf(0x80, 10, large[:10]), large...), 1002, ""},
		"what is no JSON":              {frameOf(0x81, 2, []byte("{]")), 4400, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil)
			p := s.connect(t)
			go func() { _, _ = p.NetConn().Write(tc.writes) }() // it may be closed before all is written
			p.wantsReason(tc.code, tc.reason)
		})
	}
}

func TestMoreMessagesThanAnybodyNeeds(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	p := s.connect(t)
	go func() {
		for p.WriteMessage(websocket.TextMessage, []byte(`{"id":"x","type":"complete"}`)) == nil {
		}
	}()

	p.wantsReason(1008, "Too many messages")
}
