package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const templates = "/v25.0/" + waba + "/message_templates"

func TestTemplatesThatMetaRefuses(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	template := func(name, language, category, components string) string {
		return fmt.Sprintf(`{"name":%q,"language":%q,"category":%q,"components":[%s]}`, name, language, category, components)
	}
	with := func(components string) string { return template("a", "en", "UTILITY", components) }
	body := func(text, examples string) string {
		return with(fmt.Sprintf(`{"type":"BODY","text":%q,"example":{"body_text":[%s]}}`, text, examples))
	}
	const plain = `{"type":"BODY","text":"Hello there."}`
	buttons := func(list string) string { return with(plain + `,{"type":"BUTTONS","buttons":[` + list + `]}`) }
	reply := `{"type":"QUICK_REPLY","text":"Yes"}`

	for name, tc := range map[string]struct {
		body          string
		code, subcode int
	}{
		"a plain template":                   {template("fine", "en", "utility", plain), 0, 0},
		"a name in capitals":                 {template("Hello", "en", "UTILITY", plain), 100, 0},
		"a language that does not exist":     {template("a", "xx", "UTILITY", plain), 100, 0},
		"a category that does not exist":     {template("a", "en", "SPAM", plain), 100, 0},
		"a name that is taken":               {greeting, 100, nameTaken},
		"no body":                            {with(`{"type":"FOOTER","text":"a"}`), 100, fieldsMissing},
		"a body without text":                {with(`{"type":"BODY"}`), 100, fieldsMissing},
		"two bodies":                         {with(plain + "," + plain), 100, fieldsMissing},
		"an unknown component":               {with(plain + `,{"type":"SIDEBAR"}`), 100, 0},
		"a body without examples":            {body("Hello {{1}}, how are you?", ""), 100, fieldsMissing},
		"a body that begins with a variable": {body("{{1}}, how are you?", `["a"]`), 100, danglingVariable},
		"a body that ends with a variable":   {body("Dear customer {{1}}", `["a"]`), 100, danglingVariable},
		"a body with a gap in its variables": {body("Hello {{2}}, how are you?", `["a"]`), 100, bodyFormat},
		"a body with open braces":            {body("Hello {{1, how are you?", `["a"]`), 100, bodyFormat},
		"a body of variables":                {body("Hi {{1}} {{2}} {{3}} bye.", `["a","b","c"]`), 100, tooManyVariables},
		"a body that is too long":            {body(strings.Repeat("a", 1025), ""), 100, tooLong},
		"a header that is too long": {with(plain + `,{"type":"HEADER","format":"TEXT","text":"` +
			strings.Repeat("a", 61) + `"}`), 100, tooLong},
		"a header with two variables": {with(plain +
			`,{"type":"HEADER","format":"TEXT","text":"a {{1}} b {{2}} c"}`), 100, headerFormat},
		"a header with an emoji": {with(plain + `,{"type":"HEADER","format":"TEXT","text":"Hi 😀"}`),
			100, headerFormat},
		"a picture without example": {with(plain + `,{"type":"HEADER","format":"IMAGE"}`), 100, fieldsMissing},
		"a footer with a variable":  {with(plain + `,{"type":"FOOTER","text":"a {{1}} b"}`), 100, footerFormat},
		"a footer that is too long": {with(plain + `,{"type":"FOOTER","text":"` + strings.Repeat("a", 61) + `"}`),
			100, tooLong},
		"eleven buttons": {buttons(strings.Repeat(reply+",", 10) + reply), 100, 0},
		"three links": {buttons(strings.Repeat(`{"type":"URL","text":"a","url":"https://e.com"},`,
			2) + `{"type":"URL","text":"a","url":"https://e.com"}`), 100, 0},
		"quick replies apart": {buttons(reply + `,{"type":"URL","text":"a","url":"https://e.com"},` + reply),
			100, fieldsMissing},
		"a link without example": {buttons(`{"type":"URL","text":"a","url":"https://e.com/{{1}}"}`),
			100, fieldsMissing},
		"a link with a variable inside": {buttons(`{"type":"URL","text":"a","url":"https://{{1}}/a","example":["b"]}`),
			100, 0},
		"a code button outside its category": {buttons(`{"type":"OTP","otp_type":"COPY_CODE"}`), 100, 0},
		"a button text that is too long": {buttons(`{"type":"QUICK_REPLY","text":"` + strings.Repeat("a", 26) + `"}`),
			100, tooLong},
		"a time to live that is too short": {`{"name":"a","language":"en","category":"UTILITY","message_send_ttl_seconds":5,"components":[` +
			plain + `]}`, 100, 0},
		"named variables in capitals": {`{"name":"a","language":"en","category":"UTILITY","parameter_format":"NAMED","components":[{"type":"BODY","text":"Hello {{Name}}, hi."}]}`,
			100, bodyFormat},
		"named variables without example": {`{"name":"a","language":"en","category":"UTILITY","parameter_format":"NAMED","components":[{"type":"BODY","text":"Hello {{name}}, hi."}]}`,
			100, fieldsMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := st.call("POST", templates, tc.body)
			if out.Error.Code != tc.code || out.Error.Subcode != tc.subcode {
				t.Errorf("got %d %s", out.status, out.body)
			}
			if tc.code == 0 && out.Status != "PENDING" {
				t.Errorf("created as %s", out.body)
			}
		})
	}
}

