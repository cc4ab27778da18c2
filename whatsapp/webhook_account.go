package whatsapp

import (
	"bytes"
	"encoding/json"
)

func templateUpdate(kind TemplateUpdateKind) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			ID            loose `json:"message_template_id"`
			Name          loose `json:"message_template_name"`
			Language      loose `json:"message_template_language"`
			Category      loose `json:"message_template_category"`
			Event         loose `json:"event"`
			Reason        loose `json:"reason"`
			RejectionInfo struct {
				Reason         loose `json:"reason"`
				Recommendation loose `json:"recommendation"`
			} `json:"rejection_info"`
			DisableInfo struct {
				Date stamp `json:"disable_date"`
			} `json:"disable_info"`
			OtherInfo struct {
				Title       loose `json:"title"`
				Description loose `json:"description"`
			} `json:"other_info"`
			PreviousQuality  loose `json:"previous_quality_score"`
			NewQuality       loose `json:"new_quality_score"`
			PreviousCategory loose `json:"previous_category"`
			NewCategory      loose `json:"new_category"`
			CorrectCategory  loose `json:"correct_category"`
			CategoryAt       stamp `json:"category_update_timestamp"`
		}
		if !decode(value, &wire) || (wire.ID == "" && wire.Name == "") {
			return false
		}
		w.Templates = append(w.Templates, TemplateUpdate{
			WABAID: from.wabaID, Kind: kind, TemplateID: string(wire.ID), Name: string(wire.Name), Language: normalLanguage(wire.Language),
			At: from.at, Event: string(wire.Event), Category: string(wire.Category), Reason: unlessNone(wire.Reason),
			RejectionText: string(wire.RejectionInfo.Reason), Recommendation: string(wire.RejectionInfo.Recommendation),
			DisableAt: wire.DisableInfo.Date.time(), Title: string(wire.OtherInfo.Title), Description: string(wire.OtherInfo.Description),
			PreviousQuality: string(wire.PreviousQuality), NewQuality: string(wire.NewQuality),
			PreviousCategory: string(wire.PreviousCategory), NewCategory: string(wire.NewCategory),
			CorrectCategory: string(wire.CorrectCategory), CategoryChangesAt: wire.CategoryAt.time(),
		})
		return true
	}
}

func numberUpdate(kind NumberUpdateKind) func(*Webhook, origin, json.RawMessage) bool {
	return func(w *Webhook, from origin, value json.RawMessage) bool {
		var wire struct {
			Display      loose    `json:"display_phone_number"`
			Event        loose    `json:"event"`
			Decision     loose    `json:"decision"`
			Status       loose    `json:"status"`
			Type         loose    `json:"type"`
			Limit        loose    `json:"max_daily_conversations_per_business"`
			CurrentLimit loose    `json:"current_limit"`
			OldLimit     loose    `json:"old_limit"`
			Name         loose    `json:"requested_verified_name"`
			Rejection    loose    `json:"rejection_reason"`
			Username     loose    `json:"username"`
			Timestamp    stamp    `json:"timestamp"`
			Settings     metadata `json:"phone_number_settings"`
		}
		if !decode(value, &wire) || (wire.Display == "" && wire.Settings.PhoneNumberID == "") {
			return false
		}
		update := NumberUpdate{
			WABAID: from.wabaID, Kind: kind, PhoneNumberID: string(wire.Settings.PhoneNumberID), DisplayPhoneNumber: string(wire.Display),
			At: later(wire.Timestamp, from.at), Limit: Tier(either(wire.Limit, wire.CurrentLimit)), OldLimit: Tier(wire.OldLimit),
			VerifiedName: string(wire.Name), RejectionReason: unlessNone(wire.Rejection), Username: string(wire.Username),
		}
		for _, event := range []loose{wire.Event, wire.Decision, wire.Status, wire.Type} {
			if update.Event == "" {
				update.Event = string(event)
			}
		}
		w.Numbers = append(w.Numbers, update)
		return true
	}
}

