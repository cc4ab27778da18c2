package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"carillon/whatsapp"
)

// buttonLimit is how many buttons of a type a template may have; types not listed may stand once.
var buttonLimit = map[string]int{"QUICK_REPLY": 10, "URL": 2}

// buttonTypes are those that can be created.
var buttonTypes = map[string]bool{
	"QUICK_REPLY": true, "URL": true, "PHONE_NUMBER": true, "COPY_CODE": true, "OTP": true, "FLOW": true,
	"CATALOG": true, "MPM": true,
	"SPM": true, "VOICE_CALL": true, "REQUEST_CONTACT_INFO": true,
}

// takeButtons checks a template's buttons, and remembers them in their order, which a send counts
// by.
func (sh *shape) takeButtons(category string, buttons []button) *refusal {
	if len(buttons) == 0 || len(buttons) > 10 {
		return invalid("A BUTTONS component needs 1 to 10 buttons.")
	}

	count := map[string]int{}
	turns := 0 // between quick replies and others

	for i := range buttons {
		b := &buttons[i]
		b.Type = strings.ToUpper(b.Type)
		if !buttonTypes[b.Type] {
			return invalid("Param buttons[%d]['type'] is not known - got %q.", i, b.Type)
		}

		count[b.Type]++
		if count[b.Type] > max(1, buttonLimit[b.Type]) {
			return invalid("There are too many buttons of type %s.", b.Type)
		}
		if (b.Type == "OTP") != (category == "AUTHENTICATION") {
			return invalid("Buttons of type OTP belong to AUTHENTICATION templates, and only they.")
		}
		if i > 0 && (b.Type == "QUICK_REPLY") != (buttons[i-1].Type == "QUICK_REPLY") {
			turns++
		}

		if no := b.check(); no != nil {
			return no
		}
	}

	if turns > 1 {
		return badTemplate(fieldsMissing, "Invalid combination of buttons", "Quick replies must stand together.")
	}

	sh.buttons = buttons

	return nil
}

func (b *button) check() *refusal {
	for _, text := range []string{b.Text, b.Autofill} {
		if no := atMost("BUTTONS", text, 25); no != nil {
			return no
		}
	}

	if strings.Contains(b.Text, "{{") {
		return badTemplate(0, "Invalid button", "The text of a button cannot have variables.")
	}

	switch b.Type {
	case "QUICK_REPLY", "CATALOG", "MPM", "SPM":
		return b.needsText()
	case "PHONE_NUMBER":
		if b.Text == "" || strings.Trim(b.PhoneNumber, "+0123456789") != "" || len(whatsapp.Digits(b.PhoneNumber)) < 5 {
			return lacksField("PHONE_NUMBER", "text, phone_number")
		}
		return atMost("phone_number", b.PhoneNumber, 20)
	case "COPY_CODE":
		return checkCoupon(b.example())
	case "URL":
		return b.checkURL()
	case "OTP":
		return b.checkOTP()
	case "FLOW":
		return b.checkFlow()
	case "VOICE_CALL":
		if b.Minutes != nil && (*b.Minutes < 1 || *b.Minutes > 43_200) {
			return invalid("Param ttl_minutes must be between 1 and 43200.")
		}
		return b.needsText()
	case "REQUEST_CONTACT_INFO":
		if b.Text != "" && b.Text != "Share Contact Info" {
			return invalid("The text of a button of type REQUEST_CONTACT_INFO cannot be chosen.")
		}
	}

	return nil
}

func (b *button) needsText() *refusal {
	if !whatsapp.Visible(b.Text) {
		return lacksField(b.Type, "text")
	}
	return nil
}

func checkCoupon(code string) *refusal {
	switch {
	case code == "":
		return lacksField("COPY_CODE", "example")
	case strings.ContainsFunc(code, notInCoupon):
		return invalid("The example of a COPY_CODE button has letters and digits only.")
	}

	return atMost("example", code, 20)
}

