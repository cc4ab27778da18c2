package sandbox

import (
	"testing"
	"time"
)

func TestTheRingKeepsTheNewestWhenItShrinks(t *testing.T) {
	t.Parallel()
	var r ring
	for i := range 5 {
		if !r.admit(int64(i), 5, time.Second) {
			t.Fatalf("time %d was not admitted", i)
		}
	}

	if r.admit(10, 3, time.Second) {
		t.Error("a smaller limit forgot what was admitted")
	}
	if !r.admit(int64(time.Second)+2, 3, time.Second) {
		t.Error("the oldest of the newest three is a second old, and blocks")
	}
	if r.admit(int64(time.Second)+2, 3, time.Second) {
		t.Error("admitted two for one")
	}
}
