package app_test

import (
	"context"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/database/dbtest"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/whatsapp/sandbox"
)

// trials runs a second sandbox, in which organizations make accounts for trial, and names it to the
// service.
func (s *service) trials() *sandbox.Sandbox {
	s.t.Helper()
	const secret = "the trial sandbox's own secret"
	box, err := sandbox.New(sandbox.Options{AppID: sandbox.AppID, AppSecret: secret, RetryDelay: 50 * time.Millisecond,
		CallbackURL: s.url + "/webhooks/whatsapp"})
	if err != nil {
		s.t.Fatal(err)
	}

	server := httptest.NewServer(box)
	s.t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-done })
	s.environ = append(s.environ, "SANDBOX_URL="+server.URL, "SANDBOX_APP_SECRET="+secret)

	return box
}

// tryOut makes a trial account with an approved template, and sends a message from it and from the
// real account. It waits until both are delivered, and returns Meta's id of the trial's number.
func (s *service) tryOut() (number string) {
	s.t.Helper()
	s.draft(1)
	var made struct {
		ConnectSandboxAccount struct {
			Account struct {
				ID           string
				Sandbox      bool
				PhoneNumbers []struct{ ID, PhoneNumberID, Status string }
			}
		}
	}
	s.ask(`mutation { connectSandboxAccount(input: {}) { account { id sandbox phoneNumbers { id phoneNumberId status } }
		userErrors { message } } }`, nil, &made)

	trial := made.ConnectSandboxAccount.Account
	if !trial.Sandbox || len(trial.PhoneNumbers) != 1 || trial.PhoneNumbers[0].Status != "CONNECTED" {
		s.t.Fatalf("the trial is %+v", trial)
	}

	s.ask(`mutation($id: ID!) { createTemplate(input: {accountId: $id, template: {name: "hello", language: "en_US",
		category: UTILITY, components: [{type: BODY, text: "Hello {{1}}, good to see you again.", example: ["Ana"]}]}}) {
		userErrors { message } } }`, map[string]any{"id": trial.ID}, nil)
	system := caller.System(s.t.Context())
	s.until("both templates are approved", func() bool {
		approved := 0
		for _, t := range s.db.Client.Template.Query().AllX(system) {
			if t.Status == enum.TemplateStatusApproved {
				approved++
			}
		}

		return approved == 2
	})

	for _, t := range s.db.Client.Template.Query().WithAccount().AllX(system) {
		from := t.Edges.Account.QueryPhoneNumbers().OnlyX(system)
		s.ask(`mutation($from: ID!, $template: ID!) { sendMessage(input: {phoneNumberId: $from, to: "+14165550100",
			content: {template: {templateId: $template, values: [{parameter: "1", value: "Ann"}]}}}) { userErrors { message } } }`,
			map[string]any{"from": from.ID.String(), "template": t.ID.String()}, nil)
	}

	s.until("both messages are read", func() bool {
		return s.db.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusRead)).CountX(system) == 2
	})
	s.until("it is known that both callbacks work", func() bool {
		return s.db.Client.Account.Query().Where(entaccount.WebhookReceivedAtNotNil()).CountX(system) == 2
	})

	return trial.PhoneNumbers[0].PhoneNumberID
}

func TestATrialRunsBesideARealAccountAndNeitherReachesTheOther(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	box := s.trials()
	kill := s.start("")
	s.ready()
	number := s.tryOut()

	for name, tc := range map[string]struct {
		at   *sandbox.Sandbox
		from string
	}{"WhatsApp": {s.sandbox, app.SandboxNumber}, "the sandbox": {box, number}} {
		accepted := tc.at.Accepted()
		if len(accepted) != 1 || accepted[0].PhoneNumberID != tc.from {
			t.Errorf("%s accepted %+v", name, accepted)
		}
	}

	kill(syscall.SIGTERM)
}

func TestCarillonAloneHasASandboxBesideWhatsApp(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.SQLite(t), sandbox.Options{})
	kill := s.start("")
	s.ready()
	number := s.tryOut()
	if accepted := s.sandbox.Accepted(); len(accepted) != 1 || accepted[0].PhoneNumberID == number {
		t.Errorf("WhatsApp accepted %+v", accepted)
	}

	// The sandbox and its accounts are there again after a kill.
	kill(syscall.SIGKILL)
	kill = s.start("")
	s.ready()
	system := caller.System(t.Context())
	trial := s.db.Client.Account.Query().Where(entaccount.Sandbox(true)).OnlyX(system)
	s.ask(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { account { id } userErrors { message } } }`,
		map[string]any{"id": trial.ID.String()}, nil)
	kill(syscall.SIGTERM)
}
