package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"

	"carillon/app"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/whatsapp/sandbox"
)

// chaosVariable set to "long" makes the chaos suite run for minutes instead of seconds.
const chaosVariable = "CARILLON_TEST_CHAOS"

// chaos says how much of it there is.
type chaos struct {
	recipients, perSecond, blows int
	readers                      int           // one, if 0
	errors                       float64       // share of sends that are refused by chance
	outageEvery                  time.Duration // when all are refused for a moment
	atMost                       time.Duration // for the sending and for all receipts to come in
}

func measureOfChaos() chaos {
	if os.Getenv(chaosVariable) == "long" {
		return chaos{recipients: 20_000, perSecond: 400, blows: 21, errors: 0.001, outageEvery: 20 * time.Second,
			atMost: 12 * time.Minute}
	}

	return chaos{recipients: 400, perSecond: 100, blows: 7, errors: 0.01, outageEvery: 7 * time.Second,
		atMost: 3 * time.Minute}
}

// sky is a WhatsApp on a bad day: it loses answers, refuses in bursts, and tells of everything
// late, twice and in a wrong order.
func (c chaos) sky() sandbox.Options {
	return sandbox.Options{
		Throughput: c.perSecond, NoPairLimit: true, Latency: 20 * time.Millisecond, LatencyJitter: 60 * time.Millisecond,
		LoseAnswers: 0.03, ErrorShare: c.errors, OutageEvery: c.outageEvery, OutageFor: 150 * time.Millisecond,
		DuplicateWebhooks: 0.3, ShuffleWebhooks: 0.3,
		SentDelay: 20 * time.Millisecond, DeliveredDelay: 60 * time.Millisecond, ReadDelay: 200 * time.Millisecond, Spread: 1,
	}
}

func TestChaosInOneProcess(t *testing.T) {
	t.Parallel()
	c := measureOfChaos()
	s := deploy(t, dbtest.SQLite(t), c.sky())
	kill := s.start("")
	s.ready()
	s.endure(c, map[string]func(){
		"kill -9": func() { kill(syscall.SIGKILL); kill = s.start(""); s.ready() },
		"SIGTERM": func() { kill(syscall.SIGTERM); kill = s.start(""); s.ready() },
	})
}

func TestChaosInManyProcesses(t *testing.T) {
	t.Parallel()
	c := measureOfChaos()
	redisURL, dsn := dbtest.RedisURL(t), dbtest.Postgres(t)
	s := deploy(t, dsn, c.sky())
	named := named(t, dsn)
	shared := []string{"DATABASE_URL=" + named.dsn, "REDIS_URL=" + redisURL, "ENCRYPTION_KEY=" + testKey}
	work := func() func(os.Signal) { return s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...) }
	api := s.start("serve", shared...)
	workers := []func(os.Signal){work(), work(), work()}
	s.ready()

	one := func(signal syscall.Signal) {
		n := rand.N(len(workers))
		workers[n](signal)
		workers[n] = work()
	}

	numbered := openRedis(t, redisURL)
	s.endure(c, map[string]func(){
		"kill -9 of a worker":              func() { one(syscall.SIGKILL) },
		"SIGTERM of a worker":              func() { one(syscall.SIGTERM) },
		"kill -9 of the API":               func() { api(syscall.SIGKILL); api = s.start("serve", shared...); s.ready() },
		"kill -9 of all workers":           func() { one(syscall.SIGKILL); one(syscall.SIGKILL); one(syscall.SIGKILL) },
		"Redis emptied":                    func() { numbered.empty() },
		"Redis cuts its connections":       func() { numbered.cut() },
		"PostgreSQL ends all its sessions": func() { named.cut() },
	})
}

func TestChaosOfTheServersBehindIt(t *testing.T) {
	t.Parallel()
	c := measureOfChaos()
	postgres, redis := dbtest.OwnPostgres(t), dbtest.OwnRedis(t)
	s := deploy(t, postgres.DSN, c.sky())
	shared := []string{"REDIS_URL=" + redis.URL, "ENCRYPTION_KEY=" + testKey}
	work := func() func(os.Signal) { return s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...) }
	s.start("serve", shared...)
	workers := []func(os.Signal){work(), work()}
	s.ready()

	s.endure(c, map[string]func(){
		"PostgreSQL restarts, fast":      func() { postgres.Restart("fast") },
		"PostgreSQL restarts, immediate": func() { postgres.Restart("immediate") },
		"Redis is killed, and back":      func() { redis.Kill(); redis.Start() },
		"Redis is emptied":               func() { redis.Empty() },
		"kill -9 of one of two workers":  func() { n := rand.N(2); workers[n](syscall.SIGKILL); workers[n] = work() },
	})
}

