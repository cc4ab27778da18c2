package ratelimit

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// mostWindows is how many keys of one kind a process counts by itself. Beyond, the one that was
// tried longest ago is forgotten. Each kind has its own, so that many tries of one kind push out
// none of another.
const mostWindows = 10_000

// windows count tries within this process. Their memory is bounded.
type windows struct {
	now func() time.Time

	mu    sync.Mutex
	kinds map[string]*simplelru.LRU[string, window] // by what stands before the first colon of a key
}

type window struct {
	ends  time.Time
	tries int
}

func newWindows(now func() time.Time) *windows {
	return &windows{now: now, kinds: map[string]*simplelru.LRU[string, window]{}}
}

// count counts one try and returns zero, or how long to wait.
func (w *windows) count(key string, limit Limit) (wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys, now := w.kind(key), w.now()

	is, known := keys.Get(key)
	if !known || !now.Before(is.ends) {
		is = window{ends: now.Add(limit.Span)}
	}
	if is.tries >= limit.Tries {
		return is.ends.Sub(now)
	}

	is.tries++
	keys.Add(key, is)

	return 0
}

// giveBack takes back one try of a window that is not over.
func (w *windows) giveBack(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := w.kind(key)

	if is, known := keys.Get(key); known && is.tries > 0 && w.now().Before(is.ends) {
		is.tries--
		keys.Add(key, is)
	}
}

func (w *windows) kind(key string) *simplelru.LRU[string, window] {
	name, _, _ := strings.Cut(key, ":")
	keys, known := w.kinds[name]
	if !known {
		keys, _ = simplelru.NewLRU[string, window](mostWindows, nil) // fails only for a size below one
		w.kinds[name] = keys
	}

	return keys
}
