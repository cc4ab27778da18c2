package transport

import (
	"container/list"
	"sync"
)

// entryCost is about what an entry takes besides its value: in the map, and in the list.
const entryCost = 256

// shares is a cache of so many bytes that its owners share. When it is full, whoever holds the most
// loses what they used the longest time ago: so nobody, however much they put in, can push out what
// others have as long as those have less.
type shares[V any] struct {
	most int // bytes

	mu      sync.Mutex
	used    int
	entries map[string]*list.Element
	holders map[any]*shareholder
}

type shareholder struct {
	owner   any
	used    int
	entries list.List // the last used first
}

type shareEntry[V any] struct {
	holder *shareholder
	key    string
	value  V
	cost   int
}

func newShares[V any](most int) *shares[V] {
	return &shares[V]{most: most, entries: map[string]*list.Element{}, holders: map[any]*shareholder{}}
}

func (s *shares[V]) get(key string) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.entries[key]
	if !ok {
		return value, false
	}

	entry := at.Value.(*shareEntry[V])
	entry.holder.entries.MoveToFront(at)

	return entry.value, true
}

// add leaves out what is larger than an eighth of the whole, and what is there already.
func (s *shares[V]) add(owner any, key string, value V, cost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.entries[key]; there || cost > s.most/8 {
		return
	}

	holder := s.holders[owner]
	if holder == nil {
		holder = &shareholder{owner: owner}
		s.holders[owner] = holder
	}

	s.entries[key] = holder.entries.PushFront(&shareEntry[V]{holder, key, value, cost})
	holder.used += cost
	s.used += cost
	for s.used > s.most {
		s.drop(s.largest())
	}
}

func (s *shares[V]) largest() (holder *shareholder) {
	for _, h := range s.holders {
		if holder == nil || h.used > holder.used {
			holder = h
		}
	}

	return holder
}

func (s *shares[V]) drop(holder *shareholder) {
	entry := holder.entries.Remove(holder.entries.Back()).(*shareEntry[V])
	delete(s.entries, entry.key)
	holder.used -= entry.cost
	s.used -= entry.cost
	if holder.entries.Len() == 0 {
		delete(s.holders, holder.owner)
	}
}

// size is how many bytes are in use.
func (s *shares[V]) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}
