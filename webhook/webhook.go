// Package webhook tells servers of an organization's of what happens: it posts events to endpoints,
// signed after the Standard Webhooks specification. Events of messages come from the log of
// deliveries, by a place in it that each endpoint has; the others are written by Tell in the
// transaction of their change. Each becomes a row, a delivery, before it is posted.
//
// It promises that no event is lost and none of a message overtakes another, whatever crashes: a
// delivery is posted once the one before it of the same subject is on record as over. One may be
// posted twice. An endpoint is served by one process at a time, by a lease, with a bounded number
// of rows and bytes, so that a slow or dead one delays nobody else.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/outbound"
	"carillon/secret"
	"carillon/uid"
)

const (
	// mostEndpoints is how many an organization may have, and mostServed how many one process
	// serves.
	mostEndpoints = 20
	mostServed    = 500
	// leaseFor is how long a process that says nothing keeps an endpoint, renewBefore how long
	// before that it says something, and lookEvery how often it looks what there is to do.
	leaseFor    = 30 * time.Second
	renewBefore = 20 * time.Second
	lookEvery   = time.Second
	// overlap is how long a secret signs after it was replaced.
	overlap = 24 * time.Hour
	// postTimeout is how long an answer may take, all in all.
	postTimeout = 10 * time.Second
	// mostWaiting is how many deliveries of an endpoint wait at most; the rest wait in the log.
	mostWaiting = 10_000
	// window is how many are on their way to an endpoint at once.
	window = 64
	// pageRows and pageBytes bound what is read of an endpoint's deliveries at a time.
	pageRows  = 256
	pageBytes = 256 << 10
)

// Feed is an organization's log from a place on, as the hub's subscriptions give it.
type Feed interface {
	Next(ctx context.Context) ([]delivery.Event, error)
	Close()
}

// Shaper makes payloads by an endpoint's selection.
type Shaper interface {
	// Check refuses a selection that does not fit the types of events; the error is for the caller.
	Check(ctx context.Context, selection string, events []enum.WebhookEventType) error
	// Events gives what the selection makes of entries of the log, one for each, in their order. It
	// reports false where the selection says nothing of events of messages.
	Events(ctx context.Context, e *ent.WebhookEndpoint, entries []delivery.Event) ([]Shaped, bool, error)
	// Subject gives what the selection makes of what an event is about, as that is now. It reports
	// false where the selection says nothing of such events, or the thing is gone.
	Subject(ctx context.Context, e *ent.WebhookEndpoint, event enum.WebhookEventType, subject uid.ID) (Shaped, bool, error)
}

// Shaped is what a selection gave, as JSON, and what went wrong.
type Shaped struct {
	Data   []byte
	Errors []string
}

// Parts are what a Service is made of.
type Parts struct {
	DB   *database.DB
	Keys *secret.Keyring
	Log  *delivery.Log
	// Follow reads an organization's log after a place. Errors that make good again are retried;
	// where the log no longer goes on from there, expired is true.
	Follow func(ctx context.Context, organization uid.ID, after int64) (f Feed, expired bool, err error)
	Shaper Shaper // nil: selections are refused
	Guard  *outbound.Guard
	Keep   time.Duration // how long what became of a delivery is kept
	Logger *slog.Logger
	Now    func() time.Time
}

// Service keeps endpoints, and posts to them while Run runs.
type Service struct {
	Parts
	client  *http.Client
	process uid.ID // names the leases that this process holds
	metrics metrics

	mu     sync.Mutex
	served map[uid.ID]*server
}

// New makes the service.
func New(p Parts) *Service {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}

	return &Service{Parts: p, client: p.Guard.Client(), process: uid.New(uid.Claim), metrics: newMetrics(),
		served: map[uid.ID]*server{}}
}

// ShapeBy sets who makes payloads by selections; call it before Run.
func (s *Service) ShapeBy(shaper Shaper) { s.Shaper = shaper }

// moment is now in the precision that both databases keep.
func (s *Service) moment() time.Time { return database.Moment(s.Now()) }

// statuses are what the log's entries are to endpoints. What is not here, such as QUEUED, is our
// own business.
var statuses = map[enum.MessageStatus]enum.WebhookEventType{
	enum.MessageStatusAccepted:  enum.WebhookEventTypeMessageAccepted,
	enum.MessageStatusSent:      enum.WebhookEventTypeMessageSent,
	enum.MessageStatusDelivered: enum.WebhookEventTypeMessageDelivered,
	enum.MessageStatusRead:      enum.WebhookEventTypeMessageRead,
	enum.MessageStatusFailed:    enum.WebhookEventTypeMessageFailed,
	enum.MessageStatusUnknown:   enum.WebhookEventTypeMessageUnknown,
	enum.MessageStatusSkipped:   enum.WebhookEventTypeMessageSkipped,
	enum.MessageStatusReceived:  enum.WebhookEventTypeMessageReceived,
}

// ofLog are the events that come from the log of deliveries.
func ofLog(event enum.WebhookEventType) bool {
	for _, e := range statuses {
		if e == event {
			return true
		}
	}

	return false
}
