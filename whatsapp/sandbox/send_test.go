package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"
)

func TestAMessageIsAcceptedAndItsStatusesFollow(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.run()
	out := st.send(greet("+44 7400 123456", `msg_1:1 é/😀`))
	if out.status != 200 || out.Messages[0].Status != "accepted" || out.Contacts[0].WaID != "447400123456" {
		t.Fatalf("got %d %s", out.status, out.body)
	}

	st.idle()
	if got := strings.Join(st.told("447400123456"), " "); got != "sent delivered read" {
		t.Errorf("told %q", got)
	}

	st.mu.Lock()
	defer st.mu.Unlock()
	first := st.statuses[0]
	if first.ID != out.Messages[0].ID || first.Data != `msg_1:1 é/😀` {
		t.Errorf("the status does not echo the message: %+v", first)
	}
	if first.Pricing == nil || first.Pricing.Category != "marketing" || first.Pricing.Type != "regular" {
		t.Errorf("pricing is %+v", first.Pricing)
	}

	accepted := st.Accepted()
	if len(accepted) != 1 || accepted[0].WAMID != first.ID || accepted[0].CallbackData != first.Data ||
		!slices.Equal(accepted[0].Params, []string{"Ana"}) ||
		accepted[0].Template != "greeting" || accepted[0].PhoneNumberID != sender {
		t.Errorf("accepted %+v", accepted)
	}
}

func TestMagicRecipientsMeetTheirFate(t *testing.T) {
	t.Parallel()
	for _, m := range Magics {
		t.Run(m.Number+" "+m.Does, func(t *testing.T) { t.Parallel(); checkMagic(t, m) })
	}
}

func checkMagic(t *testing.T, m Magic) {
	st := stand(t, nil)
	st.template(greeting)
	st.run()

	if m.lose {
		loseAnswer(t, st, m)
	} else {
		out := st.send(greet(m.Number, "x"))
		if m.refuse != 0 {
			if out.Error.Code != m.refuse || out.status < 400 || out.Error.Trace == "" {
				t.Fatalf("got %d %s", out.status, out.body)
			}
			if !m.fickle {
				return
			}

			out = st.send(greet(m.Number, "x"))
		}

		if out.status != 200 {
			t.Fatalf("got %d %s", out.status, out.body)
		}

		if want := map[bool]string{true: "held_for_quality_assessment",
			false: "accepted"}[m.hold]; out.Messages[0].Status != want {
			t.Errorf("message_status is %q, want %q", out.Messages[0].Status, want)
		}
	}

	st.idle()
	want := "sent delivered read"

	switch {
	case m.until == stepNone:
		want = ""
	case m.until == stepSent:
		want = "sent"
	case m.until == stepDelivered:
		want = "sent delivered"
	case m.late:
		want = "sent failed"
	case m.fail != 0:
		want = "failed"
	}

	if got := strings.Join(st.told(m.Number), " "); got != want {
		t.Errorf("told %q, want %q", got, want)
	}

	if m.fail != 0 {
		st.mu.Lock()
		defer st.mu.Unlock()
		last := st.statuses[len(st.statuses)-1]
		if len(last.Errors) != 1 || last.Errors[0].Code != m.fail || last.Errors[0].Title == "" || last.Pricing != nil {
			t.Errorf("failed status is %+v", last)
		}
	}
}

// loseAnswer sends over a real connection, and sees it closed.
func loseAnswer(t *testing.T, st *stage, m Magic) {
	server := httptest.NewServer(st.Sandbox)
	defer server.Close()
	r, err := http.NewRequestWithContext(st.ctx, "POST", server.URL+"/v25.0/"+sender+"/messages",
		strings.NewReader(greet(m.Number, "x")))
	if err != nil {
		t.Fatal(err)
	}

	r.Header.Set("Authorization", "Bearer "+bearer)
	w, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		w.Body.Close()
		t.Fatalf("answered %s", w.Status)
	}

	if got := st.Accepted(); len(got) != 1 {
		t.Errorf("accepted %d messages, want one", len(got))
	}
}

func TestMagicNumbersAreValidAndInTheHelp(t *testing.T) {
	t.Parallel()
	help := Help()
	seen := map[string]bool{}

	for _, m := range Magics {
		n, err := phonenumbers.Parse("+"+m.Number, "")
		if err != nil || !phonenumbers.IsValidNumber(n) {
			t.Errorf("%s is not a valid number", m.Number)
		}
		if !strings.Contains(help, "+"+m.Number) || seen[m.Number] {
			t.Errorf("%s is not in the help, or twice in the table", m.Number)
		}

		seen[m.Number] = true
		for _, code := range []int{m.refuse, m.fail} {
			if _, known := answers[code]; code != 0 && !known {
				t.Errorf("%s: code %d has no text", m.Number, code)
			}
		}
	}
}

