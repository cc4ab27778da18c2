package whatsapp

import (
	"bytes"
	"encoding/json"
	"reflect"
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
}

// Card is one card of a carousel.
type Card struct {
	Components []Component `json:"components"`
}

// Button is a button of a template. What we do not know of it, such as what belongs to a Flow, is
// kept in Extra and written back.
type Button struct {
	// QUICK_REPLY, URL, PHONE_NUMBER, COPY_CODE, OTP, FLOW, CATALOG, MPM, SPM, VOICE_CALL …
	Type        string `json:"type"`
	Text        string `json:"text,omitempty"`
	URL         string `json:"url,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
	Example     Texts  `json:"example,omitempty"`
	OTPType     string `json:"otp_type,omitempty"` // COPY_CODE, ONE_TAP, ZERO_TAP

	AutofillText         string         `json:"autofill_text,omitempty"`
	SupportedApps        []SupportedApp `json:"supported_apps,omitempty"`
	ZeroTapTermsAccepted bool           `json:"zero_tap_terms_accepted,omitempty"`

	Extra map[string]json.RawMessage `json:"-"`
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

// edition is the body that edits the template.
func (t Template) edition() submission {
	return submission{Category: t.Category, TTL: t.MessageSendTTLSeconds, Components: t.Components}
}

func (t Template) usesNames() bool {
	for _, component := range t.Components {
		if component.Example != nil && len(component.Example.BodyTextNamed)+len(component.Example.HeaderTextNamed) > 0 {
			return true
		}
	}

	return false
}

type plainComponent Component

func (c *Component) UnmarshalJSON(raw []byte) error {
	*c = Component{}
	if !decode(raw, (*plainComponent)(c)) {
		return nil
	}

	c.Type, c.Format = strings.ToUpper(c.Type), strings.ToUpper(c.Format)
	c.Extra = unknownKeys(raw, componentKeys)

	return nil
}

func (c Component) MarshalJSON() ([]byte, error) {
	return marshalWith(plainComponent(c), c.Extra)
}

type plainButton Button

func (b *Button) UnmarshalJSON(raw []byte) error {
	*b = Button{}
	if !decode(raw, (*plainButton)(b)) {
		return nil
	}

	b.Type, b.OTPType = strings.ToUpper(b.Type), strings.ToUpper(b.OTPType)
	b.Extra = unknownKeys(raw, buttonKeys)

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

var (
	componentKeys = jsonKeys(reflect.TypeFor[Component]())
	buttonKeys    = jsonKeys(reflect.TypeFor[Button]())
)

func jsonKeys(t reflect.Type) map[string]bool {
	keys := make(map[string]bool, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys[name] = true
	}

	return keys
}

func unknownKeys(raw []byte, known map[string]bool) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}

	for key := range all {
		if known[strings.ToLower(key)] {
			delete(all, key)
		}
	}

	if len(all) == 0 {
		return nil
	}

	return all
}

// marshalWith writes v's fields and then the extra ones.
func marshalWith(v any, extra map[string]json.RawMessage) ([]byte, error) {
	known, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return known, err
	}

	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}

	known = append(bytes.TrimSuffix(known, []byte("}")), ',')

	return append(known, more[1:]...), nil
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
