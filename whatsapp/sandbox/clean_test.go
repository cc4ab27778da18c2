package sandbox

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/whatsapp"
)

// seedShapes are the templates of the shapes file, as Meta's API takes them.
func seedShapes(t testing.TB) (all []whatsapp.Template) {
	t.Helper()
	raw, err := os.ReadFile("../testdata/shapes.json")
	if err != nil {
		t.Fatal(err)
	}

	var shapes []struct{ Create whatsapp.Template }
	if err := json.Unmarshal(raw, &shapes); err != nil {
		t.Fatal(err)
	}

	for _, s := range shapes {
		all = append(all, s.Create)
	}

	return all
}

// judge is a sandbox that takes one template after another.
type judge struct {
	*Sandbox
	clock  *clock
	upload string
	made   int
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	j := &judge{clock: newClock()}
	s, err := New(Options{NoLimits: true, NoWebhooks: true, Now: j.clock.Now, ReviewDelay: time.Second,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}

	j.Sandbox = s
	s.AddAccount(AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: bearer, Numbers: []NumberSpec{
		{ID: sender, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"}}})
	s.catalog.media["123456789"] = &media{ID: "123456789", NumberID: sender, number: s.catalog.numbers[sender]}
	j.upload = "123456789"

	return j
}

// ask is a request to the sandbox, as our client makes it.
func (j *judge) ask(t testing.TB, method, path string, body any) (status int, answer string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}

	r := httptest.NewRequest(method, path, strings.NewReader(string(raw)))
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	j.ServeHTTP(w, r)

	return w.Code, w.Body.String()
}

// try creates a template, waits for its review, and sends it with values. It says whether lint let
// it through, and how many messages were sent.
func (j *judge) try(t testing.TB, r *rand.Rand, template whatsapp.Template) (clean bool, sent int) {
	t.Helper()
	j.made++
	template.Name = fmt.Sprintf("%s_%d", template.Name, j.made)
	describe, _ := json.Marshal(template)
	if !lintsClean(template) {
		j.refuses(t, template)
		return false, 0
	}

	status, answer := j.ask(t, "POST", templates, template)
	if status != 200 {
		t.Errorf("lints clean, and is refused: %s\n%s", answer, describe)
		return true, 0
	}

	var made struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatal(err)
	}

	j.clock.advance(time.Minute)
	_, answer = j.ask(t, "GET", "/v25.0/"+made.ID, nil)
	var read whatsapp.Template
	if err := json.Unmarshal([]byte(answer), &read); err != nil || read.Status != "APPROVED" {
		t.Errorf("lints clean, and is not approved: %s\n%s", answer, describe)
		return true, 0
	}

	for _, as := range []whatsapp.Template{template, read} { // from the draft, and as Meta reads it back
		for range 3 {
			values := someValues(r, as, j.upload)
			if r.IntN(2) == 0 {
				values, _ = as.Mend(values)
			}

			message, problems := as.Message(values)
			if len(problems) > 0 || !uploaded(values, j.upload) {
				continue
			}

			status, answer := j.ask(t, "POST", "/v25.0/"+sender+"/messages",
				whatsapp.Message{To: "447400123456", Template: &message})
			if sent++; status != 200 {
				t.Errorf("%q are bound, and refused: %s\n%s", values, answer, describe)
			}
		}
	}

	j.ask(t, "DELETE", templates+"?hsm_id="+made.ID+"&name="+template.Name, nil)

	return true, sent
}

// refuses wants a template that breaks a rule to be refused, or to be rejected by its review.
func (j *judge) refuses(t testing.TB, template whatsapp.Template) {
	t.Helper()
	status, answer := j.ask(t, "POST", templates, template)
	if status != 200 {
		return
	}

	var made struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatal(err)
	}

	j.clock.advance(time.Minute)
	_, answer = j.ask(t, "GET", "/v25.0/"+made.ID, nil)
	var read whatsapp.Template
	if err := json.Unmarshal([]byte(answer), &read); err != nil {
		t.Fatal(err)
	}

	j.ask(t, "DELETE", templates+"?hsm_id="+made.ID+"&name="+template.Name, nil)
	for _, p := range template.Lint() {
		if p.Severity == whatsapp.SeverityError && read.Status == "APPROVED" {
			describe, _ := json.Marshal(template)
			t.Errorf("breaks %s at %v, and is approved:\n%s", p.Rule, p.Field, describe)
		}
	}
}

// lintsClean says whether no rule keeps a template from being submitted. What lint does not know,
// the sandbox does not know either.
func lintsClean(t whatsapp.Template) bool {
	return !slices.ContainsFunc(t.Lint(), func(p whatsapp.Problem) bool {
		return p.Severity == whatsapp.SeverityError || p.Rule == "component_type" || p.Rule == "button_type"
	})
}

// uploaded says whether no value is the id of a file that was never uploaded.
func uploaded(values map[string]string, upload string) bool {
	files := []string{"header_image", "header_video", "header_document", "header_gif"}
	for name, v := range values {
		isFile := slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(name, file) })
		if isFile && v != upload && whatsapp.IsMediaID(strings.TrimSpace(v)) {
			return false
		}
	}

	return true
}

