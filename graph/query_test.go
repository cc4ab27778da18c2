package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

func TestViewer(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		const query = `{ viewer { role mustAcceptTerms user { email } apiKey { name } organization { id name members { user { name } role } apiKeys { name prefix } sendingPolicy { unknownWaitSeconds quietHours { start } } retentionDays }
			memberships { organization { name } } sessions { current } } terms { version } }`
		if a := s.ask("", query); a.at("viewer") != nil || a.text("terms.version") == "" || len(a.Errors) > 0 {
			t.Errorf("a stranger sees %v %v", a.Data, a.Errors)
		}

		p := s.signUp()
		a := p.must(query)
		if a.text("viewer.role") != "OWNER" || a.at("viewer.apiKey") != nil ||
			a.text("viewer.organization.members.0.role") != "OWNER" || a.at("viewer.sessions.0.current") != true {
			t.Errorf("an owner sees %v", a.Data)
		}

		k := p.key(enum.RoleCampaigner).must(query)
		if k.at("viewer.user") != nil || k.text("viewer.apiKey.name") != "test" || len(k.list("viewer.sessions")) != 0 ||
			len(k.list("viewer.organization.apiKeys")) != 1 {
			t.Errorf("a key sees %v", k.Data)
		}
	})
}

func TestNodeGivesEveryTypeByItsID(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		c := o.campaign("Spring")
		m := o.queued(c, 1)[0]
		v := o.must(`{ viewer { user { id } sessions { id } organization { id members { id } } } }`)
		o.key(enum.RoleViewer)
		key := o.must(`{ viewer { organization { apiKeys { id } } } }`).text("viewer.organization.apiKeys.0.id")
		i := o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { contactImport { id status fileName } import { id } userErrors { message } } }`,
			"phone,name\n+15550199999,Eve\n", vars{})

		ids := map[string]string{
			"User": v.text("viewer.user.id"), "Session": v.text("viewer.sessions.0.id"),
			"Organization": v.text("viewer.organization.id"), "Member": v.text("viewer.organization.members.0.id"),
			"APIKey": key, "Account": o.account.ID.String(), "PhoneNumber": o.number.ID.String(),
			"Template": o.template.ID.String(), "Contact": o.contacts[0].ID.String(),
			"ContactList": o.list.ID.String(), "Campaign": c.String(), "Message": m.String(),
			"ContactImport": i.text("importContacts.contactImport.id"),
			"Segment":       o.newSegment("Chinese"), "Suppression": o.suppress("+14167014444"),
			"Export":          o.exported("exportMessages", `{format: CSV}`).ID.String(),
			"WebhookEndpoint": o.endpoint().String(), "WebhookDelivery": o.delivery(o.endpoint()).String(),
		}

		all := []string{uid.New(uid.Campaign).String()}
		want := []any{nil}

		for kind, id := range ids {
			a := o.must(`query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id})
			if a.text("node.__typename") != kind || a.text("node.id") != id {
				t.Errorf("%s gave %v, want a %s", id, a.Data, kind)
			}

			all, want = append(all, id, id), append(want, id, id)
		}

		a := o.must(`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": all})
		for i, n := range a.list("nodes") {
			if want[i] == nil && n != nil || want[i] != nil && (n == nil || n.(map[string]any)["id"] != want[i]) {
				t.Errorf("nodes[%d] is %v, want %v", i, n, want[i])
			}
		}

		if s.woken.Load() != 1 {
			t.Errorf("the import woke workers %d times", s.woken.Load())
		}
	})
}

func TestForeignAndMadeUpIDsAreTheSame(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		mine := s.signUp().open(1)
		c := mine.campaign("Spring")
		m := mine.queued(c, 1)[0]
		session := mine.must(`{ viewer { sessions { id } } }`).text("viewer.sessions.0.id")
		stranger := s.signUp()
		colleague := mine.key(enum.RoleOwner)

		for id, asks := range map[string]*person{
			c.String(): stranger, m.String(): stranger, mine.org.String(): stranger, mine.contacts[0].ID.String(): stranger,
			uid.New(uid.Campaign).String(): mine.person, "rubbish": mine.person, uid.New(uid.Statistic).String(): mine.person,
			session: colleague,
		} {
			a := asks.ask(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": id})
			if a.code() != "NOT_FOUND" || a.Errors[0].Message != "node not found" || a.at("node") != nil {
				t.Errorf("%s gave %v %v", id, a.Data, a.Errors)
			}

			a = asks.ask(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { campaign { id } } }`, vars{"id": id})
			if a.code() != "NOT_FOUND" || a.Errors[0].Message != "campaign not found" {
				t.Errorf("launching %s gave %v", id, a.Errors)
			}
		}
	})
}

