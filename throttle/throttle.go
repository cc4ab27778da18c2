// Package throttle counts tries in Redis, so that all processes together allow only so many in a span of time.
package throttle

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit allows Tries within Span.
type Limit struct {
	Tries int
	Span  time.Duration
}

// Limiter keeps one window for each key: it begins with the first try and is over after its span.
type Limiter struct {
	redis  redis.UniversalClient
	prefix string
	limit  func(key string) Limit
	log    *slog.Logger
}

// New makes a limiter; limit says what is allowed for a key.
func New(client redis.UniversalClient, prefix string, limit func(key string) Limit, log *slog.Logger) *Limiter {
	return &Limiter{client, prefix, limit, log}
}

var count = redis.NewScript(`
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if n <= tonumber(ARGV[1]) then return 0 end
return math.max(redis.call('PTTL', KEYS[1]), 1)`)

// Allow counts one try and returns zero, or how long to wait. While Redis is away it allows: nobody should be locked out by
// our own fault, and the cost of checking a password still bounds the tries.
func (l *Limiter) Allow(ctx context.Context, key string) (retryAfter time.Duration, err error) {
	limit := l.limit(key)
	wait, err := count.Run(ctx, l.redis, []string{l.prefix + ":throttle:" + key}, limit.Tries, limit.Span.Milliseconds()).Int64()
	if err != nil {
		l.log.Warn("tries could not be counted and are allowed", "error", err)
		return 0, nil
	}
	return time.Duration(wait) * time.Millisecond, nil
}
