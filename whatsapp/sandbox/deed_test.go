package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carillon/whatsapp"
)

func TestEveryDeedTellsSomethingThatWeUnderstand(t *testing.T) {
	t.Parallel()
	for _, d := range deeds {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			st := stand(t, nil)
			a := st.catalog.accounts[waba]
			raw, err := json.Marshal(d.value(st.Sandbox, a))
			if err != nil {
				t.Fatal(err)
			}

			body := `{"object":"whatsapp_business_account","entry":[{"id":"` + waba + `","time":1750030073,"changes":[{"field":"` +
				d.field + `","value":` + string(raw) + `}]}]}`
			hook, err := whatsapp.ParseWebhook([]byte(body))
			if err != nil || len(hook.Accounts)+len(hook.Capabilities) != 1 || hook.Unknown != nil || hook.Unapplied != nil {
				t.Errorf("%s is read as %+v, %v", raw, hook, err)
			}
			if !strings.Contains(Help(), d.name) {
				t.Error("the help does not tell of it")
			}
			if err := st.Do(waba, d.name); err != nil {
				t.Error(err)
			}
		})
	}
}

// inspected is the status of the answer to a command.
func (st *stage) inspected(command, body string) int {
	w := httptest.NewRecorder()
	st.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sandbox/"+command, strings.NewReader(body)))

	return w.Code
}

func TestADeedChangesWhatTheAccountAnswers(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	do := func(name string) {
		t.Helper()
		if out := st.callAs("", "POST", "/sandbox/account", `{"waba_id":"`+waba+`","do":"`+name+`"}`); out.status != 200 {
			t.Errorf("%s: %s", name, out.body)
		}
	}
	node := func() string { return st.call("GET", "/"+waba+"?fields=health_status,account_review_status", "").body }

	do("REVIEW_PENDING")
	do("DISABLE")
	if got := node(); !strings.Contains(got, "PENDING") || !strings.Contains(got, "141006") {
		t.Errorf("disabled: %s", got)
	}

	do("REINSTATE")
	if got := node(); strings.Contains(got, "141006") {
		t.Errorf("reinstated: %s", got)
	}

	do("PARTNER_APP_UNINSTALLED")
	if out := st.call("GET", "/"+waba, ""); out.Error.Code != 190 {
		t.Errorf("uninstalled: %s", out.body)
	}

	for _, body := range []string{`{"waba_id":"` + waba + `","do":"NOTHING"}`, `{"waba_id":"9","do":"DISABLE"}`, `[]`} {
		if got := st.inspected("account", body); got != http.StatusBadRequest {
			t.Errorf("%s: %d", body, got)
		}
	}
}

func TestWhatStandsInTheWayIsSetAndMended(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for _, id := range []string{waba, sender} {
		set := `{"waba_id":"` + waba + `","id":"` + id + `","health_status":`
		for status, want := range map[string]bool{`{"can_send_message":"LIMITED"}`: true} {
			if out := st.callAs("", "POST", "/sandbox/health", set+status+"}"); out.status != 200 {
				t.Fatal(out.body)
			}
			if got := st.call("GET", "/"+id+"?fields=health_status", "").body; strings.Contains(got, "LIMITED") != want {
				t.Errorf("%s: %s", id, got)
			}
		}

		st.callAs("", "POST", "/sandbox/health", set+"null}")
		if got := st.call("GET", "/"+id+"?fields=health_status", "").body; strings.Contains(got, "LIMITED") {
			t.Errorf("%s is not mended: %s", id, got)
		}
	}

	if got := st.inspected("health", `{"waba_id":"9"}`); got != http.StatusBadRequest {
		t.Errorf("of nobody: %d", got)
	}

	out := st.callAs("", "POST", "/sandbox/signups", `{"waba_id":"`+waba+`"}`)
	if out.status != 200 || !strings.Contains(out.body, `"code"`) {
		t.Errorf("a sign-up: %s", out.body)
	}
	if got := st.inspected("signups", `{"waba_id":"9"}`); got != http.StatusBadRequest {
		t.Errorf("with nobody's account: %d", got)
	}
}
