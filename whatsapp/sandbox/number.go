package sandbox

import (
	"net/http"
	"regexp"
)

// numberEdge answers for a phone number's node and edges.
func (s *Sandbox) numberEdge(c *call, n *number) *refusal {
	if c.r.Method == http.MethodPost && (c.edge == "messages" || c.edge == "marketing_messages") {
		s.catalog.RLock()
		registered := !n.Unregistered
		s.catalog.RUnlock()
		if !registered {
			return refuse(133010, "The number is not registered.")
		}

		return s.send(c, n)
	}

	if no := s.meter(c, n.account); no != nil {
		return no
	}

	switch c.r.Method + " " + c.edge {
	case "GET ":
		s.catalog.RLock()
		node := s.numberNode(n)
		s.catalog.RUnlock()

		return s.fields(c, node, numberFields...)
	case "POST ":
		return s.setNumber(c, n)
	case "POST register":
		return s.register(c, n)
	case "POST deregister":
		return s.deregister(c, n)
	case "POST request_code":
		return s.requestCode(c, n)
	case "POST verify_code":
		return s.verifyCode(c, n)
	case "GET whatsapp_business_profile":
		return s.showProfile(c, n)
	case "POST whatsapp_business_profile":
		return s.setProfile(c, n)
	case "GET username", "POST username", "DELETE username":
		return s.username(c, n)
	case "POST thread_control":
		return s.controlThread(c, n)
	case "POST media":
		return s.receiveMedia(c, n)
	case "DELETE contact_book":
		return s.forgetContact(c)
	}

	return missing(c.r.Method, c.id+"/"+c.edge)
}

// userIDPattern is the form of user ids; a portfolio's own has no second country.
var userIDPattern = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9]{1,128}$`)

// forgetContact answers as if the contact book had an entry for everybody; the sandbox keeps none.
func (s *Sandbox) forgetContact(c *call) *refusal {
	switch query := c.r.URL.Query(); {
	case query.Get("messaging_product") != "whatsapp":
		return invalid("The parameter messaging_product is required.")
	case !userIDPattern.MatchString(query.Get("bsuid")):
		return invalid("Param bsuid must be a business-scoped user id.")
	}

	s.write(c.w, http.StatusOK, map[string]any{"messaging_product": "whatsapp", "success": true, "deleted": true})

	return nil
}

// registration is whether a number may send, and its PIN, as the state file keeps it.
type registration struct {
	NumberID   string `json:"number_id"`
	Registered bool   `json:"registered"`
	PIN        string `json:"pin,omitempty"`
}

var pinPattern = regexp.MustCompile(`^\d{6}$`)

func (s *Sandbox) register(c *call, n *number) *refusal {
	var body struct {
		MessagingProduct string `json:"messaging_product"`
		PIN              string `json:"pin"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}
	if body.MessagingProduct != "whatsapp" {
		return invalid("The parameter messaging_product is required.")
	}
	if !pinPattern.MatchString(body.PIN) {
		return invalid("Param pin must be 6 digits.")
	}

	s.catalog.Lock()
	no := s.enterOrLeave(n)
	switch {
	case no != nil:
	case !n.state.Verified:
		no = refuse(133006, "The number has to be verified before it is registered.")
	case n.pin != "":
		no = s.guess(n, body.PIN)
	}

	s.catalog.Unlock()
	if no != nil {
		return no
	}

	s.setRegistration(n, registration{n.ID, true, body.PIN})
	s.succeed(c.w)

	return nil
}

func (s *Sandbox) setRegistration(n *number, to registration) {
	s.catalog.Lock()
	if to.PIN == "" {
		to.PIN = n.pin // a PIN outlives deregistration
	}

	n.Unregistered, n.pin = !to.Registered, to.PIN
	s.catalog.Unlock()
	s.journal.put(s, record{Registration: &to})
}

// setNumber changes a number's PIN or callback.
func (s *Sandbox) setNumber(c *call, n *number) *refusal {
	var body struct {
		PIN     string `json:"pin"`
		Webhook *struct {
			Override    string `json:"override_callback_uri"`
			VerifyToken string `json:"verify_token"`
		} `json:"webhook_configuration"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}

	if body.PIN != "" {
		if !pinPattern.MatchString(body.PIN) {
			return invalid("Param pin must be 6 digits.")
		}

		s.catalog.RLock()
		registered := !n.Unregistered
		s.catalog.RUnlock()
		s.setRegistration(n, registration{n.ID, registered, body.PIN})
	}

	if hook := body.Webhook; hook != nil {
		if hook.Override != "" {
			if no := s.verify(c.r.Context(), hook.Override, hook.VerifyToken); no != nil {
				return no
			}
		}

		n.override.Store(&hook.Override)
		s.journal.put(s, record{NumberCallback: &numberCallback{n.ID, hook.Override}})
	}

	s.succeed(c.w)

	return nil
}

// numberCallback is a number's own callback, as the state file keeps it.
type numberCallback struct {
	NumberID string `json:"number_id"`
	Override string `json:"override"`
}
