package sandbox

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// sendBody is the body of a send. What the sandbox does not look into stays raw.
type sendBody struct {
	MessagingProduct string          `json:"messaging_product"`
	RecipientType    string          `json:"recipient_type"`
	To               string          `json:"to"`
	Recipient        string          `json:"recipient"`
	Type             string          `json:"type"`
	CallbackData     string          `json:"biz_opaque_callback_data"`
	Template         *sentTemplate   `json:"template"`
	Text             *sentText       `json:"text"`
	Image            *sentMedia      `json:"image"`
	Video            *sentMedia      `json:"video"`
	Audio            *sentMedia      `json:"audio"`
	Document         *sentMedia      `json:"document"`
	Sticker          *sentMedia      `json:"sticker"`
	Location         json.RawMessage `json:"location"`
	Contacts         json.RawMessage `json:"contacts"`
	Interactive      json.RawMessage `json:"interactive"`
	Reaction         json.RawMessage `json:"reaction"`
	Status           string          `json:"status"`
	MessageID        string          `json:"message_id"`
	ProductPolicy    string          `json:"product_policy"`
	Bid              *struct {
		Multiplier *float64 `json:"per_message_bid_multiplier"`
	} `json:"bid_spec"`

	edge string // the endpoint that it came to
}

type sentText struct {
	Body string `json:"body"`
}

type sentMedia struct {
	ID      string `json:"id"`
	Link    string `json:"link"`
	Caption string `json:"caption"`
}

type sentTemplate struct {
	Name     string `json:"name"`
	Language struct {
		Code string `json:"code"`
	} `json:"language"`
	Components []sentComponent `json:"components"`
}

type sentComponent struct {
	Type       string          `json:"type"`
	SubType    string          `json:"sub_type"`
	Index      any             `json:"index"` // "0" or 0: Meta takes both
	Parameters []sentParameter `json:"parameters"`
	Cards      []struct {
		Index      *int            `json:"card_index"`
		Components []sentComponent `json:"components"`
	} `json:"cards"`
}

type sentParameter struct {
	Type       string        `json:"type"`
	Name       string        `json:"parameter_name"`
	Text       string        `json:"text"`
	Payload    string        `json:"payload"`
	CouponCode string        `json:"coupon_code"`
	Image      *sentMedia    `json:"image"`
	Video      *sentMedia    `json:"video"`
	Document   *sentMedia    `json:"document"`
	GIF        *sentMedia    `json:"gif"`
	Currency   *sentFallback `json:"currency"`
	DateTime   *sentFallback `json:"date_time"`
	Location   *sentLocation `json:"location"`
	Product    *sentProduct  `json:"product"`
	Offer      *sentOffer    `json:"limited_time_offer"`
	Action     *sentAction   `json:"action"`
	Minutes    *int          `json:"ttl_minutes"`
	TapTarget  []tapTarget   `json:"tap_target_configuration"`
}

type tapTarget struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// sentAction is what a send gives a button of a Flow, a catalog or a list of products.
type sentAction struct {
	FlowToken string          `json:"flow_token"`
	FlowData  json.RawMessage `json:"flow_action_data"`
	Thumbnail string          `json:"thumbnail_product_retailer_id"`
	Sections  []struct {
		Title string `json:"title"`
		Items []struct {
			ID string `json:"product_retailer_id"`
		} `json:"product_items"`
	} `json:"sections"`
}

type sentLocation struct {
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
}

type sentProduct struct {
	RetailerID string `json:"product_retailer_id"`
}

type sentOffer struct {
	Expires int64 `json:"expiration_time_ms"`
}

type sentFallback struct {
	Fallback string `json:"fallback_value"`
}

// bodyLimit is far above any real send.
const bodyLimit = 1 << 20

// bodies are the buffers that sends are read into.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// send answers POST /{number}/messages and /{number}/marketing_messages.
func (s *Sandbox) send(c *call, n *number) *refusal {
	o := s.options.Load()
	limit := n.perSecond(o)
	if o.NoLimits {
		limit = 0
	}

	now, admitted := n.traffic.arrive(s.now, limit)
	if !admitted {
		s.linger(c.r, o, s.toss())
		return refuse(130429, "Cloud API message throughput has been reached.")
	}

	body, no := readSend(c)
	switch {
	case no != nil:
	case body.Status == "read":
		s.succeed(c.w)
		return nil
	default:
		no = s.outage(o, time.Unix(0, now))
	}

	var m message
	if no == nil {
		m, no = s.check(n, body, now)
	}
	if no == nil {
		no = s.admit(o, n, m.to(), now)
	}

	if no != nil {
		s.linger(c.r, o, s.toss())
		return no
	}

	m.arrived = now
	s.accept(c, o, &m)

	return nil
}

