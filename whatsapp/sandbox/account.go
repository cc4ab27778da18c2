package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"carillon/whatsapp"
)

// AccountSpec describes a WhatsApp Business Account to add.
type AccountSpec struct {
	WABAID string
	Name   string
	Token  string // covers this account, and every other one added with it
	// Scopes are the token's permissions; nil means both that WhatsApp knows.
	Scopes []string
	// TokenExpiresAt is when the token runs out; zero means never.
	TokenExpiresAt time.Time
	Subscribed     bool // post webhooks at once; without it the app must POST /{WABA}/subscribed_apps first, as at Meta
	Numbers        []NumberSpec

	// MarketingMessages is the account's part in the Marketing Messages API: ONBOARDED, or ELIGIBLE,
	// which it begins with.
	MarketingMessages string
	// MarketingOnlyThere has /messages refuse marketing templates (131063). Nil leaves what it was.
	MarketingOnlyThere *bool
}

// NumberSpec describes a business phone number of an account.
type NumberSpec struct {
	ID            string
	DisplayNumber string // "+1 202-555-0150"
	VerifiedName  string
	Throughput    int  // messages a second; 0 means Options.Throughput
	Unregistered  bool // sends are refused with 133010 until POST /{number}/register
	Unverified    bool // registering is refused with 133006 until its code was verified; only of a new number
}

type account struct {
	AccountSpec
	review    string                     // account_review_status; empty is APPROVED
	health    map[string]json.RawMessage // health_status by the id of the account or number, where it is not well
	numbers   []*number
	templates map[templateKey]*template    // guarded by the catalog, like everything here
	locked    map[string]time.Time         // names of deleted templates, which cannot be used again until then
	hook      atomic.Pointer[subscription] // apart from the lock, since posting reads it
	calls     ring                         // management calls of the last hour
	creations ring                         // templates created in the last hour
	first     recent                       // recipients of the last 24 hours
}

type number struct {
	NumberSpec
	account  *account
	digits   string
	limit    atomic.Int64           // Throughput, for sends
	override atomic.Pointer[string] // callback instead of the account's
	pin      string
	state    numberState // guarded by the catalog, like the next
	entries  ring        // registrations and deregistrations of 72 hours
	codes    ring        // verification codes of an hour
	guesses  []time.Time // wrong PINs of an hour
	traffic  traffic
}

type token struct {
	value    string
	accounts []*account
	app      bool // the app's own, not a system user's
	dead     bool
	scopes   []string
	expires  time.Time // zero: never
	issued   time.Time
}

// catalog is what an operator sets up and Meta keeps: who exists. Its lock also guards the fields
// of what it holds.
type catalog struct {
	sync.RWMutex
	accounts  map[string]*account
	numbers   map[string]*number
	templates map[string]*template
	tokens    map[string]*token
	media     map[string]*media
	uploads   map[string]*resumable
	contents  map[content]*content
	codes     map[string]*signUpCode
}

func (k *catalog) init() {
	k.codes = map[string]*signUpCode{}
	k.accounts, k.numbers, k.tokens = map[string]*account{}, map[string]*number{}, map[string]*token{}
	k.templates, k.media, k.contents = map[string]*template{}, map[string]*media{}, map[content]*content{}
	k.uploads = map[string]*resumable{}
}

// intern keeps one copy of each content, so that a message needs only a pointer. The caller holds
// the lock.
func (k *catalog) intern(c content) *content {
	if k.contents[c] == nil {
		k.contents[c] = &c
	}
	return k.contents[c]
}

// newID is a decimal id of 16 digits, like Meta's.
func newID() string { return strconv.FormatUint(1e15+rand.Uint64N(8e15), 10) }

// AddAccount adds an account, or brings one up to date; what it is told twice it does once.
func (s *Sandbox) AddAccount(spec AccountSpec) {
	s.catalog.Lock()
	s.putAccount(spec)
	s.catalog.Unlock()
	s.journal.put(s, record{Account: &spec})
}

