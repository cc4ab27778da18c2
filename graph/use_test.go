package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"carillon/ent/enum"
	"carillon/uid"
)

// usedBy is a template that so many campaigns use, the last of which is over.
func (o *shop) usedBy(name string, n int) (template uid.ID, campaigns []string) {
	o.t.Helper()
	t := o.db.Client.Template.Create().SetOrganizationID(o.account.OrganizationID).SetAccountID(o.account.ID).
		SetName(name).SetLanguage("en").SetCategory(enum.TemplateCategoryUtility).SetStatus(enum.TemplateStatusApproved).
		SetComponents([]byte("[]")).SaveX(o.ctx)
	for i := range n {
		id := o.campaign(fmt.Sprintf("%s %d", name, i%2))
		row := o.db.Client.Campaign.UpdateOneID(id).SetTemplateID(t.ID)
		if i == n-1 {
			row.SetStatus(enum.CampaignStatusCompleted)
		} else {
			campaigns = append(campaigns, id.String())
		}

		row.ExecX(o.ctx)
	}

	return t.ID, campaigns
}

func TestTheCampaignsOfATemplateComeInPagesThatJoinUp(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		template, want := o.usedBy("many", 8)
		other, _ := o.usedBy("few", 3)
		page := func(id uid.ID, args string, variables vars) answer {
			variables["id"] = id.String()
			return o.ask(`query($id: ID!, $c: Cursor) { node(id: $id) { ... on Template { campaigns(`+args+`) {
				totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`,
				variables)
		}
		const list = "node.campaigns."

		for _, order := range []string{"", ", orderBy: {field: NAME, direction: DESC}", ", orderBy: {field: CREATED_AT}"} {
			whole := page(template, "first: 100, after: $c"+order, vars{})
			var all, forward, backward []string
			for i := range whole.list(list + "edges") {
				all = append(all, whole.text(fmt.Sprintf("%sedges.%d.node.id", list, i)))
			}
			if whole.at(list+"totalCount") != 7.0 || len(all) != 7 {
				t.Fatalf("%s: %v", order, whole.Data)
			}
			if sorted := slices.Sorted(slices.Values(all)); !slices.Equal(sorted, slices.Sorted(slices.Values(want))) {
				t.Errorf("%s: %v, want %v", order, sorted, want)
			}

			for cursor, more := any(nil), true; more && len(forward) < 20; {
				a := page(template, "first: 3, after: $c"+order, vars{"c": cursor})
				for i := range a.list(list + "edges") {
					forward = append(forward, a.text(fmt.Sprintf("%sedges.%d.node.id", list, i)))
				}

				cursor, more = a.at(list+"pageInfo.endCursor"), a.at(list+"pageInfo.hasNextPage") == true
			}

			for cursor, more := any(nil), true; more && len(backward) < 20; {
				a := page(template, "last: 2, before: $c"+order, vars{"c": cursor})
				var ids []string
				for i := range a.list(list + "edges") {
					ids = append(ids, a.text(fmt.Sprintf("%sedges.%d.node.id", list, i)))
				}

				backward = append(ids, backward...)
				cursor, more = a.at(list+"pageInfo.startCursor"), a.at(list+"pageInfo.hasPreviousPage") == true
			}

			if !slices.Equal(forward, all) || !slices.Equal(backward, all) {
				t.Errorf("%s: forward %v, backward %v, want %v", order, forward, backward, all)
			}
		}

		first := page(template, "first: 1, after: $c", vars{})
		cursor := first.at(list + "pageInfo.endCursor")
		if a := page(other, "first: 1, after: $c", vars{"c": cursor}); a.code() != "BAD_USER_INPUT" {
			t.Errorf("another template's cursor: %v %v", a.Data, a.Errors)
		}
		if a := page(template, "first: 1, after: $c, orderBy: {field: NAME}",
			vars{"c": cursor}); a.code() != "BAD_USER_INPUT" {
			t.Errorf("a cursor of another order: %v %v", a.Data, a.Errors)
		}
		if a := page(template, "first: 101, after: $c", vars{}); a.code() != "BAD_USER_INPUT" {
			t.Errorf("a page that is too long: %v %v", a.Data, a.Errors)
		}
	})
}
