package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	handshakeTimeout = 10 * time.Second
	writeTimeout     = 10 * time.Second
	silence          = time.Minute // a service that sends nothing for so long, not even a ping, is gone
	readBuffer       = 64 << 10    // bytes; a batch of 256 events has some 25,000
)

// socket is a graphql-transport-ws connection (github.com/enisdenjo/graphql-ws, PROTOCOL.md). It is
// used by one goroutine, but for close.
type socket struct {
	conn *websocket.Conn
	buf  bytes.Buffer
}

// frame is what the service sends. The payload has the fields of both subscriptions, so that a
// batch of events is decoded once.
type frame struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Payload struct {
		Data struct {
			Events   *batch    `json:"deliveryEvents"`
			Progress *progress `json:"campaignProgress"`
		} `json:"data"`
		Errors graphqlErrors `json:"errors"`
	} `json:"payload"`
}

// rejection is an end of the connection, or of the handshake, after which trying again is of no
// use.
type rejection struct{ error }

func (r rejection) Unwrap() error { return r.error }

// Close codes with which a service says that it is the client's fault: bad message, unauthorized,
// forbidden, no such subprotocol, subscriber already exists, initialized twice.
var rejections = []int{4400, 4401, 4403, 4406, 4409, 4429}

// dial connects and is acknowledged. The caller closes.
func (c *client) dial(ctx context.Context) (*socket, error) {
	dialer := websocket.Dialer{HandshakeTimeout: handshakeTimeout, ReadBufferSize: readBuffer,
		Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(c.endpoint, "http"), nil)
	if err != nil {
		if resp != nil && resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			return nil, rejection{fmt.Errorf("websocket: HTTP %d: %w", resp.StatusCode, err)}
		}
		return nil, fmt.Errorf("websocket: %w", err)
	}

	conn.SetReadLimit(maxAnswer)
	s := &socket{conn: conn}
	defer context.AfterFunc(ctx, s.close)()
	if conn.Subprotocol() != "graphql-transport-ws" {
		s.close()
		return nil, rejection{errors.New("websocket: the service does not speak graphql-transport-ws")}
	}

	err = s.write(map[string]any{"type": "connection_init",
		"payload": map[string]string{"authorization": c.authorization()}})
	if err == nil {
		var f frame
		if f, err = s.next(); err == nil && f.Type != "connection_ack" {
			err = rejection{fmt.Errorf("the service sent %q before connection_ack", f.Type)}
		}
	}

	if err != nil {
		s.close()
		return nil, fmt.Errorf("websocket: %w", err)
	}

	return s, nil
}

func (s *socket) subscribe(id string, op operation) error {
	return s.write(map[string]any{"id": id, "type": "subscribe", "payload": op})
}

// next returns the next frame that is about an operation, or an acknowledgment; it answers pings
// itself.
func (s *socket) next() (frame, error) {
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(silence))
		_, r, err := s.conn.NextReader()
		if err == nil {
			s.buf.Reset()
			_, err = s.buf.ReadFrom(r)
		}

		if err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) && slices.Contains(rejections, closed.Code) {
				return frame{}, rejection{err}
			}

			return frame{}, err
		}

		f, err := decode(s.buf.Bytes())
		if err != nil {
			return frame{}, rejection{err}
		}

		switch f.Type {
		case "ping":
			if err := s.write(map[string]string{"type": "pong"}); err != nil {
				return frame{}, err
			}
		case "pong":
		default:
			return f, nil
		}
	}
}

func decode(text []byte) (f frame, err error) {
	err = json.Unmarshal(text, &f)
	if f.Type != "error" { // whose payload is the errors themselves
		return f, err
	}

	failed := struct {
		ID      string
		Payload graphqlErrors
	}{}
	if err := json.Unmarshal(text, &failed); err != nil {
		return f, err
	}

	f.Payload.Errors = failed.Payload

	return f, nil
}

func (s *socket) write(message any) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return s.conn.WriteJSON(message)
}

// close ends the connection, also under the hands of the goroutine that reads. It may be called
// more than once.
func (s *socket) close() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	_ = s.conn.Close()
}
