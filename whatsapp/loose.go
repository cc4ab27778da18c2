package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Meta writes ids as strings here and as numbers there, and times as strings, numbers, seconds
// or milliseconds. These types take any of them, and never fail.

// loose is text that may come as a string, a number or a boolean. Anything else reads empty.
type loose string

func (l *loose) UnmarshalJSON(raw []byte) error {
	*l = loose(scalar(raw))
	return nil
}

func scalar(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	default:
		return string(raw)
	}
}

// number is an integer that may come as a string. What is no integer reads zero.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	*n = number(integer(scalar(raw)))
	return nil
}

func integer(s string) int64 {
	s = strings.TrimSpace(s)
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<62 {
		return 0
	}
	return int64(f)
}

// stamp is a time in Unix seconds, or in milliseconds when it is too large for seconds.
type stamp time.Time

func (t *stamp) UnmarshalJSON(raw []byte) error {
	*t = stamp(unixTime(scalar(raw)))
	return nil
}

func (t stamp) time() time.Time { return time.Time(t) }

// millisFrom is where a number of seconds (the year 5138) becomes a number of milliseconds.
const millisFrom = 100_000_000_000

// latest is the end of the year 9999, beyond which no database and no JSON takes a time.
const latest = 253_402_300_799_999

func unixTime(s string) time.Time {
	n := integer(s)
	switch {
	case n <= 0 || n > latest:
		return time.Time{}
	case n > millisFrom:
		return time.UnixMilli(n).UTC()
	default:
		return time.Unix(n, 0).UTC()
	}
}

// decode reads raw into v as well as it can. Of a value with a part of the wrong type, the
// other parts are kept; false means that nothing was understood.
func decode(raw []byte, v any) bool {
	err := json.Unmarshal(raw, v)
	return err == nil || errors.As(err, new(*json.UnmarshalTypeError))
}

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// list reads an array's elements, still raw. A single object counts as an array of one.
func list(raw []byte) []json.RawMessage {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] == '{' {
		return []json.RawMessage{raw}
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	return elements
}
