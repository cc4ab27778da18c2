package scalar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"carillon/graph/scalar"
	"carillon/uid"
)

func TestTimesAreUTCToTheMicrosecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-23T13:28:01Z":              `"2026-11-23T13:28:01Z"`,
		"2026-11-23T21:28:01.1234567+08:00": `"2026-11-23T13:28:01.123456Z"`,
		"2026-11-23":                        "", "now": "", "": "", "10000-01-01T00:00:00Z": "",
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

func TestIntHas32BitsAndLongHas64(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for n, fits := range map[int64]bool{0: true, 1<<31 - 1: true, -1 << 31: true, 1 << 31: false, -1<<31 - 1: false,
		1<<63 - 1: false} {
		var asInt, asLong bytes.Buffer
		if err := scalar.MarshalInt64(n).MarshalGQLContext(ctx, &asInt); (err == nil) != fits {
			t.Errorf("%d as Int: %s, %v", n, &asInt, err)
		}
		if _, err := scalar.UnmarshalInt(ctx, n); (err == nil) != fits {
			t.Errorf("%d from Int: %v", n, err)
		}

		scalar.MarshalLong(n).MarshalGQL(&asLong)
		if back, err := scalar.UnmarshalLong(json.Number(asLong.String())); err != nil || back != n {
			t.Errorf("%d became %s and %d, %v", n, &asLong, back, err)
		}
	}

	for _, wrong := range []any{"5", 1.5, json.Number("1.5"), json.Number("9223372036854775808"), true, nil} {
		if n, err := scalar.UnmarshalLong(wrong); err == nil {
			t.Errorf("%v was taken for %d", wrong, n)
		}
	}
}

// What a cursor holds reaches the database, so a forged one must not hold what a database cannot
// take.
func TestACursorHoldsNoCharacterThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	text, err := scalar.CursorText(scalar.Cursor{ID: uid.New(uid.Campaign), Value: []any{"mark", "a\x00b"}})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := scalar.UnmarshalCursor(context.Background(), text); err == nil {
		t.Errorf("%q was read as %+v", text, c)
	}
	if c, err := scalar.UnmarshalCursor(context.Background(), ""); err != nil || !c.ID.IsZero() {
		t.Errorf("an empty cursor: %+v, %v", c, err)
	}
}
