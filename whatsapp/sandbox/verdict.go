package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Decision is what POST /sandbox/templates takes: which templates, and what Meta decides of them.
type Decision struct {
	WABAID   string `json:"waba_id"`
	Name     string
	Language string // empty: all
	Do       string
	Reason   string // of REJECT
	Text     string // of REJECT, for people
	Category string // of ANNOUNCE_CATEGORY
	Quality  string // of QUALITY
}

// verdict is something that Meta decides of a template. Do changes it and tells that by webhook;
// the caller holds the catalog's lock.
type verdict struct {
	name, does string
	do         func(s *Sandbox, t *template, o Decision) error
}

// verdicts lists them.
var verdicts = []verdict{
	{"APPROVE", "message_template_status_update: APPROVED", func(s *Sandbox, t *template, _ Decision) error {
		t.Approved, t.Rejected = true, "NONE"
		s.move(t, "APPROVED", map[string]any{"reason": "NONE"})
		return nil
	}},
	{"REJECT", `the same: REJECTED, for "reason" (INVALID_FORMAT, SCAM, …), with "text" for people`, reject},
	{"PAUSE", "the same: PAUSED, because of its quality", func(s *Sandbox, t *template, _ Decision) error {
		t.PausedAt = s.now()
		s.move(t, "PAUSED", other("FIRST_PAUSE", "Your WhatsApp message template has been paused for 3 hours."))
		return nil
	}},
	{"UNPAUSE", "the same: UNPAUSED; the template is APPROVED again", from("PAUSED", func(s *Sandbox, t *template) {
		s.move(t, "UNPAUSED", other("UNPAUSE", "Your template was unpaused."))
	})},
	{"FLAG", "the same: FLAGGED; nothing changes yet, it is to be disabled in a day", func(s *Sandbox, t *template,
		_ Decision) error {
		s.event(t, "FLAGGED", map[string]any{"disable_info": map[string]any{
			"disable_date": fmt.Sprint(s.now().Add(24 * time.Hour).Unix())}})
		return nil
	}},
	{"DISABLE", "the same: DISABLED, for good", func(s *Sandbox, t *template, _ Decision) error {
		s.move(t, "DISABLED", other("DISABLED", "Your WhatsApp message template has been disabled."))
		return nil
	}},
	{"REINSTATE", "the same: REINSTATED; the template is APPROVED again", from("DISABLED", func(s *Sandbox, t *template) {
		s.move(t, "REINSTATED", nil)
	})},
	{"APPEAL", "the same: IN_APPEAL, of a rejected one", from("REJECTED", func(s *Sandbox, t *template) {
		s.move(t, "IN_APPEAL", nil)
	})},
	{"ARCHIVE", "the same: ARCHIVED, as after 12 months without use", func(s *Sandbox, t *template, _ Decision) error {
		if t.Status == "ARCHIVED" {
			return fmt.Errorf("the template %s is ARCHIVED already", t.Name)
		}

		t.Before = t.Status
		s.move(t, "ARCHIVED", nil)

		return nil
	}},
	{"UNARCHIVE", "the same: UNARCHIVED; the template has its former status again", from("ARCHIVED",
		func(s *Sandbox, t *template) { s.move(t, "UNARCHIVED", nil) })},
	{"DELETE", "the same: DELETED, as if somebody deleted it at Meta", func(s *Sandbox, t *template, _ Decision) error {
		s.remove(t.account, t)
		return nil
	}},
	{"ANNOUNCE_CATEGORY", `template_category_update: another "category" (MARKETING) in a day; nothing changes yet`, announce},
	{"APPLY_CATEGORY", "template_category_update: the category that was announced holds now", apply},
	{"QUALITY", `message_template_quality_update: another "quality" (GREEN, YELLOW, RED, UNKNOWN)`, rate},
}

// rejectionReasons are Meta's. developers.facebook.com, WhatsApp "Template review" (read 2026-09).
var rejectionReasons = []string{"INVALID_FORMAT", "ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "PROMOTIONAL", "SCAM",
	"TAG_CONTENT_MISMATCH"}

func other(title, description string) map[string]any {
	return map[string]any{"other_info": map[string]any{"title": title, "description": description}}
}

// from does it to a template of that status alone.
func from(status string, do func(*Sandbox, *template)) func(*Sandbox, *template, Decision) error {
	return func(s *Sandbox, t *template, _ Decision) error {
		if t.Status != status {
			return fmt.Errorf("the template %s is %s, and not %s", t.Name, t.Status, status)
		}

		do(s, t)

		return nil
	}
}

func reject(s *Sandbox, t *template, o Decision) error {
	reason := strings.ToUpper(o.Reason)
	if reason == "" {
		reason = rejectionReasons[0]
	}
	if !slices.Contains(rejectionReasons, reason) {
		return fmt.Errorf("the reason must be one of %s, not %q", strings.Join(rejectionReasons, ", "), o.Reason)
	}

	told := map[string]any{"reason": reason}
	if reason == "INVALID_FORMAT" || o.Text != "" {
		text := o.Text
		if text == "" {
			text = "The template's variables are not separated by text, or its name asks for a rejection."
		}

		told["rejection_info"] = map[string]any{"reason": text, "recommendation": "Put text between the variables."}
	}

	t.Rejected = reason
	s.move(t, "REJECTED", told)

	return nil
}

