package worker

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/database/dbtest"
	"carillon/uid"
)

// leaseFor has several workers lease slots of one number until they hold n, and returns the slots
// in order of time.
func leaseFor(t *testing.T, p *Pace, number uid.ID, perSecond float64, workers, n int) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var g sync.WaitGroup

	for range workers {
		g.Go(func() {
			for {
				mu.Lock()
				enough := len(all) >= n
				mu.Unlock()
				if enough {
					return
				}

				s, wait, err := p.lease(t.Context(), number, perSecond, 7)
				if err != nil {
					t.Error(err)
					return
				}

				mu.Lock()
				for i := range s.n {
					all = append(all, s.at+time.Duration(i)*s.every)
				}

				mu.Unlock()
				_ = sleep(t.Context(), wait)
			}
		})
	}

	g.Wait()
	slices.Sort(all)

	return all
}

// mostInASecond is the largest count of slots in any sliding second, each used as late as it may
// be.
func mostInASecond(slots []time.Duration) (most int) {
	from := 0
	for to := range slots {
		for slots[to]-slots[from] >= time.Second+lateness {
			from++
		}

		most = max(most, to-from+1)
	}

	return most
}

func TestNoSlidingSecondHoldsMoreSlotsThanTheLimitWhateverManyWorkersAsk(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	p := NewPace(client, prefix)

	for _, limit := range []int{20, 80, 1000} {
		number := uid.New(uid.PhoneNumber)
		slots := leaseFor(t, p, number, float64(limit), 4, limit+limit/2)
		if most := mostInASecond(slots); most > limit {
			t.Errorf("%d slots in one second, the limit is %d", most, limit)
		}
	}
}

func TestAnEmptiedRedisLeasesNoSecondTwice(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	p, number := NewPace(client, prefix), uid.New(uid.PhoneNumber)
	var all []time.Duration

	for range 3 {
		for range 2 {
			s, wait, err := p.lease(t.Context(), number, 1000, mostSlots)
			if err != nil {
				t.Fatal(err)
			}

			for i := range s.n {
				all = append(all, s.at+time.Duration(i)*s.every)
			}

			_ = sleep(t.Context(), wait)
		}

		client.Del(t.Context(), p.key(number))
	}

	if !slices.IsSorted(all) {
		t.Error("slots lie before ones that were leased earlier")
	}
}

func TestARefusalHalvesTheRateAndOneBurstOfThemCountsOnce(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	p, number := NewPace(client, prefix), uid.New(uid.PhoneNumber)

	rate := func() float64 {
		t.Helper()
		other := uid.New(uid.PhoneNumber)
		rates, err := p.Rates(t.Context(), map[uid.ID]float64{number: 80, other: 20})
		if err != nil {
			t.Fatal(err)
		}
		if rates[other] != 20 {
			t.Errorf("rate of another number is %v", rates[other])
		}

		return rates[number]
	}
	if got := rate(); got != 80 {
		t.Fatalf("rate of a number that was never slowed is %v", got)
	}

	for range 20 {
		if err := p.Slow(t.Context(), number, 80, 0); err != nil {
			t.Fatal(err)
		}
	}

	if got := rate(); got < 39 || got > 60 {
		t.Errorf("rate after a burst of refusals is %v, want about 40", got)
	}

	s, _, err := p.lease(t.Context(), number, 80, 2)
	if err != nil || s.n == 0 {
		t.Fatal(s, err)
	}
	if s.every < 15*time.Millisecond {
		t.Errorf("slots are %v apart after slowing down", s.every)
	}
}

func TestASlotThatIsPastIsNotUsed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pacer{runs: []slots{{first: now.Add(-100 * time.Millisecond), every: 10 * time.Millisecond, n: 12}}}
	var used []time.Duration
	for at := p.next(now); !at.IsZero(); at = p.next(now) {
		used = append(used, at.Sub(now))
	}

	if len(used) == 0 || used[0] < -lateness || used[len(used)-1] != 10*time.Millisecond {
		t.Errorf("used %v", used)
	}
}

func TestAMessageThatLeavesLateCostsASlot(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pacer{runs: []slots{{first: now, every: 10 * time.Millisecond, n: 5}}}
	p.left(now) // in time
	p.left(now.Add(-time.Second))
	p.left(now.Add(-time.Second))
	if at := p.next(now); at.Sub(now) != 20*time.Millisecond {
		t.Errorf("the next slot is in %v, want the third of them", at.Sub(now))
	}
}

func TestANumberThatRestsForLongGivesItsWorkerBack(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	p, number := NewPace(client, prefix), uid.New(uid.PhoneNumber)
	if err := p.Slow(t.Context(), number, 80, time.Minute); err != nil {
		t.Fatal(err)
	}

	walk := pacer{pace: p, number: number, perSecond: 80}
	_, err := walk.wait(t.Context())
	var far farOff
	if !errors.As(err, &far) || time.Duration(far) < 50*time.Second || time.Duration(far) > time.Minute {
		t.Errorf("waiting ends with %v", err)
	}
}

func TestWithoutRedisThereAreNoSlots(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	_ = client.Close()
	if s, _, err := NewPace(client, prefix).lease(t.Context(), uid.New(uid.PhoneNumber), 80, 1); err == nil || s.n > 0 {
		t.Errorf("leased %d slots, %v", s.n, err)
	}
}

func TestWaitsGrowAsMetaAsks(t *testing.T) {
	t.Parallel()
	want := []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second,
		256 * time.Second}
	for retries, wait := range want {
		if got := pairWait(retries); got != wait {
			t.Errorf("after %d retries a pair waits %v, want %v", retries, got, wait)
		}

		for range 100 {
			if d := backoff(retries); d <= 0 || d > min(longestBackoff, time.Second<<retries)+1 {
				t.Errorf("back-off after %d retries is %v", retries, d)
			}
		}
	}
}
