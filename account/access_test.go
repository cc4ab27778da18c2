package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// beside is a sandbox that runs beside what stands for WhatsApp here, and all that was asked of
// either: path, token and body.
type beside struct {
	*sandbox.Sandbox
	mu            sync.Mutex
	meta, sandbox []string
}

func (b *beside) note(to *[]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		*to = append(*to, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		b.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// asked reports whether a server was asked for something that contains one of the words.
func (b *beside) asked(of *[]string, words ...string) (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range *of {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}

	return found
}

// besideMeta has the service connect real accounts at one server and sandbox accounts at another.
func (s *stage) besideMeta() *beside {
	s.t.Helper()
	box, err := sandbox.New(sandbox.Options{AppID: sandbox.AppID, AppSecret: "trial-secret", NoWebhooks: true})
	if err != nil {
		s.t.Fatal(err)
	}

	b := &beside{Sandbox: box}
	meta := httptest.NewServer(b.note(&b.meta, http.HandlerFunc(s.serve)))
	trial := httptest.NewServer(b.note(&b.sandbox, box))
	s.t.Cleanup(meta.Close)
	s.t.Cleanup(trial.Close)
	s.meta = whatsapp.NewClient(meta.URL, "v26.0")
	s.Service = s.with(account.Options{AppID: appID, AppSecret: "app-secret", Sandbox: &account.App{
		ID: sandbox.AppID, Secret: "trial-secret", Client: whatsapp.NewClient(trial.URL, "v26.0")}})

	return b
}

// use does everything with an account for which WhatsApp is asked, and sends a message from it.
func (s *stage) use(ctx context.Context, a *ent.Account) whatsapp.Token {
	s.t.Helper()
	if _, err := s.Sync(ctx, a.ID); err != nil {
		s.t.Fatal(err)
	}

	spring := account.CreateTemplate{AccountID: a.ID, Template: offer("spring"), Submit: true}
	if _, err := s.CreateTemplate(ctx, spring); err != nil {
		s.t.Fatal(err)
	}

	number := a.QueryPhoneNumbers().OnlyX(ctx)
	told := whatsapp.NumberUpdate{WABAID: a.WabaID, PhoneNumberID: number.MetaID}
	if _, err := s.ApplyNumberUpdate(s.system(), told); err != nil {
		s.t.Fatal(err)
	}

	sender, err := s.Sender(s.system(), number.ID)
	if err != nil {
		s.t.Fatal(err)
	}

	answer := sender.Client.Send(ctx, sender.Token, number.MetaID, whatsapp.Message{To: "14165550100",
		Template: &whatsapp.TemplateMessage{Name: "spring", Language: "en_US",
			Components: []whatsapp.MessageComponent{{Type: "body",
				Parameters: []whatsapp.MessageParameter{{Type: "text", Text: "Ann"}}}}}})
	if answer.Outcome != whatsapp.Accepted {
		s.t.Fatalf("from account %s: %+v %v", a.WabaID, answer, answer.Err)
	}

	if _, err := s.Disconnect(ctx, a.ID); err != nil {
		s.t.Fatal(err)
	}

	return sender.Token
}

func TestNothingOfASandboxAccountReachesWhatsAppAndNothingOfARealOneTheSandbox(t *testing.T) {
	each(t, func(s *stage) {
		b := s.besideMeta()
		ctx, actual := s.connected()
		trial, err := s.ConnectSandbox(ctx, "Try it")
		if err != nil {
			s.t.Fatal(err)
		}
		if !trial.Sandbox || actual.Sandbox || trial.Name != "Try it" || trial.SyncedAt == nil {
			s.t.Fatalf("the trial is %v, the real one %v", trial, actual)
		}

		number := trial.QueryPhoneNumbers().OnlyX(ctx)
		if number.Status != "CONNECTED" || number.Pin == nil || strings.Contains(string(number.Pin), "0000") {
			s.t.Errorf("its number is %v", number)
		}

		tokens := map[string]whatsapp.Token{"real": s.use(ctx, actual), "trial": s.use(ctx, trial)}
		if got := b.asked(&b.meta, trial.WabaID, number.MetaID, tokens["trial"].Reveal(), "trial-secret"); got != nil {
			s.t.Errorf("WhatsApp was asked about the trial: %v", got)
		}
		if got := b.asked(&b.sandbox, waba, phone, tokens["real"].Reveal(), "app-secret"); got != nil {
			s.t.Errorf("the sandbox was asked about the real account: %v", got)
		}

		for _, of := range []struct {
			log  *[]string
			want []string
		}{{&b.meta, []string{waba, phone + "/messages"}}, {&b.sandbox, []string{trial.WabaID, number.MetaID + "/messages"}}} {
			for _, word := range of.want {
				if b.asked(of.log, word) == nil {
					s.t.Errorf("nobody asked for %s", word)
				}
			}
		}
	})
}

func TestOrganizationsThatTryTheSandboxAtOnceGetAccountsOfTheirOwn(t *testing.T) {
	each(t, func(s *stage) {
		s.besideMeta()
		var wait sync.WaitGroup
		for _, email := range []string{"ann@example.com", "bob@example.com", "cleo@example.com"} {
			ctx := s.organization(email)
			for range 2 {
				wait.Go(func() {
					if _, err := s.ConnectSandbox(ctx, ""); err != nil {
						s.t.Error(err)
					}
				})
			}
		}

		wait.Wait()
		accounts := s.db.Client.Account.Query().AllX(s.system())
		numbers := s.db.Client.PhoneNumber.Query().AllX(s.system())
		ids, owners := map[string]bool{}, map[string]int{}

		for _, a := range accounts {
			ids[a.WabaID] = true
			owners[a.OrganizationID.String()]++
			if a.Name != "Sandbox" || a.Status != enum.AccountStatusConnected || !a.Sandbox {
				s.t.Errorf("%v", a)
			}
		}

		for _, n := range numbers {
			ids[n.MetaID] = true
		}

		if len(ids) != 12 || len(owners) != 3 {
			s.t.Errorf("%d ids of %d accounts of %d organizations", len(ids), len(accounts), len(owners))
		}
	})
}

func TestASandboxAccountNeedsASandboxTheRoleAndRoom(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.organization("ann@example.com")
		_, err := s.ConnectSandbox(ctx, "")
		s.wrong(err, ":NOT_ALLOWED")
		s.besideMeta()
		_, err = s.ConnectSandbox(ctx, strings.Repeat("é", 101))
		s.wrong(err, "name:TOO_LONG")
		if _, err = s.ConnectSandbox(s.t.Context(), ""); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Errorf("nobody: %v", err)
		}

		var last *ent.Account
		for range 5 {
			if last, err = s.ConnectSandbox(ctx, strings.Repeat("é", 100)); err != nil {
				s.t.Fatal(err)
			}
		}

		_, err = s.ConnectSandbox(ctx, "")
		s.wrong(err, ":LIMIT_EXCEEDED")
		if _, err := s.Disconnect(ctx, last.ID); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.ConnectSandbox(ctx, ""); err != nil {
			s.t.Error(err)
		}
	})
}

