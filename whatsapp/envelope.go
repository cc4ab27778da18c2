package whatsapp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type errorEnvelope struct {
	Error json.RawMessage `json:"error"`
}

type wireError struct {
	Message     loose           `json:"message"`
	Type        loose           `json:"type"`
	Code        loose           `json:"code"`
	Subcode     number          `json:"error_subcode"`
	Data        json.RawMessage `json:"error_data"`
	Transient   bool            `json:"is_transient"`
	UserTitle   loose           `json:"error_user_title"`
	UserMessage loose           `json:"error_user_msg"`
	TraceID     loose           `json:"fbtrace_id"`
}

// envelopeError reads Meta's error envelope; nil when the body holds none.
func envelopeError(response *http.Response, body []byte) *Error {
	// Success has no such word, and needs no second decoding.
	if response.StatusCode < 300 && !bytes.Contains(body, []byte(`"error"`)) {
		return nil
	}

	var envelope errorEnvelope
	if !decode(body, &envelope) || !isObject(envelope.Error) {
		return nil
	}

	failure, ok := readError(envelope.Error)
	if !ok {
		return nil
	}

	failure.HTTPStatus = response.StatusCode
	failure.RetryAfter = retryAfter(response.Header, time.Now())
	if failure.TraceID == "" {
		failure.TraceID = response.Header.Get("X-Fb-Trace-Id")
	}

	return failure
}

// readError reads the inside of an envelope. Without a code it is not Meta's.
func readError(raw json.RawMessage) (*Error, bool) {
	var wire wireError
	if !decode(raw, &wire) {
		return nil, false
	}

	// Not read as zero when it is missing: zero is a code, and a grave one.
	code, err := strconv.Atoi(string(wire.Code))
	if err != nil {
		return nil, false
	}

	return &Error{
		Code: code, Subcode: int(wire.Subcode), Type: string(wire.Type), Message: string(wire.Message),
		Details: errorDetails(wire.Data), UserTitle: string(wire.UserTitle), UserMessage: string(wire.UserMessage),
		Transient: wire.Transient, TraceID: string(wire.TraceID),
	}, true
}

// redact takes secrets out of Meta's words, which may quote a malformed token.
func (e *Error) redact(secrets ...string) {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}

		for _, text := range []*string{&e.Message, &e.Details, &e.UserTitle, &e.UserMessage} {
			*text = strings.ReplaceAll(*text, secret, redacted)
		}
	}
}

// errorDetails reads error_data, which is an object with details, or plain text.
func errorDetails(raw json.RawMessage) string {
	var data struct {
		Details loose `json:"details"`
	}
	if isObject(raw) && decode(raw, &data) {
		return string(data.Details)
	}

	return scalar(raw)
}

// gatewayError is an answer without an envelope: HTML from an edge, or nothing.
func gatewayError(response *http.Response) *Error {
	return &Error{
		HTTPStatus: response.StatusCode, Code: CodeGateway, Message: "an answer that is not the API's",
		TraceID: response.Header.Get("X-Fb-Trace-Id"), RetryAfter: retryAfter(response.Header, time.Now()),
	}
}

// maxRetryAfter bounds what we believe of a header.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads Retry-After (seconds, or a date), else Meta's estimate of when an account's
// calls are allowed again.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds < maxRetryAfter.Seconds() {
		wait = time.Duration(seconds * float64(time.Second))
	} else if err == nil {
		wait = maxRetryAfter
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	} else {
		wait = estimatedWait(header.Get("X-Business-Use-Case-Usage"))
	}

	return min(max(wait, 0), maxRetryAfter)
}

// estimatedWait reads the longest wait of X-Business-Use-Case-Usage, which counts minutes.
func estimatedWait(header string) time.Duration {
	if header == "" {
		return 0
	}

	var usage map[string][]struct {
		Minutes number `json:"estimated_time_to_regain_access"`
	}
	decode([]byte(header), &usage)
	var longest number

	for _, kinds := range usage {
		for _, kind := range kinds {
			longest = max(longest, kind.Minutes)
		}
	}

	return time.Duration(min(longest, 24*60)) * time.Minute
}
