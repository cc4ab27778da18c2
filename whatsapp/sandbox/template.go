package sandbox

import (
	"cmp"
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
	Edits           []time.Time       `json:"edits,omitempty"`  // of the approved template
	Approved        bool              `json:"approved"`         // once, so its name stays locked after it is deleted
	Before          string            `json:"before,omitempty"` // its status, while it is ARCHIVED
	Quality         string            `json:"quality,omitempty"`
	Previous        string            `json:"previous_category,omitempty"`
	Coming          string            `json:"correct_category,omitempty"` // announced, from CategoryAt on
	CategoryAt      time.Time         `json:"category_at,omitzero"`
	Locked          bool              `json:"locked,omitempty"`
	Pace            string            `json:"pace,omitempty"`    // how its assessment will end; empty where it is not paced
	PacedAt         time.Time         `json:"paced_at,omitzero"` // when that ends; zero while nothing is held

	sent int // messages since it is paced

	account *account
	content *content
	shown   []json.RawMessage // the components as Graph reads them back
	shape   shape
}

// neverReviewed and the other endings are the magic names; Meta's reason of a rejection may follow
// "_rejected".
const (
	neverReviewed = "_in_review"
	rejected      = "_rejected"
	recategorized = "_recategorized"
)

// afterReview are the endings of what becomes of a template as soon as it is approved.
var afterReview = map[string][]Decision{
	"_paused":             {{Do: "PAUSE"}},
	"_disabled":           {{Do: "DISABLE"}},
	"_reinstated":         {{Do: "DISABLE"}, {Do: "REINSTATE"}},
	"_archived":           {{Do: "ARCHIVE"}},
	"_unarchived":         {{Do: "ARCHIVE"}, {Do: "UNARCHIVE"}},
	"_in_appeal":          {{Do: "REJECT"}, {Do: "APPEAL"}},
	"_flagged":            {{Do: "FLAG"}},
	"_locked":             {{Do: "LOCK"}},
	"_limit_exceeded":     {{Do: "EXCEED_LIMIT"}},
	"_pending_deletion":   {{Do: "SCHEDULE_DELETION"}},
	"_deleted":            {{Do: "DELETE"}},
	"_paced":              {{Do: "PACE"}},
	"_paced_badly":        {{Do: "PACE_BADLY"}},
	"_category_announced": {{Do: "ANNOUNCE_CATEGORY", Category: "MARKETING"}},
}

// asksRejection reports whether a name asks for a rejection, and for which reason.
func asksRejection(name string) (reason string, asks bool) {
	if strings.HasSuffix(name, rejected) {
		return rejectionReasons[0], true
	}

	for _, reason := range rejectionReasons {
		if strings.HasSuffix(name, rejected+"_"+strings.ToLower(reason)) {
			return reason, true
		}
	}

	return "", false
}

// review settles a template whose time has come: by Run, or by whoever looks at it first.
func (s *Sandbox) review(t *template) {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	s.reviewLocked(t)
}

func (s *Sandbox) reviewLocked(t *template) {
	if t.Status == "DELETED" { // it is out of the catalog
		return
	}
	if s.assess(t); t.Coming != "" && !s.now().Before(t.CategoryAt) {
		if s.judge(t, Decision{Do: "APPLY_CATEGORY"}); t.Coming != "" {
			t.Coming = ""
			s.journal.put(s, record{Template: t})
		}
	}
	if t.Status != "PENDING" || strings.HasSuffix(t.Name, neverReviewed) || s.now().Before(t.ReviewAt) {
		return
	}

	reason, asks := asksRejection(t.Name)
	if asks || t.shape.adjacent {
		reject(s, t, Decision{Reason: reason}) // a reason of Meta's
		return
	}

	s.judge(t, Decision{Do: "APPROVE"})
	for ending, decisions := range afterReview {
		if !strings.HasSuffix(t.Name, ending) {
			continue
		}
		for _, o := range decisions {
			s.judge(t, o)
		}
	}
}

// judge decides something of one template. The caller holds the catalog's lock.
func (s *Sandbox) judge(t *template, o Decision) {
	for _, v := range verdicts {
		if v.name != o.Do {
			continue
		}
		if v.may != nil {
			if err := v.may(t, o); err != nil {
				s.log.Warn("sandbox: what Meta would decide does not fit", "template", t.Name, "error", err)
				return
			}
		}

		v.do(s, t, o)
	}
}

// move changes a template's status, keeps that, and tells it by webhook. The caller holds the
// catalog's lock.
func (s *Sandbox) move(t *template, event string, extra map[string]any) {
	switch t.Status = event; event {
	case "REINSTATED", "UNPAUSED":
		t.Status = "APPROVED"
	case "UNARCHIVED":
		t.Status, t.Before = t.Before, ""
	}

	s.journal.put(s, record{Template: t})
	s.event(t, event, extra)
}

// event tells by webhook what happened to a template.
func (s *Sandbox) event(t *template, event string, extra map[string]any) {
	value := map[string]any{"event": event, "message_template_category": t.Category, "reason": nil}
	for key, v := range extra {
		value[key] = v
	}

	s.tellOf(t, "message_template_status_update", value)
}

// tellOf tells something of a template by webhook.
func (s *Sandbox) tellOf(t *template, field string, value map[string]any) {
	value["message_template_id"], value["message_template_name"] = json.Number(t.ID), t.Name
	value["message_template_language"] = strings.ReplaceAll(t.Language, "_", "-")
	s.tell(t.account, nil, field, value)
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
		"sub_category": "CUSTOM", "previous_category": named(t.Previous), "correct_category": named(t.Coming),
		"quality_score":            map[string]any{"score": t.quality(), "date": t.ReviewAt.Unix()},
		"message_send_ttl_seconds": t.TTL, "health_status": t.account.healthOf("MESSAGE_TEMPLATE", t.ID),
		"cta_url_link_tracking_opted_out": false, "library_template_name": nil, "last_updated_time": t.ReviewAt.Unix(),
	}
	n["optimization_spec"] = nil
	switch {
	case t.Status == "PENDING_DELETION":
		n["rejected_reason"] = nil
	case t.Rejected == "":
		n["rejected_reason"] = "NONE"
	}
	if t.Bid.Amount > 0 {
		n["optimization_spec"] = t.Bid
	}

	return n
}

func (t *template) quality() string { return cmp.Or(t.Quality, "UNKNOWN") }

// named is a text as JSON has it: null for none.
func named(text string) any {
	if text == "" {
		return nil
	}
	return text
}