// mayBind are names of values that some templates take and none needs.
var mayBind = []string{"button_0_payload", "button_1_payload", "button_0_ttl_minutes", "button_0_flow_token",
	"button_0_flow_data", "button_0_product", "button_0_thumbnail", "header_document_filename", "tap_target_url",
	"tap_target_title", "card_0_button_0_payload", "card_2_header_product", "card_3_header_product"}

// someValues are good values for a template, some of them replaced by anything.
func someValues(r *rand.Rand, t whatsapp.Template, upload string) map[string]string {
	values := map[string]string{}
	for _, p := range t.Parameters() {
		values[p.Name] = map[whatsapp.Kind]string{whatsapp.KindLocation: "1,2", whatsapp.KindExpiration: "1909944072000",
			whatsapp.KindImage: upload, whatsapp.KindVideo: upload, whatsapp.KindDocument: upload,
			whatsapp.KindPayload: `{"sections":[{"product_items":[{"product_retailer_id":"1"}]}]}`}[p.Kind]
		if values[p.Name] == "" {
			values[p.Name] = pick(r, []string{"x", "Ana", "AB12"})
		}
		if r.IntN(6) == 0 {
			values[p.Name] = anything(r)
		}
	}

	for range r.IntN(3) {
		values[pick(r, mayBind)] = pick(r, []string{"1", "100", "https://example.com/a", `{"a":1}`, "payload", anything(r)})
	}

	return values
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func anything(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(pick(r, pieces))
	}

	return b.String()
}

// phrases are what texts of templates are put together of.
var phrases = []string{"Hello", "your order is here", "{{1}}", "{{2}}", "{{3}}", "{{name}}", "{{code}}", "{{ 1 }}",
	"{{01}}", "{{1a}}", "{{a_1}}", "{{}}", "{{", "}}", "{1}", "{{{1}}}", "}}{{", ",", ".", "!", " ", "\n", "\t", "*bold*",
	"_", "~", "🎉", "❤️", "您的订单", "заказ", "sale",
	"https://bit.ly/a", "", "\u2028", "\u200b", "%", "$", strings.Repeat("long ", 12), strings.Repeat("é", 150),
	strings.Repeat("word ", 110), strings.Repeat("字", 500), strings.Repeat("x", 1000)}

func phrase(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		b.WriteString(pick(r, phrases))
		if r.IntN(3) > 0 {
			b.WriteByte(' ')
		}
	}

	return b.String()
}

// copied is a template that shares nothing with another.
func copied(t testing.TB, template whatsapp.Template) (out whatsapp.Template) {
	t.Helper()
	raw, err := json.Marshal(template)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}

	return out
}

// changed makes another template of one, by a few changes at random; it may or may not be right.
func changed(t testing.TB, r *rand.Rand, template whatsapp.Template, others []whatsapp.Template) whatsapp.Template {
	t.Helper()
	template = copied(t, template)
	for range r.IntN(4) {
		changeHead(r, &template)
		changeParts(r, &template.Components, copied(t, pick(r, others)).Components)
	}

	if r.IntN(4) > 0 {
		exemplify(&template, template.Components)
	}

	return template
}

