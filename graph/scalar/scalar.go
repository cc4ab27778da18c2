// Package scalar is how the API's scalars are written and read: times always in UTC, cursors
// strictly.
package scalar

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"

	"carillon/uid"
	"carillon/usererror"
)

// MarshalInt writes a number of 32 bits, which is all that Int has.
func MarshalInt(n int) graphql.ContextMarshaler { return MarshalInt64(int64(n)) }

// UnmarshalInt reads a number of 32 bits.
func UnmarshalInt(ctx context.Context, v any) (int, error) {
	n, err := UnmarshalInt64(ctx, v)
	return int(n), err
}

// MarshalInt64 is MarshalInt for numbers that are kept in more bits than they have.
func MarshalInt64(n int64) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		if n < math.MinInt32 || n > math.MaxInt32 {
			return usererror.New(usererror.BadInput, "this number is beyond the 32 bits of Int: ask for less at once")
		}

		_, err := w.Write(strconv.AppendInt(nil, n, 10))
		return err
	})
}

// UnmarshalInt64 reads a number of 32 bits.
func UnmarshalInt64(_ context.Context, v any) (int64, error) {
	n, err := UnmarshalLong(v)
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, errors.New("an Int is a whole number of 32 bits")
	}

	return n, nil
}

// MarshalLong writes a number of 64 bits.
func MarshalLong(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(strconv.AppendInt(nil, n, 10)) })
}

// UnmarshalLong reads a number of 64 bits.
func UnmarshalLong(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
	}

	return 0, errors.New("a Long is a whole number of 64 bits")
}

// longestCursor is far beyond any that we write: a name and two ids.
const longestCursor = 2048

// Cursor is a place in a list or a log, as ent has it.
type Cursor = entgql.Cursor[uid.ID]

// MarshalTime writes a time as RFC 3339 in UTC.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(strconv.AppendQuote(nil, t.UTC().Format(time.RFC3339Nano)))
	})
}

// UnmarshalTime reads RFC 3339, to the microsecond: that is what the databases keep.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("a Time is a string, not %T", v)
	}

	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%.40q is not a Time: write it as in RFC 3339, e.g. 2026-11-23T13:28:01Z", s)
	}

	return t.UTC().Truncate(time.Microsecond), nil
}

// MarshalCursor writes a cursor as base64url of JSON.
func MarshalCursor(c Cursor) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		text, err := CursorText(c)
		if err != nil {
			return err
		}

		_, err = w.Write(strconv.AppendQuote(nil, text))

		return err
	})
}

// wire is a cursor as it travels. It is JSON, which costs no more to read than it is long.
type wire struct {
	ID     uid.ID `json:"i"`
	Values []cell `json:"v"`
}

// cell is one value: exactly one of these, or none for null.
type cell struct {
	Text  *string    `json:"s,omitempty"`
	Time  *time.Time `json:"t,omitempty"`
	Whole *int64     `json:"n,omitempty"`
}

// CursorText is a cursor as clients see it.
func CursorText(c Cursor) (string, error) {
	values, _ := c.Value.([]any)
	w := wire{c.ID, make([]cell, len(values))}
	for i, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			w.Values[i].Text = &v
		case *string:
			w.Values[i].Text = v
		case time.Time:
			w.Values[i].Time = &v
		case *time.Time:
			w.Values[i].Time = v
		case int64:
			w.Values[i].Whole = &v
		default:
			return "", fmt.Errorf("write cursor: unexpected %T", v)
		}
	}

	raw, err := json.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}

	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// UnmarshalCursor reads what MarshalCursor wrote: an id, and a list of texts, times in UTC and
// whole numbers. Whether it belongs where it was given is for the field to say.
//
// An empty text is the zero Cursor: clients begin with it (relayStylePagination of Apollo's), and
// mean none.
func UnmarshalCursor(_ context.Context, v any) (Cursor, error) {
	s, ok := v.(string)
	if !ok || len(s) > longestCursor {
		return Cursor{}, errCursor
	}
	if s == "" {
		return Cursor{}, nil
	}

	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return Cursor{}, errCursor
	}

	var w wire
	if err := json.Unmarshal(raw, &w); err != nil || w.ID.IsZero() {
		return Cursor{}, errCursor
	}

	values := make([]any, len(w.Values))
	for i, c := range w.Values {
		switch {
		case c.Text != nil && strings.ContainsRune(*c.Text, 0): // it is ours in its form alone
			return Cursor{}, errCursor
		case c.Text != nil:
			values[i] = *c.Text
		case c.Time != nil:
			values[i] = c.Time.UTC()
		case c.Whole != nil:
			values[i] = *c.Whole
		}
	}

	return Cursor{ID: w.ID, Value: values}, nil
}

var errCursor = usererror.New(usererror.BadInput, "this is not a cursor of this list: take it from an answer as it is")

// codes are the values of the enum UserErrorCode.
var codes = []usererror.Code{usererror.Required, usererror.Invalid, usererror.TooLong, usererror.TooShort,
	usererror.Taken, usererror.NoSuch, usererror.NotAllowed,
	usererror.LimitExceeded, usererror.Stale, usererror.Upstream}

// MarshalUserErrorCode writes why an input field was refused.
func MarshalUserErrorCode(c usererror.Code) graphql.Marshaler {
	return graphql.MarshalString(string(c))
}

// UnmarshalUserErrorCode reads it.
func UnmarshalUserErrorCode(v any) (usererror.Code, error) {
	s, _ := v.(string)
	if !slices.Contains(codes, usererror.Code(s)) {
		return "", fmt.Errorf("%v is not one of %v", v, codes)
	}

	return usererror.Code(s), nil
}
