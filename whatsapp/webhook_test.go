package whatsapp

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func parse(t testing.TB, body string) Webhook {
	t.Helper()
	w, err := ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}

	return w
}

// forget drops what is Meta's JSON as it came, so that facts can be compared, and what has a test
// of its own.
func (w *Webhook) forget() {
	w.WABAIDs = nil // TestAWebhookNamesEachAccountOnce has them
	for i := range w.Inbound {
		w.Inbound[i].Raw, w.Inbound[i].Written = nil, ""
		if c := w.Inbound[i].Change; c != nil {
			c.Raw = nil
		}
	}

	for i := range w.Echoes {
		w.Echoes[i].Raw = nil
	}
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func TestASampleIsTheFactItShows(t *testing.T) {
	t.Parallel()
	const waba, number, person, userID = "100000000000001", "200000000000002", "15550002222", "US.10000000000000000001"
	for sample, want := range map[string]Webhook{
		"public-constructed/status_sent_no_pricing": {Statuses: []Status{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_OUT_0001", Status: StatusSent, At: at(1790416830),
			RecipientID: person, RecipientUserID: userID,
		}}},
		"public-constructed/status_delivered_service_free": {Statuses: []Status{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_OUT_0001", Status: StatusDelivered, At: at(1790416832),
			RecipientID: person, RecipientUserID: userID,
			Pricing: &Pricing{Billable: false, Model: "PMP", Type: "free_customer_service", Category: "service"},
		}}},
		"public-constructed/status_failed_131050": {Statuses: []Status{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_OUT_131050", Status: StatusFailed, At: at(1790503300),
			RecipientID: person, CallbackData: "c:42:r:9001",
			Errors: []StatusError{{131050, "User has stopped marketing messages", "User has stopped marketing messages",
				"(text varies; branch on code)"}},
		}}},
		"bindambc-java/deserialization_textmessagestatusdelivered": {Statuses: []Status{{
			WABAID: "880480571844883", PhoneNumberID: "409552778964973",
			WAMID:  "wamid.nBgN6TUyN2k5NzAzM5kzNhUCABI8FDNFQjAxQkE5REI4NEUzQ5Y5QTNgAA==",
			Status: StatusDelivered, At: at(1673020317), RecipientID: "1111111111111",
			ConversationID: "8eb644d2350611f3746e7f0985bddfc1",
			Pricing:        &Pricing{Billable: true, Model: "CBP", Category: "business_initiated"},
		}}},
		"public-constructed/bsuid_only_text": {Inbound: []Inbound{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_IN_BSUID_0001", FromUserID: "ES.20000000000000000002",
			ProfileName: "Lucía Test", Username: "lucia_prueba",
			Type: "text", At: at(1790417100), Text: "Buenas, ¿cuánto cuesta un tinte?",
		}}},
		"bindambc-java/deserialization_buttonmessage": {Inbound: []Inbound{{
			WABAID: "880480571844883", PhoneNumberID: "409552778964973",
			WAMID: "wamid.nBgN6TUyN2k5NzAzM5kzNhUCABI8FDNFQjAxQkE5REI4NEUzQ5Y5QTNgAA==", From: "1111111111111",
			ProfileName: "Mauricio Binda", Type: "button", At: at(1673023653), Text: "SIM", ButtonPayload: "SIM",
			Choice:           &Choice{Title: "SIM", Payload: "SIM"},
			ContextMessageID: "wamid.nBgN6TUyN2k5NzAzM5kzNhUCABI8FDNFQjAxQkE5REI4NEUzQ5Y5QTNgAA==",
		}}},
		"piusalfred-go/webhooks_testlistener_handlenotification_listreply": {Inbound: []Inbound{{
			WABAID: "444444", PhoneNumberID: "123987456", WAMID: "wamid.IDLIST", From: "1987654321",
			ProfileName: "List Tester", Type: "interactive",
			At: at(1682000010), Text: "list_reply_title", ButtonPayload: "list_reply_id",
			Choice: &Choice{ID: "list_reply_id", Title: "list_reply_title"},
		}}},
		"bindambc-java/deserialization_documentmessage": {Inbound: []Inbound{{
			WABAID: "1111111111111", PhoneNumberID: "1111111111111",
			WAMID: "wamid.HBgABIYNNTUyxMEFFk5NzATY2QT0TY2QT0zMDkzNhUCFDNFQjBFMNzARjFDQQ1AA==", From: "1111111111111",
			ProfileName: "Mauricio Binda", Type: "document", At: at(1673034392),
			Media: &InboundMedia{ID: "848704520347750", MIMEType: "application/pdf",
				SHA256: "mu/J5jGsroQM3Tbn4c6StBJG4C4glbTi8gT4jhRHSt0=", Filename: "4_641947.pdf"},
		}}},
		"public-constructed/reaction_removed": {Inbound: []Inbound{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_IN_REACTION_0002", From: person, FromUserID: userID,
			ProfileName: "Ana Pruebas",
			Type:        "reaction", At: at(1790417360), ContextMessageID: "wamid.TEST_OUT_0001",
		}}},
		"public-constructed/system_user_changed_number_2026": {Inbound: []Inbound{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_IN_SYSTEM_0002", From: person, Type: "system",
			At:   at(1790418100),
			Text: "User Ana changed from 15550002222 to 15550003333",
			System: &IdentityChange{Kind: "user_changed_number", WaID: "15550003333", UserID: "US.10000000000000000009",
				PreviousUserID: userID},
		}}},
		"piusalfred-go/webhooks_testlistener_handlenotification_userchangednumber": {Inbound: []Inbound{{
			WABAID: "WHATSAPP_BUSINESS_ACCOUNT_ID", PhoneNumberID: "1093849293", WAMID: "wamid.USERCHANGE",
			From: "15550002222", Type: "system", At: at(1689999999),
			Text:   "NAME changed from 15550002222 to 15550003333",
			System: &IdentityChange{Kind: "user_changed_number", WaID: "15550003333"},
		}}},
		"public-constructed/unsupported_poll_creation": {Inbound: []Inbound{{
			WABAID: waba, PhoneNumberID: number, WAMID: "wamid.TEST_IN_UNSUPPORTED_0001", From: person, FromUserID: userID,
			ProfileName: "Ana Pruebas", Type: "unsupported",
			At: at(1790417500), Errors: []StatusError{{131051, "Message type unknown", "Message type unknown",
				"Message type is currently not supported."}},
		}}},
		"piusalfred-go/webhooks_testlistener_handlenotification_referralmessage": {Inbound: []Inbound{{
			WABAID: "99999", PhoneNumberID: "123123123", WAMID: "wamid.REF001", From: "100100200", ProfileName: "AdUser",
			Type: "text", At: at(1684000033),
			Text: "Hi from an ad click!", AdClickID: "CTWA_ABC",
		}}},
		"public-observed/standby_messages_audio": {Inbound: []Inbound{{
			WABAID: "waba-id", PhoneNumberID: "phone-number-id", WAMID: "wamid.standby-audio", From: person,
			FromUserID: "user-id", Type: "audio", At: at(1700000000), Standby: true,
			Media: &InboundMedia{ID: "audio-media-id", MIMEType: "audio/ogg; codecs=opus", SHA256: "audio-digest", Voice: true},
		}}},
		"public-observed/standby_message_echoes": {Echoes: []Echo{{
			WABAID: "waba-id", PhoneNumberID: "phone-number-id", WAMID: "wamid.standby-outbound", To: person, Type: "text",
			Text: "A Business AI response", At: at(1700000000), Standby: true,
		}}},
		"public-observed/standby_statuses": {Statuses: []Status{{
			WABAID: "waba-id", PhoneNumberID: "phone-number-id", WAMID: "wamid.standby-outbound", Status: StatusDelivered,
			At: at(1700000001), RecipientID: person, RecipientUserID: "user-id",
		}}},
		"public-observed/messaging_handovers_control_passed": {Handovers: []Handover{{
			WABAID: "waba-id", PhoneNumberID: "phone-number-id", From: "15550002222", Ours: true, Role: "escalation",
			At: at(1700000002),
		}}},
		"public-observed/messaging_handovers_control_passed_minimal": {Handovers: []Handover{{
			WABAID: "waba-id", PhoneNumberID: "phone-number-id", From: "15550002222", Ours: true,
		}}},
		"public-constructed/template_status_update_paused_first": {Templates: []TemplateUpdate{{
			WABAID: waba, Kind: TemplateStatusChanged, TemplateID: "300000000000003", Name: "promo_otono", Language: "es_ES",
			At: at(1790420600), Event: "PAUSED",
			Category: "MARKETING", Title: "FIRST_PAUSE", Description: "(text varies)",
		}}},
		"public-constructed/template_status_update_rejected_info": {Templates: []TemplateUpdate{{
			WABAID: waba, Kind: TemplateStatusChanged, TemplateID: "300000000000004", Name: "promo_x", Language: "es_ES",
			At: at(1790420700), Event: "REJECTED",
			Category: "MARKETING", Reason: "INVALID_FORMAT", RejectionText: "(text)", Recommendation: "(text)",
		}}},
		"bindambc-java/deserialization_qualityupdate": {Numbers: []NumberUpdate{{
			WABAID: "waba-id", Kind: NumberQualityChanged, DisplayPhoneNumber: "16505551111", At: at(1608243062),
			Event: "FLAGGED", Limit: "TIER_10K",
		}}},
		"bindambc-java/deserialization_phonenumbernameupdate": {Numbers: []NumberUpdate{{
			WABAID: "waba-id", Kind: NumberNameChanged, DisplayPhoneNumber: "16505551111", At: at(1608243053),
			Event: "APPROVED", VerifiedName: "WhatsApp",
		}}},
		"piusalfred-go/webhooks_testlistener_handlenotification_phonenumbersettingsupdate": {Numbers: []NumberUpdate{{
			WABAID: "whatsapp-business-account-id", Kind: NumberSettingsChanged, PhoneNumberID: "TEST987654321",
			At: at(1671644824), Event: "[phone_number_settings]",
		}}},
		"bindambc-java/deserialization_accountreview": {Accounts: []AccountUpdate{{
			WABAID: "whatsapp-business-account-id", Kind: AccountReviewed, At: at(1604703141), Event: "APPROVED",
		}}},
		"bindambc-java/deserialization_accountbanned": {Accounts: []AccountUpdate{{
			WABAID: "whatsapp-business-account-id", Kind: AccountChanged, At: at(1604703058), Event: "DISABLED_UPDATE",
			BanState: "SCHEDULE_FOR_DISABLE", BanDate: "January 31, 2021",
		}}},
		"public-constructed/account_update_restriction": {Accounts: []AccountUpdate{{
			WABAID: waba, Kind: AccountChanged, At: at(1790420400), Event: "ACCOUNT_RESTRICTION",
			Restrictions: []Restriction{{Type: "RESTRICTED_BIZ_INITIATED_MESSAGING", ExpiresAt: at(1791025200)}},
		}}},
		"public-constructed/business_capability_update_tier_string": {Capabilities: []CapabilityUpdate{{
			WABAID: waba, At: at(1790420900), MessagingLimit: "TIER_2K", MaxPhoneNumbersPerBusiness: 20,
			MaxPhoneNumbersPerWABA: 25,
		}}},
		"public-constructed/user_preferences_stop": {Preferences: []Preference{{
			WABAID: waba, PhoneNumberID: number, WaID: person, UserID: userID, Category: "marketing_messages",
			Value:  PreferenceStop,
			Detail: "User requested to stop marketing messages", At: at(1790420800),
		}}},
		"piusalfred-go/webhooks_testlistener_handlenotification_groupstatusupdate": {Notices: []Notice{{
			WABAID: "102290129340398", PhoneNumberID: "106540352242922", Field: "group_status_update",
		}}},
	} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			body, found := samples(t, "webhook")[sample]
			if !found {
				t.Fatal("no such sample")
			}

			got := parse(t, string(body))
			got.forget()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestFieldsWithoutASampleAreReadToo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		field, value string
		want         Webhook
	}{
		"quality of a template": {"message_template_quality_update",
			`{"previous_quality_score":"GREEN","new_quality_score":"YELLOW","message_template_id":806312974732579,"message_template_name":"welcome","message_template_language":"en-US"}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateQualityChanged, TemplateID: "806312974732579",
				Name: "welcome", Language: "en_US", At: at(1739321024), PreviousQuality: "GREEN", NewQuality: "YELLOW"}}}},
		"quality under the status' name": {"message_template_status_update",
			`{"previous_quality_score":"GREEN","new_quality_score":"RED","message_template_id":8,"message_template_name":"w","message_template_language":"en_US"}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateQualityChanged, TemplateID: "8", Name: "w",
				Language: "en_US", At: at(1739321024), PreviousQuality: "GREEN", NewQuality: "RED"}}}},
		"category about to change": {"template_category_update",
			`{"message_template_id":8,"message_template_name":"w","message_template_language":"en_US","new_category":"UTILITY","correct_category":"MARKETING","category_update_timestamp":1739400000}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateCategoryChanged, TemplateID: "8",
				Name: "w", Language: "en_US", At: at(1739321024), NewCategory: "UTILITY", CorrectCategory: "MARKETING",
				CategoryChangesAt: at(1739400000)}}}},
		"components of a template": {"message_template_components_update",
			`{"message_template_id":8,"message_template_name":"w","message_template_language":"en-US","message_template_element":"Hi"}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateComponentsChanged, TemplateID: "8", Name: "w",
				Language: "en_US", At: at(1739321024)}}}},
		"template flagged, to be disabled": {"message_template_status_update",
			`{"event":"FLAGGED","message_template_id":"8","message_template_name":"w","message_template_language":"en_US","reason":null,"disable_info":{"disable_date":"1641330498"}}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateStatusChanged, TemplateID: "8", Name: "w",
				Language: "en_US", At: at(1739321024), Event: "FLAGGED", DisableAt: at(1641330498)}}}},
		"higher throughput": {"phone_number_quality_update",
			`{"display_phone_number":"1555","event":"THROUGHPUT_UPGRADE","max_daily_conversations_per_business":"TIER_UNLIMITED"}`,
			Webhook{Numbers: []NumberUpdate{{WABAID: "1", Kind: NumberQualityChanged, DisplayPhoneNumber: "1555",
				At: at(1739321024), Event: "THROUGHPUT_UPGRADE", Limit: "TIER_UNLIMITED"}}}},
		"username": {"business_username_updates", `{"display_phone_number":"1555","username":"shop","status":"approved"}`,
			Webhook{Numbers: []NumberUpdate{{WABAID: "1", Kind: NumberUsernameChanged, DisplayPhoneNumber: "1555",
				At: at(1739321024), Event: "approved", Username: "shop"}}}},
		"username, in the singular": {"business_username_update",
			`{"display_phone_number":"1555","username":"shop","status":"approved"}`,
			Webhook{Numbers: []NumberUpdate{{WABAID: "1", Kind: NumberUsernameChanged, DisplayPhoneNumber: "1555",
				At: at(1739321024), Event: "approved", Username: "shop"}}}},
		"limit as a number": {"business_capability_update", `{"max_daily_conversations_per_business":-1}`,
			Webhook{Capabilities: []CapabilityUpdate{{WABAID: "1", At: at(1739321024), MessagingLimit: "-1"}}}},
		"alert": {"account_alerts",
			`{"entity_type":"BUSINESS","entity_id":506914307656634,"alert_info":{"alert_severity":"WARNING","alert_status":"ACTIVE","alert_type":"OBA_REJECTED","alert_description":"d"}}`,
			Webhook{Accounts: []AccountUpdate{{WABAID: "1", Kind: AccountAlerted, At: at(1739321024), Event: "OBA_REJECTED",
				Alert: &Alert{"BUSINESS", "506914307656634", "WARNING", "ACTIVE", "OBA_REJECTED", "d"}}}}},
		"alert in its older shape": {"account_alerts",
			`{"entity_type":"BUSINESS","entity_id":"5","alert_severity":"INFORMATIONAL","alert_status":"NONE","alert_type":"OBA_APPROVED"}`,
			Webhook{Accounts: []AccountUpdate{{WABAID: "1", Kind: AccountAlerted, At: at(1739321024), Event: "OBA_APPROVED",
				Alert: &Alert{"BUSINESS", "5", "INFORMATIONAL", "NONE", "OBA_APPROVED", ""}}}}},
		"violation": {"account_update", `{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SCAM"}}`,
			Webhook{Accounts: []AccountUpdate{{WABAID: "1", Kind: AccountChanged, At: at(1739321024),
				Event: "ACCOUNT_VIOLATION", ViolationType: "SCAM"}}}},
		"coexistence number left": {"account_update",
			`{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"9","owner_business_id":"7"},"disconnection_info":{"reason":"PRIMARY_INACTIVITY","initiated_by":"SYSTEM"}}`,
			Webhook{Accounts: []AccountUpdate{{WABAID: "1", PartnerWABAID: "9", Kind: AccountChanged,
				At: at(1739321024), Event: "PARTNER_REMOVED", OwnerBusinessID: "7", DisconnectReason: "PRIMARY_INACTIVITY",
				DisconnectedBy: "SYSTEM"}}}},
		"app uninstalled, without a field": {"",
			`{"event":"PARTNER_APP_UNINSTALLED","waba_info":{"waba_id":"9","owner_business_id":"7","partner_app_id":"5"}}`,
			Webhook{Accounts: []AccountUpdate{{WABAID: "1", PartnerWABAID: "9", Kind: AccountChanged, At: at(1739321024),
				Event: "PARTNER_APP_UNINSTALLED", OwnerBusinessID: "7", PartnerAppID: "5"}}}},
		"PIN change": {"security", `{"display_phone_number":"1555","event":"PIN_RESET_REQUEST","requester":"61"}`,
			Webhook{Security: []SecurityUpdate{{"1", "1555", "PIN_RESET_REQUEST", "61", at(1739321024)}}}},
		"error of the channel": {"messages",
			`{"metadata":{"phone_number_id":"2"},"errors":[{"code":130429,"title":"Rate limit hit","message":"m","error_data":{"details":"d"}}]}`,
			Webhook{Errors: []ChannelError{{"1", "2", StatusError{130429, "Rate limit hit", "m", "d"}}}}},
		"message from the business app": {"smb_message_echoes",
			`{"metadata":{"phone_number_id":"2"},"message_echoes":[{"from":"1555","to":"16667","id":"wamid.E","timestamp":"1739321024","type":"image","image":{"caption":"new"}}]}`,
			Webhook{Echoes: []Echo{{WABAID: "1", PhoneNumberID: "2", WAMID: "wamid.E", To: "16667", Type: "image", Text: "new",
				At: at(1739321024)}}}},
		"played voice message": {"messages",
			`{"metadata":{"phone_number_id":"2"},"statuses":[{"id":"w","status":"played","timestamp":1739321024000,"recipient_id":16505551234}]}`,
			Webhook{Statuses: []Status{{WABAID: "1", PhoneNumberID: "2", WAMID: "w", Status: StatusPlayed, At: at(1739321024),
				RecipientID: "16505551234"}}}},
		"status that is new to us": {"messages",
			`{"metadata":{"phone_number_id":"2"},"statuses":[{"id":"w","status":"in_orbit","timestamp":"1739321024"}]}`,
			Webhook{Unknown: []string{`status "in_orbit"`}}},
		"status with a broken price": {"messages",
			`{"statuses":[{"id":"w","status":"read","timestamp":"x","pricing":"free","conversation":[1],"errors":"none"}]}`,
			Webhook{Statuses: []Status{{WABAID: "1", WAMID: "w", Status: StatusRead}}}},
		"status of a group message": {"messages",
			`{"statuses":[{"id":"w","status":"read","timestamp":"1739321024","recipient_id":"G","recipient_type":"group","recipient_participant_id":"1666"}]}`,
			Webhook{Statuses: []Status{{WABAID: "1", WAMID: "w", Status: StatusRead, At: at(1739321024), RecipientID: "G",
				ParticipantID: "1666"}}}},
		"edited message": {"messages",
			`{"messages":[{"from":"16667","id":"w2","timestamp":"1739321024","type":"edit","edit":{"original_message_id":"w1","message":{"type":"text","text":{"body":"better"}}}}]}`,
			Webhook{Inbound: []Inbound{{WABAID: "1", WAMID: "w2", From: "16667", Type: "edit", At: at(1739321024),
				Text: "better", ContextMessageID: "w1",
				Change: &Change{Original: "w1", Type: "text", Text: "better"}}}}},
		"edited caption": {"messages",
			`{"messages":[{"from":"16667","id":"w2","timestamp":"1739321024","type":"edit","edit":{"original_message_id":"w1","message":{"context":{"id":"M0"},"type":"image","image":{"id":"7","caption":"better"}}}}]}`,
			Webhook{Inbound: []Inbound{{WABAID: "1", WAMID: "w2", From: "16667", Type: "edit", At: at(1739321024),
				Text: "better", ContextMessageID: "w1", Media: &InboundMedia{ID: "7"},
				Change: &Change{Original: "w1", Type: "image", Text: "better"}}}}},
		"edit of what is not named": {"messages",
			`{"messages":[{"from":"16667","id":"w2","timestamp":"1739321024","type":"edit","edit":{"message":{"type":"text","text":{"body":"better"}}}}]}`,
			Webhook{Unknown: []string{"a change of a message that it does not name"}}},
		"revoked message": {"messages",
			`{"messages":[{"from":"16667","id":"w2","timestamp":"1739321024","type":"revoke","revoke":{"original_message_id":"w1"}}]}`,
			Webhook{Inbound: []Inbound{{WABAID: "1", WAMID: "w2", From: "16667", Type: "revoke", At: at(1739321024),
				ContextMessageID: "w1", Change: &Change{Original: "w1", Revoked: true}}}}},
		"message that the business app took back": {"smb_message_echoes",
			`{"metadata":{"phone_number_id":"2"},"message_echoes":[{"from":"1555","to":"16667","id":"w2","timestamp":"1739321024","type":"revoke","revoke":{"original_message_id":"w1"}}]}`,
			Webhook{Echoes: []Echo{{WABAID: "1", PhoneNumberID: "2", WAMID: "w2", To: "16667", Type: "revoke",
				At: at(1739321024), Change: &Change{Original: "w1", Revoked: true}}}}},
		"answer of a Flow": {"messages",
			`{"messages":[{"from":"16667","id":"w","timestamp":"1739321024","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"a\":1}"}}}]}`,
			Webhook{Inbound: []Inbound{{WABAID: "1", WAMID: "w", From: "16667", Type: "interactive", At: at(1739321024),
				Text: "Sent", ButtonPayload: `{"a":1}`, Choice: &Choice{ID: "flow", Title: "Sent", Payload: `{"a":1}`}}}}},
		"old voice message": {"messages",
			`{"messages":[{"from":"16667","id":"w","timestamp":"1739321024","type":"voice","voice":{"id":"m"}}]}`,
			Webhook{Inbound: []Inbound{{WABAID: "1", WAMID: "w", From: "16667", Type: "voice", At: at(1739321024),
				Media: &InboundMedia{ID: "m", Voice: true}}}}},
		"call by a person": {"calls", `{"metadata":{"phone_number_id":"2"},"calls":[{"id":"c","from":"16667","to":"1555","event":"connect","direction":"USER_INITIATED","timestamp":"1739321020"},
				{"id":"d","from":"16667","event":"terminate","direction":"USER_INITIATED","timestamp":"1739321030","start_time":"1739321021"},{"id":"e","from":"1555","to":"16667","event":"connect","direction":"BUSINESS_INITIATED"}]}`,
			Webhook{Calls: []Call{{WABAID: "1", PhoneNumberID: "2", From: "16667", At: at(1739321020)},
				{WABAID: "1", PhoneNumberID: "2", From: "16667", At: at(1739321021)}},
				Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "calls", At: at(1739321024)}}}},
		"call of ours that a person took": {"calls",
			`{"metadata":{"phone_number_id":"2"},"statuses":[{"id":"c","type":"call","status":"RINGING","recipient_id":"16667"},{"id":"c","type":"call","status":"ACCEPTED","recipient_id":"16667","timestamp":"1739321020"}]}`,
			Webhook{Calls: []Call{{WABAID: "1", PhoneNumberID: "2", From: "16667", At: at(1739321020)}},
				Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "calls", At: at(1739321024)}}}},
		"click in a message": {"messages",
			`{"metadata":{"phone_number_id":"2"},"user_actions":[{"action_type":"landing_page_view","timestamp":"1739321020","marketing_messages_link_click_data":{"click_id":"c"}}]}`,
			Webhook{Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "user_actions", Event: "landing_page_view",
				At: at(1739321020)}}}},
		"visit of a page": {"messages",
			`{"metadata":{"phone_number_id":"2"},"user_actions":[{"action_type":"landing_page_view"}]}`,
			Webhook{Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "user_actions", Event: "landing_page_view"}}}},
		"category that is to come": {"template_correct_category_detection",
			`{"message_template_id":8,"message_template_name":"w","message_template_language":"en","category":"UTILITY","correct_category":"MARKETING"}`,
			Webhook{Templates: []TemplateUpdate{{WABAID: "1", Kind: TemplateCategoryDetected, TemplateID: "8", Name: "w",
				Language: "en", At: at(1739321024), CorrectCategory: "MARKETING"}}}},
		"call": {"calls",
			`{"metadata":{"phone_number_id":"2"},"calls":[{"id":"c"}],"statuses":[{"id":"c","type":"call","status":"RINGING"}]}`,
			Webhook{Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "calls", At: at(1739321024)}}}},
		"history of a coexistence number": {"history", `{"metadata":{"phone_number_id":"2"},"history":[{"threads":[]}]}`,
			Webhook{Notices: []Notice{{WABAID: "1", PhoneNumberID: "2", Field: "history", At: at(1739321024)}},
				Unapplied: []string{"field history"}}},
		"blocked Flow": {"flows", `{"event":"FLOW_STATUS_CHANGE","flow_id":"6","new_status":"BLOCKED"}`,
			Webhook{Notices: []Notice{{WABAID: "1", Field: "flows", Event: "FLOW_STATUS_CHANGE", At: at(1739321024)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field := ""
			if tc.field != "" {
				field = `"field":"` + tc.field + `",`
			}

			got := parse(t, `{"object":"whatsapp_business_account","entry":[{"id":1,"time":1739321024,"changes":[{`+
				field+`"value":`+tc.value+`}]}]}`)
			got.forget()
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestNoSampleLosesAFact(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t, "webhook") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parse(t, string(body))
			statuses, messages, changes := countIn(t, body)
			if len(got.Statuses) != statuses || len(got.Inbound) != messages {
				t.Errorf("%d statuses and %d messages became %d and %d", statuses, messages, len(got.Statuses), len(got.Inbound))
			}

			facts := len(got.Statuses) + len(got.Inbound) + len(got.Echoes) + len(got.Templates) + len(got.Numbers) +
				len(got.Accounts) +
				len(got.Capabilities) + len(got.Preferences) + len(got.Security) + len(got.Errors) + len(got.Notices) +
				len(got.Handovers) + len(got.Unknown)
			if facts < changes {
				t.Errorf("%d changes became %d facts", changes, facts)
			}

			strange := strings.Contains(name, "unrecognizedfield_defaultsilent") || strings.Contains(name, "batch_mixed")
			if (len(got.Unknown) > 0) != strange {
				t.Errorf("unknown: %s", got.Unknown)
			}

			for _, message := range got.Inbound {
				if message.WAMID == "" || message.PhoneNumberID == "" || message.WABAID == "" || message.Type == "" ||
					message.At.IsZero() || !json.Valid(message.Raw) {
					t.Errorf("incomplete: %+v", message)
				}

				if message.Type == "text" && message.Text == "" {
					t.Errorf("no text: %+v", message)
				}
			}

			for _, status := range got.Statuses {
				if status.WAMID == "" || status.PhoneNumberID == "" || status.At.IsZero() {
					t.Errorf("incomplete: %+v", status)
				}
				if (status.Status == StatusFailed) != (len(status.Errors) > 0) {
					t.Errorf("failed without an error, or the other way: %+v", status)
				}
			}
		})
	}
}

