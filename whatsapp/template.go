package whatsapp

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Template is a message template, as Meta has it or as it is to be submitted.
type Template struct {
	ID              string
	Name            string
	Language        string
	Category        string // MARKETING, UTILITY, AUTHENTICATION
	Status          string
	RejectedReason  string // empty when Meta says NONE
	QualityScore    string // GREEN, YELLOW, RED, UNKNOWN
	ParameterFormat string // POSITIONAL, NAMED
	Components      []Component
	// MessageSendTTLSeconds is how long a message is worth delivering; zero leaves Meta's default.
	MessageSendTTLSeconds int
	PreviousCategory      string
	// CorrectCategory differs from Category when Meta is about to change that.
	CorrectCategory string
	SubCategory     string
	// MaxPrice is at most what 1,000 delivered messages cost, in the smallest unit of the account's
	// currency (optimization_spec.bid_amount); zero is none: the rate card's price.
	MaxPrice int
}

// Component is a part of a template. What we do not know of Meta's JSON is kept in Extra and
// written back.
type Component struct {
	// HEADER, BODY, FOOTER, BUTTONS, CAROUSEL, LIMITED_TIME_OFFER, CALL_PERMISSION_REQUEST
	Type    string   `json:"type"`
	Format  string   `json:"format,omitempty"` // of a header: TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION, GIF, PRODUCT
	Text    string   `json:"text,omitempty"`
	Example *Example `json:"example,omitempty"`
	Buttons []Button `json:"buttons,omitempty"`
	Cards   []Card   `json:"cards,omitempty"`
	// AddSecurityRecommendation and CodeExpirationMinutes belong to authentication templates, whose
	// Texts are Meta's.
	AddSecurityRecommendation bool   `json:"add_security_recommendation,omitempty"`
	CodeExpirationMinutes     int    `json:"code_expiration_minutes,omitempty"`
	LimitedTimeOffer          *Offer `json:"limited_time_offer,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Example shows Meta's reviewers what the variables will hold.
type Example struct {
	HeaderText      Texts          `json:"header_text,omitempty"`
	HeaderTextNamed []NamedExample `json:"header_text_named_params,omitempty"`
	// HeaderHandle is the handle of an uploaded file. Read back, it is a link that expires.
	HeaderHandle Texts `json:"header_handle,omitempty"`
	// BodyText is a list of lists; the first is the one that counts.
	BodyText      Rows           `json:"body_text,omitempty"`
	BodyTextNamed []NamedExample `json:"body_text_named_params,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
}

// NamedExample is one variable's example in a template with named parameters.
type NamedExample struct {
	Name    string `json:"param_name"`
	Example string `json:"example"`
}

