package notification

import (
	"carillon/ent/enum"
)

// text is what a mail says of a cause.
type text struct {
	one, many string // what happened; many has the number first
	why, todo string
	silent    bool // the detail is left out: it may name people
}

// kindTexts are in the order in which a mail tells of them.
var kindTexts = []struct {
	kind enum.NotificationKind
	text
}{
	{enum.NotificationKindTokenExpired, text{one: "WhatsApp no longer takes an account's access token",
		many: "WhatsApp no longer takes the access tokens of %d accounts",
		why:  "It has run out, or somebody has taken it back at Meta. Nothing can be sent from the account.",
		todo: "Connect the account again with a new token, then resume its campaigns."}},
	{enum.NotificationKindAccountRestricted, text{one: "WhatsApp has restricted an account",
		many: "WhatsApp has restricted %d accounts",
		why:  "No campaign can be sent from the account as long as that lasts.",
		todo: "See what WhatsApp Manager says of the account, and ask for a review there if it is wrong."}},
	{enum.NotificationKindTemplateRejected, text{one: "WhatsApp has rejected a template",
		many: "WhatsApp has rejected %d templates",
		why:  "The template cannot be sent.",
		todo: "Read the reason, change the template and submit it again, or appeal in WhatsApp Manager."}},
	{enum.NotificationKindTokenExpiring, text{one: "An account's access token runs out soon",
		many: "The access tokens of %d accounts run out soon",
		why:  "Nothing can be sent from the account after that.",
		todo: "Make a new token at Meta and connect the account again with it. Campaigns go on meanwhile."}},
	{enum.NotificationKindCampaignPaused, text{one: "A campaign paused by itself",
		many: "%d campaigns paused by themselves"}},
	{enum.NotificationKindCampaignEnded, text{one: "A campaign is complete", many: "%d campaigns are complete",
		why: "Nothing is left to send. Receipts still come in."}},
	{enum.NotificationKindImportFailed, text{one: "An import of contacts failed", many: "%d imports of contacts failed",
		why: "It could not be finished. The rows that it had taken before stay.", todo: "Import the file again."}},
	{enum.NotificationKindExportFailed, text{one: "An export failed", many: "%d exports failed",
		why: "Its file could not be made.", todo: "Start the export again."}},
	{enum.NotificationKindWebhookSuspended, text{one: "An endpoint of webhooks gets no events any more",
		many: "%d endpoints of webhooks get no events any more",
		why:  "Its server took nothing for a day, or says that it is gone.",
		todo: "Mend the server, try it with a test event, and switch the endpoint on again: it goes on where it stopped."}},
}

// templateTexts are by the status that the template has got.
var templateTexts = map[string]text{
	string(enum.TemplateStatusPaused): {one: "WhatsApp has paused a template", many: "WhatsApp has paused %d templates",
		why: "Many people blocked or reported its messages. WhatsApp takes it again after some hours by itself.",
		todo: "Look at whom it goes to and what it says, before you resume campaigns with it: the third pause " +
			"disables it."},
	string(enum.TemplateStatusDisabled): {one: "WhatsApp has disabled a template",
		many: "WhatsApp has disabled %d templates",
		why:  "Too many people blocked or reported its messages, or it breaks a rule of WhatsApp's.",
		todo: "Write another template, or appeal in WhatsApp Manager."},
}

// pauseTexts are by the reason for which a campaign paused. What is missing there has usualPause.
var pauseTexts = map[enum.CampaignStatusReason]text{
	enum.CampaignStatusReasonMessagingLimit: {
		why:  "The account has written to as many new people as WhatsApp allows in 24 hours.",
		todo: "Nothing: it goes on by itself as room returns."},
	enum.CampaignStatusReasonTemplatePaused: {why: "WhatsApp does not take the template now.",
		todo: "Wait until the template is approved again, then resume the campaign."},
	enum.CampaignStatusReasonTemplateDisabled: {why: "WhatsApp takes the template no more.",
		todo: "Change the template and have it approved, then resume the campaign; or cancel the campaign."},
	enum.CampaignStatusReasonQualityLow: {
		why: "Many people opted out, blocked or reported what they got.",
		todo: "Look at whom it goes to and what it says. Resume it only if you are sure: WhatsApp restricts numbers that " +
			"people complain of."},
	enum.CampaignStatusReasonAccountRestricted: {why: "Nothing can be sent from its WhatsApp account now.",
		todo: "See what WhatsApp Manager says of the account. Resume the campaign when that is mended."},
	enum.CampaignStatusReasonTokenInvalid: {why: "WhatsApp no longer takes the account's access token.",
		todo: "Connect the account again with a new token, then resume the campaign."},
	enum.CampaignStatusReasonPaymentIssue: {why: "Meta cannot bill the account.",
		todo: "Mend the way of payment in Meta's billing settings, then resume the campaign."},
	enum.CampaignStatusReasonFailureRate: {why: "Too many of its last messages failed.",
		todo: "Look into the causes, then resume the campaign."},
	enum.CampaignStatusReasonCanaryFailed: {why: "Too many of the messages that were sent first, to try it, failed.",
		todo: "Look into the causes, then resume the campaign or cancel it."},
	enum.CampaignStatusReasonOrganizationSuspended: {why: "The operator of this service has suspended the organization.",
		todo: "Ask the operator. The campaign goes on by itself when that is over."},
	enum.CampaignStatusReasonQuietHours: {why: "It is night where its recipients are.",
		todo: "Nothing: it goes on by itself."},
	enum.CampaignStatusReasonMissingParameter: {why: "A value that the template needs is missing or not good.",
		todo: "Give the parameter a fallback, or correct the contacts; then resume the campaign.", silent: true},
	enum.CampaignStatusReasonNumberUnavailable: {why: "Its phone number cannot send.",
		todo: "See what WhatsApp Manager says of the number, then resume the campaign."},
	enum.CampaignStatusReasonTermsNotAccepted: {why: "The terms of service in force have not been accepted.",
		todo: "An owner or administrator accepts them; the campaign goes on by itself then."},
	enum.CampaignStatusReasonQuotaReached: {
		why:  "The organization has sent as many messages today as the operator allows.",
		todo: "Nothing: it goes on by itself when there is room."},
	enum.CampaignStatusReasonScheduleMissed: {why: "It was to start at its time, and that was missed.",
		todo: "Launch another one, if it is still wanted."},
	enum.CampaignStatusReasonAudienceEmpty: {why: "It was to start at its time, and nobody would have received it.",
		todo: "Look at its audience."},
	enum.CampaignStatusReasonRecipientsPending: {
		why:  "It was to start at its time, and a file of its recipients was still being read.",
		todo: "Wait until the import has ended, or cancel it; then resume the campaign."},
}

var usualPause = text{why: "Something stands in its way.", todo: "See what the campaign's status says, and resume it " +
	"when that is mended."}

// textOf is what a mail says of causes of a kind, with a reason.
func textOf(kind enum.NotificationKind, reason string) (t text) {
	for _, k := range kindTexts {
		if k.kind == kind {
			t = k.text
		}
	}

	switch kind {
	case enum.NotificationKindTemplateRejected:
		if other, known := templateTexts[reason]; known {
			return other
		}
	case enum.NotificationKindCampaignPaused:
		pause, known := pauseTexts[enum.CampaignStatusReason(reason)]
		if !known {
			pause = usualPause
		}

		t.why, t.todo, t.silent = pause.why, pause.todo, pause.silent
	}

	return t
}
