package graph_test

import (
	"testing"
	"time"

	"carillon/caller"
)

func TestACampaignIsChangedCopiedTriedAndFoundByItsReference(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		id := o.campaign("Spring").String()
		start := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
		a := o.must(`mutation($id: ID!, $start: Time!) { updateCampaign(input: {campaignId: $id, name: "Summer", reference: "crm-1",
			scheduledAt: $start, timeZone: "Asia/Shanghai", recipientTime: true, translate: true, rateLimit: 7,
			canary: {size: 1, waitSeconds: 60, maxFailureRate: 0.5}}) { campaign { name reference scheduledAt timeZone recipientTime
			translate rateLimit canary { size waitSeconds maxFailureRate state } } userErrors { field message } } }`,
			vars{"id": id, "start": start})
		at := "updateCampaign.campaign."
		if a.text(at+"name") != "Summer" || a.text(at+"scheduledAt") != start || a.text(at+"timeZone") != "Asia/Shanghai" ||
			a.shown(at+"recipientTime") != "true" || a.shown(at+"translate") != "true" || a.shown(at+"rateLimit") != "7" ||
			a.shown(at+"canary.size") != "1" || a.text(at+"canary.state") != "PENDING" {
			t.Error(a.Data)
		}

		a = o.must(`mutation($id: ID!) { updateCampaign(input: {campaignId: $id, scheduledAt: null, timeZone: null, recipientTime: false,
			canary: null, rateLimit: null}) { campaign { name scheduledAt timeZone canary { size } rateLimit } userErrors { message } } }`,
			vars{"id": id})
		if a.text(at+"name") != "Summer" || a.at(at+"scheduledAt") != nil || a.at(at+"canary") != nil ||
			a.at(at+"rateLimit") != nil || a.at(at+"timeZone") != nil {
			t.Error("null takes away:", a.Data)
		}

		stale := o.must(`mutation($id: ID!) { updateCampaign(input: {campaignId: $id, revision: "old", name: "Winter"}) {
			campaign { id } userErrors { field code } } }`, vars{"id": id})
		if stale.at("updateCampaign.campaign") != nil || stale.text("updateCampaign.userErrors.0.code") != "STALE" {
			t.Error("a change of what somebody else has changed:", stale.Data)
		}

		known := o.must(`query($id: ID!) { node(id: $id) { ... on Campaign { revision } } }`, vars{"id": id})
		fresh := o.must(`mutation($id: ID!, $r: String!) { updateCampaign(input: {campaignId: $id, revision: $r, rateLimit: 3}) {
			campaign { revision } userErrors { message } } }`, vars{"id": id, "r": known.text("node.revision")})
		if now := fresh.text("updateCampaign.campaign.revision"); now == "" || now == known.text("node.revision") {
			t.Error("a change of what one knows:", fresh.Data)
		}

		found := o.must(`{ campaigns(filter: {reference: "crm-1"}) { totalCount edges { node { id } } }
			none: campaigns(filter: {reference: "crm-2"}) { totalCount } }`)
		if found.text("campaigns.edges.0.node.id") != id || found.shown("none.totalCount") != "0" {
			t.Error(found.Data)
		}

		twin := o.must(`mutation($id: ID!) { duplicateCampaign(input: {campaignId: $id}) { campaign { id name status reference } } }`,
			vars{"id": id})
		if twin.text("duplicateCampaign.campaign.name") != "Summer (copy)" ||
			twin.text("duplicateCampaign.campaign.status") != "DRAFT" || twin.at("duplicateCampaign.campaign.reference") != nil {
			t.Error(twin.Data)
		}

		tried := o.must(`mutation($id: ID!) { testCampaign(input: {campaignId: $id, to: "+1 416 701 3333"}) {
			message { id to campaign { id } template { id } } userErrors { field message } } }`, vars{"id": id})
		if tried.text("testCampaign.message.to") != "+14167013333" || tried.at("testCampaign.message.campaign") != nil {
			t.Error(tried.Data)
		}

		over := o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id, atMostRecipients: 1}) { campaign { status }
			userErrors { field code } } }`, vars{"id": id})
		if over.text("launchCampaign.userErrors.0.code") != "STALE" ||
			over.text("launchCampaign.userErrors.0.field.0") != "atMostRecipients" {
			t.Error(over.Data)
		}
		over = o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id, atMostRecipients: 2}) { campaign { status } } }`,
			vars{"id": id})
		if over.text("launchCampaign.campaign.status") != "PREPARING" {
			t.Error(over.Data)
		}
		late := o.must(`mutation($id: ID!) { updateCampaign(input: {campaignId: $id, audience: {filter: {}}}) { campaign { id }
			userErrors { field code } } }`, vars{"id": id})
		if late.text("updateCampaign.userErrors.0.code") != "NOT_ALLOWED" ||
			late.text("updateCampaign.userErrors.0.field.0") != "audience" {
			t.Error(late.Data)
		}
	})
}

