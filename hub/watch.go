package hub

import (
	"sync"

	"carillon/uid"
)

// Watch is told to look again at one topic. Many changes may give one signal; there may be a signal
// without a change, as when Redis was away and a change may have gone unheard.
type Watch struct {
	c     chan struct{}
	close func()
}

// Watch begins to watch a topic of an organization, or, with the zero ID, of none. What changed
// before is not signaled: watch first, then look.
func (h *Hub[E]) Watch(organization uid.ID, topic string) *Watch {
	w := &Watch{c: make(chan struct{}, 1)}
	w.close = sync.OnceFunc(func() {
		h.news.remove(organization, topic, w)
		h.line.want(h.newsChannel(organization), -1)
	})

	h.news.add(organization, topic, w)
	h.line.want(h.newsChannel(organization), 1)

	return w
}

// C gives the signals. It is not closed.
func (w *Watch) C() <-chan struct{} { return w.c }

// Close ends the watch.
func (w *Watch) Close() { w.close() }

func (w *Watch) signal() {
	select {
	case w.c <- struct{}{}:
	default: // it has been told and has not looked yet
	}
}

// news is who watches what in this process.
type news struct {
	mu      sync.RWMutex
	watches map[uid.ID]map[string]map[*Watch]struct{}
	surveys map[uid.ID]map[*Survey]struct{}
}

func (n *news) add(organization uid.ID, topic string, w *Watch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	topics := n.watches[organization]
	if topics == nil {
		topics = map[string]map[*Watch]struct{}{}
		n.watches[organization] = topics
	}

	if topics[topic] == nil {
		topics[topic] = map[*Watch]struct{}{}
	}

	topics[topic][w] = struct{}{}
}

func (n *news) remove(organization uid.ID, topic string, w *Watch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	topics := n.watches[organization]
	delete(topics[topic], w)
	if len(topics[topic]) == 0 {
		delete(topics, topic)
	}
	if len(topics) == 0 {
		delete(n.watches, organization)
	}
}

func (n *news) signal(organization uid.ID, topics ...string) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, topic := range topics {
		for w := range n.watches[organization][topic] {
			w.signal()
		}
	}

	for s := range n.surveys[organization] {
		s.note(topics)
	}
}

func (n *news) signalOrganization(organization uid.ID) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for s := range n.surveys[organization] {
		s.miss()
	}

	for _, watches := range n.watches[organization] {
		for w := range watches {
			w.signal()
		}
	}
}

func (n *news) signalAll() {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, surveys := range n.surveys {
		for s := range surveys {
			s.miss()
		}
	}

	for _, topics := range n.watches {
		for _, watches := range topics {
			for w := range watches {
				w.signal()
			}
		}
	}
}
