package sandbox

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"carillon/whatsapp"
)

func TestTokensCoverTheirAccountsOnly(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.AddAccount(AccountSpec{WABAID: "222", Token: "EAAother",
		Numbers: []NumberSpec{{ID: "333", DisplayNumber: "+44 7400 000000"}}})
	st.AddAccount(AccountSpec{WABAID: "444", Token: "EAAdead"})
	st.InvalidateToken("EAAdead")

	for name, tc := range map[string]struct {
		token, method, path   string
		status, code, subcode int
	}{
		"no token":                         {"", "GET", "/v25.0/" + waba, 400, 104, 0},
		"an unknown token":                 {"EAAnone", "GET", "/v25.0/" + waba, 401, 190, 0},
		"a token that was taken back":      {"EAAdead", "GET", "/v25.0/444", 401, 190, 460},
		"reading another's account":        {"EAAother", "GET", "/v25.0/" + waba, 400, 100, 33},
		"sending from another's number":    {"EAAother", "POST", "/v25.0/" + sender + "/messages", 403, 200, 0},
		"a node that does not exist":       {bearer, "GET", "/v25.0/999", 400, 100, 33},
		"an edge that does not exist":      {bearer, "GET", "/v25.0/" + waba + "/shoes", 400, 100, 33},
		"its own account":                  {bearer, "GET", "/v25.0/" + waba, 200, 0, 0},
		"its own account, without version": {bearer, "GET", "/" + waba, 200, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := st.callAs(tc.token, tc.method, tc.path, "{}")
			if out.status != tc.status || out.Error.Code != tc.code || out.Error.Subcode != tc.subcode {
				t.Errorf("got %d %s", out.status, out.body)
			}
		})
	}
}

func TestANumberMustBeRegisteredToSend(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.AddAccount(AccountSpec{WABAID: waba, Token: bearer,
		Numbers: []NumberSpec{{ID: "555", DisplayNumber: "+44 7400 000000", Unregistered: true}}})
	send := func() reply { return st.call("POST", "/555/messages", greet("447400123456", "")) }
	register := func(pin string) reply {
		return st.call("POST", "/555/register", `{"messaging_product":"whatsapp","pin":"`+pin+`"}`)
	}
	if out := send(); out.Error.Code != 133010 {
		t.Errorf("unregistered: %s", out.body)
	}
	if out := register("12"); out.Error.Code != 100 {
		t.Errorf("a short PIN: %s", out.body)
	}
	if out := register("123456"); out.status != 200 {
		t.Errorf("register: %s", out.body)
	}
	if out := send(); out.status != 200 {
		t.Errorf("registered: %s", out.body)
	}
	if out := st.call("POST", "/555/deregister", ""); out.status != 200 {
		t.Errorf("deregister: %s", out.body)
	}
	if out := register("654321"); out.Error.Code != 133005 {
		t.Errorf("another PIN: %s", out.body)
	}
}

func TestMediaIsUploadedReadAndSent(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("messaging_product", "whatsapp")
	w.WriteField("type", "image/png")
	file, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}

	file.Write([]byte("png"))
	w.Close()
	r := httptest.NewRequest("POST", "/v25.0/"+sender+"/media", &form)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+bearer)
	answer := httptest.NewRecorder()
	st.ServeHTTP(answer, r)
	_, rest, _ := strings.Cut(answer.Body.String(), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if id == "" {
		t.Fatalf("upload: %s", answer.Body)
	}
	if out := st.call("GET", "/"+id, ""); !strings.Contains(out.body, `"file_size":3`) {
		t.Errorf("read: %s", out.body)
	}

	if out := st.send(`{"messaging_product":"whatsapp","to":"447400123456","type":"image","image":{"id":"` + id +
		`"}}`); out.status != 200 {
		t.Errorf("send: %s", out.body)
	}

	if out := st.call("DELETE", "/"+id, ""); out.status != 200 {
		t.Errorf("delete: %s", out.body)
	}

	out := st.callAs("4200|"+secret, "POST", "/4200/uploads?file_name=a.png&file_type=image/png&file_length=3", "")
	if !strings.HasPrefix(out.ID, "upload:") {
		t.Fatalf("resumable upload: %s", out.body)
	}

	upload := func(offset, content string) string {
		r := httptest.NewRequest("POST", "/v25.0/"+out.ID, strings.NewReader(content))
		r.Header.Set("Authorization", "OAuth 4200|"+secret)
		r.Header.Set("file_offset", offset)
		answer := httptest.NewRecorder()
		st.ServeHTTP(answer, r)

		return answer.Body.String()
	}

	if got := upload("1", "ng"); !strings.Contains(got, "0 bytes are here") {
		t.Errorf("an upload with a gap: %s", got)
	}
	if got := upload("0", "png"); !strings.Contains(got, `"h":"4::aW1hZ2UvcG5n:AR`) {
		t.Errorf("resumable upload: %s", got)
	}
}

