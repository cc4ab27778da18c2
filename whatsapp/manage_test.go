package whatsapp

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAccountIsReadWhateverItsVersion(t *testing.T) {
	t.Parallel()
	sample := read(t, "testdata/meta-openapi/api_response__get_waba_id_200_verified_account.json")
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v22.0/102" {
			t.Errorf("path %s", r.URL.Path)
		}

		if strings.Contains(r.URL.Query().Get("fields"), "whatsapp_business_manager_messaging_limit") {
			answer(400, `{"error":{"message":"(#100) Tried accessing nonexisting field (whatsapp_business_manager_messaging_limit)","code":100}}`)(w, r)
			return
		}

		_, _ = w.Write(sample)
	})

	client.base.Path = "/v22.0"
	got, err := client.Account(t.Context(), secretToken, "102")

	want := Account{
		ID: "1234567890123456", Name: "My Business WhatsApp Account", Country: "US", TimezoneID: "1",
		ReviewStatus:       "APPROVED",
		VerificationStatus: "VERIFIED", Namespace: "ba30dd89_2ebd_41e4_b805_f2c05ae04cc9", OwnershipType: "SELF_OWNED",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPhoneNumbersAreReadFromAllPages(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		page := `{"data":[{"id":1,"display_phone_number":"+1 555","verified_name":"A","status":"CONNECTED","quality_rating":"NA","throughput":{"level":"HIGH"},"whatsapp_business_manager_messaging_limit":"TIER_2K"}],
			"paging":{"cursors":{"after":"c2"},"next":"https://graph.facebook.com/x?access_token=EAA&after=c2"}}`
		if r.URL.Query().Get("after") == "c2" {
			page = `{"data":[{"id":"2","is_on_biz_app":true}],"paging":{"cursors":{"after":"c3"}}}`
		}

		_, _ = io.WriteString(w, page)
	})

	got, err := client.PhoneNumbers(t.Context(), secretToken, "102")
	want := []PhoneNumber{
		{ID: "1", DisplayPhoneNumber: "+1 555", VerifiedName: "A", Status: "CONNECTED", QualityRating: "UNKNOWN",
			Throughput: "HIGH", MessagingLimit: "TIER_2K"},
		{ID: "2", QualityRating: "UNKNOWN", OnBusinessApp: true},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got[0].PerSecond() != 1000 || got[1].PerSecond() != 20 || (PhoneNumber{}).PerSecond() != 80 {
		t.Error("throughput")
	}
}

func TestPhoneNumberSamplesAreRead(t *testing.T) {
	t.Parallel()
	client := serve(t, answer(200,
		string(read(t, "testdata/meta-openapi/api_response__get_waba_id_phone_numbers_200_multiple_phone_numbers.json"))))
	got, err := client.PhoneNumbers(t.Context(), secretToken, "1")
	if err != nil || len(got) != 2 || got[0].VerifiedName != "Jasper's Market" || !got[0].Official ||
		got[0].MessagingLimit != "TIER_1K" || got[0].PlatformType != "CLOUD_API" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTemplatesAreStreamed(t *testing.T) {
	t.Parallel()
	stale := true
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch after := r.URL.Query().Get("after"); {
		case after == "":
			_, _ = io.WriteString(w,
				`{"data":[{"id":"1","name":"a"},{"id":"2","name":"b"}],"paging":{"next":"https://x/?after=p2"}}`)
		case after == "p2" && stale:
			stale = false
			answer(400, `{"error":{"code":131059,"message":"Invalid cursor"}}`)(w, r)
		default:
			_, _ = io.WriteString(w, `{"data":[{"id":3,"name":"c"}],"paging":{}}`)
		}
	})

	var names []string
	for template, err := range client.Templates(t.Context(), secretToken, "1") {
		if err != nil {
			t.Fatal(err)
		}

		names = append(names, template.ID+template.Name)
	}

	if want := []string{"1a", "2b", "1a", "2b", "3c"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %v", names)
	}

	for range client.Templates(t.Context(), secretToken, "1") {
		break // must not panic, nor read on
	}
}

