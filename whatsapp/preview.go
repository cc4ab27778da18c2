package whatsapp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Preview is a message as its recipient would see it.
type Preview struct {
	// Header is its text; a file, a place or a product stands in brackets.
	Header  string
	Body    string
	Footer  string
	Buttons []string // what stands on them

	Media    *PreviewMedia // the file of a media header
	Location *Location     // of a location header; nil where no value says where
	Product  *Product      // of a product header; nil where no value says which
	Offer    *PreviewOffer
	// AsksToCall: the message asks whether the business may call.
	AsksToCall bool
	// Actions are the buttons with what they do, in the order of Buttons.
	Actions []PreviewButton
	Cards   []Preview
}

// PreviewMedia is a file that a header shows.
type PreviewMedia struct {
	Kind     string // IMAGE, VIDEO, DOCUMENT, GIF
	Link     string // empty when the file is known by its id, or not at all
	ID       string
	Filename string
}

// PreviewOffer is the part that says that an offer ends.
type PreviewOffer struct {
	Text string
	Code string    // of the copy-code button; empty when there is none
	Ends time.Time // zero when it is not shown, or not known
}

// PreviewButton is a button with its values filled in.
type PreviewButton struct {
	Type        string
	Text        string
	URL         string // that a tap opens
	PhoneNumber string // that a tap calls
	Code        string // that a tap copies
}

// Preview fills a template with these values as they would be sent, or with its own examples where
// one is missing.
func (t Template) Preview(values map[string]string) Preview {
	mended, _ := t.Mend(values)
	filling := make(map[string]string, len(mended))
	examples := make(map[string]bool)
	for name, value := range mended {
		filling[name] = value
	}

	for _, p := range t.Parameters() {
		if filling[p.Name] == "" {
			filling[p.Name], examples[p.Name] = p.Example, true
		}
	}

	b := binder{template: t, values: mended}

	return previewer{t, filling, examples, &b}.of(t.Components, "")
}

// previewer shows a template's parts with the values that fill them.
type previewer struct {
	template Template
	filling  map[string]string
	examples map[string]bool // the values that are the template's own examples
	binder   *binder
}

func (v previewer) of(parts []Component, prefix string) (preview Preview) {
	for i := range parts {
		switch part := &parts[i]; part.Type {
		case "HEADER":
			v.header(&preview, part, prefix)
		case "BODY":
			preview.Body = v.body(part, prefix)
		case "FOOTER":
			preview.Footer = v.footer(part)
		case "BUTTONS":
			for j, button := range part.Buttons {
				action := v.button(button, prefix+"button_"+strconv.Itoa(j))
				preview.Actions = append(preview.Actions, action)
				preview.Buttons = append(preview.Buttons, action.Text)
			}
		case "LIMITED_TIME_OFFER":
			preview.Offer = v.offer(part)
		case callPermission:
			preview.AsksToCall = true
		case "CAROUSEL":
			for j, card := range v.binder.withMore(part.Cards) {
				preview.Cards = append(preview.Cards, v.of(card.Components, cardPrefix(j)))
			}
		}
	}

	if preview.Offer != nil {
		for _, action := range preview.Actions {
			if action.Type == "COPY_CODE" {
				preview.Offer.Code = action.Code
			}
		}
	}

	return preview
}

func (v previewer) header(preview *Preview, part *Component, prefix string) {
	if part.Format == "TEXT" || part.Format == "" {
		preview.Header = expand(part.Text, func(name string) string {
			if v.template.ParameterFormat != Named {
				name = "header_" + name
			}
			return v.shown(prefix + name)
		})

		return
	}

	kind := strings.ToLower(part.Format)
	value := v.filling[prefix+"header_"+kind]
	preview.Header = "[" + kind + "]"

	switch {
	case part.Format == "LOCATION":
		preview.Location, _ = parseLocation(value)
	case part.Format == "PRODUCT" && value != "":
		preview.Product = parseProduct(value)
	case isMedia(part.Format):
		preview.Media = &PreviewMedia{Kind: part.Format, Filename: v.filling[prefix+"header_document_filename"]}
		if value == "" || strings.Contains(value, "::") { // a handle, which shows nothing
			return
		}

		file := mediaOf(value)
		preview.Media.Link, preview.Media.ID = file.Link, file.ID
	}

	if value != "" {
		preview.Header = "[" + kind + ": " + value + "]"
	}
}

