package hub_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"carillon/hub"
	"carillon/uid"
)

func TestSubscribeReplaysAndGoesOnLive(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, _ := c.start(seldom)
	organization, other := uid.New(uid.Organization), uid.New(uid.Organization)
	c.source.commit(organization, 1000)
	c.source.commit(other, 5)

	behind, now := subscribe(t, there, organization, 3), subscribe(t, there, organization, -1)
	if now.Cursor() != 1000 {
		t.Errorf("from now on begins at %d, want 1000", now.Cursor())
	}

	follow(t, behind, 1000)
	c.listening(":log:"+organization.String(), 1)
	publish(t, here, other, c.source.commit(other, 5))
	publish(t, here, organization, c.source.commit(organization, 1))
	publish(t, here, organization, c.source.commit(organization, 700))
	follow(t, behind, 1701)
	follow(t, now, 1701)
}

func TestPublishReachesItsOwnProcessWithoutRedis(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, n := c.start(seldom)
	n.cut(true)
	organization := uid.New(uid.Organization)
	s := subscribe(t, h, organization, -1)
	publish(t, h, organization, c.source.commit(organization, 300))
	follow(t, s, 300)
}

func TestThePollFindsWhatRedisLost(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, n := c.start(quick)
	there, _ := c.start(quick)
	organization := uid.New(uid.Organization)
	s := subscribe(t, there, organization, 0)
	n.cut(true)
	publish(t, here, organization, c.source.commit(organization, 3000))
	follow(t, s, 3000)
	n.cut(false)
	publish(t, here, organization, c.source.commit(organization, 10))
	follow(t, s, 3010)
}

func TestAJumpIsFilledFromTheSource(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := subscribe(t, h, organization, 0)
	first, second := c.source.commit(organization, 2000), c.source.commit(organization, 10)
	publish(t, h, organization, second)
	publish(t, h, organization, first)
	publish(t, h, organization, second)
	follow(t, s, 2010)
}

func TestWhatWasSaidWhileRedisWasAwayIsReadWhenItIsBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, n := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := subscribe(t, there, organization, 0)
	n.cut(true)
	publish(t, here, organization, c.source.commit(organization, 5))
	n.cut(false)
	follow(t, s, 5)
}

func TestEntriesThatOverlapAreTakenOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := subscribe(t, h, organization, 0)
	entries := c.source.commit(organization, 1000)
	for to := 10; to <= len(entries); to += 30 {
		publish(t, h, organization, entries[max(0, to-100):to])
	}

	follow(t, s, 1000)
}