func readSend(c *call) (*sendBody, *refusal) {
	buffer := bodies.Get().(*[]byte)
	defer bodies.Put(buffer)
	raw, err := readAll(http.MaxBytesReader(c.w, c.r.Body, bodyLimit), (*buffer)[:0])
	*buffer = raw
	if err != nil {
		return nil, invalid("The body cannot be read: %s", err)
	}

	body := &sendBody{edge: c.edge}
	if err := json.Unmarshal(raw, body); err != nil {
		return nil, invalid("Invalid JSON: %s", err)
	}

	return body, nil
}

// outage refuses by chance or by the clock, with 130429, 500 and 503 in turn.
func (s *Sandbox) outage(o *Options, now time.Time) *refusal {
	out := o.OutageEvery > 0 && time.Duration(now.UnixNano())%o.OutageEvery < o.OutageFor
	if !out && (o.ErrorShare == 0 || s.toss() >= o.ErrorShare) {
		return nil
	}

	return refuse([]int{130429, 131000, 2}[s.outages.Add(1)%3], "The sandbox plays an outage.")
}

// admit applies what a recipient decides: magic refusals, the pair limit and the daily limit.
func (s *Sandbox) admit(o *Options, n *number, to string, now int64) *refusal {
	if magic := magics[to]; magic != nil && magic.refuse != 0 && (!magic.fickle || n.traffic.fickle(to)) {
		return refuse(magic.refuse, "The sandbox refuses what is sent to the magic number %s.", to)
	}
	if o.NoLimits {
		return nil
	}

	key := recipientKey(to)
	if o.DailyLimit > 0 && !n.traffic.inWindow(key, now) && !n.account.first.admit(key, now, o.DailyLimit) {
		return refuse(131048, "The account has written to %d people in 24 hours, which is its messaging limit.", o.DailyLimit)
	}
	if !o.NoPairLimit && !n.traffic.pair(key, now, o.PairBurst) {
		return refuse(131056, "Too many messages from this number to the same recipient in a short time.")
	}

	return nil
}

// accept is the point of no return: the message is kept, then its statuses are scheduled, then the
// caller is told.
func (s *Sandbox) accept(c *call, o *Options, draft *message) {
	m := s.book.add(*draft)
	s.journal.put(s, record{message: m})
	m.number.traffic.accept(m.arrived)
	s.enter(o, m)
	s.linger(c.r, o, s.chance(m, saltLatency))

	if m.magic != nil && m.magic.lose || s.chance(m, saltLose) < o.LoseAnswers {
		s.book.Lock()
		s.book.counts.LostAnswers++
		s.book.Unlock()
		hangUp(c.w)

		return
	}

	s.confirm(c, m)
}

// linger waits as long as a send takes at Meta, or until the caller goes away.
func (s *Sandbox) linger(r *http.Request, o *Options, chance float64) {
	d := o.Latency + time.Duration(chance*float64(o.LatencyJitter))
	if d <= 0 {
		return
	}

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
			return
		}
	}

	panic(http.ErrAbortHandler) // net/http's own way, for HTTP/2
}

// jsonType is shared by all answers to sends.
var jsonType = []string{"application/json; charset=UTF-8"}

func (s *Sandbox) confirm(c *call, m *message) {
	to := m.to()
	out := make([]byte, 0, 320)
	out = append(out, `{"messaging_product":"whatsapp","contacts":[{"input":`...)

	if isPhone(to) {
		out = append(out, `"+`...)
		out = append(out, to...)
		out = append(out, `","wa_id":"`...)
		out = append(out, to...)
		out = append(out, '"')
	} else {
		out = appendString(out, to)
		out = append(out, `,"user_id":`...)
		out = appendString(out, to)
	}

	out = append(out, `}],"messages":[{"id":"`...)
	out = append(out, s.wamid(to, m.seq)...)
	out = append(out, '"')

	if m.content.Template != "" {
		out = append(out, `,"message_status":"`...)
		if m.magic != nil && m.magic.hold {
			out = append(out, `held_for_quality_assessment"`...)
		} else {
			out = append(out, `accepted"`...)
		}
	}

	out = append(out, `}]}`...)
	c.w.Header()["Content-Type"] = jsonType
	if _, err := c.w.Write(out); err != nil {
		s.log.Debug("sandbox: caller went away", "error", err)
	}
}
