package sandbox

import "time"

// How Meta's assessment of a template that is paced ends. developers.facebook.com, WhatsApp
// "Template pacing" (read 2025-12); how many messages go out at once is not published.
const (
	paceWell  = "WELL"
	paceBadly = "BADLY"

	pacedFirst = 10
)

// held are the fates of messages that wait for the assessment of their template.
var held = map[string]*Magic{paceWell: {hold: true}, paceBadly: {hold: true, fail: 132015}}

// paced begins to pace a template.
func paced(outcome string) func(*Sandbox, *template, Decision) {
	return func(s *Sandbox, t *template, _ Decision) {
		t.Pace, t.PacedAt, t.sent = outcome, time.Time{}, 0
		rate(s, t, Decision{Quality: "UNKNOWN"}) // which also keeps it
	}
}

// pace counts a message of a template and says what becomes of it: empty for one that goes out at
// once. The assessment ends --hold-for after the first that is held.
func (s *Sandbox) pace(a *account, key templateKey) (outcome string) {
	s.catalog.RLock()
	t := a.templates[key]
	ordinary := t == nil || t.Pace == ""
	s.catalog.RUnlock()
	if ordinary {
		return ""
	}

	s.catalog.Lock()
	defer s.catalog.Unlock()
	if t.sent++; t.Pace == "" || t.sent <= pacedFirst {
		return ""
	}

	if t.PacedAt.IsZero() {
		t.PacedAt = s.now().Add(s.options.Load().HoldFor)
		s.journal.put(s, record{Template: t})
		s.later(t.PacedAt.UnixNano(), t)
	}

	return t.Pace
}

// assess ends the pacing of a template whose time has come. The caller holds the catalog's lock.
func (s *Sandbox) assess(t *template) {
	if t.Pace == "" || t.PacedAt.IsZero() || s.now().Before(t.PacedAt) {
		return
	}

	outcome := t.Pace
	if t.Pace, t.PacedAt = "", (time.Time{}); outcome == paceWell {
		rate(s, t, Decision{Quality: "GREEN"})
	} else {
		pause(s, t, Decision{})
	}
}
