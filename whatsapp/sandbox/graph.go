package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fields answers with a node, reduced to what the query asks for.
func (s *Sandbox) fields(c *call, node map[string]any, usual ...string) *refusal {
	shown, no := selected(c.r.URL.Query().Get("fields"), node, usual)
	if no != nil {
		return no
	}

	s.write(c.w, http.StatusOK, shown)

	return nil
}

// selected picks fields from a node; the id is always among them. What stands in braces after a
// field is not looked at.
func selected(asked string, node map[string]any, usual []string) (map[string]any, *refusal) {
	names := usual
	if asked != "" {
		names = splitFields(asked)
	}

	out := map[string]any{"id": node["id"]}
	for _, name := range names {
		value, known := node[name]
		if !known {
			no := invalid("Tried accessing nonexisting field (%s)", name)
			return nil, no
		}

		if value != nil {
			out[name] = value
		}
	}

	return out, nil
}

func splitFields(asked string) (names []string) {
	depth, start := 0, 0
	end := func(i int) {
		name, _, _ := strings.Cut(asked[start:i], "{")
		if name = strings.TrimSpace(name); name != "" && name != "summary" {
			names = append(names, name)
		}

		start = i + 1
	}

	for i, c := range asked {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ',' && depth == 0:
			end(i)
		}
	}

	end(len(asked))

	return names
}

var numberFields = []string{"verified_name", "code_verification_status", "display_phone_number", "quality_rating",
	"platform_type", "throughput", "id"}

func (s *Sandbox) listNumbers(c *call, a *account) *refusal {
	s.catalog.RLock()
	nodes := make([]map[string]any, len(a.numbers))
	for i, n := range a.numbers {
		nodes[i] = s.numberNode(n)
	}

	s.catalog.RUnlock()

	return s.list(c, nodes, numberFields, nil)
}

// metasRates are the messages a second that a level stands for; of any other rate the level says
// too little.
var metasRates = []int{20, 80, 1000}

// numberNode is a number as Graph shows it. The caller holds the catalog's lock.
func (s *Sandbox) numberNode(n *number) map[string]any {
	status, platform, level := "CONNECTED", "CLOUD_API", "STANDARD"
	if n.perSecond(s.options.Load()) >= 1000 {
		level = "HIGH"
	}
	verification := "VERIFIED"
	switch {
	case !n.state.Verified:
		status, platform, level, verification = "UNVERIFIED", "NOT_APPLICABLE", "NOT_APPLICABLE", "NOT_VERIFIED"
	case n.Unregistered:
		status, platform, level = "PENDING", "NOT_APPLICABLE", "NOT_APPLICABLE"
	case n.state.Status != "":
		status = n.state.Status
	}

	throughput := map[string]any{"level": level}
	if rate := n.perSecond(s.options.Load()); !slices.Contains(metasRates, rate) && !n.Unregistered {
		throughput["messages_per_second"] = rate
	}

	return map[string]any{
		"id": n.ID, "display_phone_number": n.DisplayNumber, "verified_name": n.VerifiedName, "status": status,
		"quality_rating": n.state.Quality, "quality_score": map[string]any{"score": n.state.Quality},
		"name_status":              "APPROVED",
		"new_name_status":          "NONE",
		"code_verification_status": verification, "platform_type": platform, "throughput": throughput,
		"whatsapp_business_manager_messaging_limit": s.tier(), "messaging_limit_tier": s.tier(), "account_mode": "LIVE",
		"is_preverified_number": false, "is_official_business_account": false, "is_pin_enabled": n.pin != "",
		// the fixed rate of coexistence
		"is_on_biz_app":       n.inApp(s.options.Load()),
		"last_onboarded_time": nil, "certificate": nil, "search_visibility": "VISIBLE", "conversational_automation": nil,
		"health_status": n.account.healthOf("PHONE_NUMBER", n.ID), "country_code": "US", "country_dial_code": "1",
		"webhook_configuration": map[string]any{"phone_number": n.callback(),
			"whatsapp_business_account": n.account.hook.Load().Override,
			"application":               s.options.Load().CallbackURL},
	}
}

// callback is the number's own callback, or "".
func (n *number) callback() string {
	if own := n.override.Load(); own != nil {
		return *own
	}
	return ""
}

func (n *number) perSecond(o *Options) int {
	if own := int(n.limit.Load()); own > 0 {
		return own
	}
	return o.Throughput
}

// subscription is an account's webhook, as the state file keeps it.
type subscription struct {
	WABAID     string `json:"waba_id"`
	Subscribed bool   `json:"subscribed"`
	Override   string `json:"override,omitempty"`
}

func (s *Sandbox) setSubscription(a *account, to subscription) {
	a.hook.Store(&to)
	s.journal.put(s, record{Subscription: &to})
	s.book.release()
	s.wake()
}

func (s *Sandbox) subscribe(c *call, a *account) *refusal {
	var body struct {
		Override    string `json:"override_callback_uri"`
		VerifyToken string `json:"verify_token"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}

	if body.Override != "" {
		if len(body.Override) > 200 {
			return invalid("Param override_callback_uri must be at most 200 characters long.")
		}
		if no := s.verify(c.r.Context(), body.Override, body.VerifyToken); no != nil {
			return no
		}
	}

	s.setSubscription(a, subscription{a.WABAID, true, body.Override})
	s.succeed(c.w)

	return nil
}

func (s *Sandbox) listSubscriptions(c *call, a *account) *refusal {
	o := s.options.Load()
	hook := a.hook.Load()
	data := []any{}

	if hook.Subscribed {
		app := map[string]any{"whatsapp_business_api_data": map[string]any{
			"id": o.AppID, "name": "Carillon sandbox", "link": "https://www.facebook.com/games/?app_id=" + o.AppID,
		}}
		if hook.Override != "" {
			app["override_callback_uri"] = hook.Override
		}

		data = append(data, app)
	}

	s.write(c.w, http.StatusOK, map[string]any{"data": data})

	return nil
}

// Verify challenges the app's callback as Meta does when it is saved in the dashboard.
func (s *Sandbox) Verify(ctx context.Context) error {
	o := s.options.Load()
	if no := s.verify(ctx, o.CallbackURL, o.VerifyToken); no != nil {
		return no
	}

	return nil
}

func (no *refusal) Error() string { return no.message + ": " + no.details }

// verify asks a callback to echo a challenge.
func (s *Sandbox) verify(ctx context.Context, callback, token string) *refusal {
	u, err := url.Parse(callback)
	if err != nil {
		return refuse(2200, "%s", err)
	}

	challenge := s.trace()
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", token)
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return refuse(2200, "%s", err)
	}

	w, err := s.client.Do(r)
	if err != nil {
		return refuse(2200, "%s", err)
	}

	defer w.Body.Close()
	echo, err := io.ReadAll(io.LimitReader(w.Body, 1024))
	if err != nil || w.StatusCode != http.StatusOK || string(echo) != challenge {
		return refuse(2200, "The callback answered %s, and not the challenge alone.", w.Status)
	}

	return nil
}
