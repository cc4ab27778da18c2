package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"carillon/whatsapp"
)

// Accepted is a message that the sandbox took on: what a test holds the sender's own account of
// things against.
type Accepted struct {
	WAMID         string    `json:"wamid"`
	PhoneNumberID string    `json:"phone_number_id"`
	To            string    `json:"to"`
	CallbackData  string    `json:"biz_opaque_callback_data"`
	ArrivedAt     time.Time `json:"arrived_at"`
	Type          string    `json:"type"`
	Template      string    `json:"template,omitempty"`
	Language      string    `json:"language,omitempty"`
	Endpoint      string    `json:"endpoint"`         // messages or marketing_messages
	Bid           float64   `json:"bid,omitempty"`    // what a max price was multiplied by
	Params        []string  `json:"params,omitempty"` // in the order of the request: header, body, buttons
	Posted        []string  `json:"posted,omitempty"` // statuses that were acknowledged
}

// Accepted lists every accepted message, in the order of acceptance.
func (s *Sandbox) Accepted() []Accepted { return s.accepted(0, 1<<62) }

func (s *Sandbox) accepted(from, limit int) []Accepted {
	b := &s.book
	b.Lock()
	defer b.Unlock()
	var out []Accepted
	at := 0

	b.each(func(m *message) {
		if at >= from && at-from < limit {
			out = append(out, s.shown(m))
		}

		at++
	})

	return out
}

func (s *Sandbox) shown(m *message) Accepted {
	a := Accepted{
		WAMID: s.wamid(m.to(), m.seq), PhoneNumberID: m.number.ID, To: m.to(), CallbackData: m.callbackData(),
		ArrivedAt: time.Unix(0, m.arrived), Type: m.content.Type, Template: m.content.Template, Language: m.content.Language,
		Endpoint: cmp.Or(m.content.Endpoint, "messages"), Bid: m.content.Bid,
		Params: m.parameters(),
	}

	for _, st := range []step{stepSent, stepDelivered, stepRead, stepFailed} {
		if m.told&(1<<st) != 0 {
			a.Posted = append(a.Posted, stepNames[st])
		}
	}

	return a
}

// Counts are the totals so far.
func (s *Sandbox) Counts() Counts { return s.book.snapshot() }

// Pending is the number of webhooks and reviews that are not yet done and acknowledged.
func (s *Sandbox) Pending() int { return s.book.snapshot().Pending }

// Usage is what a number's sends amount to.
type Usage struct {
	Requests int       `json:"requests"`
	Accepted int       `json:"accepted"`
	Peak     int       `json:"peak"` // requests in the busiest sliding second
	Limit    int       `json:"limit"`
	First    time.Time `json:"first"` // accepted
	Last     time.Time `json:"last"`
}

// Share is the part of the limit that was used between the first and the last accepted message.
func (u Usage) Share() float64 {
	seconds := u.Last.Sub(u.First).Seconds()
	if u.Accepted < 2 || seconds <= 0 || u.Limit == 0 {
		return 0
	}

	return float64(u.Accepted-1) / seconds / float64(u.Limit)
}

// Usage gives a number's figures; zero for a number that is not known.
func (s *Sandbox) Usage(phoneNumberID string) Usage {
	s.catalog.RLock()
	n := s.catalog.numbers[phoneNumberID]
	var limit int
	if n != nil {
		limit = n.perSecond(s.options.Load())
	}

	s.catalog.RUnlock()
	if n == nil {
		return Usage{}
	}

	t := &n.traffic
	t.Lock()
	defer t.Unlock()
	u := Usage{Requests: t.requests, Accepted: t.accepted, Peak: t.peak, Limit: limit}
	if t.accepted > 0 {
		u.First, u.Last = time.Unix(0, t.first), time.Unix(0, t.last)
	}

	return u
}

// PeakPerSecond is the largest count of a number's requests in any sliding second, refused ones
// included.
func (s *Sandbox) PeakPerSecond(phoneNumberID string) int { return s.Usage(phoneNumberID).Peak }