// putAccount never touches the ids and numbers of what is there already: sends and webhooks read
// them without the lock.
func (s *Sandbox) putAccount(spec AccountSpec) {
	k := &s.catalog
	a := k.accounts[spec.WABAID]
	if a == nil {
		a = &account{AccountSpec: spec, templates: map[templateKey]*template{}, locked: map[string]time.Time{},
			health: map[string]json.RawMessage{}}
		a.hook.Store(&subscription{WABAID: spec.WABAID})
		k.accounts[spec.WABAID] = a
	}

	a.Name, a.Token = cmp.Or(spec.Name, a.Name), cmp.Or(spec.Token, a.Token)
	a.MarketingMessages = cmp.Or(spec.MarketingMessages, a.MarketingMessages, "ELIGIBLE")
	if spec.MarketingOnlyThere != nil {
		a.MarketingOnlyThere = spec.MarketingOnlyThere
	}

	if hook := *a.hook.Load(); spec.Subscribed {
		hook.Subscribed = true
		a.hook.Store(&hook)
	}

	for _, ns := range spec.Numbers {
		n := k.numbers[ns.ID]
		if n == nil {
			n = &number{account: a, NumberSpec: ns, digits: whatsapp.Digits(ns.DisplayNumber)}
			n.state = numberState{NumberID: ns.ID, Verified: !ns.Unverified, Quality: "GREEN"}
			k.numbers[ns.ID] = n
			a.numbers = append(a.numbers, n)
		}

		n.VerifiedName, n.Unregistered, n.Throughput = ns.VerifiedName, n.Unregistered && ns.Unregistered, ns.Throughput
		n.limit.Store(int64(ns.Throughput))
	}

	if spec.Token == "" {
		return
	}

	t := k.tokens[spec.Token]
	if t == nil {
		t = &token{value: spec.Token, issued: s.now()}
		k.tokens[spec.Token] = t
	}

	t.expires, t.scopes = spec.TokenExpiresAt, spec.Scopes
	if t.scopes == nil {
		t.scopes = []string{management, messaging}
	}

	if !slices.Contains(t.accounts, a) {
		t.accounts = append(t.accounts, a)
	}
}

// InvalidateToken makes every call with the token answer 401, code 190, for good.
func (s *Sandbox) InvalidateToken(value string) {
	s.catalog.Lock()
	if t := s.catalog.tokens[value]; t != nil {
		t.dead = true
	}

	s.catalog.Unlock()
	s.journal.put(s, record{DeadToken: value})
}

// authenticate finds the caller's token. Uploads come with the scheme OAuth, all else with Bearer
// or a query parameter.
func (s *Sandbox) authenticate(r *http.Request) (*token, *refusal) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		value = r.URL.Query().Get("access_token")
	}

	value = strings.TrimSpace(value)
	if value == "" {
		return nil, refuse(104, "")
	}

	t, no := s.tokenOf(value)
	if no != nil {
		return nil, no
	}

	return t, nil
}

func (s *Sandbox) tokenOf(value string) (*token, *refusal) {
	o := s.options.Load()
	if o.AppID != "" && value == o.AppID+"|"+o.AppSecret {
		return &token{value: value, app: true}, nil
	}

	s.catalog.RLock()
	t := s.catalog.tokens[value]
	dead := t != nil && t.dead
	late := t != nil && !t.expires.IsZero() && !s.now().Before(t.expires)
	s.catalog.RUnlock()

	switch {
	case t == nil:
		no := refuse(190, "")
		no.message = "Invalid OAuth access token - Cannot parse access token"
		return nil, no
	case dead:
		no := refuse(190, "")
		no.subcode, no.message = 460, "Error validating access token: The session has been invalidated."
		return nil, no
	case late:
		no := refuse(190, "")
		no.subcode, no.message = 463, "Error validating access token: Session has expired."
		return nil, no
	}

	return t, nil
}

// allow says whether the caller's token covers the account. Reading what is not yours looks like
// reading nothing; changing it is an error of permission.
func (s *Sandbox) allow(c *call, a *account) *refusal {
	s.catalog.RLock()
	covered := slices.Contains(c.token.accounts, a)
	permitted := slices.Contains(c.token.scopes, scopeOf(c))
	s.catalog.RUnlock()

	switch {
	case covered && !permitted:
		return refuse(10, "The token lacks the permission %s.", scopeOf(c))
	case covered:
		return nil
	case c.r.Method == http.MethodGet:
		return missing(c.r.Method, c.id)
	}

	return refuse(200, "The token does not cover WhatsApp Business Account %s.", a.WABAID)
}

