package whatsapp

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func templateOf(t testing.TB, raw string) Template {
	t.Helper()
	var template Template
	if err := json.Unmarshal([]byte(raw), &template); err != nil {
		t.Fatal(err)
	}

	return template
}

const (
	named = `{"name":"order_shipped","language":"en_US","category":"UTILITY","parameter_format":"NAMED","components":[
		{"type":"HEADER","format":"TEXT","text":"Order {{order_no}}","example":{"header_text_named_params":[{"param_name":"order_no","example":"A-1"}]}},
		{"type":"BODY","text":"Hi {{first_name}}, your parcel is on its way, {{first_name}}.","example":{"body_text_named_params":[{"param_name":"first_name","example":"Ana"}]}},
		{"type":"FOOTER","text":"Lucky Shrub"},
		{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Help"},{"type":"URL","text":"Track","url":"https://ex.com/t/{{1}}","example":["https://ex.com/t/abc"]}]}]}`
	positional = `{"name":"promo","language":"en_US","category":"MARKETING","components":[
		{"type":"HEADER","format":"TEXT","text":"For {{1}}","example":{"header_text":["Ana"]}},
		{"type":"BODY","text":"Take {{2}} off with {{1}} until Sunday.","example":{"body_text":[["FALL25","25%"]]}},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"FALL25"},{"type":"PHONE_NUMBER","text":"Call","phone_number":"+15550001111"}]}]}`
	code = `{"name":"otp","language":"en_US","category":"AUTHENTICATION","components":[
		{"type":"BODY","add_security_recommendation":true},{"type":"FOOTER","code_expiration_minutes":10},
		{"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"COPY_CODE","text":"Copy code"}]}]}`
	offer = `{"name":"trip","language":"en_US","category":"MARKETING","components":[
		{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},
		{"type":"limited_time_offer","limited_time_offer":{"text":"Ends soon!","has_expiration":true}},
		{"type":"BODY","text":"Good news, {{1}}! Book now.","example":{"body_text":[["Ana"]]}},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"TRIP25"},{"type":"URL","text":"Book","url":"https://ex.com/o?c={{1}}","example":["https://ex.com/o?c=n3"]}]}]}`
	carousel = `{"name":"plants","language":"en_US","category":"MARKETING","components":[
		{"type":"BODY","text":"Hi {{1}}, look at these.","example":{"body_text":[["Ana"]]}},
		{"type":"CAROUSEL","cards":[
			{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},{"type":"BODY","text":"Rare {{1}} plants here","example":{"body_text":[["lemon"]]}},
				{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"More"},{"type":"URL","text":"Buy","url":"https://ex.com/{{1}}","example":["https://ex.com/lemon"]}]}]},
			{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},{"type":"BODY","text":"Common {{1}} plants here","example":{"body_text":[["aloe"]]}},
				{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"More"},{"type":"URL","text":"Buy","url":"https://ex.com/{{1}}","example":["https://ex.com/aloe"]}]}]}]}]}`
)

