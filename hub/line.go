package hub

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const (
	// pingEvery finds a connection that is dead without having been closed, after three pings without
	// any answer.
	pingEvery   = 3 * time.Second
	pingsMissed = 3

	// The wait before another connection is tried, doubled each time.
	firstRetry, lastRetry = 50 * time.Millisecond, time.Second
)

var errSilent = errors.New("redis does not answer")

// line is this process's one connection for what other processes say.
type line struct {
	rdb   redis.UniversalClient
	log   *slog.Logger
	hear  func(channel, message string) // called for what is said
	begin func(channel string)          // called when a channel is heard from now on: what was said before may be lost
	up    atomic.Bool

	lastHeard atomic.Int64 // when Redis said anything last, in Unix nanoseconds

	mu      sync.Mutex
	epoch   uint64              // how many connections were lost
	joined  map[string]struct{} // channels that this connection is heard on
	wanted  map[string]int      // channel to number of those who want it
	changed map[string]struct{}
	ready   chan struct{} // holds a token when changed is not empty
}

func newLine(rdb redis.UniversalClient, log *slog.Logger, hear func(channel, message string),
	begin func(channel string)) *line {
	return &line{
		rdb: rdb, log: log, hear: hear, begin: begin,
		joined: map[string]struct{}{}, wanted: map[string]int{}, changed: map[string]struct{}{},
		ready: make(chan struct{}, 1),
	}
}

// want adds to the number of those who want to hear a channel. It does not wait for Redis.
func (l *line) want(channel string, add int) {
	l.mu.Lock()
	before := l.wanted[channel]
	if l.wanted[channel] += add; before+add == 0 {
		delete(l.wanted, channel)
	}
	if before == 0 || before+add == 0 {
		l.changed[channel] = struct{}{}
	}

	l.mu.Unlock()
	remind(l.ready)
}

// run keeps a connection until ctx is done.
func (l *line) run(ctx context.Context) {
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		err := l.connect(ctx)
		l.lost()
		if ctx.Err() != nil {
			return // up stays as it was: what is still to send may try
		}

		if l.up.Swap(false) {
			retry = firstRetry
			l.log.Warn("lost Redis; live news comes from polling", "error", err)
		}

		select {
		case <-ctx.Done():
			return
		case <-time.After(retry/2 + rand.N(retry)):
		}
	}
}

// connect makes a connection and works on it until it is lost.
func (l *line) connect(ctx context.Context) error {
	connection := l.rdb.Subscribe(ctx)
	var unanswered atomic.Int32
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.receive(ctx, connection, &unanswered) })
	g.Go(func() error {
		defer connection.Close() // which ends receive
		return l.tend(ctx, connection, &unanswered)
	})

	return g.Wait()
}

func (l *line) receive(ctx context.Context, connection *redis.PubSub, unanswered *atomic.Int32) error {
	for {
		// After an error go-redis may already have connected again, but nobody would know what was
		// missed.
		message, err := connection.Receive(ctx)
		if err != nil {
			return err
		}

		unanswered.Store(0)
		l.lastHeard.Store(time.Now().UnixNano())
		if !l.up.Swap(true) {
			l.log.Info("connected to Redis for live news")
		}

		switch m := message.(type) {
		case *redis.Message:
			l.hear(m.Channel, m.Payload)
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				l.join(m.Channel)
				l.begin(m.Channel)
			}
		}
	}
}

func (l *line) join(channel string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joined[channel] = struct{}{}
}

// lost says that whatever is said from now on is missed.
func (l *line) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	clear(l.joined)
}

// hears reports whether a channel is listened to, by a connection that has spoken lately: a dead
// one may not be known to be lost. The epoch is another one after each loss. It is for channels
// that are wanted all the time.
func (l *line) hears(channel string) (epoch uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, joined := l.joined[channel]

	return l.epoch, joined && time.Since(time.Unix(0, l.lastHeard.Load())) < 2*pingEvery
}

// tend joins and leaves channels as they are wanted, and pings.
func (l *line) tend(ctx context.Context, connection *redis.PubSub, unanswered *atomic.Int32) error {
	heard := map[string]struct{}{}
	l.recall()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	if err := connection.Ping(ctx); err != nil {
		return err
	}

	for {
		join, leave := l.changes(heard)
		if len(join) > 0 {
			if err := connection.Subscribe(ctx, join...); err != nil {
				return err
			}
		}

		if len(leave) > 0 {
			if err := connection.Unsubscribe(ctx, leave...); err != nil {
				return err
			}
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ready:
		case <-tick.C:
			if unanswered.Add(1) > pingsMissed {
				return errSilent
			}
			if err := connection.Ping(ctx); err != nil {
				return err
			}
		}
	}
}

// recall makes all that is wanted count as changed, for a new connection.
func (l *line) recall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for channel := range l.wanted {
		l.changed[channel] = struct{}{}
	}
}

// changes brings heard up to what is wanted, and returns the difference.
func (l *line) changes(heard map[string]struct{}) (join, leave []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for channel := range l.changed {
		_, is := heard[channel]
		switch wanted := l.wanted[channel] > 0; {
		case wanted && !is:
			heard[channel] = struct{}{}
			join = append(join, channel)
		case !wanted && is:
			delete(heard, channel)
			leave = append(leave, channel)
		}
	}

	clear(l.changed)

	return join, leave
}
