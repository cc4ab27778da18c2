package sandbox

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"carillon/whatsapp"
)

// step is a status in a message's life.
type step uint8

const (
	stepRead step = iota // the zero value, since most messages get there
	stepSent
	stepDelivered
	stepFailed
	stepNone
)

var stepNames = [...]string{stepRead: "read", stepSent: "sent", stepDelivered: "delivered", stepFailed: "failed"}

// content is what a message was made of. Messages share it.
type content struct {
	Template, Language, Category, Type string

	Endpoint string  `json:",omitempty"` // marketing_messages; else messages
	Bid      float64 `json:",omitempty"` // what the max price was multiplied by; 0 where nothing was said
	Pace     string  `json:",omitempty"` // how the assessment ends for which it is held; empty where it is not
}

// message is an accepted message, small enough that a million fit in memory.
type message struct {
	number  *number
	content *content
	magic   *Magic
	text    string // recipient, callback data and parameters, one after another
	seq     uint64
	arrived int64 // Unix nanoseconds
	toLen   uint16
	dataLen uint16
	told    uint8 // a bit for each step that was posted and acknowledged
}

func newMessage(n *number, c *content, to, callbackData string, parameters []string) message {
	text := make([]byte, 0, len(to)+len(callbackData)+16*len(parameters))
	text = append(append(text, to...), callbackData...)
	for _, p := range parameters {
		text = append(binary.AppendUvarint(text, uint64(len(p))), p...)
	}

	magic := magics[to]
	if magic == nil {
		magic = ruledOut(to, c)
	}
	if magic == nil {
		magic = held[c.Pace]
	}

	return message{
		number: n, content: c, magic: magic, text: string(text),
		toLen: uint16(len(to)), dataLen: uint16(len(callbackData)),
	}
}

func (m *message) to() string           { return m.text[:m.toLen] }
func (m *message) callbackData() string { return m.text[m.toLen:][:m.dataLen] }

func (m *message) parameters() (out []string) {
	rest := []byte(m.text[m.toLen+m.dataLen:])
	for len(rest) > 0 {
		n, width := binary.Uvarint(rest)
		rest = rest[width:]
		out = append(out, string(rest[:n]))
		rest = rest[n:]
	}

	return out
}

// wamid is derived from the message, so it costs no memory. Shape, after decoding: a tagged phone
// number, then a tagged hex string, as in Meta's own.
func (s *Sandbox) wamid(to string, seq uint64) string {
	to = to[:min(len(to), 60)] // a BSUID may be longer than the length byte allows
	raw := make([]byte, 0, 48)
	raw = append(raw, 0x1c, 0x18, byte(len(to)))
	raw = append(raw, to...)
	raw = append(raw, 0x15, 0x02, 0x00, 0x11, 0x18, 0x12)
	raw = fmt.Appendf(raw, "%016X%02X", mix(s.key^seq), byte(s.key))
	raw = append(raw, 0)

	return "wamid." + base64.StdEncoding.EncodeToString(raw)
}

// recipientKey packs a recipient into a number: its digits, or a hash of a business-scoped user id.
func recipientKey(to string) uint64 {
	if n, err := strconv.ParseUint(to, 10, 64); err == nil {
		return n
	}

	h := fnv.New64a()
	h.Write([]byte(to))

	return h.Sum64() | 1<<63
}

// salts keep the chances of one message apart.
const (
	saltUndeliverable = iota
	saltUnread
	saltLose
	saltShuffle
	saltLatency
	saltDrop                          // + step
	saltDuplicate = saltDrop + 8      // + step
	saltSpread    = saltDuplicate + 8 // + step
)

// chance is a number in [0, 1) that is the same for the same message, also after a restart.
func (s *Sandbox) chance(m *message, salt uint64) float64 {
	return share(mix(mix(s.seed^m.seq) + salt))
}

// planned is a status and when it is due.
type planned struct {
	step step
	due  int64
}

// plan lists the statuses that a message will get, in the order of their posting.
func (s *Sandbox) plan(o *Options, m *message) []planned {
	wait := func(d time.Duration, st step) int64 {
		return int64(float64(d) * (1 + o.Spread*s.chance(m, saltSpread+uint64(st))))
	}
	magic := m.magic
	if magic == nil {
		magic = s.ordinary(o, m)
	}

	at := m.arrived
	if magic.hold {
		at += int64(o.HoldFor)
	}

	at += wait(o.SentDelay, stepSent)
	if magic.until == stepNone {
		return nil
	}
	if magic.fail != 0 && !magic.late {
		return []planned{{stepFailed, at}}
	}

	plan := []planned{{stepSent, at}}
	if magic.until == stepSent {
		return plan
	}

	at += wait(o.DeliveredDelay, stepDelivered)
	if magic.fail != 0 {
		return append(plan, planned{stepFailed, at})
	}

	plan = append(plan, planned{stepDelivered, at})
	if magic.until != stepDelivered {
		plan = append(plan, planned{stepRead, at + wait(o.ReadDelay, stepRead)})
	}

	if s.chance(m, saltShuffle) < o.ShuffleWebhooks {
		last := len(plan) - 1
		plan[0].step, plan[last].step = plan[last].step, plan[0].step
	}

	return plan
}

var (
	outsideWindow = &Magic{fail: 131047}
	undeliverable = &Magic{fail: 131026}
	unread        = &Magic{until: stepDelivered}
	plain         = &Magic{}
)

// ruledOut is the fate of a template of a category that Meta does not deliver to the recipient's
// country; nil where it does.
func ruledOut(to string, c *content) *Magic {
	category := strings.TrimSuffix(c.Category, "_lite")
	if c.Template == "" || !slices.ContainsFunc(whatsapp.CountryRules, func(r whatsapp.CountryRule) bool {
		return strings.EqualFold(r.Category, category)
	}) {
		return nil
	}

	number, err := phonenumbers.Parse("+"+to, "")
	if err != nil {
		return nil
	}

	rule, ruled := whatsapp.CountryRuleOf(phonenumbers.GetRegionCodeForNumber(number), strings.ToUpper(category))
	if !ruled {
		return nil
	}

	return &Magic{fail: rule.Code}
}

// ordinary is the fate of a message to a number that is not magic.
func (s *Sandbox) ordinary(o *Options, m *message) *Magic {
	switch {
	case s.chance(m, saltUndeliverable) < o.Undeliverable:
		return undeliverable
	case s.chance(m, saltUnread) < o.Unread:
		return unread
	}

	return plain
}

// failure is the error code of the message's failed status.
func (m *message) failure() int {
	if m.magic != nil {
		return m.magic.fail
	}
	return undeliverable.fail
}
