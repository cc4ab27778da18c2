// Package ratelimit bounds how much callers may try and ask for, over all processes together.
// Counts are in Redis, and also in each process, which goes on alone while Redis is away.
package ratelimit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit allows Tries within Span.
type Limit struct {
	Tries int
	Span  time.Duration
}

// Limiter counts tries by key: a window begins with the first try and is over after its span. Of a
// window no more than its tries are allowed, so a code of six digits cannot be guessed at a rate of
// its own, as it could with a bucket that refills.
type Limiter struct {
	redis  redis.UniversalClient
	prefix string
	limit  func(key string) Limit
	local  *windows
	log    *slog.Logger
	alone  atomic.Bool // Redis did not count the last try
}

// New makes a limiter; limit says what is allowed for a key. The client should fail fast: callers
// wait for it.
func New(client redis.UniversalClient, prefix string, limit func(key string) Limit, log *slog.Logger) *Limiter {
	return &Limiter{redis: client, prefix: prefix, limit: limit, local: newWindows(time.Now), log: log}
}

// A try that is refused is not counted, so that one that is given back always makes room for
// another.
var count = redis.NewScript(`
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
	return math.max(redis.call('PTTL', KEYS[1]), 1)
end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`)

var giveBack = redis.NewScript(`
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 0`)

// Allow counts one try and returns zero, or how long to wait. The process counts too, always, so
// that losing Redis, or all that it holds, gives nobody new tries there. While Redis is away the
// limit holds for each process by itself.
func (l *Limiter) Allow(ctx context.Context, key string) (retryAfter time.Duration, err error) {
	limit := l.limit(key)
	if wait := l.local.count(key, limit); wait > 0 {
		return wait, nil
	}

	wait, err := count.Run(ctx, l.redis, []string{l.prefix + ":throttle:" + key}, limit.Tries,
		limit.Span.Milliseconds()).Int64()
	l.note(err)
	if err != nil {
		return 0, nil
	}

	return time.Duration(wait) * time.Millisecond, nil
}

// GiveBack takes back one try that was allowed, because it turned out to be right: what is counted
// in the end is failures. Counting first keeps many tries at once within the limit.
func (l *Limiter) GiveBack(ctx context.Context, key string) {
	l.local.giveBack(key)
	l.note(giveBack.Run(ctx, l.redis, []string{l.prefix + ":throttle:" + key}).Err())
}

// note says once that Redis does not count, and once that it does again.
func (l *Limiter) note(err error) {
	switch {
	case err != nil && l.alone.CompareAndSwap(false, true):
		l.log.Warn("tries to sign in cannot be counted in Redis: each process counts its own", "error", err)
	case err == nil && l.alone.CompareAndSwap(true, false):
		l.log.Info("tries to sign in are counted in Redis again")
	}
}
