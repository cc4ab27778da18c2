package graph_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/caller"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookdelivery"
	"carillon/uid"
)

// posted is a payload that an endpoint got.
type posted struct {
	Type   string
	Test   bool
	Data   map[string]any
	Errors []string
}

// listen makes an endpoint with a server behind it, whose payloads come out of the channel.
func (p *person) listen(events string, selection *string) (uid.ID, <-chan posted) {
	p.t.Helper()
	got := make(chan posted, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var one posted
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &one); err != nil {
			p.t.Errorf("%v: %s", err, body)
		}

		got <- one
	}))
	p.t.Cleanup(server.Close)

	a := p.must(`mutation($url: String!, $selection: String) { createWebhookEndpoint(input: {url: $url, selection: $selection,
		events: [`+events+`]}) { webhookEndpoint { id } userErrors { field message } } }`,
		vars{"url": server.URL, "selection": selection})
	id, err := uid.Parse(a.text("createWebhookEndpoint.webhookEndpoint.id"))
	if err != nil {
		p.t.Fatalf("%v", a.Data)
	}

	return id, got
}

// payload waits for the next one.
func payload(t *testing.T, from <-chan posted) posted {
	t.Helper()
	select {
	case one := <-from:
		return one
	case <-time.After(time.Minute):
		t.Fatal("nothing was posted")
		return posted{}
	}
}

// events are what waits for an endpoint, in the order in which it was written.
func (p *person) events(endpoint uid.ID) (all []*ent.WebhookDelivery) {
	p.t.Helper()
	return p.db.Client.WebhookDelivery.Query().Where(webhookdelivery.EndpointID(endpoint)).
		Order(ent.Asc(webhookdelivery.FieldID)).AllX(caller.System(p.ctx))
}

const changeEvents = "CAMPAIGN_STATUS_CHANGED, TEMPLATE_STATUS_CHANGED, ACCOUNT_STATUS_CHANGED, " +
	"PHONE_NUMBER_STATUS_CHANGED, " +
	"CONSENT_CHANGED, IMPORT_ENDED, EXPORT_ENDED"

