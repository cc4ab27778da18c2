package hub

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"carillon/uid"
)

// maxWaiting is how many entries, and how many topics, wait for Redis. What is more is dropped:
// other processes find the entries when they poll, and look at all topics when they have connected
// again.
const maxWaiting = 1 << 16

// outbox is what this process has still to say to the others. While some of it is under way the
// next gathers.
type outbox[E Entry] struct {
	ready chan struct{} // holds a token when there may be something to take

	mu      sync.Mutex
	parcels []parcel[E]
	entries int // in parcels
	topics  map[topic]struct{}
}

type parcel[E Entry] struct {
	organization uid.ID
	entries      []E
}

type topic struct {
	organization uid.ID
	name         string
}

func newOutbox[E Entry]() *outbox[E] {
	return &outbox[E]{ready: make(chan struct{}, 1), topics: map[topic]struct{}{}}
}

func (o *outbox[E]) publish(organization uid.ID, entries []E) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.entries > 0 && o.entries+len(entries) > maxWaiting {
		return errors.New("redis does not keep up; other processes find these entries when they poll")
	}

	o.parcels = append(o.parcels, parcel[E]{organization, entries})
	o.entries += len(entries)
	remind(o.ready)

	return nil
}

func (o *outbox[E]) notify(topics ...topic) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range topics {
		if len(o.topics) < maxWaiting {
			o.topics[t] = struct{}{}
		}
	}

	remind(o.ready)
}

// take empties the outbox.
func (o *outbox[E]) take() ([]parcel[E], []topic) {
	o.mu.Lock()
	defer o.mu.Unlock()
	parcels, topics := o.parcels, slices.Collect(maps.Keys(o.topics))
	o.parcels, o.entries = nil, 0
	clear(o.topics)

	return parcels, topics
}

// remind leaves a token for whoever waits for one.
func remind(ready chan struct{}) {
	select {
	case ready <- struct{}{}:
	default: // there is one already
	}
}