// countIn counts what a webhook holds without the code under test.
func countIn(t *testing.T, body []byte) (statuses, messages, changes int) {
	t.Helper()
	var tree struct {
		Entry []struct {
			Changes []struct {
				Field string
				Value map[string]any
			}
		}
	}
	if err := json.Unmarshal(body, &tree); err != nil {
		t.Fatal(err)
	}

	for _, entry := range tree.Entry {
		for _, change := range entry.Changes {
			changes++
			value := change.Value
			if inner, deeper := value["standby"].(map[string]any); deeper {
				value = inner
			} else if change.Field != "messages" {
				continue
			}

			if list, ok := value["statuses"].([]any); ok {
				statuses += len(list)
			}
			if list, ok := value["messages"].([]any); ok {
				messages += len(list)
			}
		}
	}

	return statuses, messages, changes
}

func TestAMalformedPartCostsItsSiblingsNothing(t *testing.T) {
	t.Parallel()
	got := parse(t, `{"object":"whatsapp_business_account","entry":[
		7,
		{"id":"1","changes":"none"},
		{"id":"1","changes":[
			"nonsense",
			{"field":"messages","value":[1]},
			{"field":"messages","value":{}},
			{"field":"tomorrow","value":{"a":1}},
			{"field":"account_update","value":{"no":"event"}},
			{"field":"user_preferences","value":{"user_preferences":[{"value":"stop"},{"wa_id":"1","value":"stop"},{"wa_id":"+16667","value":"resume"}]}},
			{"field":"messages","value":{"metadata":"?","contacts":{"wa_id":"16667","profile":"?"},
				"statuses":[null,5,{"status":"sent"},{"id":"w1","status":"sent","timestamp":"1739321024"}],
				"messages":[{"id":"w2","from":"16667","type":"text","timestamp":"1739321024","text":{"body":"hi"}},{"from":"16667"},[]]}}
		]},
		{"id":"2","changes":[{"field":"messages","value":{"statuses":[{"id":"w3","status":"read","timestamp":"1739321025"}]}}]}
	]}`)
	if len(got.Statuses) != 2 || got.Statuses[0].WAMID != "w1" || got.Statuses[1].WAMID != "w3" ||
		got.Statuses[1].WABAID != "2" {
		t.Errorf("statuses: %+v", got.Statuses)
	}

	if len(got.Inbound) != 1 || got.Inbound[0].Text != "hi" {
		t.Errorf("inbound: %+v", got.Inbound)
	}
	if len(got.Preferences) != 1 || got.Preferences[0].Value != PreferenceResume {
		t.Errorf("preferences: %+v", got.Preferences)
	}

	want := []string{"an entry without changes", "an entry without changes", "a change without a value",
		"a change without a value",
		"a value of field messages", `field "tomorrow"`, "a value of field account_update", "a preference of nobody",
		"a preference of nobody",
		"a status that is no object", "a status that is no object", "a status without an id", "a message without an id",
		"a message without an id"}
	if !reflect.DeepEqual(got.Unknown, want) {
		t.Errorf("unknown:\n%s", strings.Join(got.Unknown, "\n"))
	}
}

