package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// ask is a call of a number's edge that answers with a code and subcode, or zeros.
func (st *stage) ask(method, edge, body string) string {
	st.t.Helper()
	out := st.call(method, "/v26.0/"+sender+"/"+edge, body)
	return fmt.Sprint(out.Error.Code, out.Error.Subcode)
}

func TestANumberIsVerifiedBeforeItIsRegistered(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.AddAccount(AccountSpec{WABAID: waba, Numbers: []NumberSpec{
		{ID: "7", DisplayNumber: "+1 555-078-3882", Unverified: true, Unregistered: true}}})
	const register = `{"messaging_product":"whatsapp","pin":"111222"}`
	for i, step := range []struct {
		edge, body string
		want       int
	}{
		{"register", register, 133006}, {"verify_code?code=123456", "", 136025},
		{"request_code?code_method=FAX&language=en_US", "", 100}, {"request_code?code_method=SMS&language=english", "", 100},
		{"request_code?code_method=SMS&language=en_US", "", 0}, {"verify_code?code=123457", "", 136025},
		{"verify_code?code=" + Code, "", 0}, {"register", register, 0},
		{"register", `{"messaging_product":"whatsapp","pin":"222111"}`, 133005}, {"deregister", "", 0},
		{"deregister", "", 133010}, {"register", register, 0},
	} {
		if out := st.call("POST", "/v26.0/7/"+step.edge, step.body); out.Error.Code != step.want {
			t.Errorf("step %d, %s, answers %d %s, want %d", i, step.edge, out.status, out.body, step.want)
		}
	}

	if out := st.call("GET", "/v26.0/7?fields=status,code_verification_status,is_pin_enabled", ""); !strings.Contains(
		out.body, `"CONNECTED"`) || !strings.Contains(out.body, `"VERIFIED"`) || !strings.Contains(out.body, "true") {
		t.Errorf("it shows %s", out.body)
	}
}

func TestANumberOfTheBusinessAppIsRegisteredByThatAlone(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.Throughput = 20 })
	for _, edge := range []string{"register", "deregister"} {
		if got := st.ask("POST", edge, `{"messaging_product":"whatsapp","pin":"111222"}`); got != "100 0" {
			t.Errorf("%s answers %s", edge, got)
		}
	}
}

func TestANumberIsRegisteredTenTimesInThreeDays(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	const body = `{"messaging_product":"whatsapp","pin":"111222"}`
	for i := range 10 {
		if got := st.ask("POST", "register", body); got != "0 0" {
			t.Fatalf("registration %d answers %s", i+1, got)
		}
	}

	for _, edge := range []string{"register", "deregister"} {
		if got := st.ask("POST", edge, body); got != "133016 0" {
			t.Errorf("once more, %s answers %s", edge, got)
		}
	}

	st.clock.advance(72 * time.Hour)
	if got := st.ask("POST", "deregister", ""); got != "0 0" {
		t.Errorf("three days later: %s", got)
	}
}

func TestANumberIsSentFiveCodesInAnHour(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for range 5 {
		if got := st.ask("POST", "request_code?code_method=VOICE&language=de", ""); got != "0 0" {
			t.Fatal(got)
		}
	}

	if got := st.ask("POST", "request_code?code_method=VOICE&language=de", ""); got != "136024 2388091" {
		t.Errorf("the sixth: %s", got)
	}
}

func TestAProfileHoldsWhatItTakes(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.StatePath = t.TempDir() + "/state" })
	stop := st.run()
	const edge = "whatsapp_business_profile"
	long := strings.Repeat("a", 600)
	for name, fields := range map[string]string{
		"an about without text": `"about":""`, "a long about": `"about":"` + long + `"`, "a long address": `"address":"` + long + `"`,
		"a long description": `"description":"` + long + `"`, "a long mail": `"email":"` + long + `"`,
		"three pages": `"websites":["https://a.b","https://a.b","https://a.b"]`, "a page without a scheme": `"websites":["a.b"]`,
		"a trade of its own": `"vertical":"PIRACY"`, "a link for a picture": `"profile_picture_handle":"https://a.b/c.png"`,
	} {
		if got := st.ask("POST", edge, `{"messaging_product":"whatsapp",`+fields+`}`); got != "100 0" {
			t.Errorf("%s answers %s", name, got)
		}
	}

	if got := st.ask("POST", edge, `{"about":"a"}`); got != "100 0" {
		t.Errorf("without a product it answers %s", got)
	}
	if got := st.ask("POST", edge, `{"messaging_product":"whatsapp","about":"Open","websites":["https://a.b/"],
		"vertical":"RETAIL","profile_picture_handle":"4::aW1hZ2U=:ARx"}`); got != "0 0" {
		t.Fatal(got)
	}

	stop()
	st.open()
	st.run()
	shown := st.call("GET", "/v26.0/"+sender+"/"+edge+"?fields=about,websites", "")
	for _, part := range []string{`"about":"Open"`, `"https://a.b/"`, `"RETAIL"`, "profile_picture_url"} {
		if !strings.Contains(shown.body, part) {
			t.Errorf("after a restart %s is missing in %s", part, shown.body)
		}
	}
}

func TestAUsernameIsOneNumbers(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	st.AddAccount(AccountSpec{WABAID: waba, Numbers: []NumberSpec{{ID: "7", DisplayNumber: "+1 555-078-3882"}}})
	for name, want := range map[string]string{"ab": "100 0", ".abc": "100 0", "a..b": "100 0", "a b c": "100 0",
		strings.Repeat("a", 36): "100 0"} {
		if got := st.ask("POST", "username", `{"username":"`+name+`"}`); got != want {
			t.Errorf("%q answers %s", name, got)
		}
	}

	if got := st.ask("POST", "username", `{"username":"lucky.shrub"}`); got != "0 0" {
		t.Fatal(got)
	}
	if out := st.call("POST", "/v26.0/7/username", `{"username":"Lucky.Shrub"}`); out.Error.Code != 147001 {
		t.Errorf("another number's: %s", out.body)
	}
	if out := st.call("GET", "/v26.0/"+sender+"/username", ""); !strings.Contains(out.body, `"lucky.shrub"`) {
		t.Errorf("it is %s", out.body)
	}
	if got := st.ask("DELETE", "username", ""); got != "0 0" {
		t.Error(got)
	}

	st.idle()
	if got := st.Counts().Posted["business_username_updates"]; got != 2 {
		t.Errorf("%d webhooks tell of it", got)
	}
}

func TestMetaChangesANumberAndTells(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	out := st.call("POST", "/sandbox/number", `{"phone_number_id":"`+sender+`","quality":"RED","name":"Lucky",
		"throughput":20,"status":"FLAGGED","username":"lucky"}`)
	if out.status != 200 {
		t.Fatal(out.body)
	}

	st.idle()
	posted := st.Counts().Posted
	for field, want := range map[string]int{"phone_number_quality_update": 2, "phone_number_name_update": 1,
		"business_username_updates": 1} {
		if posted[field] != want {
			t.Errorf("%s was posted %d times, want %d", field, posted[field], want)
		}
	}

	shown := st.call("GET", "/v26.0/"+sender+"?fields=quality_rating,verified_name,status,is_on_biz_app", "").body
	for _, part := range []string{`"RED"`, `"Lucky"`, `"FLAGGED"`, "true"} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s is missing in %s", part, shown)
		}
	}

	if err := st.ChangeNumber("1", NumberChange{Quality: "RED"}); err == nil {
		t.Error("a number that is not there was changed")
	}
}
