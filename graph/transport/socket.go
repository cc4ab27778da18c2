package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	modernProtocol = "graphql-transport-ws" // github.com/enisdenjo/graphql-ws
	legacyProtocol = "graphql-ws"           // github.com/apollographql/subscriptions-transport-ws
)

// Close codes. The graphql-ws client gives up on 4400, 4401, 4409 and 4429 and on most of 1000 to 1999, and connects
// again after 1001, 1006, 1013, 4403 and 4408 (src/client.ts, shouldRetryConnectOrThrow). On 4403 it also asks its
// application for a fresh token.
const (
	closeNormal         = 1000
	closeGoingAway      = 1001
	closeAbnormal       = 1006
	closeTooBig         = 1009
	closeTryAgain       = 1013
	closeBadRequest     = 4400
	closeUnauthorized   = 4401
	closeForbidden      = 4403
	closeTimeout        = 4408
	closeSubscriberUsed = 4409
	closeTooManyInits   = 4429
)

func wantsSocket(r *http.Request) bool {
	// Some clients offer "Upgrade: h2c" with every request; that is no socket.
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func (h *Handler) serveSocket(w http.ResponseWriter, r *http.Request) *refusal {
	if !h.allowsOrigin(r) {
		return &refusal{status: http.StatusForbidden, code: codeForbidden, message: "this origin is not allowed"}
	}
	if !slices.ContainsFunc(websocket.Subprotocols(r), func(p string) bool { return p == modernProtocol || p == legacyProtocol }) {
		return badRequest("the subprotocol must be %s or %s", modernProtocol, legacyProtocol)
	}
	s := &socket{h: h, request: r, out: newQueue(h.Websocket.QueueFrames, h.Websocket.QueueBytes), private: map[string]string{},
		closing: make(chan struct{}), dead: make(chan struct{}), idle: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(context.WithValue(withTransport(r.Context(), "websocket"), connectionKey{}, connection(s)))
	defer s.cancel(nil)
	if err := h.enter(s); err != nil {
		return err
	}
	defer h.leave(s)
	conn, err := h.upgrader.Upgrade(w, r, w.Header())
	if err != nil {
		return nil // the upgrader has answered
	}
	s.serve(conn)
	return nil
}

// socket is one WebSocket, and to gqlgen the library that accepts it and the connection. gqlgen runs the operations;
// the rules of the protocols, which it does not keep, are kept here (protocol.go).
type socket struct {
	h       *Handler
	request *http.Request
	ctx     context.Context
	cancel  context.CancelCauseFunc
	conn    *websocket.Conn
	out     *queue

	// Only the reading goroutine touches these.
	initiated bool
	sent      int // operations so far

	mu        sync.Mutex
	accepted  bool              // connection_ack was sent
	private   map[string]string // the client's id of a live operation → the id that gqlgen knows it by
	refused   *gqlerror.Error   // why the connection was not accepted
	connected context.Context   // as Authenticate and OnConnect left it; nil before
	running   int               // operations with a resolver at work
	number    int
	ended     bool
	code      int    // of the close frame, first come
	frame     []byte // the close frame

	closing chan struct{} // closed when there is a close frame to send
	dead    chan struct{} // closed when there is nobody to send it to
	idle    chan struct{} // closed when the socket has ended and its last operation too
}

// Accept is asked once by gqlgen: for the connection that is there already.
func (s *socket) Accept(http.ResponseWriter, *http.Request, gqltransport.WebsocketAcceptOptions) (gqltransport.WebsocketConn, error) {
	return s, nil
}

// serve returns when the connection and all that ran on it are gone.
func (s *socket) serve(conn *websocket.Conn) {
	defer conn.Close()
	if !s.adopt(conn) {
		return
	}
	conn.SetReadLimit(s.h.Websocket.ReadLimit)
	conn.EnableWriteCompression(s.h.Websocket.Compression)
	conn.SetPongHandler(func(string) error { s.alive(); return nil })
	_ = conn.SetReadDeadline(time.Now().Add(s.h.Websocket.InitTimeout))

	var writer sync.WaitGroup
	writer.Go(s.write)
	defer func() {
		if v := recover(); v != nil { // of a hook
			_ = s.h.recovered(s.ctx, v)
			s.close(closeTryAgain, "Try again later")
		}
		s.close(closeNormal, "")
		writer.Wait()
		s.linger()
		s.finish()
	}()
	gqltransport.Websocket{Implementation: s, InitFunc: s.initiate}.Do(nil, s.request.WithContext(s.ctx), s.h.exec)
}

// adopt reports false when the socket was killed while it was still a request.
func (s *socket) adopt(conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	select {
	case <-s.dead:
		return false
	default:
		return true
	}
}

// finish waits for the operations, which close has canceled.
func (s *socket) finish() {
	s.mu.Lock()
	s.ended = true
	if s.running == 0 {
		close(s.idle)
	}
	connected, code := s.connected, s.code
	s.mu.Unlock()
	<-s.idle
	if connected != nil && s.h.OnDisconnect != nil {
		s.h.OnDisconnect(connected, code)
	}
}

// begin counts an operation in and numbers it. A client can have few ids in use and many resolvers still winding down;
// those are bounded too.
func (s *socket) begin() (number string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.running >= 2*s.h.Websocket.MaxSubscriptions {
		return "", false
	}
	s.running++
	s.number++
	return itoa(s.number), true
}

func (s *socket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if s.ended && s.running == 0 {
		close(s.idle)
	}
}

// close sends a close frame after what is queued, and cancels the operations. The first call decides the code.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 {
		return
	}
	s.code, s.frame = code, websocket.FormatCloseMessage(code, strings.ToValidUTF8(reason[:min(len(reason), 120)], ""))
	close(s.closing)
	s.cancel(errClosed)
}