func TestParseWebhookRefusesOnlyWhatIsNoWebhook(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " ", "null", "[]", "7", `"x"`, `{"object":`, "<html></html>"} {
		if _, err := ParseWebhook([]byte(body)); err == nil {
			t.Errorf("%q is taken for a webhook", body)
		}
	}

	for body, unknown := range map[string]int{
		`{}`: 1, `{"object":"whatsapp_business_account"}`: 1, `{"object":"whatsapp_business_account","entry":[]}`: 0,
		`{"object":"page","entry":[{"id":"1"}]}`: 1, `{"object":"whatsapp_business_account","entry":"?"}`: 1, `[1,2]`: 2,
		`[{"entry":[]},{}]`: 1,
	} {
		if got := parse(t, body); len(got.Unknown) != unknown {
			t.Errorf("%s: %d unknown", body, len(got.Unknown))
		}
	}
}

func TestTheFastWayAndThePatientWayAgree(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t, "webhook") {
		fast, ok := parseReceipts(body)
		if !ok {
			continue
		}

		patient, err := parsePatiently(clean(body))
		if err != nil {
			t.Fatal(name, err)
		}
		if !reflect.DeepEqual(fast, patient) {
			t.Errorf("%s: fast %+v, patient %+v", name, fast, patient)
		}
	}
}

