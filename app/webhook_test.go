package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"

	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent/deliveryevent"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
)

// told is what a server of the organization's was told of messages, in the order in which it
// answered.
type told struct {
	mu   sync.Mutex
	of   map[string][]int64 // sequences, by message
	all  map[int64]bool
	nth  int // the request at which the program dies
	seen int
}

// take notes a payload once it is answered, and reports whether the program is to die now.
func (h *told) take(t *testing.T, r *http.Request) (now bool) {
	var payload struct {
		Data struct {
			Sequence int64
			Message  struct{ ID string }
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil { // its sender has died
		return false
	}
	if err := json.Unmarshal(body, &payload); err != nil {
		t.Errorf("%v: %s", err, body)
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen++
	h.of[payload.Data.Message.ID] = append(h.of[payload.Data.Message.ID], payload.Data.Sequence)
	h.all[payload.Data.Sequence] = true

	return h.seen == h.nth
}

// The program is killed at a post, before that is answered or after it.
func TestKilledWhileItTellsEndpointsEachEventArrivesInOrder(t *testing.T) {
	t.Parallel()
	for name, death := range map[string]struct {
		dsn          func(testing.TB) string
		answersFirst bool
	}{
		"before the answer, postgres": {dbtest.Postgres, false},
		"after the answer, sqlite":    {dbtest.SQLite, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, kill, campaign := toBeKilled(t, death.dsn(t))
			h := &told{of: map[string][]int64{}, all: map[int64]bool{}, nth: killedRecipients}
			dead := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !h.take(t, r) {
					return
				}
				if death.answersFirst {
					w.WriteHeader(http.StatusOK)
					_ = http.NewResponseController(w).Flush()
				}

				kill(syscall.SIGKILL)
				close(dead)
			}))
			t.Cleanup(server.Close)

			s.ask(`mutation($url: String!) { createWebhookEndpoint(input: {url: $url, events: [MESSAGE_ACCEPTED, MESSAGE_SENT,
					MESSAGE_DELIVERED, MESSAGE_READ]}) { webhookEndpoint { id } userErrors { message } } }`,
				map[string]any{"url": server.URL}, nil)
			s.do("launchCampaign", campaign)
			<-dead

			system := caller.System(t.Context())
			s.db.Client.WebhookEndpoint.Update().ClearLeaseID().ClearLeaseUntil().ExecX(system)
			s.recovered(campaign)
			logged := s.db.Client.DeliveryEvent.Query().Where(deliveryevent.StatusIn(enum.MessageStatusAccepted,
				enum.MessageStatusSent, enum.MessageStatusDelivered, enum.MessageStatusRead)).CountX(system)
			s.until("all is told", func() bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				return len(h.all) == logged
			})

			h.inOrder(t)
			if n := s.db.Client.WebhookEndpoint.Query().Where(webhookendpoint.FailingSinceNotNil()).CountX(system); n > 0 {
				t.Error("the endpoint counts as failing")
			}
		})
	}
}

// inOrder holds that what was told of a message first came in its order; what was told again may
// come in between.
func (h *told) inOrder(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.of) != killedRecipients {
		t.Errorf("%d messages are told of, not %d", len(h.of), killedRecipients)
	}

	for id, sequences := range h.of {
		last := int64(0)
		known := map[int64]bool{}
		for _, sequence := range sequences {
			if !known[sequence] && sequence < last {
				t.Errorf("of %s was told %v", id, sequences)
				break
			}

			known[sequence], last = true, max(last, sequence)
		}
	}
}
