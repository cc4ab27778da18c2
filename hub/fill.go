package hub

import (
	"context"
	"maps"
	"slices"
	"time"

	"carillon/uid"
)

// fillLimit is how many entries one statement reads to fill a gap.
const fillLimit = 4 * batch

// feed is the organization's log, if it has subscribers here.
func (h *Hub[E]) feed(organization uid.ID) *feed[E] {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.feeds[organization]
}

func (h *Hub[E]) offer(f *feed[E], entries []E) {
	if f.offer(entries, h.ring) {
		h.gap(f)
	}
}

// gap leaves the feed to a filler. It does not wait: when too many feeds have gaps, the poll finds
// this one again.
func (h *Hub[E]) gap(f *feed[E]) {
	select {
	case h.gaps <- f:
	default:
		f.giveUp()
	}
}

// fill fills gaps, one feed after the other.
func (h *Hub[E]) fill(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-h.gaps:
			h.fillFeed(ctx, f)
		}
	}
}

func (h *Hub[E]) fillFeed(ctx context.Context, f *feed[E]) {
	for more := true; more; {
		entries, err := h.source.Read(ctx, f.organization, f.tail.Load().head, fillLimit)
		if err == nil && len(entries) == 0 {
			entries, err = h.readAgain(ctx, f)
		}

		if err != nil {
			f.giveUp()
			if ctx.Err() == nil {
				h.log.Warn("cannot fill a gap in a log; the next poll tries again", "organization", f.organization, "error", err)
			}

			return
		}

		more = f.fill(entries, h.ring)
	}
}

// readAgain is for a gap in which nothing was found. When the source says how far the log goes, and
// still has nothing of it, it has forgotten all of that.
func (h *Hub[E]) readAgain(ctx context.Context, f *feed[E]) ([]E, error) {
	newest, err := h.source.Last(ctx, []uid.ID{f.organization})
	if err != nil {
		return nil, err
	}

	entries, err := h.source.Read(ctx, f.organization, f.tail.Load().head, fillLimit)
	if err == nil && len(entries) == 0 {
		f.forget(newest[f.organization])
	}

	return entries, err
}

// poll asks the source how far the logs go: all of them from time to time, and each when its
// channel begins to speak.
func (h *Hub[E]) poll(ctx context.Context) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !h.line.up.Load() {
				h.news.signalAll() // nobody tells us, so everybody looks for himself
			}

			h.check(ctx, h.all())
		case <-h.look:
			h.check(ctx, h.takeBegun())
		}
	}
}

func (h *Hub[E]) check(ctx context.Context, feeds map[uid.ID]*feed[E]) {
	if len(feeds) == 0 {
		return
	}

	newest, err := h.source.Last(ctx, slices.Collect(maps.Keys(feeds)))
	if err != nil {
		if ctx.Err() == nil {
			h.log.Warn("cannot poll the logs; the next poll tries again", "error", err)
		}
		return
	}

	for organization, f := range feeds {
		if f.reaches(newest[organization]) {
			h.gap(f)
		}
	}
}

func (h *Hub[E]) all() map[uid.ID]*feed[E] {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return maps.Clone(h.feeds)
}

func (h *Hub[E]) takeBegun() map[uid.ID]*feed[E] {
	h.mu.Lock()
	defer h.mu.Unlock()
	feeds := map[uid.ID]*feed[E]{}

	for organization := range h.begun {
		if f := h.feeds[organization]; f != nil {
			feeds[organization] = f
		}
	}

	clear(h.begun)

	return feeds
}