func TestWhatDeviatesIsReadThePatientWay(t *testing.T) {
	t.Parallel()
	if _, ok := parseReceipts(receiptBody); !ok {
		t.Fatal("the usual body is not read the fast way")
	}

	for name, change := range map[string][2]string{
		"another object":              {`"whatsapp_business_account"`, `"page"`},
		"a number as the entry's id":  {`"102290129340398"`, `102290129340398`},
		"another field":               {`"field":"messages"`, `"field":"calls"`},
		"no field":                    {`,"field":"messages"`, ``},
		"a number as the time":        {`"1750030073"`, `1750030073`},
		"a price that is a text":      {`"pricing":{`, `"pricing":"none","price":{`},
		"a price of null":             {`"pricing":{`, `"pricing":null,"price":{`},
		"billable as a text":          {`"billable":true`, `"billable":"true"`},
		"a status without an id":      {`"statuses":[{"id":`, `"statuses":[{"wamid":`},
		"a status that is a text":     {`"statuses":[`, `"statuses":["sent",`},
		"an empty list of statuses":   {`"statuses":[`, `"statuses":[],"gone":[`},
		"messages":                    {`"metadata"`, `"messages":[],"metadata"`},
		"errors":                      {`"metadata"`, `"errors":null,"metadata"`},
		"a second change of no shape": {`"changes":[`, `"changes":[{},`},
		"a key that stands twice":     {`"messaging_product"`, `"metadata":{},"messaging_product"`},
		"a status of the future":      {`"delivered"`, `"in_orbit"`},
		"something after the end":     {`"field":"messages"}]}]}`, `"field":"messages"}]}]}}`},
	} {
		body := strings.Replace(string(receiptBody), change[0], change[1], 1)
		if body == string(receiptBody) {
			t.Errorf("%s: nothing changed", name)
		}
		if w, ok := parseReceipts([]byte(body)); ok {
			t.Errorf("%s: read the fast way: %+v", name, w)
		}
	}
}

