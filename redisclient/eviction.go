package redisclient

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
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

// memoryLine is where INFO says how much memory is used, and how much may be.
var memoryLine = regexp.MustCompile(`(?m)^(used_memory|maxmemory):(\d+)`)

// Memory is how many bytes a Redis uses and may use; zero where it has no bound or does not say. Of
// a cluster it is one node's.
func Memory(ctx context.Context, client redis.UniversalClient) (used, most int64) {
	text, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, 0
	}

	for _, m := range memoryLine.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.ParseInt(m[2], 10, 64) // digits
		if m[1] == "maxmemory" {
			most = n
		} else {
			used = n
		}
	}

	return used, most
}
