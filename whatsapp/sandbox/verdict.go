package sandbox

import (
	"cmp"
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

// verdict is something that Meta decides of a template. May says why it cannot be decided of one,
// nil for always; do changes it and tells that by webhook. The caller holds the catalog's lock.
type verdict struct {
	name, does string
	may        func(t *template, o Decision) error
	do         func(s *Sandbox, t *template, o Decision)
}

// verdicts lists them.
var verdicts = []verdict{
	{"REVIEW", "message_template_status_update: PENDING; the template is reviewed again", nil, func(s *Sandbox,
		t *template, _ Decision) {
		t.ReviewAt = s.now().Add(s.options.Load().ReviewDelay)
		s.move(t, "PENDING", nil)
		s.later(t.ReviewAt.UnixNano(), t)
	}},
	{"APPROVE", "the same: APPROVED", nil, func(s *Sandbox, t *template, _ Decision) {
		t.Approved, t.Rejected = true, "NONE"
		s.move(t, "APPROVED", map[string]any{"reason": "NONE"})
	}},
	{"REJECT", `the same: REJECTED, for "reason" (INVALID_FORMAT, SCAM, …), with "text" for people`, mayReject, reject},
	{"APPEAL", "the same: IN_APPEAL, of a rejected one", while("REJECTED"), moved("IN_APPEAL", nil)},
	{"PAUSE", "the same: PAUSED, because of its quality", nil, pause},
	{"UNPAUSE", "the same: UNPAUSED; the template is APPROVED again", while("PAUSED"), moved("UNPAUSED",
		other("UNPAUSE", "Your template was unpaused."))},
	{"PACE", "message_template_quality_update: UNKNOWN; after ten more messages the others are held for --hold-for; " +
		"then they go out, and the quality is GREEN", while("APPROVED"), paced(paceWell)},
	{"PACE_BADLY", "the same, but then the template is PAUSED, and what was held fails with 132015", while("APPROVED"),
		paced(paceBadly)},
	{"FLAG", "message_template_status_update: FLAGGED; nothing changes yet, it is to be disabled in a day", nil,
		func(s *Sandbox, t *template, _ Decision) {
			s.event(t, "FLAGGED", map[string]any{"disable_info": map[string]any{
				"disable_date": fmt.Sprint(s.now().Add(24 * time.Hour).Unix())}})
		}},
	{"LOCK", "the same: LOCKED; it cannot be edited, and nothing else changes", nil, func(s *Sandbox, t *template,
		_ Decision) {
		t.Locked = true
		s.journal.put(s, record{Template: t})
		s.event(t, "LOCKED", nil)
	}},
	{"DISABLE", "the same: DISABLED, for good", nil, moved("DISABLED",
		other("DISABLED", "Your WhatsApp message template has been disabled."))},
	{"REINSTATE", "the same: REINSTATED; the template is APPROVED again", while("DISABLED"), moved("REINSTATED", nil)},
	{"ARCHIVE", "the same: ARCHIVED, as after 12 months without use", unless("ARCHIVED"), func(s *Sandbox, t *template,
		_ Decision) {
		t.Before = t.Status
		s.move(t, "ARCHIVED", nil)
	}},
	{"UNARCHIVE", "the same: UNARCHIVED; the template has its former status again", while("ARCHIVED"),
		moved("UNARCHIVED", nil)},
	{"EXCEED_LIMIT", "the same: LIMIT_EXCEEDED, since the account has too many templates", nil,
		moved("LIMIT_EXCEEDED", nil)},
	{"SCHEDULE_DELETION", "the same: PENDING_DELETION, as of one that was deleted while messages of it are on their way",
		unless("DISABLED"), moved("PENDING_DELETION", nil)},
	{"DELETE", "the same: DELETED, as if somebody deleted it at Meta", nil, func(s *Sandbox, t *template, _ Decision) {
		s.remove(t.account, t)
	}},
	{"ANNOUNCE_CATEGORY", `template_category_update: another "category" (MARKETING) in a day; nothing changes yet`,
		mayAnnounce, announce},
	{"APPLY_CATEGORY", "template_category_update: the category that was announced holds now", mayApply, apply},
	{"QUALITY", `message_template_quality_update: another "quality" (GREEN, YELLOW, RED, UNKNOWN)`, mayRate, rate},
}

// rejectionReasons are Meta's. developers.facebook.com, WhatsApp "Template review" (read 2026-09).
var rejectionReasons = []string{"INVALID_FORMAT", "ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "PROMOTIONAL", "SCAM",
	"TAG_CONTENT_MISMATCH"}

func other(title, description string) map[string]any {
	return map[string]any{"other_info": map[string]any{"title": title, "description": description}}
}

// while lets something be decided of templates of that status alone, unless of all others.
func while(status string) func(*template, Decision) error {
	return func(t *template, _ Decision) error {
		if t.Status != status {
			return fmt.Errorf("the template %s (%s) is %s, and not %s", t.Name, t.Language, t.Status, status)
		}
		return nil
	}
}

func unless(status string) func(*template, Decision) error {
	return func(t *template, _ Decision) error {
		if t.Status == status {
			return fmt.Errorf("the template %s (%s) is %s", t.Name, t.Language, status)
		}
		return nil
	}
}

// moved changes a template's status, and no more.
func moved(event string, extra map[string]any) func(*Sandbox, *template, Decision) {
	return func(s *Sandbox, t *template, _ Decision) { s.move(t, event, extra) }
}

func pause(s *Sandbox, t *template, _ Decision) {
	t.PausedAt = s.now()
	s.move(t, "PAUSED", other("FIRST_PAUSE", "Your WhatsApp message template has been paused for 3 hours."))
}

// reasonOf is the reason of a rejection.
func reasonOf(o Decision) string { return cmp.Or(strings.ToUpper(o.Reason), rejectionReasons[0]) }

func mayReject(_ *template, o Decision) error {
	if !slices.Contains(rejectionReasons, reasonOf(o)) {
		return fmt.Errorf("the reason must be one of %s, not %q", strings.Join(rejectionReasons, ", "), o.Reason)
	}
	return nil
}

func reject(s *Sandbox, t *template, o Decision) {
	reason := reasonOf(o)
	told := map[string]any{"reason": reason}
	if reason == "INVALID_FORMAT" || o.Text != "" {
		text := cmp.Or(o.Text, "The template's variables are not separated by text, or its name asks for a rejection.")
		told["rejection_info"] = map[string]any{"reason": text, "recommendation": "Put text between the variables."}
	}

	t.Rejected = reason
	s.move(t, "REJECTED", told)
}

// categoryNotice is how long before a category changes Meta announces it, about.
const categoryNotice = 24 * time.Hour

func mayAnnounce(t *template, o Decision) error {
	category := strings.ToUpper(o.Category)
	if !slices.Contains([]string{"UTILITY", "MARKETING", "AUTHENTICATION"}, category) || category == t.Category {
		return fmt.Errorf("the category must be another than %s: UTILITY, MARKETING or AUTHENTICATION, not %q", t.Category,
			o.Category)
	}

	return nil
}

func announce(s *Sandbox, t *template, o Decision) {
	t.Coming, t.CategoryAt = strings.ToUpper(o.Category), s.now().Add(categoryNotice)
	s.journal.put(s, record{Template: t})
	s.later(t.CategoryAt.UnixNano(), t)
	s.tellOf(t, "template_category_update", map[string]any{"new_category": t.Category, "correct_category": t.Coming,
		"category_update_timestamp": t.CategoryAt.Unix()})
}

func mayApply(t *template, _ Decision) error {
	switch t.Coming {
	case "":
		return fmt.Errorf("no other category was announced for the template %s (%s)", t.Name, t.Language)
	case "AUTHENTICATION":
		return nil
	}

	if _, _, no := parseComponents(t.Coming, t.ParameterFormat, t.Components); no != nil {
		return fmt.Errorf("the template %s (%s) cannot be %s: %s", t.Name, t.Language, t.Coming, no.userMessage)
	}

	return nil
}

// apply gives a template the category that was announced. A new authentication template would have
// to be written otherwise, so that one is rejected. A marketing template keeps no time to live of a
// utility one.
func apply(s *Sandbox, t *template, _ Decision) {
	before, after := t.Category, t.Coming
	if t.Coming = ""; after == "AUTHENTICATION" {
		reject(s, t, Decision{Reason: "INCORRECT_CATEGORY"})
		return
	}

	t.shown, t.shape, _ = parseComponents(after, t.ParameterFormat, t.Components)
	t.Category, t.Previous, t.TTL = after, before, nil
	s.catalog.put(t.account, t)
	s.journal.put(s, record{Template: t})
	s.tellOf(t, "template_category_update", map[string]any{"previous_category": before, "new_category": after})
}

func mayRate(_ *template, o Decision) error {
	if !slices.Contains([]string{"GREEN", "YELLOW", "RED", "UNKNOWN"}, strings.ToUpper(o.Quality)) {
		return fmt.Errorf("the quality must be GREEN, YELLOW, RED or UNKNOWN, not %q", o.Quality)
	}
	return nil
}

func rate(s *Sandbox, t *template, o Decision) {
	before := t.quality()
	t.Quality = strings.ToUpper(o.Quality)
	s.journal.put(s, record{Template: t})
	s.tellOf(t, "message_template_quality_update", map[string]any{"previous_quality_score": before,
		"new_quality_score": t.Quality})
}

// Decide has Meta decide something of a template, in all its languages or in one: in all of those
// or, where it cannot be of one of them, in none.
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

	meant := slices.DeleteFunc(a.languages(o.Name), func(t *template) bool {
		return o.Language != "" && t.Language != o.Language
	})
	if len(meant) == 0 {
		return fmt.Errorf("the account %s has no template %s in that language", o.WABAID, o.Name)
	}

	for _, t := range meant {
		if may := verdicts[at].may; may != nil {
			if err := may(t, o); err != nil {
				return err
			}
		}
	}

	for _, t := range meant {
		verdicts[at].do(s, t, o)
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
