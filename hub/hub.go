// Package hub hands what happens in any process to the subscribers in this one. It hides Redis, its
// lost and shuffled messages, and the seam between history and the present.
//
// An organization's log is entries with dense sequence numbers; the database holds it, and the hub
// carries its end. A Subscription gets every entry after its cursor once, in order, without a gap,
// whatever Redis loses. A Watch gets a signal to look again at something when it has changed, a
// Survey the names of all that has. A reader that does not keep up is closed with its cursor; it
// delays nobody and costs no memory, since all readers of a process share one copy of the log's
// end.
package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"carillon/uid"
)

const (
	// fillers is how many logs are filled from the source at once.
	fillers = 4

	// gaps is how many logs may wait for that. The poll finds the others again.
	gaps = 1024
)

// Entry is one entry of a log. It goes from process to process as JSON, so what JSON leaves out is
// not to be relied on. Subscribers share it: nobody may change it.
type Entry interface {
	// Seq is the entry's place in its organization's log. The first is 1, and none is left out.
	Seq() int64
	// AppendJSON appends the entry as encoding/json reads it.
	AppendJSON(b []byte) ([]byte, error)
}

// Source is the logs as committed. It may have forgotten the oldest entries, but shows no entry
// before the one before it.
type Source[E Entry] interface {
	// Read returns the first entries after a place, ascending, at most limit.
	Read(ctx context.Context, organization uid.ID, after int64, limit int) ([]E, error)
	// Last returns the newest place in each log. An organization without one may be absent.
	Last(ctx context.Context, organizations []uid.ID) (map[uid.ID]int64, error)
}

// Options are the hub's measures; zero means the default.
type Options struct {
	// Poll is how late news may be that Redis has lost: 2 seconds.
	Poll time.Duration
	// Ring is how many entries are kept of each log that has subscribers: 4,096, and never fewer than
	// 256.
	Ring int
	// Queue is how many entries a live subscriber may lag before it is closed: 16,384. It reads from
	// the source what is no longer in the ring. A commit larger than this would close everybody.
	Queue int
	// Announced is called with the subjects of every Announce, in whatever process that was; nil is
	// nobody. It must not wait.
	Announced func(subjects ...uid.ID)
	Logger    *slog.Logger
}

// Hub is one process's share of the live news of all organizations.
type Hub[E Entry] struct {
	rdb    redis.UniversalClient
	prefix string
	origin string // tells this process's messages from those of others
	source Source[E]
	every  time.Duration
	ring   int
	queue  int
	log    *slog.Logger

	line      *line
	outbox    *outbox[E]
	news      news
	announced func(subjects ...uid.ID)
	gaps      chan *feed[E] // logs that know of entries that they do not have
	look      chan struct{} // holds a token when begun is not empty

	slow  atomic.Int64 // readers that were closed
	mu    sync.RWMutex
	feeds map[uid.ID]*feed[E]
	begun map[uid.ID]struct{} // logs whose Redis channel speaks from now on: what was said before may be lost
}

// New returns a hub whose Redis channels begin with prefix. Other processes are heard while Run
// runs.
func New[E Entry](rdb redis.UniversalClient, prefix string, source Source[E], o Options) *Hub[E] {
	h := &Hub[E]{
		rdb:    rdb,
		prefix: prefix,
		origin: rand.Text(),
		source: source,
		every:  cmp.Or(o.Poll, 2*time.Second),
		ring:   max(cmp.Or(o.Ring, 4096), batch),
		queue:  cmp.Or(o.Queue, 16384),
		log:    cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
		news:   news{watches: map[uid.ID]map[string]map[*Watch]struct{}{}, surveys: map[uid.ID]map[*Survey]struct{}{}},
		outbox: newOutbox[E](),
		gaps:   make(chan *feed[E], gaps),
		look:   make(chan struct{}, 1),
		feeds:  map[uid.ID]*feed[E]{},
		begun:  map[uid.ID]struct{}{},
	}

	h.line = newLine(rdb, h.log, h.hear, h.listening)
	if o.Announced != nil {
		h.announced = o.Announced
		h.line.want(h.newsChannel(uid.ID{}), 1)
	}

	return h
}

// Run listens to Redis, sends to it, polls the source and fills gaps until ctx is done; then it
// sends what still waits. So it should be stopped after those who publish. Subscriptions stay open,
// and end with their readers' contexts.
func (h *Hub[E]) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { h.line.run(ctx); return nil })
	g.Go(func() error { h.send(ctx); return nil })
	g.Go(func() error { h.poll(ctx); return nil })
	for range fillers {
		g.Go(func() error { h.fill(ctx); return nil })
	}

	return g.Wait()
}

// Publish hands the entries of one commit, ascending, to the subscribers in this process, and to
// Redis for the others. It is called after the commit, and does not wait. The entries belong to the
// hub from now on. An error is harmless: the others poll.
func (h *Hub[E]) Publish(_ context.Context, organization uid.ID, entries []E) error {
	if len(entries) == 0 {
		return nil
	}
	if f := h.feed(organization); f != nil {
		h.offer(f, entries)
	}

	return h.outbox.publish(organization, entries)
}

// Notify tells those who watch one of the topics, in any process, to look again. It does not wait.
// What Redis cannot take now it gets later.
func (h *Hub[E]) Notify(_ context.Context, organization uid.ID, topics ...string) {
	h.tell(organization, topics)
	for _, name := range topics {
		h.outbox.notify(topic{organization, name})
	}
}

// Announce is Notify for a subject that belongs to no organization, as when a session or an API key
// is revoked. It is watched as Watch(uid.ID{}, subject.String()).
func (h *Hub[E]) Announce(ctx context.Context, subject uid.ID) {
	h.Notify(ctx, uid.ID{}, subject.String())
}

// tell hands topics to whoever waits for them in this process. What was announced comes first to
// who must forget it, so that nobody who looks again finds the old.
func (h *Hub[E]) tell(organization uid.ID, topics []string) {
	if organization.IsZero() && h.announced != nil {
		subjects := make([]uid.ID, 0, len(topics))
		for _, topic := range topics {
			if id, err := uid.Parse(topic); err == nil {
				subjects = append(subjects, id)
			}
		}

		h.announced(subjects...)
	}

	h.news.signal(organization, topics...)
}

// Hears reports whether this process hears now what others announce. The epoch is another one
// whenever an announcement may have gone unheard since.
func (h *Hub[E]) Hears() (epoch uint64, ok bool) { return h.line.hears(h.newsChannel(uid.ID{})) }