// Offer is the fixed part of a limited-time offer.
type Offer struct {
	Text          string `json:"text"`
	HasExpiration bool   `json:"has_expiration,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Card is one card of a carousel.
type Card struct {
	Components []Component `json:"components"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Button is a button of a template. What we do not know of it is kept in Extra and written back.
type Button struct {
	// QUICK_REPLY, URL, PHONE_NUMBER, COPY_CODE, OTP, FLOW, CATALOG, MPM, SPM, VOICE_CALL,
	// REQUEST_CONTACT_INFO …
	Type        string `json:"type"`
	Text        string `json:"text,omitempty"`
	URL         string `json:"url,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
	Example     Texts  `json:"example,omitempty"`
	OTPType     string `json:"otp_type,omitempty"` // COPY_CODE, ONE_TAP, ZERO_TAP

	AutofillText         string         `json:"autofill_text,omitempty"`
	SupportedApps        []SupportedApp `json:"supported_apps,omitempty"`
	ZeroTapTermsAccepted bool           `json:"zero_tap_terms_accepted,omitempty"`

	// A Flow is named by exactly one of its id, its name and its JSON.
	FlowID         string `json:"flow_id,omitempty"`
	FlowName       string `json:"flow_name,omitempty"`
	FlowJSON       string `json:"flow_json,omitempty"`
	FlowAction     string `json:"flow_action,omitempty"` // navigate, data_exchange
	NavigateScreen string `json:"navigate_screen,omitempty"`
	Icon           string `json:"icon,omitempty"` // of a Flow: DOCUMENT, PROMOTION, REVIEW

	// TTLMinutes is how long a VOICE_CALL button works; zero leaves Meta's default.
	TTLMinutes int `json:"ttl_minutes,omitempty"`
	// AppDeepLink is what a URL button of a marketing template opens instead of the page.
	AppDeepLink *AppDeepLink `json:"app_deep_link,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
}

// AppDeepLink is a place in an app.
type AppDeepLink struct {
	MetaAppID       json.Number `json:"meta_app_id"`
	AndroidLink     string      `json:"android_deep_link"`
	AndroidFallback string      `json:"android_fallback_playstore_url,omitempty"`
}

// SupportedApp is an Android app that may take a code from a message.
type SupportedApp struct {
	PackageName   string `json:"package_name"`
	SignatureHash string `json:"signature_hash"`
}

// Statuses of a template. Only an approved one can be sent.
const (
	TemplateApproved = "APPROVED"
	Named            = "NAMED"
	Positional       = "POSITIONAL"
)

// component finds the first component of a type; nil when there is none.
func (t Template) component(kind string) *Component { return find(t.Components, kind) }

func find(components []Component, kind string) *Component {
	for i := range components {
		if strings.EqualFold(components[i].Type, kind) {
			return &components[i]
		}
	}

	return nil
}

type wireTemplateNode struct {
	ID       loose `json:"id"`
	Name     loose `json:"name"`
	Language loose `json:"language"`
	Category loose `json:"category"`
	Status   loose `json:"status"`
	Rejected loose `json:"rejected_reason"`
	Quality  struct {
		Score loose `json:"score"`
	} `json:"quality_score"`
	Format     loose       `json:"parameter_format"`
	Components []Component `json:"components"`
	TTL        number      `json:"message_send_ttl_seconds"`
	Previous   loose       `json:"previous_category"`
	Correct    loose       `json:"correct_category"`
	Sub        loose       `json:"sub_category"`
	Optimized  struct {
		BidAmount number `json:"bid_amount"`
	} `json:"optimization_spec"`
}

// UnmarshalJSON reads a template as the Graph API gives it, or as it is submitted. Parts of the
// wrong type are skipped.
func (t *Template) UnmarshalJSON(raw []byte) error {
	var wire wireTemplateNode
	if err := json.Unmarshal(raw, &wire); err != nil && !decode(raw, &wire) {
		return err
	}

	*t = Template{
		ID: string(wire.ID), Name: string(wire.Name), Language: string(wire.Language),
		Category: strings.ToUpper(string(wire.Category)),
		Status:   strings.ToUpper(string(wire.Status)), RejectedReason: string(wire.Rejected),
		QualityScore:    strings.ToUpper(string(wire.Quality.Score)),
		ParameterFormat: strings.ToUpper(string(wire.Format)), Components: wire.Components,
		MessageSendTTLSeconds: int(wire.TTL),
		PreviousCategory:      string(wire.Previous), CorrectCategory: string(wire.Correct), SubCategory: string(wire.Sub),
		MaxPrice: int(max(wire.Optimized.BidAmount, 0)),
	}
	if t.RejectedReason == "NONE" {
		t.RejectedReason = ""
	}

	if t.ParameterFormat == "" {
		t.ParameterFormat = Positional
		// Meta leaves the format out in places; an example by name tells.
		if t.usesNames() {
			t.ParameterFormat = Named
		}
	}

	return nil
}

// MarshalJSON writes the template as the Graph API gives it.
func (t Template) MarshalJSON() ([]byte, error) {
	wire := map[string]any{"name": t.Name, "language": t.Language, "category": t.Category, "components": t.Components}
	for key, value := range map[string]string{
		"id": t.ID, "status": t.Status, "rejected_reason": t.RejectedReason, "parameter_format": t.ParameterFormat,
		"previous_category": t.PreviousCategory, "correct_category": t.CorrectCategory, "sub_category": t.SubCategory,
	} {
		if value != "" {
			wire[key] = value
		}
	}

	if t.QualityScore != "" {
		wire["quality_score"] = map[string]string{"score": t.QualityScore}
	}
	if t.MessageSendTTLSeconds != 0 {
		wire["message_send_ttl_seconds"] = t.MessageSendTTLSeconds
	}

	return json.Marshal(wire)
}

type submission struct {
	Name            string      `json:"name,omitempty"`
	Language        string      `json:"language,omitempty"`
	Category        string      `json:"category,omitempty"`
	ParameterFormat string      `json:"parameter_format,omitempty"`
	TTL             int         `json:"message_send_ttl_seconds,omitempty"`
	Components      []Component `json:"components"`
}

// submission is the body that creates the template.
func (t Template) submission() submission {
	return submission{t.Name, t.Language, t.Category, t.ParameterFormat, t.MessageSendTTLSeconds, t.Components}
}

// Resubmission is the template as it can be submitted again, in this language or another: what Meta
// has added to it is taken out. Meta writes the texts of authentication templates and turns their
// OTP button into one with an address; an example of media becomes a link that expires, which no
// submission can have, so such a header needs a new handle.
func (t Template) Resubmission() Template {
	t.Components = resubmitted(t.Components, t.Category == authenticated)
	return t
}

func resubmitted(components []Component, code bool) []Component {
	out := slices.Clone(components)
	for i := range out {
		part := &out[i]
		if example := part.Example; example != nil && len(example.HeaderHandle) > 0 && !isHandle(example.HeaderHandle[0]) {
			part.Example = nil
		}

		part.Cards = slices.Clone(part.Cards)
		for j := range part.Cards {
			part.Cards[j].Components = resubmitted(part.Cards[j].Components, code)
		}

		if !code {
			continue
		}

		switch part.Type {
		case "BODY":
			part.Text, part.Example = "", nil
		case "FOOTER":
			part.Text = ""
		case "BUTTONS":
			part.Buttons = slices.Clone(part.Buttons)
			for j := range part.Buttons {
				part.Buttons[j] = part.Buttons[j].asOTP()
			}
		}
	}

	if code { // a footer without minutes says nothing
		out = slices.DeleteFunc(out, func(c Component) bool { return c.Type == "FOOTER" && c.CodeExpirationMinutes == 0 })
	}

	return out
}

// asOTP makes of the button that Meta shows the one that was submitted.
func (b Button) asOTP() Button {
	kind := b.HandsOver()
	if b.Type == "OTP" || kind == "" {
		return b
	}

	b.Type, b.OTPType, b.URL, b.Example = "OTP", kind, "", nil

	return b
}

// HandsOver is how a button hands over a code: COPY_CODE, ONE_TAP, ZERO_TAP, or empty. Meta keeps
// it in the button's address once the template is there.
func (b Button) HandsOver() string {
	if b.OTPType != "" {
		return b.OTPType
	}

	address, err := url.Parse(b.URL)
	if err != nil || address.Query().Get("otp_type") == "" {
		return ""
	}

	return strings.ToUpper(address.Query().Get("otp_type"))
}

func (t Template) usesNames() bool { return useNames(t.Components) }

func useNames(components []Component) bool {
	for _, part := range components {
		if part.Example != nil && len(part.Example.BodyTextNamed)+len(part.Example.HeaderTextNamed) > 0 {
			return true
		}

		for _, card := range part.Cards {
			if useNames(card.Components) {
				return true
			}
		}
	}

	return false
}

// The plain types are read and written without what stands in Extra.
type (
	plainComponent Component
	plainButton    Button
	plainExample   Example
	plainOffer     Offer
	plainCard      Card
)

func (c *Component) UnmarshalJSON(raw []byte) error {
	*c = Component{}
	if !decode(raw, (*plainComponent)(c)) {
		return nil
	}

	c.Extra = unread(raw, plainComponent(*c))
	c.Type, c.Format = strings.ToUpper(c.Type), strings.ToUpper(c.Format)

	return nil
}

func (c Component) MarshalJSON() ([]byte, error) { return marshalWith(plainComponent(c), c.Extra) }

func (b *Button) UnmarshalJSON(raw []byte) error {
	*b = Button{}
	if !decode(raw, (*plainButton)(b)) {
		return nil
	}

	b.Extra = unread(raw, plainButton(*b))
	if id := scalar(b.Extra["flow_id"]); id != "" { // a number
		b.FlowID = id
		delete(b.Extra, "flow_id")
	}

	b.Type, b.OTPType = strings.ToUpper(b.Type), strings.ToUpper(b.OTPType)

	return nil
}

func (b Button) MarshalJSON() ([]byte, error) {
	if b.Type == "COPY_CODE" && len(b.Example) == 1 {
		// Meta wants this one example as a string, though it reads back as a list.
		return marshalWith(struct {
			plainButton
			Example string `json:"example"`
		}{plainButton(b), b.Example[0]}, b.Extra)
	}

	return marshalWith(plainButton(b), b.Extra)
}

func (e *Example) UnmarshalJSON(raw []byte) error {
	*e = Example{}
	if decode(raw, (*plainExample)(e)) {
		e.Extra = unread(raw, plainExample(*e))
	}

	return nil
}

func (e Example) MarshalJSON() ([]byte, error) { return marshalWith(plainExample(e), e.Extra) }

func (o *Offer) UnmarshalJSON(raw []byte) error {
	*o = Offer{}
	if decode(raw, (*plainOffer)(o)) {
		o.Extra = unread(raw, plainOffer(*o))
	}

	return nil
}

func (o Offer) MarshalJSON() ([]byte, error) { return marshalWith(plainOffer(o), o.Extra) }

func (c *Card) UnmarshalJSON(raw []byte) error {
	*c = Card{}
	if decode(raw, (*plainCard)(c)) {
		c.Extra = unread(raw, plainCard(*c))
	}

	return nil
}

func (c Card) MarshalJSON() ([]byte, error) { return marshalWith(plainCard(c), c.Extra) }

// unread are the fields of an object that v, which was read from it, does not write back: those
// that we do not know, and those whose value we could not read. So nothing of Meta's is lost.
func unread(raw []byte, v any) map[string]json.RawMessage {
	var all, read map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}

	written, err := json.Marshal(v)
	if err != nil || json.Unmarshal(written, &read) != nil {
		return nil
	}

	for key := range all {
		if _, known := read[strings.ToLower(key)]; known {
			delete(all, key)
		}
	}

	if len(all) == 0 {
		return nil
	}

	return all
}

