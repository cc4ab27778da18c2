package app_test

import (
	"testing"

	"carillon/app"
)

func TestMemoryIsGivenBackAtRestAndOnlyWhenThereIsSome(t *testing.T) {
	t.Parallel()
	var r app.Rest
	for i, look := range []struct {
		allocated uint64 // MiB, since the start
		want      bool
	}{
		{2, false},   // there is nothing yet
		{100, false}, // at work
		{200, false},
		{201, true},  // at rest
		{202, false}, // all of it was given back
		{209, false},
		{216, false},
		{217, true}, // little by little it has become worth it
		{300, false},
		{308, true},
	} {
		if got := r.Look(look.allocated << 20); got != look.want {
			t.Errorf("look %d, at %d MiB: %v", i, look.allocated, got)
		}
	}
}
