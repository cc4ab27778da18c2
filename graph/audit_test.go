package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/termsacceptance"
	"carillon/graph"
	"carillon/identity"
	"carillon/uid"
)

// changes call each mutation once, in such a way that it changes something. What is missing here
// has no test that it leaves an audit event.
var changes = map[string]func(o *shop){
	"signUp": nil, // its organization is new: looked at apart
	"signIn": func(o *shop) { o.signIn(password) },
	"signInByLink": func(o *shop) {
		email := o.must(`{ viewer { user { email } } }`).text("viewer.user.email")
		_, token, _ := strings.Cut(o.who.OfferLink(email), "#token=")
		o.stage.ask("", `mutation($t: String!) { signInByLink(input: {token: $t}) { token } }`, vars{"t": token})
	},
	"signOut": func(o *shop) {
		(&person{stage: o.stage, token: o.signIn(password)}).must(`mutation { signOut { signedOut } }`)
	},
	"acceptTerms": func(o *shop) {
		system := caller.System(o.ctx)
		o.db.Client.TermsAcceptance.Delete().Where(termsacceptance.OrganizationID(o.org)).ExecX(system)
		o.must(`mutation($v: String!) { acceptTerms(input: {version: $v}) { userErrors { message } } }`,
			vars{"v": o.who.Terms().Version})
	},
	"updateOrganization": func(o *shop) {
		o.must(`mutation { updateOrganization(input: {name: "New name", retentionDays: 30}) { userErrors { message } } }`)
	},
	"revokeSession": func(o *shop) {
		o.signIn(password)
		id := o.must(`{ viewer { sessions { id current } } }`)
		for i := range id.list("viewer.sessions") {
			if id.at(fmt.Sprintf("viewer.sessions.%d.current", i)) == false {
				o.must(`mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { revokedSessionId } }`,
					vars{"id": id.at(fmt.Sprintf("viewer.sessions.%d.id", i))})
				return
			}
		}
	},
	"createApiKey": func(o *shop) {
		o.must(`mutation { createApiKey(input: {name: "CI", role: VIEWER}) { apiKey { id } } }`)
	},
	"revokeApiKey": func(o *shop) {
		key, _, err := o.who.CreateAPIKey(o.ctx, identity.NewAPIKey{Name: "x", Role: enum.RoleViewer})
		if err != nil {
			o.t.Fatal(err)
		}

		o.must(`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { id } } }`, vars{"id": key.ID.String()})
	},
	"connectAccount": func(o *shop) {
		o.must(`mutation($token: String!) { connectAccount(input: {credentials: {token: {wabaId: "`+waba+
			`", accessToken: $token}}, consentToTransfer: true}) { userErrors { message } } }`, vars{"token": metaToken})
	},
	"connectSandboxAccount": func(o *shop) {
		o.must(`mutation { connectSandboxAccount(input: {name: "Try it"}) { userErrors { message } } }`)
	},
	"syncAccount": func(o *shop) {
		o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { userErrors { message } } }`,
			vars{"id": o.account.ID.String()})
	},
	"updatePhoneNumber": func(o *shop) {
		o.must(`mutation($id: ID!) { updatePhoneNumber(input: {phoneNumberId: $id, throughputCap: 5}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"uploadMedia": func(o *shop) { o.picture() },
	"registerPhoneNumber": func(o *shop) {
		o.must(`mutation($id: ID!) { registerPhoneNumber(input: {phoneNumberId: $id, pin: "111222"}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"deregisterPhoneNumber": func(o *shop) {
		o.must(`mutation($id: ID!) { deregisterPhoneNumber(input: {phoneNumberId: $id}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"requestVerificationCode": func(o *shop) {
		o.must(`mutation($id: ID!) { requestVerificationCode(input: {phoneNumberId: $id}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"verifyPhoneNumber": func(o *shop) {
		o.must(`mutation($id: ID!) { verifyPhoneNumber(input: {phoneNumberId: $id, code: "123456"}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"updateBusinessProfile": func(o *shop) {
		o.must(`mutation($id: ID!) { updateBusinessProfile(input: {phoneNumberId: $id, about: "Open"}) { userErrors { message } } }`,
			vars{"id": o.number.ID.String()})
	},
	"createTemplate": func(o *shop) { o.draftTemplate("autumn_sale") },
	"updateTemplate": func(o *shop) {
		o.must(`mutation($id: ID!) { updateTemplate(input: {templateId: $id, messageTtlSeconds: 43200}) { userErrors { message } } }`,
			vars{"id": o.draftTemplate("updated_sale")})
	},
	"submitTemplate": func(o *shop) {
		o.must(`mutation($id: ID!) { submitTemplate(input: {templateId: $id}) { userErrors { message } } }`,
			vars{"id": o.draftTemplate("submitted_sale")})
	},
	"deleteTemplate": func(o *shop) {
		o.must(`mutation($id: ID!) { deleteTemplate(input: {templateId: $id}) { userErrors { message } } }`,
			vars{"id": o.draftTemplate("deleted_sale")})
	},
	"duplicateTemplate": func(o *shop) {
		o.must(`mutation($id: ID!) { duplicateTemplate(input: {templateId: $id, language: "de"}) { userErrors { message } } }`,
			vars{"id": o.draftTemplate("duplicated_sale")})
	},
	"createContact": func(o *shop) {
		o.must(`mutation { createContact(input: {phone: "+14167019999"}) { userErrors { message } } }`)
	},
	"importContacts": func(o *shop) {
		o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { userErrors { message } } }`,
			"phone\n+14167018888\n", vars{})
	},
	"cancelContactImport": func(o *shop) {
		a := o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id } } }`,
			"phone\n+14167018889\n", vars{})
		o.must(`mutation($id: ID!) { cancelContactImport(input: {importId: $id}) { userErrors { message } } }`,
			vars{"id": a.text("importContacts.import.id")})
	},
	"createContactList": func(o *shop) {
		o.must(`mutation { createContactList(input: {name: "Another"}) { userErrors { message } } }`)
	},
	"updateContact": func(o *shop) {
		o.must(`mutation($id: ID!) { updateContact(input: {contactId: $id, addTags: ["vip"]}) { userErrors { message } } }`,
			vars{"id": o.newContact("+14167017777")})
	},
	"recordConsent": func(o *shop) {
		o.must(`mutation($id: ID!) { recordConsent(input: {contactId: $id, consent: {consent: OPTED_IN, source: "shop"}}) {
			userErrors { message } } }`, vars{"id": o.newContact("+14167016666")})
	},
	"updateContactList": func(o *shop) {
		o.must(`mutation($id: ID!) { updateContactList(input: {contactListId: $id, name: "Renamed"}) { userErrors { message } } }`,
			vars{"id": o.newList("To be renamed")})
	},
	"deleteContactList": func(o *shop) {
		o.must(`mutation($id: ID!) { deleteContactList(input: {contactListId: $id}) { userErrors { message } } }`,
			vars{"id": o.newList("To be deleted")})
	},
	"createWebhookEndpoint": func(o *shop) { o.endpoint() },
	"updateWebhookEndpoint": func(o *shop) {
		o.must(`mutation($id: ID!) { updateWebhookEndpoint(input: {webhookEndpointId: $id, enabled: false}) {
			userErrors { message } } }`, vars{"id": o.endpoint().String()})
	},
	"deleteWebhookEndpoint": func(o *shop) {
		o.must(`mutation($id: ID!) { deleteWebhookEndpoint(input: {webhookEndpointId: $id}) { userErrors { message } } }`,
			vars{"id": o.endpoint().String()})
	},
	"rotateWebhookSecret": func(o *shop) {
		o.must(`mutation($id: ID!) { rotateWebhookSecret(input: {webhookEndpointId: $id}) { userErrors { message } } }`,
			vars{"id": o.endpoint().String()})
	},
	"testWebhookEndpoint": func(o *shop) {
		o.must(`mutation($id: ID!) { testWebhookEndpoint(input: {webhookEndpointId: $id, event: MESSAGE_READ}) {
			userErrors { message } } }`, vars{"id": o.endpoint().String()})
	},
	"retryWebhookDelivery": func(o *shop) {
		o.must(`mutation($id: ID!) { retryWebhookDelivery(input: {webhookDeliveryId: $id}) { userErrors { message } } }`,
			vars{"id": o.delivery(o.endpoint()).String()})
	},
	"exportMessages": func(o *shop) { o.exported("exportMessages", `{format: CSV}`) },
	"exportContacts": func(o *shop) { o.exported("exportContacts", `{format: NDJSON}`) },
	"exportStatistics": func(o *shop) {
		o.exported("exportStatistics", `{filter: {since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"}}`)
	},
	"exportPersonalData": func(o *shop) {
		o.exported("exportPersonalData", `{contactId: "`+o.contacts[0].ID.String()+`"}`)
	},
	"createSegment": func(o *shop) { o.newSegment("Chinese") },
	"updateSegment": func(o *shop) {
		o.must(`mutation($id: ID!) { updateSegment(input: {segmentId: $id, filter: {}}) { userErrors { message } } }`,
			vars{"id": o.newSegment("To be changed")})
	},
	"deleteSegment": func(o *shop) {
		o.must(`mutation($id: ID!) { deleteSegment(input: {segmentId: $id}) { userErrors { message } } }`,
			vars{"id": o.newSegment("To be deleted")})
	},
	"addSuppressions": func(o *shop) { o.suppress("+14167015555") },
	"eraseContact": func(o *shop) {
		o.must(`mutation($id: ID!) { eraseContact(input: {contactId: $id}) { userErrors { message } } }`,
			vars{"id": o.newContact("+14167015111")})
	},
	"removeSuppression": func(o *shop) {
		o.must(`mutation($id: ID!) { removeSuppression(input: {suppressionId: $id}) { userErrors { message } } }`,
			vars{"id": o.suppress("+14167014444")})
	},
	"createCampaign": func(o *shop) { o.campaign("Spring") },
	"updateCampaign": func(o *shop) {
		o.must(`mutation($id: ID!) { updateCampaign(input: {campaignId: $id, name: "Summer"}) { userErrors { message } } }`,
			vars{"id": o.campaign("To be changed").String()})
	},
	"duplicateCampaign": func(o *shop) {
		o.must(`mutation($id: ID!) { duplicateCampaign(input: {campaignId: $id}) { userErrors { message } } }`,
			vars{"id": o.campaign("To be copied").String()})
	},
	"addCampaignRecipients": func(o *shop) {
		o.must(`mutation($id: ID!) { addCampaignRecipients(input: {campaignId: $id, recipients: [{phone: "+15550102222"}]}) {
			userErrors { message } } }`, vars{"id": o.campaign("To be added to").String()})
	},
	"importCampaignRecipients": func(o *shop) {
		o.upload(`mutation($input: ImportCampaignRecipientsInput!) { importCampaignRecipients(input: $input) {
			userErrors { message } } }`, "phone\n+15550108887\n", vars{"campaignId": o.campaign("To be filled").String()})
	},
	"testCampaign": func(o *shop) {
		o.must(`mutation($id: ID!) { testCampaign(input: {campaignId: $id, to: "+14167013333"}) { userErrors { message } } }`,
			vars{"id": o.campaign("To be tried").String()})
	},
	"launchCampaign": func(o *shop) { o.launched("launch", "launch") },
	"pauseCampaign":  func(o *shop) { o.launched("pause", "launch", "pause") },
	"resumeCampaign": func(o *shop) { o.launched("resume", "launch", "pause", "resume") },
	"cancelCampaign": func(o *shop) { o.launched("cancel", "launch", "cancel") },
	"retryCampaign": func(o *shop) {
		id := o.launched("retry", "launch")
		o.record(delivery.Failed, o.queued(id, 1)...)
		o.must(`mutation($id: ID!) { retryCampaign(input: {campaignId: $id}) { userErrors { message } } }`,
			vars{"id": id.String()})
	},
	"confirmSecondFactor": func(o *shop) { o.withFactor(func(string) {}) },
	"disableSecondFactor": func(o *shop) {
		o.withFactor(func(code string) {
			o.must(`mutation($p: String!, $c: String!) { disableSecondFactor(input: {password: $p, code: $c}) { userErrors { message } } }`,
				vars{"p": password, "c": code})
		})
	},
	"regenerateRecoveryCodes": func(o *shop) {
		o.withFactor(func(code string) {
			o.must(`mutation($p: String!, $c: String!) { regenerateRecoveryCodes(input: {password: $p, code: $c}) { userErrors { message } } }`,
				vars{"p": password, "c": code})
		})
	},
	"disconnectAccount": func(o *shop) {
		o.must(`mutation($id: ID!) { disconnectAccount(input: {accountId: $id}) { userErrors { message } } }`,
			vars{"id": o.account.ID.String()})
	},
	"createOrganization": nil, // its organization is new
	"verifyEmail":        nil, // its mail is looked at in TestALinkAloneBlessesNobodysPassword
	// These need an identity provider: package identity looks at them.
	"beginExternalSignIn": nil, "completeExternalSignIn": nil, "linkExternalLogin": nil, "unlinkExternalLogin": nil,
	"switchOrganization": func(o *shop) {
		o.must(`mutation($id: ID!) { switchOrganization(input: {organizationId: $id}) { userErrors { message } } }`,
			vars{"id": o.org.String()})
	},
	"inviteMember": func(o *shop) { o.invite("ann@example.com", "VIEWER") },
	"revokeInvitation": func(o *shop) {
		o.invite("eve@example.com", "VIEWER")
		id := o.must(`{ viewer { organization { invitations { id } } } }`).text("viewer.organization.invitations.0.id")
		o.must(`mutation($id: ID!) { revokeInvitation(input: {invitationId: $id}) { userErrors { message } } }`,
			vars{"id": id})
	},
	"acceptInvitation": func(o *shop) {
		o.hire("VIEWER")
	},
	"updateMember": func(o *shop) {
		o.must(`mutation($id: ID!) { updateMember(input: {memberId: $id, role: ADMIN}) { userErrors { message } } }`,
			vars{"id": o.newMember()})
	},
	"removeMember": func(o *shop) {
		o.must(`mutation($id: ID!) { removeMember(input: {memberId: $id}) { userErrors { message } } }`,
			vars{"id": o.newMember()})
	},
	"updateNotifications": func(o *shop) {
		o.must(`mutation { updateNotifications(input: {kinds: [TOKEN_EXPIRED]}) { userErrors { message } } }`)
	},
	"changePassword": func(o *shop) {
		o.hire("VIEWER").
			must(`mutation($old: String!) { changePassword(input: {currentPassword: $old, newPassword: "another good password"}) { userErrors { message } } }`,
				vars{"old": password})
	},
	"resetPassword": func(o *shop) {
		email := o.hire("VIEWER").must(`{ viewer { user { email } } }`).text("viewer.user.email")
		link, err := o.who.ResetLink(audit.AsOperator(o.ctx), email)
		if err != nil {
			o.t.Fatal(err)
		}

		_, token, _ := strings.Cut(link, "#token=")
		if a := o.stage.ask("",
			`mutation($token: String!) { resetPassword(input: {token: $token, newPassword: "another good password"}) { token userErrors { message } } }`,
			vars{"token": token}); a.at("resetPassword.token") == nil {
			o.t.Fatalf("resetting gave %v %v", a.Data, a.Errors)
		}
	},
	"revokeOtherSessions": func(o *shop) {
		o.signIn(password)
		o.must(`mutation { revokeOtherSessions(input: {}) { userErrors { message } } }`)
	},
	"sendMessage": func(o *shop) { o.must(send, vars{"input": o.sale()}) },
}

// changesNothing are the mutations that leave no audit event, with the reason.
var changesNothing = map[string]string{
	"requestPasswordReset": "it does the same for every address; the mail that follows is recorded where there is " +
		"a user",
	"requestEmailVerification": "it does the same whether the address is proven or not",
	"updateUser":               "a user's own name, in no organization",
	"estimateCampaign":         "it only computes",
	"previewContactImport":     "it keeps nothing",
	"beginSecondFactor":        "what it makes waits for confirmSecondFactor, and is worth nothing until then",
}

// recorded are the actions that mutations leave, where they are not named alike.
var recorded = map[string]string{
	"signUp": audit.ActionSignUp, "signIn": audit.ActionSignIn,
	"signInByLink": audit.ActionSignIn, "signOut": audit.ActionSignOut,
	"acceptTerms":        audit.ActionTermsAccept,
	"updateOrganization": audit.ActionOrganizationUpdate, "revokeSession": audit.ActionSessionRevoke,
	"createApiKey": audit.ActionAPIKeyCreate,
	"revokeApiKey": audit.ActionAPIKeyRevoke, "connectAccount": audit.ActionAccountConnect,
	"syncAccount": audit.ActionAccountSync, "connectSandboxAccount": audit.ActionAccountConnect,
	"uploadMedia":         audit.ActionMediaUpload,
	"registerPhoneNumber": audit.ActionPhoneNumberRegister, "deregisterPhoneNumber": audit.ActionNumberDeregister,
	"requestVerificationCode": audit.ActionNumberVerify, "verifyPhoneNumber": audit.ActionNumberVerify,
	"updateBusinessProfile": audit.ActionPhoneNumberUpdate,
	"updatePhoneNumber":     audit.ActionPhoneNumberUpdate, "createTemplate": audit.ActionTemplateCreate,
	"updateTemplate": audit.ActionTemplateUpdate, "submitTemplate": audit.ActionTemplateSubmit,
	"deleteTemplate": audit.ActionTemplateDelete, "duplicateTemplate": audit.ActionTemplateCreate,
	"createContact": audit.ActionContactCreate, "importContacts": audit.ActionContactImport,
	"cancelContactImport": audit.ActionContactImportCancel,
	"createContactList":   audit.ActionContactListCreate,
	"updateContactList":   audit.ActionContactListUpdate, "deleteContactList": audit.ActionContactListDelete,
	"createWebhookEndpoint": audit.ActionWebhookCreate, "updateWebhookEndpoint": audit.ActionWebhookUpdate,
	"deleteWebhookEndpoint": audit.ActionWebhookDelete, "rotateWebhookSecret": audit.ActionWebhookRotate,
	"testWebhookEndpoint": audit.ActionWebhookTest, "retryWebhookDelivery": audit.ActionWebhookRetry,
	"exportMessages": audit.ActionExport, "exportContacts": audit.ActionExport,
	"exportStatistics": audit.ActionExport, "exportPersonalData": audit.ActionExport,
	"createSegment": audit.ActionSegmentCreate, "updateSegment": audit.ActionSegmentUpdate,
	"deleteSegment":   audit.ActionSegmentDelete,
	"eraseContact":    audit.ActionContactErase,
	"addSuppressions": audit.ActionSuppressionAdd, "removeSuppression": audit.ActionSuppressionRemove,
	"updateContact": audit.ActionContactUpdate, "recordConsent": audit.ActionConsentRecord,
	"updateCampaign": audit.ActionCampaignUpdate, "duplicateCampaign": audit.ActionCampaignDuplicate,
	"addCampaignRecipients":    audit.ActionCampaignRecipient,
	"importCampaignRecipients": audit.ActionCampaignRecipient, "testCampaign": audit.ActionCampaignTest,
	"createCampaign": audit.ActionCampaignCreate, "launchCampaign": audit.ActionCampaignLaunch,
	"pauseCampaign":  audit.ActionCampaignPause,
	"resumeCampaign": audit.ActionCampaignResume, "cancelCampaign": audit.ActionCampaignCancel,
	"retryCampaign": audit.ActionCampaignRetry,
	"sendMessage":   audit.ActionMessageSend, "confirmSecondFactor": audit.ActionFactorAdd,
	"disableSecondFactor":     audit.ActionFactorRemove,
	"regenerateRecoveryCodes": audit.ActionFactorRecover, "disconnectAccount": audit.ActionAccountDisconnect,
	"createOrganization": audit.ActionOrganizationCreate, "switchOrganization": audit.ActionSessionSwitch,
	"inviteMember":     audit.ActionMemberInvite,
	"revokeInvitation": audit.ActionMemberUninvite, "acceptInvitation": audit.ActionMemberJoin,
	"updateMember": audit.ActionMemberUpdate,
	"removeMember": audit.ActionMemberRemove, "changePassword": audit.ActionPasswordChange,
	"resetPassword":       audit.ActionPasswordReset,
	"updateNotifications": audit.ActionMemberNotify,
	"revokeOtherSessions": audit.ActionSessionRevoke,
}

// newMember is the id of one.
func (o *shop) newMember() string {
	return o.hire("VIEWER").must(`{ viewer { memberships { id } } }`).text("viewer.memberships.0.id")
}

func (o *shop) signIn(password string) (token string) {
	o.t.Helper()
	v, _ := identity.From(o.ctx)
	a := o.stage.ask("",
		`mutation($e: String!, $p: String!) { signIn(input: {email: $e, password: $p}) { token userErrors { message } } }`,
		vars{"e": v.User.Email, "p": password})
	token, _ = a.at("signIn.token").(string)

	return token
}

// withFactor gives the person a second factor for as long as do takes.
func (o *shop) withFactor(do func(code string)) {
	o.t.Helper()
	secret := o.enroll()
	do(shown(o.t, secret, 0))
	v, _ := identity.From(o.ctx)
	_, _ = o.who.DropSecondFactor(o.ctx, v.User.Email) // which do may have done
}

func (o *shop) draftTemplate(name string) any {
	o.t.Helper()
	return o.must(`mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } userErrors { message } } }`,
		vars{"input": vars{
			"accountId": o.account.ID.String(), "submit": false, "template": vars{"name": name, "language": "en_US",
				"category": "UTILITY", "components": []vars{{"type": "BODY", "text": "Our sale has begun."}}}},
		}).at("createTemplate.template.id")
}

// launched takes a new campaign through those steps.
func (o *shop) launched(name string, steps ...string) uid.ID {
	o.t.Helper()
	id := o.campaign(name)
	for _, step := range steps {
		o.must(`mutation($id: ID!) { `+step+
			`Campaign(input: {campaignId: $id}) { campaign { id } userErrors { message } } }`, vars{"id": id.String()})
	}

	return id
}

// actions counts the organization's audit events by action.
func (p *person) actions() map[string]int {
	p.t.Helper()
	counts := map[string]int{}
	for _, e := range p.db.Client.AuditEvent.Query().Where(auditevent.OrganizationID(p.org)).AllX(caller.System(p.ctx)) {
		counts[e.Action]++
	}

	return counts
}

func TestEveryMutationLeavesAnAuditEvent(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(1)
	if got := o.actions()[audit.ActionSignUp]; got != 1 {
		t.Errorf("signUp left %d events", got)
	}

	var fields []string
	for _, f := range schema(t).Mutation.Fields {
		fields = append(fields, f.Name)
	}

	last := slices.Index(fields, "disconnectAccount") // after it, nothing is sent
	fields = append(slices.Delete(fields, last, last+1), "disconnectAccount")

	for _, field := range fields {
		change, known := changes[field]
		if _, none := changesNothing[field]; none == known {
			t.Errorf("%s: add it to changes with its action in recorded, or to changesNothing with the reason", field)
		}
		if change == nil {
			continue
		}

		before := o.actions()
		change(o)
		if o.actions()[recorded[field]] <= before[recorded[field]] {
			t.Errorf("%s left no event %q", field, recorded[field])
		}
	}

	for _, field := range slices.Collect(maps.Keys(changes)) {
		if !slices.Contains(fields, field) {
			t.Errorf("%s is no mutation any more", field)
		}
	}

	trails, err := audit.Walk(t.Context(), s.db)
	if err != nil || len(trails) != 1 || trails[0].Break != "" {
		t.Errorf("trails %+v, %v", trails, err)
	}
}

const auditQuery = `query($filter: AuditEventFilter, $first: Int, $after: Cursor, $order: [AuditEventOrder!]) { auditEvents(filter: $filter, first: $first, after: $after, orderBy: $order) {
	totalCount pageInfo { hasNextPage endCursor } edges { node { id at actor action subjectId subject { id ... on Campaign { name } ... on ContactList { name } } summary ip sequence hash } } } }`

func TestTheAuditTrailIsReadByAdministrators(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o, other := s.signUp().open(1), s.signUp()
		spring, autumn := o.launched("Spring", "launch", "pause"), o.campaign("Autumn")
		robot := o.key(enum.RoleAdmin)
		robot.must(`mutation { createContactList(input: {name: "Robots"}) { userErrors { message } } }`)

		newest := []vars{{"field": "AT", "direction": "DESC"}}
		a := o.must(auditQuery, vars{"first": 2, "order": newest})
		node := "auditEvents.edges.0.node."

		if a.text(node+"action") != "contact_list.create" || a.text(node+"subject.name") != "Robots" ||
			a.text(node+"summary") != `made contact list "Robots"` ||
			a.text(node+"ip") != "127.0.0.1" || len(a.text(node+"hash")) != 64 ||
			a.at("auditEvents.pageInfo.hasNextPage") != true {
			t.Errorf("the newest: %v", a.Data)
		}

		next := o.must(auditQuery, vars{"first": 2, "order": newest, "after": a.at("auditEvents.pageInfo.endCursor")})
		first := next.at("auditEvents.edges.0.node.sequence").(float64)
		if first != a.at(node+"sequence").(float64)-2 {
			t.Errorf("the next page: %v", next.Data)
		}

		for name, tc := range map[string]struct {
			filter vars
			want   int
		}{
			"by action":             {vars{"action": []string{"campaign.launch", "campaign.pause"}}, 2},
			"by no action":          {vars{"action": []string{}}, 0},
			"by subject":            {vars{"subjectId": spring.String()}, 3},
			"by subject and action": {vars{"subjectId": autumn.String(), "action": []string{"campaign.create"}}, 1},
			"by actor":              {vars{"actor": a.text(node + "actor")}, 1},
			"since the last":        {vars{"since": a.at(node + "at")}, 1},
			"until the first":       {vars{"until": "2026-01-01T00:00:00Z"}, 0},
			"by what has no event":  {vars{"subjectId": o.number.ID.String()}, 0},
		} {
			got := o.must(auditQuery, vars{"filter": tc.filter})
			if int(got.at("auditEvents.totalCount").(float64)) != tc.want ||
				len(got.list("auditEvents.edges")) != tc.want {
				t.Errorf("%s: %v", name, got.Data)
			}
		}

		o.db.Client.Campaign.DeleteOneID(autumn).ExecX(caller.System(o.ctx))
		if got := o.must(auditQuery, vars{"filter": vars{"subjectId": autumn.String()}}); got.at(
			"auditEvents.edges.0.node.subject") != nil || got.text("auditEvents.edges.0.node.subjectId") != autumn.String() {
			t.Errorf("of what is gone: %v", got.Data)
		}

		for name, id := range map[string]string{"another organization's": other.org.String(), "made up": "x"} {
			if code := o.ask(auditQuery, vars{"filter": vars{"subjectId": id}}).code(); code != "NOT_FOUND" {
				t.Errorf("%s gave %q", name, code)
			}
		}

		id := vars{"id": a.at(node + "id")}
		const one = `query($id: ID!) { node(id: $id) { ... on AuditEvent { action } } }`
		if got := o.must(one, id).text("node.action"); got != "contact_list.create" {
			t.Errorf("as a node: %s", got)
		}

		for name, who := range map[string]*person{"another organization": other, "a campaigner": o.key(enum.RoleCampaigner)} {
			if code := who.ask(one, id).code(); code != "NOT_FOUND" {
				t.Errorf("%s reads it as a node: %q", name, code)
			}
		}

		if got := other.must(auditQuery, vars{}); len(got.list("auditEvents.edges")) != 1 {
			t.Errorf("another organization sees %v", got.Data)
		}
	})
}

func TestSubjectsOfAuditEventsAreReadTogether(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(0)
	statements := func() int64 {
		before := s.statements.Load()
		o.must(`{ auditEvents(first: 100) { edges { node { subject { id ... on ContactList { name } } } } } }`)
		return s.statements.Load() - before
	}

	few := statements()
	for i := range 20 {
		if _, err := o.audience.CreateList(o.ctx, fmt.Sprint("list ", i)); err != nil {
			t.Fatal(err)
		}
	}

	if many := statements(); many != few {
		t.Errorf("%d statements with 20 lists more, %d before", many, few)
	}
}

func TestARefusalForTheRoleIsRecordedOnceAMinute(t *testing.T) {
	t.Parallel()
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), func(d *graph.Deps) {
		d.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	})
	o := s.signUp()
	low := o.key(enum.RoleViewer)

	hammer := func(field string) {
		for range 3 {
			if code := low.ask(`mutation { ` + field + ` { userErrors { message } } }`).code(); code != "FORBIDDEN" {
				t.Fatalf("%s gave %q", field, code)
			}
		}
	}

	hammer(`createContactList(input: {name: "x"})`)
	hammer(`updateOrganization(input: {name: "x"})`)
	if n := o.actions()[audit.ActionAccessRefuse]; n != 2 {
		t.Errorf("%d refusals recorded, want one for each field", n)
	}

	clock.Add(int64(time.Minute))
	hammer(`createContactList(input: {name: "x"})`)
	if n := o.actions()[audit.ActionAccessRefuse]; n != 3 {
		t.Errorf("%d refusals recorded a minute later", n)
	}

	last := o.db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionAccessRefuse)).
		FirstX(caller.System(o.ctx))
	if last.Summary != "was refused Mutation.createContactList: it needs the role CAMPAIGNER, and theirs is VIEWER" ||
		!strings.HasPrefix(last.Actor, "test (API key crk_") {
		t.Errorf("recorded %v", last)
	}
}

func TestRefusedSignInsAreToldToTheOrganization(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(0)
	if token := o.signIn("not the password"); token != "" {
		t.Fatal("signed in")
	}
	if n := o.actions()[audit.ActionSignInFail]; n != 1 {
		t.Errorf("%d events", n)
	}
}
