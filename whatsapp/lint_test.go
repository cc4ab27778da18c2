package whatsapp

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func problemsOf(template Template) []string {
	var got []string
	for _, problem := range template.Lint() {
		line := problem.Rule + " " + strings.Join(problem.Field, ".")
		if problem.Severity == SeverityWarning {
			line += " warning"
		}

		got = append(got, line)
	}

	return got
}

func TestLintFindsNothingInAGoodTemplate(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{"positional": positional, "code": code, "offer": offer} {
		if got := problemsOf(templateOf(t, raw)); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}

	// These name a variable twice, and mix quick replies with other buttons, which desktops do not
	// show.
	if got := problemsOf(templateOf(t, named)); !slices.Equal(got,
		[]string{"variable_repeated components.1.text warning", "buttons_desktop components.3.buttons warning"}) {
		t.Errorf("named: %q", got)
	}

	for _, got := range problemsOf(templateOf(t, carousel)) {
		if !strings.HasSuffix(got, "warning") {
			t.Errorf("carousel: %s", got)
		}
	}
}

func TestLintNamesTheRuleAndTheField(t *testing.T) {
	t.Parallel()
	// Each case puts components into a marketing template; body is added where it is not the point.
	const body = `{"type":"BODY","text":"Hello there, how are you?"}`
	buttons := func(list string) string { return body + `,{"type":"BUTTONS","buttons":[` + list + `]}` }
	const reply, link = `{"type":"QUICK_REPLY","text":"Yes"}`, `{"type":"URL","text":"Go","url":"https://ex.com/"}`
	header := func(text string) string { return `{"type":"HEADER","format":"TEXT","text":"` + text + `"},` + body }
	said := func(text string) string { // with an example for each variable
		examples := strings.TrimSuffix(strings.Repeat(`"a",`, strings.Count(text, "{{")), ",")
		return `{"type":"BODY","text":"` + text + `","example":{"body_text":[[` + examples + `]]}}`
	}

	for components, want := range map[string][]string{
		`{"type":"FOOTER","text":"x"}`:                                      {"body_required components"},
		body + `,{"type":"FOOTER","text":"a"},{"type":"FOOTER","text":"b"}`: {"component_repeated components"},
		body + `,{"type":"SIDEBAR"}`:                                        {"component_type components.1.type warning"},
		header(strings.Repeat("x",
			61)): {"header_length components.0.text"},
		header(""):                    {"header_text_required components.0.text"},
		header("Sale 🎉"):              {"header_emoji components.0.text"},
		header("Soon ⏰"):              {"header_emoji components.0.text"},
		header("1⃣ day"):              {"header_emoji components.0.text"},
		header("▶ Play"):              {"header_emoji components.0.text"},
		header("★ Done ✓ Lucky™ → ①"): nil,
		header("\u200b"):              {"header_text_required components.0.text"},
		header("*Sale*"):              {"header_formatting components.0.text"},
		header(`One\nTwo`):            {"header_line_break components.0.text"},
		header("For {{1}}"):           {"header_example components.0.example"},
		header("For {{1}} {{2}} x"): {"header_variables components.0.text",
			"header_example components.0.example"},
		`{"type":"HEADER","format":"IMAGE"},` +
			body: {"header_media_example components.0.example"},
		`{"type":"HEADER","format":"SMELL"},` +
			body: {"header_format components.0.format"},
		`{"type":"BODY","text":" "}`: {"body_text_required components.0.text"},
		`{"type":"BODY","text":"` + strings.Repeat("ä", 1025) +
			`"}`: {"body_length components.0.text"},
		said("{{1}} is here for you today"):                      {"variable_dangling components.0.text"},
		said("What is here for you is {{1}}"):                    {"variable_dangling components.0.text"},
		said("What is here for you is {{1}} {{2}} okay?"):        {"variable_adjacent components.0.text"},
		said(`What is here for you is {{1}}\u200b{{2}} okay?`):   {"variable_adjacent components.0.text"},
		said(`\u200f{{1}} is here for you today`):                {"variable_dangling components.0.text"},
		`{"type":"BODY","text":"\u2060\u3164"}`:                  {"body_text_required components.0.text"},
		body + `,{"type":"FOOTER","text":"\u200b"}`:              {"footer_text_required components.1.text"},
		buttons(`{"type":"QUICK_REPLY","text":"\u00ad"}`):        {"button_text_required components.1.buttons.0.text"},
		said("What is here for you is {{1}} and {{3}} okay?"):    {"variable_sequence components.0.text"},
		said("What is here for you is {{first_name}} okay?"):     {"variable_braces components.0.text"},
		said("What is here for you is {{1} okay?"):               {"variable_braces components.0.text"},
		said("What is here for you is {{$1}} okay?"):             {"variable_braces components.0.text"},
		said("Hi {{1}} you"):                                     {"variable_ratio components.0.text warning"},
		`{"type":"BODY","text":"Hello dear {{1}} how are you?"}`: {"body_example components.0.example"},
		body + `,{"type":"FOOTER","text":"` + strings.Repeat("x", 61) +
			`"}`: {"footer_length components.1.text"},
		body + `,{"type":"FOOTER","text":"for {{1}} x"}`: {"footer_variables components.1.text"},
		body + `,{"type":"FOOTER"}`:                      {"footer_text_required components.1.text"},
		buttons(""):                                      {"buttons_count components.1.buttons"},
		buttons(strings.Repeat(reply+",", 10) +
			reply): {"buttons_count components.1.buttons",
			"buttons_per_type components.1.buttons", "buttons_desktop components.1.buttons warning"},
		buttons(link + "," + link + "," +
			link): {"buttons_per_type components.1.buttons"},
		buttons(reply + "," + link + "," +
			reply): {"buttons_grouped components.1.buttons",
			"buttons_desktop components.1.buttons warning"},
		buttons(`{"type":"QUICK_REPLY","text":"` + strings.Repeat("x", 26) +
			`"}`): {"button_text_length components.1.buttons.0.text"},
		buttons(`{"type":"QUICK_REPLY"}`): {"button_text_required " +
			"components.1.buttons.0.text"},
		buttons(`{"type":"URL","text":"Go","url":"http://ex.com"}`): {"url_format " +
			"components.1.buttons.0.url"},
		buttons(`{"type":"URL","text":"Go","url":"https://wa.me/1555"}`): {"url_shortened " +
			"components.1.buttons.0.url warning"},
		buttons(`{"type":"URL","text":"Go","url":"https://www.BIT.ly/x"}`): {"url_shortened components.1.buttons.0.url warning"},
		buttons(`{"type":"URL","text":"Go","url":"https://ex.com/{{1}}","example":["https://ex.com/a","https://ex.com/b"]}`): {
			"url_example components.1.buttons.0.example"},
		buttons(`{"type":"COPY_CODE","example":["A1","B2"]}`): {"copy_code_example components.1.buttons.0.example"},
		buttons(`{"type":"URL","text":"Go","url":"https://ex.com/{{1}}/x","example":["https://ex.com/y/x"]}`): {"url_variable " +
			"components.1.buttons.0.url"},
		buttons(`{"type":"URL","text":"Go","url":"https://ex.com/{{1}}"}`): {"url_example " +
			"components.1.buttons.0.example"},
		buttons(`{"type":"PHONE_NUMBER","text":"Call","phone_number":"call me"}`): {"phone_number " +
			"components.1.buttons.0.phone_number"},
		buttons(`{"type":"COPY_CODE","text":"Copy this code and be happy","example":"A1"}`): {"button_text_length components.1.buttons.0.text"},
		buttons(`{"type":"COPY_CODE","example":"A-1"}`):                                     {"copy_code_example components.1.buttons.0.example"},
		buttons(`{"type":"FLOW","text":"Go"}`):                                              {"flow_reference components.1.buttons.0"},
		buttons(`{"type":"HOLOGRAM"}`):                                                      {"button_type components.1.buttons.0.type warning"},
		buttons(`{"type":"OTP","otp_type":"COPY_CODE"}`):                                    {"otp_category components.1.buttons.0.type"},
		body +
			`,{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"much too long for it"}}`: {"offer_buttons components",
			"offer_text components.1.limited_time_offer"},
		buttons(link+","+link) + `,{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"soon over"}}`: {
			"offer_buttons components"},
		body + `,{"type":"CAROUSEL","cards":[{"components":[]}]}`: {"carousel_cards components.1.cards",
			"card_complete components.1.cards"},
	} {
		t.Run(strings.Join(want, ", "), func(t *testing.T) {
			t.Parallel()
			template := templateOf(t, `{"name":"x","language":"en_US","category":"MARKETING","components":[`+components+`]}`)
			if got := problemsOf(template); !slices.Equal(got, want) {
				t.Errorf("%s\ngot  %q\nwant %q", components, got, want)
			}
		})
	}
}

