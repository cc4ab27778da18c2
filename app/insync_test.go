package app_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent/enum"
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
