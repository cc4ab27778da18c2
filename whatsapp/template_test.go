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
	products = `{"name":"succulents","language":"en_US","category":"MARKETING","components":[
		{"type":"BODY","text":"Hi {{1}}, buy these.","example":{"body_text":[["Ana"]]}},
		{"type":"CAROUSEL","cards":[
			{"components":[{"type":"HEADER","format":"PRODUCT"},{"type":"BUTTONS","buttons":[{"type":"SPM","text":"View"}]}]},
			{"components":[{"type":"HEADER","format":"PRODUCT"},{"type":"BUTTONS","buttons":[{"type":"SPM","text":"View"}]}]}]}]}`
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
		"card_9_header_product": {products, true}, "card_10_header_product": {products, false},
		"card_2_header_image": {carousel, false}, "tap_target_url": {offer, true}, "tap_target_title": {positional, false},
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
		"products, one more than the template has": {products, map[string]string{"1": "Bo", "card_0_header_product": "9:a",
			"card_1_header_product": "9:b", "card_2_header_product": "9:c"},
			`{"name":"succulents","components":[{"type":"body","parameters":[{"type":"text","text":"Bo"}]},{"type":"carousel","cards":[
			{"card_index":0,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"a","catalog_id":"9"}}]}]},
			{"card_index":1,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"b","catalog_id":"9"}}]}]},
			{"card_index":2,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"c","catalog_id":"9"}}]}]}]}]}`},
		"several products": {`{"name":"m","components":[{"type":"BODY","text":"Buy"},{"type":"BUTTONS","buttons":[{"type":"MPM","text":"View items"}]}]}`,
			map[string]string{"button_0_products": `{"sections":[{"title":"New","product_items":[{"product_retailer_id":"a"}]}]}`,
				"button_0_thumbnail": "a"},
			`{"name":"m","components":[{"type":"button","sub_type":"mpm","index":"0","parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":"a","sections":[{"title":"New","product_items":[{"product_retailer_id":"a"}]}]}}]}]}`},
		"a catalog": {`{"name":"c","components":[{"type":"BODY","text":"Buy"},{"type":"BUTTONS","buttons":[{"type":"CATALOG","text":"View catalog"}]}]}`,
			map[string]string{"button_0_product": "a"},
			`{"name":"c","components":[{"type":"button","sub_type":"CATALOG","index":"0","parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":"a"}}]}]}`},
		"a call": {`{"name":"v","components":[{"type":"BODY","text":"Call"},{"type":"BUTTONS","buttons":[{"type":"VOICE_CALL","text":"Call"}]}]}`,
			map[string]string{"button_0_ttl_minutes": "100", "button_0_payload": "data"},
			`{"name":"v","components":[{"type":"button","sub_type":"voice_call","index":"0","parameters":[{"type":"ttl_minutes","ttl_minutes":100},{"type":"payload","payload":"data"}]}]}`},
		"a call without values": {`{"name":"v","components":[{"type":"BODY","text":"Call"},{"type":"BUTTONS","buttons":[{"type":"VOICE_CALL","text":"Call"}]}]}`,
			nil, `{"name":"v"}`},
		"a Flow with data": {`{"name":"f","components":[{"type":"BUTTONS","buttons":[{"type":"FLOW","text":"Go"}]}]}`,
			map[string]string{"button_0_flow_token": "t", "button_0_flow_data": `{"a":1}`},
			`{"name":"f","components":[{"type":"button","sub_type":"flow","index":"0","parameters":[{"type":"action","action":{"flow_token":"t","flow_action_data":{"a":1}}}]}]}`},
		"where a tap leads": {`{"name":"t","components":[{"type":"BODY","text":"See"},{"type":"BUTTONS","buttons":[{"type":"URL","text":"Go","url":"https://ex.com/"}]}]}`,
			map[string]string{"tap_target_url": "https://ex.com/a", "tap_target_title": "Details"},
			`{"name":"t","components":[{"type":"tap_target_configuration","parameters":[{"type":"tap_target_configuration","tap_target_configuration":[{"url":"https://ex.com/a","title":"Details"}]}]}]}`},
		"a request to call": {`{"name":"p","components":[{"type":"BODY","text":"May we?"},{"type":"call_permission_request"}]}`, nil, `{"name":"p"}`},
		"contact info":      {`{"name":"i","components":[{"type":"BODY","text":"Who?"},{"type":"BUTTONS","buttons":[{"type":"REQUEST_CONTACT_INFO"}]}]}`, nil, `{"name":"i"}`},
		"a moving picture": {`{"name":"g","components":[{"type":"HEADER","format":"GIF"},{"type":"BODY","text":"See"}]}`,
			map[string]string{"header_gif": "55"}, `{"name":"g","components":[{"type":"header","parameters":[{"type":"gif","gif":{"id":"55"}}]}]}`},
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
		"a call for no time": {`{"components":[{"type":"BUTTONS","buttons":[{"type":"VOICE_CALL"}]}]}`,
			map[string]string{"button_0_ttl_minutes": "0"}, []string{"button_0_ttl_minutes FORMAT"}},
		"data that is no object": {`{"components":[{"type":"BUTTONS","buttons":[{"type":"FLOW"}]}]}`,
			map[string]string{"button_0_flow_data": "[1]"}, []string{"button_0_flow_data FORMAT"}},
		"half a tap": {`{"components":[{"type":"BUTTONS","buttons":[{"type":"URL","url":"https://ex.com"}]}]}`,
			map[string]string{"tap_target_url": "https://ex.com"}, []string{"tap_target_title MISSING"}},
		"a gap between products": {products, map[string]string{"1": "Bo", "card_0_header_product": "a",
			"card_1_header_product": "b", "card_3_header_product": "d"}, []string{"card_2_header_product MISSING"}},
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
			if err != nil {
				t.Fatal(err)
			}
			if got, want := asWeWrite(tree(t, again)), asWeWrite(tree(t, body)); !reflect.DeepEqual(got, want) {
				t.Errorf("loses or changes something:\ngot  %v\nwant %v", got, want)
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

// asWeWrite writes a template's JSON as we do: its words of enums in capitals, an example as a
// list, and without what we add or leave out by design.
func asWeWrite(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "parameter_format") // which we always say
		delete(v, "allow_category_change")
		for _, key := range []string{"type", "format", "otp_type", "category"} {
			if word, ok := v[key].(string); ok {
				v[key] = strings.ToUpper(word)
			}
		}

		if one, ok := v["example"].(string); ok {
			v["example"] = []any{one}
		}
		if one, ok := v["body_text"].(string); ok {
			v["body_text"] = []any{[]any{one}}
		}

		if flat, ok := v["body_text"].([]any); ok && len(flat) > 0 {
			if _, ok := flat[0].(string); ok {
				v["body_text"] = []any{flat}
			}
		}

		for key := range v {
			v[key] = asWeWrite(v[key])
		}
	case []any:
		for i := range v {
			v[i] = asWeWrite(v[i])
		}
	}

	return value
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

