// Package sandbox is a double of Meta's WhatsApp Cloud API: an http.Handler that keeps accounts,
// numbers, templates and messages, refuses what Meta refuses with Meta's error envelope, holds
// every number to its throughput, reviews templates after a delay, and posts signed webhooks. It
// embeds in tests and in the demo, and stands alone as `carillon sandbox`. Promises: a message is
// counted once, when it is accepted, whatever becomes of the answer; throughput is exact over every
// sliding second; with a StatePath nothing that was answered is forgotten by kill -9, and statuses
// not yet acknowledged are posted after the restart. Liberties are listed by Help under "Where it
// differs"; the chief ones: webhook retries come within a minute instead of hours, a recipient's
// fate is decided by its number (Magics), and rules that Meta does not publish (template review,
// quality, spam limits) are stubs.
package sandbox

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// Sandbox is the double. Serve it over HTTP, and let Run post its webhooks.
type Sandbox struct {
	options atomic.Pointer[Options]
	now     func() time.Time
	log     *slog.Logger
	seed    uint64 // of chance
	key     uint64 // of wamids: never the same for two sandboxes, whatever their seed
	down    atomic.Bool
	tosses  atomic.Uint64 // requests that asked for a random number
	outages atomic.Uint64 // sends refused by ErrorShare and OutageEvery

	catalog catalog
	book    book
	journal *journal // nil without a StatePath
	client  *http.Client
	queued  chan struct{} // one token: something became due
}

// New builds a sandbox, and takes up the state found at o.StatePath.
func New(o Options) (*Sandbox, error) {
	o = o.filled()
	s := &Sandbox{now: o.Now, log: o.Log, seed: o.Seed, key: rand.Uint64(), queued: make(chan struct{}, 1)}
	if s.seed == 0 {
		s.seed = rand.Uint64()
	}

	s.options.Store(&o)
	s.catalog.init()
	s.book.init()
	s.client = &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * posters, IdleConnTimeout: time.Minute},
	}
	if o.StatePath == "" {
		return s, nil
	}
	if err := s.reload(o.StatePath); err != nil {
		return nil, err
	}

	return s, nil
}

// Close closes the state file. Call it after Run has ended and the server is shut.
func (s *Sandbox) Close() error {
	s.client.CloseIdleConnections()
	return s.journal.close()
}

// version is the path segment that pins a Graph API version. Every version answers alike here.
var version = regexp.MustCompile(`^v\d+\.\d+$`)

// call is one request, taken apart.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	id    string // first segment after the version: a node's id or a named endpoint
	edge  string // second segment, "" for the node itself
	token *token
}

func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	head, rest, _ := strings.Cut(path, "/")
	if head == "sandbox" {
		s.inspect(w, r, rest)
		return
	}

	if s.down.Load() {
		s.refuse(w, refuse(2, "The sandbox plays an outage."))
		return
	}

	if version.MatchString(head) {
		head, rest, _ = strings.Cut(rest, "/")
	}

	c := &call{w: w, r: r, id: head, edge: rest}
	if no := s.dispatch(c); no != nil {
		s.refuse(w, no)
	}
}

// dispatch finds the node or endpoint that was called. A nil result means that the answer is
// written.
func (s *Sandbox) dispatch(c *call) *refusal {
	if c.id == "oauth" && c.edge == "access_token" {
		return s.accessToken(c)
	}

	var no *refusal
	if c.token, no = s.authenticate(c.r); no != nil {
		return no
	}

	switch {
	case c.id == "debug_token":
		return s.debugToken(c)
	case c.id == "sandbox_signups" && c.r.Method == http.MethodPost:
		return s.signUp(c)
	case strings.HasPrefix(c.id, "upload:"):
		return s.receiveUpload(c)
	case c.id == s.options.Load().AppID && c.edge == "uploads":
		return s.startUpload(c)
	}

	return s.node(c)
}

// node answers for an account, a phone number, a template or a media file, which Graph addresses
// alike, by id.
func (s *Sandbox) node(c *call) *refusal {
	k := &s.catalog
	k.RLock()
	a, n, t, m := k.accounts[c.id], k.numbers[c.id], k.templates[c.id], k.media[c.id]
	k.RUnlock()

	switch {
	case n != nil:
		if no := s.allow(c, n.account); no != nil {
			return no
		}
		return s.numberEdge(c, n)
	case a != nil:
		if no := s.allow(c, a); no != nil {
			return no
		}
		return s.accountEdge(c, a)
	case t != nil:
		if no := s.allow(c, t.account); no != nil {
			return no
		}
		return s.templateEdge(c, t)
	case m != nil:
		if no := s.allow(c, m.number.account); no != nil {
			return no
		}
		return s.mediaEdge(c, m)
	}

	return missing(c.r.Method, c.id)
}

// SetDown makes every call answer 503, or ends that. Webhooks go on: outages at Meta are rarely
// whole.
func (s *Sandbox) SetDown(down bool) { s.down.Store(down) }

// Change replaces the options in force with what edit makes of a copy. StatePath, Seed, Now and Log
// stay as they were.
func (s *Sandbox) Change(edit func(*Options)) {
	s.catalog.Lock() // one editor at a time
	o := *s.options.Load()
	edit(&o)
	s.options.Store(&o)
	s.catalog.Unlock()
	s.book.release()
	s.wake()
}

// SetCallbackURL says where webhooks go from now on. Those that waited for a callback are posted.
func (s *Sandbox) SetCallbackURL(url string) { s.Change(func(o *Options) { o.CallbackURL = url }) }

// wake tells Run that something new is due.
func (s *Sandbox) wake() {
	select {
	case s.queued <- struct{}{}:
	default: // Run has not yet taken the last token, and will see this too
	}
}

// Wake makes Run look at the clock again: for tests that pass in a clock and move it.
func (s *Sandbox) Wake() { s.wake() }

// mix is SplitMix64's finisher: a bijection, so different inputs stay different.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb

	return x ^ x>>31
}

// share maps a hash to [0, 1).
func share(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// toss gives the next random number in [0, 1); the same sequence for the same seed.
func (s *Sandbox) toss() float64 { return share(mix(s.seed ^ s.tosses.Add(1)<<20)) }
