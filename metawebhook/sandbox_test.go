package metawebhook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/uid"
	"carillon/whatsapp"
)

const trialSecret = "the sandbox's own secret"

// signed posts a body signed under a secret, and returns the answer's status.
func (s *stage) signed(secret, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", whatsapp.Sign(secret, []byte(body)))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)

	return w.Code
}

func reviewOf(waba, decision string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"` + waba + `","time":1750030073,"changes":[{"field":` +
		`"account_review_update","value":{"decision":"` + decision + `"}}]}]}`
}

// trial is a sandbox account of the stage's organization.
func (s *stage) trial(waba string) *ent.Account {
	s.t.Helper()
	id := uid.New(uid.Account)
	return s.db.Client.Account.Create().SetID(id).SetOrganizationID(s.org).SetWabaID(waba).SetName("Try it").
		SetSandbox(true).SetToken(s.keys.Seal([]byte("EAAsandbox"), id[:])).SaveX(s.system)
}

func TestWhatTheSandboxSignsIsBelievedOfSandboxAccountsAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, func(o *setting) { o.SandboxSecret = trialSecret })
		trial := s.trial("900")
		reviewed := func(id uid.ID) string {
			if status := s.db.Client.Account.GetX(s.system, id).ReviewStatus; status != nil {
				return *status
			}
			return ""
		}

		both := strings.Replace(reviewOf("900", "DEFERRED"), `"entry":[`, `"entry":[{"id":"1","time":1750030073,"changes":[]},`, 1)
		for _, post := range []struct {
			secret, body  string
			status        int
			trial, actual string
		}{
			{trialSecret, reviewOf("900", "PENDING"), http.StatusOK, "PENDING", ""},
			{trialSecret, reviewOf("1", "REJECTED"), http.StatusOK, "PENDING", ""},
			{trialSecret, reviewOf("777", "REJECTED"), http.StatusOK, "PENDING", ""},
			{trialSecret, both, http.StatusOK, "PENDING", ""},
			{trialSecret, "not JSON", http.StatusOK, "PENDING", ""},
			{"", reviewOf("900", "REJECTED"), http.StatusUnauthorized, "PENDING", ""},
			{secretNow, reviewOf("1", "APPROVED"), http.StatusOK, "PENDING", "APPROVED"},
			{secretBefore, reviewOf("1", "REJECTED"), http.StatusOK, "PENDING", "REJECTED"},
		} {
			if got := s.signed(post.secret, post.body); got != post.status || reviewed(trial.ID) != post.trial ||
				reviewed(s.account) != post.actual {
				t.Errorf("%s: %d, the trial is %q, the real account %q", post.body, got, reviewed(trial.ID), reviewed(s.account))
			}
		}

		if kept := db.Client.UnmatchedWebhook.Query().CountX(s.system); kept != 0 {
			t.Errorf("%d of the sandbox's are kept, to be believed later", kept)
		}
	})
}

func TestWithoutASandboxItsSecretIsNobodys(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	if got := s.signed(trialSecret, reviewOf("1", "REJECTED")); got != http.StatusUnauthorized {
		t.Errorf("answered %d", got)
	}
}

func TestAWebhookShowsThatWhatsAppReachesUs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		other := s.open("2", "20000")
		if got := s.signed(secretNow, reviewOf("1", "APPROVED")); got != http.StatusOK {
			t.Fatal(got)
		}

		first := s.db.Client.Account.GetX(s.system, s.account).WebhookReceivedAt
		if first == nil || s.db.Client.Account.GetX(s.system, other.account).WebhookReceivedAt != nil {
			t.Fatal("not noted, or of the other account")
		}

		for range 20 {
			s.signed(secretNow, reviewOf("1", "PENDING"))
		}

		if again := s.db.Client.Account.GetX(s.system, s.account).WebhookReceivedAt; !again.Equal(*first) {
			t.Errorf("noted at %v, and again at %v", first, again)
		}
	})
}
