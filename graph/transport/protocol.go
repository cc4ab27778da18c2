package transport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func itoa(n int) string { return strconv.Itoa(n) }

// frame is a message of either protocol, either way.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (f frame) encode() []byte {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // a payload that is no JSON
	}

	return text
}

func isObject(text json.RawMessage) bool { return len(text) > 0 && text[0] == '{' }
func absent(text json.RawMessage) bool   { return len(text) == 0 || string(text) == "null" }

// receive checks a message against the protocol. It returns what gqlgen shall see of it, nil if
// nothing, or an error when it has closed the socket.
func (s *socket) receive(message []byte) ([]byte, error) {
	if !s.pace.spend(time.Now()) {
		return nil, s.fail(closePolicy, "Too many messages: at most 1000 a second")
	}

	var f frame
	if decodeJSON(message, &f) != nil {
		return nil, s.fail(closeBadRequest, "Invalid message: not a JSON object with id, type and payload")
	}

	modern := s.modern()
	switch {
	case f.Type == "connection_init":
		return s.receiveInit(f)
	case modern && f.Type == "ping":
		if !absent(f.Payload) && !isObject(f.Payload) {
			return nil, s.fail(closeBadRequest, "Invalid message: the payload is no object")
		}
		if !s.out.pushControl(frame{Type: "pong", Payload: f.Payload}.encode()) {
			return nil, s.fail(closeTryAgain, "Too many pings")
		}

		return nil, nil
	case modern && f.Type == "pong":
		if !absent(f.Payload) && !isObject(f.Payload) {
			return nil, s.fail(closeBadRequest, "Invalid message: the payload is no object")
		}
		return nil, nil
	case modern && f.Type == "subscribe", !modern && f.Type == "start":
		return s.receiveSubscribe(f)
	case modern && f.Type == "complete", !modern && f.Type == "stop":
		return s.receiveComplete(f)
	case !modern && f.Type == "connection_terminate":
		return nil, s.fail(closeNormal, "")
	}

	return nil, s.fail(closeBadRequest, "Invalid message: unknown type")
}

func (s *socket) receiveInit(f frame) ([]byte, error) {
	if s.initiated {
		return nil, s.fail(closeTooManyInits, "Too many initialisation requests")
	}
	if !absent(f.Payload) && !isObject(f.Payload) {
		return nil, s.fail(closeBadRequest, "Invalid message: the payload is no object")
	}

	s.initiated = true

	return f.encode(), nil
}

func (s *socket) receiveSubscribe(f frame) ([]byte, error) {
	s.mu.Lock()
	accepted, used, live := s.accepted, s.private[f.ID] != "", len(s.private)
	s.mu.Unlock()
	var params struct {
		Query                 *string
		OperationName         *string
		Variables, Extensions map[string]any
	}

	switch {
	case f.ID == "":
		return nil, s.fail(closeBadRequest, "Invalid message: no id")
	case !isObject(f.Payload) || json.Unmarshal(f.Payload, &params) != nil || params.Query == nil &&
		params.Extensions["persistedQuery"] == nil:
		return nil, s.fail(closeBadRequest, "Invalid message: the payload is no operation")
	case !accepted:
		return nil, s.fail(closeUnauthorized, "Unauthorized")
	case used:
		return nil, s.fail(closeSubscriberUsed, fmt.Sprintf("Subscriber for %.60s already exists", f.ID))
	}

	if !s.waitForRoom() {
		return nil, s.fail(closePolicy, "Too many operations: read the answers before asking more")
	}

	if live >= s.h.options.Websocket.MaxSubscriptions {
		s.pushError(f.ID, gqlerror.List{tooManyOperations()})
		return nil, nil
	}

	// A client may use an id again as soon as it has ended the operation, at a time when gqlgen still
	// knows the old one.
	s.sent++
	id := itoa(s.sent) + ":" + f.ID
	s.mu.Lock()
	s.private[f.ID] = id
	s.mu.Unlock()
	f.ID = id

	return f.encode(), nil
}

// waitForRoom lets a peer's questions wait as its answers do, for some time. A peer that would
// write all before it reads anything is told so, and not cut off when the write of an answer has
// lasted too long.
func (s *socket) waitForRoom() bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.h.options.Websocket.WriteTimeout/2)
	defer cancel()
	room := s.out.wait(ctx)
	s.alive()

	return room
}

func tooManyOperations() *gqlerror.Error {
	err := codedError(codeRateLimited, "too many operations on this connection: end some, or open another connection")
	err.Extensions["retryAfterSeconds"] = 1
	return err
}

func (s *socket) receiveComplete(f frame) ([]byte, error) {
	if f.ID == "" {
		return nil, s.fail(closeBadRequest, "Invalid message: no id")
	}

	s.mu.Lock()
	id := s.private[f.ID]
	delete(s.private, f.ID)
	if id != "" {
		s.out.drop(id)
	}

	s.mu.Unlock()
	if id == "" {
		return nil, nil // it may have ended while this was on its way
	}

	f.ID = id

	return f.encode(), nil
}

