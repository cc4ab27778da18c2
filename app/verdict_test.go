package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"carillon/app"
	"carillon/caller"
	"carillon/database/dbtest"
	enttemplate "carillon/ent/template"
	"carillon/whatsapp/sandbox"
)

// decides has the sandbox decide something of a template of the real account.
func (s *service) decides(name, more string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"waba_id":%q,"name":%q,%s}`, app.SandboxWABA, name, more)
	answer := httptest.NewRecorder()
	s.sandbox.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/sandbox/templates", strings.NewReader(body)))
	if answer.Code != http.StatusOK {
		s.t.Fatalf("%s: %s", body, answer.Body)
	}
}

// known is what the API says of a template.
type known struct {
	Status, Category, ComingCategory, QualityScore, RejectionReason string
	History                                                         []struct{ Field, To, Reason string }
}

func (s *service) known(name string) known {
	s.t.Helper()
	var answer struct{ Node known }
	t := s.db.Client.Template.Query().Where(enttemplate.Name(name)).OnlyX(caller.System(s.t.Context()))
	s.ask(`query($id: ID!) { node(id: $id) { ... on Template { status category comingCategory qualityScore rejectionReason
		history { field to reason } } } }`, map[string]any{"id": t.ID.String()}, &answer)

	return answer.Node
}

func TestWhateverMetaDecidesOfATemplateComesByWebhook(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	kill := s.start("")
	s.ready()
	s.draft(1)
	name := s.db.Client.Template.Query().OnlyX(caller.System(t.Context())).Name

	for _, step := range []struct {
		command string
		holds   func(known) bool
	}{
		{`"do":"REJECT","reason":"SCAM","text":"It promises too much."`, func(k known) bool {
			return k.Status == "REJECTED" && strings.HasPrefix(k.RejectionReason, "SCAM: It promises too much.")
		}},
		{`"do":"APPEAL"`, func(k known) bool { return k.Status == "IN_APPEAL" }},
		{`"do":"APPROVE"`, func(k known) bool { return k.Status == "APPROVED" && k.RejectionReason == "" }},
		{`"do":"QUALITY","quality":"RED"`, func(k known) bool { return k.QualityScore == "RED" }},
		{`"do":"PAUSE"`, func(k known) bool {
			return k.Status == "PAUSED" && strings.Contains(k.History[0].Reason, "FIRST_PAUSE")
		}},
		{`"do":"ARCHIVE"`, func(k known) bool { return k.Status == "ARCHIVED" }},
		{`"do":"UNARCHIVE"`, func(k known) bool { return k.Status == "PAUSED" }},
		{`"do":"UNPAUSE"`, func(k known) bool { return k.Status == "APPROVED" }},
		{`"do":"ANNOUNCE_CATEGORY","category":"MARKETING"`, func(k known) bool {
			return k.Category == "UTILITY" && k.ComingCategory == "MARKETING"
		}},
		{`"do":"APPLY_CATEGORY"`, func(k known) bool { return k.Category == "MARKETING" && k.ComingCategory == "" }},
		{`"do":"DISABLE"`, func(k known) bool { return k.Status == "DISABLED" }},
		{`"do":"REINSTATE"`, func(k known) bool { return k.Status == "APPROVED" }},
		{`"do":"DELETE"`, func(k known) bool { return k.Status == "DELETED" }},
	} {
		s.decides(name, step.command)
		s.until("the API shows "+step.command, func() bool { return step.holds(s.known(name)) })
	}

	kill(syscall.SIGTERM)
}
