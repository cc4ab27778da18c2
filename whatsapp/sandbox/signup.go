package sandbox

import (
	"cmp"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The permissions that WhatsApp knows.
const (
	management = "whatsapp_business_management"
	messaging  = "whatsapp_business_messaging"
)

// scopeOf is the permission that a call needs.
func scopeOf(c *call) string {
	switch c.edge {
	case "messages", "marketing_messages", "media":
		return messaging
	}

	return management
}

// signUpCode is the code that an Embedded Signup gives a page: good once, for codesLast.
type signUpCode struct {
	Code      string    `json:"code"`
	WABAID    string    `json:"waba_id"`
	ExpiresAt time.Time `json:"expires_at"`
	Used      bool      `json:"used,omitempty"`
}

// codesLast is how long a code can be exchanged. Meta's last from half a minute to a few.
const codesLast = 10 * time.Minute

// SignUp plays a customer in Meta's Embedded Signup: it makes an account with a number that is not
// registered yet and a token of its own, and returns the code, the account's id and the number's.
// With a WABAID the customer shares an account that is there.
func (s *Sandbox) SignUp(name, wabaID string) (code, waba, number string, err error) {
	if wabaID == "" {
		wabaID, number = newID(), newID()
		// 416 555 0100 to 0199 are magic recipients; these are as fictitious, and businesses'
		display := fmt.Sprintf("+1 %d-555-01%02d", 500+mathrand.IntN(400), mathrand.IntN(100))
		s.AddAccount(AccountSpec{WABAID: wabaID, Name: cmp.Or(name, "Sandbox"), Token: "EAAsandbox" + rand.Text(),
			Numbers: []NumberSpec{{ID: number, DisplayNumber: display, VerifiedName: cmp.Or(name, "Sandbox"),
				Unregistered: true}}})
	}

	s.catalog.RLock()
	a := s.catalog.accounts[wabaID]
	s.catalog.RUnlock()
	if a == nil {
		return "", "", "", fmt.Errorf("there is no account %s", wabaID)
	}
	if number == "" && len(a.numbers) > 0 {
		number = a.numbers[0].ID
	}

	made := &signUpCode{Code: "AQ" + rand.Text(), WABAID: wabaID, ExpiresAt: s.now().Add(codesLast)}
	s.keepCode(made)

	return made.Code, wabaID, number, nil
}

func (s *Sandbox) keepCode(c *signUpCode) {
	s.catalog.Lock()
	for code, old := range s.catalog.codes {
		if s.now().After(old.ExpiresAt.Add(codesLast)) {
			delete(s.catalog.codes, code)
		}
	}

	s.catalog.codes[c.Code] = c
	s.catalog.Unlock()
	s.journal.put(s, record{SignUpCode: c})
}

// signUp is the call by which a service has an account made for trial. Meta has none such.
func (s *Sandbox) signUp(c *call) *refusal {
	if !c.token.app {
		return refuse(10, "Only the app's own token signs customers up.")
	}

	var body struct{ Name string }
	if no := decode(c.r, &body); no != nil {
		return no
	}

	code, waba, number, err := s.SignUp(body.Name, "")
	if err != nil {
		return refuse(1, "%s", err)
	}

	s.write(c.w, http.StatusOK, map[string]any{"code": code, "waba_id": waba, "phone_number_id": number})

	return nil
}

func inspectSignUp(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		Name   string
		WABAID string `json:"waba_id"`
	}](r)
	if err != nil {
		return nil, err
	}

	code, waba, number, err := s.SignUp(body.Name, body.WABAID)

	return map[string]any{"code": code, "waba_id": waba, "phone_number_id": number}, err
}

// accessToken trades app credentials for the app's token, or the code of an Embedded Signup for a
// business token.
func (s *Sandbox) accessToken(c *call) *refusal {
	o := s.options.Load()
	if err := c.r.ParseForm(); err != nil {
		return invalid("The form cannot be read: %s", err)
	}

	form := c.r.Form
	if form.Get("client_id") != o.AppID || form.Get("client_secret") != o.AppSecret {
		no := refuse(1, "")
		no.message = "Error validating client secret."
		return no
	}

	if form.Get("grant_type") == "client_credentials" && !form.Has("code") {
		s.write(c.w, http.StatusOK, map[string]any{"access_token": o.AppID + "|" + o.AppSecret, "token_type": "bearer"})
		return nil
	}

	token, no := s.exchange(form.Get("code"))
	if no != nil {
		return no
	}

	answer := map[string]any{"access_token": token.value, "token_type": "bearer"}
	if !token.expires.IsZero() {
		answer["expires_in"] = int(token.expires.Sub(s.now()).Seconds())
	}

	s.write(c.w, http.StatusOK, answer)

	return nil
}

// exchange spends a code.
func (s *Sandbox) exchange(code string) (*token, *refusal) {
	refused := func(subcode int, message string) (*token, *refusal) {
		no := refuse(100, "")
		no.subcode, no.message = subcode, message
		return nil, no
	}

	k := &s.catalog
	k.Lock()
	known := k.codes[code]
	if magic, is := strings.CutPrefix(code, "code_"); is && known == nil {
		id, _, _ := strings.Cut(magic, "_")
		known = &signUpCode{Code: code, WABAID: id, ExpiresAt: s.now().Add(codesLast)}
	}

	var a *account
	if known != nil {
		a = k.accounts[known.WABAID]
	}

	switch {
	case a == nil || k.tokens[a.Token] == nil || s.now().After(known.ExpiresAt):
		k.Unlock()
		return refused(36007, "This authorization code has expired.")
	case known.Used:
		k.Unlock()
		return refused(36009, "This authorization code has been used.")
	}

	spent := *known
	spent.Used = true
	k.codes[code] = &spent
	t := k.tokens[a.Token]
	k.Unlock()
	s.journal.put(s, record{SignUpCode: &spent})

	return t, nil
}

func (s *Sandbox) debugToken(c *call) *refusal {
	o := s.options.Load()
	data := map[string]any{"app_id": o.AppID, "application": "Carillon sandbox", "type": "SYSTEM_USER"}
	t, no := s.tokenOf(c.r.URL.Query().Get("input_token"))

	switch {
	case no != nil:
		data["is_valid"], data["scopes"] = false, []string{}
		data["error"] = map[string]any{"code": no.code, "message": no.message, "subcode": no.subcode}
	case t.app:
		data["type"], data["is_valid"], data["scopes"] = "APP", true, []string{}
	default:
		ids := []string{}
		s.catalog.RLock()
		for _, a := range t.accounts {
			ids = append(ids, a.WABAID)
		}

		scopes, expires := t.scopes, int64(0)
		if !t.expires.IsZero() {
			expires = t.expires.Unix()
		}

		s.catalog.RUnlock()
		slices.Sort(ids)
		data["is_valid"], data["scopes"], data["user_id"] = true, scopes, "1040000000000001"
		data["expires_at"], data["data_access_expires_at"], data["issued_at"] = expires, 0, t.issued.Unix()
		granular := make([]any, len(scopes))
		for i, scope := range scopes {
			granular[i] = map[string]any{"scope": scope, "target_ids": ids}
		}

		data["granular_scopes"] = granular
	}

	s.write(c.w, http.StatusOK, map[string]any{"data": data})

	return nil
}
