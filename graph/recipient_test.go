package graph_test

import (
	"testing"

	"carillon/caller"
	"carillon/uid"
)

func TestRecipientsWithValuesOfTheirOwnAreAddedByCallAndByFile(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		id := o.campaign("Spring").String()
		const add = `mutation($input: AddCampaignRecipientsInput!) { addCampaignRecipients(input: $input) { added
			campaign { audience { recipients size } } userErrors { field code } clientMutationId } }`
		input := vars{"campaignId": id, "clientMutationId": "c", "idempotencyKey": "k", "recipients": []vars{
			{"phone": "+447400000107", "values": []vars{{"parameter": "first_name", "value": "Di"}}, "reference": "r-7"},
			{"phone": *o.contacts[0].Phone, "language": "en_US"}}}
		for range 2 {
			a := o.must(add, vars{"input": input})
			if a.shown("addCampaignRecipients") != "map[added:2 campaign:map[audience:map[recipients:2 size:3]] "+
				"clientMutationId:c userErrors:[]]" {
				t.Error(a.Data)
			}
		}

		wrong := o.must(add, vars{"input": vars{"campaignId": id, "recipients": []vars{{"phone": "+447400000108",
			"values": []vars{{"parameter": "second_name", "value": "Di"}}}}}})
		if wrong.shown("addCampaignRecipients.added") != "0" ||
			wrong.shown("addCampaignRecipients.userErrors") !=
				"[map[code:INVALID field:[recipients 0 values 0 parameter]]]" {
			t.Error(wrong.Data)
		}

		a := o.upload(`mutation($input: ImportCampaignRecipientsInput!) { importCampaignRecipients(input: $input) {
			contactImport { id status fileName } userErrors { field code } } }`, "phone,first_name\n+447400000109,Ed\nx,y\n",
			vars{"campaignId": id})
		imported, err := uid.Parse(a.text("importCampaignRecipients.contactImport.id"))
		if err != nil {
			t.Fatal(err, a.Data)
		}
		if err := o.audience.RunImport(caller.System(o.ctx), imported); err != nil {
			t.Fatal(err)
		}

		estimate := o.must(`mutation($id: ID!) { estimateCampaign(input: {campaignId: $id}) { estimate { recipients
			problems { message } } } }`, vars{"id": id})
		if estimate.shown("estimateCampaign.estimate") != "map[problems:[] recipients:4]" {
			t.Error(estimate.Data)
		}

		done := o.must(`query($id: ID!, $campaign: ID!) { node(id: $id) { ... on ContactImport { status rowsRead created rejected
			rejections { line value } } } campaign: node(id: $campaign) { ... on Campaign { audience { recipients size } } } }`,
			vars{"id": imported.String(), "campaign": id})
		if done.shown("node") != "map[created:1 rejected:1 rejections:[map[line:3 value:x]] rowsRead:2 status:COMPLETED]" ||
			done.shown("campaign.audience") != "map[recipients:3 size:4]" {
			t.Error(done.Data)
		}

		stranger := s.signUp()
		if a := stranger.ask(add, vars{"input": input}); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "NOT_FOUND" {
			t.Error(a.Errors, a.Data)
		}
	})
}
