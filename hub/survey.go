package hub

import (
	"maps"
	"slices"
	"sync"

	"carillon/uid"
)

// mostNoted is how many topics a survey remembers. When more have changed since the last look, all
// may have.
const mostNoted = 1024

// Survey is told which topics of an organization have changed. Many changes of one give one note.
type Survey struct {
	c     chan struct{}
	close func()

	mu     sync.Mutex
	topics map[string]struct{}
	missed bool // something may have changed unheard
}

// Survey begins to watch all topics of an organization. As with Watch: survey first, then look.
func (h *Hub[E]) Survey(organization uid.ID) *Survey {
	s := &Survey{c: make(chan struct{}, 1), topics: map[string]struct{}{}}
	s.close = sync.OnceFunc(func() {
		h.news.leave(organization, s)
		h.line.want(h.newsChannel(organization), -1)
	})

	h.news.join(organization, s)
	h.line.want(h.newsChannel(organization), 1)

	return s
}

// C gives a signal when there may be something to take. It is not closed.
func (s *Survey) C() <-chan struct{} { return s.c }

// Close ends the survey.
func (s *Survey) Close() { s.close() }

// Take gives the topics that have changed since it was last called. When it reports missed, others
// may have too: Redis was away, or too many changed.
func (s *Survey) Take() (topics []string, missed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	topics, missed = slices.Sorted(maps.Keys(s.topics)), s.missed
	clear(s.topics)
	s.missed = false

	return topics, missed
}

func (s *Survey) note(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range topics {
		s.topics[topic] = struct{}{}
	}

	if len(s.topics) > mostNoted {
		clear(s.topics)
		s.missed = true
	}

	remind(s.c)
}

func (s *Survey) miss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed = true
	remind(s.c)
}

func (n *news) join(organization uid.ID, s *Survey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.surveys[organization] == nil {
		n.surveys[organization] = map[*Survey]struct{}{}
	}

	n.surveys[organization][s] = struct{}{}
}

func (n *news) leave(organization uid.ID, s *Survey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.surveys[organization], s)
	if len(n.surveys[organization]) == 0 {
		delete(n.surveys, organization)
	}
}
