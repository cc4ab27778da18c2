package graph_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

func TestSegmentsAreMadeCountedUsedAndDeleted(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		a := o.must(`mutation { createSegment(input: {name: "Ones", filter: {search: "contact 001", country: ["CA"], tags: ["x"]}}) {
			segment { id name size rule { field operator values } } userErrors { message } } }`)
		rule := a.Data["createSegment"].(map[string]any)["segment"].(map[string]any)["rule"]
		want := []any{
			map[string]any{"field": "search", "operator": "contains", "values": []any{"contact 001"}},
			map[string]any{"field": "country", "operator": "in", "values": []any{"CA"}},
			map[string]any{"field": "tags", "operator": "equals", "values": []any{"x"}}}
		if diff := cmp.Diff(want, rule); diff != "" {
			t.Error(diff)
		}

		id := a.text("createSegment.segment.id")
		a = o.must(`mutation($id: ID!) { updateSegment(input: {segmentId: $id, filter: {search: "contact 001"}}) {
			segment { name size } userErrors { message } } }`, vars{"id": id})
		if a.text("updateSegment.segment.name") != "Ones" || a.shown("updateSegment.segment.size") != "1" {
			t.Error(a.Data)
		}

		a = o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id audience { size
			segments { id name size } excludeSegments { name } } } userErrors { field message } } }`, vars{"input": vars{
			"name": "To ones", "templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
			"audience": vars{"segmentIds": []string{id}, "excludeSegmentIds": []string{o.newSegment("None")}}}})
		at := "createCampaign.campaign.audience."
		if a.shown(at+"size") != "1" || a.text(at+"segments.0.id") != id || a.text(at+"excludeSegments.0.name") != "None" {
			t.Error(a.Data)
		}

		gone := `mutation($id: ID!) { deleteSegment(input: {segmentId: $id}) { deletedSegmentId userErrors { code } } }`
		if a := o.must(gone, vars{"id": id}); a.text("deleteSegment.userErrors.0.code") != "NOT_ALLOWED" {
			t.Error("a draft names it, and it is deleted:", a.Data)
		}

		list := o.must(`{ segments(orderBy: [{field: NAME, direction: DESC}]) { totalCount edges { node { name size } } } }`)
		if list.shown("segments.totalCount") != "2" || list.text("segments.edges.0.node.name") != "Ones" ||
			list.shown("segments.edges.1.node.size") != "0" {
			t.Error(list.Data)
		}
	})
}

func TestASuppressedPersonIsShownAsSuchAndGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		entry := o.suppress("+1 416 701 0000")
		list := o.must(`{ contacts { edges { node { suppressed } } } suppressions { totalCount edges { node { id phone reason } } }
			attributeKeys(search: "A") { key contacts examples } }`)
		if list.shown("contacts.edges.0.node.suppressed") != "true" ||
			list.shown("contacts.edges.1.node.suppressed") != "false" ||
			list.text("suppressions.edges.0.node.phone") != "+14167010000" ||
			list.text("suppressions.edges.0.node.id") != entry ||
			list.shown("attributeKeys.0.contacts") != "2" || list.text("attributeKeys.0.examples.0") != "1" {
			t.Error(list.Data)
		}

		send := `mutation($n: ID!, $t: ID!) { sendMessage(input: {phoneNumberId: $n, to: "+14167010000", content: {template: {templateId: $t,
			values: [{parameter: "first_name", value: "Ann"}]}}}) { message { id } userErrors { field code } } }`
		v := vars{"n": o.number.ID.String(), "t": o.template.ID.String()}
		if a := o.must(send, v); a.text("sendMessage.userErrors.0.field.0") != "to" ||
			a.text("sendMessage.userErrors.0.code") != "NOT_ALLOWED" {
			t.Error(a.Data)
		}

		o.must(`mutation($id: ID!) { removeSuppression(input: {suppressionId: $id}) { removedSuppressionId userErrors { code } } }`,
			vars{"id": entry})
		if a := o.must(send, v); a.text("sendMessage.message.id") == "" {
			t.Error("the entry is gone:", a.Data)
		}
	})
}

func TestAContactsMessagesAreTheirsTheNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		var sent []uid.ID
		for i := range 3 {
			id := o.campaign(fmt.Sprint("Campaign ", i))
			sent = append(sent, o.queued(id, 2)[0])
		}

		o.record(delivery.Failed, sent[1])
		first := o.must(`query($id: ID!) { node(id: $id) { ... on Contact { messages(first: 2) { totalCount pageInfo { hasNextPage endCursor }
			edges { node { id status contact { id } } } } } } }`, vars{"id": o.contacts[0].ID.String()})
		at := "node.messages."
		if first.shown(at+"totalCount") != "3" || first.text(at+"edges.0.node.id") != sent[2].String() ||
			first.text(at+"edges.1.node.status") != string(enum.MessageStatusFailed) ||
			first.text(at+"edges.1.node.contact.id") != o.contacts[0].ID.String() ||
			first.shown(at+"pageInfo.hasNextPage") != "true" {
			t.Error(first.Data)
		}

		rest := o.must(`query($id: ID!, $after: Cursor) { node(id: $id) { ... on Contact { messages(first: 2, after: $after) {
			edges { node { id } } } } } }`, vars{"id": o.contacts[0].ID.String(), "after": first.text(at + "pageInfo.endCursor")})
		if rest.text(at+"edges.0.node.id") != sent[0].String() || len(rest.list(at+"edges")) != 1 {
			t.Error(rest.Data)
		}

		all := o.must(`{ contacts { edges { node { messages(filter: {status: [FAILED]}) { edges { node { id } } } } } } }`)
		if len(all.list("contacts.edges.0.node.messages.edges")) != 1 ||
			len(all.list("contacts.edges.1.node.messages.edges")) != 0 {
			t.Error(all.Data)
		}
	})
}

// shown is a value as it is written: a number or a truth too.
func (a answer) shown(path string) string { return fmt.Sprint(a.at(path)) }