// lists are connections with something in them, and their fields.
var lists = map[string]string{
	"campaigns": "NAME CREATED_AT", "contacts": "PHONE CREATED_AT", "contactLists": "NAME CREATED_AT",
	"contactImports": "CREATED_AT",
	"messages":       "CREATED_AT", "templates": "NAME CREATED_AT UPDATED_AT", "accounts": "NAME CONNECTED_AT",
}

func (p *person) fill() *shop {
	o := p.open(7)
	for i := range 7 {
		c := o.campaign(fmt.Sprintf("Campaign %d", i%3))
		o.queued(c, 1)
		if _, err := p.audience.CreateList(p.ctx, fmt.Sprintf("List %d", i)); err != nil {
			p.t.Fatal(err)
		}
	}

	return o
}

func TestPagesJoinUp(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().fill()
		for list, fields := range lists {
			orders := []string{""}
			for field := range strings.FieldsSeq(fields) {
				orders = append(orders, field+", direction: ASC", field+", direction: DESC")
			}

			for _, order := range orders {
				args := ""
				if order != "" {
					args = ", orderBy: {field: " + order + "}"
				}

				all := o.must(fmt.Sprintf(`{ %s(first: 100%s) { edges { node { id } } totalCount } }`, list, args))
				var want, forward, backward []string
				for i := range all.list(list + ".edges") {
					want = append(want, all.text(fmt.Sprintf("%s.edges.%d.node.id", list, i)))
				}

				if all.at(list+".totalCount") != float64(len(want)) {
					t.Errorf("%s%s: %v in all, but %d edges", list, args, all.at(list+".totalCount"), len(want))
				}

				for cursor := any(nil); ; {
					a := o.must(fmt.Sprintf(
						`query($c: Cursor) { %s(first: 2, after: $c%s) { edges { node { id } cursor } pageInfo { hasNextPage endCursor } } }`,
						list, args), vars{"c": cursor})
					for i := range a.list(list + ".edges") {
						forward = append(forward, a.text(fmt.Sprintf("%s.edges.%d.node.id", list, i)))
					}

					cursor = a.at(list + ".pageInfo.endCursor")
					if a.at(list+".pageInfo.hasNextPage") != true || len(forward) > len(want) {
						break
					}
				}

				for cursor := any(nil); ; {
					a := o.must(fmt.Sprintf(
						`query($c: Cursor) { %s(last: 3, before: $c%s) { edges { node { id } } pageInfo { hasPreviousPage startCursor } } }`,
						list, args), vars{"c": cursor})
					var page []string
					for i := range a.list(list + ".edges") {
						page = append(page, a.text(fmt.Sprintf("%s.edges.%d.node.id", list, i)))
					}

					backward = append(page, backward...)
					cursor = a.at(list + ".pageInfo.startCursor")
					if a.at(list+".pageInfo.hasPreviousPage") != true || len(backward) > len(want) {
						break
					}
				}

				if fmt.Sprint(forward) != fmt.Sprint(want) {
					t.Errorf("%s%s forward:\n%v, want\n%v", list, args, forward, want)
				}
				if fmt.Sprint(backward) != fmt.Sprint(want) {
					t.Errorf("%s%s backward:\n%v, want\n%v", list, args, backward, want)
				}
			}
		}
	})
}

