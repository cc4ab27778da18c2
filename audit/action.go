package audit

// Actions that the audit trail knows, a noun and a verb. A stored action is never renamed: people
// filter by it.
const (
	ActionSignUp          = "session.sign_up"
	ActionSignIn          = "session.sign_in"
	ActionSignInFail      = "session.sign_in_fail"
	ActionSignOut         = "session.sign_out"
	ActionSessionRevoke   = "session.revoke"
	ActionSessionSwitch   = "session.switch"
	ActionPasswordChange  = "password.change"
	ActionPasswordRequest = "password.request_reset"
	ActionPasswordReset   = "password.reset"
	ActionFactorAdd       = "factor.add"
	ActionFactorRemove    = "factor.remove"
	ActionFactorRecover   = "factor.recover"
	ActionFactorFail      = "factor.fail"
	ActionEmailVerify     = "email.verify"
	ActionLoginLink       = "login.link"
	ActionLoginUnlink     = "login.unlink"
	ActionAccessRefuse    = "access.refuse"

	ActionOrganizationCreate   = "organization.create"
	ActionOrganizationUpdate   = "organization.update"
	ActionOrganizationSuspend  = "organization.suspend"
	ActionOrganizationActivate = "organization.activate"
	ActionOrganizationClose    = "organization.close"
	ActionOrganizationErase    = "organization.erase"
	ActionOrganizationQuota    = "organization.quota"
	ActionOrganizationRetain   = "organization.retain"
	ActionTermsAccept          = "terms.accept"
	ActionMemberInvite         = "member.invite"
	ActionMemberUninvite       = "member.uninvite"
	ActionMemberJoin           = "member.join"
	ActionMemberUpdate         = "member.update"
	ActionMemberRemove         = "member.remove"
	ActionMemberSuspend        = "member.suspend"
	ActionMemberResume         = "member.resume"
	ActionMemberNotify         = "member.notify"
	ActionAPIKeyCreate         = "api_key.create"
	ActionAPIKeyRevoke         = "api_key.revoke"
	ActionKeysRotate           = "keys.rotate"

	ActionAccountConnect      = "account.connect"
	ActionAccountSync         = "account.sync"
	ActionAccountDisconnect   = "account.disconnect"
	ActionAccountTokenExpire  = "account.token_expire"
	ActionAccountRestrict     = "account.restrict"
	ActionPhoneNumberRegister = "phone_number.register"
	ActionPhoneNumberUpdate   = "phone_number.update"
	ActionNumberDeregister    = "phone_number.deregister"
	ActionNumberVerify        = "phone_number.verify"
	ActionTemplateCreate      = "template.create"
	ActionTemplateUpdate      = "template.update"
	ActionTemplateSubmit      = "template.submit"
	ActionTemplateDelete      = "template.delete"
	ActionMediaUpload         = "media.upload"

	ActionContactCreate       = "contact.create"
	ActionContactUpdate       = "contact.update"
	ActionContactMerge        = "contact.merge"
	ActionContactErase        = "contact.erase"
	ActionContactImport       = "contact.import"
	ActionContactImportCancel = "contact.import_cancel"
	ActionConsentRecord       = "consent.record"
	ActionContactListCreate   = "contact_list.create"
	ActionContactListUpdate   = "contact_list.update"
	ActionContactListDelete   = "contact_list.delete"
	ActionSegmentCreate       = "segment.create"
	ActionSegmentUpdate       = "segment.update"
	ActionSegmentDelete       = "segment.delete"
	ActionSuppressionAdd      = "suppression.add"
	ActionSuppressionRemove   = "suppression.remove"

	ActionCampaignCreate    = "campaign.create"
	ActionCampaignUpdate    = "campaign.update"
	ActionCampaignDuplicate = "campaign.duplicate"
	ActionCampaignRecipient = "campaign.add_recipients"
	ActionCampaignTest      = "campaign.test"
	ActionCampaignLaunch    = "campaign.launch"
	ActionCampaignPause     = "campaign.pause"
	ActionCampaignResume    = "campaign.resume"
	ActionCampaignCancel    = "campaign.cancel"
	ActionCampaignRetry     = "campaign.retry"
	ActionCampaignComplete  = "campaign.complete"
	ActionCampaignReopen    = "campaign.reopen"
	ActionMessageSend       = "message.send"
	ActionExport            = "export.start"

	ActionWebhookCreate  = "webhook.create"
	ActionWebhookUpdate  = "webhook.update"
	ActionWebhookDelete  = "webhook.delete"
	ActionWebhookRotate  = "webhook.rotate_secret"
	ActionWebhookTest    = "webhook.test"
	ActionWebhookRetry   = "webhook.retry"
	ActionWebhookSuspend = "webhook.suspend"
)

// Action is one row of the table of what is recorded.
type Action struct{ Name, Description string }

