package whatsapp

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of rules into docs/templates.md")

// breaches are templates that break one rule each: a category, a format of parameters, and
// components. Those of the head are in TestLintLooksAtTheWholeTemplate.
var breaches = map[string]string{
	"name_format":            `{"name":"A","category":"UTILITY","components":[#]}`,
	"name_length":            `{"name":"` + strings.Repeat("a", 513) + `","category":"UTILITY","components":[#]}`,
	"language_known":         `{"name":"a","language":"en-US","category":"UTILITY","components":[#]}`,
	"category_known":         `{"name":"a","category":"OTP","components":[#]}`,
	"parameter_format_known": `{"name":"a","category":"UTILITY","parameter_format":"X","components":[#]}`,
	"ttl_range":              `{"name":"a","category":"UTILITY","message_send_ttl_seconds":29,"components":[#]}`,
	"ttl_marketing":          `{"name":"a","category":"MARKETING","message_send_ttl_seconds":50000,"components":[#]}`,
	"body_required":          `UTILITY {"type":"FOOTER","text":"a"}`,
	"component_repeated":     `UTILITY #,{"type":"CALL_PERMISSION_REQUEST"},{"type":"CALL_PERMISSION_REQUEST"}`,
	"carousel_alone":         `MARKETING #,{"type":"CAROUSEL"},{"type":"FOOTER","text":"a"}`,
	"offer_no_footer":        `MARKETING #,{"type":"LIMITED_TIME_OFFER"},{"type":"FOOTER","text":"a"}`,
	"offer_buttons": `MARKETING #,{"type":"LIMITED_TIME_OFFER"},
		{"type":"BUTTONS","buttons":[{"type":"URL","text":"a","url":"https://ex.com"},{"type":"QUICK_REPLY","text":"a"}]}`,
	"authentication_no_header": `AUTHENTICATION {"type":"HEADER","format":"TEXT","text":"a"}`,
	"authentication_button":    `AUTHENTICATION {"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"a"}]}`,
	"product_button":           `MARKETING #,{"type":"HEADER","format":"PRODUCT"}`,
	"variable_unique": `NAMED {"type":"HEADER","format":"TEXT","text":"For {{who}}"},
		{"type":"BODY","text":"For {{who}} today"}`,
	"mpm_header": `MARKETING #,{"type":"HEADER","format":"IMAGE"},{"type":"BUTTONS","buttons":[{"type":"MPM","text":"View items"}]}`,
	"call_permission_alone": `UTILITY #,{"type":"CALL_PERMISSION_REQUEST"},
		{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"a"}]}`,
	"utility_commerce":                 `UTILITY #,{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"A1"}]}`,
	"header_format":                    `UTILITY #,{"type":"HEADER","text":"a"}`,
	"header_text_required":             `UTILITY #,{"type":"HEADER","format":"TEXT"}`,
	"header_text_only":                 `UTILITY #,{"type":"HEADER","format":"IMAGE","text":"a"}`,
	"header_length":                    `UTILITY #,{"type":"HEADER","format":"TEXT","text":"` + strings.Repeat("é", 61) + `"}`,
	"header_variables":                 `UTILITY #,{"type":"HEADER","format":"TEXT","text":"a {{1}} b {{2}}"}`,
	"header_emoji":                     `UTILITY #,{"type":"HEADER","format":"TEXT","text":"a 🎉"}`,
	"header_formatting":                `UTILITY #,{"type":"HEADER","format":"TEXT","text":"_a_"}`,
	"header_line_break":                `UTILITY #,{"type":"HEADER","format":"TEXT","text":"a\u2028b"}`,
	"header_example":                   `UTILITY #,{"type":"HEADER","format":"TEXT","text":"a {{1}}","example":{"header_text":["a","b"]}}`,
	"header_media_example":             `UTILITY #,{"type":"HEADER","format":"VIDEO"}`,
	"header_media_handle":              `UTILITY #,{"type":"HEADER","format":"IMAGE","example":{"header_handle":["1234567890"]}}`,
	"header_media_kind":                `UTILITY #,{"type":"HEADER","format":"VIDEO","example":{"header_handle":["4::aW1hZ2UvcG5n:ARx"]}}`,
	"header_gif_category":              `UTILITY #,{"type":"HEADER","format":"GIF"}`,
	"header_location_category":         `AUTHENTICATION #,{"type":"HEADER","format":"LOCATION"}`,
	"offer_header":                     `MARKETING #,{"type":"LIMITED_TIME_OFFER"},{"type":"HEADER","format":"TEXT","text":"a"}`,
	"variable_braces":                  `UTILITY {"type":"BODY","text":"Hello {{Name}} there"}`,
	"variable_sequence":                `UTILITY {"type":"BODY","text":"Hello {{2}} there"}`,
	"body_text_required":               `UTILITY {"type":"BODY","text":" "}`,
	"authentication_body_text":         `AUTHENTICATION {"type":"BODY","text":"Your code"}`,
	"security_recommendation_category": `UTILITY {"type":"BODY","text":"Hello there","add_security_recommendation":true}`,
	"variable_dangling":                `UTILITY {"type":"BODY","text":"Hello there {{1}}"}`,
	"variable_adjacent":                `UTILITY {"type":"BODY","text":"Hello {{1}} {{2}} there"}`,
	"variable_ratio":                   `UTILITY {"type":"BODY","text":"你好{{1}}，再见"}`,
	"variable_repeated":                `NAMED {"type":"BODY","text":"Hello {{who}}, it is {{who}} again"}`,
	"body_example":                     `UTILITY {"type":"BODY","text":"Hello {{1}} there","example":{"body_text":[[" "]]}}`,
	"body_length":                      `UTILITY {"type":"BODY","text":"` + strings.Repeat("é", 1025) + `"}`,
	"offer_body_length": `MARKETING {"type":"LIMITED_TIME_OFFER"},{"type":"BODY","text":"` +
		strings.Repeat("é", 601) + `"}`,
	"product_body_length": `MARKETING {"type":"BODY","text":"` + strings.Repeat("é", 161) +
		`"},{"type":"BUTTONS","buttons":[{"type":"SPM","text":"View"}]}`,
	"footer_text_required":       `UTILITY #,{"type":"FOOTER"}`,
	"footer_length":              `UTILITY #,{"type":"FOOTER","text":"` + strings.Repeat("é", 61) + `"}`,
	"footer_variables":           `UTILITY #,{"type":"FOOTER","text":"a {{1}} b"}`,
	"authentication_footer_text": `AUTHENTICATION {"type":"FOOTER","text":"a"}`,
	"authentication_expiration":  `AUTHENTICATION {"type":"FOOTER","code_expiration_minutes":91}`,
	"code_expiration_category":   `UTILITY #,{"type":"FOOTER","text":"a","code_expiration_minutes":5}`,
	"buttons_count":              `UTILITY #,{"type":"BUTTONS","buttons":[]}`,
	"buttons_per_type": `UTILITY #,{"type":"BUTTONS","buttons":[{"type":"PHONE_NUMBER","text":"a","phone_number":"+15550001111"},
		{"type":"PHONE_NUMBER","text":"b","phone_number":"+15550001111"}]}`,
	"buttons_grouped": `UTILITY #,{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"a"},{"type":"URL","text":"a","url":"https://ex.com"},
		{"type":"QUICK_REPLY","text":"b"}]}`,
	"buttons_desktop":   `UTILITY #,{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"a"},{"type":"URL","text":"a","url":"https://ex.com"}]}`,
	"carousel_category": `UTILITY #,{"type":"CAROUSEL"}`,
	"carousel_cards":    `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[]}]}`,
	"carousel_alike": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"IMAGE"}]},
		{"components":[{"type":"HEADER","format":"VIDEO"}]}]}`,
	"card_complete": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"IMAGE"}]}]}`,
	"card_repeated": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[#,#]}]}`,
	"card_media_buttons": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"IMAGE"},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"A"}]}]}]}`,
	"card_product_buttons": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"PRODUCT"},
		{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"A"}]}]}]}`,
	"offer_category":           `UTILITY #,{"type":"LIMITED_TIME_OFFER"}`,
	"offer_text":               `MARKETING #,{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"12345678901234567"}}`,
	"offer_variables":          `MARKETING #,{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"To {{1}}"}}`,
	"call_permission_category": `AUTHENTICATION {"type":"CALL_PERMISSION_REQUEST"}`,
	"utility_promotional":      `UTILITY {"type":"BODY","text":"Our summer sale has begun"}`,
	"text_shortened":           `UTILITY {"type":"BODY","text":"Look at https://bit.ly/abc today"}`,
	"text_sensitive":           `UTILITY {"type":"BODY","text":"Please send us your card number today"}`,
	"text_contest":             `MARKETING {"type":"BODY","text":"Join our big raffle today"}`,
	"text_placeholder":         `UTILITY {"type":"BODY","text":"Lorem ipsum dolor sit amet"}`,
	"language_script":          `UTILITY {"type":"BODY","text":"Ваш заказ уже в пути"}`,
	"card_header":              `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"DOCUMENT"}]}]}`,
	"card_body_length": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"BODY","text":"` +
		strings.Repeat("é", 161) + `"}]}]}`,
	"card_buttons": `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"a"},
		{"type":"QUICK_REPLY","text":"b"},{"type":"QUICK_REPLY","text":"c"}]}]}]}`,
	"component_type":        `UTILITY #,{"type":"SIDEBAR"}`,
	"component_place":       `MARKETING #,{"type":"CAROUSEL","cards":[{"components":[{"type":"FOOTER","text":"a"}]}]}`,
	"button_text_required":  `button {"type":"QUICK_REPLY"}`,
	"button_text_length":    `button {"type":"QUICK_REPLY","text":"` + strings.Repeat("é", 26) + `"}`,
	"button_text_variables": `button {"type":"QUICK_REPLY","text":"a {{1}}"}`,
	"button_text_plain":     `button {"type":"QUICK_REPLY","text":"Yes 🎉"}`,
	"url_format":            `button {"type":"URL","text":"a","url":"http://ex.com"}`,
	"url_length":            `button {"type":"URL","text":"a","url":"https://ex.com/` + strings.Repeat("a", 2000) + `"}`,
	"url_variable":          `button {"type":"URL","text":"a","url":"https://ex.com/{{1}}/b","example":["https://ex.com/a/b"]}`,
	"url_example":           `button {"type":"URL","text":"a","url":"https://ex.com/{{1}}"}`,
	"url_example_full":      `button {"type":"URL","text":"a","url":"https://ex.com/{{1}}","example":["abc"]}`,
	"app_deep_link":         `button {"type":"URL","text":"a","url":"https://ex.com","app_deep_link":{"meta_app_id":1.5,"android_deep_link":"a://b"}}`,
	"url_shortened":         `button {"type":"URL","text":"a","url":"https://wa.me/15550001111"}`,
	"phone_number":          `button {"type":"PHONE_NUMBER","text":"a","phone_number":"+123456789012345678901"}`,
	"copy_code_example":     `button {"type":"COPY_CODE","example":"123456789012345678901"}`,
	"otp_category":          `button {"type":"OTP","otp_type":"COPY_CODE"}`,
	"otp_type":              `AUTHENTICATION {"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"MAGIC"}]}`,
	"otp_apps": `AUTHENTICATION {"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"ONE_TAP",
		"supported_apps":[{"package_name":"one","signature_hash":"K8a/AINcGX7"}]}]}`,
	"otp_zero_tap_terms":    `AUTHENTICATION {"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"ZERO_TAP"}]}`,
	"flow_reference":        `button {"type":"FLOW","text":"a","flow_id":"1","flow_name":"a"}`,
	"flow_action":           `button {"type":"FLOW","text":"a","flow_id":"1","flow_action":"jump"}`,
	"flow_icon":             `button {"type":"FLOW","text":"a","flow_id":"1","icon":"SMILE"}`,
	"button_text_fixed":     `button {"type":"CATALOG","text":"Look"}`,
	"call_ttl":              `button {"type":"VOICE_CALL","text":"a","ttl_minutes":43201}`,
	"contact_info_text":     `button {"type":"REQUEST_CONTACT_INFO","text":"Tell us"}`,
	"contact_info_category": `AUTHENTICATION {"type":"BUTTONS","buttons":[{"type":"REQUEST_CONTACT_INFO"}]}`,
	"button_type":           `button {"type":"HOLOGRAM"}`,
	"button_place":          `button {"type":"CALL_PERMISSION_REQUEST"}`,
}

