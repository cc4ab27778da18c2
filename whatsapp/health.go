package whatsapp

import "encoding/json"

// Health is whether one thing can send, and what stands in its way: an account, a number, the
// business or the app behind them.
// developers.facebook.com, WhatsApp "Messaging health status" (read 2025-10).
type Health struct {
	Type    string // WABA, PHONE_NUMBER, BUSINESS, APP, MESSAGE_TEMPLATE
	ID      string
	CanSend string // AVAILABLE, LIMITED, BLOCKED
	Notes   []string
	Errors  []HealthError
}

// HealthError is one thing that stands in the way.
type HealthError struct {
	Code        int
	Description string
	Remedy      string // Meta's possible solution
}

// mostHealth bounds the entities of one health, and what is told of each. Meta has five kinds.
const mostHealth = 20

// wireHealth is the field health_status.
type wireHealth json.RawMessage

func (w *wireHealth) UnmarshalJSON(raw []byte) error {
	*w = append((*w)[:0], raw...)
	return nil
}

// health reads it as well as it can: what is not understood says nothing.
func (w wireHealth) health() (all []Health) {
	var status struct {
		Entities json.RawMessage `json:"entities"`
	}
	if !isObject(w) || !decode(w, &status) {
		return nil
	}

	for _, raw := range list(status.Entities) {
		var entity struct {
			Type    word            `json:"entity_type"`
			ID      ident           `json:"id"`
			CanSend word            `json:"can_send_message"`
			Notes   json.RawMessage `json:"additional_info"`
			Errors  json.RawMessage `json:"errors"`
		}
		if !isObject(raw) || !decode(raw, &entity) || len(all) == mostHealth {
			continue
		}

		h := Health{Type: string(entity.Type), ID: string(entity.ID), CanSend: string(entity.CanSend)}
		for _, raw := range list(entity.Notes) {
			var text note
			if decode(raw, &text) && text != "" && len(h.Notes) < mostHealth {
				h.Notes = append(h.Notes, string(text))
			}
		}

		for _, raw := range list(entity.Errors) {
			var failure struct {
				Code        number `json:"error_code"`
				Description note   `json:"error_description"`
				Remedy      note   `json:"possible_solution"`
			}
			if isObject(raw) && decode(raw, &failure) && len(h.Errors) < mostHealth {
				h.Errors = append(h.Errors,
					HealthError{int(failure.Code), string(failure.Description), string(failure.Remedy)})
			}
		}

		all = append(all, h)
	}

	return all
}
