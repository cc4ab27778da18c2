package uid

import (
	"bytes"
	"testing"
	"time"
)

func TestNewIDsAscendAndCarryTheirKind(t *testing.T) {
	t.Parallel()
	last := New(Message)
	for range 20_000 {
		next := New(Message)
		if next.String() <= last.String() {
			t.Fatalf("%s does not come after %s", next, last)
		}
		if next.Kind() != Message {
			t.Fatalf("kind of %s is %d", next, next.Kind())
		}

		last = next
	}

	if d := time.Since(last.Time()); d < -time.Minute || d > time.Minute {
		t.Errorf("time of a new id is %v away from now", d)
	}
}

func TestAnIDReadsBackFromEveryFormItIsWrittenIn(t *testing.T) {
	t.Parallel()
	for kind, prefix := range prefixes {
		if prefix == "" {
			continue
		}

		want := New(Kind(kind))
		got, err := Parse(want.String())
		if err != nil || got != want {
			t.Errorf("Parse(%s) = %s, %v", want, got, err)
		}

		stored, _ := want.Value()
		var scanned ID
		if err := scanned.Scan(stored); err != nil || scanned != want {
			t.Errorf("Scan(%x) = %s, %v", stored, scanned, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(New(Campaign).String())
	f.Add("cmp_")
	f.Add("_01k9z")

	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err == nil && n.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, n.String())
		}

		var g ID
		if err := g.UnmarshalGQL(s); err != nil {
			t.Errorf("a made-up id must name nothing, not fail: %v", err)
		}
	})
}

func TestIDsOfATimeLieWhereItBegins(t *testing.T) {
	t.Parallel()
	n := New(Message)
	if from, next := From(n.Time()), From(n.Time().Add(time.Millisecond)); bytes.Compare(from[:], n[:]) > 0 ||
		bytes.Compare(n[:], next[:]) >= 0 {
		t.Errorf("%x is not from %x until %x", n, from, next)
	}

	if early := From(time.Time{}); !early.IsZero() {
		t.Errorf("a time before all ids begins at %x", early)
	}
}

func TestIDsCompareByTheTimeOfTheirMaking(t *testing.T) {
	t.Parallel()
	first, second := New(Message), New(Campaign)
	if Compare(first, second) >= 0 || Compare(second, first) <= 0 || Compare(first, first) != 0 {
		t.Errorf("%s and %s do not compare as they were made", first, second)
	}
}