func TestParametersAreWhatAMessageMustBind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		want     []string
	}{
		"named": {named, []string{"order_no HEADER TEXT A-1", "first_name BODY TEXT Ana",
			"button_1_url BUTTONS URL_SUFFIX abc"}},
		"positional": {positional, []string{"header_1 HEADER TEXT Ana", "1 BODY TEXT FALL25", "2 BODY TEXT 25%",
			"button_0_code BUTTONS COUPON_CODE FALL25"}},
		"code": {code, []string{"otp_code BODY OTP_CODE 123456"}},
		"offer": {offer, []string{"header_image HEADER IMAGE 4::x", "expiration_ms LIMITED_TIME_OFFER EXPIRATION ",
			"1 BODY TEXT Ana",
			"button_0_code BUTTONS COUPON_CODE TRIP25", "button_1_url BUTTONS URL_SUFFIX n3"}},
		"carousel": {carousel, []string{"1 BODY TEXT Ana",
			"card_0_header_image HEADER IMAGE 4::x", "card_0_1 BODY TEXT lemon", "card_0_button_1_url BUTTONS URL_SUFFIX lemon",
			"card_1_header_image HEADER IMAGE 4::x", "card_1_1 BODY TEXT aloe", "card_1_button_1_url BUTTONS URL_SUFFIX aloe"}},
		"location": {`{"components":[{"type":"HEADER","format":"LOCATION"},{"type":"BODY","text":"Here"}]}`,
			[]string{"header_location HEADER LOCATION "}},
		"nothing": {`{"components":[{"type":"HEADER","format":"TEXT","text":"Hello World"},{"type":"BODY","text":"Plain {{ braces"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range templateOf(t, tc.template).Parameters() {
				got = append(got, strings.Join([]string{p.Name, p.Component, string(p.Kind), p.Example}, " "))
				if (p.CardIndex != nil) != strings.HasPrefix(p.Name, "card_") ||
					(p.ButtonIndex != nil) != strings.Contains(p.Name, "button_") {
					t.Errorf("%s: card %v, button %v", p.Name, p.CardIndex, p.ButtonIndex)
				}
			}

			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestATemplateTakesWhatItHasAPlaceFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		takes    bool
	}{
		"first_name": {named, true}, "order_no": {named, true}, "button_0_payload": {named, true},
		"button_1_url": {named, true},
		"1":            {named, false}, "button_2_url": {named, false}, "button_1_payload": {named, false},
		"":         {named, false},
		"header_1": {positional, true}, "2": {positional, true}, "button_0_code": {positional, true},
		"3":        {positional, false},
		"otp_code": {code, true}, "otp": {code, false},
	} {
		if got := templateOf(t, tc.template).Takes(name); got != tc.takes {
			t.Errorf("%q: %t, want %t", name, got, tc.takes)
		}
	}
}

func TestMessageBindsAsMetaWantsIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		values   map[string]string
		want     string
	}{
		"named": {named, map[string]string{"order_no": "A-7", "first_name": "Bo", "button_1_url": "xyz",
			"button_0_payload": "HELP_7"},
			`{"name":"order_shipped","components":[{"type":"header","parameters":[{"type":"text","parameter_name":"order_no","text":"A-7"}]},
			{"type":"body","parameters":[{"type":"text","parameter_name":"first_name","text":"Bo"}]},
			{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"HELP_7"}]},
			{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"xyz"}]}]}`},
		"positional": {positional, map[string]string{"header_1": "Bo", "1": "SAVE10", "2": "10%", "button_0_code": "SAVE10"},
			`{"name":"promo","components":[{"type":"header","parameters":[{"type":"text","text":"Bo"}]},
			{"type":"body","parameters":[{"type":"text","text":"SAVE10"},{"type":"text","text":"10%"}]},
			{"type":"button","sub_type":"copy_code","index":"0","parameters":[{"type":"coupon_code","coupon_code":"SAVE10"}]}]}`},
		"code, twice": {code, map[string]string{"otp_code": "J$FpnYnP"},
			`{"name":"otp","components":[{"type":"body","parameters":[{"type":"text","text":"J$FpnYnP"}]},
			{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"J$FpnYnP"}]}]}`},
		"offer": {offer, map[string]string{"header_image": "https://ex.com/a.jpg", "expiration_ms": "2024-03-09T00:27:52Z",
			"1": "Bo", "button_0_code": "C1", "button_1_url": "n4"},
			`{"name":"trip","components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://ex.com/a.jpg"}}]},
			{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer","limited_time_offer":{"expiration_time_ms":1709944072000}}]},
			{"type":"body","parameters":[{"type":"text","text":"Bo"}]},
			{"type":"button","sub_type":"copy_code","index":"0","parameters":[{"type":"coupon_code","coupon_code":"C1"}]},
			{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"n4"}]}]}`},
		"carousel": {carousel, map[string]string{"1": "Bo", "card_0_header_image": "123", "card_0_1": "lime",
			"card_0_button_1_url": "lime",
			"card_1_header_image": "124", "card_1_1": "yucca", "card_1_button_1_url": "yucca",
			"card_1_button_0_payload": "MORE_1"},
			`{"name":"plants","components":[{"type":"body","parameters":[{"type":"text","text":"Bo"}]},{"type":"carousel","cards":[
			{"card_index":0,"components":[{"type":"header","parameters":[{"type":"image","image":{"id":"123"}}]},{"type":"body","parameters":[{"type":"text","text":"lime"}]},
				{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"lime"}]}]},
			{"card_index":1,"components":[{"type":"header","parameters":[{"type":"image","image":{"id":"124"}}]},{"type":"body","parameters":[{"type":"text","text":"yucca"}]},
				{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"MORE_1"}]},
				{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"yucca"}]}]}]}]}`},
		"document and location": {`{"name":"d","components":[{"type":"HEADER","format":"DOCUMENT"},{"type":"BODY","text":"See"}]}`,
			map[string]string{"header_document": "987", "header_document_filename": "bill.pdf"},
			`{"name":"d","components":[{"type":"header","parameters":[{"type":"document","document":{"id":"987","filename":"bill.pdf"}}]}]}`},
		"location": {`{"name":"l","components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": "37.44, -122.16, Philz, 101 Forest Ave, Palo Alto"},
			`{"name":"l","components":[{"type":"header","parameters":[{"type":"location","location":{"latitude":37.44,"longitude":-122.16,"name":"Philz","address":"101 Forest Ave, Palo Alto"}}]}]}`},
		"Flow": {`{"name":"f","components":[{"type":"BUTTONS","buttons":[{"type":"FLOW","text":"Go"}]}]}`, nil,
			`{"name":"f","components":[{"type":"button","sub_type":"flow","index":"0","parameters":[{"type":"action","action":{"flow_token":"unused"}}]}]}`},
		"nothing": {`{"name":"hello_world","components":[{"type":"BODY","text":"Hi"},{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"}]}]}`,
			nil, `{"name":"hello_world"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message, problems := templateOf(t, tc.template).Message(tc.values)
			if len(problems) > 0 {
				t.Fatalf("problems: %v", problems)
			}

			got, err := json.Marshal(message)
			if err != nil || !reflect.DeepEqual(tree(t, got), tree(t, []byte(tc.want))) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestMessageNamesTheValueThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		values   map[string]string
		want     []string
	}{
		"missing": {named, map[string]string{"first_name": "Bo"},
			[]string{"order_no MISSING", "button_1_url MISSING"}},
		"blank": {named, map[string]string{"order_no": " ", "first_name": "Bo", "button_1_url": "x"},
			[]string{"order_no MISSING"}},
		"line break": {named, map[string]string{"order_no": "1", "first_name": "B\no", "button_1_url": "x"},
			[]string{"first_name LINE_BREAK"}},
		"tab": {named, map[string]string{"order_no": "1", "first_name": "B\to", "button_1_url": "x"},
			[]string{"first_name TAB"}},
		"five spaces": {named, map[string]string{"order_no": "1", "first_name": "B     o", "button_1_url": "x"},
			[]string{"first_name SPACES"}},
		"long body": {named, map[string]string{"order_no": "1", "first_name": strings.Repeat("ä", 600),
			"button_1_url": "x"}, []string{"first_name TOO_LONG"}},
		"long header": {named, map[string]string{"order_no": strings.Repeat("9", 55), "first_name": "Bo",
			"button_1_url": "x"}, []string{"order_no TOO_LONG"}},
		"space in an address": {named, map[string]string{"order_no": "1", "first_name": "Bo", "button_1_url": "a b"},
			[]string{"button_1_url FORMAT"}},
		"long address": {named, map[string]string{"order_no": "1", "first_name": "Bo",
			"button_1_url": strings.Repeat("a", 2000)}, []string{"button_1_url TOO_LONG"}},
		"coupon with a dash": {positional, map[string]string{"header_1": "Bo", "1": "a", "2": "b", "button_0_code": "A-1"},
			[]string{"button_0_code FORMAT"}},
		"long code": {code, map[string]string{"otp_code": "1234567890123456"}, []string{"otp_code TOO_LONG"}},
		"no time": {offer, map[string]string{"header_image": "1", "expiration_ms": "soon", "1": "Bo",
			"button_0_code": "A", "button_1_url": "x"}, []string{"expiration_ms FORMAT"}},
		"long card": {carousel, map[string]string{"1": "Bo", "card_0_header_image": "1", "card_0_1": "x",
			"card_0_button_1_url": "x", "card_1_header_image": "1",
			"card_1_1": strings.Repeat("x", 150), "card_1_button_1_url": "x"}, []string{"card_1_1 TOO_LONG"}},
		"no place": {`{"components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": "Berlin"}, []string{"header_location FORMAT"}},
		"off the earth": {`{"components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": "NaN,900"}, []string{"header_location FORMAT"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := templateOf(t, tc.template).Message(tc.values)
			var got []string

			for _, problem := range problems {
				got = append(got, problem.Parameter+" "+problem.Rule)
				if problem.Message == "" || !strings.Contains(problem.Error(), problem.Parameter) {
					t.Errorf("says nothing: %v", problem)
				}
			}

			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestPreviewShowsWhatARecipientSees(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		values   map[string]string
		want     Preview
	}{
		"named, by example": {named, nil, Preview{"Order A-1", "Hi Ana, your parcel is on its way, Ana.", "Lucky Shrub",
			[]string{"Help", "Track"}}},
		"positional": {positional, map[string]string{"2": "10%", "header_1": "Bo"},
			Preview{"For Bo", "Take 10% off with FALL25 until Sunday.", "", []string{"Copy offer code", "Call"}}},
		"code": {code, map[string]string{"otp_code": "777"},
			Preview{"", "*777* is your verification code. For your security, do not share this code.",
				"This code expires in 10 minutes.", []string{"Copy code"}}},
		"media": {offer, map[string]string{"header_image": "https://ex.com/a.jpg"},
			Preview{"[image: https://ex.com/a.jpg]", "Good news, Ana! Book now.", "", []string{"Copy offer code", "Book"}}},
		"nothing known of a variable": {`{"components":[{"type":"BODY","text":"Hi {{1}}!"}]}`, nil,
			Preview{Body: "Hi {{1}}!"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := templateOf(t, tc.template).Preview(tc.values); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestEverySampleOfATemplateIsRead(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t, "template_create") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(name, "piusalfred-go/") {
				t.Skip("a template to send, not one to create")
			}

			var source struct {
				Name, Language, Category string
				Components               []struct{ Type, Text string }
			}
			if err := json.Unmarshal(body, &source); err != nil {
				t.Fatal(err)
			}

			template := templateOf(t, string(body))
			if template.Name != source.Name || template.Language != source.Language || template.Category != source.Category ||
				len(template.Components) != len(source.Components) {
				t.Fatalf("got %+v", template)
			}

			for i, component := range template.Components {
				if component.Type != strings.ToUpper(source.Components[i].Type) || component.Text != source.Components[i].Text {
					t.Errorf("component %d: %+v", i, component)
				}
			}

			again, err := json.Marshal(template.submission())
			twice, _ := json.Marshal(templateOf(t, string(again)).submission())
			if err != nil || string(twice) != string(again) {
				t.Errorf("reads back otherwise: %s, %v", again, err)
			}

			values := make(map[string]string)
			for _, p := range template.Parameters() {
				values[p.Name] = standIns[p.Kind]
			}

			if _, problems := template.Message(values); len(problems) > 0 {
				t.Errorf("cannot be bound: %v", problems)
			}
		})
	}
}

func TestListedTemplatesAreRead(t *testing.T) {
	t.Parallel()
	client := serve(t, answer(200, string(read(t, "testdata/bindambc-java/api_response__rettemplate1.json"))))
	byName := make(map[string]Template)

	for template, err := range client.Templates(t.Context(), secretToken, "1") {
		if err != nil {
			t.Fatal(err)
		}

		byName[template.Name] = template
	}

	got := byName["welcome_template3"]
	if got.ID != "1214624639427985" || got.Status != "REJECTED" || got.Category != "UTILITY" ||
		got.PreviousCategory != "TRANSACTIONAL" || got.ParameterFormat != Positional {
		t.Errorf("got %+v", got)
	}

	if body := got.Preview(nil).Body; body != "Hello Mr. José, welcome to our s test." {
		t.Errorf("previews as %q", body)
	}
}

func FuzzPlaceholders(f *testing.F) {
	for _, text := range []string{"Hi {{1}} and {{first_name}}", "{{}}", "{{{1}}}", "{{ 1 }}", "{{1", "}}{{",
		"{{A}}", "{{1}}{{1}}", "\xff{{1}}"} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		same := expand(text, func(name string) string { return "{{" + name + "}}" })
		if unspaced(same) != unspaced(text) {
			t.Errorf("%q became %q", text, same)
		}

		template := Template{ParameterFormat: Named, Components: []Component{{Type: "BODY", Text: text}}}
		_ = template.Lint()
		_ = template.Preview(nil)
		values := make(map[string]string)
		for _, p := range template.Parameters() {
			values[p.Name] = standIns[p.Kind]
		}

		if _, problems := template.Message(values); len(problems) > 0 && problems[0].Rule != "TOO_LONG" {
			t.Errorf("%q: %v", text, problems)
		}
	})
}

// unspaced drops all white space, which braces may hold beside a name.
func unspaced(text string) string { return strings.Join(strings.Fields(text), "") }