// accountEdge answers for an account's node and edges.
func (s *Sandbox) accountEdge(c *call, a *account) *refusal {
	if no := s.meter(c, a); no != nil {
		return no
	}

	switch c.r.Method + " " + c.edge {
	case "GET ":
		if asksForAnalytics(c.r.URL.Query().Get("fields")) {
			return s.analytics(c, a)
		}
		return s.fields(c, s.accountNode(a), "id", "name", "currency", "timezone_id", "message_template_namespace")
	case "GET phone_numbers":
		return s.listNumbers(c, a)
	case "GET message_templates":
		return s.listTemplates(c, a)
	case "POST message_templates":
		return s.createTemplate(c, a)
	case "DELETE message_templates":
		return s.deleteTemplates(c, a)
	case "GET subscribed_apps":
		return s.listSubscriptions(c, a)
	case "POST subscribed_apps":
		return s.subscribe(c, a)
	case "DELETE subscribed_apps":
		s.setSubscription(a, subscription{WABAID: a.WABAID})
		s.succeed(c.w)
		return nil
	}

	return missing(c.r.Method, c.id+"/"+c.edge)
}

// meter counts a management call: 5,000 an hour for an account with a registered number, else 200.
func (s *Sandbox) meter(c *call, a *account) *refusal {
	o := s.options.Load()
	if o.AppUsage > 0 {
		c.w.Header().Set("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_time":0,"total_cputime":0}`, o.AppUsage))
	}
	if o.NoLimits {
		if o.Usage > 0 {
			c.tellUsage(a, o.Usage, o.RegainAfter)
		}

		return nil
	}

	s.catalog.Lock()
	limit := 200
	if slices.ContainsFunc(a.numbers, func(n *number) bool { return !n.Unregistered }) {
		limit = 5000
	}

	admitted := a.calls.admit(s.now().UnixNano(), limit, time.Hour)
	used := a.calls.used(s.now().UnixNano(), time.Hour) * 100 / limit
	s.catalog.Unlock()
	c.tellUsage(a, cmp.Or(o.Usage, used), o.RegainAfter)
	if !admitted {
		return refuse(80007, "The account made more than %d calls in an hour.", limit)
	}

	return nil
}

// tellUsage says how much of an account's limit is used, in percent, and when calls are allowed
// again.
func (c *call) tellUsage(a *account, percent int, again time.Duration) {
	c.w.Header().Set("X-Business-Use-Case-Usage", fmt.Sprintf(
		`{%q:[{"type":"whatsapp","call_count":%d,"total_cputime":0,"total_time":0,"estimated_time_to_regain_access":%d}]}`,
		a.WABAID, percent, int(again.Minutes())))
}

func (s *Sandbox) accountNode(a *account) map[string]any {
	s.catalog.RLock()
	defer s.catalog.RUnlock()
	return map[string]any{
		"id": a.WABAID, "name": a.Name, "currency": "USD", "country": "US", "timezone_id": "1", "status": "ACTIVE",
		"account_review_status": cmp.Or(a.review, "APPROVED"), "business_verification_status": "verified",
		"message_template_namespace":           fmt.Sprintf("%016x", mix(s.seed^uint64(len(a.WABAID)))),
		"ownership_type":                       "CLIENT_OWNED",
		"owner_business_info":                  map[string]any{"id": "2000000000000001", "name": a.Name},
		"marketing_messages_onboarding_status": a.MarketingMessages,
		"marketing_messages_lite_api_status":   a.MarketingMessages,
		"health_status":                        a.healthOf("WABA", a.WABAID),
		"is_enabled_for_insights":              true,
		"on_behalf_of_business_info": map[string]any{"id": "2000000000000001", "name": a.Name,
			"status": "APPROVED"},
		"primary_funding_id":                        "1",
		"purchase_order_number":                     "",
		"analytics":                                 nil,
		"auth_international_rate_eligibility":       nil,
		"primary_business_location":                 "US",
		"disable_marketing_messages_on_cloud_api":   a.marketingOnlyThere(),
		"whatsapp_business_manager_messaging_limit": s.tier(),
	}
}

// healthOf is the health_status of the account, or of a number of it. The caller holds the
// catalog's lock.
func (a *account) healthOf(kind, id string) any {
	if unwell := a.health[id]; unwell != nil {
		return unwell
	}

	return map[string]any{"can_send_message": "AVAILABLE", "entities": []any{
		map[string]any{"entity_type": kind, "id": id, "can_send_message": "AVAILABLE"},
	}}
}

// tier names the daily limit as Meta does; limits that Meta does not know read as the next tier up.
func (s *Sandbox) tier() string {
	switch limit := s.options.Load().DailyLimit; {
	case limit == 0 || limit > 100_000:
		return "TIER_UNLIMITED"
	case limit > 10_000:
		return "TIER_100K"
	case limit > 2_000:
		return "TIER_10K"
	case limit > 250:
		return "TIER_2K"
	}

	return "TIER_250"
}