// endure sends a campaign while blows fall, in a random order at random moments, each kind at least
// once; at its end everything must be as if nothing had happened.
func (s *service) endure(c chaos, blows map[string]func()) {
	s.t.Helper()
	campaign := s.draft(c.recipients)
	s.decideSoon()
	s.shortenLeases()
	latest := s.wakeUps()
	var listeners []*listener
	for range max(1, c.readers) {
		listeners = append(listeners, s.listen())
	}

	s.do("launchCampaign", campaign)
	var order []string

	for len(order) < c.blows {
		kinds := slices.Collect(maps.Keys(blows))
		rand.Shuffle(len(kinds), func(i, k int) { kinds[i], kinds[k] = kinds[k], kinds[i] })
		order = append(order, kinds...)
	}

	ctx, cancel := context.WithTimeout(s.t.Context(), c.atMost)
	defer cancel()

	for i, name := range order {
		part := c.recipients * 9 / 10 / len(order)
		if err := s.sandbox.WaitAccepted(ctx, i*part+rand.N(part)); err != nil {
			s.t.Fatal(err)
		}

		s.t.Logf("%s at %d messages", name, s.sandbox.Counts().Accepted)
		blows[name]()
	}

	s.untilRead(ctx, c.recipients)
	if err := s.sandbox.WaitIdle(ctx); err != nil {
		s.t.Fatal(err)
	}

	s.judgeChaos(c, campaign, listeners, latest())
}

// wakeUps tells how late this process, in which the sandbox is, has woken up at worst since: for so
// long the sandbox may have left requests lying that came in time.
func (s *service) wakeUps() (latest func() time.Duration) {
	const every = 2 * time.Millisecond
	var worst atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			slept := time.Now()
			select {
			case <-time.After(every):
			case <-ctx.Done():
			}

			worst.Store(max(worst.Load(), int64(time.Since(slept)-every)))
		}
	}()

	s.t.Cleanup(func() { cancel(); <-over })
	return func() time.Duration { return time.Duration(worst.Load()) }
}

// shortenLeases makes the two minutes of a lease three seconds until the test is over: long enough
// for whoever lives.
func (s *service) shortenLeases() {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()

		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}

			_ = s.db.InTx(ctx, func(tx *database.Tx) error { // the next tick makes good what fails
				now := database.Now()
				if _, err := tx.ExecContext(ctx, "UPDATE claim SET until = $1 WHERE until BETWEEN $1 AND $2", now,
					now.Add(12*time.Second)); err != nil {
					return err
				}

				_, err := tx.ExecContext(ctx,
					"UPDATE message SET lease_until = $1 WHERE status = 'SENDING' AND lease_until BETWEEN $1 AND $2", now,
					now.Add(2*time.Minute-3*time.Second))

				return err
			})
		}
	}()

	s.t.Cleanup(func() { cancel(); <-over })
}

// untilRead waits in the database, since the API may be down.
func (s *service) untilRead(ctx context.Context, n int) {
	s.t.Helper()
	system := caller.System(ctx)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()

	for {
		row, err := s.db.Client.Campaign.Query().Only(system)
		if err == nil && row.Status == enum.CampaignStatusCompleted && row.Read == n {
			return
		}

		select {
		case <-look.C:
		case <-ctx.Done():
			s.t.Errorf("the campaign is not over: %v, %+v", row, s.sandbox.Counts())
			return
		}
	}
}

func (s *service) judgeChaos(c chaos, campaign string, listeners []*listener, latest time.Duration) {
	s.t.Helper()
	s.judge(c.recipients)
	system := caller.System(s.t.Context())
	if n := s.db.Client.Message.Query().Where(message.StatusNEQ(enum.MessageStatusRead)).CountX(system); n > 0 {
		s.t.Errorf("%d messages are not read", n)
	}

	// What left in time arrives together where the machine keeps the sandbox waiting: as many more as
	// fall into the longest such wait.
	usage := s.sandbox.Usage(app.SandboxNumber)
	bunched := c.perSecond/50 + int(latest*time.Duration(c.perSecond)/time.Second)
	if usage.Peak > c.perSecond+bunched {
		s.t.Errorf("%d messages in one second, the limit is %d, and %d may be bunched (the sandbox woke up %s late)",
			usage.Peak, c.perSecond, bunched, latest)
	}

	var last int
	if err := s.db.QueryRow(system, "SELECT last FROM event_counter").Scan(&last); err != nil {
		s.t.Fatal(err)
	}

	connections := 0
	var late, lateAgain time.Duration

	for _, l := range listeners {
		l.holds(last)
		connections += l.connections
		late, lateAgain = max(late, l.late), max(lateAgain, l.lateAgain)
	}

	s.t.Logf("%s: at most %d a second (woken up to %s late), %d requests, %.0f s; the sandbox says %+v; %d events, "+
		"%d connections of %d subscribers, the latest event %s after it was recorded (%s once Redis was back)",
		campaign, usage.Peak, latest, usage.Requests, usage.Last.Sub(usage.First).Seconds(), s.sandbox.Counts(), last,
		connections, len(listeners), late, lateAgain)
}

// listener is a subscriber that comes back with its cursor whatever happens.
type listener struct {
	*service
	mu          sync.Mutex
	cursor      string
	seen        []int
	connections int
	late        time.Duration // the most that an event came after it was recorded, whatever the reason
	lateAgain   time.Duration // the most of those that were recorded once Redis was back
	changed     chan struct{}
}

