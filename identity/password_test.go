package identity

import (
	"context"
	"errors"
	"testing"
)

func TestAFloodOfSignInsWaitsInsteadOfEatingTheMemory(t *testing.T) {
	t.Parallel()
	if n := cap(newPasswords(Costs{}, 0).slots); n < 2 || n > 1024 {
		t.Errorf("%d are hashed at once", n)
	}

	p := newPasswords(Costs{MemoryKiB: 64, Passes: 1, Threads: 1}, 1)
	p.slots <- struct{}{} // somebody is being hashed
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.hash(gone, "a good long password"); !errors.Is(err, context.Canceled) {
		t.Errorf("beside one it may hash no other, and gave %v", err)
	}

	<-p.slots
	if hash, err := p.hash(t.Context(), "a good long password"); err != nil || hash == "" {
		t.Errorf("afterwards: %q, %v", hash, err)
	}
}