func TestBadPages(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().fill()
	cursor := o.must(`{ campaigns(first: 1, orderBy: {field: NAME}) { pageInfo { endCursor } } }`).
		text("campaigns.pageInfo.endCursor")
	log := o.must(`{ deliveryEvents { cursor } }`).text("deliveryEvents.cursor")
	stranger := s.signUp()

	for name, args := range map[string]string{
		"no rows": "first: 0", "too many": "first: 101", "fewer than none": "last: -1", "both ways": "first: 1, last: 1",
		"garbage": `after: "garbage"`, "a cursor of another order": `after: "` + cursor + `"`,
		"a cursor of another direction": `orderBy: {field: NAME, direction: DESC}, after: "` + cursor + `"`,
		"a cursor of the log":           `after: "` + log + `"`, "half a cursor": `orderBy: {field: NAME}, after: "` +
			cursor[:20] +
			`"`, "a cursor twice": `orderBy: {field: NAME}, after: "` + cursor + cursor + `"`,
	} {
		if a := o.ask("{ campaigns(" + args + ") { edges { node { id } } } }"); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %v %v", name, a.Data, a.Errors)
		} else if strings.Contains(args, "after") && !strings.Contains(a.Errors[0].Message, "after") {
			t.Errorf("%s: the message does not name the argument: %s", name, a.Errors[0].Message)
		}
	}

	for name, query := range map[string]string{
		"another list's cursor":          `{ templates(orderBy: {field: NAME}, after: "` + cursor + `") { totalCount } }`,
		"a list's cursor for the log":    `{ deliveryEvents(after: "` + cursor + `") { cursor } }`,
		"too many events":                `{ deliveryEvents(first: 1001) { cursor } }`,
		"a nested page that is too long": `{ campaigns { edges { node { messages(first: 101) { totalCount } } } } }`,
	} {
		if a := o.ask(query); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %v %v", name, a.Data, a.Errors)
		}
	}

	for _, query := range []string{`{ campaigns(orderBy: {field: NAME}, after: "` + cursor + `") { totalCount } }`,
		`{ deliveryEvents(after: "` + log + `") { cursor } }`} {
		if a := stranger.ask(query); a.code() != "BAD_USER_INPUT" {
			t.Errorf("another organization's cursor: %v %v", a.Data, a.Errors)
		}
	}
}

// Clients that keep a list's place in a text begin with an empty one. In the log that would not say
// where to begin.
func TestAnEmptyCursorIsNone(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().fill()
	for _, list := range []string{"accounts", "auditEvents", "campaigns", "contactImports", "contactLists", "contacts",
		"messages",
		"templates"} {
		query := func(args string) string { return fmt.Sprintf("{ l: %s%s { edges { node { id } } } }", list, args) }
		all := fmt.Sprint(o.must(query("")).at("l"))
		for _, args := range []string{`(after: "")`, `(before: "")`, `(first: 50, after: "", before: "")`} {
			if got := fmt.Sprint(o.must(query(args)).at("l")); got != all {
				t.Errorf("%s%s: %s, want %s", list, args, got, all)
			}
		}
	}

	if a := o.ask(`{ deliveryEvents(after: "") { cursor } }`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("the log: %v %v", a.Data, a.Errors)
	}

	ws := o.dial()
	ws.subscribe(follow, vars{"after": ""})
	if code, _ := ws.failure(); code != "BAD_USER_INPUT" {
		t.Errorf("the live log: %s", code)
	}
}

func TestAliasesLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().fill()
		a := o.must(`{ c: campaigns(first: 2) { e: edges { n: node { i: id a: name } } f: edges { n: node { s: status } x: node { b: name } } p: pageInfo { h: hasNextPage c: endCursor } t: totalCount } 
			messages(first: 1) { edges { node { a: campaign { n: name } b: campaign { s: status t: template { name } } c: campaign { t: template { language } } } } } }`)
		if a.text("c.e.0.n.a") != "Campaign 0" || a.text("c.f.1.n.s") != "DRAFT" || a.text("c.f.1.x.b") != "Campaign 1" ||
			a.at("c.p.h") != true || a.at("c.t") != 7.0 || a.text("c.p.c") == "" {
			t.Errorf("got %v", a.Data)
		}

		const m = "messages.edges.0.node."
		if a.text(m+"a.n") != "Campaign 0" || a.text(m+"b.s") != "DRAFT" || a.text(m+"b.t.name") != "spring_sale" ||
			a.text(m+"c.t.language") != "en_US" {
			t.Errorf("got %v", a.Data)
		}

		alone := o.must(`{ campaigns(first: 3) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } all: campaigns { pageInfo { hasNextPage } } }`)
		if alone.at("campaigns.pageInfo.hasNextPage") != true || alone.text("campaigns.pageInfo.endCursor") == "" ||
			alone.at("all.pageInfo.hasNextPage") != false {
			t.Errorf("pageInfo alone is %v", alone.Data)
		}
	})
}

