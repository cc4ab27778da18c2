package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// ParseWebhook reads the body of a webhook, which is up to 1,000 changes. It fails only on what is
// no webhook at all; a part that cannot be understood goes to Unknown and costs its siblings
// nothing. Texts and JSON among the facts are such as both databases store. Times are as Meta gave
// them: see Date.
func ParseWebhook(body []byte) (Webhook, error) {
	body = clean(body)
	if len(body) <= shallowUpTo || depth(body) <= maxDepth { // the fast way is recursive without a bound of its own
		if webhook, ok := parseReceipts(body); ok {
			return webhook, nil
		}
	}

	return parsePatiently(body)
}

// shallowUpTo is the size, in bytes, up to which a body cannot be nested so deeply that reading it
// takes much stack.
const shallowUpTo = 16 << 10

func parsePatiently(body []byte) (Webhook, error) {
	var w Webhook
	var payloads []json.RawMessage
	switch trimmed := bytes.TrimSpace(body); {
	case isObject(trimmed):
		payloads = []json.RawMessage{trimmed}
	case len(trimmed) > 0 && trimmed[0] == '[':
		if err := json.Unmarshal(trimmed, &payloads); err != nil {
			return w, fmt.Errorf("read webhook: %w", err)
		}
	}

	if len(payloads) == 0 {
		return w, errors.New("read webhook: not a JSON object")
	}
	if len(payloads) == 1 && !json.Valid(payloads[0]) {
		return w, errors.New("read webhook: not JSON, or nested too deeply")
	}

	switch {
	case depth(body) > maxDepth:
		w.unknown("something that is nested too deeply")
	case repeatsKey(gjson.ParseBytes(body)):
		w.unknown("a key that stands twice in an object")
	}

	for _, payload := range payloads {
		w.payload(payload)
	}

	return w, nil
}

func (w *Webhook) payload(raw json.RawMessage) {
	var envelope struct {
		Object  word            `json:"object"`
		Entries json.RawMessage `json:"entry"`
	}
	if !isObject(raw) || !decode(raw, &envelope) {
		w.unknown("a payload that is no object")
		return
	}

	if envelope.Object != "" && envelope.Object != businessAccount {
		w.unknown("object " + quoted(string(envelope.Object)))
		return
	}

	entries := list(envelope.Entries)
	if entries == nil {
		w.unknown("a payload without entries")
	}

	for _, entry := range entries {
		w.entry(entry)
	}
}

// repeatsKey reports whether an object has a key twice: of two values only one is read.
func repeatsKey(v gjson.Result) (repeats bool) {
	seen := map[string]bool{}
	if v.IsObject() || v.IsArray() {
		v.ForEach(func(key, value gjson.Result) bool {
			if v.IsObject() {
				name := strings.ToLower(key.Str) // encoding/json does not tell them apart
				repeats = seen[name]
				seen[name] = true
			}

			repeats = repeats || repeatsKey(value)
			return !repeats
		})
	}

	return repeats
}

const businessAccount = "whatsapp_business_account"

// origin is where a change came from.
type origin struct {
	wabaID        string
	phoneNumberID string
	at            time.Time
	standby       bool
}

func (w *Webhook) entry(raw json.RawMessage) {
	var entry struct {
		ID      ident           `json:"id"`
		Time    stamp           `json:"time"`
		Changes json.RawMessage `json:"changes"`
	}
	changes := []json.RawMessage(nil)
	if isObject(raw) && decode(raw, &entry) {
		changes = list(entry.Changes)
	}

	if changes == nil {
		w.unknown("an entry without changes")
		return
	}

	if id := string(entry.ID); id != "" && !slices.Contains(w.WABAIDs, id) {
		w.WABAIDs = append(w.WABAIDs, id)
	}

	for _, change := range changes {
		w.change(origin{wabaID: string(entry.ID), at: entry.Time.time()}, change)
	}
}

