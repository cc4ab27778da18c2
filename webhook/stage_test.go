package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookdelivery"
	"carillon/hub"
	"carillon/identity"
	"carillon/outbound"
	"carillon/secret"
	"carillon/uid"
	"carillon/webhook"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).reaper"))
}

// longest is how long a test waits for what must come.
const longest = 60 * time.Second

// stage is an organization with a number, its log, and processes that serve its endpoints.
type stage struct {
	*webhook.Service // of the first process

	t       testing.TB
	db      *database.DB
	ctx     context.Context // of an administrator
	system  context.Context
	org     uid.ID
	account uid.ID
	number  uid.ID
	keys    *secret.Keyring
	hub     *hub.Hub[delivery.Event]
	queue   *delivery.Queue
	journal *delivery.Journal
	skew    atomic.Int64
}

func each(t *testing.T, test func(s *stage)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db)) })
}

func stand(t testing.TB, db *database.DB) *stage {
	t.Helper()
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	s := &stage{t: t, db: db, system: caller.System(t.Context()), keys: keys}
	c := db.Client
	s.org = c.Organization.Create().SetName("Lucky Shrub").SaveX(s.system).ID
	key := c.APIKey.Create().SetOrganizationID(s.org).SetName("crm").SetRole(enum.RoleAdmin).SetPrefix("ck_1").
		SetSecretHash(s.org[:]).SaveX(s.system)
	s.ctx = s.as(&identity.Viewer{Organization: s.org, Role: enum.RoleAdmin, Key: key})
	s.account = c.Account.Create().SetOrganizationID(s.org).SetWabaID(s.org.String()).SetName("shop").
		SetToken([]byte("t")).SaveX(s.system).ID
	s.number = c.PhoneNumber.Create().SetOrganizationID(s.org).SetAccountID(s.account).SetMetaID(s.org.String()).
		SetDisplayNumber("+1 555-078-3881").SetVerifiedName("shop").SaveX(s.system).ID

	client, prefix := dbtest.Redis(t)
	s.hub = hub.New[delivery.Event](client, prefix, delivery.NewLog(db), hub.Options{Poll: 200 * time.Millisecond})
	s.journal = delivery.NewJournal(db, s, database.Now, slog.New(slog.DiscardHandler))
	s.queue = delivery.NewQueue(db, s.journal, s, database.Now)
	s.start(s.hub.Run)
	s.start(s.journal.Run)
	s.Service = s.process("127.0.0.0/8")

	return s
}

func (s *stage) as(v *identity.Viewer) context.Context { return identity.With(s.t.Context(), v) }

func (s *stage) Publish(ctx context.Context, organization uid.ID, events []delivery.Event) {
	_ = s.hub.Publish(ctx, organization, events)
}
func (s *stage) Notify(context.Context, uid.ID, ...uid.ID) {}

// process is a service as a process has it. It does nothing by itself yet.
func (s *stage) process(allowed ...string) *webhook.Service {
	s.t.Helper()
	guard, err := outbound.New(allowed, nil)
	if err != nil {
		s.t.Fatal(err)
	}

	return webhook.New(webhook.Parts{DB: s.db, Keys: s.keys, Log: delivery.NewLog(s.db), Guard: guard,
		Keep: 7 * 24 * time.Hour, Now: s.now, Logger: slog.New(slog.DiscardHandler),
		Follow: func(ctx context.Context, o uid.ID, after int64) (webhook.Feed, bool, error) {
			feed, err := s.hub.Subscribe(ctx, o, after)
			var expired *hub.Expired
			return feed, errors.As(err, &expired), err
		}})
}

func (s *stage) now() time.Time { return database.Now().Add(time.Duration(s.skew.Load())) }

func (s *stage) advance(d time.Duration) { s.skew.Add(int64(d)) }

// start runs a part until the test ends, or until it is stopped.
func (s *stage) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); _ = run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-over })
	s.t.Cleanup(stop)

	return stop
}

// receiver is a server of the organization's.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	got    []post
	answer func(p post) (status int, header http.Header) // nil: 204
	news   chan struct{}
	forget bool // it keeps nothing of what came
}

// post is a request as it came.
type post struct {
	id, payload string
	header      http.Header
	body        struct {
		Type enum.WebhookEventType `json:"type"`
		Test bool                  `json:"test"`
		Data struct {
			Sequence int64              `json:"sequence"`
			Status   enum.MessageStatus `json:"status"`
			Message  struct {
				ID, To, From, Text, Reference string
			} `json:"message"`
		} `json:"data"`
	}
}

