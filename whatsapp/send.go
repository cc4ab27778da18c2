package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"
)

// Outcome says what became of one try to send a message.
type Outcome string

const (
	// Accepted: Meta took it. Receipts come by webhook.
	Accepted Outcome = "ACCEPTED"
	// Held: Meta took it and holds it back until it has judged the template's quality. Not to be sent
	// again.
	Held Outcome = "HELD"
	// Refused: Meta did not take it. Rule says what to do.
	Refused Outcome = "REFUSED"
	// NotSent: it certainly never left. It may be sent again at once.
	NotSent Outcome = "NOT_SENT"
	// Lost: it may have been sent, and there is no answer that says. Only its webhook can tell.
	Lost Outcome = "LOST"
)

// Answer is what came of one try to send a message. Err and Rule are set unless it was Accepted or
// Held.
type Answer struct {
	Outcome Outcome
	// WAMID is WhatsApp's id of the message.
	WAMID string
	// WaID is the recipient's number as WhatsApp knows it; it can differ from the one written to.
	WaID string
	// UserID is the recipient's business-scoped user id, when the message went to one.
	UserID string
	Err    *Error
	Rule   Rule
	// RetryAfter is how long Meta asked us to wait; zero when it did not say.
	RetryAfter time.Duration
}

// Send tries once to send a message, and says what came of it. It never tries twice: there is no
// idempotency key, so a second try is for the caller to decide.
func (c *Client) Send(ctx context.Context, token Token, phoneNumberID string, message Message) Answer {
	if err := checkPath([]string{phoneNumberID}); err != nil {
		return notSent(err)
	}

	// Not json.Marshal, which would check and copy the same bytes once more.
	body, err := message.MarshalJSON()
	if err != nil {
		return notSent(fmt.Errorf("encode message: %w", err))
	}
	if err := ctx.Err(); err != nil {
		return notSent(err)
	}

	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	request, outgoing := c.sendRequest(ctx, token, phoneNumberID, message.Route.edge(), body)
	response, err := c.http.Do(request)

	if err != nil {
		if outgoing.shut() {
			return notSent(plain(err))
		}
		return lost(0, plain(err))
	}

	defer func() { _ = response.Body.Close() }()

	answer := buffers.Get().(*readBuffer)
	defer buffers.Put(answer)
	whole := answer.fill(response.Body)

	return judge(response, answer.Bytes(), whole, token)
}

func (c *Client) sendRequest(ctx context.Context, token Token, phoneNumberID, edge string,
	body []byte) (*http.Request, *gatedBody) {
	outgoing := &gatedBody{gate: new(gate), rest: body}
	request := c.request(ctx, http.MethodPost, token, []string{phoneNumberID, edge}, nil)
	request.Header["Content-Type"] = contentTypeJSON
	request.ContentLength = int64(len(body))
	request.Body = outgoing
	request.GetBody = func() (io.ReadCloser, error) { return outgoing.again(body) }

	return request, outgoing
}

// judge turns a response into an answer. Only three things prove that a message was not taken: an
// error envelope, a status below 500 other than success, and 503, with which an edge turns requests
// away unread. Behind 500, 502 and 504 without an envelope the message may have gone through.
func judge(response *http.Response, body []byte, whole bool, token Token) Answer {
	status := response.StatusCode
	if whole {
		if failure := envelopeError(response, body); failure != nil {
			failure.redact(token.Reveal())
			return refused(failure)
		}
	}

	switch {
	case status >= 200 && status < 300:
		if answer, understood := accepted(body); whole && understood {
			return answer
		}
		return lost(status, errors.New("the answer could not be read"))
	case status >= 500 && status != http.StatusServiceUnavailable, status == http.StatusRequestTimeout:
		return lost(status, errors.New("a gateway answered instead of the API"))
	default:
		return refused(gatewayError(response))
	}
}

