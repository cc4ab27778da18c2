package worker

import (
	"testing"
	"time"

	"carillon/delivery"
	"carillon/uid"
)

func TestAMessageWithATimeOfItsOwnHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(30 * time.Millisecond)
	claims := make(chan []timed, 2)
	slow, free, late := message(soon), message(time.Time{}), message(time.Time{})
	claims <- []timed{slow, free}
	claims <- []timed{late}
	close(claims)
	a := agenda{claims: claims}

	for i, want := range []timed{free, late, slow} {
		got, ok := a.next(t.Context())
		if !ok || got.ID != want.ID {
			t.Errorf("message %d is %s, want %s", i, got.ID, want.ID)
		}
	}

	if time.Now().Before(soon) {
		t.Error("the limited message went before its time")
	}
	if _, ok := a.next(t.Context()); ok {
		t.Error("there is one more")
	}
}

func TestWhatWasClaimedAndNotTakenIsGivenBackWhole(t *testing.T) {
	t.Parallel()
	claims := make(chan []timed)
	go func() {
		claims <- []timed{message(time.Time{}), message(time.Time{}), message(time.Now().Add(time.Hour))}
		claims <- []timed{message(time.Time{})}
		close(claims)
	}()

	a := agenda{claims: claims}
	if _, ok := a.next(t.Context()); !ok {
		t.Fatal("no message")
	}
	if rest := a.rest(); len(rest) != 3 {
		t.Errorf("%d messages given back, want 3", len(rest))
	}
}

func message(at time.Time) timed {
	return timed{Claimed: delivery.Claimed{ID: uid.New(uid.Message)}, at: at}
}

func TestABreakerTripsProbesAndRecovers(t *testing.T) {
	t.Parallel()
	b, now := &breaker{}, time.Now()
	for range tripsAfter - 1 {
		if rest := b.saw(false, now); rest != 0 || b.allows(10, now) != 10 {
			t.Fatalf("tripped early: rests %v, allows %d", rest, b.allows(10, now))
		}
	}

	rest := b.saw(false, now)
	if rest < firstRest/2 || rest > firstRest || b.allows(10, now) != 0 {
		t.Errorf("tripped, it rests %v and allows %d", rest, b.allows(10, now))
	}

	later := now.Add(rest)
	if n := b.allows(10, later); n != 1 {
		t.Errorf("after its rest it allows %d, want one probe", n)
	}
	if again := b.saw(false, later); again < firstRest {
		t.Errorf("after a probe that failed it rests %v, want longer than before", again)
	}

	b.saw(true, later)
	if n := b.allows(10, later); n != 10 {
		t.Errorf("once it works it allows %d", n)
	}
}