func TestAnEstimateCostsWhatTheCardInForceAtTheStartSays(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		s.db.Client.Account.Update().SetCurrency("USD").ExecX(caller.System(o.ctx))
		id := o.campaign("Spring").String()
		estimate := `mutation($id: ID!) { estimateCampaign(input: {campaignId: $id}) { estimate { cost { amount currency }
			rateCard { currency } countries { country cost { amount } } warnings } } }`
		at := "estimateCampaign.estimate."
		if a := o.must(estimate, vars{"id": id}); a.at(at+"cost") != nil || a.at(at+"rateCard") != nil {
			t.Error("a cost without a card:", a.Data)
		}

		next := time.Now().AddDate(0, 0, 2).UTC().Format(time.DateOnly)
		s.importRates("2026-07-01,USD,North America,marketing,0.0251", next+",USD,North America,marketing,0.05")
		a := o.must(estimate, vars{"id": id})
		if a.text(at+"cost.amount") != "0.0753" || a.text(at+"cost.currency") != "USD" ||
			a.text(at+"rateCard.currency") != "USD" || a.text(at+"countries.0.cost.amount") != "0.0753" {
			t.Error(a.Data)
		}

		o.must(`mutation($id: ID!, $start: Time!) { updateCampaign(input: {campaignId: $id, scheduledAt: $start}) {
			userErrors { message } } }`, vars{"id": id, "start": time.Now().AddDate(0, 0, 3).UTC().Format(time.RFC3339)})
		if a := o.must(estimate, vars{"id": id}); a.text(at+"cost.amount") != "0.15" {
			t.Error("at the start another card is in force:", a.Data)
		}

		o.newContact("+4915112345678")
		o.must(`mutation($id: ID!) { updateCampaign(input: {campaignId: $id, audience: {filter: {}}}) { userErrors { message } } }`,
			vars{"id": id})
		a = o.must(estimate, vars{"id": id})
		if a.at(at+"cost") != nil || len(a.list(at+"warnings")) != 2 {
			t.Error("of Germany no price is known:", a.Data)
		}
	})
}

func TestAMessageIsFoundByItsReference(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		send := `mutation($n: ID!, $t: ID!, $r: String) { sendMessage(input: {phoneNumberId: $n, to: "+14167010000", reference: $r,
			content: {template: {templateId: $t, values: [{parameter: "first_name", value: "Ann"}]}}}) {
			message { id reference } userErrors { field code } } }`
		v := vars{"n": o.number.ID.String(), "t": o.template.ID.String(), "r": "order-7"}
		id := o.must(send, v).text("sendMessage.message.id")
		v["r"] = ""
		if a := o.must(send, v); a.text("sendMessage.userErrors.0.field.0") != "reference" {
			t.Error(a.Data)
		}

		found := o.must(`{ messages(filter: {reference: "order-7"}) { totalCount edges { node { id reference } } }
			none: messages(filter: {reference: "order"}) { totalCount } }`)
		if found.text("messages.edges.0.node.id") != id || found.text("messages.edges.0.node.reference") != "order-7" ||
			found.shown("none.totalCount") != "0" {
			t.Error(found.Data)
		}
	})
}

func TestAnEstimateSaysWhatALaunchWouldDo(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		o.suppress("+14167010002")
		id := o.campaign("Spring").String()
		a := o.must(`mutation($id: ID!) { estimateCampaign(input: {campaignId: $id}) { estimate { recipients skipped { reason count }
			countries { country recipients } languages { language template { name } recipients } durationSeconds
			messagingLimitRemaining messagingLimitDays missing { parameter count } problems { code } warnings sample { body } }
			userErrors { message } } }`, vars{"id": id})
		at := "estimateCampaign.estimate."
		if a.shown(at+"recipients") != "2" ||
			a.text(at+"skipped.0.reason") != "SUPPRESSED" || a.shown(at+"skipped.0.count") != "1" ||
			a.text(at+"countries.0.country") != "CA" || a.text(at+"languages.0.language") != "en_US" ||
			a.text(at+"languages.0.template.name") != "spring_sale" || len(a.list(at+"problems")) != 0 ||
			a.text(at+"sample.0.body") != "Hi Contact 000, our spring sale has begun." || len(a.list(at+"sample")) != 2 ||
			len(a.list(at+"warnings")) != 1 || len(a.list(at+"missing")) != 0 {
			t.Error(a.Data)
		}

		o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { campaign { status } } }`, vars{"id": id})
		again := o.must(`mutation($id: ID!) { estimateCampaign(input: {campaignId: $id}) { estimate { recipients } } }`, vars{"id": id})
		if again.shown(at+"recipients") != "2" {
			t.Error(again.Data)
		}
	})
}
