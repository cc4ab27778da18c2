package main

import (
	"context"

	"carillon/ent"
	"carillon/whatsapp/sandbox"
)

// benchPace is how much of a number's limit is used, and the busiest sliding second, as the sandbox sees it.
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
	m, err := startMeta(ctx, sandbox.Options{Throughput: limit, NoPairLimit: true, NoWebhooks: true})
	if err != nil {
		return err
	}
	defer m.close()
	s, err := setStage(ctx, store, m.url)
	if err != nil {
		return err
	}
	defer s.close()
	c, err := s.enrolled(n)
	if err != nil {
		return err
	}
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
	return f.print("pace")
}