func (s *stage) receiver(answer func(post) (int, http.Header)) *receiver {
	r := &receiver{answer: answer, news: make(chan struct{}, 1)}
	r.Server = httptest.NewServer(r)
	s.t.Cleanup(r.Close)

	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	if r.forget {
		w.WriteHeader(http.StatusNoContent)
		return
	}

	p := post{id: request.Header.Get(standardwebhooks.HeaderWebhookID), payload: string(body), header: request.Header}
	_ = json.Unmarshal(body, &p.body)
	status, header := http.StatusNoContent, http.Header(nil)
	if r.answer != nil {
		status, header = r.answer(p)
	}

	for name, values := range header {
		w.Header()[name] = values
	}

	w.WriteHeader(status)
	if status >= http.StatusBadRequest {
		_, _ = io.WriteString(w, "no, thank you")
	}

	r.mu.Lock()
	r.got = append(r.got, p)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *receiver) posts() []post { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.got) }

// await waits until what came is enough.
func (s *stage) await(r *receiver, enough func([]post) bool) []post {
	s.t.Helper()
	deadline := time.After(longest)
	for {
		if got := r.posts(); enough(got) {
			return got
		}

		select {
		case <-r.news:
		case <-deadline:
			s.t.Fatalf("%d posts came, and that was not all", len(r.posts()))
		}
	}
}

func count(n int) func([]post) bool { return func(p []post) bool { return len(p) >= n } }

// until waits for something in the rows.
func (s *stage) until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(longest); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal(what)
		}
	}
}

var ofMessages = []enum.WebhookEventType{enum.WebhookEventTypeMessageAccepted, enum.WebhookEventTypeMessageSent,
	enum.WebhookEventTypeMessageDelivered, enum.WebhookEventTypeMessageRead, enum.WebhookEventTypeMessageReceived,
	enum.WebhookEventTypeMessageFailed}

func (s *stage) endpoint(url string, events ...enum.WebhookEventType) (*ent.WebhookEndpoint, string) {
	s.t.Helper()
	if len(events) == 0 {
		events = ofMessages
	}

	e, secret, err := s.Create(s.ctx, webhook.Draft{URL: &url, Events: events})
	if err != nil {
		s.t.Fatal(err)
	}

	return e, secret
}

// messages are queued ones.
func (s *stage) messages(n int) (ids []uid.ID) {
	s.t.Helper()
	out := make([]delivery.Outgoing, n)
	for i := range out {
		out[i] = delivery.Outgoing{PhoneNumber: s.number, Account: s.account, Address: fmt.Sprintf("+8613800%06d", i),
			Country: "CN", Type: enum.MessageTypeText}
	}

	err := s.db.InTx(s.system, func(tx *database.Tx) (err error) {
		ids, err = s.queue.Enqueue(s.system, tx, s.org, out, func() error { return nil })
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}

	return ids
}

// report records that messages have come to a status.
func (s *stage) report(kind delivery.FactKind, ids ...uid.ID) {
	s.t.Helper()
	facts := make([]delivery.Fact, len(ids))
	for i, id := range ids {
		facts[i] = delivery.Fact{Message: id, Kind: kind, At: database.Now()}
	}
	if unmatched, err := s.journal.Record(s.system, facts...); err != nil || len(unmatched) > 0 {
		s.t.Fatalf("%d unmatched: %v", len(unmatched), err)
	}
}

// statusesOf counts an endpoint's deliveries.
func (s *stage) deliveries(e *ent.WebhookEndpoint, status enum.WebhookDeliveryStatus) int {
	return s.db.Client.WebhookDelivery.Query().Where(webhookdelivery.EndpointID(e.ID),
		webhookdelivery.StatusEQ(status)).CountX(s.system)
}

func (s *stage) row(e *ent.WebhookEndpoint) *ent.WebhookEndpoint {
	return s.db.Client.WebhookEndpoint.GetX(s.system, e.ID)
}

// ordered checks that no message's events overtook one another.
func (s *stage) ordered(posts []post) {
	s.t.Helper()
	last := map[string]int64{}
	for _, p := range posts {
		m := p.body.Data.Message.ID
		if p.body.Data.Sequence < last[m] {
			s.t.Errorf("event %d of message %s came after %d", p.body.Data.Sequence, m, last[m])
		}

		last[m] = p.body.Data.Sequence
	}
}
