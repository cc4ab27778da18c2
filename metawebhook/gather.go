package metawebhook

import (
	"context"
	"sync"
)

// batchMessages bounds one commit of inbound messages, in messages.
const batchMessages = 500

// gather lets posts that come at the same time share commits: while one commit runs, what comes
// gathers, and the next commit takes it all. Whoever comes first leads: it commits what waits, its
// own part among it, and hands on to the next.
type gather[T any] struct {
	commit func(ctx context.Context, list []T) error

	mu      sync.Mutex
	waiting []*part[T]
	busy    bool
}

// part is what one post has to commit.
type part[T any] struct {
	list []T
	done chan error    // is told what came of it
	lead chan struct{} // is told to lead
}

// do returns when the list is committed, or when it could not be. Where a commit of several parts
// fails, each is tried alone.
func (g *gather[T]) do(ctx context.Context, list []T) error {
	mine := &part[T]{list: list, done: make(chan error, 1), lead: make(chan struct{}, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, mine)
	first := !g.busy
	g.busy = true
	g.mu.Unlock()

	if !first {
		select { // a commit takes a bounded time
		case err := <-mine.done:
			return err
		case <-mine.lead:
		}
	}

	g.lead(ctx)

	return <-mine.done
}

// lead commits one batch, that of whoever leads among it, and hands on. Whoever leads has been
// waiting longest.
func (g *gather[T]) lead(ctx context.Context) {
	g.mu.Lock()
	n, all := 0, []T(nil)
	for n < len(g.waiting) && (n == 0 || len(all)+len(g.waiting[n].list) <= batchMessages) {
		all = append(all, g.waiting[n].list...)
		n++
	}

	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()

	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.busy = len(g.waiting) > 0; g.busy {
			g.waiting[0].lead <- struct{}{}
		}
	}()

	err := g.within(ctx, all)
	for _, p := range batch {
		if err != nil && len(batch) > 1 {
			p.done <- g.within(ctx, p.list)
			continue
		}

		p.done <- err
	}
}

// within commits in a time of its own: the others must not fail because the first one's time is
// over.
func (g *gather[T]) within(ctx context.Context, list []T) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	return guarded(func() error { return g.commit(ctx, list) })
}
