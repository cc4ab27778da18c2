package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// templateStatus is what the API says of the only template.
func (s *service) templateStatus() string {
	s.t.Helper()
	var answer struct {
		Templates struct {
			Edges []struct{ Node struct{ Status string } }
		}
	}
	s.ask(`{ templates(first: 1) { edges { node { status } } } }`, nil, &answer)
	if len(answer.Templates.Edges) != 1 {
		s.t.Fatalf("%+v", answer)
	}

	return answer.Templates.Edges[0].Node.Status
}

func TestWhatNoWebhookToldIsFoundByTheSyncThatComesByItself(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	kill := s.start("")
	s.ready()
	s.draft(1)
	system := caller.System(t.Context())
	name := s.db.Client.Template.Query().OnlyX(system).Name
	s.sandbox.Change(func(o *sandbox.Options) { o.NoWebhooks = true })
	s.sandbox.PauseTemplate(app.SandboxWABA, name)

	a := s.db.Client.Account.Query().OnlyX(system)
	if a.NextSyncAt == nil || s.templateStatus() != "APPROVED" {
		t.Fatalf("%v: it is %s already", a.NextSyncAt, s.templateStatus())
	}

	s.db.Client.Account.UpdateOne(a).SetNextSyncAt(time.Now()).ExecX(system)
	s.until("the sync has found it", func() bool { return s.templateStatus() == "PAUSED" })
	s.until("the next one is planned", func() bool {
		a = s.db.Client.Account.Query().OnlyX(system)
		return a.NextSyncAt.After(time.Now().Add(time.Hour))
	})
	kill(syscall.SIGTERM)
}

// The time from what Meta does to what the API answers is logged: go test ./app -run Webhook -v.
func TestAWebhookAboutATemplateShowsInTheAPI(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	kill := s.start("")
	s.ready()
	s.draft(1)
	name := s.db.Client.Template.Query().OnlyX(caller.System(t.Context())).Name
	var took []time.Duration

	for i := range 20 {
		want, do := enum.TemplateStatusPaused, s.sandbox.PauseTemplate
		if i%2 == 1 {
			want, do = enum.TemplateStatusApproved, s.sandbox.ApproveTemplate
		}

		began := time.Now()
		do(app.SandboxWABA, name)
		s.until("the webhook has come", func() bool { return s.templateStatus() == string(want) })
		took = append(took, time.Since(began))
	}

	slices.Sort(took)
	t.Logf("from Meta's change to the API: median %s, longest of %d %s", took[len(took)/2], len(took), took[len(took)-1])
	kill(syscall.SIGTERM)
}

// A worker is killed -9 in the middle of a sync. Another one goes on from there, and stands still
// while a member syncs the same account through the process that serves: three processes.
func TestASyncOutlivesItsProcessAndGivesWayToAMembers(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"postgres": dbtest.Postgres, "sqlite": dbtest.SQLite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			syncsOfThreeProcesses(t, deploy(t, dsn(t), sandbox.Options{NoLimits: true}))
		})
	}
}

func syncsOfThreeProcesses(t *testing.T, s *service) {
	shared := []string{"REDIS_URL=" + dbtest.RedisURL(t), "ENCRYPTION_KEY=" + testKey}
	s.start("serve", shared...)
	s.ready()
	s.draft(1)
	s.many(260)
	account := s.db.Client.Account.Query().OnlyX(caller.System(t.Context()))

	kill := s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
	asked := s.pages(map[int]func(){3: func() { kill(syscall.SIGKILL) }})
	s.turn()
	s.until("the worker is dead", func() bool { return len(asked()) == 3 })
	stopped := asked()[2]

	begun, goOn := make(chan struct{}), make(chan struct{})
	asked = s.pages(map[int]func(){2: func() { close(begun); <-goOn }})
	stop := s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
	s.turn()
	<-begun
	if got := asked()[0]; got != stopped || stopped == "" {
		t.Errorf("the other worker went on behind %q, and not %q", got, stopped)
	}

	s.pages(nil)
	s.sandbox.PauseTemplate(app.SandboxWABA, "bulk_000")
	var answer struct {
		SyncAccount struct {
			Account    struct{ SyncedAt time.Time }
			UserErrors []struct{ Message string }
		}
	}
	s.ask(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { account { syncedAt } userErrors { message } } }`,
		map[string]any{"id": account.ID.String()}, &answer)
	after := s.synced()
	close(goOn)
	stop(syscall.SIGTERM) // waits until its sync has ended

	if !after.SyncedAt.Equal(answer.SyncAccount.Account.SyncedAt) || len(answer.SyncAccount.UserErrors) > 0 ||
		after.ListingAfter != nil || !after.NextSyncAt.After(time.Now().Add(time.Hour)) {
		t.Errorf("%+v, %v", answer, after)
	}
	paused := s.db.Client.Template.Query().Where(enttemplate.StatusEQ(enum.TemplateStatusPaused)).
		CountX(caller.System(t.Context()))
	approved := s.db.Client.Template.Query().Where(enttemplate.StatusEQ(enum.TemplateStatusApproved)).
		CountX(caller.System(t.Context()))
	if now := s.synced(); paused != 1 || approved != 260 || !now.NextSyncAt.Equal(*after.NextSyncAt) {
		t.Errorf("%d paused, %d approved; the next turn %v was %v", paused, approved, now.NextSyncAt, after.NextSyncAt)
	}
}

// many makes templates past the service, which no webhook tells of.
func (s *service) many(n int) {
	s.t.Helper()
	s.sandbox.Change(func(o *sandbox.Options) { o.NoWebhooks = true })
	at := ""
	for _, pair := range s.environ {
		if url, is := strings.CutPrefix(pair, "WHATSAPP_API_URL="); is {
			at = url
		}
	}

	meta := whatsapp.NewClient(at, "v26.0")
	for i := range n {
		_, err := meta.CreateTemplate(s.t.Context(), app.SandboxToken, app.SandboxWABA, whatsapp.Template{
			Name: fmt.Sprintf("bulk_%03d", i), Language: "en_US", Category: "MARKETING", Components: []whatsapp.Component{
				{Type: "BODY", Text: "Our shop is open until eight tonight."}}})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// pages notes behind which cursors templates are listed from now on, and does something before the
// nth of these answers.
func (s *service) pages(before map[int]func()) (asked func() []string) {
	var mu sync.Mutex
	var all []string
	first := func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/message_templates") {
			return false
		}

		mu.Lock()
		all = append(all, r.URL.Query().Get("after"))
		do := before[len(all)]
		mu.Unlock()
		if do != nil {
			do()
		}

		return false
	}

	s.intercept.Store(&first)

	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// turn has the account's turn come now, as it does once a dead worker's lease is over.
func (s *service) turn() {
	s.t.Helper()
	s.db.Client.Account.Update().SetNextSyncAt(time.Now()).ExecX(caller.System(s.t.Context()))
}

func (s *service) synced() *ent.Account {
	s.t.Helper()
	return s.db.Client.Account.Query().OnlyX(caller.System(s.t.Context()))
}