type wireAccountUpdate struct {
	Event   loose `json:"event"`
	BanInfo struct {
		State loose `json:"waba_ban_state"`
		Date  loose `json:"waba_ban_date"`
	} `json:"ban_info"`
	Violation struct {
		Type loose `json:"violation_type"`
	} `json:"violation_info"`
	Restrictions json.RawMessage `json:"restriction_info"`
	WABAInfo     struct {
		ID           loose `json:"waba_id"`
		Owner        loose `json:"owner_business_id"`
		PartnerAppID loose `json:"partner_app_id"`
	} `json:"waba_info"`
	Disconnection struct {
		Reason loose `json:"reason"`
		By     loose `json:"initiated_by"`
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
		DisconnectReason: string(wire.Disconnection.Reason), DisconnectedBy: string(wire.Disconnection.By), Raw: bytes.Clone(value),
	}
	if wire.WABAInfo.ID != "" {
		update.WABAID = string(wire.WABAInfo.ID)
	}
	for _, raw := range list(wire.Restrictions) {
		var restriction struct {
			Type        loose `json:"restriction_type"`
			Expiration  stamp `json:"expiration"`
			Remediation loose `json:"remediation"`
		}
		if decode(raw, &restriction) && restriction.Type != "" {
			update.Restrictions = append(update.Restrictions,
				Restriction{string(restriction.Type), restriction.Expiration.time(), string(restriction.Remediation)})
		}
	}
	w.Accounts = append(w.Accounts, update)
	return true
}

func (w *Webhook) accountReview(from origin, value json.RawMessage) bool {
	var wire struct {
		Decision loose `json:"decision"`
	}
	if !decode(value, &wire) || wire.Decision == "" {
		return false
	}
	w.Accounts = append(w.Accounts, AccountUpdate{
		WABAID: from.wabaID, Kind: AccountReviewed, At: from.at, Event: string(wire.Decision), Raw: bytes.Clone(value),
	})
	return true
}

type wireAlert struct {
	Severity    loose `json:"alert_severity"`
	Status      loose `json:"alert_status"`
	Type        loose `json:"alert_type"`
	Description loose `json:"alert_description"`
}

func (w *Webhook) accountAlert(from origin, value json.RawMessage) bool {
	var wire struct {
		EntityType loose      `json:"entity_type"`
		EntityID   loose      `json:"entity_id"`
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
		WABAID: from.wabaID, Kind: AccountAlerted, At: from.at, Event: string(info.Type), Raw: bytes.Clone(value),
		Alert: &Alert{string(wire.EntityType), string(wire.EntityID), string(info.Severity), string(info.Status), string(info.Type), string(info.Description)},
	})
	return true
}

func (w *Webhook) capability(from origin, value json.RawMessage) bool {
	var wire struct {
		Limit       loose  `json:"max_daily_conversations_per_business"`
		LegacyLimit loose  `json:"max_daily_conversation_per_phone"`
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
		Display   loose `json:"display_phone_number"`
		Event     loose `json:"event"`
		Requester loose `json:"requester"`
	}
	if !decode(value, &wire) || wire.Event == "" {
		return false
	}
	w.Security = append(w.Security, SecurityUpdate{from.wabaID, string(wire.Display), string(wire.Event), string(wire.Requester), from.at})
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
	elements := list(wire.Preferences)
	for _, raw := range elements {
		var preference struct {
			WaID      loose `json:"wa_id"`
			UserID    loose `json:"user_id"`
			Detail    loose `json:"detail"`
			Category  loose `json:"category"`
			Value     loose `json:"value"`
			SignupID  loose `json:"signup_id"`
			Timestamp stamp `json:"timestamp"`
		}
		if !decode(raw, &preference) || preference.Value == "" || (preference.WaID == "" && preference.UserID == "") {
			w.unknown(raw)
			continue
		}
		w.Preferences = append(w.Preferences, Preference{
			WABAID: from.wabaID, PhoneNumberID: string(wire.Metadata.PhoneNumberID), WaID: string(preference.WaID), UserID: string(preference.UserID),
			Category: string(preference.Category), Value: PreferenceValue(preference.Value), Detail: string(preference.Detail),
			SignupID: string(preference.SignupID), At: later(preference.Timestamp, from.at),
		})
	}
	return elements != nil
}