// events lists the template events received, with their reason.
func (st *stage) events() (out []string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, p := range st.posts {
		var envelope struct {
			Entry []struct {
				Changes []struct {
					Field string
					Value struct {
						Event, Reason string
						ID            json.Number `json:"message_template_id"`
						Language      string      `json:"message_template_language"`
					}
				}
			}
		}
		if json.Unmarshal(p.body, &envelope) != nil {
			continue
		}

		for _, e := range envelope.Entry {
			for _, c := range e.Changes {
				if c.Field == "message_template_status_update" {
					out = append(out, c.Value.Event+" "+c.Value.Reason)
				}
			}
		}
	}

	return out
}

func TestATemplateIsReviewedAfterTheDelay(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.ReviewDelay = time.Hour })
	st.run()
	created := st.call("POST", templates, greeting)
	if created.Status != "PENDING" {
		t.Fatalf("created as %s", created.body)
	}
	if out := st.send(greet("447400123456", "")); out.Error.Code != 132001 {
		t.Errorf("before the review: %s", out.body)
	}

	st.clock.advance(time.Hour)
	st.Wake()
	st.idle()
	if got := st.events(); !slices.Equal(got, []string{"APPROVED NONE"}) {
		t.Errorf("events are %q", got)
	}
	if out := st.send(greet("447400123456", "")); out.status != 200 {
		t.Errorf("after the review: %s", out.body)
	}

	if out := st.call("GET", "/v25.0/"+created.ID+"?fields=status,rejected_reason,components",
		""); !strings.Contains(out.body, `"status":"APPROVED"`) {
		t.Errorf("read back %s", out.body)
	}
}

func TestMagicTemplateNamesDecideTheReview(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()

	make := func(name, body string) reply {
		return st.call("POST", templates, fmt.Sprintf(
			`{"name":%q,"language":"en","category":"UTILITY","components":[{"type":"BODY","text":%q,"example":{"body_text":[["a","b"]]}}]}`,
			name, body))
	}

	bad := make("offer_rejected", "Hello.")
	adjacent := make("adjacent", "Hello my dear {{1}} {{2}}, how are you?")
	moved := make("offer_recategorized", "Hello.")
	waiting := make("offer_in_review", "Hello.")
	st.idle()

	for id, want := range map[string]string{bad.ID: "REJECTED", adjacent.ID: "REJECTED", moved.ID: "APPROVED",
		waiting.ID: "PENDING"} {
		if out := st.call("GET", "/"+id, ""); out.Status != want {
			t.Errorf("got %s, want %s", out.body, want)
		}
	}

	if moved.Category != "MARKETING" {
		t.Errorf("created as %s", moved.body)
	}
	if got := st.events(); !slices.Contains(got, "REJECTED INVALID_FORMAT") {
		t.Errorf("events are %q", got)
	}
}

func TestTemplatesAreListedInPages(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for i := range 7 {
		st.template(strings.ReplaceAll(greeting, `"greeting"`, fmt.Sprintf(`"greeting_%d"`, i)))
	}

	path, seen, pages := templates+"?limit=3&fields=id,name,status&name=greeting&language=en_US&status=approved",
		map[string]bool{}, 0
	for path != "" {
		out := st.call("GET", path, "")
		var data []struct{ ID, Name, Status, Category string }
		if err := json.Unmarshal(out.Data, &data); err != nil {
			t.Fatalf("%s: %s", err, out.body)
		}

		for _, d := range data {
			if seen[d.Name] || d.Status != "APPROVED" || d.Category != "" {
				t.Errorf("page %d has %+v", pages, d)
			}

			seen[d.Name] = true
		}

		pages++
		_, path, _ = strings.Cut(out.Paging.Next, "example.com")
	}

	if len(seen) != 7 || pages != 3 {
		t.Errorf("saw %d templates on %d pages", len(seen), pages)
	}
	if out := st.call("GET", templates+"?after=bm90aGluZw", ""); out.Error.Code != 131059 {
		t.Errorf("a stale cursor: %s", out.body)
	}

	if out := st.call("GET", templates+"?fields=shoe_size", ""); !strings.Contains(out.Error.Message,
		"nonexisting field") {
		t.Errorf("an unknown field: %s", out.body)
	}
}