// listen returns once the subscriber stands at the log's end.
func (s *service) listen() *listener {
	l := &listener{service: s, changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})

	go func() {
		defer close(over)
		for ctx.Err() == nil {
			if l.once(ctx) != nil {
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		}
	}()

	s.t.Cleanup(func() { cancel(); <-over })
	s.until("the subscriber listens", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.cursor != "" })

	return l
}

// once follows the log over one connection.
func (l *listener) once(ctx context.Context) error {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 5 * time.Second}
	conn, _, err := dialer.DialContext(ctx, strings.Replace(l.url, "http", "ws", 1)+"/graphql", nil)
	if err != nil {
		return err
	}

	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.WriteJSON(map[string]any{"type": "connection_init",
		"payload": map[string]any{"Authorization": "Bearer " + l.token}}); err != nil {
		return err
	}

	l.mu.Lock()
	l.connections++
	variables := map[string]any{}
	if l.cursor != "" {
		variables["after"] = l.cursor
	}

	l.mu.Unlock()
	for {
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if err := conn.ReadJSON(&m); err != nil {
			return err
		}

		switch m.Type {
		case "connection_ack":
			err = conn.WriteJSON(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
				"query":     `subscription($after: Cursor) { deliveryEvents(after: $after) { cursor events { sequence recordedAt } } }`,
				"variables": variables}})
		case "ping":
			err = conn.WriteJSON(map[string]any{"type": "pong"})
		case "next":
			err = l.take(m.Payload)
		default:
			err = fmt.Errorf("%s %s", m.Type, m.Payload)
		}

		if err != nil {
			return err
		}
		if rand.N(200) == 0 {
			return errors.New("gone without a word")
		}
	}
}

func (l *listener) take(text json.RawMessage) error {
	var payload struct {
		Data struct {
			DeliveryEvents struct {
				Cursor string
				Events []struct {
					Sequence   int
					RecordedAt time.Time
				}
			}
		}
		Errors []json.RawMessage
	}
	if err := json.Unmarshal(text, &payload); err != nil || len(payload.Errors) > 0 {
		return fmt.Errorf("%w %s", err, text)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	l.cursor = payload.Data.DeliveryEvents.Cursor

	for _, e := range payload.Data.DeliveryEvents.Events {
		l.seen = append(l.seen, e.Sequence)
		late := time.Since(e.RecordedAt)
		l.late = max(l.late, late)
		if back := l.back.Load(); back != nil && e.RecordedAt.After(*back) {
			l.lateAgain = max(l.lateAgain, late)
		}
	}

	select {
	case l.changed <- struct{}{}:
	default:
	}

	return nil
}

// holds waits until the subscriber has seen the log to its last entry, and fails the test unless
// that was each one in its turn.
func (l *listener) holds(last int) {
	l.t.Helper()
	give := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		seen := slices.Clone(l.seen)
		l.mu.Unlock()

		if len(seen) >= last {
			for i, sequence := range seen {
				if sequence != i+1 {
					l.t.Fatalf("event %d that the subscriber saw has sequence %d", i+1, sequence)
				}
			}

			return
		}

		select {
		case <-l.changed:
		case <-give:
			l.t.Fatalf("the subscriber saw %d events of %d", len(seen), last)
		}
	}
}

// sessions are PostgreSQL's of one deployment, known by a name.
type sessions struct {
	t    *testing.T
	name string
	dsn  string // that gives them the name
	own  *sql.DB
}

func named(t *testing.T, dsn string) *sessions {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}

	q := u.Query()
	name := "chaos_" + q.Get("search_path")
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	own, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = own.Close() })

	return &sessions{t, name, u.String(), own}
}

// cut ends all of them, as a restart does.
func (s *sessions) cut() {
	s.t.Helper()
	var n int
	if err := s.own.QueryRowContext(s.t.Context(),
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", s.name).
		Scan(&n); err != nil || n == 0 {
		s.t.Errorf("ended %d sessions of PostgreSQL, %v", n, err)
	}
}

// numberedRedis is one database of a Redis that others use too.
type numberedRedis struct {
	t      *testing.T
	number string
	client *redis.Client
}

func openRedis(t *testing.T, address string) numberedRedis {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}

	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })

	return numberedRedis{t, fmt.Sprint(options.DB), client}
}

func (r numberedRedis) empty() {
	r.t.Helper()
	if err := r.client.FlushDB(r.t.Context()).Err(); err != nil {
		r.t.Error(err)
	}
}

var clientOfRedis = regexp.MustCompile(`(?m)^id=(\d+) .* db=(\d+) `)

// cut ends all connections but its own, as a restart does.
func (r numberedRedis) cut() {
	r.t.Helper()
	list, err := r.client.ClientList(r.t.Context()).Result()
	if err != nil {
		r.t.Fatal(err)
	}

	n := 0
	for _, m := range clientOfRedis.FindAllStringSubmatch(list, -1) {
		if m[2] == r.number && r.client.ClientKillByFilter(r.t.Context(), "ID", m[1], "SKIPME", "yes").Err() == nil {
			n++
		}
	}

	if n == 0 {
		r.t.Error("no connection of Redis was ended")
	}
}