// Actions is that table. Record refuses what is not in it.
var Actions = []Action{
	{ActionSignUp, "A user and an organization were made."},
	{ActionSignIn, "A user signed in."},
	{ActionSignInFail, "Somebody tried to sign in with a member's e-mail address and was refused."},
	{ActionSignOut, "A user signed out."},
	{ActionSessionRevoke, "A session was revoked."},
	{ActionSessionSwitch, "A user opened a session in another of their organizations."},
	{ActionPasswordChange, "A member changed their password."},
	{ActionPasswordRequest, "Somebody asked for a link to reset a member's password, or the operator made one."},
	{ActionPasswordReset, "A member's password was reset by such a link."},
	{ActionFactorAdd, "A member added a second factor."},
	{ActionFactorRemove, "A member removed their second factor, or the operator did."},
	{ActionFactorRecover, "A recovery code was used, or new ones were made."},
	{ActionFactorFail, "A second factor was wrong."},
	{ActionEmailVerify, "A member proved that their e-mail address is theirs, or the operator vouched for it."},
	{ActionLoginLink, "A login at an identity provider was linked to a member."},
	{ActionLoginUnlink, "Such a link was removed."},
	{ActionAccessRefuse,
		"A call was refused, since the caller's role was too low. The same caller and field count once a minute."},

	{ActionOrganizationCreate, "An organization was made."},
	{ActionOrganizationUpdate, "The organization's settings were changed; the summary names them."},
	{ActionOrganizationSuspend, "The operator suspended the organization."},
	{ActionOrganizationActivate, "The organization's suspension or closure ended, by the operator or by itself."},
	{ActionOrganizationClose, "The organization was closed."},
	{ActionOrganizationErase,
		"The operator erased the data of a closed organization, its audit trail up to here included."},
	{ActionOrganizationQuota, "The operator changed the organization's quotas."},
	{ActionOrganizationRetain,
		"The service erased what was older than the organization's retentionDays; the summary says how much. At most once " +
			"a day."},
	{ActionTermsAccept, "The terms of service were accepted."},
	{ActionMemberInvite, "Somebody was invited."},
	{ActionMemberUninvite, "An invitation was withdrawn."},
	{ActionMemberJoin, "Somebody joined the organization."},
	{ActionMemberUpdate, "A member's role was changed, or their name by themselves."},
	{ActionMemberRemove, "A member was removed."},
	{ActionMemberSuspend,
		"The operator suspended a member: they cannot sign in, and API keys that they made are refused."},
	{ActionMemberResume, "A member's suspension ended, by the operator or by itself."},
	{ActionMemberNotify, "A member chose of what they are told by mail."},
	{ActionAPIKeyCreate, "An API key was made."},
	{ActionAPIKeyRevoke, "An API key was revoked."},
	{ActionKeysRotate, "The operator sealed a stored secret of the organization's under another key."},

	{ActionAccountConnect, "A WhatsApp Business Account was connected."},
	{ActionAccountSync, "An account's numbers and templates were read again from WhatsApp."},
	{ActionAccountDisconnect, "An account was disconnected."},
	{ActionAccountTokenExpire, "WhatsApp no longer takes an account's access token."},
	{ActionAccountRestrict, "WhatsApp restricted or disabled an account, or lifted that."},
	{ActionPhoneNumberRegister, "WhatsApp was asked to register a phone number."},
	{ActionPhoneNumberUpdate,
		"A phone number's throughput cap was changed, or WhatsApp was asked to change its business profile."},
	{ActionNumberDeregister, "WhatsApp was asked to take a phone number out of its API."},
	{ActionNumberVerify, "WhatsApp was asked for a verification code, or given one."},
	{ActionTemplateCreate, "A template was made."},
	{ActionTemplateUpdate, "A template was changed."},
	{ActionTemplateSubmit, "A template was sent to WhatsApp for review."},
	{ActionTemplateDelete, "A template was deleted."},
	{ActionMediaUpload, "A file was uploaded to WhatsApp."},

	{ActionContactCreate, "A contact was made."},
	{ActionContactUpdate, "A contact was changed."},
	{ActionContactMerge, "A contact was merged into another one: WhatsApp told that they are one person."},
	{ActionContactErase, "A contact was erased."},
	{ActionContactImport, "An import of contacts was started."},
	{ActionContactImportCancel, "An import of contacts was canceled. What it had taken stays."},
	{ActionConsentRecord,
		"A contact's consent was recorded by a member or an API key. What contacts themselves say is in their consent " +
			"history alone."},
	{ActionContactListCreate, "A contact list was made."},
	{ActionContactListUpdate, "A contact list was renamed, or people were put on it or taken off."},
	{ActionContactListDelete, "A contact list was deleted."},
	{ActionSegmentCreate, "A segment was made."},
	{ActionSegmentUpdate, "A segment was renamed, or got another rule."},
	{ActionSegmentDelete, "A segment was deleted."},
	{ActionSuppressionAdd, "Numbers were put on the suppression list."},
	{ActionSuppressionRemove, "A number was taken off the suppression list."},

	{ActionCampaignCreate, "A campaign was drafted."},
	{ActionCampaignUpdate, "A draft was changed."},
	{ActionCampaignDuplicate, "A campaign was copied into a new draft."},
	{ActionCampaignRecipient, "Recipients were added to a campaign, or a file of them was uploaded."},
	{ActionCampaignTest, "A campaign's message was sent to try it."},
	{ActionCampaignLaunch, "A campaign was launched or scheduled."},
	{ActionCampaignPause, "A campaign was paused: by a member, or by the service itself, which says why."},
	{ActionCampaignResume, "A campaign was resumed: by a member, or by the service itself."},
	{ActionCampaignCancel, "A campaign was canceled."},
	{ActionCampaignRetry, "A campaign's failed messages were queued again."},
	{ActionCampaignComplete, "The service completed a campaign that had nothing left to send."},
	{ActionCampaignReopen, "The service set a completed campaign running again, since messages of it were queued again."},
	{ActionMessageSend, "A single message was queued."},
	{ActionExport, "An export was started."},

	{ActionWebhookCreate, "An endpoint of webhooks was made."},
	{ActionWebhookUpdate, "An endpoint of webhooks was changed, or switched off or on; the summary says what."},
	{ActionWebhookDelete, "An endpoint of webhooks was deleted."},
	{ActionWebhookRotate, "An endpoint of webhooks got a new secret."},
	{ActionWebhookTest, "An example was posted to an endpoint of webhooks."},
	{ActionWebhookRetry, "A delivery to an endpoint of webhooks was asked for again."},
	{ActionWebhookSuspend, "The service suspended an endpoint of webhooks that took nothing for a day, or that is gone."},
}
