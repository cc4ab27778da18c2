package whatsapp

import (
	"encoding/json"
	"strings"
)

func templateUpdate(kind TemplateUpdateKind) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			ID            ident `json:"message_template_id"`
			Name          ident `json:"message_template_name"`
			Language      word  `json:"message_template_language"`
			Category      word  `json:"message_template_category"`
			Event         word  `json:"event"`
			Reason        word  `json:"reason"`
			RejectionInfo struct {
				Reason         note `json:"reason"`
				Recommendation note `json:"recommendation"`
			} `json:"rejection_info"`
			DisableInfo struct {
				Date stamp `json:"disable_date"`
			} `json:"disable_info"`
			OtherInfo struct {
				Title       word `json:"title"`
				Description note `json:"description"`
			} `json:"other_info"`
			PreviousQuality  word  `json:"previous_quality_score"`
			NewQuality       word  `json:"new_quality_score"`
			PreviousCategory word  `json:"previous_category"`
			NewCategory      word  `json:"new_category"`
			CorrectCategory  word  `json:"correct_category"`
			Suggested        word  `json:"suggested_category"` // as one client has it
			CategoryAt       stamp `json:"category_update_timestamp"`
		}
		if !decode(value, &wire) || (wire.ID == "" && wire.Name == "") {
			return false
		}

		w.Templates = append(w.Templates, TemplateUpdate{
			WABAID: from.wabaID, Kind: kind, TemplateID: string(wire.ID), Name: string(wire.Name),
			Language: normalLanguage(wire.Language),
			At:       from.at, Event: string(wire.Event), Category: string(wire.Category), Reason: unlessNone(wire.Reason),
			RejectionText: string(wire.RejectionInfo.Reason), Recommendation: string(wire.RejectionInfo.Recommendation),
			DisableAt: wire.DisableInfo.Date.time(), Title: string(wire.OtherInfo.Title),
			Description:     string(wire.OtherInfo.Description),
			PreviousQuality: string(wire.PreviousQuality), NewQuality: string(wire.NewQuality),
			PreviousCategory: string(wire.PreviousCategory), NewCategory: string(wire.NewCategory),
			CorrectCategory: either(wire.CorrectCategory, wire.Suggested), CategoryChangesAt: wire.CategoryAt.time(),
		})

		return true
	}
}

func numberUpdate(kind NumberUpdateKind) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			Display      ident    `json:"display_phone_number"`
			Event        word     `json:"event"`
			Decision     word     `json:"decision"`
			Status       word     `json:"status"`
			Type         word     `json:"type"`
			Limit        word     `json:"max_daily_conversations_per_business"`
			CurrentLimit word     `json:"current_limit"`
			OldLimit     word     `json:"old_limit"`
			Name         word     `json:"requested_verified_name"`
			Rejection    word     `json:"rejection_reason"`
			Username     word     `json:"username"`
			Timestamp    stamp    `json:"timestamp"`
			Settings     metadata `json:"phone_number_settings"`
		}
		if !decode(value, &wire) || (wire.Display == "" && wire.Settings.PhoneNumberID == "") {
			return false
		}

		update := NumberUpdate{
			WABAID: from.wabaID, Kind: kind, PhoneNumberID: string(wire.Settings.PhoneNumberID),
			DisplayPhoneNumber: string(wire.Display),
			At:                 later(wire.Timestamp, from.at), Limit: Tier(either(wire.Limit, wire.CurrentLimit)),
			OldLimit:     Tier(wire.OldLimit),
			VerifiedName: string(wire.Name), RejectionReason: unlessNone(wire.Rejection), Username: string(wire.Username),
		}

		for _, event := range []word{wire.Event, wire.Decision, wire.Status, wire.Type} {
			if update.Event == "" {
				update.Event = string(event)
			}
		}

		w.Numbers = append(w.Numbers, update)

		return true
	}
}