func TestTemplatesCanBeEditedWithinMetasLimits(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	id := st.call("POST", templates, greeting).ID
	edit := `{"components":[{"type":"BODY","text":"Hi {{1}}, thank you very much.","example":{"body_text":[["Ana"]]}}]}`
	if out := st.call("POST", "/"+id, edit); out.status != 200 {
		t.Fatalf("first edit: %s", out.body)
	}
	if out := st.call("GET", "/"+id, ""); !strings.Contains(out.body, "very much") || out.Status != "APPROVED" {
		t.Errorf("read back %s", out.body)
	}
	if out := st.call("POST", "/"+id, edit); out.Error.Subcode != notEditable {
		t.Errorf("second edit on a day: %s", out.body)
	}

	st.clock.advance(24 * time.Hour)
	if out := st.call("POST", "/"+id, `{"category":"UTILITY"}`); out.Error.Subcode != notEditable {
		t.Errorf("category of an approved template: %s", out.body)
	}
	if out := st.call("POST", "/"+id, edit); out.status != 200 {
		t.Errorf("edit on the next day: %s", out.body)
	}
}

func TestADeletedTemplateLocksItsName(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.template(strings.ReplaceAll(greeting, "en_US", "de"))
	st.call("GET", templates, "") // reviews both
	if out := st.call("DELETE", templates+"?name=nothing", ""); out.Error.Code != 100 {
		t.Errorf("an unknown name: %s", out.body)
	}
	if out := st.call("DELETE", templates+"?name=greeting", ""); out.status != 200 {
		t.Errorf("delete: %s", out.body)
	}
	if out := st.call("GET", templates, ""); string(out.Data) != "[]" {
		t.Errorf("after it: %s", out.body)
	}
	if out := st.call("POST", templates, greeting); out.Error.Subcode != nameLocked {
		t.Errorf("create again: %s", out.body)
	}

	st.clock.advance(31 * 24 * time.Hour)
	id := st.call("POST", templates, greeting).ID
	if out := st.call("DELETE", templates+"?hsm_id="+id+"&name=other", ""); out.Error.Code != 100 {
		t.Errorf("an id with another name: %s", out.body)
	}
	if out := st.call("DELETE", templates+"?hsm_ids=["+id+"]", ""); out.status != 200 {
		t.Errorf("delete by ids: %s", out.body)
	}
}

func TestAPausedTemplateCannotBeSent(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	id := st.call("POST", templates, greeting).ID
	st.run()
	st.idle()
	st.PauseTemplate(waba, "greeting")
	if out := st.send(greet("447400123456", "")); out.Error.Code != 132015 {
		t.Errorf("while paused: %s", out.body)
	}
	if out := st.call("POST", "/"+id+"/unpause", ""); !strings.Contains(out.body, `"success":false`) {
		t.Errorf("unpause at once: %s", out.body)
	}

	st.clock.advance(5 * time.Minute)
	if out := st.call("POST", "/"+id+"/unpause", ""); !strings.Contains(out.body, `"success":true`) {
		t.Errorf("unpause: %s", out.body)
	}
	if out := st.send(greet("447400123456", "")); out.status != 200 {
		t.Errorf("after it: %s", out.body)
	}

	st.DisableTemplate(waba, "greeting")
	if out := st.send(greet("447400123456", "")); out.Error.Code != 132016 {
		t.Errorf("while disabled: %s", out.body)
	}

	st.ApproveTemplate(waba, "greeting")
	st.idle()
	if got := st.events(); !slices.Equal(slices.Sorted(slices.Values(got)),
		[]string{"APPROVED NONE", "APPROVED NONE", "DISABLED ", "PAUSED ", "UNPAUSED "}) {
		t.Errorf("events are %q", got)
	}
}

func TestManagementCallsAndCreationsAreLimitedByTheHour(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for i := range 100 {
		st.template(strings.ReplaceAll(greeting, `"greeting"`, fmt.Sprintf(`"greeting_%d"`, i)))
	}

	if out := st.call("POST", templates, greeting); out.Error.Code != 80007 {
		t.Errorf("creation 101: %s", out.body)
	}

	for range 4899 {
		st.call("GET", "/"+waba, "")
	}

	if out := st.call("GET", "/"+waba, ""); out.Error.Code != 80007 {
		t.Errorf("call 5,001: %s", out.body)
	}

	st.clock.advance(time.Hour)
	if out := st.call("POST", templates, greeting); out.status != http.StatusOK {
		t.Errorf("an hour later: %s", out.body)
	}
}
