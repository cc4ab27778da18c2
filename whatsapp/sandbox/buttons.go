package sandbox

import (
	"encoding/json"
	"strings"
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
	var replyGroups int
	var before string

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
		if b.Type == "QUICK_REPLY" && before != "QUICK_REPLY" {
			replyGroups++
		}

		before = b.Type
		if no := b.check(); no != nil {
			return no
		}
	}

	if replyGroups > 1 {
		return badTemplate(fieldsMissing, "Invalid combination of buttons", "Quick replies must stand together.")
	}

	sh.buttons = buttons

	return nil
}

func (b *button) check() *refusal {
	if no := atMost("BUTTONS", b.Text, 25); no != nil {
		return no
	}

	switch b.Type {
	case "QUICK_REPLY":
		if b.Text == "" {
			return lacksField("QUICK_REPLY", "text")
		}
	case "PHONE_NUMBER":
		if b.Text == "" || b.PhoneNumber == "" {
			return lacksField("PHONE_NUMBER", "text, phone_number")
		}
		return atMost("phone_number", b.PhoneNumber, 20)
	case "COPY_CODE":
		if code := b.example(); code == "" {
			return lacksField("COPY_CODE", "example")
		} else if len(code) > 20 {
			return atMost("example", code, 20)
		}
	case "URL":
		return b.checkURL()
	}

	return nil
}

func (b *button) checkURL() *refusal {
	if b.Text == "" || b.URL == "" {
		return lacksField("URL", "text, url")
	}
	if !strings.HasPrefix(b.URL, "https://") && !strings.HasPrefix(b.URL, "http://") {
		return invalid("The url of a button must be a full address.")
	}

	switch at := strings.Index(b.URL, "{{"); {
	case at < 0:
	case !strings.HasSuffix(b.URL, "}}") || strings.Count(b.URL, "{{") > 1:
		return invalid("The url of a button can have one variable, at its end.")
	case b.example() == "":
		return lacksField("URL", "example")
	}

	return atMost("url", b.URL, 2000)
}

// example is the first example, given as a string or in an array.
func (b *button) example() string {
	var one string
	var many []string
	switch {
	case json.Unmarshal(b.Example, &one) == nil:
		return one
	case json.Unmarshal(b.Example, &many) == nil && len(many) > 0:
		return many[0]
	}

	return ""
}

// variable says whether a send must give the button a value.
func (b *button) variable() bool {
	switch b.Type {
	case "URL":
		return strings.Contains(b.URL, "{{")
	case "OTP", "COPY_CODE":
		return true
	}

	return false
}

func lacksField(what, fields string) *refusal {
	return badTemplate(fieldsMissing, "Message template \"components\" param is missing expected field(s)",
		"component of type %s is missing expected field(s) (%s)", what, fields)
}

// authenticationText is the body that Meta gives every authentication template, before the code's
// variable.
const authenticationText = " is your verification code."

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
		fields["text"] = "*{{1}}*" + authenticationText
		fields["example"] = map[string]any{"body_text": [][]string{{"123456"}}}
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
