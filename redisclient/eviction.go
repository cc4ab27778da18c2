package redisclient

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"github.com/redis/go-redis/v9"
)

// policyLine is where INFO says what Redis does when its memory is full.
var policyLine = regexp.MustCompile(`(?m)^maxmemory_policy:(\S+)`)

// Eviction is what a Redis does, or one node of a cluster, when its memory is full; empty when it
// refuses to take more, as it should, and when it does not say. In words that name the cure.
func Eviction(ctx context.Context, client redis.UniversalClient) (string, error) {
	var mu sync.Mutex
	found := ""

	look := func(ctx context.Context, node *redis.Client) error {
		text, err := node.Info(ctx, "memory").Result()
		if err != nil {
			return fmt.Errorf("ask Redis for its maxmemory-policy: %w", err)
		}
		if m := policyLine.FindStringSubmatch(text); m != nil && m[1] != "noeviction" {
			mu.Lock()
			defer mu.Unlock()
			found = "Redis throws keys away when its memory is full (maxmemory-policy " + m[1] + "), and with them queued " +
				"work and limits: set maxmemory-policy noeviction"
		}

		return nil
	}

	switch c := client.(type) {
	case *redis.ClusterClient:
		err := c.ForEachMaster(ctx, look)
		return found, err
	case *redis.Client:
		err := look(ctx, c)
		return found, err
	}

	return "", nil
}

// Evicts is what Monitor last found of Eviction.
func (q *Quick) Evicts() string {
	if said := q.evicts.Load(); said != nil {
		return *said
	}
	return ""
}

// lookForEviction says once that Redis evicts. What cannot be asked for is left as it is.
func (q *Quick) lookForEviction(ctx context.Context) {
	said, err := Eviction(ctx, q.UniversalClient)
	if err != nil {
		return
	}
	if said != "" && said != q.Evicts() {
		q.log.Warn(said)
	}

	q.evicts.Store(&said)
}