func FuzzParseWebhook(f *testing.F) {
	for _, body := range samples(f, "webhook") {
		f.Add(body)
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := ParseWebhook(body)
		if err != nil {
			return
		}

		for _, status := range w.Statuses {
			if status.WAMID == "" {
				t.Error("a status without a message")
			}
			if _, err := status.At.MarshalJSON(); err != nil {
				t.Error(err)
			}
		}

		for _, what := range w.Unknown {
			if len(what) > 100 {
				t.Errorf("it says much of what it does not know: %q", what)
			}
		}
	})
}

func FuzzParseCallback(f *testing.F) {
	f.Add("c1:018f:3")
	f.Add("c:42:r:9001")
	f.Fuzz(func(t *testing.T, s string) {
		if id, attempt, ok := ParseCallback(s); ok {
			if again, same, _ := ParseCallback(CallbackData(id, attempt)); again != id || same != attempt {
				t.Errorf("%q: %q %d, then %q %d", s, id, attempt, again, same)
			}
		}
	})
}

var receiptBody = []byte(
	`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Ana"},"wa_id":"16505551234","user_id":"US.13491208655302741918"}],"statuses":[{"id":"wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI3MTE5MjVBOTE3MDk5QUVFM0YA","status":"delivered","timestamp":"1750030073","recipient_id":"16505551234","recipient_user_id":"US.13491208655302741918","biz_opaque_callback_data":"c1:0198c7a2-6a1e-7c3b-9f2d-1b2c3d4e5f60:1","pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}}]},"field":"messages"}]}]}`)

