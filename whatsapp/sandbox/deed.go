package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// deed is something that Meta does to an account: what the account is from then on, and the webhook
// that tells of it.
type deed struct {
	name, does string
	field      string
	value      func(s *Sandbox, a *account) map[string]any
	change     func(s *Sandbox, a *account) // what else is so from then on; nil for nothing
}

// deeds lists them. The caller of change holds no lock.
var deeds = []deed{
	{"REVIEW_APPROVED", "account_review_update: APPROVED", "account_review_update", decision("APPROVED"),
		reviewed("APPROVED")},
	{"REVIEW_REJECTED", "account_review_update: REJECTED", "account_review_update", decision("REJECTED"),
		reviewed("REJECTED")},
	{"REVIEW_PENDING", "account_review_update: PENDING", "account_review_update", decision("PENDING"),
		reviewed("PENDING")},
	{"DISABLE", "account_update: DISABLED_UPDATE; the account's health is BLOCKED", "account_update", ban("DISABLE"),
		blocked},
	{"REINSTATE", "account_update: DISABLED_UPDATE; the account is well again", "account_update", ban("REINSTATE"), well},
	{"SCHEDULE_FOR_DISABLE", "account_update: DISABLED_UPDATE, a warning", "account_update",
		ban("SCHEDULE_FOR_DISABLE"), nil},
	{"RESTRICT", "account_update: ACCOUNT_RESTRICTION, no templates for a day", "account_update",
		func(s *Sandbox, _ *account) map[string]any {
			return map[string]any{"event": "ACCOUNT_RESTRICTION", "restriction_info": []any{map[string]any{
				"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": s.now().Add(24 * time.Hour).Unix()}}}
		}, nil},
	{"VIOLATION", "account_update: ACCOUNT_VIOLATION", "account_update", func(*Sandbox, *account) map[string]any {
		return map[string]any{"event": "ACCOUNT_VIOLATION", "violation_info": map[string]any{"violation_type": "SPAM"}}
	}, nil},
	{"DELETE", "account_update: ACCOUNT_DELETED", "account_update", plainEvent("ACCOUNT_DELETED"), nil},
	{"OFFBOARD", "account_update: ACCOUNT_OFFBOARDED, of a number in coexistence", "account_update",
		plainEvent("ACCOUNT_OFFBOARDED"), nil},
	{"RECONNECT", "account_update: ACCOUNT_RECONNECTED", "account_update", plainEvent("ACCOUNT_RECONNECTED"), nil},
	{"PARTNER_ADDED", "account_update: the account is shared with the app", "account_update", partner("PARTNER_ADDED"),
		nil},
	{"PARTNER_REMOVED", "account_update: it is shared no more; its token answers 190", "account_update",
		partner("PARTNER_REMOVED"), forgotten},
	{"PARTNER_APP_INSTALLED", "account_update: permissions were granted", "account_update",
		partner("PARTNER_APP_INSTALLED"), nil},
	{"PARTNER_APP_UNINSTALLED", "account_update: they were taken away; its token answers 190", "account_update",
		partner("PARTNER_APP_UNINSTALLED"), forgotten},
	{"LIMIT_2K", "business_capability_update: 2,000 people a day", "business_capability_update", capability("TIER_2K"),
		nil},
	{"LIMIT_UNLIMITED", "business_capability_update: no limit", "business_capability_update",
		capability("TIER_UNLIMITED"), nil},
	{"ALERT", "account_alerts: a critical one", "account_alerts", func(_ *Sandbox, a *account) map[string]any {
		return map[string]any{"entity_type": "BUSINESS", "entity_id": a.WABAID, "alert_info": map[string]any{
			"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED",
			"alert_description": "The business did not meet the conditions for a higher limit."}}
	}, nil},
}

func decision(what string) func(*Sandbox, *account) map[string]any {
	return func(*Sandbox, *account) map[string]any { return map[string]any{"decision": what} }
}

func ban(state string) func(*Sandbox, *account) map[string]any {
	return func(s *Sandbox, _ *account) map[string]any {
		return map[string]any{"event": "DISABLED_UPDATE", "ban_info": map[string]any{"waba_ban_state": state,
			"waba_ban_date": s.now().UTC().Format("January 2, 2006")}}
	}
}