func (w *Webhook) change(from origin, raw json.RawMessage) {
	var change struct {
		Field word            `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if !isObject(raw) || !decode(raw, &change) || !isObject(change.Value) {
		w.unknown("a change without a value")
		return
	}

	field := guessField(string(change.Field), change.Value)
	read, known := fields[field]
	if !known {
		w.unknown("field " + quoted(field))
		return
	}

	if before := len(w.Unknown); !read(w, from, change.Value) && len(w.Unknown) == before {
		w.unknown("a value of field " + field)
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
	"business_username_updates":   numberUpdate(NumberUsernameChanged),
	"business_username_update":    numberUpdate(NumberUsernameChanged), // as Meta's prose has it
	"account_settings_update":     numberUpdate(NumberSettingsChanged),

	"message_template_status_update":      templateUpdate(TemplateStatusChanged),
	"message_template_quality_update":     templateUpdate(TemplateQualityChanged),
	"message_template_components_update":  templateUpdate(TemplateComponentsChanged),
	"template_category_update":            templateUpdate(TemplateCategoryChanged),
	"template_correct_category_detection": templateUpdate(TemplateCategoryDetected),

	"calls":               (*Webhook).calls,
	"messaging_handovers": (*Webhook).handover,
	"history":             unapplied("history"),
	"smb_app_state_sync":  unapplied("smb_app_state_sync"),
	"whatsapp_account":    unapplied("whatsapp_account"),

	"automatic_events":             notice("automatic_events"),
	"business_status_update":       notice("business_status_update"),
	"flows":                        notice("flows"),
	"group_lifecycle_update":       notice("group_lifecycle_update"),
	"group_participants_update":    notice("group_participants_update"),
	"group_settings_update":        notice("group_settings_update"),
	"group_status_update":          notice("group_status_update"),
	"partner_solutions":            notice("partner_solutions"),
	"payment_configuration_update": notice("payment_configuration_update"),
	"tracking_events":              notice("tracking_events"),
}

// Fields lists the fields that are known by name.
func Fields() []string { return slices.Sorted(maps.Keys(fields)) }

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

func (w *Webhook) unknown(what string) { w.Unknown = append(w.Unknown, what) }

// quoted is one of Meta's words as it may stand in logs and lists: what is damaged may hold
// anything, such as a number.
func quoted(text string) string {
	const enough = 40
	return strconv.Quote(strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '?'
	}, cut(text, enough)))
}

// unapplied is a field whose content has no place here yet.
func unapplied(field string) func(*Webhook, origin, json.RawMessage) bool {
	tell := notice(field)
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		w.Unapplied = append(w.Unapplied, "field "+field)
		return tell(w, from, value)
	}
}

func notice(field string) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			Event     word     `json:"event"`
			Type      word     `json:"type"`
			Timestamp stamp    `json:"timestamp"`
			Metadata  metadata `json:"metadata"`
			Recipient metadata `json:"recipient"`
		}
		if !decode(value, &wire) {
			return false
		}

		n := Notice{
			WABAID: from.wabaID, PhoneNumberID: either(wire.Metadata.PhoneNumberID, wire.Recipient.PhoneNumberID),
			Field: field, Event: either(wire.Event, wire.Type), At: later(wire.Timestamp, from.at),
		}

		w.Notices = append(w.Notices, n)

		return true
	}
}

type metadata struct {
	PhoneNumberID ident `json:"phone_number_id"`
}

// later prefers the time inside a value to the entry's.
func later(inside stamp, entry time.Time) time.Time {
	if inside.time().IsZero() {
		return entry
	}
	return inside.time()
}

func normalLanguage(language word) string {
	return strings.ReplaceAll(string(language), "-", "_")
}

// unlessNone is text that is empty when Meta says NONE.
func unlessNone(text word) string {
	if text == "NONE" {
		return ""
	}
	return string(text)
}
