package whatsapp

import (
	"encoding/json"
	"regexp"
	"strings"
)

// E.164 has up to 15 digits; the shortest numbers of WhatsApp have about 7.
const (
	fewestDigits = 5
	mostDigits   = 15
)

var (
	// A business-scoped user id, also of linked portfolios: US.1349…, US.ENT.1181….
	userIDForm = regexp.MustCompile(`^[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}$`)
	// What stands in a field for a user id is believed in more forms.
	idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)
)

// person sorts what Meta calls somebody by: a number, as digits, and a business-scoped user id,
// which may stand where a number should. What is neither is empty, and names nobody.
func person(number, userID ident) (digits, user string) {
	if idForm.MatchString(string(userID)) {
		user = string(userID)
	}

	digits = strings.TrimPrefix(string(number), "+")
	if isNumber(digits) {
		return digits, user
	}
	if user == "" && userIDForm.MatchString(digits) {
		user = digits
	}

	return "", user
}

// Digits keeps the decimal digits of a phone number, as people write it.
func Digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}

func isNumber(digits string) bool {
	if len(digits) < fewestDigits || len(digits) > mostDigits {
		return false
	}

	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}

	return true
}

// profile is somebody in the list of contacts that comes along.
type profile struct {
	WaID    ident `json:"wa_id"`
	UserID  ident `json:"user_id"`
	Profile struct {
		Name     word `json:"name"`
		Username word `json:"username"`
	} `json:"profile"`
}

func readProfiles(raw json.RawMessage) []profile {
	var profiles []profile
	for _, element := range list(raw) {
		var p profile
		if decode(element, &p) {
			profiles = append(profiles, p)
		}
	}

	return profiles
}

// profileOf finds a sender among the profiles. Samples and a few accounts have a profile whose id
// is not the sender's: WhatsApp spells some numbers in two ways. The only profile is the sender's
// all the same if all messages beside it are from one sender.
func profileOf(profiles []profile, from, userID ident, onlySender bool) profile {
	for _, p := range profiles {
		if (from != "" && p.WaID == from) || (userID != "" && p.UserID == userID) {
			return p
		}
	}

	if len(profiles) == 1 && onlySender {
		return profiles[0]
	}

	return profile{}
}

// oneSender reports whether all messages are from the same sender.
func oneSender(messages []wireInbound) bool {
	for _, m := range messages {
		if m.From != messages[0].From || m.FromUserID != messages[0].FromUserID {
			return false
		}
	}

	return true
}