type wireAccountUpdate struct {
	Event   word `json:"event"`
	BanInfo struct {
		State word `json:"waba_ban_state"`
		Date  word `json:"waba_ban_date"`
	} `json:"ban_info"`
	Violation struct {
		Type word `json:"violation_type"`
	} `json:"violation_info"`
	Restrictions json.RawMessage `json:"restriction_info"`
	WABAInfo     struct {
		ID           ident `json:"waba_id"`
		Owner        ident `json:"owner_business_id"`
		PartnerAppID ident `json:"partner_app_id"`
	} `json:"waba_info"`
	Disconnection struct {
		Reason word `json:"reason"`
		By     word `json:"initiated_by"`
	} `json:"disconnection_info"`
}

func (w *Webhook) accountUpdate(from origin, value json.RawMessage) bool {
	var wire wireAccountUpdate
	if !decode(value, &wire) || wire.Event == "" {
		return false
	}

	update := AccountUpdate{
		WABAID: from.wabaID, Kind: AccountChanged, At: from.at, Event: string(wire.Event),
		BanState: string(wire.BanInfo.State), BanDate: string(wire.BanInfo.Date), ViolationType: string(wire.Violation.Type),
		OwnerBusinessID: string(wire.WABAInfo.Owner), PartnerAppID: string(wire.WABAInfo.PartnerAppID),
		DisconnectReason: string(wire.Disconnection.Reason), DisconnectedBy: string(wire.Disconnection.By),
	}
	if strings.HasPrefix(update.Event, "PARTNER_") {
		update.PartnerWABAID = string(wire.WABAInfo.ID)
	}

	for _, raw := range list(wire.Restrictions) {
		var restriction struct {
			Type        word  `json:"restriction_type"`
			Expiration  stamp `json:"expiration"`
			Remediation note  `json:"remediation"`
		}
		if !decode(raw, &restriction) || restriction.Type == "" {
			w.unknown("a restriction without a type")
			continue
		}

		if len(update.Restrictions) == mostRestrictions {
			w.unknown("too many restrictions")
			break
		}

		update.Restrictions = append(update.Restrictions,
			Restriction{string(restriction.Type), restriction.Expiration.time(), string(restriction.Remediation)})
	}

	w.Accounts = append(w.Accounts, update)

	return true
}

// mostRestrictions bounds the text that is made of them. Meta has nine kinds.
const mostRestrictions = 20

func (w *Webhook) accountReview(from origin, value json.RawMessage) bool {
	var wire struct {
		Decision word `json:"decision"`
	}
	if !decode(value, &wire) || wire.Decision == "" {
		return false
	}

	w.Accounts = append(w.Accounts, AccountUpdate{
		WABAID: from.wabaID, Kind: AccountReviewed, At: from.at, Event: string(wire.Decision),
	})

	return true
}

type wireAlert struct {
	Severity    word `json:"alert_severity"`
	Status      word `json:"alert_status"`
	Type        word `json:"alert_type"`
	Description note `json:"alert_description"`
}

func (w *Webhook) accountAlert(from origin, value json.RawMessage) bool {
	var wire struct {
		EntityType word       `json:"entity_type"`
		EntityID   ident      `json:"entity_id"`
		Info       *wireAlert `json:"alert_info"`
		wireAlert             // where older payloads have it
	}
	if !decode(value, &wire) {
		return false
	}

	info := wire.wireAlert
	if wire.Info != nil {
		info = *wire.Info
	}
	if info.Type == "" {
		return false
	}

	w.Accounts = append(w.Accounts, AccountUpdate{
		WABAID: from.wabaID, Kind: AccountAlerted, At: from.at, Event: string(info.Type),
		Alert: &Alert{string(wire.EntityType), string(wire.EntityID), string(info.Severity), string(info.Status),
			string(info.Type), string(info.Description)},
	})

	return true
}

func (w *Webhook) capability(from origin, value json.RawMessage) bool {
	var wire struct {
		Limit       word   `json:"max_daily_conversations_per_business"`
		LegacyLimit word   `json:"max_daily_conversation_per_phone"`
		PerBusiness number `json:"max_phone_numbers_per_business"`
		PerWABA     number `json:"max_phone_numbers_per_waba"`
	}
	if !decode(value, &wire) {
		return false
	}

	w.Capabilities = append(w.Capabilities, CapabilityUpdate{
		WABAID: from.wabaID, At: from.at, MessagingLimit: Tier(either(wire.Limit, wire.LegacyLimit)),
		MaxPhoneNumbersPerBusiness: int(wire.PerBusiness), MaxPhoneNumbersPerWABA: int(wire.PerWABA),
	})

	return true
}

