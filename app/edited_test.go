package app_test

import (
	"net/http"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent"
	enttemplate "carillon/ent/template"
	"carillon/ent/templatechange"
	"carillon/whatsapp/sandbox"
)

const editedText = "Hello {{1}}, it is very good to see you again."

// The program is killed at each moment of an edit at Meta. Whoever asks again afterwards loses
// nothing, and finds who did it.
func TestKilledWhileATemplateIsEditedItIsWhatMetaHasAndTheMembersDoing(t *testing.T) {
	t.Parallel()
	for name, die := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, dsn string) {
				// Webhooks would tell at once; here only a sync can find out.
				s := deploy(t, dsn, sandbox.Options{})
				end := s.start("")
				s.ready()
				s.draft(1)
				s.sandbox.Change(func(o *sandbox.Options) { o.NoWebhooks = true })
				before := s.template()
				dead := s.killAtEdit(path.Base(*before.MetaID), func(sig syscall.Signal) { end(sig) }, die)
				go s.tryEdit(before)
				<-dead
				s.intercept.Store(nil)

				s.start("")
				s.ready()
				held := s.template()
				if kept := string(held.Components) == string(before.Components); name != "after WhatsApp took it, and answered" &&
					(held.ChangingBy == nil || !kept) { // else the answer may have been stored just in time
					t.Errorf("after its death the template is held by %v: %s", held.ChangingBy, held.Components)
				}

				s.forgetClaims()
				s.ask(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { userErrors { message } } }`,
					map[string]any{"id": before.AccountID.String()}, nil)
				s.editJudged(name != "before WhatsApp reads it")
			})
		})
	}
}

func (s *service) template() *ent.Template {
	s.t.Helper()
	return s.db.Client.Template.Query().OnlyX(caller.System(s.t.Context()))
}

// killAtEdit kills the program while its edit of that template is on its way; what it returns is
// closed once it is dead.
func (s *service) killAtEdit(metaID string, kill func(syscall.Signal),
	die func(*service, http.ResponseWriter, *http.Request, func())) (dead <-chan struct{}) {
	over := make(chan struct{})
	first := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || path.Base(r.URL.Path) != metaID {
			return false
		}

		die(s, w, r, func() { kill(syscall.SIGKILL); close(over) })

		return true
	}

	s.intercept.Store(&first)

	return over
}

// tryEdit asks for an edit whose answer may never come.
func (s *service) tryEdit(t *ent.Template) {
	body := strings.NewReader(`{"query":"mutation($id: ID!) { updateTemplate(input: {templateId: $id, components: [{type: BODY, text: \"` +
		editedText + `\", example: [\"Ana\"]}]}) { userErrors { message } } }","variables":{"id":"` + t.ID.String() + `"}}`)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", body)
	if err != nil {
		s.t.Error(err)
		return
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// forgetClaims lets the minute pass for which a template belongs to one caller.
func (s *service) forgetClaims() {
	s.t.Helper()
	s.db.Client.Template.Update().Where(enttemplate.ChangingUntilNotNil()).SetChangingUntil(time.Now().Add(-time.Second)).
		ExecX(caller.System(s.t.Context()))
}

// editJudged holds that the template says what Meta has, that its history names the member once,
// and that nobody holds it any more.
func (s *service) editJudged(taken bool) {
	s.t.Helper()
	t := s.template()
	if got := strings.Contains(string(t.Components), editedText); got != taken {
		s.t.Errorf("Meta took the edit: %t, and here it is %s", taken, t.Components)
	}

	changes := s.db.Client.TemplateChange.Query().Where(templatechange.TemplateID(t.ID),
		templatechange.Field("components")).AllX(caller.System(s.t.Context()))
	switch {
	case !taken && len(changes) != 0:
		s.t.Errorf("nothing was changed, and the history has %+v", changes)
	case taken && (len(changes) != 1 || changes[0].Actor != "owner@example.com"):
		s.t.Errorf("the history has %+v", changes)
	}

	if t.ChangingBy != nil {
		s.t.Errorf("it is still held by %s", *t.ChangingBy)
	}
}