func TestLintLooksAtTheWholeTemplate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Template){
		"name_format name":                        func(t *Template) { t.Name = "Order-Shipped" },
		"name_length name":                        func(t *Template) { t.Name = strings.Repeat("x", 513) },
		"language_known language":                 func(t *Template) { t.Language = "en-US" },
		"category_known category":                 func(t *Template) { t.Category = "TRANSACTIONAL" },
		"parameter_format_known parameter_format": func(t *Template) { t.ParameterFormat = "SOMEHOW" },
		"ttl_range message_send_ttl_seconds":      func(t *Template) { t.MessageSendTTLSeconds = 60 },
		"authentication_button components": func(t *Template) {
			t.Category = authenticated
			t.Components[0].Text = ""
		},
		"authentication_body_text components.0.text": func(t *Template) {
			*t = templateWith(*t, code)
			t.Components[0].Text = "Your code is {{1}} now"
			t.Components[0].Example = &Example{BodyText: Rows{{"1"}}}
		},
		"authentication_expiration components.1.code_expiration_minutes": func(t *Template) {
			*t = templateWith(*t, code)
			t.Components[1].CodeExpirationMinutes = 91
		},
		"otp_type components.2.buttons.0.otp_type": func(t *Template) {
			*t = templateWith(*t, code)
			t.Components[2].Buttons[0].OTPType = "MAGIC"
		},
		"otp_apps components.2.buttons.0.supported_apps": func(t *Template) {
			*t = templateWith(*t, code)
			t.Components[2].Buttons[0].OTPType = "ONE_TAP"
		},
		"offer_no_footer components": func(t *Template) {
			*t = templateWith(*t, offer)
			t.Components = append(t.Components, Component{Type: "FOOTER", Text: "x"})
		},
		"offer_category components.1": func(t *Template) { *t = templateWith(*t, offer); t.Category = "UTILITY" },
		"carousel_alike components.1.cards": func(t *Template) {
			*t = templateWith(*t, carousel)
			t.Components[1].Cards[1].Components[0].Format = "VIDEO"
		},
		"body_example components.0.example": func(t *Template) { // and one that no variable has
			t.ParameterFormat = Named
			t.Components[0].Text = "Hello dear {{who}} how are you?"
			t.Components[0].Example = &Example{BodyTextNamed: []NamedExample{{"who", "Ann"}, {"what", "x"}}}
		},
		"carousel_alone components": func(t *Template) {
			*t = templateWith(*t, carousel)
			t.Components = append(t.Components, Component{Type: "FOOTER", Text: "x"})
		},
		"card_body_length components.1.cards.0.components.1.text": func(t *Template) {
			*t = templateWith(*t, carousel)
			t.Components[1].Cards[0].Components[1].Text += strings.Repeat("x", 160)
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			template := Template{Name: "x", Language: "en_US", Category: "MARKETING",
				Components: []Component{{Type: "BODY", Text: "Hello there"}}}
			change(&template)
			got := slices.DeleteFunc(problemsOf(template), func(line string) bool { return strings.HasSuffix(line, " warning") })
			if !slices.Equal(got, []string{want}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func templateWith(template Template, raw string) Template {
	if err := json.Unmarshal([]byte(raw), &template); err != nil {
		panic(err)
	}
	return template
}

func TestTimeToLiveDependsOnTheCategory(t *testing.T) {
	t.Parallel()
	for category, allowed := range map[string][]int{authenticated: {0, -1, 30, 900}, "UTILITY": {0, -1, 30, 43_200},
		"MARKETING": {0, 43_200, 2_592_000}} {
		for _, seconds := range allowed {
			if !ttlAllowed(category, seconds) {
				t.Errorf("%s refuses %d", category, seconds)
			}
		}

		if ttlAllowed(category, 29) || ttlAllowed(category, 3_000_000) || ttlAllowed(category, -2) {
			t.Errorf("%s allows too much", category)
		}
	}

	if ttlAllowed("MARKETING", -1) {
		t.Error("marketing has no endless time to live")
	}
}

func TestLintAcceptsMetasOwnExamples(t *testing.T) {
	t.Parallel()
	// What Meta's examples do wrong by Meta's own rules.
	known := []string{"name_format name", "otp_apps"}
	for name, body := range samples(t, "template_create") {
		if !strings.HasPrefix(name, "meta-openapi/") {
			continue // the others are older than today's rules
		}

		for _, got := range problemsOf(templateOf(t, string(body))) {
			excused := slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(got, prefix) })
			if !excused && !strings.HasSuffix(got, "warning") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}