// WaitFor waits until the totals are as done wants them.
func (s *Sandbox) WaitFor(ctx context.Context, done func(Counts) bool) error {
	return s.book.wait(ctx, func(b *book) bool { return done(b.copied()) })
}

// WaitIdle waits until every webhook is acknowledged and every review is over. Run must be running.
func (s *Sandbox) WaitIdle(ctx context.Context) error {
	return s.book.wait(ctx, func(b *book) bool { return b.pending == 0 })
}

// WaitAccepted waits until n messages were accepted.
func (s *Sandbox) WaitAccepted(ctx context.Context, n int) error {
	return s.book.wait(ctx, func(b *book) bool { return b.counts.Accepted >= n })
}

// wait looks at the book at each change of it.
func (b *book) wait(ctx context.Context, done func(*book) bool) error {
	for {
		b.Lock()
		if done(b) {
			b.Unlock()
			return nil
		}

		b.waiting++
		changed := b.changed
		b.Unlock()

		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the sandbox, which stands at %+v: %w", b.snapshot(), ctx.Err())
		case <-changed:
		}
	}
}

// SendInbound plays a user who writes to a number. It opens the customer service window, and gives
// the message's wamid.
func (s *Sandbox) SendInbound(phoneNumberID, from, text string) (string, error) {
	return s.SendInboundMessage(phoneNumberID, from, map[string]any{"type": "text", "text": map[string]any{"body": text}})
}

// SendInboundMessage does the same with a message of any type; from, id and timestamp are filled
// in.
func (s *Sandbox) SendInboundMessage(phoneNumberID, from string, message map[string]any) (string, error) {
	s.catalog.RLock()
	n := s.catalog.numbers[phoneNumberID]
	s.catalog.RUnlock()
	if n == nil {
		return "", fmt.Errorf("phone number %s is unknown to the sandbox", phoneNumberID)
	}

	from = whatsapp.Digits(from)
	now := s.now()
	n.traffic.openWindow(recipientKey(from), now.UnixNano())
	s.journal.put(s, record{Window: &window{n.ID, from, now.UnixNano()}})
	id := s.wamid(from, rand.Uint64()|1<<63) // far from the sequence numbers of sends
	filled := map[string]any{"from": from, "id": id, "timestamp": fmt.Sprint(now.Unix())}
	for key, value := range message {
		filled[key] = value
	}

	metadata := map[string]any{"display_phone_number": n.digits, "phone_number_id": n.ID}
	contacts := []any{map[string]any{"profile": map[string]any{"name": "Sandbox user"}, "wa_id": from}}
	if s.heldElsewhere(n, from) { // a copy of what another app answers
		s.tell(n.account, nil, "standby", map[string]any{"messaging_product": "whatsapp", "metadata": metadata,
			"standby": map[string]any{"contacts": contacts, "messages": []any{filled}}})
		return id, nil
	}

	s.tell(n.account, n, "messages", map[string]any{"messaging_product": "whatsapp", "metadata": metadata,
		"contacts": contacts, "messages": []any{filled}})

	return id, nil
}

// SendEvent posts a webhook of any field about an account, such as account_update.
func (s *Sandbox) SendEvent(wabaID, field string, value json.RawMessage) error {
	s.catalog.RLock()
	a := s.catalog.accounts[wabaID]
	s.catalog.RUnlock()
	if a == nil {
		return fmt.Errorf("account %s is unknown to the sandbox", wabaID)
	}

	s.tell(a, nil, field, value)

	return nil
}

// Reset forgets messages, pending webhooks and totals. Accounts, templates and their reviews stay.
// What is being posted at that moment is still posted, and counted.
func (s *Sandbox) Reset() error {
	s.catalog.RLock()
	for _, n := range s.catalog.numbers {
		n.traffic.reset()
	}

	s.catalog.RUnlock()
	s.book.reset()
	if s.journal == nil {
		return nil
	}

	return s.journal.restart(s, s.options.Load().StatePath)
}