// categoryNotice is how long before a category changes Meta announces it, about.
const categoryNotice = 24 * time.Hour

func announce(s *Sandbox, t *template, o Decision) error {
	category := strings.ToUpper(o.Category)
	if !slices.Contains([]string{"UTILITY", "MARKETING", "AUTHENTICATION"}, category) || category == t.Category {
		return fmt.Errorf("the category must be another than %s: UTILITY, MARKETING or AUTHENTICATION, not %q", t.Category,
			o.Category)
	}

	t.Coming, t.CategoryAt = category, s.now().Add(categoryNotice)
	s.journal.put(s, record{Template: t})
	s.later(t.CategoryAt.UnixNano(), t)
	s.tellOf(t, "template_category_update", map[string]any{"new_category": t.Category, "correct_category": category,
		"category_update_timestamp": t.CategoryAt.Unix()})

	return nil
}

// apply gives a template the category that was announced. A new authentication template would have
// to be written otherwise, so that one is rejected. A marketing template keeps no time to live of a
// utility one.
func apply(s *Sandbox, t *template, _ Decision) error {
	before, after := t.Category, t.Coming
	if after == "" {
		return fmt.Errorf("no other category was announced for the template %s", t.Name)
	}

	t.Coming = ""
	if after == "AUTHENTICATION" {
		return reject(s, t, Decision{Reason: "INCORRECT_CATEGORY"})
	}

	shown, sh, no := parseComponents(after, t.ParameterFormat, t.Components)
	if no != nil {
		return fmt.Errorf("the template %s cannot be %s: %s", t.Name, after, no.userMessage)
	}

	t.Category, t.Previous, t.TTL, t.shown, t.shape = after, before, nil, shown, sh
	s.catalog.put(t.account, t)
	s.journal.put(s, record{Template: t})
	s.tellOf(t, "template_category_update", map[string]any{"previous_category": before, "new_category": after})

	return nil
}

func rate(s *Sandbox, t *template, o Decision) error {
	quality := strings.ToUpper(o.Quality)
	if !slices.Contains([]string{"GREEN", "YELLOW", "RED", "UNKNOWN"}, quality) {
		return fmt.Errorf("the quality must be GREEN, YELLOW, RED or UNKNOWN, not %q", o.Quality)
	}

	before := t.quality()
	t.Quality = quality
	s.journal.put(s, record{Template: t})
	s.tellOf(t, "message_template_quality_update", map[string]any{"previous_quality_score": before,
		"new_quality_score": quality})

	return nil
}

// Decide has Meta decide something of a template, in all its languages or in one.
func (s *Sandbox) Decide(o Decision) error {
	at := slices.IndexFunc(verdicts, func(v verdict) bool { return v.name == o.Do })
	if at < 0 {
		return fmt.Errorf("nothing is called %q; see GET /sandbox/", o.Do)
	}

	s.catalog.Lock()
	defer s.catalog.Unlock()
	a := s.catalog.accounts[o.WABAID]
	if a == nil {
		return fmt.Errorf("there is no account %s", o.WABAID)
	}

	found := false
	for _, t := range a.languages(o.Name) {
		if o.Language != "" && t.Language != o.Language {
			continue
		}
		if err := verdicts[at].do(s, t, o); err != nil {
			return err
		}

		found = true
	}

	if !found {
		return fmt.Errorf("the account %s has no template %s in that language", o.WABAID, o.Name)
	}

	return nil
}

// languages are the templates of a name, in the order of their languages. The caller holds the
// catalog's lock.
func (a *account) languages(name string) (all []*template) {
	for key, t := range a.templates {
		if key.name == name {
			all = append(all, t)
		}
	}

	slices.SortFunc(all, func(x, y *template) int { return strings.Compare(x.Language, y.Language) })

	return all
}

// PauseTemplate pauses a template in all its languages, as Meta does with one of low quality.
func (s *Sandbox) PauseTemplate(wabaID, name string) { s.decided(wabaID, name, "PAUSE") }

// ApproveTemplate approves a template in all its languages at once, whatever its state.
func (s *Sandbox) ApproveTemplate(wabaID, name string) { s.decided(wabaID, name, "APPROVE") }

// DisableTemplate disables a template in all its languages: the end of Meta's ladder of pauses.
func (s *Sandbox) DisableTemplate(wabaID, name string) { s.decided(wabaID, name, "DISABLE") }

func (s *Sandbox) decided(wabaID, name, do string) {
	_ = s.Decide(Decision{WABAID: wabaID, Name: name, Do: do}) // of a template that is not there nothing is decided
}

func inspectTemplates(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[Decision](r)
	if err != nil {
		return nil, err
	}

	return nil, s.Decide(body)
}
