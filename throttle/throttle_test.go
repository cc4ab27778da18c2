package throttle_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/database/dbtest"
	"carillon/throttle"
)

func TestAKeyIsAllowedItsTriesAndToldHowLongToWait(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	l := throttle.New(client, prefix, func(string) throttle.Limit { return throttle.Limit{Tries: 3, Span: time.Minute} }, slog.New(slog.DiscardHandler))
	for range 3 {
		if wait, err := l.Allow(t.Context(), "account:a"); wait != 0 || err != nil {
			t.Fatalf("refused within the limit: %v, %v", wait, err)
		}
	}
	if wait, err := l.Allow(t.Context(), "account:a"); wait <= 0 || wait > time.Minute || err != nil {
		t.Errorf("the fourth try waits %v, %v", wait, err)
	}
	if wait, err := l.Allow(t.Context(), "account:b"); wait != 0 || err != nil {
		t.Errorf("another key was refused: %v, %v", wait, err)
	}
}

func TestWithoutRedisTriesAreAllowed(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	l := throttle.New(client, "x", func(string) throttle.Limit { return throttle.Limit{Tries: 1, Span: time.Minute} }, slog.New(slog.DiscardHandler))
	if wait, err := l.Allow(t.Context(), "k"); wait != 0 || err != nil {
		t.Errorf("refused: %v, %v", wait, err)
	}
}