func BenchmarkReceipt(b *testing.B) {
	header := Sign("secret", receiptBody)
	secrets := []string{"secret"}
	b.SetBytes(int64(len(receiptBody)))
	b.ReportAllocs()

	for b.Loop() {
		if !Verify(secrets, receiptBody, header) {
			b.Fatal("not verified")
		}
		if w, err := ParseWebhook(receiptBody); err != nil || len(w.Statuses) != 1 {
			b.Fatal(err)
		}
	}
}

func BenchmarkInboundText(b *testing.B) {
	body := read(b, "testdata/meta-openapi/webhook__text_message.json")
	b.ReportAllocs()
	for b.Loop() {
		if w, err := ParseWebhook(body); err != nil || len(w.Inbound) != 1 {
			b.Fatal(err)
		}
	}
}

func TestAWebhookNamesEachAccountOnce(t *testing.T) {
	t.Parallel()
	w := parse(t, `{"object":"whatsapp_business_account","entry":[{"id":"2","changes":[]},{"id":1,"changes":[]},
		{"id":"2","changes":[{"field":"account_review_update","value":{"decision":"APPROVED"}}]},{"changes":[]},{"id":"3"}]}`)
	if want := []string{"2", "1"}; !reflect.DeepEqual(w.WABAIDs, want) {
		t.Errorf("got %v, want %v", w.WABAIDs, want)
	}
}
