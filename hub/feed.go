package hub

import (
	"sync"
	"sync/atomic"

	"carillon/uid"
)

// feed is the log of one organization while it has subscribers in this process.
type feed[E Entry] struct {
	organization uid.ID
	readers      int // guarded by Hub.mu

	tail atomic.Pointer[tail[E]] // nil until the source has said where the log stands

	mu      sync.Mutex // guards the replacing of tail, and:
	known   int64      // the newest entry heard of; beyond the tail's head there is a gap to fill
	filling bool       // somebody sees to that
}

// reaches takes in how far the log goes, and reports whether the caller must see to filling a gap.
func (f *feed[E]) reaches(newest int64) (gap bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tail.Load() == nil {
		f.tail.Store(newTail[E](newest))
	}

	f.known = max(f.known, newest)

	return f.claim()
}

// offer takes in entries as they are published, and reports whether the caller must see to filling
// a gap.
func (f *feed[E]) offer(entries []E, keep int) (gap bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = max(f.known, entries[len(entries)-1].Seq())
	f.extend(entries, keep)

	return f.claim()
}

// fill takes in what the source has after the tail, and reports whether there may be more.
func (f *feed[E]) fill(entries []E, keep int) (more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(entries) == 0 {
		f.filling = false
		return false
	}

	if first := entries[0].Seq(); first > f.tail.Load().head+1 {
		// The source has forgotten what follows on the tail. Start anew: readers before it are told that
		// they have lost.
		f.replace(newTail[E](first - 1))
	}

	f.extend(entries, keep)
	f.filling = f.known > f.tail.Load().head

	return f.filling
}

// forget begins the tail anew after a place up to which the source has forgotten everything:
// readers before it are told.
func (f *feed[E]) forget(upTo int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if upTo > f.tail.Load().head {
		f.replace(newTail[E](upTo))
	}
}

// giveUp leaves the gap to the next poll.
func (f *feed[E]) giveUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filling = false
}

func (f *feed[E]) claim() bool {
	t := f.tail.Load()
	if t == nil || f.filling || f.known <= t.head {
		return false
	}

	f.filling = true

	return true
}

func (f *feed[E]) extend(entries []E, keep int) {
	t := f.tail.Load()
	if t == nil || entries[len(entries)-1].Seq() <= t.head || entries[0].Seq() > t.head+1 {
		return
	}

	f.replace(t.extend(entries, keep))
}

func (f *feed[E]) replace(t *tail[E]) {
	if old := f.tail.Swap(t); old != nil {
		close(old.passed)
	}
}
