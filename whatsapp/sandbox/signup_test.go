package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/whatsapp"
)

// exchanged is what a code gives: a token's value, or else Meta's refusal.
func (st *stage) exchanged(code string) (token, refusal string) {
	out := st.callAs("", "GET", "/v25.0/oauth/access_token?client_id=4200&client_secret="+secret+"&code="+code, "")
	var answer struct {
		Token string `json:"access_token"`
	}
	_ = json.Unmarshal([]byte(out.body), &answer)

	return answer.Token, out.Error.Message
}

// client is our own, before the sandbox.
func (st *stage) client() *whatsapp.Client {
	server := httptest.NewServer(st.Sandbox)
	st.t.Cleanup(server.Close)
	transport := &http.Transport{}
	st.t.Cleanup(transport.CloseIdleConnections)

	return whatsapp.NewClient(server.URL, "v25.0", whatsapp.WithHTTPClient(&http.Client{Transport: transport}))
}

func TestACodeIsExchangedOnceAndInTime(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	code, id, number, err := st.SignUp("Lucky Shrub", "")
	if err != nil {
		t.Fatal(err)
	}

	token, _ := st.exchanged(code)
	if out := st.callAs(token, "GET", "/"+id+"/phone_numbers", ""); out.status != 200 ||
		!strings.Contains(out.body, number) ||
		!strings.Contains(out.body, "PENDING") && !strings.Contains(out.body, "NOT_APPLICABLE") {
		t.Errorf("the account's numbers: %s", out.body)
	}
	if out := st.callAs(token, "GET", "/"+waba, ""); out.Error.Code != 100 {
		t.Errorf("another account: %s", out.body)
	}
	if _, no := st.exchanged(code); !strings.Contains(no, "used") {
		t.Errorf("again: %s", no)
	}

	late, _, _, err := st.SignUp("", waba)
	if err != nil {
		t.Fatal(err)
	}

	st.clock.advance(codesLast + time.Second)
	if _, no := st.exchanged(late); !strings.Contains(no, "expired") {
		t.Errorf("late: %s", no)
	}
	if _, no := st.exchanged("code_999"); !strings.Contains(no, "expired") {
		t.Errorf("of nobody: %s", no)
	}

	for range 2 {
		token, no := st.exchanged("code_" + waba + "_a")
		if (token == bearer) == strings.Contains(no, "used") {
			t.Errorf("a code for which nobody signed up: %q, %s", token, no)
		}
	}

	wrong := "/oauth/access_token?client_id=4200&client_secret=wrong&code=x"
	if out := st.callAs("", "GET", wrong, ""); out.Error.Code != 1 {
		t.Errorf("a wrong secret: %s", out.body)
	}
	if _, _, _, err := st.SignUp("", "999"); err == nil {
		t.Error("an account that is not there was shared")
	}
}

func TestTheAppAloneSignsCustomersUp(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	if out := st.call("POST", "/sandbox_signups", `{"name":"x"}`); out.Error.Code != 10 {
		t.Errorf("a customer's token: %s", out.body)
	}

	client, ids := st.client(), map[string]bool{}
	for range 3 {
		code, err := client.SignUpAtSandbox(st.ctx, whatsapp.Token("4200|"+secret), "Try it")
		if err != nil || ids[code] {
			t.Fatalf("%s, %v", code, err)
		}

		ids[code] = true
	}

	if out := st.callAs("4200|"+secret, "POST", "/sandbox_signups", `{"name":"x"}`); out.status != 200 ||
		!strings.Contains(out.body, "waba_id") {
		t.Errorf("answered %s", out.body)
	}
}

func TestATokenHasThePermissionsAndTheEndThatItWasGiven(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	ends := st.clock.Now().Add(time.Hour)
	st.AddAccount(AccountSpec{WABAID: "222", Token: "EAAlimited", Scopes: []string{messaging}, TokenExpiresAt: ends,
		Numbers: []NumberSpec{{ID: "333", DisplayNumber: "+44 7400 000000"}}})
	client := st.client()
	info, err := client.DebugToken(st.ctx, whatsapp.Token("4200|"+secret), "EAAlimited")
	if err != nil || !info.Valid || !slices.Equal(info.Scopes, []string{messaging}) ||
		info.ExpiresAt.Unix() != ends.Unix() ||
		!slices.Equal(info.WABAIDs, []string{"222"}) {
		t.Errorf("%+v, %v", info, err)
	}
	if out := st.callAs("EAAlimited", "GET", "/222", ""); out.Error.Code != 10 || !strings.Contains(out.body, management) {
		t.Errorf("reading the account: %s", out.body)
	}
	if out := st.callAs("EAAlimited", "POST", "/333/messages", "{}"); out.Error.Code == 10 {
		t.Errorf("sending: %s", out.body)
	}

	st.clock.advance(time.Hour)
	if out := st.callAs("EAAlimited", "POST", "/333/messages", "{}"); out.Error.Code != 190 || out.Error.Subcode != 463 {
		t.Errorf("after its end: %s", out.body)
	}

	info, err = client.DebugToken(st.ctx, whatsapp.Token("4200|"+secret), "EAAlimited")
	if err != nil || info.Valid || info.Problem == nil {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestSignUpsHealthAndReviewsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	st := stand(t, func(o *Options) { o.StatePath = file })
	open, id, _, err := st.SignUp("Lucky Shrub", "")
	if err != nil {
		t.Fatal(err)
	}

	used, _, _, err := st.SignUp("", id)
	if err != nil {
		t.Fatal(err)
	}

	token, _ := st.exchanged(used)
	ends := st.clock.Now().Add(time.Hour)
	st.AddAccount(AccountSpec{WABAID: "222", Token: "EAAlimited", Scopes: []string{messaging}, TokenExpiresAt: ends})
	if err := st.Do(id, "DISABLE"); err != nil {
		t.Fatal(err)
	}
	if err := st.Do(id, "REVIEW_REJECTED"); err != nil {
		t.Fatal(err)
	}

	for range 2 { // after a kill, and after the file was written anew
		again, err := New(st.options)
		if err != nil {
			t.Fatal(err)
		}

		st.Sandbox = again
		if _, no := st.exchanged(used); !strings.Contains(no, "used") {
			t.Errorf("the spent code: %s", no)
		}

		out := st.callAs(token, "GET", "/"+id+"?fields=health_status,account_review_status", "")
		if !strings.Contains(out.body, "141006") || !strings.Contains(out.body, "REJECTED") {
			t.Errorf("the account: %s", out.body)
		}
		if out := st.callAs("EAAlimited", "GET", "/222", ""); out.Error.Code != 10 {
			t.Errorf("the limited token: %s", out.body)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}

	again, err := New(st.options)
	if err != nil {
		t.Fatal(err)
	}

	defer again.Close()
	st.Sandbox = again
	if got, no := st.exchanged(open); got != token {
		t.Errorf("the open code: %q %s", got, no)
	}
}
