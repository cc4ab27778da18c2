package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

type templateKey struct{ name, language string }

// template is a message template in one language. The catalog's lock guards it.
type template struct {
	ID              string            `json:"id"`
	WABAID          string            `json:"waba_id"`
	Name            string            `json:"name"`
	Language        string            `json:"language"`
	Category        string            `json:"category"`
	Status          string            `json:"status"`
	Rejected        string            `json:"rejected_reason,omitempty"`
	ParameterFormat string            `json:"parameter_format"`
	TTL             *int              `json:"message_send_ttl_seconds,omitempty"`
	Bid             bid               `json:"optimization_spec,omitzero"`
	Components      []json.RawMessage `json:"components"` // as they were sent
	ReviewAt        time.Time         `json:"review_at"`
	PausedAt        time.Time         `json:"paused_at"`
	Edits           []time.Time       `json:"edits,omitempty"` // of the approved template
	Approved        bool              `json:"approved"`        // once, so its name stays locked after it is deleted

	account *account
	content *content
	shown   []json.RawMessage // the components as Graph reads them back
	shape   shape
}

// neverReviewed and the other endings are the magic names.
const (
	neverReviewed = "_in_review"
	rejected      = "_rejected"
	recategorized = "_recategorized"
)

// review settles a template whose time has come: by Run, or by whoever looks at it first.
func (s *Sandbox) review(t *template) {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	s.reviewLocked(t)
}

func (s *Sandbox) reviewLocked(t *template) {
	if t.Status != "PENDING" || strings.HasSuffix(t.Name, neverReviewed) || s.now().Before(t.ReviewAt) {
		return
	}

	switch {
	case strings.HasSuffix(t.Name, rejected), t.shape.adjacent:
		t.Rejected = "INVALID_FORMAT"
		s.move(t, "REJECTED", map[string]any{"reason": "INVALID_FORMAT", "rejection_info": map[string]any{
			"reason":         "The template's variables are not separated by text, or its name asks for a rejection.",
			"recommendation": "Put text between the variables.",
		}})
	default:
		t.Approved, t.Rejected = true, "NONE"
		s.move(t, "APPROVED", map[string]any{"reason": "NONE"})
	}
}

// move changes a template's status, keeps that, and tells it by webhook. The caller holds the
// catalog's lock.
func (s *Sandbox) move(t *template, event string, extra map[string]any) {
	t.Status = event
	if event == "REINSTATED" || event == "UNPAUSED" {
		t.Status = "APPROVED"
	}

	s.journal.put(s, record{Template: t})
	value := map[string]any{
		"event": event, "message_template_id": json.Number(t.ID), "message_template_name": t.Name,
		"message_template_language": strings.ReplaceAll(t.Language, "_", "-"), "message_template_category": t.Category,
		"reason": nil,
	}

	for key, v := range extra {
		value[key] = v
	}

	s.tell(t.account, nil, "message_template_status_update", value)
}

// tell schedules a webhook other than a status. It must not depend on the catalog's lock, which
// callers may hold.
func (s *Sandbox) tell(a *account, n *number, field string, value any) {
	if s.options.Load().NoWebhooks {
		return
	}

	raw, err := json.Marshal(value)
	if err != nil {
		s.log.Error("sandbox: encode webhook", "field", field, "error", err)
		return
	}

	now := s.now().UnixNano()
	s.later(now, &event{account: a, number: n, field: field, value: raw, at: now})
}

// PauseTemplate pauses a template in all its languages, as Meta does with one of low quality.
func (s *Sandbox) PauseTemplate(wabaID, name string) {
	s.eachLanguage(wabaID, name, func(t *template) {
		t.PausedAt = s.now()
		s.move(t, "PAUSED", map[string]any{"other_info": map[string]any{
			"title": "FIRST_PAUSE", "description": "Your WhatsApp message template has been paused for 3 hours.",
		}})
	})
}

// ApproveTemplate approves a template in all its languages at once, whatever its state.
func (s *Sandbox) ApproveTemplate(wabaID, name string) {
	s.eachLanguage(wabaID, name, func(t *template) {
		t.Approved, t.Rejected = true, "NONE"
		s.move(t, "APPROVED", map[string]any{"reason": "NONE"})
	})
}

// DisableTemplate disables a template in all its languages: the end of Meta's ladder of pauses.
func (s *Sandbox) DisableTemplate(wabaID, name string) {
	s.eachLanguage(wabaID, name, func(t *template) { s.move(t, "DISABLED", nil) })
}

func (s *Sandbox) eachLanguage(wabaID, name string, f func(*template)) {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	if a := s.catalog.accounts[wabaID]; a != nil {
		for key, t := range a.templates {
			if key.name == name {
				f(t)
			}
		}
	}
}

// put enters a template into the catalog. The caller holds its lock.
func (k *catalog) put(a *account, t *template) {
	t.account, t.WABAID = a, a.WABAID
	t.content = k.intern(content{Template: t.Name, Language: t.Language, Category: strings.ToLower(t.Category),
		Type: "template"})
	k.templates[t.ID] = t
	a.templates[templateKey{t.Name, t.Language}] = t
}

// node is a template as Graph shows it.
func (t *template) node() map[string]any {
	n := map[string]any{
		"id": t.ID, "name": t.Name, "language": t.Language, "category": t.Category, "status": t.Status,
		"parameter_format": t.ParameterFormat, "components": t.shown, "rejected_reason": t.Rejected,
		"sub_category": "CUSTOM", "previous_category": nil, "correct_category": nil,
		"quality_score":            map[string]any{"score": "UNKNOWN", "date": t.ReviewAt.Unix()},
		"message_send_ttl_seconds": t.TTL, "health_status": t.account.healthOf("MESSAGE_TEMPLATE", t.ID),
		"cta_url_link_tracking_opted_out": false, "library_template_name": nil, "last_updated_time": t.ReviewAt.Unix(),
	}
	n["optimization_spec"] = nil
	if t.Rejected == "" {
		n["rejected_reason"] = "NONE"
	}
	if t.Bid.Amount > 0 {
		n["optimization_spec"] = t.Bid
	}

	return n
}