func TestAListGoesOnBehindACursor(t *testing.T) {
	t.Parallel()
	asked := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch q := r.URL.Query(); {
		case strings.Contains(q.Get("fields"), "optimization_spec"):
			answer(400, `{"error":{"message":"(#100) Tried accessing nonexisting field (optimization_spec)","code":100}}`)(w, r)
		case q.Get("after") == "p2":
			_, _ = io.WriteString(w, `{"data":[{"id":"3","name":"c"}],"paging":{"next":"https://x/?after=p3"}}`)
		case q.Get("after") == "p3":
			_, _ = io.WriteString(w, `{"data":[{"id":"4","name":"d"}]}`)
		default:
			answer(400, `{"error":{"code":131059,"message":"Invalid cursor"}}`)(w, r)
		}
	})

	var names []string
	for page, err := range client.TemplatePages(t.Context(), secretToken, "1", "p2") {
		if err != nil {
			t.Fatal(err)
		}

		names = append(names, page.Templates[0].Name+">"+page.Next)
	}

	if want := []string{"c>p3", "d>"}; !reflect.DeepEqual(names, want) || asked != 3 {
		t.Errorf("got %v in %d calls", names, asked)
	}

	for _, err := range client.TemplatePages(t.Context(), secretToken, "1", "gone") {
		if !IsStaleCursor(err) {
			t.Errorf("a cursor that is gone: %v", err)
		}
	}
}

func TestAListThatGoesInCirclesEnds(t *testing.T) {
	t.Parallel()
	client := serve(t, answer(200, `{"data":[{"id":"1"}],"paging":{"cursors":{"after":"same"},"next":"x"}}`))
	count := 0

	for _, err := range client.Templates(t.Context(), secretToken, "1") {
		if count++; err != nil {
			if count != 3 {
				t.Errorf("after %d", count)
			}
			return
		}
	}

	t.Error("no error")
}

