package graph_test

import (
	"fmt"
	"testing"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/uid"
)

// endpoint makes an endpoint of webhooks, to which nothing answers.
func (p *person) endpoint() uid.ID {
	p.t.Helper()
	a := p.must(`mutation { createWebhookEndpoint(input: {url: "http://127.0.0.1:9/hook", events: [MESSAGE_SENT, MESSAGE_READ]}) {
		webhookEndpoint { id status events } secret userErrors { message } } }`)
	id, err := uid.Parse(a.text("createWebhookEndpoint.webhookEndpoint.id"))
	if err != nil {
		p.t.Fatalf("%v", a.Data)
	}

	return id
}

// delivery writes down one that waits.
func (p *person) delivery(endpoint uid.ID) uid.ID {
	p.t.Helper()
	return p.db.Client.WebhookDelivery.Create().SetOrganizationID(p.org).SetEndpointID(endpoint).
		SetSubjectID(uid.New(uid.Message)).SetEvent(enum.WebhookEventTypeMessageSent).SetPayload("{}").
		SaveX(caller.System(p.ctx)).ID
}

func TestEndpointsShowWhatWasPostedToThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		o := s.signUp()
		first, second := o.endpoint(), o.endpoint()
		var ids []string
		for range 5 {
			ids = append(ids, o.delivery(first).String())
		}

		o.must(`mutation($id: ID!) { testWebhookEndpoint(input: {webhookEndpointId: $id, event: MESSAGE_READ}) {
			delivery { status error payload endpoint { id } } userErrors { message } } }`, vars{"id": second.String()})

		a := o.must(`query { webhookEndpoints(first: 10) { totalCount edges { node { id deliveries(first: 2) { totalCount pageInfo { hasNextPage endCursor }
			edges { node { id endpoint { id } status error } } } } } } }`)
		if a.text("webhookEndpoints.edges.0.node.deliveries.edges.0.node.id") != ids[4] ||
			a.text("webhookEndpoints.edges.0.node.deliveries.edges.1.node.endpoint.id") != first.String() ||
			fmt.Sprint(a.at("webhookEndpoints.edges.0.node.deliveries.totalCount")) != "5" ||
			fmt.Sprint(a.at("webhookEndpoints.edges.0.node.deliveries.pageInfo.hasNextPage")) != "true" ||
			a.text("webhookEndpoints.edges.1.node.deliveries.edges.0.node.error") != "It refused the connection." {
			t.Errorf("the endpoints are %v", a.Data)
		}

		cursor := a.text("webhookEndpoints.edges.0.node.deliveries.pageInfo.endCursor")
		for arguments, want := range map[string]string{
			`first: 2, after: "` + cursor + `"`: ids[2],
			`last: 1`:                           ids[0],
			`first: 1, orderBy: [{field: CREATED_AT, direction: ASC}]`:                                    ids[0],
			`first: 1, filter: {status: [PENDING], event: [MESSAGE_SENT], since: "2020-01-01T00:00:00Z"}`: ids[4],
			`first: 1, filter: {until: "2020-01-01T00:00:00Z"}`:                                           "",
			`first: 1, filter: {status: [FAILED]}`:                                                        "",
		} {
			a := o.must(`query($id: ID!) { node(id: $id) { ... on WebhookEndpoint { deliveries(`+arguments+`) { edges { node { id } } } } } }`,
				vars{"id": first.String()})
			got := ""
			if len(a.list("node.deliveries.edges")) > 0 {
				got = a.text("node.deliveries.edges.0.node.id")
			}
			if got != want {
				t.Errorf("%s begins with %q, not %q", arguments, got, want)
			}
		}

		viewer := o.hire("VIEWER")
		for _, id := range []string{first.String(), ids[0]} {
			if got := viewer.ask(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}); len(got.Errors) == 0 {
				t.Errorf("a VIEWER sees %v", got.Data)
			}
		}
	})
}