func (w *Webhook) security(from origin, value json.RawMessage) bool {
	var wire struct {
		Display   ident `json:"display_phone_number"`
		Event     word  `json:"event"`
		Requester ident `json:"requester"`
	}
	if !decode(value, &wire) || wire.Event == "" {
		return false
	}

	w.Security = append(w.Security, SecurityUpdate{from.wabaID, string(wire.Display), string(wire.Event),
		string(wire.Requester), from.at})

	return true
}

func (w *Webhook) preferences(from origin, value json.RawMessage) bool {
	var wire struct {
		Metadata    metadata        `json:"metadata"`
		Preferences json.RawMessage `json:"user_preferences"`
	}
	if !decode(value, &wire) {
		return false
	}

	preferences := list(wire.Preferences)
	for _, raw := range preferences {
		var preference struct {
			WaID      ident `json:"wa_id"`
			UserID    ident `json:"user_id"`
			Detail    note  `json:"detail"`
			Category  word  `json:"category"`
			Value     word  `json:"value"`
			SignupID  ident `json:"signup_id"`
			Timestamp stamp `json:"timestamp"`
		}
		if !isObject(raw) || !decode(raw, &preference) || preference.Value == "" {
			w.unknown("a preference without a value")
			continue
		}

		p := Preference{
			WABAID: from.wabaID, PhoneNumberID: string(wire.Metadata.PhoneNumberID), Category: string(preference.Category),
			Value: PreferenceValue(preference.Value), Detail: string(preference.Detail), SignupID: string(preference.SignupID),
			At: later(preference.Timestamp, from.at),
		}
		if p.WaID, p.UserID = person(preference.WaID, preference.UserID); p.WaID == "" && p.UserID == "" {
			w.unknown("a preference of nobody")
			continue
		}

		w.Preferences = append(w.Preferences, p)
	}

	return preferences != nil
}

// calls tells of calls, and which of them open the customer service window: those that the person
// made, answered or not, and those of ours that they took.
func (w *Webhook) calls(from origin, value json.RawMessage) bool {
	var wire struct {
		Metadata metadata        `json:"metadata"`
		Calls    json.RawMessage `json:"calls"`
		Statuses json.RawMessage `json:"statuses"`
	}
	if !decode(value, &wire) {
		return false
	}

	number := string(wire.Metadata.PhoneNumberID)
	open := func(who, userID ident, at stamp) {
		c := Call{WABAID: from.wabaID, PhoneNumberID: number, At: at.time()}
		if c.From, c.FromUserID = person(who, userID); c.From != "" || c.FromUserID != "" {
			w.Calls = append(w.Calls, c)
		}
	}

	for _, raw := range w.list("calls", wire.Calls) {
		var call struct {
			From       ident `json:"from"`
			FromUserID ident `json:"from_user_id"`
			Event      word  `json:"event"`
			Direction  word  `json:"direction"`
			Timestamp  stamp `json:"timestamp"`
			Start      stamp `json:"start_time"`
		}
		if isObject(raw) && decode(raw, &call) && call.Direction == "USER_INITIATED" {
			if call.Event == "terminate" && !call.Start.time().IsZero() {
				call.Timestamp = call.Start // the window is open from when it began
			}

			open(call.From, call.FromUserID, call.Timestamp)
		}
	}

	for _, raw := range w.list("statuses", wire.Statuses) {
		var status struct {
			Status          word  `json:"status"`
			RecipientID     ident `json:"recipient_id"`
			RecipientUserID ident `json:"recipient_user_id"`
			Timestamp       stamp `json:"timestamp"`
		}
		if isObject(raw) && decode(raw, &status) && status.Status == "ACCEPTED" {
			open(status.RecipientID, status.RecipientUserID, status.Timestamp)
		}
	}

	return notice("calls")(w, from, value)
}
