package privacy

// Entry is one kind of personal data that the service keeps.
type Entry struct {
	What, Why, Kept, Recipients string

	// Holds are the columns that it lies in, by table.
	Holds map[string][]string
}

const (
	untilOld = "Text, files, values, buttons and the words of errors for the organization's retentionDays, 365 by " +
		"default; the rest until the person is erased (eraseContact), or the organization is."
	orDays       = ", or the organization's retentionDays where those are fewer."
	untilErased  = "Until the person is erased (eraseContact), or the organization is."
	ofTheAccount = "As long as they are a member; then until the operator erases the organization."
	nobodyElse   = "Nobody."
	mailAndLogin = "The mail server (SMTP_URL), and the identity provider (OIDC_ISSUER), where they are set."
	metaGets     = "Meta, as the operator of WhatsApp."
)

// Inventory is all of them, and the one place that says so: the API and docs/privacy.md show it,
// and tests hold that each column of the schema is here or in Plain.
var Inventory = []Entry{
	{"People that the organization writes to: numbers, user ids, names, language, zone, country, attributes, tags, lists",
		"To know to whom messages go, and with which values.", untilErased,
		"Meta gets the number or the user id of whom a message goes to, and the values in it.",
		map[string][]string{
			"contact": {"id", "phone", "wa_phone", "wa_user_id", "username", "name", "language", "time_zone", "country",
				"attributes", "marketing_consent", "service_window_closes_at", "created_at"},
			"contact_identifier": {"kind", "value", "written", "contact_id", "since", "erased"},
			"former_identifier":  {"kind", "value", "contact_id", "until"},
			"list_member":        {"contact_id"}, "contact_tag": {"contact_id", "tag"},
		}},
	{"What people said about marketing, with source and evidence",
		"To write only to whom it is allowed, and to show that it was.",
		untilErased, nobodyElse, map[string][]string{
			"consent_record": {"contact_id", "consent", "source", "evidence", "said_by", "said_at", "recorded_at"}}},
	{"Messages: the other party's number or user id, text, values, files' ids, chosen buttons, times",
		"To send them, to show what was sent and received, and to count.", untilOld, metaGets,
		map[string][]string{
			"message": {"contact_id", "address", "country", "parameters", "content", "wamid", "error_detail", "time_zone",
				"reference", "reply_to_id", "reply", "queued_at", "accepted_at", "sent_at", "delivered_at", "read_at",
				"failed_at",
				"unknown_at", "closed_at", "edited_at", "revoked_at", "created_at"},
			"listing": {"contact_id", "address", "reference", "created_at"},
			"reply":   {"contact_id", "button", "created_at"},
		}},
	{"The log of what happened to messages, with the words of errors", "To follow deliveries live and afterwards.",
		"EVENT_RETENTION, 30 days by default" + orDays, nobodyElse,
		map[string][]string{"delivery_event": {"message_id", "status", "error_code", "error_detail", "at",
			"recorded_at"}}},
	{"Attempts to send that WhatsApp did not take: what was asked and answered, without recipients, texts and values",
		"To show what went wrong, also where a later try succeeded.",
		"EVENT_RETENTION, 30 days by default" + orDays + " Of a person until they are erased.", nobodyElse,
		map[string][]string{"send_attempt": {"message_id", "number", "at", "request", "code", "detail", "trace_id",
			"again_at"}}},
	{"To whom an account wrote first in 24 hours, and who holds a conversation",
		"To keep Meta's limits, and to leave other apps theirs.",
		"A day.", nobodyElse, map[string][]string{"messaging_window": {"address", "message_id", "at"},
			"thread": {"address", "ours", "role", "at"}}},
	{"Campaigns and segments: people named in an audience or a rule, values of their own",
		"To know who gets a campaign, and with what.",
		"Values of their own until the campaign has been over for the organization's retentionDays; the rest until the " +
			"person is erased (eraseContact), or the organization is.", metaGets, map[string][]string{
			"campaign":           {"audience_rule", "status_detail", "enroll_cursor"},
			"campaign_recipient": {"contact_id", "parameters", "language", "reference"}, "segment": {"rule"}}},
	{"Files of messages, contacts and one person's data that members asked for (exports), and what they asked",
		"So that they can fetch them.",
		"EXPORT_RETENTION, 3 days by default" + orDays + " Until any person of the organization is erased.",
		"Whoever has the link; the service that keeps the files (FILES_URL), where it is set.",
		map[string][]string{"export": {"question", "created_by_id"}}},
	{"What was posted to the organization's own servers (webhooks): events of messages and people, and the answers",
		"To deliver it, and to show what became of it.",
		"WEBHOOK_RETENTION, 7 days by default; of a person until they are erased.",
		"The organization's own servers.",
		map[string][]string{"webhook_delivery": {"subject_id", "payload", "response_body"},
			"webhook_endpoint": {"created_by_id"}}},
	{"Imported files, and rows of them that were rejected",
		"To take contacts over, and to say what is wrong with the others.",
		"A file until its import is over; what the import was for the organization's retentionDays; rejected rows for " +
			"REJECTION_RETENTION, 30 days by default" + orDays, nobodyElse,
		map[string][]string{"import_chunk": {"data"}, "import_rejection": {"value", "reason"},
			"contact_import": {"status_reason", "file_name", "consent"}}},
	{"Numbers that are never written to, with the reason; hashes of the addresses of people who were erased",
		"So that nobody writes to them.", "Until they are taken off the list, or the organization is erased.", nobodyElse,
		map[string][]string{"suppression": {"phone", "number_key", "reason", "created_at"},
			"erased_address": {"hash", "at"}}},
	{"Who is being erased, sealed", "To find what is left of them.",
		"Until the erasure is finished: minutes, a week where Meta does not hear of it.", nobodyElse,
		map[string][]string{"erasure": {"contact_id", "person", "requested_by", "requested_at"}}},
	{"Webhooks of Meta's that could not be used, as they came",
		"To use them once what they are about is there, and to find faults.",
		"30 days, less where they are many" + orDays, nobodyElse,
		map[string][]string{"unmatched_webhook": {"detail", "body", "body_hash", "received_at", "waits_for"}}},
	{"Files that were uploaded to be sent: their names and Meta's ids. The files are at Meta",
		"To send them without another upload.",
		"30 days, as Meta keeps the file.", metaGets, map[string][]string{"media_upload": {"media_id", "sha256",
			"file_name"}}},
	{"Keys by which callers repeat a call", "So that nothing is done twice.", "24 hours.", nobodyElse,
		map[string][]string{"idempotency_key": {"key", "input_hash", "result_id"}}},
	{"What members are told of by mail", "To tell them why something stopped.", "30 days.",
		"The mail server (SMTP_URL).",
		map[string][]string{"notification": {"detail", "created_by_id", "launched_by_id"},
			"notification_mail": {"member_id", "sealed_token"}}},
	{"Members: address, name, language, role, second factor, links to an identity provider, invitations",
		"To let them in, and nobody else.", ofTheAccount, mailAndLogin,
		map[string][]string{
			"app_user": {"id", "email", "email_verified_at", "name", "locale", "password_hash", "second_factor_at",
				"suspended_at",
				"suspended_until", "suspended_reason", "created_at"},
			"member":        {"user_id", "role", "told_of", "told_of_others", "created_at"},
			"second_factor": {"user_id", "secret", "last_step", "created_at"}, "recovery_code": {"user_id", "code_hash",
				"used_at"},
			"external_login": {"user_id", "issuer", "subject", "email", "created_at", "last_used_at"},
			"sign_in_flow":   {"person"}, "invitation": {"email", "role", "invited_by", "sealed_token"},
			"password_reset": {"email", "sealed_token"}, "email_verification": {"user_id", "sealed_token"},
			"security_notice": {"user_id", "kind", "sealed_token"},
		}},
	{"Sessions and API keys: network address, browser, times of use", "To show members where they are signed in.",
		"Sessions for 30 days after they end, API keys for 90.", nobodyElse, map[string][]string{
			"session": {"user_id", "user_agent", "ip", "created_at", "last_used_at", "expires_at", "revoked_at"},
			"api_key": {"name", "created_by", "last_used_at"}}},
	{"Who did what: the audit trail, acceptances of terms, histories of templates", "To show who changed something.",
		"Until the operator erases the organization.", nobodyElse, map[string][]string{
			"audit_event":      {"actor", "subject_id", "summary", "ip", "at"},
			"terms_acceptance": {"user_id", "ip", "accepted_at"},
			"template_change":  {"actor", "at"}, "template": {"changing_by"}, "organization": {"status_reason"},
		}},
}
