package transport

import (
	"container/list"
	"sync"
)

// nobodys is the sockets and event streams of strangers, and of those who have not said yet who
// they are. They have a bound of their own, and one for each address. Whoever comes when that is
// reached is let in, and the oldest of the address that has the most has to go: who is about to say
// who they are does that at once, and who waits without a word gains nothing by it.
type nobodys struct {
	most, each int

	mu     sync.Mutex
	places map[connection]*list.Element
	houses map[stranger]*list.List // the oldest first
}

type nobody struct {
	house stranger
	connection
}

// newNobodys lets a tenth of all connections be nobody's, and a quarter of those come from one
// address.
func newNobodys(connections int) *nobodys {
	most := min(connections, max(connections/10, 16))
	return &nobodys{most: most, each: max(most/4, min(most, 8)), places: map[connection]*list.Element{},
		houses: map[stranger]*list.List{}}
}

// add returns whoever has to go.
func (n *nobodys) add(c connection, from stranger) (out connection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	house := n.houses[from]
	if house == nil {
		house = list.New()
		n.houses[from] = house
	}

	n.places[c] = house.PushBack(nobody{from, c})
	full := house

	switch {
	case house.Len() > n.each:
	case len(n.places) > n.most:
		for _, h := range n.houses {
			if h.Len() > full.Len() {
				full = h
			}
		}
	default:
		return nil
	}

	out = full.Front().Value.(nobody).connection
	n.forget(out)

	return out
}

// remove is called when a connection has become somebody's, or is gone.
func (n *nobodys) remove(c connection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forget(c)
}

func (n *nobodys) forget(c connection) {
	at, there := n.places[c]
	if !there {
		return
	}

	delete(n.places, c)
	one := at.Value.(nobody)

	if house := n.houses[one.house]; house.Len() == 1 {
		delete(n.houses, one.house)
	} else {
		house.Remove(at)
	}
}

func (n *nobodys) size() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.places)
}
