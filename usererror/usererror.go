// Package usererror holds the errors that a caller may read. Any other error is ours: the boundary
// logs it once, and the caller reads "internal error".
package usererror

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is what a client branches on: extensions.code of a GraphQL error.
type Kind string

const (
	Unauthenticated Kind = "UNAUTHENTICATED"
	Forbidden       Kind = "FORBIDDEN"
	NotFound        Kind = "NOT_FOUND"
	BadInput        Kind = "BAD_USER_INPUT"
	Conflict        Kind = "CONFLICT"
	RateLimited     Kind = "RATE_LIMITED"
	CursorExpired   Kind = "CURSOR_EXPIRED"
	SlowConsumer    Kind = "SLOW_CONSUMER"
	Unavailable     Kind = "UNAVAILABLE"
	Internal        Kind = "INTERNAL"
)

// Error refuses the whole call: a GraphQL error.
type Error struct {
	Kind       Kind
	Message    string        // for the caller: says what is wrong and what would be right
	RetryAfter time.Duration // RateLimited and Unavailable
	Cursor     string        // CursorExpired and SlowConsumer: where to go on from
	Needs      string        // Forbidden only: what would lift it, e.g. SECOND_FACTOR
}

func (e *Error) Error() string { return e.Message }

// New returns an error with a message for the caller.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Missing is the one answer for a row that is not there and for one that is somebody else's.
func Missing(what string) *Error { return New(NotFound, "%s not found", what) }

// Is reports whether err is an Error of that kind.
func Is(err error, kind Kind) bool {
	var f *Error
	return errors.As(err, &f) && f.Kind == kind
}

// Code is why one input field was refused: UserErrorCode of the API.
type Code string

const (
	Required      Code = "REQUIRED"
	Invalid       Code = "INVALID"
	TooLong       Code = "TOO_LONG"
	TooShort      Code = "TOO_SHORT"
	Taken         Code = "TAKEN"
	NoSuch        Code = "NOT_FOUND"
	NotAllowed    Code = "NOT_ALLOWED"
	LimitExceeded Code = "LIMIT_EXCEEDED"
	Stale         Code = "STALE"
	Upstream      Code = "UPSTREAM"
)

// Field refuses one field of the input.
type Field struct {
	Path    []string // path in the input, e.g. components, 1, text; empty for the whole
	Code    Code
	Message string
}

// Fields are the refused fields of one call. They become the payload's userErrors.
type Fields []Field

func (in Fields) Error() string {
	texts := make([]string, len(in))
	for i, one := range in {
		texts[i] = strings.Join(one.Path, ".") + ": " + one.Message
	}

	return strings.Join(texts, "; ")
}

// Add appends one. Field is a path with dots, for example "components.1.text".
func (in *Fields) Add(field string, code Code, format string, args ...any) {
	path := []string{}
	if field != "" {
		path = strings.Split(field, ".")
	}

	*in = append(*in, Field{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Err returns nil when no field is refused.
func (in Fields) Err() error {
	if len(in) == 0 {
		return nil
	}
	return in
}

// Refuse returns Fields of one.
func Refuse(field string, code Code, format string, args ...any) error {
	var in Fields
	in.Add(field, code, format, args...)
	return in
}
