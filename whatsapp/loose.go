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
// or milliseconds. These types take any of them, never fail, and never hold more than their bound.

// The bounds, in characters but for ids. A text that is longer is cut.
const (
	maxText = 65_536 // what somebody can write on a phone
	maxNote = 2_000
	maxWord = 250
	maxID   = 500 // bytes; PostgreSQL's indexes take 2,704 in all
)

// loose is text that may come as a string, a number or a boolean. Anything else reads empty.
type loose string

func (l *loose) UnmarshalJSON(raw []byte) error {
	*l = loose(cut(scalar(raw), maxText))
	return nil
}

// note is an explanation for people.
type note string

func (n *note) UnmarshalJSON(raw []byte) error {
	*n = note(cut(scalar(raw), maxNote))
	return nil
}

// word is a name, or a word of one of Meta's enums.
type word string

func (w *word) UnmarshalJSON(raw []byte) error {
	*w = word(cut(scalar(raw), maxWord))
	return nil
}

// ident is an id, without the blanks around it. One that is longer than maxID is none and reads
// empty.
type ident string

func (i *ident) UnmarshalJSON(raw []byte) error {
	text := scalar(raw)
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] != '"' {
		text = writtenOut(text)
	}

	*i = ident(identOf(text))

	return nil
}

func identOf(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxID {
		return ""
	}

	return text
}

// writtenOut writes a number without its point and exponent when it is an integer: some JSON
// libraries write 1.5e3 for 1500.
func writtenOut(number string) string {
	if !strings.ContainsAny(number, ".eE") {
		return number
	}

	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 { // beyond that it is not exact
		return number
	}

	return strconv.FormatFloat(f, 'f', -1, 64)
}

// cut returns the first n characters of a text.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}

	for i := range text {
		if n == 0 {
			return text[:i]
		}

		n--
	}

	return text
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

// latest is the end of the year 9999, beyond which no database and no JSON takes a time. Date
// says which times are believed.
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

// elements is list that tells whether raw is of the right type. What is missing, or null, is a list
// of none.
func elements(raw []byte) (all []json.RawMessage, ok bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}

	all = list(raw)

	return all, all != nil
}

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