func breach(t *testing.T, text string) Template {
	t.Helper()
	const body = `{"type":"BODY","text":"Hello there, how are you?"}`
	head, components, _ := strings.Cut(text, " ")
	switch head {
	case "button":
		text = `{"name":"a","category":"MARKETING","components":[` + body + `,{"type":"BUTTONS","buttons":[` + components + `]}]}`
	case "NAMED":
		text = `{"name":"a","category":"UTILITY","parameter_format":"NAMED","components":[` + components + `]}`
	case utility, marketing, authenticated:
		text = `{"name":"a","category":"` + head + `","components":[` + components + `]}`
	}

	template := templateOf(t, strings.ReplaceAll(text, "#", body))
	if template.Language == "" {
		template.Language = "en_US"
	}

	return template
}

func TestEveryRuleIsBrokenByATemplateThatBreaksIt(t *testing.T) {
	t.Parallel()
	rules := TemplateRules()
	for _, rule := range rules {
		text, known := breaches[rule.Name]
		if !known {
			t.Errorf("no template breaks %s", rule.Name)
			continue
		}

		problems := breach(t, text).Lint()
		at := slices.IndexFunc(problems, func(p Problem) bool { return p.Rule == rule.Name })
		if at < 0 {
			t.Errorf("%s is not found in %s: %v", rule.Name, text, problems)
			continue
		}

		if p := problems[at]; p.Severity != rule.Severity || p.Message == "" || len(p.Field) == 0 {
			t.Errorf("%s: %+v, want severity %s", rule.Name, p, rule.Severity)
		}
	}

	for name := range breaches {
		if !slices.ContainsFunc(rules, func(r TemplateRule) bool { return r.Name == name }) {
			t.Errorf("%s is no rule", name)
		}
	}
}

