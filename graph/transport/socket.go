package transport

import (
	"bytes"
	"context"
	"io"
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

// Close codes. The graphql-ws client gives up on 4400, 4401, 4409 and 4429 and on most of 1000 to
// 1999, and connects again after 1001, 1006, 1013, 4403 and 4408 (src/client.ts,
// shouldRetryConnectOrThrow). On 4403 it also asks its application for a fresh token.
const (
	closeNormal         = 1000
	closeGoingAway      = 1001
	closeProtocolError  = 1002
	closeAbnormal       = 1006
	closePolicy         = 1008
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

	if !slices.ContainsFunc(websocket.Subprotocols(r), func(p string) bool {
		return p == modernProtocol || p == legacyProtocol
	}) {
		return badRequest("the subprotocol must be %s or %s", modernProtocol, legacyProtocol)
	}

	s := &socket{h: h, request: r, out: newQueue(h.options.Websocket.QueueFrames, h.options.Websocket.QueueBytes),
		private: map[string]string{},
		closing: make(chan struct{}), dead: make(chan struct{}), idle: make(chan struct{})}
	ctx := context.WithoutCancel(r.Context()) // which ends with the request
	s.ctx, s.cancel = context.WithCancelCause(context.WithValue(withTransport(ctx, "websocket"), connectionKey{},
		connection(s)))
	if err := h.enter(s); err != nil {
		s.cancel(nil)
		return err
	}

	if err := s.claim(); err != nil {
		h.leave(s)
		s.cancel(nil)
		return err
	}

	conn, err := h.upgrader.Upgrade(w, r, w.Header())
	if err != nil {
		s.disclaim()
		h.leave(s)
		s.cancel(nil)

		return nil // the upgrader has answered
	}

	// The request ends here, and with it the buffers and the stack that net/http keeps for one.
	// Shutdown waits for the socket.
	go func() {
		defer s.cancel(nil)
		defer h.leave(s)
		s.serve(conn)
	}()

	return nil
}

// socket is one WebSocket, and to gqlgen the library that accepts it and the connection. gqlgen
// runs the operations; the rules of the protocols, which it does not keep, are kept here
// (protocol.go).
type socket struct {
	h       *Handler
	request *http.Request
	ctx     context.Context
	cancel  context.CancelCauseFunc
	conn    *websocket.Conn
	out     *queue

	// Only the reading goroutine touches these.
	initiated bool
	sent      int     // operations so far
	owner     any     // to whom it counts
	release   func()  // its owner has one connection less; nil while it counts to nobody
	account   *holder // of its answers
	intake    *holder // of its messages
	pace      pace

	mu        sync.Mutex
	accepted  bool              // connection_ack was sent
	private   map[string]string // the client's id of a live operation → the id that gqlgen knows it by
	refused   *gqlerror.Error   // why the connection was not accepted
	connected context.Context   // as Authenticate and OnConnect left it; nil before
	running   int               // operations with a resolver at work
	number    int
	ended     bool
	code      int    // of the close frame, first come
	hasty     bool   // nothing is worth waiting for
	frame     []byte // the close frame

	closing chan struct{} // closed when there is a close frame to send
	dead    chan struct{} // closed when there is nobody to send it to
	idle    chan struct{} // closed when the socket has ended and its last operation too
}

// Accept is asked once by gqlgen: for the connection that is there already.
func (s *socket) Accept(http.ResponseWriter, *http.Request,
	gqltransport.WebsocketAcceptOptions) (gqltransport.WebsocketConn, error) {
	return s, nil
}

// serve returns when the connection and all that ran on it are gone.
func (s *socket) serve(conn *websocket.Conn) {
	defer conn.Close()
	if !s.adopt(conn) {
		return
	}

	conn.EnableWriteCompression(s.h.options.Websocket.Compression)
	conn.SetPongHandler(func(string) error { s.alive(); return nil })
	_ = conn.SetReadDeadline(time.Now().Add(s.h.options.Websocket.InitTimeout))

	var writer sync.WaitGroup
	writer.Go(s.write)

	defer func() {
		if v := recover(); v != nil { // of a hook
			_ = s.h.recovered(s.ctx, v)
			s.close(closeTryAgain, "Try again later")
		}

		s.close(closeNormal, "")
		s.linger() // a peer that is still writing would not come to read
		writer.Wait()
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
	s.out.end()
	s.account.done()
	s.intake.done()
	s.disclaim()
	if connected != nil && s.h.options.OnDisconnect != nil {
		s.h.options.OnDisconnect(connected, code)
	}
}

// begin counts an operation in and numbers it. A client can have few ids in use and many resolvers
// still winding down; those are bounded too.
func (s *socket) begin() (number string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.running >= 2*s.h.options.Websocket.MaxSubscriptions {
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

// close sends a close frame after what is queued and can be sent soon, and cancels the operations.
// The first call decides the code.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 {
		return
	}

	s.code, s.frame = code, websocket.FormatCloseMessage(code, strings.ToValidUTF8(reason[:min(len(reason), 120)], ""))
	close(s.closing)
	s.cancel(errClosed)
	if s.conn != nil { // a write that the peer holds up ends too
		_ = s.conn.NetConn().SetWriteDeadline(time.Now().Add(s.h.options.Websocket.CloseTimeout))
	}
}

// claim has a socket count at once to the caller whose token its upgrade brought, since only what
// is nobody's can be made room for others. The token in connection_init goes before it.
func (s *socket) claim() *refusal {
	if authorization := s.request.Header.Get("Authorization"); authorization != "" {
		known, err := s.h.options.Authenticate(s.ctx, authorization, s.request)
		if err == nil && !s.h.options.IsStranger(known) {
			if full := s.countTo(known); full != nil {
				return refusedFull(full)
			}
			return nil
		}
	}

	s.h.admit(s, s.h.strangerOf(s.request))
	return nil
}

// countTo counts the socket to its owner, and to whom it counted before no more.
func (s *socket) countTo(known context.Context) *gqlerror.Error {
	owner := s.h.options.Owner(known)
	if s.release != nil && s.owner == owner {
		return nil
	}

	s.disclaim()
	release, full := s.h.count(known)
	if full != nil {
		return full
	}

	s.owner, s.release = owner, release

	return nil
}

func (s *socket) disclaim() {
	if s.release != nil {
		s.release()
		s.release = nil
	}
}

// evict closes a socket without waiting for its answer.
func (s *socket) evict() {
	s.mu.Lock()
	s.hasty = true
	s.mu.Unlock()
	s.close(closeTimeout, "Connection initialisation timeout: too many are waiting")
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
