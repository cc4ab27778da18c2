package main

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"carillon/ent"
	"carillon/whatsapp/sandbox"
)

// benchPace is how much of a number's limit is used, and the busiest sliding second, as the sandbox
// sees it.
func benchPace(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for _, limit := range []int{20, 80, 1000} {
			if err := paceOnce(ctx, store, limit, limit*o.count(6)); err != nil {
				return err
			}
		}
	}

	return nil
}

func paceOnce(ctx context.Context, store string, limit, n int) error {
	m, s, end, err := setScene(ctx, store, sandbox.Options{Throughput: limit})
	if err != nil {
		return err
	}

	defer end()
	c, err := s.enrolled(n)
	if err != nil {
		return err
	}

	calls := &paceCalls{}
	s.redis.AddHook(calls)
	begun := costNow()
	ends := s.work()
	s.tasks.WakeLane(ctx, s.number.ID)
	err = s.until(ctx, c.ID, func(c *ent.Campaign) bool { return c.Accepted == n })
	f := figures{"store": store, "limit": limit}.since(begun, n)
	ends()
	if err != nil {
		return err
	}

	u := m.Usage(metaNumber)
	f["used_share"], f["busiest_second"], f["refused"] = u.Share(), u.Peak, u.Requests-u.Accepted
	f["redis_calls_per_message"] = float64(calls.Load()) / float64(n)

	return f.print("pace")
}

// paceCalls counts the calls of Redis that lease slots.
type paceCalls struct{ atomic.Int64 }

func (c *paceCalls) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *paceCalls) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) > 3 { // EVALSHA, script, number of keys, key
			if key, is := args[3].(string); is && strings.Contains(key, ":pace:") {
				c.Add(1)
			}
		}

		return next(ctx, cmd)
	}
}

func (c *paceCalls) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