func TestARuleSaysOneThingWhereverItStands(t *testing.T) {
	t.Parallel()
	said := map[string]string{}
	say := func(rule, message, source string, severity Severity) {
		line := string(severity) + " " + message + " " + source
		if before := said[rule]; before != "" && before != line {
			t.Errorf("%s says %q, and %q", rule, before, line)
		}
		if said[rule] = line; message == "" || source == "" || severity == "" {
			t.Errorf("%s lacks something: %q", rule, line)
		}
	}

	for _, c := range templateChecks {
		say(c.rule, c.message, c.source, c.severity)
	}

	for _, checks := range []map[string][]check[*Component]{componentChecks, cardChecks} {
		for _, list := range checks {
			for _, c := range list {
				say(c.rule, c.message, c.source, c.severity)
			}
		}
	}

	for _, list := range buttonChecks {
		for _, c := range list {
			say(c.rule, c.message, c.source, c.severity)
		}
	}

	if len(said) < 90 {
		t.Errorf("there are %d rules", len(said))
	}
}

func TestTheManualListsEveryRule(t *testing.T) {
	t.Parallel()
	const path, end = "../docs/templates.md", "<!-- end of rules -->"
	const begin = "<!-- rules: go test ./whatsapp -run Manual -update -->\n"
	var table strings.Builder
	table.WriteString("| Rule | About | Severity | What it says | Source |\n|---|---|---|---|---|\n")
	for _, r := range TemplateRules() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", r.Name, r.About, r.Severity, r.Message, r.Source)
	}

	page := string(read(t, path))
	before, rest, found := strings.Cut(page, begin)
	have, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed:
		t.Fatalf("%s has no place for the rules", path)
	case have == table.String():
	case *update:
		if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not list the rules as the table does: run go test ./whatsapp -run Manual -update", path)
	}
}

func TestWordsThatAreNoAdvertisingAreLeftInPeace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Your order has been shipped.": false, "Your promotion to manager is confirmed.": true,
		"The salesman will call.": false, "Get 20% off today": true, "Ihr Termin ist morgen.": false,
		"Gutschein anbei": true, "您的订单已发货": false, "全场优惠": true, "Su pedido está en camino.": false,
		"¡Oferta!": true, "Votre remise est prête": true,
	} {
		if got := promotional(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}

	for text, want := range map[string]bool{"See t.co/x": true, "Write to support@contact.co/": false,
		"https://wa.me/1555": true, "a habit.ly b": false} {
		if got := shortenedInText.MatchString(text); got != want {
			t.Errorf("%q is shortened: %t", text, got)
		}
	}
}

func TestWordsAreCountedInEveryScript(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "Hi there, you": 3, "a - b": 2, "您的订单": 2, "您的订单已": 3, "ok 好": 2,
		"สวัสดี": 3} {
		if got := words(text); got != want {
			t.Errorf("%q has %d words", text, got)
		}
	}
}
