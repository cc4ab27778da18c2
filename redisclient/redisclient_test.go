package redisclient_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/database/dbtest"
	"carillon/redisclient"
)

// behind opens a real Redis behind a wire.
func behind(t *testing.T, open func(redis.UniversalOptions) redis.UniversalClient) (redis.UniversalClient,
	*dbtest.Wire) {
	t.Helper()
	wire := dbtest.NewWire(t, dbtest.RedisURL(t))
	options, err := redis.ParseURL(wire.URL)
	if err != nil {
		t.Fatal(err)
	}

	client := open(redis.UniversalOptions{Addrs: []string{options.Addr}, DB: options.DB})
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}

	return client, wire
}

func quick(log *slog.Logger) func(redis.UniversalOptions) redis.UniversalClient {
	return func(o redis.UniversalOptions) redis.UniversalClient { return redisclient.NewQuick(o, log) }
}

var discard = slog.New(slog.DiscardHandler)

func TestAQuickCallFailsSoonWhateverHappensToRedis(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*dbtest.Wire){"it is cut": (*dbtest.Wire).Cut,
		"it hangs": (*dbtest.Wire).Hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, wire := behind(t, quick(discard))
			happens(wire)
			begun := time.Now()
			if err := client.Get(t.Context(), "k").Err(); err == nil || errors.Is(err, redis.Nil) {
				t.Fatalf("the first call gave %v", err)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("the first call took %v", took)
			}

			begun = time.Now()
			away := 0

			for range 1000 {
				if err := client.Get(t.Context(), "k").Err(); errors.Is(err, redisclient.ErrAway) {
					away++
				}
			}

			pipe := client.Pipeline()
			got := pipe.Get(t.Context(), "k")
			if _, err := pipe.Exec(t.Context()); err == nil || got.Err() == nil {
				t.Errorf("a pipeline gave %v and %v", err, got.Err())
			}
			if took := time.Since(begun); took > 3*time.Second || away < 990 {
				t.Errorf("1,000 calls took %v, and %d were not tried", took, away)
			}

			wire.Mend()
			for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
				if err := client.Get(t.Context(), "k").Err(); errors.Is(err, redis.Nil) {
					break
				}
				if t.Context().Err() != nil || time.Since(begun) > 20*time.Second {
					t.Fatal("it did not come back")
				}
			}
		})
	}
}

func TestWhatRedisSaysAndWhoeverLeavesIsNoReasonToStopAsking(t *testing.T) {
	t.Parallel()
	client, _ := behind(t, quick(discard))
	gone, cancel := context.WithCancel(t.Context())
	cancel()

	for range 5 {
		_ = client.Get(gone, "k").Err()
		if err := client.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
			t.Fatalf("a missing key gave %v", err)
		}
		if err := client.Do(t.Context(), "NONSENSE").Err(); err == nil || errors.Is(err, redisclient.ErrAway) {
			t.Fatalf("an unknown command gave %v", err)
		}
	}
}

func TestAPatientCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	client, wire := behind(t, redisclient.Patient)
	wire.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := client.Get(ctx, "k").Err(); err == nil || errors.Is(err, redis.Nil) {
		t.Errorf("gave %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTheLogSaysOnceThatRedisHasGoneAndOnceThatItIsBack(t *testing.T) {
	t.Parallel()
	log := &lines{}
	client, wire := behind(t, quick(slog.New(slog.NewTextHandler(log, nil))))
	ctx, stop := context.WithCancel(t.Context())
	var over sync.WaitGroup
	over.Go(func() { _ = client.(*redisclient.Quick).Monitor(ctx) })
	defer over.Wait()
	defer stop()

	for _, step := range []struct {
		happens func()
		said    string
	}{{wire.Hang, "Redis does not answer"}, {wire.Mend, "Redis answers again"}, {wire.Cut, "Redis does not answer"}} {
		before := log.len()
		step.happens()
		for tick := time.NewTicker(20 * time.Millisecond); log.len() == before; <-tick.C {
			_ = client.Get(t.Context(), "k").Err() // others call too, and nothing more is said
		}

		if got := log.last(); !strings.Contains(got, step.said) {
			t.Errorf("said %q, want %q", got, step.said)
		}
	}

	if log.len() != 3 {
		t.Errorf("%d lines, want 3", log.len())
	}
}

// lines are a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, string(bytes.TrimSpace(p)))

	return len(p), nil
}

func (l *lines) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.said)
}

func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said[len(l.said)-1]
}