func plainEvent(event string) func(*Sandbox, *account) map[string]any {
	return func(*Sandbox, *account) map[string]any { return map[string]any{"event": event} }
}

func partner(event string) func(*Sandbox, *account) map[string]any {
	return func(s *Sandbox, a *account) map[string]any { return s.partnerEvent(a, event) }
}

func (s *Sandbox) partnerEvent(a *account, event string) map[string]any {
	return map[string]any{"event": event, "waba_info": map[string]any{"waba_id": a.WABAID,
		"owner_business_id": "2000000000000001", "partner_app_id": s.options.Load().AppID}}
}

func capability(tier string) func(*Sandbox, *account) map[string]any {
	return func(*Sandbox, *account) map[string]any {
		return map[string]any{"max_daily_conversations_per_business": tier, "max_phone_numbers_per_business": 20,
			"max_phone_numbers_per_waba": 25}
	}
}

func forgotten(s *Sandbox, a *account) { s.InvalidateToken(a.Token) }

// review is an account's, as the state file keeps it.
type review struct {
	WABAID   string `json:"waba_id"`
	Decision string `json:"decision"`
}

func reviewed(decision string) func(*Sandbox, *account) {
	return func(s *Sandbox, a *account) {
		s.catalog.Lock()
		a.review = decision
		s.catalog.Unlock()
		s.journal.put(s, record{Review: &review{a.WABAID, decision}})
	}
}

// healthOf is what Meta says of an account, or of a number of it, as the state file keeps it.
type healthOf struct {
	WABAID string          `json:"waba_id"`
	ID     string          `json:"id"`
	Status json.RawMessage `json:"health_status"` // null for well
}

// setHealth is for who holds the catalog's lock.
func (a *account) setHealth(h healthOf) {
	if len(h.Status) == 0 || string(h.Status) == "null" {
		delete(a.health, h.ID)
		return
	}

	a.health[h.ID] = h.Status
}

// SetHealth has an account, or a number of it, answer that health_status; null or nothing mends it.
func (s *Sandbox) SetHealth(wabaID, id string, status json.RawMessage) error {
	h := healthOf{wabaID, id, status}
	s.catalog.Lock()
	a := s.catalog.accounts[wabaID]
	if a != nil {
		a.setHealth(h)
	}

	s.catalog.Unlock()
	if a == nil {
		return fmt.Errorf("there is no account %s", wabaID)
	}

	s.journal.put(s, record{Health: &h})

	return nil
}

func blocked(s *Sandbox, a *account) {
	_ = s.SetHealth(a.WABAID, a.WABAID, json.RawMessage(`{"can_send_message":"BLOCKED","entities":[{"entity_type":"WABA","id":`+
		fmt.Sprintf("%q", a.WABAID)+`,"can_send_message":"BLOCKED","errors":[{"error_code":141006,"error_description":`+
		`"The WhatsApp Business Account is disabled.","possible_solution":"Ask for a review in Business Support Home."}]}]}`))
}

func well(s *Sandbox, a *account) { _ = s.SetHealth(a.WABAID, a.WABAID, nil) }

// Do does a deed to an account, by its name.
func (s *Sandbox) Do(wabaID, name string) error {
	s.catalog.RLock()
	a := s.catalog.accounts[wabaID]
	s.catalog.RUnlock()
	if a == nil {
		return fmt.Errorf("there is no account %s", wabaID)
	}

	for _, d := range deeds {
		if d.name != name {
			continue
		}

		value := d.value(s, a)
		if d.change != nil {
			d.change(s, a)
		}

		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}

		return s.SendEvent(a.WABAID, d.field, raw)
	}

	return fmt.Errorf("nothing is called %q; see GET /sandbox/", name)
}

func inspectAccount(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		WABAID string `json:"waba_id"`
		Do     string
	}](r)
	if err != nil {
		return nil, err
	}

	return nil, s.Do(body.WABAID, body.Do)
}

func inspectHealth(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[healthOf](r)
	if err != nil {
		return nil, err
	}

	return nil, s.SetHealth(body.WABAID, body.ID, body.Status)
}