func notInCoupon(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// packagePattern and hashPattern are what an app is known by.
var (
	packagePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	hashPattern    = regexp.MustCompile(`^[A-Za-z0-9+/=]{11}$`)
)

func (b *button) checkOTP() *refusal {
	b.OTPType = strings.ToUpper(b.OTPType)
	switch b.OTPType {
	case "COPY_CODE":
		return nil
	case "ONE_TAP", "ZERO_TAP":
	default:
		return invalid("Param otp_type must be one of {COPY_CODE, ONE_TAP, ZERO_TAP} - got %q.", b.OTPType)
	}

	if b.OTPType == "ZERO_TAP" && !b.TermsAccepted {
		return invalid("Param zero_tap_terms_accepted must be true.")
	}
	if len(b.Apps) < 1 || len(b.Apps) > 5 {
		return invalid("Param supported_apps must have 1 to 5 apps.")
	}

	for _, app := range b.Apps {
		if len(app.Package) > 224 || !packagePattern.MatchString(app.Package) || !hashPattern.MatchString(app.Hash) {
			return invalid("Param supported_apps has an app whose package_name or signature_hash is not valid.")
		}
	}

	return nil
}

func (b *button) checkFlow() *refusal {
	given := 0
	for _, reference := range []json.RawMessage{b.FlowID, b.FlowName, b.FlowJSON} {
		if len(reference) > 0 && string(reference) != `""` {
			given++
		}
	}

	switch {
	case given != 1:
		return invalid("Exactly one of flow_id, flow_name and flow_json is required.")
	case !slices.Contains([]string{"", "navigate", "data_exchange"}, strings.ToLower(b.FlowAction)):
		return invalid("Param flow_action must be one of {navigate, data_exchange} - got %q.", b.FlowAction)
	case !slices.Contains([]string{"", "DOCUMENT", "PROMOTION", "REVIEW"}, strings.ToUpper(b.Icon)):
		return invalid("Param icon must be one of {DOCUMENT, PROMOTION, REVIEW} - got %q.", b.Icon)
	}

	return b.needsText()
}

func (b *button) checkURL() *refusal {
	if !whatsapp.Visible(b.Text) || b.URL == "" {
		return lacksField("URL", "text, url")
	}
	fixed, _, _ := strings.Cut(b.URL, "{{")
	u, err := url.Parse(fixed)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsFunc(fixed, notInFixed) {
		return invalid("The url of a button must be a full address that begins with https://.")
	}

	switch at := strings.Index(b.URL, "{{"); {
	case at < 0:
	case !strings.HasSuffix(b.URL, "{{1}}") || strings.Count(b.URL, "{{") > 1:
		return invalid("The url of a button can have one variable, at its end.")
	case b.example() == "":
		return lacksField("URL", "example")
	}

	return atMost("url", b.URL, 2000)
}

// notInFixed are characters that an address may not have as it is typed; letters of any alphabet
// may stand in it.
func notInFixed(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) ||
		strings.ContainsRune("<>\"{}|\\^`", r)
}

// example is the only example, given as a string or in an array.
func (b *button) example() string {
	var one string
	var many []string
	switch {
	case json.Unmarshal(b.Example, &one) == nil:
		return one
	case json.Unmarshal(b.Example, &many) == nil && len(many) == 1:
		return many[0]
	}

	return ""
}

// variable says whether a send must give the button a value.
func (b *button) variable() bool {
	switch b.Type {
	case "URL":
		return strings.Contains(b.URL, "{{")
	case "OTP", "COPY_CODE", "FLOW", "MPM":
		return true
	}

	return false
}

func lacksField(what, fields string) *refusal {
	return badTemplate(fieldsMissing, "Message template \"components\" param is missing expected field(s)",
		"component of type %s is missing expected field(s) (%s)", what, fields)
}

// codeText is the body that Meta gives an authentication template.
func codeText(c *component) string {
	text := "*{{1}}* is your verification code."
	if c.Security {
		text += " For your security, do not share this code."
	}

	return text
}

// show gives a component as Graph reads it back: types in capitals, authentication texts filled in,
// OTP buttons as URLs.
func show(raw json.RawMessage, c *component) json.RawMessage {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return raw
	}

	fields["type"] = c.Type
	if c.Format != "" {
		fields["format"] = strings.ToUpper(c.Format)
	}

	if c.Type == "BODY" && c.Text == "" {
		fields["text"] = codeText(c)
		fields["example"] = map[string]any{"body_text": [][]string{{"123456"}}}
	}

	if c.Type == "FOOTER" && c.Text == "" && c.Minutes != nil {
		fields["text"] = fmt.Sprintf("This code expires in %d minutes.", *c.Minutes)
	}

	if buttons, ok := fields["buttons"].([]any); ok {
		for _, b := range buttons {
			one, ok := b.(map[string]any)
			if !ok {
				continue
			}

			kind, _ := one["type"].(string)
			one["type"] = strings.ToUpper(kind)
			if one["type"] == "OTP" {
				one["type"], one["url"] = "URL", "https://www.whatsapp.com/otp/code/?otp_type="+c.Buttons[0].OTPType+
					"&code=otp{{1}}"
			}
		}
	}

	shown, err := json.Marshal(fields)
	if err != nil {
		return raw
	}

	return shown
}
