package sandbox

import (
	"fmt"
	"net/http"

	"carillon/whatsapp"
)

// heldElsewhere says whether another app holds the conversation of a number and a person.
func (s *Sandbox) heldElsewhere(n *number, person string) bool {
	s.catalog.RLock()
	defer s.catalog.RUnlock()
	return n.state.Elsewhere[person]
}

// checkHolder refuses what is no template while another app holds the conversation.
func (s *Sandbox) checkHolder(n *number, to string) *refusal {
	if s.heldElsewhere(n, to) {
		return refuse(131070, "The thread with this person is owned by another app.")
	}
	return nil
}

// PassThread gives the conversation of a number and a person to another app, or to ours, and tells
// ours of it by messaging_handovers.
func (s *Sandbox) PassThread(phoneNumberID, person string, ours bool) error {
	person = whatsapp.Digits(person)
	n, err := s.changeNumber(phoneNumberID, func(state *numberState) {
		if ours {
			delete(state.Elsewhere, person)
			return
		}
		if state.Elsewhere == nil {
			state.Elsewhere = map[string]bool{}
		}

		state.Elsewhere[person] = true
	})
	if err != nil {
		return err
	}

	kind, from, to := "control_taken", "customer_service", "escalation"
	if ours {
		kind, from, to = "control_passed", to, from
	}

	s.tell(n.account, nil, "messaging_handovers", map[string]any{
		"messaging_product": "whatsapp",
		"recipient":         map[string]any{"phone_number_id": n.ID, "display_phone_number": n.digits},
		"sender":            map[string]any{"phone_number": person},
		"timestamp":         fmt.Sprint(s.now().Unix()),
		"type":              kind,
		kind:                map[string]any{"previous_owner_role": from, "new_owner_role": to, "metadata": ""},
	})

	return nil
}

// controlThread answers POST /{number}/thread_control of our app: pass and release.
func (s *Sandbox) controlThread(c *call, n *number) *refusal {
	var body struct {
		Action    string `json:"action"`
		To        string `json:"to"`
		Recipient string `json:"recipient"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}

	person := whatsapp.Digits(body.To)
	switch {
	case (body.To == "") == (body.Recipient == ""):
		return invalid("Exactly one of the parameters to and recipient is required.")
	case body.Action == "take":
		no := refuse(100, "Only the escalation partner may take a thread.")
		no.subcode = 2494191
		return no
	case body.Action != "pass" && body.Action != "release":
		return invalid("Param action must be one of {PASS, RELEASE, TAKE} - got %q.", body.Action)
	case s.heldElsewhere(n, person):
		return refuse(131070, "The thread with this person is owned by another app.")
	}

	if body.Action == "pass" {
		if _, err := s.changeNumber(n.ID, func(state *numberState) {
			if state.Elsewhere == nil {
				state.Elsewhere = map[string]bool{}
			}

			state.Elsewhere[person] = true
		}); err != nil {
			return invalid("%s", err)
		}
	}

	s.write(c.w, http.StatusOK, map[string]any{"messaging_product": "whatsapp", "request_id": s.trace()})

	return nil
}

func inspectThread(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		PhoneNumberID string `json:"phone_number_id"`
		Person        string
		Ours          bool
	}](r)
	if err != nil {
		return nil, err
	}

	return nil, s.PassThread(body.PhoneNumberID, body.Person, body.Ours)
}