func TestOurOwnClientBindsAnAccount(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	server := httptest.NewServer(st.Sandbox)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := whatsapp.NewClient(server.URL, "v25.0", whatsapp.WithHTTPClient(&http.Client{Transport: transport}))

	token, err := client.ExchangeCode(st.ctx, "4200", secret, "code_"+waba)
	if err != nil || token != bearer {
		t.Fatalf("exchange: %q, %v", token, err)
	}

	info, err := client.DebugToken(st.ctx, "4200|"+secret, token)
	if err != nil || !info.Valid || !slices.Equal(info.WABAIDs, []string{waba}) ||
		!info.Has("whatsapp_business_messaging") {
		t.Errorf("debug: %+v, %v", info, err)
	}

	if info, err := client.DebugToken(st.ctx, "4200|"+secret, "EAAnone"); err != nil || info.Valid {
		t.Errorf("debug of a bad token: %+v, %v", info, err)
	}

	if account, err := client.Account(st.ctx, token, waba); err != nil || account.Name != "Lucky Shrub" ||
		account.MessagingLimit == "" {
		t.Errorf("account: %+v, %v", account, err)
	}

	numbers, err := client.PhoneNumbers(st.ctx, token, waba)
	if err != nil || len(numbers) != 1 || numbers[0].Status != "CONNECTED" || numbers[0].PerSecond() != 1000 {
		t.Errorf("numbers: %+v, %v", numbers, err)
	}
	if err := client.Subscribe(st.ctx, token, waba); err != nil {
		t.Error(err)
	}
	if had, err := client.ForgetContact(st.ctx, token, numbers[0].ID, "US.abc123"); !had || err != nil {
		t.Errorf("forgot %t, %v", had, err)
	}
	if _, err := client.ForgetContact(st.ctx, token, numbers[0].ID, "+14155550101"); err == nil {
		t.Error("the contact book took a number for a user id")
	}

	st.template(greeting)
	count := 0

	for template, err := range client.Templates(st.ctx, token, waba) {
		if err != nil || template.Name != "greeting" || template.Status != "APPROVED" {
			t.Errorf("template: %+v, %v", template, err)
		}

		count++
	}

	if count != 1 {
		t.Errorf("%d templates", count)
	}
	if err := client.DeleteTemplate(st.ctx, token, waba, "greeting", ""); err != nil {
		t.Error(err)
	}
}

func TestAnotherProcessLooksInside(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.send(greet("447400123456", "msg_1:1"))

	ask := func(method, path, body string) string {
		w := httptest.NewRecorder()
		st.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return fmt.Sprint(w.Code, " ", w.Body)
	}

	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "/sandbox/", "", "200 The sandbox answers"},
		{"GET", "/sandbox/state", "", `"accepted":1`},
		{"GET", "/sandbox/accepted?from=0&limit=1", "", `"biz_opaque_callback_data":"msg_1:1"`},
		{"GET", "/sandbox/accepted?from=x", "", "400"},
		{"POST", "/sandbox/options", `{"throughput":3,"latency":"1ms"}`, `"throughput":"3"`},
		{"POST", "/sandbox/options", `{"seed":3}`, "400"},
		{"POST", "/sandbox/options", `{"shoes":3}`, "400"},
		{"GET", "/sandbox/options", "", `"latency":"1ms"`},
		{"POST", "/sandbox/down", `{"down":true}`, "200"},
		{"GET", "/v25.0/" + waba, "", "503"},
		{"POST", "/sandbox/down", `{"down":false}`, "200"},
		{"POST", "/sandbox/accounts", `{"WABAID":"777","Token":"EAAseven"}`, "200"},
		{"GET", "/777?access_token=EAAseven", "", `"id":"777"`},
		{"POST", "/sandbox/tokens/invalidate", `{"token":"EAAseven"}`, "200"},
		{"GET", "/777?access_token=EAAseven", "", "401"},
		{"POST", "/sandbox/inbound", `{"phone_number_id":"` + sender + `","from":"+447400123456","text":"Hi"}`, "wamid."},
		{"POST", "/sandbox/event", `{"waba_id":"` + waba + `","field":"account_update","value":{}}`, "200"},
		{"POST", "/sandbox/templates", `{"waba_id":"` + waba + `","name":"greeting","do":"PAUSE"}`, "200"},
		{"POST", "/sandbox/templates", `{"waba_id":"` + waba + `","name":"greeting","status":"LOUD"}`, "400"},
		{"GET", "/sandbox/shoes", "", "404"},
		{"POST", "/sandbox/reset", "", "200"},
		{"GET", "/sandbox/state", "", `"accepted":0`},
	} {
		if got := ask(tc.method, tc.path, tc.body); !strings.Contains(got, tc.want) {
			t.Errorf("%s %s %s: %s", tc.method, tc.path, tc.body, got)
		}
	}
}

func TestFlagsKeepWhatTheOptionsHold(t *testing.T) {
	t.Parallel()
	o := Defaults()
	fs := pflag.NewFlagSet("sandbox", pflag.ContinueOnError)
	Flags(fs, &o)
	if err := fs.Parse([]string{"--throughput=20", "--lose-answers=0.5"}); err != nil {
		t.Fatal(err)
	}

	want := Defaults()
	want.Throughput, want.LoseAnswers = 20, 0.5
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v", o)
	}
}