func TestManagementCallsAreMetas(t *testing.T) {
	t.Parallel()
	template := Template{ID: "77", Name: "hi", Language: "en_US", Category: "UTILITY",
		Components: []Component{{Type: "BODY", Text: "Hello"}}}
	for name, tc := range map[string]struct {
		call                        func(*Client) error
		method, path, query, posted string
	}{
		"create": {func(c *Client) error {
			made, err := c.CreateTemplate(t.Context(), secretToken, "9", template)
			if made != (TemplateCreated{ID: "1627", Status: "PENDING", Category: "MARKETING"}) {
				t.Errorf("made %+v", made)
			}

			return err
		}, "POST", "/9/message_templates", "",
			`{"name":"hi","language":"en_US","category":"UTILITY","components":[{"type":"BODY","text":"Hello"}]}`},
		"edit": {func(c *Client) error {
			return c.EditTemplate(t.Context(), secretToken, "77", TemplateEdit{Category: "UTILITY", ParameterFormat: Positional,
				Components: template.Components})
		}, "POST", "/77", "", `{"category":"UTILITY","components":[{"type":"BODY","text":"Hello"}]}`},
		"edit one with names": {func(c *Client) error {
			return c.EditTemplate(t.Context(), secretToken, "77", TemplateEdit{ParameterFormat: Named,
				Components: template.Components})
		}, "POST", "/77", "", `{"parameter_format":"NAMED","components":[{"type":"BODY","text":"Hello"}]}`},
		"edit the time to live": {func(c *Client) error {
			return c.EditTemplate(t.Context(), secretToken, "77", TemplateEdit{ParameterFormat: Named, TTL: 120})
		}, "POST", "/77", "", `{"message_send_ttl_seconds":120}`},
		"delete all languages": {func(c *Client) error {
			return c.DeleteTemplate(t.Context(), secretToken, "9", "hi", "")
		}, "DELETE", "/9/message_templates", "name=hi", ""},
		"delete one language": {func(c *Client) error {
			return c.DeleteTemplate(t.Context(), secretToken, "9", "hi", "77")
		}, "DELETE", "/9/message_templates", "hsm_id=77&name=hi", ""},
		"subscribe": {func(c *Client) error {
			return c.Subscribe(t.Context(), secretToken, "9")
		}, "POST", "/9/subscribed_apps", "", ""},
		"unsubscribe": {func(c *Client) error {
			return c.Unsubscribe(t.Context(), secretToken, "9")
		}, "DELETE", "/9/subscribed_apps", "", ""},
		"register": {func(c *Client) error {
			return c.Register(t.Context(), secretToken, "5", "123456")
		}, "POST", "/5/register", "",
			`{"messaging_product":"whatsapp","pin":"123456"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method != tc.method || r.URL.Path != "/v26.0"+tc.path || r.URL.RawQuery != tc.query ||
					string(body) != tc.posted {
					t.Errorf("%s %s %s", r.Method, r.URL, body)
				}

				_, _ = io.WriteString(w, `{"success":true,"id":"1627","status":"PENDING","category":"MARKETING"}`)
			})
			if err := tc.call(client); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDebugTokenTellsWhatATokenIsGoodFor(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("input_token") != "EAAinput" || r.Header.Get("Authorization") != "Bearer 1|s" {
			t.Errorf("%s %v", r.URL, r.Header)
		}

		_, _ = io.WriteString(w, `{"data":{"app_id":"6349","type":"SYSTEM_USER","expires_at":0,"is_valid":true,"issued_at":1712099387,
			"scopes":["whatsapp_business_management","whatsapp_business_messaging"],
			"granular_scopes":[{"scope":"whatsapp_business_management","target_ids":["11",12]},{"scope":"whatsapp_business_messaging","target_ids":["11"]},{"scope":"ads_read","target_ids":["99"]}],"user_id":"1041"}}`)
	})

	got, err := client.DebugToken(t.Context(), "1|s", "EAAinput")
	want := TokenInfo{
		Valid: true, AppID: "6349", Type: "SYSTEM_USER", UserID: "1041",
		Scopes:   []string{"whatsapp_business_management", "whatsapp_business_messaging"},
		IssuedAt: time.Unix(1712099387, 0).UTC(), WABAIDs: []string{"11", "12"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if !got.Has("whatsapp_business_messaging") || got.Has("ads_read") {
		t.Error("scopes")
	}

	dead := serve(t,
		answer(200, `{"data":{"is_valid":false,"error":{"code":190,"subcode":463,"message":"expired"},"scopes":[]}}`))
	if got, err := dead.DebugToken(t.Context(), "1|s", "x"); err != nil || got.Valid || got.Problem == nil ||
		got.Problem.Code != 190 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestExchangeCodeGivesAToken(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v26.0/oauth/access_token" || r.URL.RawQuery != "client_id=1&client_secret=s&code=c" {
			t.Errorf("%s", r.URL)
		}

		_, _ = io.WriteString(w, `{"access_token":"EAAnew","token_type":"bearer"}`)
	})
	if got, err := client.ExchangeCode(t.Context(), "1", "s", "c"); err != nil || got.Reveal() != "EAAnew" {
		t.Errorf("got %s, %v", got.Reveal(), err)
	}
	if _, err := serve(t, answer(200, `{}`)).ExchangeCode(t.Context(), "1", "s", "c"); err == nil {
		t.Error("no token, and no error")
	}
}

func TestManagementErrorsAreMetas(t *testing.T) {
	t.Parallel()
	var failure *Error
	err := serve(t, answer(400,
		`{"error":{"message":"Invalid parameter","code":100,"error_subcode":2388024,"error_user_msg":"exists"}}`)).
		Subscribe(t.Context(), secretToken, "1")
	if !errors.As(err, &failure) || failure.Subcode != 2388024 || failure.Rule().Title != "Template exists already" ||
		failure.UserMessage != "exists" {
		t.Errorf("got %v", err)
	}

	err = serve(t, answer(502, `<html>`)).Subscribe(t.Context(), secretToken, "1")
	if !errors.As(err, &failure) || failure.Code != CodeGateway || failure.HTTPStatus != 502 {
		t.Errorf("got %v", err)
	}

	err = serve(t, answer(200, `<html>`)).Register(t.Context(), secretToken, "1", "123456")
	if err != nil {
		t.Errorf("an answer that nobody reads failed: %v", err)
	}
	if _, err = serve(t, answer(200, `<html>`)).Template(t.Context(), secretToken, "1"); !errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}

	_, err = NewClient("http://127.0.0.1:1", "").DebugToken(t.Context(), "1|s", secretToken)
	if err == nil || strings.Contains(err.Error(), secretToken.Reveal()) {
		t.Errorf("got %v", err)
	}
}

func TestTiersAreNumbers(t *testing.T) {
	t.Parallel()
	for tier, want := range map[Tier]int{"TIER_250": 250, "TIER_2K": 2000, "TIER_100K": 100_000, "TIER_UNLIMITED": -1,
		"-1": -1, "2000": 2000, "tier_1k": 1000} {
		if got, known := tier.Limit(); got != want || !known {
			t.Errorf("%s: %d, %v", tier, got, known)
		}
	}

	for _, tier := range []Tier{"", "TIER_NOT_SET", "TIER_-5", "many"} {
		if _, known := tier.Limit(); known {
			t.Errorf("%s is known", tier)
		}
	}
}

func TestUnknownPartsOfATemplateSurvive(t *testing.T) {
	t.Parallel()
	const source = `{"type":"BUTTONS","buttons":[{"type":"FLOW","text":"Go","flow_id":"6","navigate_screen":"W"},{"type":"HOLOGRAM","beam":{"a":1}}],"future":[1]}`
	var component Component
	if err := json.Unmarshal([]byte(source), &component); err != nil {
		t.Fatal(err)
	}

	again, err := json.Marshal(component)
	if err != nil || !reflect.DeepEqual(tree(t, again), tree(t, []byte(source))) {
		t.Errorf("got %s, %v", again, err)
	}
}
