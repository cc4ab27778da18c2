package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ParseWebhook reads the body of a webhook, which is up to 1,000 changes. It fails only on what is no
// webhook at all; a part that cannot be understood goes to Unknown and costs its siblings nothing.
func ParseWebhook(body []byte) (Webhook, error) {
	if webhook, ok := parseReceipts(body); ok {
		return webhook, nil
	}
	return parsePatiently(body)
}

func parsePatiently(body []byte) (Webhook, error) {
	var envelope struct {
		Object  loose           `json:"object"`
		Entries json.RawMessage `json:"entry"`
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return Webhook{}, errors.New("read webhook: not a JSON object")
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Webhook{}, fmt.Errorf("read webhook: %w", err)
	}
	var w Webhook
	if envelope.Object != "" && envelope.Object != businessAccount {
		w.unknown(body)
		return w, nil
	}
	entries := list(envelope.Entries)
	if entries == nil && len(envelope.Entries) > 0 && string(envelope.Entries) != "[]" {
		w.unknown(body)
	}
	for _, entry := range entries {
		w.entry(entry)
	}
	return w, nil
}

const businessAccount = "whatsapp_business_account"

// origin is where a change came from.
type origin struct {
	wabaID        string
	phoneNumberID string
	at            time.Time
}

func (w *Webhook) entry(raw json.RawMessage) {
	var entry struct {
		ID      loose           `json:"id"`
		Time    stamp           `json:"time"`
		Changes json.RawMessage `json:"changes"`
	}
	changes := []json.RawMessage(nil)
	if decode(raw, &entry) {
		changes = list(entry.Changes)
	}
	if changes == nil {
		w.unknown(raw)
		return
	}
	for _, change := range changes {
		w.change(origin{wabaID: string(entry.ID), at: entry.Time.time()}, change)
	}
}

func (w *Webhook) change(from origin, raw json.RawMessage) {
	var change struct {
		Field loose           `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if !decode(raw, &change) || !isObject(change.Value) {
		w.unknown(raw)
		return
	}
	field := guessField(string(change.Field), change.Value)
	read, known := fields[field]
	if !known {
		w.unknown(raw)
		return
	}
	if !read(w, from, change.Value) {
		w.unknown(raw)
	}
}

// fields lists how the value of each field is read. Each tells whether it understood.
var fields = map[string]func(*Webhook, origin, json.RawMessage) bool{
	"messages":                    (*Webhook).messages,
	"standby":                     (*Webhook).standby,
	"message_echoes":              (*Webhook).messages,
	"smb_message_echoes":          (*Webhook).messages,
	"user_preferences":            (*Webhook).preferences,
	"account_update":              (*Webhook).accountUpdate,
	"account_alerts":              (*Webhook).accountAlert,
	"account_review_update":       (*Webhook).accountReview,
	"business_capability_update":  (*Webhook).capability,
	"security":                    (*Webhook).security,
	"phone_number_quality_update": numberUpdate(NumberQualityChanged),
	"phone_number_name_update":    numberUpdate(NumberNameChanged),
	"business_username_update":    numberUpdate(NumberUsernameChanged),
	"account_settings_update":     numberUpdate(NumberSettingsChanged),

	"message_template_status_update":     templateUpdate(TemplateStatusChanged),
	"message_template_quality_update":    templateUpdate(TemplateQualityChanged),
	"message_template_components_update": templateUpdate(TemplateComponentsChanged),
	"template_category_update":           templateUpdate(TemplateCategoryChanged),

	"automatic_events":             notice("automatic_events"),
	"business_status_update":       notice("business_status_update"),
	"calls":                        notice("calls"),
	"flows":                        notice("flows"),
	"group_lifecycle_update":       notice("group_lifecycle_update"),
	"group_participants_update":    notice("group_participants_update"),
	"group_settings_update":        notice("group_settings_update"),
	"group_status_update":          notice("group_status_update"),
	"history":                      notice("history"),
	"messaging_handovers":          notice("messaging_handovers"),
	"partner_solutions":            notice("partner_solutions"),
	"payment_configuration_update": notice("payment_configuration_update"),
	"smb_app_state_sync":           notice("smb_app_state_sync"),
	"tracking_events":              notice("tracking_events"),
}

// guessField corrects a field that is missing, or that Meta has mixed up, by what the value holds.
func guessField(field string, value json.RawMessage) string {
	switch field {
	case "message_template_status_update":
		if bytes.Contains(value, []byte(`"new_quality_score"`)) {
			return "message_template_quality_update"
		}
	case "":
		for _, guess := range []struct{ key, field string }{
			{`"new_quality_score"`, "message_template_quality_update"},
			{`"message_template_id"`, "message_template_status_update"},
			{`"statuses"`, "messages"}, {`"messages"`, "messages"},
			{`"waba_info"`, "account_update"},
		} {
			if bytes.Contains(value, []byte(guess.key)) {
				return guess.field
			}
		}
	}
	return field
}

func (w *Webhook) unknown(raw []byte) {
	w.Unknown = append(w.Unknown, json.RawMessage(bytes.Clone(raw)))
}

func notice(field string) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			Event     loose    `json:"event"`
			Type      loose    `json:"type"`
			Timestamp stamp    `json:"timestamp"`
			Metadata  metadata `json:"metadata"`
			Recipient metadata `json:"recipient"`
		}
		if !decode(value, &wire) {
			return false
		}
		n := Notice{
			WABAID: from.wabaID, PhoneNumberID: either(wire.Metadata.PhoneNumberID, wire.Recipient.PhoneNumberID),
			Field: field, Event: either(wire.Event, wire.Type), At: later(wire.Timestamp, from.at), Raw: bytes.Clone(value),
		}
		w.Notices = append(w.Notices, n)
		return true
	}
}

type metadata struct {
	PhoneNumberID loose `json:"phone_number_id"`
}

// later prefers the time inside a value to the entry's.
func later(inside stamp, entry time.Time) time.Time {
	if inside.time().IsZero() {
		return entry
	}
	return inside.time()
}

func normalLanguage(language loose) string {
	return strings.ReplaceAll(string(language), "-", "_")
}

// unlessNone is text that is empty when Meta says NONE.
func unlessNone(text loose) string {
	if text == "NONE" {
		return ""
	}
	return string(text)
}