func TestALargeCommitIsSplit(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := subscribe(t, there, organization, 0)
	c.listening(":log:"+organization.String(), 1)
	entries := c.source.commit(organization, 10_000)
	for i := range entries {
		entries[i].Text = strings.Repeat("x", 300)
	}

	publish(t, here, organization, entries)
	for s.Cursor() < 10_000 {
		if _, err := s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReaderThatDoesNotKeepUpIsClosedWithItsCursor(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(hub.Options{Queue: 500, Ring: 256})
	organization := uid.New(uid.Organization)
	slow, fast := subscribe(t, h, organization, -1), subscribe(t, h, organization, -1)
	for range 3 {
		publish(t, h, organization, c.source.commit(organization, 200))
		follow(t, fast, fast.Cursor()+200)
	}

	entries, err := slow.Next(t.Context())
	var e *hub.SlowConsumer
	if !errors.As(err, &e) || e.Cursor != 0 {
		t.Fatalf("Next = %d entries, %v, want a SlowConsumer at 0", len(entries), err)
	}
	if _, err := slow.Next(t.Context()); !errors.As(err, &e) {
		t.Errorf("Next again: %v", err)
	}

	// Further behind than that is no fault in who comes back and has not caught up.
	follow(t, subscribe(t, h, organization, e.Cursor), 600)
}

func TestALagWithinTheQueueIsReadFromTheSource(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(hub.Options{Ring: 256})
	organization := uid.New(uid.Organization)
	s := subscribe(t, h, organization, -1)
	for range 10 {
		publish(t, h, organization, c.source.commit(organization, 777))
	}

	follow(t, s, 7770)
}

func TestACursorThatTheLogCannotGoOnFromIsExpired(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	c.source.commit(organization, 100)
	live := subscribe(t, h, organization, -1)

	expired := func(name string, err error, at int64) {
		var e *hub.Expired
		if !errors.As(err, &e) || e.Cursor != at {
			t.Errorf("%s: %v, want Expired at %d", name, err, at)
		}
	}

	_, err := h.Subscribe(t.Context(), organization, 101)
	expired("a place that never was", err, 101)

	c.source.forget(organization, 50)
	_, err = subscribe(t, h, organization, 49).Next(t.Context())
	expired("a place that is forgotten", err, 49)
	follow(t, subscribe(t, h, organization, 50), 100)

	// Even the entries that a live reader waits for may be forgotten before this process has heard of
	// them.
	c.source.commit(organization, 100)
	c.source.forget(organization, 150)
	publish(t, h, organization, c.source.commit(organization, 1))
	_, err = live.Next(t.Context())
	expired("a place that is forgotten before it is seen", err, 100)
	follow(t, subscribe(t, h, organization, 150), 201)

	// The same where nothing is left, and nothing more comes.
	quiet, _ := c.start(quick)
	live = subscribe(t, quiet, organization, -1)
	c.source.commit(organization, 10)
	c.source.forget(organization, 211)
	_, err = live.Next(t.Context())
	expired("a place after which all is forgotten", err, 201)
	follow(t, subscribe(t, quiet, organization, 211), 211)
}

func TestNextEndsWithItsContextAndWithClose(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := subscribe(t, h, organization, -1)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	next := func(ctx context.Context) {
		_, err := s.Next(ctx)
		got <- err
	}

	go next(ctx)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v", err)
	}

	go next(t.Context())
	s.Close()
	if err := <-got; !errors.Is(err, hub.ErrClosed) {
		t.Errorf("Next = %v", err)
	}

	s.Close()
}

func TestAChannelIsHeardWhileItHasReaders(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, n := c.start(seldom)
	organization := uid.New(uid.Organization)
	log, news := ":log:"+organization.String(), ":news:"+organization.String()

	var all []interface{ Close() }
	for range 100 {
		all = append(all, subscribe(t, h, organization, -1), h.Watch(organization, "campaign"))
	}

	c.listening(log, 1)
	c.listening(news, 1)
	n.cut(false)
	c.listening(log, 0)
	c.listening(log, 1)
	c.listening(news, 1)
	for _, reader := range all {
		reader.Close()
	}

	c.listening(log, 0)
	c.listening(news, 0)
}

// Writers commit and publish through several processes, which lose, delay and shuffle what they
// publish and whose connections are cut; readers leave at random and go on at any process. Each
// must get its whole log, once and in order.
func TestEveryReaderGetsTheLogOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const (
		processes = 5 // the first two publish, the others have the readers
		writers   = 4 // of each log
		readers   = 6 // of each log
		entries   = 6000
	)
	c := newCluster(t)
	c.source.full = entries
	var hubs []*hub.Hub[entry]
	var networks []*network

	for range processes {
		o := quick
		o.Ring, o.Queue = 256, 600
		h, n := c.start(o, loss{lost: 0.3, late: 0.2})
		hubs, networks = append(hubs, h), append(networks, n)
	}

	publisher := func() *hub.Hub[entry] { return hubs[rand.IntN(2)] }
	server := func() *hub.Hub[entry] { return hubs[2+rand.IntN(processes-2)] }
	organizations := []uid.ID{uid.New(uid.Organization), uid.New(uid.Organization), uid.New(uid.Organization)}

	var all sync.WaitGroup

	for _, organization := range organizations {
		progress := make(chan struct{}, 1) // so that the writers do not run away from the readers
		for range readers {
			all.Go(func() { wander(t, server, organization, rand.Int64N(2)-1, entries, progress) })
		}

		for range writers {
			all.Go(func() {
				defer remind(progress)
				for ; ; <-progress {
					committed := c.source.commit(organization, 1+rand.IntN(40))
					if len(committed) == 0 {
						return
					}

					publish(t, publisher(), organization, committed)
					if rand.IntN(40) == 0 {
						networks[rand.IntN(processes)].cut(false)
					}
				}
			})
		}
	}

	all.Wait()
}

// wander reads from a place to another, and now and then leaves and goes on elsewhere.
func wander(t *testing.T, server func() *hub.Hub[entry], organization uid.ID, from, to int64, progress chan struct{}) {
	defer remind(progress)
	for from < to {
		s, err := server().Subscribe(t.Context(), organization, from)
		if err != nil {
			t.Error(err)
			return
		}

		stay := rand.IntN(200)
		for from = s.Cursor(); from < to && stay > 0; stay-- {
			entries, err := s.Next(t.Context())
			var slow *hub.SlowConsumer
			if errors.As(err, &slow) {
				if slow.Cursor != from {
					t.Errorf("closed at %d, want %d", slow.Cursor, from)
				}

				break
			}

			if err != nil {
				t.Error(err)
				return
			}

			for _, e := range entries {
				if from++; e.Place != from {
					t.Errorf("got entry %d, want %d", e.Place, from)
					return
				}
			}

			remind(progress)
		}

		s.Close()
	}
}

func remind(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