func TestSendsThatMetaRefuses(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.template(`{"name":"named","language":"en","category":"UTILITY","parameter_format":"NAMED","components":[
		{"type":"header","format":"image","example":{"header_handle":["4::a"]}},
		{"type":"BODY","text":"Hi {{name}}, your parcel {{parcel}} is on its way.","example":{"body_text_named_params":[{"param_name":"name","example":"Ana"},{"param_name":"parcel","example":"A"}]}},
		{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"},{"type":"URL","text":"Track","url":"https://e.com/{{1}}","example":["https://e.com/a"]}]}]}`)

	st.template(`{"name":"code","language":"en","category":"AUTHENTICATION","components":[{"type":"BODY","add_security_recommendation":true},
		{"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"COPY_CODE","text":"Copy"}]}]}`)
	st.template(`{"name":"slow_in_review","language":"en","category":"UTILITY","components":[{"type":"BODY","text":"Hello there."}]}`)

	named := func(header, body, buttons string) string {
		return `{"messaging_product":"whatsapp","to":"447400123456","type":"template","template":{"name":"named","language":{"code":"en"},"components":[` +
			strings.Join(slices.DeleteFunc([]string{header, body, buttons}, func(s string) bool { return s == "" }), ",") + `]}}`
	}

	const (
		picture = `{"type":"header","parameters":[{"type":"image","image":{"link":"https://e.com/a.jpg"}}]}`
		texts   = `{"type":"body","parameters":[{"type":"text","parameter_name":"parcel","text":"A1"},{"type":"text","parameter_name":"name","text":"Ana"}]}`
		link    = `{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"a"}]}`
	)
	plain := func(template, language, components string) string {
		return `{"messaging_product":"whatsapp","to":"447400123456","type":"template","template":{"name":"` + template +
			`","language":{"code":"` + language + `"},"components":` + components + `}}`
	}

	text := func(body string) string {
		return `{"messaging_product":"whatsapp","to":"447400123456","type":"text","text":{"body":"` + body + `"}}`
	}
	param := func(p string) string { return plain("greeting", "en_US", `[{"type":"body","parameters":[`+p+`]}]`) }

	for name, tc := range map[string]struct {
		body         string
		status, code int
	}{
		"a whole named template": {named(picture, texts, link), 200, 0},
		"an authentication template": {plain("code", "en",
			`[{"type":"body","parameters":[{"type":"text","text":"123"}]},{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"123"}]}]`), 200, 0},
		"a text outside the window": {text("hi"), 200, 0},
		"no JSON":                   {`{`, 400, 100},
		"an array":                  {`[]`, 400, 100},
		"no product":                {`{"to":"447400123456","type":"text","text":{"body":"a"}}`, 400, 100},
		"no recipient": {`{"messaging_product":"whatsapp","type":"text","text":{"body":"a"}}`,
			400, 100},
		"a group": {`{"messaging_product":"whatsapp","recipient_type":"group","to":"447400123456","text":{"body":"a"}}`,
			400, 100},
		"a recipient that is no number": {`{"messaging_product":"whatsapp","to":"ana","type":"text","text":{"body":"a"}}`,
			400, 131009},
		"a recipient that is the sender": {`{"messaging_product":"whatsapp","to":"+15550783881","type":"text","text":{"body":"a"}}`,
			400, 131021},
		"a type that does not exist": {`{"messaging_product":"whatsapp","to":"447400123456","type":"telegram"}`,
			400, 100},
		"a type without its object": {`{"messaging_product":"whatsapp","to":"447400123456","type":"image"}`,
			400, 131008},
		"a text that is too long": {text(strings.Repeat("a", 4097)), 400, 100},
		"an empty text":           {text(""), 400, 100},
		"callback data that is too long": {`{"messaging_product":"whatsapp","to":"447400123456","biz_opaque_callback_data":"` +
			strings.Repeat("a", 513) + `","text":{"body":"a"}}`, 400, 100},
		"media that was never uploaded": {`{"messaging_product":"whatsapp","to":"447400123456","type":"image","image":{"id":"1"}}`,
			400, 131009},
		"a template that does not exist": {plain("nothing", "en", "[]"), 404, 132001},
		"a template in another language": {plain("greeting", "en", "[]"), 404, 132001},
		"a template in review":           {plain("slow_in_review", "en", "[]"), 404, 132001},
		"a template without language":    {plain("greeting", "", "[]"), 400, 131008},
		"no parameters":                  {plain("greeting", "en_US", "[]"), 400, 132000},
		"too many parameters": {param(`{"type":"text","text":"a"},{"type":"text","text":"b"}`),
			400, 132000},
		"a parameter of another format": {param(`{"type":"image","image":{"link":"https://e.com"}}`), 400, 132012},
		"an empty parameter":            {param(`{"type":"text","text":""}`), 400, 131008},
		"a parameter with a new line":   {param(`{"type":"text","text":"a\nb"}`), 400, 132018},
		"a parameter with five spaces":  {param(`{"type":"text","text":"a     b"}`), 400, 132018},
		"a parameter that makes it too long": {param(`{"type":"text","text":"` + strings.Repeat("a", 1024) + `"}`),
			400, 132005},
		"a named template without names": {named(picture, strings.ReplaceAll(texts, "parameter_name", "name"), link),
			400, 100},
		"a named template with another name": {named(picture, strings.ReplaceAll(texts, `"parcel"`, `"package"`), link),
			400, 100},
		"a media header without media": {named("", texts, link), 400, 132012},
		"a media header of another kind": {named(strings.ReplaceAll(picture, "image", "video"), texts, link),
			400, 132012},
		"a button without its value":   {named(picture, texts, ""), 400, 131008},
		"a button of another kind":     {named(picture, texts, strings.ReplaceAll(link, `"1"`, `"0"`)), 400, 132012},
		"a button that does not exist": {named(picture, texts, strings.ReplaceAll(link, `"1"`, `"2"`)), 400, 132012},
		"a button without index": {named(picture, texts, strings.ReplaceAll(link, `"index":"1",`, ``)),
			400, 131008},
		"an authentication template to a BSUID": {strings.ReplaceAll(plain("code", "en", "[]"), `"to":"447400123456"`,
			`"recipient":"US.123"`), 400, 131062},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := st.send(tc.body)
			if out.status != tc.status || out.Error.Code != tc.code {
				t.Errorf("got %d %s", out.status, out.body)
			}
			if tc.code != 0 && (out.Error.Type != "OAuthException" || out.Error.Trace == "" || out.Error.Data.Details == "") {
				t.Errorf("the envelope is not Meta's: %s", out.body)
			}
		})
	}
}

