package ratelimit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/database/dbtest"
	"carillon/ratelimit"
	"carillon/redisclient"
)

var (
	discard = slog.New(slog.DiscardHandler)
	three   = func(string) ratelimit.Limit { return ratelimit.Limit{Tries: 3, Span: time.Minute} }
)

// try counts tries until one is refused, and returns how many were not.
func try(t *testing.T, l *ratelimit.Limiter, key string, most int) (allowed int) {
	t.Helper()
	for range most {
		wait, err := l.Allow(t.Context(), key)
		if err != nil || wait > time.Minute {
			t.Fatalf("waits %v: %v", wait, err)
		}
		if wait > 0 {
			return allowed
		}

		allowed++
	}

	return allowed
}

// dead is a Redis where nobody answers.
func dead(t *testing.T) redis.UniversalClient {
	t.Helper()
	q := redisclient.NewQuick(redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}}, discard)
	t.Cleanup(func() { _ = q.Close() })

	return q
}

func TestAKeyIsAllowedItsTriesAndToldHowLongToWait(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	l := ratelimit.New(client, prefix, three, discard)

	for _, key := range []string{"account:a", "account:b", "code:a"} {
		if n := try(t, l, key, 5); n != 3 {
			t.Errorf("%s: %d tries, want 3", key, n)
		}
	}

	if wait, err := l.Allow(t.Context(), "account:a"); wait <= 0 || wait > time.Minute || err != nil {
		t.Errorf("the next try waits %v, %v", wait, err)
	}
}

func TestTwoProcessesAllowNoMoreThanOne(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	one, other := ratelimit.New(client, prefix, three, discard), ratelimit.New(client, prefix, three, discard)
	if n := try(t, one, "code:u", 2) + try(t, other, "code:u", 5); n != 3 {
		t.Errorf("%d tries, want 3", n)
	}
}

func TestWithoutRedisEachProcessHoldsTheLimit(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l := ratelimit.New(dead(t), "x", three, slog.New(slog.NewTextHandler(&log, nil)))
	if n := try(t, l, "code:u", 40); n != 3 {
		t.Errorf("%d tries without Redis, want 3", n)
	}

	try(t, l, "code:w", 40)
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "each process") {
		t.Errorf("logged %q, want one line", log.String())
	}
}

func TestARedisThatHasForgottenGivesNoNewTries(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	l := ratelimit.New(client, prefix, three, discard)
	try(t, l, "code:u", 3)
	if n, err := client.Del(t.Context(), prefix+":throttle:code:u").Result(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n := try(t, l, "code:u", 3); n != 0 {
		t.Errorf("%d more tries, want none", n)
	}
}

func TestARedisThatHangsDelaysFewAndLimitsAll(t *testing.T) {
	t.Parallel()
	wire := dbtest.NewWire(t, dbtest.RedisURL(t))
	options, err := redis.ParseURL(wire.URL)
	if err != nil {
		t.Fatal(err)
	}

	q := redisclient.NewQuick(redis.UniversalOptions{Addrs: []string{options.Addr}, DB: options.DB}, discard)
	t.Cleanup(func() { _ = q.Close() })
	l := ratelimit.New(q, "x", three, discard)
	if n := try(t, l, "code:u", 1); n != 1 {
		t.Fatal("refused the first")
	}

	wire.Hang()
	begun := time.Now()
	if n := try(t, l, "code:u", 40); n != 2 {
		t.Errorf("%d more tries while it hangs, want 2", n)
	}

	for i := range 40 {
		try(t, l, fmt.Sprintf("address:%d", i), 40)
	}

	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("120 tries took %v", took)
	}
}

func TestWhatAProcessCountsByItselfIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := ratelimit.NewWindows(func() time.Time { return now })
	limit := ratelimit.Limit{Tries: 1, Span: time.Minute}
	if w.Count("code:u", limit) != 0 || w.Count("code:u", limit) != time.Minute {
		t.Fatal("does not count")
	}

	for i := range 2 * ratelimit.MostWindows {
		w.Count(fmt.Sprintf("account:%d", i), limit)
	}

	if n := w.Len(); n != ratelimit.MostWindows+1 {
		t.Errorf("%d windows are kept", n)
	}
	if w.Count("code:u", limit) == 0 {
		t.Error("tries of another kind have pushed out a window")
	}
	if w.Count("account:0", limit) != 0 || w.Count(fmt.Sprintf("account:%d", 2*ratelimit.MostWindows-1), limit) == 0 {
		t.Error("not the oldest was forgotten")
	}

	now = now.Add(time.Minute)
	if w.Count("code:u", limit) != 0 {
		t.Error("the window is not over after its span")
	}
}

func TestACallerWhoLeavesIsNoFaultOfRedis(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	l := ratelimit.New(client, prefix, three, discard)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if wait, err := l.Allow(ctx, "account:a"); wait != 0 || err != nil {
		t.Errorf("%v, %v", wait, err)
	}
}

func TestATryThatIsGivenBackMakesRoomForAnotherInEveryProcess(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	one, other := ratelimit.New(client, prefix, three, discard), ratelimit.New(client, prefix, three, discard)

	for range 10 {
		if n := try(t, one, "account:a", 1); n != 1 {
			t.Fatal("refused, though every try was right")
		}

		one.GiveBack(t.Context(), "account:a")
	}

	try(t, one, "account:a", 2)
	if n := try(t, other, "account:a", 9); n != 1 {
		t.Errorf("%d more tries, want 1", n)
	}

	other.GiveBack(t.Context(), "account:a")
	if n := try(t, other, "account:a", 9); n != 1 {
		t.Errorf("%d more tries after many that were refused and one that was right, want 1", n)
	}
	if left, err := client.PTTL(t.Context(), prefix+":throttle:account:a").Result(); left <= 0 || err != nil {
		t.Errorf("the window has no end: %v, %v", left, err)
	}
}

func TestGivingBackMakesNoTriesOfNothing(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	for name, l := range map[string]*ratelimit.Limiter{"with Redis": ratelimit.New(client, prefix, three, discard),
		"without": ratelimit.New(dead(t), "x", three, discard)} {
		for range 5 {
			l.GiveBack(t.Context(), "code:u")
		}

		if n := try(t, l, "code:u", 9); n != 3 {
			t.Errorf("%s: %d tries, want 3", name, n)
		}
	}
}
