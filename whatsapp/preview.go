package whatsapp

import (
	"fmt"
	"strconv"
	"strings"
)

// Preview is a message as its recipient would see it, in words.
type Preview struct {
	Header  string
	Body    string
	Footer  string
	Buttons []string
}

// Preview fills a template with these values as they would be sent, or with its own examples where
// one is missing. Cards of a carousel are left out; a media header shows the file's link or kind in
// brackets.
func (t Template) Preview(values map[string]string) Preview {
	filling := make(map[string]string)
	mended, _ := t.Mend(values)
	for _, p := range t.Parameters() {
		filling[p.Name] = p.Example
		if value := mended[p.Name]; value != "" {
			filling[p.Name] = value
		}
	}

	var preview Preview
	for i := range t.Components {
		switch part := &t.Components[i]; part.Type {
		case "HEADER":
			preview.Header = t.previewHeader(part, filling)
		case "BODY":
			preview.Body = t.previewBody(part, filling)
		case "FOOTER":
			preview.Footer = part.Text
			if part.Text == "" && part.CodeExpirationMinutes > 0 {
				preview.Footer = fmt.Sprintf("This code expires in %d minutes.", part.CodeExpirationMinutes)
			}
		case "BUTTONS":
			for _, button := range part.Buttons {
				preview.Buttons = append(preview.Buttons, button.label())
			}
		}
	}

	return preview
}

func (t Template) previewHeader(part *Component, filling map[string]string) string {
	if part.Format != "TEXT" && part.Format != "" {
		kind := strings.ToLower(part.Format)
		if value := filling["header_"+kind]; value != "" && !strings.Contains(value, "::") {
			return "[" + kind + ": " + value + "]"
		}

		return "[" + kind + "]"
	}

	return expand(part.Text, func(name string) string {
		if t.ParameterFormat != Named {
			name = "header_" + name
		}
		return shown(filling, name)
	})
}

func (t Template) previewBody(part *Component, filling map[string]string) string {
	if t.Category != authenticated {
		return expand(part.Text, func(name string) string { return shown(filling, name) })
	}

	// Meta writes these texts, in the template's language; until it has, this is the English one.
	text := part.Text
	if text == "" {
		text = "*{{1}}* is your verification code."
		if part.AddSecurityRecommendation {
			text += " For your security, do not share this code."
		}
	}

	return expand(text, func(string) string { return shown(filling, "otp_code") })
}

// shown is a variable's value, or the variable itself when nothing is known of it.
func shown(filling map[string]string, name string) string {
	if value := filling[name]; value != "" {
		return value
	}
	return "{{" + name + "}}"
}

// label is what a button reads; some have words of WhatsApp's own.
func (b Button) label() string {
	switch {
	case b.Text != "":
		return b.Text
	case b.Type == "COPY_CODE":
		return "Copy offer code"
	case b.Type == "OTP":
		return "Copy code"
	case b.Type == "VOICE_CALL":
		return "Call on WhatsApp"
	default:
		return strconv.Quote(b.Type)
	}
}
