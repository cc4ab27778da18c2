package sandbox

import (
	"strings"
	"testing"
)

func TestEachPartOfASendIsHeldToItsTemplate(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	const body = `{"type":"BODY","text":"Hello there, how are you?"}`
	create := func(name, components string) {
		st.template(`{"name":"` + name + `","language":"en","category":"MARKETING","components":[` + components + `]}`)
	}
	buttons := func(list string) string { return body + `,{"type":"BUTTONS","buttons":[` + list + `]}` }
	card := func(format, button string) string {
		return `{"components":[{"type":"HEADER","format":"` + format + `","example":{"header_handle":["4::a"]}},{"type":"BUTTONS","buttons":[` + button + `]}]}`
	}

	create("plain", body)
	create("twice", `{"type":"BODY","text":"Dear {{1}}, yes {{1}}, hello.","example":{"body_text":[["Ana"]]}}`)
	create("reply", buttons(`{"type":"QUICK_REPLY","text":"Yes"}`))
	create("link", buttons(`{"type":"URL","text":"Go","url":"https://ex.com/{{1}}","example":["https://ex.com/a"]}`))
	create("flow", buttons(`{"type":"FLOW","text":"Go","flow_id":"1"}`))
	create("items", buttons(`{"type":"MPM","text":"View items"}`))
	create("call", buttons(`{"type":"VOICE_CALL","text":"Call"}`))
	create("shop", buttons(`{"type":"CATALOG","text":"View catalog"}`))
	create("cards", body+`,{"type":"CAROUSEL","cards":[`+card("PRODUCT", `{"type":"SPM","text":"View"}`)+`,`+
		card("PRODUCT", `{"type":"SPM","text":"View"}`)+`]}`)
	create("media", body+`,{"type":"CAROUSEL","cards":[`+card("IMAGE", `{"type":"QUICK_REPLY","text":"A"}`)+`,`+
		card("IMAGE", `{"type":"QUICK_REPLY","text":"A"}`)+`]}`)

	button := func(sub, parameter string) string {
		return `{"type":"button","sub_type":"` + sub + `","index":"0","parameters":[` + parameter + `]}`
	}
	sections := func(list string) string { return button("mpm", `{"type":"action","action":{"sections":[`+list+`]}}`) }
	product := func(index string) string {
		return `{"card_index":` + index + `,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"a"}}]}]}`
	}
	cards := func(list ...string) string { return `{"type":"carousel","cards":[` + strings.Join(list, ",") + `]}` }
	picture := func(index string) string {
		return `{"card_index":` + index + `,"components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://ex.com/a.jpg"}}]}]}`
	}
	const item = `{"title":"New","product_items":[{"product_retailer_id":"a"}]}`
	text := func(s string) string {
		return `{"type":"body","parameters":[{"type":"text","text":"` + s + `"}]}`
	}

	tap := func(title string) string {
		return `{"type":"tap_target_configuration","parameters":[{"type":"tap_target_configuration","tap_target_configuration":[{"url":"https://ex.com"` + title + `}]}]}`
	}

	for name, tc := range map[string]struct {
		template, components string
		code                 int
	}{
		"nothing":                             {"plain", "", 0},
		"a variable that stands twice":        {"twice", text(strings.Repeat("a", 500)), 0},
		"one that makes the body too long":    {"twice", text(strings.Repeat("a", 505)), 132005},
		"the same part twice":                 {"twice", text("a") + "," + text("b"), 100},
		"a part that is none":                 {"plain", `{"type":"footer"}`, 100},
		"a payload":                           {"reply", button("quick_reply", `{"type":"payload","payload":"a"}`), 0},
		"a payload as text":                   {"reply", button("quick_reply", `{"type":"text","text":"a"}`), 132012},
		"a long payload":                      {"reply", button("quick_reply", `{"type":"payload","payload":"`+strings.Repeat("a", 257)+`"}`), 100},
		"a button of another type":            {"reply", button("url", `{"type":"text","text":"a"}`), 132012},
		"the same button twice":               {"reply", button("quick_reply", `{"type":"payload","payload":"a"}`) + "," + button("quick_reply", `{"type":"payload","payload":"a"}`), 100},
		"an end of an address":                {"link", button("url", `{"type":"text","text":"a"}`), 0},
		"no end of an address":                {"link", "", 131008},
		"where a tap leads":                   {"link", button("url", `{"type":"text","text":"a"}`) + "," + tap(`,"title":"a"`), 0},
		"where a tap leads, without a title":  {"link", button("url", `{"type":"text","text":"a"}`) + "," + tap(""), 131009},
		"where a tap leads, without a link":   {"reply", tap(`,"title":"a"`), 132012},
		"a Flow":                              {"flow", button("flow", `{"type":"action","action":{"flow_token":"unused"}}`), 0},
		"a Flow without its part":             {"flow", "", 131008},
		"a Flow without a token":              {"flow", button("flow", `{"type":"action","action":{}}`), 131008},
		"a Flow with data that is no object":  {"flow", button("flow", `{"type":"action","action":{"flow_token":"a","flow_action_data":[1]}}`), 131009},
		"a Flow without an action":            {"flow", button("flow", `{"type":"action"}`), 131008},
		"products":                            {"items", sections(item), 0},
		"no sections":                         {"items", sections(""), 131009},
		"eleven sections":                     {"items", sections(strings.Repeat(item+",", 10) + item), 131009},
		"sections without titles":             {"items", sections(`{"product_items":[{"product_retailer_id":"a"}]},` + item), 131009},
		"a section without products":          {"items", sections(`{"title":"a","product_items":[]}`), 131009},
		"a product without an id":             {"items", sections(`{"title":"a","product_items":[{}]}`), 131008},
		"31 products":                         {"items", sections(`{"title":"a","product_items":[` + strings.Repeat(`{"product_retailer_id":"a"},`, 30) + `{"product_retailer_id":"a"}]}`), 131009},
		"a catalog":                           {"shop", button("CATALOG", `{"type":"action","action":{"thumbnail_product_retailer_id":"a"}}`), 0},
		"a catalog as it is":                  {"shop", "", 0},
		"a call as Meta's example has it":     {"call", `{"type":"button","sub_type":"voice_call","parameters":[{"type":"ttl_minutes","ttl_minutes":100},{"type":"payload","payload":"a"}]}`, 0},
		"a call as it is":                     {"call", "", 0},
		"a call for too long":                 {"call", button("voice_call", `{"type":"ttl_minutes","ttl_minutes":43201}`), 131009},
		"cards":                               {"cards", cards(product("0"), product("1")), 0},
		"more cards of products":              {"cards", cards(product("0"), product("1"), product("2")), 0},
		"one card of a product":               {"cards", cards(product("0")), 132000},
		"a card twice":                        {"cards", cards(product("0"), product("0")), 100},
		"a card without its index":            {"cards", strings.Replace(cards(product("0"), product("1")), `"card_index":1,`, "", 1), 100},
		"a card beyond the others":            {"cards", cards(product("0"), product("2")), 100},
		"pictures":                            {"media", cards(picture("0"), picture("1")), 0},
		"more pictures than the template has": {"media", cards(picture("0"), picture("1"), picture("2")), 132000},
		"cards of a template that has none":   {"plain", cards(product("0"), product("1")), 132000},
	} {
		t.Run(name, func(t *testing.T) { // in turn: one number has one clock
			st.clock.advance(1e7)
			out := st.send(`{"messaging_product":"whatsapp","to":"447400123456","type":"template","template":{"name":"` +
				tc.template + `","language":{"code":"en"},"components":[` + tc.components + `]}}`)
			if out.Error.Code != tc.code {
				t.Errorf("got %d %s", out.status, out.body)
			}
		})
	}
}

func TestAnAuthenticationTemplateReadsBackWithMetasTexts(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	made := st.call("POST", templates, `{"name":"otp","language":"en_US","category":"AUTHENTICATION","components":[{"type":"BODY","add_security_recommendation":true},
		{"type":"FOOTER","code_expiration_minutes":7},{"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"COPY_CODE","text":"Copy"}]}]}`)
	read := st.call("GET", "/v25.0/"+made.ID+"?fields=components", "").body
	for _, want := range []string{"*{{1}}* is your verification code. For your security, do not share this code.",
		"This code expires in 7 minutes.", "otp_type=COPY_CODE", `"type":"URL"`} {
		if !strings.Contains(read, want) {
			t.Errorf("%q is not in %s", want, read)
		}
	}
}
