package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
	"carillon/worker"
)

// templateShape is a template of whatsapp/testdata/shapes.json: as the API takes it, the request
// that creates it at Meta, values, and the template in the request that sends it.
type templateShape struct {
	Name         string
	Input        map[string]any
	Create, Send json.RawMessage
	Values       map[string]string
}

func templateShapes(t *testing.T, upload string) (shapes []templateShape) {
	t.Helper()
	raw, err := os.ReadFile("../whatsapp/testdata/shapes.json")
	if err == nil {
		err = json.Unmarshal(bytes.ReplaceAll(raw, []byte("{upload}"), []byte(upload)), &shapes)
	}
	if err != nil || len(shapes) < 40 {
		t.Fatalf("%d shapes: %v", len(shapes), err)
	}

	return shapes
}

// recorder keeps the templates that are created and sent at WhatsApp, by name.
type recorder struct {
	mu            sync.Mutex
	created, sent map[string]json.RawMessage
}

func (rec *recorder) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		creates, sends := strings.HasSuffix(r.URL.Path, "/message_templates"), strings.HasSuffix(r.URL.Path, "/messages")
		if r.Method != http.MethodPost || !creates && !sends {
			next.ServeHTTP(w, r)
			return
		}

		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var name struct {
			Name     string
			Template json.RawMessage
		}
		_ = json.Unmarshal(body, &name)

		rec.mu.Lock()
		defer rec.mu.Unlock()
		if creates {
			rec.created[name.Name] = body
		} else {
			var inner struct{ Name string }
			_ = json.Unmarshal(name.Template, &inner)
			rec.sent[inner.Name] = name.Template
		}

		next.ServeHTTP(w, r)
	})
}

func (rec *recorder) count() int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return len(rec.sent)
}

// upload puts a file into the sandbox, and gives its id.
func (s *stage) uploadedFile() string {
	s.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("messaging_product", "whatsapp")
	_ = w.WriteField("type", "image/png")
	file, _ := w.CreateFormFile("file", "a.png")
	_, _ = file.Write([]byte("\x89PNG\r\n\x1a\n"))
	_ = w.Close()

	r := httptest.NewRequest(http.MethodPost, "/v26.0/"+metaPhone+"/media", &form)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+metaToken)
	answer := httptest.NewRecorder()
	s.sandbox.ServeHTTP(answer, r)
	var made struct{ ID string }
	if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil || made.ID == "" {
		s.t.Fatalf("upload: %s", answer.Body)
	}

	return made.ID
}