func TestFilters(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().fill()
		c := o.campaign("Special 100%")
		ids := o.queued(c, 3)
		o.record(delivery.Accepted, ids...)
		o.record(delivery.Failed, ids[0])
		id := vars{"c": c.String(), "t": o.template.ID.String(), "n": o.number.ID.String(), "l": o.list.ID.String(),
			"x": o.contacts[0].ID.String()}

		for query, want := range map[string]int{
			`campaigns(filter: {search: "special"})`: 1, `campaigns(filter: {search: "100%"})`: 1,
			`campaigns(filter: {status: [DRAFT, DRAFT], templateId: $t})`: 8, `campaigns(filter: {status: []})`: 0,
			`campaigns(filter: {createdAfter: "2099-01-01T00:00:00Z"})`:                                           0,
			`campaigns(filter: {phoneNumberId: $n, createdBefore: "2099-01-01T00:00:00+08:00"})`:                  8,
			`messages(filter: {campaignId: $c})`:                                                                  3,
			`messages(filter: {campaignId: $c, status: [FAILED]})`:                                                1,
			`messages(filter: {errorCode: [131026]})`:                                                             1,
			`messages(filter: {contactId: $x})`:                                                                   8,
			`messages(filter: {to: "+1 (416) 701-0001"})`:                                                         1,
			`messages(filter: {direction: INBOUND})`:                                                              0,
			`messages(filter: {since: "2020-01-01T00:00:00Z", templateId: $t, phoneNumberId: $n})`:                10,
			`contacts(filter: {listIds: [$l], search: "contact 00"})`:                                             7,
			`contacts(filter: {attributes: [{key: "a", equals: "1"}]})`:                                           7,
			`contacts(filter: {consent: [OPTED_IN]})`:                                                             0,
			`templates(filter: {search: "SPRING", status: [APPROVED], category: [MARKETING], language: "en_US"})`: 1,
		} {
			declared := ""
			for name := range id {
				if strings.Contains(query, "$"+name) {
					declared += " $" + name + ": ID!"
				}
			}

			if declared != "" {
				declared = "(" + declared + ")"
			}

			list, _, _ := strings.Cut(query, "(")
			if a := o.must("query"+declared+" { "+query+" { totalCount } }", id); a.at(list+".totalCount") != float64(want) {
				t.Errorf("%s gave %v, want %d", query, a.at(list+".totalCount"), want)
			}
		}

		a := o.must(`query($c: ID!) { node(id: $c) { ... on Campaign { messages(filter: {status: [FAILED]}) { totalCount edges { node { to from text error { code title detail advice retryable } events { sequence status error { code } message { id } } } } }
			progress { total accepted failed fraction failures { code title retryable count } cost { amount } } } } }`, vars{"c": c.String()})
		const m = "node.messages.edges.0.node."

		if a.at("node.messages.totalCount") != 1.0 || a.text(m+"to") != "+14167010000" || a.at(m+"from") != nil ||
			a.text(m+"text") != "Hi Contact 000, our spring sale has begun." ||
			a.at(m+"error.code") != 131026.0 || a.text(m+"error.detail") != "not on WhatsApp" ||
			len(a.list(m+"events")) != 2 || a.text(m+"events.1.status") != "FAILED" ||
			a.text(m+"events.1.message.id") != ids[0].String() {
			t.Errorf("got %v", a.Data)
		}

		if a.at("node.progress.failed") != 1.0 || a.at("node.progress.fraction") != 1.0 ||
			a.at("node.progress.failures.0.count") != 1.0 || a.at("node.progress.cost") != nil ||
			a.at("node.progress.failures.0.retryable") != a.at(m+"error.retryable") {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestContactsAndAudiences(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		a := o.must(`mutation($l: ID!) { createContact(input: {phone: "+1 416 701 1234", name: "Li", attributes: [{key: "z", value: "1"}, {key: "city", value: "上海"}], listIds: [$l], consent: {consent: OPTED_IN, source: "web"}, clientMutationId: "x"}) {
			clientMutationId userErrors { code } contact { id phone country attributes { key value } lists { name size } marketingConsent consentHistory { consent source evidence } } } }`, vars{"l": o.list.ID.String()})
		const c = "createContact.contact."
		if a.text("createContact.clientMutationId") != "x" || a.text(c+"phone") != "+14167011234" || a.text(c+
			"attributes.0.value") != "上海" || a.at(c+"lists.0.size") != 4.0 || a.text(c+"consentHistory.0.source") != "web" {
			t.Errorf("got %v", a.Data)
		}

		a = o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { audience { lists { name size } excludeLists { id } rule { field operator values } contacts recipients size } parameters { parameter attribute fallback } missingParameter createdBy { role } } userErrors { message } } }`,
			vars{"input": vars{"name": "x", "templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
				"parameters": []vars{{"parameter": "first_name", "attribute": "nick", "fallback": "you"}},
				"audience": vars{"listIds": []string{o.list.ID.String()},
					"filter": vars{"country": []string{"CN", "HK"}, "attributes": []vars{{"key": "city", "exists": false}}}}}})

		const d = "createCampaign.campaign."
		if a.at(d+"audience.size") != 4.0 || a.text(d+"audience.rule.0.values.1") != "HK" ||
			a.text(d+"audience.rule.1.operator") != "missing" || a.at(d+"audience.lists.0.size") != 4.0 ||
			a.text(d+"createdBy.role") != "OWNER" || a.text(d+"parameters.0.attribute") != "nick" {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestTemplates(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		const fields = `template { name status category parameterFormat components { type format text example buttons { type text url example } json } parameters { name component kind buttonIndex example } preview(values: [{parameter: "1", value: "Ada"}]) { header body footer buttons } account { name phoneNumbers { displayNumber phoneNumberId currentRate queued } } } problems { field rule severity } userErrors { field code message }`
		input := vars{"accountId": o.account.ID.String(),
			"template": vars{"name": "order_update", "language": "en_US", "category": "UTILITY", "components": []vars{
				{"type": "HEADER", "text": "News"}, {"type": "BODY", "text": "Hi {{1}}, your order is on its way.",
					"example": []string{"Ana"}},
				{"type": "BUTTONS", "buttons": []vars{{"type": "URL", "text": "Track", "url": "https://example.com/{{1}}",
					"example": "https://example.com/42"}}}}}}

		a := o.must(`mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { `+fields+` } }`,
			vars{"input": input})
		const p = "createTemplate.template."

		if len(a.list("createTemplate.userErrors")) != 0 || a.text(p+"components.0.format") != "TEXT" ||
			a.text(p+"parameters.1.kind") != "URL_SUFFIX" || a.at(p+"parameters.1.buttonIndex") != 0.0 ||
			a.text(p+"preview.body") != "Hi Ada, your order is on its way." || a.at(p+"preview.footer") != nil || a.at(p+
			"account.phoneNumbers.0.currentRate") != 12.5 || a.text(p+"account.phoneNumbers.0.phoneNumberId") != metaPhone {
			t.Errorf("got %v", a.Data)
		}

		input["template"].(vars)["name"] = "Bad Name"
		a = o.must(`mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { `+fields+` } }`,
			vars{"input": input})
		if a.at("createTemplate.template") != nil || a.text("createTemplate.userErrors.0.field.0") != "template" ||
			a.text("createTemplate.problems.0.severity") != "ERROR" {
			t.Errorf("got %v", a.Data)
		}

		a = o.must(`query($input: TemplateInput!) { lintTemplate(input: $input) { field rule message severity } }`,
			vars{"input": input["template"]})
		if a.text("lintTemplate.0.field.0") != "name" {
			t.Errorf("got %v", a.Data)
		}

		a = o.must(`query($input: TemplateInput!) {
			examples: previewTemplate(input: $input) { body actions { type } }
			values: previewTemplate(input: $input, values: [{ parameter: "1", value: "Bo" }]) { body } }`,
			vars{"input": input["template"]})
		if a.text("examples.body") != "Hi Ana, your order is on its way." || a.text("examples.actions.0.type") != "URL" ||
			a.text("values.body") != "Hi Bo, your order is on its way." {
			t.Errorf("a template that is not stored looks like %v", a.Data)
		}
	})
}