func TestASandboxAccountGoesNowhereWhenTheSandboxIsGone(t *testing.T) {
	each(t, func(s *stage) {
		b := s.besideMeta()
		ctx := s.organization("ann@example.com")
		trial, err := s.ConnectSandbox(ctx, "")
		if err != nil {
			s.t.Fatal(err)
		}

		number := trial.QueryPhoneNumbers().OnlyX(ctx)
		without := s.with(account.Options{AppID: appID, AppSecret: "app-secret"})
		_, err = without.Sync(ctx, trial.ID)
		s.wrong(err, ":UPSTREAM")
		sender, err := without.Sender(s.system(), number.ID)
		if err != nil {
			s.t.Fatal(err)
		}

		answer := sender.Client.Send(ctx, sender.Token, number.MetaID, whatsapp.Message{To: "14165550100",
			Text: &whatsapp.TextMessage{Body: "Hi"}})
		if answer.Outcome != whatsapp.NotSent {
			s.t.Errorf("%+v", answer)
		}
		if got := b.asked(&b.meta, trial.WabaID, number.MetaID, sender.Token.Reveal()); got != nil {
			s.t.Errorf("WhatsApp was asked: %v", got)
		}
		if again, err := s.Sync(ctx, trial.ID); err != nil || !again.Sandbox {
			s.t.Errorf("back: %v, %v", again, err)
		}
	})
}

func TestAnIDOfTheSandboxIsNotConnectedAsARealAccount(t *testing.T) {
	each(t, func(s *stage) {
		s.besideMeta()
		ctx := s.organization("ann@example.com")
		trial, err := s.ConnectSandbox(ctx, "")
		if err != nil {
			s.t.Fatal(err)
		}

		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: trial.WabaID, Name: "Real", Token: "EAAreal"})
		_, err = s.Connect(ctx, account.Connect{WABAID: trial.WabaID, AccessToken: "EAAreal", ConsentToTransfer: true})
		s.wrong(err, onWABA+":TAKEN")
		if now := s.db.Client.Account.GetX(ctx, trial.ID); !now.Sandbox || string(now.Token) != string(trial.Token) {
			s.t.Errorf("it is %v", now)
		}
	})
}

func TestWhereTheSandboxStandsForWhatsAppEveryAccountIsOneOfIt(t *testing.T) {
	each(t, func(s *stage) {
		s.Service = s.with(account.Options{AppID: appID, AppSecret: "app-secret",
			Sandbox: &account.App{Client: s.meta, ID: appID, Secret: "app-secret"}})
		ctx, a := s.connected()
		if !a.Sandbox {
			s.t.Errorf("%v", a)
		}
		if trial, err := s.ConnectSandbox(ctx, ""); err != nil || !trial.Sandbox || trial.WabaID == waba {
			s.t.Errorf("%v, %v", trial, err)
		}
	})
}

func TestWhatTheSandboxTellsFindsNoRealNumber(t *testing.T) {
	each(t, func(s *stage) {
		s.besideMeta()
		ctx, actual := s.connected()
		trial, err := s.ConnectSandbox(ctx, "")
		if err != nil {
			s.t.Fatal(err)
		}

		own := trial.QueryPhoneNumbers().OnlyX(ctx)
		if _, err := s.ReceiverOf(s.system(), trial.WabaID, own.MetaID); err != nil {
			s.t.Error(err)
		}
		if _, err := s.ReceiverOf(s.system(), trial.WabaID, phone); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("its own organization's real number: %v", err)
		}

		for _, tc := range []struct {
			ids  []string
			want bool
		}{{[]string{trial.WabaID}, true}, {[]string{trial.WabaID, actual.WabaID}, false}, {nil, false},
			{[]string{"1"}, false}} {
			if only, err := s.OnlySandbox(s.system(), tc.ids...); err != nil || only != tc.want {
				s.t.Errorf("%v: %t, %v", tc.ids, only, err)
			}
		}
	})
}