// authorizationOf is the token in the payload of connection_init, in whatever case its name is
// written. What is no text is nobody's token: to take its sender for a stranger would tell them of
// their mistake only later.
func authorizationOf(payload gqltransport.InitPayload) (token string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(payload)) {
		if !strings.EqualFold(name, "Authorization") {
			continue
		}

		text, is := payload[name].(string)
		if !is {
			return "", false
		}

		token = cmp.Or(token, text)
	}

	return token, true
}

// initiate is gqlgen's hook for connection_init.
func (s *socket) initiate(ctx context.Context, payload gqltransport.InitPayload) (context.Context,
	*gqltransport.InitPayload, error) {
	authorization, ok := authorizationOf(payload)
	if !ok {
		return s.refuse(ctx,
			codedError(codeUnauthenticated, "Authorization in the payload of connection_init must be a string"),
			closeForbidden, "Forbidden: Authorization must be a string")
	}

	if authorization == "" {
		authorization = s.request.Header.Get("Authorization")
	}

	known, err := s.h.options.Authenticate(ctx, authorization, s.request)
	if err == nil {
		if full := s.countTo(known); full != nil {
			return s.refuse(ctx, full, closeTryAgain, "Too many connections")
		}
		if !s.h.options.IsStranger(known) {
			s.h.nobodys.remove(s)
		}

		owner := s.h.options.Owner(known)
		s.account, s.intake = s.h.answers.of(owner), s.h.bodies.of(owner)
		s.out.pays(s.account)
		if s.h.options.OnConnect != nil {
			err = s.h.options.OnConnect(known)
		}
	}

	if err == nil {
		s.mu.Lock()
		s.connected = known
		s.mu.Unlock()

		return known, nil, nil
	}

	shown := s.h.present(ctx, err)
	switch codeOf(shown) {
	case codeUnauthenticated, codeForbidden, codeBadInput:
		return s.refuse(ctx, shown, closeForbidden, "Forbidden")
	}

	return s.refuse(ctx, shown, closeTryAgain, "Try again later")
}

// refuse tells gqlgen to close the socket: the older protocol is told the error too.
func (s *socket) refuse(ctx context.Context, shown *gqlerror.Error, code int, reason string) (context.Context,
	*gqltransport.InitPayload, error) {
	s.mu.Lock()
	s.refused = shown
	s.mu.Unlock()
	ctx = gqltransport.AppendCloseReason(gqltransport.WithWebsocketCloseCode(ctx, code), reason)

	return ctx, nil, errors.New(reason)
}

// WriteJSON gets gqlgen's message, an unexported struct with ID, Type and Payload. It does not
// wait: gqlgen calls it with a lock held that a stop and a ping need too, so the waiting is done
// before (queue.reserve).
func (s *socket) WriteJSON(message any) error {
	m := reflect.Indirect(reflect.ValueOf(message))
	f := frame{Type: m.FieldByName("Type").String(), ID: m.FieldByName("ID").String(),
		Payload: m.FieldByName("Payload").Bytes()}
	switch f.Type {
	case "connection_ack":
		s.mu.Lock()
		s.accepted = true
		s.mu.Unlock()
		s.alive()
	case "connection_error":
		s.mu.Lock()
		if s.refused != nil {
			f.Payload = mustJSON(s.refused)
		}

		s.mu.Unlock()
	}

	if f.Type == "error" {
		f.Payload = s.errorPayload(f.Payload)
	}

	if f.ID == "" {
		s.out.push("", f.encode(), false)
	} else {
		s.pushOf(f)
	}

	return nil
}

// pushOf queues a frame of an operation under the id that its client knows, unless it is over for
// the client.
func (s *socket) pushOf(f frame) {
	operation := f.ID
	_, f.ID, _ = strings.Cut(operation, ":")
	text := f.encode()
	answer := f.Type == "next" || f.Type == "data"
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.private[f.ID] != operation {
		if answer {
			s.out.push("", nil, true) // its place is free again
		}
		return
	}

	if f.Type == "error" || f.Type == "complete" {
		delete(s.private, f.ID)
	}

	s.out.push(operation, text, answer)
}

func (s *socket) pushError(id string, errs gqlerror.List) {
	s.out.push("", frame{Type: "error", ID: id, Payload: s.errorPayload(mustJSON(errs))}.encode(), false)
}

// errorPayload is a list of errors in the newer protocol, and one error in the older.
func (s *socket) errorPayload(list json.RawMessage) json.RawMessage {
	var errs []json.RawMessage
	if !s.modern() && json.Unmarshal(list, &errs) == nil && len(errs) > 0 {
		return errs[0]
	}

	return list
}

func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // extensions that are no JSON
	}

	return text
}