func TestProductsKeepToMetasNumbers(t *testing.T) {
	t.Parallel()
	section := func(title string, items int) string {
		list := strings.TrimSuffix(strings.Repeat(`{"product_retailer_id":"a"},`, items), ",")
		return `{"title":"` + title + `","product_items":[` + list + `]}`
	}
	list := func(sections ...string) string { return `{"sections":[` + strings.Join(sections, ",") + `]}` }

	template := templateOf(t, `{"components":[{"type":"BUTTONS","buttons":[{"type":"MPM","text":"View items"}]}]}`)
	for value, want := range map[string]string{
		list(section("", 30)):                                 "",
		list(section("New", 15), section("Old", 15)):          "",
		list(section("", 31)):                                 "more than 30",
		list():                                                "no sections",
		list(section("a", 0)):                                 "without products",
		list(section("a", 1), section(" ", 1)):                "without a title",
		list(section(strings.Repeat("x", 25), 1)):             "24 characters",
		list(slices.Repeat([]string{section("a", 1)}, 11)...): "more than 10",
		`{"sections":[{"product_items":[{"sku":"a"}]}]}`:      "product_retailer_id",
		`[1]`:            "not a JSON object",
		`{"sections":3}`: "not a JSON object",
	} {
		_, problems := template.Message(map[string]string{"button_0_products": value})
		switch {
		case want == "" && len(problems) > 0:
			t.Errorf("%s: %v", value, problems)
		case want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, want)):
			t.Errorf("%s: %v, want %q", value, problems, want)
		}
	}
}

func TestATemplateThatWasReadCanBeSubmittedAgain(t *testing.T) {
	t.Parallel()
	read := templateOf(t, `{"name":"otp","language":"en_US","category":"AUTHENTICATION","components":[
		{"type":"BODY","text":"*{{1}}* is your verification code.","add_security_recommendation":true,"example":{"body_text":[["123456"]]}},
		{"type":"FOOTER","text":"This code expires in 10 minutes.","code_expiration_minutes":10},
		{"type":"BUTTONS","buttons":[{"type":"URL","text":"Copy code","url":"https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code_expiration_minutes=10&code=otp{{1}}","example":["https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456"]}]}]}`)
	again := read.Resubmission()
	if got := problemsOf(again); len(got) > 0 {
		t.Errorf("a code: %q", got)
	}
	got := asWeWrite(tree(t, encoded(t, Card{Components: again.Components})))
	if want := asWeWrite(tree(t, encoded(t, Card{Components: templateOf(t, code).Components}))); !reflect.DeepEqual(got,
		want) {
		t.Errorf("a code became %v", got)
	}
	if read.Components[0].Text == "" || read.Components[2].Buttons[0].Type != "URL" {
		t.Error("what was read has changed")
	}

	cards := templateOf(t, strings.ReplaceAll(carousel, "4::x", "https://scontent.whatsapp.net/v/1.jpg")).Resubmission()
	if got := problemsOf(cards); !slices.Contains(got, "header_media_example components.1.cards.0.components.0.example") {
		t.Errorf("links of media: %q", got)
	}

	if same := templateOf(t, offer).Resubmission(); !reflect.DeepEqual(same, templateOf(t, offer)) {
		t.Errorf("an offer became %+v", same)
	}
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}

	return out
}