func (v previewer) body(part *Component, prefix string) string {
	if v.template.Category != authenticated {
		return expand(part.Text, func(name string) string { return v.shown(prefix + name) })
	}

	text, ours := part.Text, codeTextsIn(v.template.Language)
	if text == "" {
		text = ours.body
		if part.AddSecurityRecommendation {
			text += " " + ours.advice
		}
	}

	return expand(text, func(string) string { return v.shown("otp_code") })
}

func (v previewer) footer(part *Component) string {
	if part.Text == "" && part.CodeExpirationMinutes > 0 {
		return fmt.Sprintf(codeTextsIn(v.template.Language).expires, part.CodeExpirationMinutes)
	}
	return part.Text
}

func (v previewer) offer(part *Component) *PreviewOffer {
	if part.LimitedTimeOffer == nil {
		return &PreviewOffer{}
	}

	offer := &PreviewOffer{Text: part.LimitedTimeOffer.Text}
	if ms, ok := parseEnd(v.filling["expiration_ms"]); ok && part.LimitedTimeOffer.HasExpiration {
		offer.Ends = time.UnixMilli(ms).UTC()
	}

	return offer
}

func (v previewer) button(b Button, name string) PreviewButton {
	out := PreviewButton{Type: b.Type, Text: b.label(v.template.Language), PhoneNumber: b.PhoneNumber}
	switch {
	case v.template.Category == authenticated:
		out.Code = v.filling["otp_code"]
	case b.Type == "COPY_CODE":
		out.Code = v.filling[name+"_code"]
	case b.Type == "URL":
		suffix := v.filling[name+"_url"]
		out.URL = expand(b.URL, func(string) string { return suffix })
		if v.examples[name+"_url"] && strings.Contains(suffix, "://") { // the example of the whole address
			out.URL = suffix
		}
	}

	return out
}

// shown is a variable's value, or the variable itself when nothing is known of it.
func (v previewer) shown(name string) string {
	if value := v.filling[name]; value != "" {
		return value
	}
	return "{{" + name + "}}"
}

// codeTexts are what Meta writes into authentication templates.
type codeTexts struct{ body, advice, expires, copy, autofill string }

// codeTextsBy are those that Meta publishes, by language: developers.facebook.com, WhatsApp
// "Authentication templates", previews (read 2026-06). Once a template is there, Meta gives its
// texts in any language, and they are used instead.
var codeTextsBy = map[string]codeTexts{
	"en": {"*{{1}}* is your verification code.", "For your security, do not share this code.",
		"This code expires in %d minutes.", "Copy code", "Autofill"},
	"es": {"Tu código de verificación es *{{1}}*.", "Por tu seguridad, no lo compartas.",
		"Este código caduca en %d minutos.", "Copiar código", "Autocompletar"},
}

func codeTextsIn(language string) codeTexts {
	base, _, _ := strings.Cut(language, "_")
	if texts, known := codeTextsBy[base]; known {
		return texts
	}

	return codeTextsBy["en"]
}

// labels are the words of WhatsApp's own on buttons that have no text.
var labels = map[string]string{
	"COPY_CODE": "Copy offer code", "VOICE_CALL": "Call on WhatsApp", contactInfo: "Share Contact Info",
}

// label is what a button reads.
func (b Button) label(language string) string {
	switch kind := b.HandsOver(); {
	case kind == "ONE_TAP" && b.AutofillText != "":
		return b.AutofillText
	case b.Text != "":
		return b.Text
	case kind == "ONE_TAP":
		return codeTextsIn(language).autofill
	case kind != "" || b.Type == "OTP":
		return codeTextsIn(language).copy
	case labels[b.Type] != "":
		return labels[b.Type]
	default:
		return strconv.Quote(b.Type)
	}
}