func changeHead(r *rand.Rand, template *whatsapp.Template) {
	switch r.IntN(12) {
	case 0:
		template.Category = pick(r, []string{"MARKETING", "UTILITY", "AUTHENTICATION"})
	case 1:
		template.Language = pick(r, []string{"en_US", "zh_CN", "es", "xx", "en-US"})
	case 2:
		template.MessageSendTTLSeconds = pick(r, []int{0, -1, 29, 30, 900, 901, 43_200, 43_201, 2_592_000, 2_592_001})
	case 3:
		template.ParameterFormat = pick(r, []string{whatsapp.Named, whatsapp.Positional})
	}
}

func changeParts(r *rand.Rand, parts *[]whatsapp.Component, others []whatsapp.Component) {
	if len(*parts) == 0 {
		return
	}

	at := r.IntN(len(*parts))
	part := &(*parts)[at]
	switch r.IntN(9) {
	case 0:
		part.Text = phrase(r)
	case 1:
		part.Format = pick(r, []string{"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT", "", "SMELL"})
	case 2:
		*parts = slices.Delete(*parts, at, at+1)
	case 3:
		*parts = append(*parts, pick(r, others))
	case 4, 5:
		changeButtons(r, &part.Buttons, others)
	case 6:
		for i := range part.Cards {
			changeParts(r, &part.Cards[i].Components, others)
		}
		if len(part.Cards) > 0 && r.IntN(2) == 0 { // alike again
			for i := range part.Cards {
				part.Cards[i] = part.Cards[0]
			}
		}
	case 7:
		part.AddSecurityRecommendation, part.CodeExpirationMinutes = r.IntN(2) == 0, r.IntN(93)-1
	case 8:
		if part.LimitedTimeOffer != nil {
			part.LimitedTimeOffer.Text, part.LimitedTimeOffer.HasExpiration = phrase(r), r.IntN(2) == 0
		}
		if part.Example != nil {
			part.Example.HeaderHandle = pick(r, []whatsapp.Texts{{"4::x"}, {"4::x", "4::y"}, {"123456"},
				{"https://ex.com/a"}, {""}})
		}
	}
}

func changeButtons(r *rand.Rand, buttons *[]whatsapp.Button, others []whatsapp.Component) {
	for _, part := range others {
		if len(part.Buttons) > 0 && r.IntN(2) == 0 {
			*buttons = append(*buttons, pick(r, part.Buttons))
		}
	}

	if len(*buttons) == 0 {
		return
	}

	b := &(*buttons)[r.IntN(len(*buttons))]
	switch r.IntN(10) {
	case 0:
		b.Text = phrase(r)
	case 1:
		b.URL = pick(r, []string{"https://", "http://ex.com/", "https://ex.com", "https://ex.com/ü/", "https://ex.com/a b/",
			"https://ex.com/?q=", "https://wa.me/"}) + pick(r, []string{"", "{{1}}", "{{2}}", "{{name}}", "{{1}}/x", "{{ 1 }}",
			"{a}", strings.Repeat("x", 1990), "%zz"})
	case 2:
		b.Type = pick(r, []string{"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM", "SPM",
			"VOICE_CALL", "REQUEST_CONTACT_INFO", "CALL_PERMISSION_REQUEST"})
	case 3:
		b.PhoneNumber = pick(r, []string{"", "+1", "12345", "+15550001111", "+1 555", strings.Repeat("1", 21)})
	case 4:
		b.Example = pick(r, []whatsapp.Texts{nil, {""}, {"A1"}, {"A-1"}, {strings.Repeat("A", 21)}, {"https://ex.com/a"},
			{"É"}})
	case 5:
		b.OTPType = pick(r, []string{"COPY_CODE", "ONE_TAP", "ZERO_TAP", "MAGIC", ""})
	case 6:
		b.FlowID, b.FlowName = pick(r, []string{"", "1"}), pick(r, []string{"", "a"})
	case 7:
		b.FlowAction, b.Icon = pick(r, []string{"", "navigate", "jump"}), pick(r, []string{"", "REVIEW", "SMILE"})
		b.TTLMinutes = pick(r, []int{0, -1, 1, 43_200, 43_201})
	case 8:
		b.SupportedApps = pick(r, [][]whatsapp.SupportedApp{nil, {{PackageName: "com.example", SignatureHash: "K8a/AINcGX7"}},
			{{PackageName: "one", SignatureHash: "K8a/AINcGX7"}}, {{PackageName: "com.example", SignatureHash: "short"}}})
	case 9:
		*buttons = (*buttons)[:len(*buttons)-1]
	}
}