func TestThroughputIsExactInEverySlidingSecond(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.Throughput = 20 })
	st.template(greeting)
	accepted := map[time.Time]int{}

	for i := range 300 { // 100 a second for three seconds
		if out := st.send(greet(fmt.Sprint(447400100000+i), "")); out.status == 200 {
			accepted[st.clock.Now()]++
		} else if out.Error.Code != 130429 || out.status != 400 || out.Error.Subcode != 2494055 {
			t.Fatalf("got %d %s", out.status, out.body)
		}

		st.clock.advance(10 * time.Millisecond)
	}

	if len(accepted) != 60 {
		t.Errorf("accepted %d in three seconds, want 60", len(accepted))
	}

	for start := range accepted {
		n := 0
		for at := range accepted {
			if !at.Before(start) && at.Sub(start) < time.Second {
				n++
			}
		}

		if n > 20 {
			t.Errorf("accepted %d in the second from %s", n, start)
		}
	}

	u := st.Usage(sender)
	if u.Peak != 100 || u.Requests != 300 || u.Accepted != 60 || st.PeakPerSecond(sender) != 100 {
		t.Errorf("usage is %+v", u)
	}
}

func TestThroughputFollowsTheOptionWhileItRuns(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.Throughput = 5 })
	st.template(greeting)

	burst := func() (accepted int) {
		for i := range 20 {
			if st.send(greet(fmt.Sprint(447400100000+i), "")).status == 200 {
				accepted++
			}
		}

		return accepted
	}
	if got := burst(); got != 5 {
		t.Errorf("accepted %d, want 5", got)
	}

	st.Change(func(o *Options) { o.Throughput = 8 })
	if got := burst(); got != 3 {
		t.Errorf("accepted %d more, want 3", got)
	}

	st.Change(func(o *Options) { o.NoLimits = true })
	if got := burst(); got != 20 {
		t.Errorf("accepted %d without limits, want 20", got)
	}
}

func TestThePairLimitAllowsABurstThenOneInSixSeconds(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.NoPairLimit = false })
	st.template(greeting)

	for i := range 45 {
		if out := st.send(greet("447400123456", "")); out.status != 200 {
			t.Fatalf("message %d: %s", i, out.body)
		}
	}

	if out := st.send(greet("447400123456", "")); out.Error.Code != 131056 {
		t.Errorf("got %s", out.body)
	}
	if out := st.send(greet("447400123457", "")); out.status != 200 {
		t.Errorf("another recipient: %s", out.body)
	}

	st.clock.advance(6 * time.Second)
	if out := st.send(greet("447400123456", "")); out.status != 200 {
		t.Errorf("after six seconds: %s", out.body)
	}
	if out := st.send(greet("447400123456", "")); out.Error.Code != 131056 {
		t.Errorf("right after it: %s", out.body)
	}
}

