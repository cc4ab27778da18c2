package whatsapp

import "encoding/json"

// handovers are the types of a handover, and whether the app that is told of it has the
// conversation from then on.
var handovers = map[word]bool{"control_passed": true, "control_taken": false}

// handover reads who holds a conversation now. Here recipient is the business, and sender the
// person. developers.facebook.com, WhatsApp "messaging_handovers webhook" (read 2026-09).
func (w *Webhook) handover(from origin, value json.RawMessage) bool {
	type control struct {
		Role word `json:"new_owner_role"`
	}
	var wire struct {
		Recipient metadata `json:"recipient"`
		Sender    struct {
			Phone  ident `json:"phone_number"`
			WaID   ident `json:"wa_id"`
			UserID ident `json:"user_id"`
		} `json:"sender"`
		Timestamp stamp   `json:"timestamp"`
		Type      word    `json:"type"`
		Passed    control `json:"control_passed"`
		Taken     control `json:"control_taken"`
	}
	if !decode(value, &wire) || wire.Recipient.PhoneNumberID == "" {
		return false
	}

	ours, known := handovers[wire.Type]
	if !known {
		return notice("messaging_handovers")(w, from, value)
	}

	h := Handover{WABAID: from.wabaID, PhoneNumberID: string(wire.Recipient.PhoneNumberID), Ours: ours,
		Role: either(wire.Passed.Role, wire.Taken.Role), At: later(wire.Timestamp, from.at)}
	h.From, h.FromUserID = person(ident(either(wire.Sender.Phone, wire.Sender.WaID)), wire.Sender.UserID)
	w.Handovers = append(w.Handovers, h)

	return true
}