func TestEndpointsAreToldOfWhatChangesBesideMessages(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		system := caller.System(o.ctx)
		endpoint, _ := o.listen(changeEvents, nil)
		_, deaf := o.listen("MESSAGE_READ", nil)
		stranger, _ := s.signUp().listen(changeEvents, nil)

		campaign := o.launched("told", "launch", "cancel")
		if _, err := s.accounts.SetTemplateStatus(system, o.template.ID, enum.TemplateStatusPaused); err != nil {
			t.Fatal(err)
		}

		o.must(`mutation($id: ID!) { recordConsent(input: {contactId: $id, consent: {consent: OPTED_IN, source: "shop"}}) {
			userErrors { message } } }`, vars{"id": o.contacts[0].ID.String()})
		o.must(`mutation($id: ID!) { recordConsent(input: {contactId: $id, consent: {consent: OPTED_IN, source: "again"}}) {
			userErrors { message } } }`, vars{"id": o.contacts[0].ID.String()})
		imported := o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id } } }`,
			"phone\n+14167010001\n+14167017777\nnobody\n", vars{"consent": vars{"consent": "OPTED_IN", "source": "fair"}})
		importID, err := uid.Parse(imported.text("importContacts.import.id"))
		if err != nil {
			t.Fatalf("%v", imported.Data)
		}
		if err := s.audience.RunImport(system, importID); err != nil {
			t.Fatal(err)
		}

		export := o.exported("exportContacts", `{format: CSV}`)
		o.must(`mutation($id: ID!) { disconnectAccount(input: {accountId: $id}) { userErrors { message } } }`,
			vars{"id": o.account.ID.String()})

		told := map[string]string{}
		for _, d := range o.events(endpoint) {
			told[string(d.Event)+" "+d.SubjectID.String()] += d.Payload
		}

		for key, parts := range map[string][]string{
			"CAMPAIGN_STATUS_CHANGED " + campaign.String(): {`"status":"PREPARING","previousStatus":"DRAFT"`,
				`"status":"CANCELED","previousStatus":"PREPARING"`, `"name":"told"`},
			"TEMPLATE_STATUS_CHANGED " + o.template.ID.String(): {`"name":"spring_sale","language":"en_US"`,
				`"status":"PAUSED","previousStatus":"APPROVED"`},
			"ACCOUNT_STATUS_CHANGED " + o.account.ID.String(): {`"status":"DISCONNECTED","previousStatus":"CONNECTED"`},
			"CONSENT_CHANGED " + o.contacts[0].ID.String(): {`"phone":"+14167010000"`, `"marketingConsent":"OPTED_IN"`,
				`"source":"shop"`},
			"CONSENT_CHANGED " + o.contacts[1].ID.String(): {`"source":"fair"`},
			"IMPORT_ENDED " + importID.String(): {`"status":"COMPLETED"`, `"created":1`, `"updated":1`,
				`"rejected":1`},
			"EXPORT_ENDED " + export.ID.String(): {`"kind":"CONTACTS","format":"CSV","status":"COMPLETED"`, `"rows":3`},
		} {
			for _, part := range parts {
				if !strings.Contains(told[key], part) {
					t.Errorf("of %s is told %s, without %s", key, told[key], part)
				}
			}
		}

		if again := told["CONSENT_CHANGED "+o.contacts[0].ID.String()]; strings.Contains(again, "again") {
			t.Errorf("a consent that is there already is told: %s", again)
		}
		if n := len(o.events(stranger)); n > 0 {
			t.Errorf("another organization's endpoint is told of %d events", n)
		}
		if len(deaf) > 0 {
			t.Error("an endpoint is told of what it did not ask for")
		}
	})
}

func TestASelectionShapesWhatIsPosted(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		s.run(s.hooks.Run)
		selection := `{
			... on DeliveryEvent { status detail: error { code } message { id to contact { name attributes { key } } } }
			... on Campaign { name now: status template { name } }
		}`
		_, got := o.listen("MESSAGE_SENT, MESSAGE_FAILED, CAMPAIGN_STATUS_CHANGED, EXPORT_ENDED", &selection)
		campaign := o.campaign("shaped")
		ids := o.queued(campaign, 3)
		o.record(delivery.Accepted, ids...)
		o.record(delivery.Sent, ids...)

		seen := map[string]bool{}
		for range ids {
			one := payload(t, got)
			message, _ := one.Data["message"].(map[string]any)
			contact, _ := message["contact"].(map[string]any)
			seen[message["id"].(string)] = true
			if one.Type != "MESSAGE_SENT" || one.Data["status"] != "SENT" || one.Data["detail"] != nil || len(one.Errors) > 0 ||
				len(one.Data) != 3 || contact["name"] == nil {
				t.Errorf("posted %+v", one)
			}
		}

		for _, id := range ids {
			if !seen[id.String()] {
				t.Errorf("%s was not posted", id)
			}
		}

		o.must(`mutation($id: ID!) { cancelCampaign(input: {campaignId: $id}) { userErrors { message } } }`,
			vars{"id": campaign.String()})
		if one := payload(t, got); one.Type != "CAMPAIGN_STATUS_CHANGED" || one.Data["now"] != "CANCELED" ||
			one.Data["name"] != "shaped" || len(one.Data) != 3 {
			t.Errorf("posted %+v", one)
		}

		export := o.exported("exportContacts", `{format: CSV}`)
		if one := payload(t, got); one.Type != "EXPORT_ENDED" || one.Data["id"] != export.ID.String() {
			t.Errorf("of an event that the selection does not speak of was posted %+v", one)
		}
	})
}

func TestASelectionIsCheckedWhenItIsSaved(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp()
	const messages, mixed = "MESSAGE_SENT, MESSAGE_READ", "MESSAGE_SENT, CAMPAIGN_STATUS_CHANGED"
	const page = "contact { messages(first: 100) { edges { node { "
	deep := "{ message { " + page + page + "id" + strings.Repeat(" }", 10)

	for selection, want := range map[string][2]string{
		"{ sequence }":                                      {messages, ""},
		"sequence message { id }":                           {messages, ""},
		"{ ... on DeliveryEvent { sequence } }":             {messages, ""},
		"{ ... on DeliveryEvent { sequence } } ":            {mixed, ""},
		"{ ... on Campaign { id } }":                        {mixed, ""},
		"{ sequence }  ":                                    {mixed, "put each part into a fragment"},
		"{ ... on Template { id } }":                        {mixed, "none of the events is of the type Template"},
		"{ secret }":                                        {messages, "secret"},
		"{ message { id }":                                  {messages, "selection set"},
		"{ sequence } }":                                    {messages, "selection set"},
		"{ id } } mutation { signOut { id }":                {messages, "selection set"},
		"mutation { signOut { id } }":                       {messages, "mutation"},
		"{ sequence } query A { viewer { id } }":            {messages, "selection set"},
		"{ ...F } fragment F on DeliveryEvent { sequence }": {messages, "selection set"},
		"{ ...F }":                           {messages, "Unknown fragment"},
		"{ message { id(x: $y) } }":          {messages, "$y"},
		"{ __schema { types { name } } }":    {messages, "__schema"},
		strings.Repeat("{", 2000):            {messages, "selection set"},
		strings.Repeat("a ", 1500):           {messages, "selection set"},
		"{ " + strings.Repeat("é", 10) + "}": {messages, "selection set"},
		deep:                                 {messages, "costs"},
	} {
		a := o.ask(`mutation($selection: String) { createWebhookEndpoint(input: {url: "http://127.0.0.1:9/h", selection: $selection,
			events: [`+want[0]+`]}) { webhookEndpoint { id selection } userErrors { field code message } } }`,
			vars{"selection": selection})
		if len(a.Errors) > 0 {
			t.Errorf("%.60q: %v", selection, a.Errors)
			continue
		}

		wrong := a.list("createWebhookEndpoint.userErrors")
		switch {
		case want[1] == "" && len(wrong) > 0:
			t.Errorf("%.60q is refused: %v", selection, wrong)
		case want[1] != "" && len(wrong) == 0:
			t.Errorf("%.60q is taken", selection)
		case want[1] != "" && (a.text("createWebhookEndpoint.userErrors.0.field.0") != "selection" ||
			!strings.Contains(a.text("createWebhookEndpoint.userErrors.0.message"), want[1])):
			t.Errorf("%.60q is refused with %v, not with %q", selection, wrong, want[1])
		}

		if want[1] == "" {
			o.must(`mutation($id: ID!) { deleteWebhookEndpoint(input: {webhookEndpointId: $id}) { userErrors { message } } }`,
				vars{"id": a.text("createWebhookEndpoint.webhookEndpoint.id")})
		}
	}
}

func TestASelectionReadsWithTheRightsOfItsEndpoint(t *testing.T) {
	s := onSQLite(t)
	o, other := s.signUp().open(1), s.signUp()
	s.run(s.hooks.Run)
	selection := `{ message { id contact { id consentHistory { source } } campaign { id name } } }`
	id, got := o.listen("MESSAGE_SENT", &selection)
	system := caller.System(o.ctx)
	campaign := o.campaign("theirs")

	// Of an endpoint that is narrowed to what it may not read, nothing beyond the event is told.
	o.db.Client.WebhookEndpoint.UpdateOneID(id).SetScopes([]enum.APIScope{enum.APIScopeManageTemplates}).ExecX(system)
	o.record(delivery.Sent, o.queued(campaign, 1)...)
	if one := payload(t, got); one.Data != nil || len(one.Errors) == 0 {
		t.Errorf("an endpoint without the scope READ got %+v", one)
	}

	o.db.Client.WebhookEndpoint.UpdateOneID(id).ClearScopes().ExecX(system)
	deadline := time.Now().Add(time.Minute)
	for n := 0; ; n++ { // the process reads the endpoint anew each second
		o.record(delivery.Sent, o.queued(o.campaign("theirs again"), 1)...)
		if one := payload(t, got); one.Data != nil && len(one.Errors) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the endpoint does not get its rights back")
		}
	}

	if n := len(other.events(id)); n == 0 || slices.ContainsFunc(other.events(id), func(d *ent.WebhookDelivery) bool {
		return d.OrganizationID != o.org
	}) {
		t.Errorf("%d deliveries are written", n)
	}
}