// accepted reads the answer to a message that was taken. It is read for every message sent, so it
// looks only for the few values that it needs, which takes a fraction of the time of decoding into
// a struct.
func accepted(body []byte) (answer Answer, understood bool) {
	answer = Answer{Outcome: Accepted, WAMID: text(body, "messages.0.id")}
	if answer.WAMID == "" || !gjson.ValidBytes(body) {
		return Answer{}, false
	}

	answer.WaID, answer.UserID = strings.TrimSpace(text(body, "contacts.0.wa_id")), text(body, "contacts.0.user_id")
	switch text(body, "messages.0.message_status") {
	case "held_for_quality_assessment":
		answer.Outcome = Held
	case "paused":
		// Success in form only: Meta did not send it because the template is paused.
		failure := &Error{HTTPStatus: http.StatusOK, Code: codeTemplatePaused, Message: "the template is paused"}
		answer.Outcome, answer.Err, answer.Rule = Refused, failure, failure.Rule()
	}

	return answer, true
}

// text is the text at a place in a JSON document; empty when there is none, or something else.
func text(document []byte, path string) string {
	if value := gjson.GetBytes(document, path); value.Type == gjson.String {
		return value.Str
	}
	return ""
}

const codeTemplatePaused = 132015

func refused(failure *Error) Answer {
	return Answer{Outcome: Refused, Err: failure, Rule: failure.Rule(), RetryAfter: failure.RetryAfter}
}

func notSent(err error) Answer {
	return Answer{Outcome: NotSent, Err: &Error{Code: CodeNotSent, Message: err.Error()},
		Rule: RuleFor(CodeNotSent, 0, 0, false)}
}

func lost(status int, err error) Answer {
	return Answer{
		Outcome: Lost,
		Err:     &Error{HTTPStatus: status, Code: CodeLostAnswer, Message: err.Error()},
		Rule:    RuleFor(CodeLostAnswer, 0, 0, false),
	}
}

// gate knows whether a request's body was ever read, and can see to it that it never will be.
// Without its body Meta has no message, so a request whose gate was shut in time was certainly not
// sent.
//
// Hooks of httptrace could not say so: after a time-out net/http returns while its own goroutine
// may still be about to write. Nor does net/http's own repeating blur it. A POST without an
// Idempotency-Key is repeated only when HTTP/1 wrote no byte of it to a kept-alive connection
// (nothingWrittenError in transport.go), or when an HTTP/2 peer said that it did not take the
// stream (GOAWAY, REFUSED_STREAM, a stream PROTOCOL_ERROR: canRetryError in h2_bundle.go). It then
// asks for the body again, and the gate starts afresh.
type gate struct{ state atomic.Int32 }

const (
	gateUnread int32 = iota
	gateRead
	gateShut
)

var errGateShut = errors.New("the message was given up before it was written")

// gatedBody is a request's body behind a gate.
type gatedBody struct {
	*gate
	rest []byte
}

func (b *gatedBody) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(gateUnread, gateRead) && b.state.Load() == gateShut {
		return 0, errGateShut
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}

	n := copy(p, b.rest)
	b.rest = b.rest[n:]

	return n, nil
}

func (b *gatedBody) Close() error { return nil }

// again gives net/http a fresh body for a repetition.
func (b *gatedBody) again(body []byte) (io.ReadCloser, error) {
	if b.state.Load() == gateShut {
		return nil, errGateShut
	}

	b.state.Store(gateUnread)
	return &gatedBody{gate: b.gate, rest: body}, nil
}

// shut tells whether the body was never read, and from then on never will be.
func (g *gate) shut() bool {
	return g.state.CompareAndSwap(gateUnread, gateShut)
}

// callbackPrefix names the form of our callback data; other apps on the number have their own.
const callbackPrefix = "c1:"

// CallbackData is what a message carries to Meta and every webhook about it brings back, so that a
// receipt finds its message and attempt even when the answer to the send was lost.
func CallbackData(messageID string, attempt int) string {
	return callbackPrefix + messageID + ":" + strconv.Itoa(attempt)
}

// ParseCallback reads what CallbackData wrote; ok is false for anything else.
func ParseCallback(s string) (messageID string, attempt int, ok bool) {
	rest, ours := strings.CutPrefix(s, callbackPrefix)
	if !ours {
		return "", 0, false
	}

	colon := strings.LastIndexByte(rest, ':')
	if colon <= 0 {
		return "", 0, false
	}

	attempt, err := strconv.Atoi(rest[colon+1:])
	if err != nil || attempt < 0 || rest[colon+1] == '+' || rest[colon+1] == '-' {
		return "", 0, false
	}

	return rest[:colon], attempt, true
}
