package account

import (
	"sync"
	"time"
)

const (
	cacheFor  = 5 * time.Second
	cacheMost = 10_000
)

// cache keeps what was loaded for a time. What cannot be loaded is not kept.
type cache[K comparable, V any] struct {
	now  func() time.Time
	keep time.Duration

	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	until time.Time
}

func newCache[K comparable, V any](now func() time.Time) *cache[K, V] {
	return &cache[K, V]{now: now, keep: cacheFor, entries: map[K]entry[V]{}}
}

func (c *cache[K, V]) load(key K, load func() (V, error)) (V, error) {
	now := c.now()
	c.mu.Lock()
	known, ok := c.entries[key]
	c.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.value, nil
	}

	value, err := load()
	if err != nil {
		return value, err
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= cacheMost {
		clear(c.entries)
	}

	c.entries[key] = entry[V]{value, now.Add(c.keep)}

	return value, nil
}

func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	delete(c.entries, key)
	c.mu.Unlock()
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	clear(c.entries)
	c.mu.Unlock()
}
