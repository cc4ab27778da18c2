package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"carillon/database/dbtest"
	"carillon/hub"
	"carillon/uid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type entry struct {
	Place int64  `json:"place"`
	Text  string `json:"text"`
}

func (e entry) Seq() int64 { return e.Place }

func (e entry) AppendJSON(b []byte) ([]byte, error) {
	one, err := json.Marshal(e)
	return append(b, one...), err
}

// ledger is a source in memory: an entry can be read from the moment on that commit returns it, and
// none before another.
type ledger struct {
	mu        sync.Mutex
	logs      map[uid.ID][]entry
	forgotten map[uid.ID]int64
	full      int64 // how long a log gets; 0 is without end
}

func newLedger() *ledger { return &ledger{logs: map[uid.ID][]entry{}, forgotten: map[uid.ID]int64{}} }

func (l *ledger) commit(organization uid.ID, n int) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.logs[organization]
	before := len(log)

	for range n {
		if place := int64(len(log) + 1); l.full == 0 || place <= l.full {
			log = append(log, entry{place, fmt.Sprintf("entry %d", place)})
		}
	}

	l.logs[organization] = log

	return slices.Clone(log[before:])
}

func (l *ledger) forget(organization uid.ID, upTo int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgotten[organization] = upTo
}

func (l *ledger) Read(ctx context.Context, organization uid.ID, after int64, limit int) ([]entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.logs[organization]
	from := min(max(after, l.forgotten[organization]), int64(len(log)))

	return slices.Clone(log[from:min(from+int64(limit), int64(len(log)))]), ctx.Err()
}

func (l *ledger) Last(ctx context.Context, organizations []uid.ID) (map[uid.ID]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[uid.ID]int64{}
	for _, organization := range organizations {
		last[organization] = int64(len(l.logs[organization]))
	}

	return last, ctx.Err()
}

// network is one process's way to Redis, which a test can cut and close.
type network struct {
	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errors.New("the test has closed the network")
	}

	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		n.conns = append(n.conns, conn)
	}

	return conn, err
}

func (n *network) cut(closed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = closed
	for _, conn := range n.conns {
		_ = conn.Close()
	}

	n.conns = nil
}

// loss loses, delays and shuffles what is published.
type loss struct{ lost, late float64 }

func (loss) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (loss) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (l loss) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	var late []redis.Cmder // only one goroutine sends
	return func(ctx context.Context, commands []redis.Cmder) error {
		now := late
		late = nil
		for _, c := range commands {
			switch chance := rand.Float64(); {
			case chance < l.lost:
			case chance < l.lost+l.late:
				late = append(late, c)
			default:
				now = append(now, c)
			}
		}

		if len(now) == 0 {
			return nil
		}

		rand.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })

		return next(ctx, now)
	}
}

// cluster is several processes on one Redis and one source.
type cluster struct {
	t      testing.TB
	source *ledger
	redis  *redis.Client
	prefix string
}

func newCluster(t testing.TB) *cluster {
	client, prefix := dbtest.Redis(t)
	return &cluster{t, newLedger(), client.(*redis.Client), prefix}
}

// quick has the polls of a test that waits for them.
var quick = hub.Options{Poll: 5 * time.Millisecond}

// seldom has no poll while the test runs, so that what arrives came over Redis.
var seldom = hub.Options{Poll: time.Hour}

// start runs another process's hub until the test ends.
func (c *cluster) start(o hub.Options, hooks ...redis.Hook) (*hub.Hub[entry], *network) {
	c.t.Helper()
	n := &network{}
	to := c.redis.Options()
	client := redis.NewClient(&redis.Options{Addr: to.Addr, Username: to.Username, Password: to.Password, DB: to.DB,
		Dialer: n.dial})
	for _, hook := range hooks {
		client.AddHook(hook)
	}

	h := hub.New(client, c.prefix, c.source, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()

	c.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("Run: %v", err)
		}

		_ = client.Close()
	})

	return h, n
}

// listening waits until Redis has so many listeners on a channel.
func (c *cluster) listening(channel string, want int64) {
	c.t.Helper()
	channel = c.prefix + channel
	for {
		got, err := c.redis.PubSubNumSub(c.t.Context(), channel).Result()
		if err != nil {
			c.t.Fatal(err)
		}
		if got[channel] == want {
			return
		}
	}
}

func subscribe(t testing.TB, h *hub.Hub[entry], organization uid.ID, after int64) *hub.Subscription[entry] {
	t.Helper()
	s, err := h.Subscribe(t.Context(), organization, after)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(s.Close)

	return s
}

// follow reads on to a place and fails at a gap or a repeat.
func follow(t testing.TB, s *hub.Subscription[entry], to int64) {
	t.Helper()
	for s.Cursor() < to {
		at := s.Cursor()
		entries, err := s.Next(t.Context())
		if err != nil {
			t.Fatalf("after %d: %v", at, err)
		}

		check(t, at, entries)
	}
}

func check(t testing.TB, after int64, entries []entry) {
	t.Helper()
	if len(entries) == 0 || len(entries) > 256 {
		t.Fatalf("%d entries at once", len(entries))
	}

	for i, e := range entries {
		if want := after + int64(i) + 1; e.Place != want || e.Text != fmt.Sprintf("entry %d", want) {
			t.Fatalf("got entry %d %q, want %d", e.Place, e.Text, want)
		}
	}
}

func publish(t testing.TB, h *hub.Hub[entry], organization uid.ID, entries []entry) {
	t.Helper()
	if err := h.Publish(t.Context(), organization, entries); err != nil {
		t.Error(err)
	}
}