// marshalWith writes v's fields and then those of extra that v does not write itself.
func marshalWith(v any, extra map[string]json.RawMessage) ([]byte, error) {
	known, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return known, err
	}

	var written map[string]json.RawMessage
	if err := json.Unmarshal(known, &written); err != nil {
		return nil, err
	}

	more := make(map[string]json.RawMessage, len(extra))
	for key, value := range extra {
		if _, twice := written[key]; !twice {
			more[key] = value
		}
	}

	rest, err := json.Marshal(more)
	if err != nil || len(more) == 0 {
		return known, err
	}

	if len(written) == 0 {
		return rest, nil
	}

	known = append(bytes.TrimSuffix(known, []byte("}")), ',')

	return append(known, rest[1:]...), nil
}

// Texts is a list of strings that may come as one string.
type Texts []string

func (t *Texts) UnmarshalJSON(raw []byte) error {
	*t = nil
	var elements []loose
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '[' {
		decode(raw, &elements)
	} else if s := scalar(raw); s != "" {
		elements = []loose{loose(s)}
	}

	for _, element := range elements {
		*t = append(*t, string(element))
	}

	return nil
}

// Rows is a list of lists of strings that may come as one list.
type Rows [][]string

func (r *Rows) UnmarshalJSON(raw []byte) error {
	*r = nil
	if one := scalar(raw); one != "" { // as in an example on a page of Meta's
		*r = Rows{{one}}
		return nil
	}

	var elements []json.RawMessage
	if !decode(raw, &elements) {
		return nil
	}

	var flat []string
	for _, element := range elements {
		var row Texts
		_ = row.UnmarshalJSON(element)
		if element[0] == '[' {
			*r = append(*r, row)
		} else {
			flat = append(flat, row...)
		}
	}

	if len(flat) > 0 {
		*r = append(*r, flat)
	}

	return nil
}
