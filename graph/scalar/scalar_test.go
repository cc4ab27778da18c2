package scalar_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"carillon/graph/scalar"
	"carillon/uid"
)

func TestTimesAreUTCToTheMicrosecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-23T13:28:01Z": `"2026-11-23T13:28:01Z"`, "2026-11-23T21:28:01.1234567+08:00": `"2026-11-23T13:28:01.123456Z"`,
		"2026-11-23": "", "now": "", "": "", "10000-01-01T00:00:00Z": "",
	} {
		at, err := scalar.UnmarshalTime(text)
		if (err != nil) != (want == "") {
			t.Errorf("%q gave %v", text, err)
			continue
		}
		var out bytes.Buffer
		if scalar.MarshalTime(at.In(time.FixedZone("", 3600))).MarshalGQL(&out); err == nil && out.String() != want {
			t.Errorf("%q became %s, want %s", text, &out, want)
		}
	}
	if _, err := scalar.UnmarshalTime(7); err == nil {
		t.Error("a number was taken for a time")
	}
}

func FuzzCursor(f *testing.F) {
	at := time.Date(2026, 11, 23, 13, 28, 1, 250_000_000, time.UTC)
	for _, value := range []any{nil, []any{"mark", "name", at}, []any{"log1", int64(1) << 40}} {
		text, err := scalar.CursorText(scalar.Cursor{ID: uid.New(uid.Campaign), Value: value})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := scalar.UnmarshalCursor(context.Background(), text)
		if err != nil {
			return
		}
		if again, err := scalar.CursorText(c); err != nil {
			t.Errorf("%q was read as %+v and gave %q, %v", text, c, again, err)
		}
	})
}