// kill ends a connection that nobody can be told about.
func (s *socket) kill() {
	s.close(closeAbnormal, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.dead:
		return
	default:
	}
	close(s.dead)
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

func (s *socket) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// alive gives the peer two more intervals to be heard of.
func (s *socket) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted && s.code == 0 {
		_ = s.conn.SetReadDeadline(time.Now().Add(2 * s.h.Websocket.PingInterval))
	}
}

// read returns the next message of the peer. After it has failed it must not be called again.
func (s *socket) read() ([]byte, error) {
	for {
		kind, r, err := s.conn.NextReader()
		if err != nil {
			return nil, s.lost(err)
		}
		// The library's limit counts bytes on the wire, of which few unpack to many.
		message, err := io.ReadAll(io.LimitReader(r, s.h.Websocket.ReadLimit+1))
		switch {
		case err != nil:
			return nil, s.lost(err)
		case s.isClosing():
			continue // whatever it is, it is too late
		case int64(len(message)) > s.h.Websocket.ReadLimit:
			return nil, s.fail(closeTooBig, "Message too big")
		case kind != websocket.TextMessage:
			return nil, s.fail(closeBadRequest, "Invalid message: not text")
		}
		s.alive()
		return message, nil
	}
}

// lost turns a failed read into a close code.
func (s *socket) lost(err error) error {
	var closed *websocket.CloseError
	var slow net.Error
	s.mu.Lock()
	code, initiated := s.code, s.accepted
	s.mu.Unlock()
	switch {
	case code != 0: // we closed it, and this is the answer or the lack of one
		s.kill()
	case errors.As(err, &closed) && closed.Code != closeAbnormal:
		s.close(closed.Code, "") // the library has answered
		s.kill()
	case errors.Is(err, websocket.ErrReadLimit):
		s.close(closeTooBig, "Message too big")
	case errors.As(err, &slow) && slow.Timeout() && !initiated:
		s.close(closeTimeout, "Connection initialisation timeout")
	case errors.As(err, &slow) && slow.Timeout():
		s.close(closeTimeout, "No sign of life")
	default:
		s.kill()
	}
	return gqltransport.ErrWebsocketClosed
}

// fail closes for a breach of the protocol.
func (s *socket) fail(code int, reason string) error {
	s.close(code, reason)
	return gqltransport.ErrWebsocketClosed
}

// linger reads until the peer has had its close frame: closing earlier could reset the connection under it.
func (s *socket) linger() {
	for {
		select {
		case <-s.dead:
			return
		default:
		}
		if _, _, err := s.conn.NextReader(); err != nil {
			return
		}
	}
}

// write sends what is queued, and pings. It ends with the close frame, or the connection.
func (s *socket) write() {
	ping := time.NewTicker(s.h.Websocket.PingInterval)
	defer ping.Stop()
	for {
		select {
		case <-s.dead:
			return
		case <-s.closing:
			s.sayGoodbye()
			return
		case <-ping.C:
			s.ping()
		default:
			if s.writeNext(s.h.Websocket.WriteTimeout) {
				continue
			}
			select {
			case <-s.out.ready:
			case <-ping.C:
				s.ping()
			case <-s.closing:
			case <-s.dead:
			}
		}
	}
}

// writeNext reports whether there was a frame.
func (s *socket) writeNext(timeout time.Duration) bool {
	frame, written := s.out.take()
	if frame == nil {
		return false
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(timeout))
	err := s.conn.WriteMessage(websocket.TextMessage, frame)
	written()
	if err != nil {
		s.close(closeTryAgain, "") // too slow, or gone; either way it will not be told
		s.kill()
	}
	return true
}

func (s *socket) sayGoodbye() {
	end := time.Now().Add(s.h.Websocket.CloseTimeout)
	for time.Now().Before(end) && s.writeNext(time.Until(end)) {
	}
	_ = s.conn.WriteControl(websocket.CloseMessage, s.frame, end)
	_ = s.conn.SetReadDeadline(end)
}

// ping asks for a sign of life in the protocol's own way where it has one.
func (s *socket) ping() {
	s.mu.Lock()
	accepted := s.accepted
	s.mu.Unlock()
	if !accepted {
		return
	}
	if s.modern() {
		s.out.pushControl([]byte(`{"type":"ping"}`))
		return
	}
	s.out.pushControl([]byte(`{"type":"ka"}`))
	_ = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.h.Websocket.WriteTimeout))
}

func (s *socket) modern() bool { return s.conn.Subprotocol() == modernProtocol }

// The rest is what gqlgen asks of a connection.

func (s *socket) Subprotocol() string { return s.conn.Subprotocol() }

func (s *socket) NextReader() (int, io.Reader, error) {
	for {
		message, err := s.read()
		if err != nil {
			return 0, nil, err
		}
		forward, err := s.receive(message)
		if err != nil {
			return 0, nil, err
		}
		if forward != nil {
			return websocket.TextMessage, bytes.NewReader(forward), nil
		}
	}
}

func (s *socket) WriteClose(code int, reason string) error {
	s.close(code, reason)
	return nil
}

// Close has nothing to add: serve closes the connection when the peer has had its close frame.
func (s *socket) Close() error { return nil }
