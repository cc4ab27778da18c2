package transport

import (
	"errors"
	"io"
	"net"
	"time"

	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
)

// alive gives the peer two more intervals to be heard of.
func (s *socket) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted && s.code == 0 {
		_ = s.conn.SetReadDeadline(time.Now().Add(2 * s.h.options.Websocket.PingInterval))
	}
}

// read returns the next message of the peer. After it has failed it must not be called again.
func (s *socket) read() ([]byte, error) {
	for {
		kind, r, err := s.conn.NextReader()
		if err != nil {
			return nil, s.lost(err)
		}

		message, err := s.readMessage(r)
		switch {
		case errors.Is(err, errOwnInUse), errors.Is(err, errAllInUse):
			return nil, s.fail(closeTryAgain, "Too many large messages at a time")
		case errors.Is(err, errTooBig):
			return nil, s.fail(closeTooBig, "Message too big")
		case err != nil:
			return nil, s.lost(err)
		case s.isClosing():
			continue // whatever it is, it is too late
		case kind != websocket.TextMessage:
			return nil, s.fail(closeBadRequest, "Invalid message: not text")
		}

		s.alive()

		return message, nil
	}
}

const (
	longestGreeting = 16 << 10 // bytes of what comes before anybody is known
	shortMessage    = 4 << 10  // bytes that nobody counts
)

var errTooBig = errors.New("the message is too big")

// readMessage reads one message. The library's own limit counts bytes on the wire, of which few
// unpack to many, and closes without a reason. While a long message comes, its socket's owner pays
// for the largest.
func (s *socket) readMessage(r io.Reader) ([]byte, error) {
	limit := s.h.options.Websocket.ReadLimit
	if s.intake == nil {
		limit = min(limit, longestGreeting)
	}

	message, err := io.ReadAll(io.LimitReader(r, min(limit+1, shortMessage)))
	if err == nil && len(message) == shortMessage {
		if err := s.intake.try(int(limit)); err != nil {
			return nil, err
		}

		defer s.intake.force(-int(limit))
		var more []byte
		more, err = io.ReadAll(io.LimitReader(r, limit+1-shortMessage))
		message = append(message, more...)
	}

	if err == nil && int64(len(message)) > limit {
		return nil, errTooBig
	}

	return message, err
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
	case errors.As(err, &slow) && slow.Timeout() && !initiated:
		s.close(closeTimeout, "Connection initialisation timeout")
	case errors.As(err, &slow) && slow.Timeout():
		s.close(closeTimeout, "No sign of life")
	case errors.As(err, &slow), errors.As(err, &closed), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		s.kill()
	default: // no frames of a WebSocket; the library has told the peer what is wrong with them
		s.close(closeProtocolError, "")
	}

	return gqltransport.ErrWebsocketClosed
}

// fail closes for a breach of the protocol.
func (s *socket) fail(code int, reason string) error {
	s.close(code, reason)
	return gqltransport.ErrWebsocketClosed
}

// linger reads until the peer has had its close frame, and whatever else it is about to say: a
// connection that is closed with something unread is reset, and what is on its way to the peer is
// lost.
func (s *socket) linger() {
	for {
		select {
		case <-s.dead:
			return
		default:
		}

		_, _, err := s.conn.NextReader()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			return
		}
		if err != nil {
			break
		}
	}

	_, _ = io.Copy(io.Discard, s.conn.NetConn()) // up to the deadline that write sets in the end
}

// write sends what is queued, and pings. It ends with the close frame, or the connection.
func (s *socket) write() {
	ping := time.NewTicker(s.h.options.Websocket.PingInterval)
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
			if s.writeNext(s.h.options.Websocket.WriteTimeout) {
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
	s.mu.Lock()
	patience := s.h.options.Websocket.CloseTimeout
	if s.hasty {
		patience = 0
	}

	s.mu.Unlock()
	end := time.Now().Add(patience)
	for time.Now().Before(end) && s.writeNext(time.Until(end)) {
	}

	_ = s.conn.WriteControl(websocket.CloseMessage, s.frame, end.Add(time.Second))
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
	_ = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.h.options.Websocket.WriteTimeout))
}

// pace bounds how many messages a peer sends in a second, and lets it send as many again in one go.
type pace struct {
	spent float64
	last  time.Time
}

const mostMessages = 1000 // a second

func (p *pace) spend(now time.Time) bool {
	p.spent = max(0, p.spent-now.Sub(p.last).Seconds()*mostMessages) + 1
	p.last = now
	return p.spent <= 4*mostMessages
}
