// Package redisclient opens Redis in the two ways in which the service needs it: patiently for
// workers and live news, and quickly for whoever waits for an answer.
//
// It promises that a quick call takes no longer than half a second, that while Redis is away only
// one call in a second finds that out and all others fail at once, and that the log says once that
// Redis has gone and once that it is back.
package redisclient

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

const (
	// answerWithin is how long a quick call waits for a connection, and how long for the answer.
	answerWithin = 500 * time.Millisecond
	// askAgain is how long after a failure the next call may try.
	askAgain = time.Second
	// evictionRounds is how many questions of Monitor's lie between two about eviction.
	evictionRounds = 60
)

// ErrAway is the error of a quick call that was not tried, since Redis did not answer a moment ago.
var ErrAway = errors.New("redis does not answer")

// Patient opens Redis with go-redis's own times of some seconds. A context's deadline ends a call.
func Patient(options redis.UniversalOptions) redis.UniversalClient {
	options.ContextTimeoutEnabled = true
	return redis.NewUniversalClient(&options)
}

// Quick is a client for calls that have something to fall back on.
type Quick struct {
	redis.UniversalClient
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	log     *slog.Logger
	evicts  atomic.Pointer[string] // what was last said of it
}

// NewQuick opens Redis for calls that do not wait.
func NewQuick(options redis.UniversalOptions, log *slog.Logger) *Quick {
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = answerWithin, answerWithin,
		answerWithin, answerWithin
	options.DialerRetries, options.MaxRetries = 1, -1

	q := &Quick{UniversalClient: redis.NewUniversalClient(&options), log: log}

	q.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout: askAgain, MaxRequests: 1,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 },
		IsSuccessful: answered,
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
	})

	q.AddHook(hook{q})

	return q
}

// answered reports whether Redis said something that shows it is at work.
func answered(err error) bool {
	var said redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return true
	case errors.As(err, &said):
		return !redis.IsLoadingError(err) && !redis.IsMasterDownError(err) && !redis.IsClusterDownError(err) &&
			!redis.IsMaxClientsError(err)
	}

	return false
}

// Monitor asks every second whether Redis answers, so that the log has its going and its coming
// also where nobody calls. At the start, when Redis is back, and every minute it looks whether
// Redis evicts keys. It returns when ctx ends.
func (q *Quick) Monitor(ctx context.Context) error {
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for away, round := false, 0; ; round++ {
		err := q.Ping(ctx).Err()
		if err == nil && (away || round%evictionRounds == 0) {
			q.lookForEviction(ctx)
		}

		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !away:
			q.log.Warn("Redis does not answer: nothing is sent until it is back, live news is late, and each process limits "+
				"callers by itself", "error", err)
		case err == nil && away:
			q.log.Info("Redis answers again")
		}

		away = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// within marks the context of a call that the breaker has let through. go-redis greets a new
// connection by calls of its own, which pass the hook too, and belong to the call that needed the
// connection.
type within struct{}

// try makes a call, unless the breaker is open. A call that the caller's own deadline ended says
// nothing of Redis.
func (q *Quick) try(ctx context.Context, call func(context.Context) error) (err error) {
	if ctx.Value(within{}) != nil {
		return call(ctx)
	}

	done, open := q.breaker.Allow()
	if open != nil {
		return ErrAway
	}

	defer func() {
		if ctx.Err() != nil {
			done(context.Canceled)
			return
		}

		done(err)
	}()

	return call(context.WithValue(ctx, within{}, true))
}

// hook lets calls through when the breaker does.
type hook struct{ q *Quick }

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := h.q.try(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
		if errors.Is(err, ErrAway) {
			cmd.SetErr(err)
		}

		return err
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := h.q.try(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
		if errors.Is(err, ErrAway) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}

		return err
	}
}