// exemplify gives the variables of texts examples.
func exemplify(t *whatsapp.Template, parts []whatsapp.Component) {
	for i := range parts {
		part := &parts[i]
		bare := whatsapp.Template{ParameterFormat: t.ParameterFormat, Components: []whatsapp.Component{{Type: "BODY",
			Text: part.Text}}}

		var texts []string
		var named []whatsapp.NamedExample
		for _, p := range bare.Parameters() {
			texts, named = append(texts, "Ana"), append(named, whatsapp.NamedExample{Name: p.Name, Example: "Ana"})
		}

		switch {
		case texts == nil:
		case part.Type == "HEADER" && t.ParameterFormat == whatsapp.Named:
			part.Example = &whatsapp.Example{HeaderTextNamed: named}
		case part.Type == "HEADER":
			part.Example = &whatsapp.Example{HeaderText: texts}
		case t.ParameterFormat == whatsapp.Named:
			part.Example = &whatsapp.Example{BodyTextNamed: named}
		default:
			part.Example = &whatsapp.Example{BodyText: whatsapp.Rows{texts}}
		}

		for j := range part.Cards {
			exemplify(t, part.Cards[j].Components)
		}
	}
}

// It tries the same templates each time; the fuzz test below tries others.
func TestWhatLintsCleanIsCreatedApprovedAndSent(t *testing.T) {
	t.Parallel()
	j, shapes := newJudge(t), seedShapes(t)
	r := rand.New(rand.NewPCG(2026, 11))
	cleanOnes, refused, sent := 0, 0, 0
	for _, shape := range shapes {
		clean, n := j.try(t, r, shape)
		if !clean || n == 0 {
			t.Errorf("%s: lints clean %t, %d sent", shape.Name, clean, n)
		}

		for range 30 {
			clean, n := j.try(t, r, changed(t, r, shape, shapes))
			if sent += n; clean {
				cleanOnes++
			} else {
				refused++
			}
		}
	}

	if cleanOnes < 100 || refused < 100 || sent < 500 {
		t.Errorf("%d lint clean, %d do not, %d messages: that shows little", cleanOnes, refused, sent)
	}
}

func FuzzWhatLintsCleanWhatsAppTakes(f *testing.F) {
	shapes := seedShapes(f)
	for i := range shapes {
		f.Add(uint64(i), uint16(i), []byte("Hello {{1}} there"))
	}

	var j *judge // one for each process, which fuzzes one input at a time
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, text []byte) {
		if j == nil || j.made > 2000 {
			j = newJudge(t)
		}

		r := rand.New(rand.NewPCG(seed, uint64(n)))
		template := changed(t, r, shapes[int(n)%len(shapes)], shapes)
		if len(template.Components) > 0 && len(text) > 0 {
			part := &template.Components[r.IntN(len(template.Components))]
			part.Text = strings.ToValidUTF8(string(text), "")
			exemplify(&template, template.Components)
		}

		j.try(t, r, template)
	})
}

// A sample is refused by both or by none. What Meta's pages do wrong themselves, a placeholder in
// the place of a name, is mended first.
func TestTheSandboxAndLintThinkTheSameOfEverySample(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../testdata/*/template_create__*.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d samples: %v", len(paths), err)
	}

	j, clean := newJudge(t), 0
	r := rand.New(rand.NewPCG(1, 2))
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}

		var template whatsapp.Template
		if err := json.Unmarshal(raw, &template); err != nil {
			t.Fatal(err)
		}

		if template.Name = "sample"; template.Language == "" || strings.Contains(template.Language, "<") {
			template.Language = "en_US"
		}

		if ok, _ := j.try(t, r, template); ok {
			clean++
		}
	}

	if clean < 10 {
		t.Errorf("%d samples of %d lint clean", clean, len(paths))
	}
}