func TestEveryShapeOfTemplateIsCreatedReviewedAndSentInACampaign(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		rec := &recorder{created: map[string]json.RawMessage{}, sent: map[string]json.RawMessage{}}
		s := standBefore(t, db, rec.before)
		o := s.signUp().open(1)
		shapes := templateShapes(t, s.uploadedFile())
		for _, shape := range shapes {
			o.createShape(shape)
		}

		// The sandbox has reviewed them by now: it takes no time.
		if a := o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { account { id } userErrors { message } } }`,
			vars{"id": o.account.ID.String()}); len(a.list("syncAccount.userErrors")) > 0 {
			t.Fatalf("sync: %v", a.Data)
		}

		for _, shape := range shapes {
			o.launchShape(shape)
		}

		o.sendAll(len(shapes), rec)
		for _, shape := range shapes {
			compare(t, shape.Name+" is created", shape.Create, rec.created[shape.Name])
			compare(t, shape.Name+" is sent", shape.Send, rec.sent[shape.Name])
		}

		a := o.must(`{ messages(first: 100) { totalCount edges { node { status template { name } } } } }`)
		if n := a.at("messages.totalCount"); n != float64(len(shapes)) {
			t.Errorf("there are %v messages", n)
		}

		for i := range a.list("messages.edges") {
			node := a.at("messages.edges." + strconv.Itoa(i) + ".node").(map[string]any)
			if node["status"] != "ACCEPTED" {
				t.Errorf("a message is %v", node)
			}
		}
	})
}

// createShape makes a template by the API, and has it submitted.
func (o *shop) createShape(shape templateShape) {
	o.t.Helper()
	a := o.must(`mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id status } problems { rule severity } userErrors { field code message } } }`,
		vars{"input": vars{"accountId": o.account.ID.String(), "template": shape.Input}})
	if wrong := a.list("createTemplate.userErrors"); len(wrong) > 0 {
		o.t.Fatalf("%s: %v", shape.Name, wrong)
	}
}

// launchShape sends a template in a campaign of its own, with values that are the same for all.
func (o *shop) launchShape(shape templateShape) {
	o.t.Helper()
	a := o.must(`query($filter: TemplateFilter) { templates(filter: $filter, first: 100) { edges { node { id name status parameters { name }
		preview { body buttons actions { type text } cards { buttons } } } } } }`,
		vars{"filter": vars{"search": shape.Name}})
	var id string
	for i := range a.list("templates.edges") {
		at := "templates.edges." + strconv.Itoa(i) + ".node."
		if a.text(at+"name") != shape.Name {
			continue
		}

		id = a.text(at + "id")
		if a.text(at+"status") != "APPROVED" || a.text(at+"preview.body") == "" {
			o.t.Fatalf("%s: %v", shape.Name, a.at(strings.TrimSuffix(at, ".")))
		}

		for j := range a.list(at + "parameters") {
			if name := a.text(at + "parameters." + strconv.Itoa(j) + ".name"); shape.Values[name] == "" {
				o.t.Errorf("%s has a parameter %s, and no value for it", shape.Name, name)
			}
		}
	}

	var parameters []vars
	for name, value := range shape.Values {
		parameters = append(parameters, vars{"parameter": name, "value": value})
	}

	a = o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } userErrors { field code message } } }`,
		vars{"input": vars{"name": shape.Name, "templateId": id, "phoneNumberId": o.number.ID.String(),
			"audience": vars{"listIds": []string{o.list.ID.String()}}, "parameters": parameters}})
	if wrong := a.list("createCampaign.userErrors"); len(wrong) > 0 {
		o.t.Fatalf("%s: %v", shape.Name, wrong)
	}

	campaign := a.text("createCampaign.campaign.id")
	a = o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { campaign { status } userErrors { field code message } } }`,
		vars{"id": campaign})
	if wrong := a.list("launchCampaign.userErrors"); len(wrong) > 0 {
		o.t.Fatalf("%s: %v", shape.Name, wrong)
	}

	parsed, err := uid.Parse(campaign)
	if err == nil {
		err = o.campaigns.Enroll(o.ctx, parsed)
	}
	if err != nil {
		o.t.Fatalf("%s: %v", shape.Name, err)
	}
}

// sendAll works the number's lane until so many messages are sent, or nothing is left.
func (o *shop) sendAll(messages int, rec *recorder) {
	o.t.Helper()
	client, prefix := dbtest.Redis(o.t)
	lanes := worker.NewLanes(worker.Parts{Queue: o.queue, Journal: o.journal, Accounts: o.accounts,
		Campaigns: o.campaigns, Pace: worker.NewPace(client, prefix),
		Waiting: func(context.Context) bool { return false }, Now: database.Now, Log: slog.New(slog.DiscardHandler)})

	ctx := caller.System(o.ctx)
	for rec.count() < messages {
		again, more, err := lanes.Drain(ctx, o.number.ID)
		if err != nil || !more && again == 0 && rec.count() < messages {
			o.t.Fatalf("%d of %d messages are sent, and the lane is empty: %v", rec.count(), messages, err)
		}

		select {
		case <-time.After(again):
		case <-ctx.Done():
			o.t.Fatal(ctx.Err())
		}
	}
}

// compare wants two requests to say the same; components may stand in another order.
func compare(t *testing.T, what string, want, have json.RawMessage) {
	t.Helper()
	var a, b map[string]any
	if json.Unmarshal(want, &a) != nil || json.Unmarshal(have, &b) != nil {
		t.Errorf("%s: %s", what, have)
		return
	}

	for _, side := range []map[string]any{a, b} {
		components, _ := side["components"].([]any)
		slices.SortFunc(components, func(x, y any) int { return strings.Compare(written(x), written(y)) })
	}

	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, have, want)
	}
}

func written(value any) string {
	raw, _ := json.Marshal(value)
	return string(raw)
}

func TestAPreviewShowsEveryPart(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(0)
	shapes := templateShapes(t, "1234567")
	preview := func(name string, values ...vars) answer {
		at := slices.IndexFunc(shapes, func(s templateShape) bool { return s.Name == name })
		return o.must(`mutation($input: CreateTemplateInput!, $values: [ParameterValueInput!]) { createTemplate(input: $input) { userErrors { field message } template {
			components { type buttons { type otpType } }
			preview(values: $values) { header body footer buttons asksToCall media { format link mediaId fileName } location { latitude longitude name address }
				product { productId catalogId } offer { text code endsAt } actions { type text url phoneNumber code }
				cards { header body buttons media { format link } product { productId } actions { type url } } } } } }`,
			vars{"values": values, "input": vars{"accountId": o.account.ID.String(), "template": shapes[at].Input,
				"submit": false}})
	}
	value := func(name, value string) vars { return vars{"parameter": name, "value": value} }
	const p = "createTemplate.template.preview."

	a := preview("limited_time_offer", value("header_image", "https://example.com/a.jpg"),
		value("expiration_ms", "2030-12-31T23:59:59Z"), value("button_0_code", "SAVE10"), value("button_1_url", "n4"))
	if a.text(p+"media.link") != "https://example.com/a.jpg" || a.text(p+"media.format") != "IMAGE" ||
		a.text(p+"offer.code") != "SAVE10" || a.text(p+"offer.endsAt") != "2030-12-31T23:59:59Z" ||
		a.text(p+"actions.1.url") != "https://example.com/offers?code=n4" || a.at(p+"location") != nil {
		t.Errorf("an offer: %v", a.Data)
	}

	a = preview("media_carousel", value("card_1_1", "green"), value("card_0_header_image", "https://example.com/0"))
	if a.text(p+"cards.1.body") != "Rare green plants are here" ||
		a.text(p+"cards.0.media.link") != "https://example.com/0" ||
		a.text(p+"cards.1.actions.1.url") != "https://example.com/lime" || len(a.list(p+"cards.0.buttons")) != 2 {
		t.Errorf("a carousel: %v", a.Data)
	}

	a = preview("product_carousel", value("card_0_header_product", "1:sku"))
	if a.text(p+"cards.0.product.productId") != "sku" || a.at(p+"cards.1.product") != nil {
		t.Errorf("products: %v", a.Data)
	}

	a = preview("header_location", value("header_location", "37.44,-122.16,Philz"))
	if a.at(p+"location.latitude") != 37.44 || a.text(p+"location.name") != "Philz" || a.at(p+"location.address") != nil {
		t.Errorf("a place: %v", a.Data)
	}

	a = preview("header_document_by_id", value("header_document", "55"), value("header_document_filename", "bill.pdf"))
	if a.text(p+"media.mediaId") != "55" || a.text(p+"media.fileName") != "bill.pdf" {
		t.Errorf("a document: %v", a.Data)
	}

	a = preview("call_permission_as_a_button")
	if a.at(p+"asksToCall") != true || a.text("createTemplate.template.components.1.type") != "CALL_PERMISSION_REQUEST" {
		t.Errorf("a request to call: %v", a.Data)
	}

	a = preview("code_to_copy", value("otp_code", "4711"))
	if a.text(p+"actions.0.code") != "4711" || a.text(p+"footer") != "This code expires in 5 minutes." ||
		a.text("createTemplate.template.components.2.buttons.0.otpType") != "COPY_CODE" {
		t.Errorf("a code: %v", a.Data)
	}
}

func TestLintNamesFieldsAsTheInputDoes(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(0)
	lint := func(input vars) (out []string) {
		a := o.must(`query($input: TemplateInput!) { lintTemplate(input: $input) { field rule severity message } }`, vars{"input": input})
		for i := range a.list("lintTemplate") {
			at := "lintTemplate." + strconv.Itoa(i) + "."
			var field []string
			for _, step := range a.list(at + "field") {
				field = append(field, step.(string))
			}

			out = append(out, a.text(at+"rule")+" "+strings.Join(field, "."))
		}

		return out
	}
	body := vars{"type": "BODY", "text": "Hello there, how are you?"}
	button := func(b vars) vars { return vars{"type": "BUTTONS", "buttons": []vars{b}} }

	for want, components := range map[string][]vars{
		"header_media_example components.0.mediaHandle": {{"type": "HEADER", "format": "IMAGE"}, body},
		"header_media_handle components.0.mediaHandle": {{"type": "HEADER", "format": "IMAGE", "mediaHandle": "12345"},
			body},
		"phone_number components.1.buttons.0.phoneNumber": {body,
			button(vars{"type": "PHONE_NUMBER", "text": "Call", "phoneNumber": "call"})},
		"flow_icon components.1.buttons.0.flowIcon": {body,
			button(vars{"type": "FLOW", "text": "Go", "flowId": "1", "flowIcon": "SMILE"})},
		"call_ttl components.1.buttons.0.ttlMinutes": {body,
			button(vars{"type": "VOICE_CALL", "text": "Call", "ttlMinutes": 50000})},
		"app_deep_link components.1.buttons.0.appDeepLink": {body, button(vars{"type": "URL", "text": "Go",
			"url": "https://ex.com", "appDeepLink": vars{"metaAppId": "one", "androidLink": "shop://a"}})},
		"component_type components.1.type":        {body, {"type": "OTHER"}},
		"button_type components.1.buttons.0.type": {body, button(vars{"type": "OTHER"})},
	} {
		got := lint(vars{"name": "a", "language": "en_US", "category": "MARKETING", "components": components})
		if !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	named := vars{"name": "a", "language": "en_US", "category": "UTILITY", "parameterFormat": "NAMED",
		"components": []vars{{"type": "BODY", "text": "Hello {{first_name}}, how are you?"}}}
	if got := lint(named); !slices.Equal(got, []string{"body_example components.0.namedExamples"}) {
		t.Errorf("an example by name: %q", got)
	}
}