func TestTheMessagingLimitCountsPeopleForADay(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.DailyLimit = 2 })
	st.template(greeting)
	st.run()

	want := func(to string, code int) {
		t.Helper()
		if out := st.send(greet(to, "")); out.Error.Code != code {
			t.Errorf("%s: %s", to, out.body)
		}
	}

	want("447400100001", 0)
	want("447400100002", 0)
	want("447400100001", 0)
	want("447400100003", 131048)
	if _, err := st.SendInbound(sender, "447400100003", "hi"); err != nil {
		t.Fatal(err)
	}

	want("447400100003", 0) // inside the service window it does not count
	st.clock.advance(24 * time.Hour)
	want("447400100004", 0)
}

func TestFreeFormMessagesNeedAnOpenWindow(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	hello := `{"messaging_product":"whatsapp","to":"447400100001","type":"text","text":{"body":"hello"}}`
	st.send(hello)
	st.idle()
	if got := st.told("447400100001"); !slices.Equal(got, []string{"failed"}) {
		t.Errorf("outside the window: told %q", got)
	}
	if _, err := st.SendInbound(sender, "+447400100001", "hi"); err != nil {
		t.Fatal(err)
	}

	st.send(hello)
	st.idle()
	if got := st.told("447400100001"); !slices.Equal(got, []string{"failed", "sent", "delivered", "read"}) {
		t.Errorf("inside the window: told %q", got)
	}

	if out := st.send(
		`{"messaging_product":"whatsapp","status":"read","message_id":"wamid.x"}`); out.body != `{"success":true}` {
		t.Errorf("mark as read: %s", out.body)
	}
}

func TestLostAnswersAreAcceptedOnce(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.LoseAnswers = 0.5 })
	st.template(greeting)
	server := httptest.NewServer(st.Sandbox)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answered := 0

	for i := range 40 {
		r, err := http.NewRequestWithContext(st.ctx, "POST", server.URL+"/"+sender+"/messages",
			strings.NewReader(greet("447400123456", fmt.Sprint(i))))
		if err != nil {
			t.Fatal(err)
		}

		r.Header.Set("Authorization", "Bearer "+bearer)
		if w, err := client.Do(r); err == nil {
			w.Body.Close()
			answered++
		}
	}

	seen := map[string]int{}
	for _, a := range st.Accepted() {
		seen[a.CallbackData]++
		if seen[a.CallbackData] > 1 {
			t.Errorf("message %s was accepted twice", a.CallbackData)
		}
	}

	c := st.Counts()
	if len(seen) != 40 || c.LostAnswers == 0 || c.LostAnswers+answered != 40 {
		t.Errorf("accepted %d, answered %d, lost %d", len(seen), answered, c.LostAnswers)
	}
}

func TestOutagesRefuseAndAcceptNothing(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.OutageEvery, o.OutageFor = time.Hour, time.Minute })
	st.template(greeting)
	for range 6 {
		st.send(greet("447400123456", ""))
	}

	c := st.Counts()
	if c.Accepted != 0 || c.Refused[130429] != 2 || c.Refused[131000] != 2 || c.Refused[2] != 2 {
		t.Errorf("during the outage: %+v", c)
	}

	st.clock.advance(time.Minute)
	if out := st.send(greet("447400123456", "")); out.status != 200 {
		t.Errorf("after the outage: %s", out.body)
	}

	st.SetDown(true)
	if out := st.send(greet("447400123456", "")); out.status != 503 || out.Error.Code != 2 {
		t.Errorf("while down: %d %s", out.status, out.body)
	}
}

func FuzzSend(f *testing.F) {
	f.Add([]byte(greet("447400123456", "x")))
	f.Add([]byte(`{"messaging_product":"whatsapp","recipient":"US.1","type":"template","template":{"name":"greeting","language":{"code":"en_US"},"components":[{"type":"button","index":1.5}]}}`))
	f.Add([]byte(`{"messaging_product":"whatsapp","to":"447400123456","type":"template","template":{"name":"greeting","language":{"code":"en_US"},"components":[{"type":"carousel","cards":[{}]}]}}`))
	f.Add([]byte(`{"messaging_product":"whatsapp","to":"447400123456","text":{"body":"a"}}`))
	s, err := New(Options{NoLimits: true, NoWebhooks: true})
	if err != nil {
		f.Fatal(err)
	}

	s.AddAccount(AccountSpec{WABAID: waba, Token: bearer,
		Numbers: []NumberSpec{{ID: sender, DisplayNumber: "+1 555-078-3881"}}})
	post := func(path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)

		return w
	}

	post("/"+waba+"/message_templates", greeting)
	f.Fuzz(func(t *testing.T, body []byte) {
		if strings.Contains(string(body), magicLost) {
			return // hangs up, by panic where there is no connection
		}

		w := post("/"+sender+"/messages", string(body))
		if w.Code != 200 && !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

// magicLost is the recipient whose answers are lost.
const magicLost = "4165550104"
