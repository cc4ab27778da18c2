package graph_test

import (
	"testing"

	"carillon/delivery"
)

func TestPeopleAreFoundByWhatCameOfACampaign(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		first := o.campaign("Spring")
		sent := o.queued(first, 3)
		o.record(delivery.Delivered, sent[:2]...)
		o.record(delivery.Failed, sent[2])
		o.answer(sent[1], "Yes")
		unread := vars{"campaignOutcome": vars{"campaignId": first.String(), "outcome": []string{"NOT_READ", "FAILED"}}}
		pressed := vars{"campaignOutcome": vars{"campaignId": first.String(), "outcome": []string{"REPLIED"},
			"button": []string{"Yes"}}}

		found := o.must(`query($unread: ContactFilter!, $pressed: ContactFilter!) { unread: contacts(filter: $unread) { totalCount }
			pressed: contacts(filter: $pressed) { edges { node { id } } } }`, vars{"unread": unread, "pressed": pressed})
		if found.shown("unread.totalCount") != "3" || found.text("pressed.edges.0.node.id") != o.contacts[1].ID.String() {
			t.Error(found.Data)
		}

		second := o.campaign("Again").String()
		changed := o.must(`mutation($id: ID!, $pressed: ContactFilter!) { updateCampaign(input: {campaignId: $id,
			audience: {filter: $pressed}}) { campaign { audience { size rule { field operator values } } } userErrors { message } } }`,
			vars{"id": second, "pressed": pressed})
		at := "updateCampaign.campaign.audience."
		if changed.shown(at+"size") != "1" || changed.shown(at+"rule") !=
			"[map[field:campaignOutcome."+first.String()+" operator:in values:[REPLIED]] "+
				"map[field:campaignOutcome."+first.String()+".button operator:in values:[Yes]]]" {
			t.Error(changed.Data)
		}

		stranger := s.signUp()
		const list = `query($f: ContactFilter!) { contacts(filter: $f) { totalCount } }`
		refused := stranger.ask(list, vars{"f": unread})
		if len(refused.Errors) != 1 ||
			refused.Errors[0].Message != "filter.campaignOutcome.campaignId: there is no such campaign" {
			t.Error(refused.Errors)
		}

		empty := vars{"campaignOutcome": vars{"campaignId": first.String(), "outcome": []string{}}}
		if refused := o.ask(list, vars{"f": empty}); len(refused.Errors) != 1 {
			t.Error(refused.Data)
		}
	})
}
