package graph_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// world is an organization with a row of every kind.
type world struct {
	*shop
	mark string              // in every text of it
	ids  map[uid.Kind]uid.ID // one of each kind
}

func (s *stage) world(mark, waba, phone string) *world {
	s.t.Helper()
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: mark, Token: metaToken,
		Numbers: []sandbox.NumberSpec{{ID: phone, DisplayNumber: "+1 555-01" + phone[:2] + "-3881", VerifiedName: mark}}})
	w := &world{shop: s.signUp().openAccount(waba, mark, 2), mark: mark}
	campaign := w.campaign(mark)
	w.record(delivery.Accepted, w.queued(campaign, 1)...)
	w.record(delivery.Failed, w.queued(campaign, 1)...)
	w.key("VIEWER")
	imported := w.upload(
		`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id } userErrors { message } } }`,
		"phone,name\n+14167017777,"+mark+"\n", vars{})
	if len(imported.Errors) > 0 {
		s.t.Fatal(imported.Errors)
	}

	w.ids = w.one()

	return w
}

// owned are the tables whose rows belong to an organization, and those where its own id is the key.
func owned(t *testing.T, db *database.DB) (tables map[string]string) {
	t.Helper()
	tables = map[string]string{"organization": "id", "event_counter": "id"}
	query := "SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id' " +
		"AND table_schema = current_schema()"
	if db.Dialect == "sqlite3" {
		query = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' " +
			"AND c.name = 'organization_id'"
	}

	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}

	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}

		tables[name] = "organization_id"
	}

	return tables
}

// numbered are the tables whose ids are numbers.
var numbered = map[string]bool{"campaign_count": true, "delivery_event": true,
	"contact_identifier": true, "former_identifier": true}

// rows are all rows of the world, as text, by table.
func (w *world) rows() map[string][]string {
	w.t.Helper()
	all := map[string][]string{}
	for table, column := range owned(w.t, w.db) {
		rows, err := w.db.Query(w.t.Context(), "SELECT * FROM "+table+" WHERE "+column+" = $1", w.org)
		if err != nil {
			w.t.Fatal(err)
		}

		names, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}

			if err := rows.Scan(values...); err != nil {
				w.t.Fatal(err)
			}

			var line strings.Builder
			for i, v := range values {
				if names[i] != "last_used_at" { // which the world's own calls move
					fmt.Fprintf(&line, "%s=%v ", names[i], *v.(*any))
				}
			}

			all[table] = append(all[table], line.String())
		}

		rows.Close()
		slices.Sort(all[table])
	}

	return all
}

func (w *world) digest() string {
	raw, err := json.Marshal(w.rows())
	if err != nil {
		w.t.Fatal(err)
	}

	return fmt.Sprintf("%x", sha256.Sum256(raw))
}

// one finds an id of every kind that the world has rows of.
func (w *world) one() map[uid.Kind]uid.ID {
	w.t.Helper()
	ids := map[uid.Kind]uid.ID{}
	for table, column := range owned(w.t, w.db) {
		if numbered[table] {
			continue
		}

		rows, err := w.db.Query(w.t.Context(), "SELECT * FROM "+table+" WHERE "+column+" = $1", w.org)
		if err != nil {
			w.t.Fatal(err)
		}

		names, _ := rows.Columns()
		at := slices.Index(names, "id")

		for rows.Next() && at >= 0 {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}

			var id uid.ID
			values[at] = &id
			if err := rows.Scan(values...); err != nil {
				w.t.Fatal(err)
			}

			ids[id.Kind()] = id
		}

		rows.Close()
	}

	ids[uid.User] = w.db.Client.Member.GetX(caller.System(w.t.Context()), ids[uid.Member]).UserID

	return ids
}

// named are the world's ids by the names of inputs that take them.
func (w *world) named() map[string]any {
	of := func(kind uid.Kind) string { return w.ids[kind].String() }
	list := w.list.ID.String()
	return map[string]any{
		"id": of(uid.Message), "ids": of(uid.Message), "accountId": w.account.ID.String(),
		"phoneNumberId": w.number.ID.String(), "templateId": w.template.ID.String(),
		"campaignId": of(uid.Campaign), "contactId": w.contacts[0].ID.String(), "contactIds": w.contacts[0].ID.String(),
		"listId": list, "listIds": list, "excludeListIds": list,
		"contactListId": list, "importId": of(uid.ContactImport), "messageId": of(uid.Message),
		"replyToMessageId": of(uid.Message), "sessionId": of(uid.Session),
		"apiKeyId": of(uid.APIKey), "memberId": of(uid.Member), "organizationId": w.org.String(),
		"subjectId": of(uid.Campaign), "invitationId": of(uid.Invitation),
		"webhookEndpointId": of(uid.WebhookEndpoint), "webhookDeliveryId": of(uid.WebhookDelivery),
	}
}

// foreign is one way to put an id where it does not belong.
type foreign struct {
	operation string
	field     *ast.FieldDefinition
	at        path
}

// foreigners are all inputs of the schema's root fields that take an id.
func foreigners(s *ast.Schema) (all []foreign) {
	for operation, root := range map[string]*ast.Definition{"query": s.Query, "mutation": s.Mutation,
		"subscription": s.Subscription} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}

			inputs(s, f, func(p path, t *ast.Type) {
				if t.Name() == "ID" {
					all = append(all, foreign{operation, f, p})
				}
			})
		}
	}

	slices.SortFunc(all, func(a, b foreign) int {
		return strings.Compare(a.field.Name+a.at.String(), b.field.Name+b.at.String())
	})
	return all
}

// hasFile is whether a field takes a file, which JSON cannot carry.
func hasFile(s *ast.Schema, f *ast.FieldDefinition) (yes bool) {
	inputs(s, f, func(_ path, t *ast.Type) { yes = yes || t.Name() == "Upload" })
	return yes
}

func TestNoIDOfAnotherOrganizationIsOfAnyUse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		victim, caller := s.world("Victim", "202290129340398", "206540352242922"),
			s.world("Caller", "302290129340398", "306540352242922")
		sdl := schema(t)
		fill := filler{sdl, caller.named()}
		before, asked := victim.digest(), 0

		for _, f := range foreigners(sdl) {
			text := document(sdl, f.operation, f.field, cmp.Or(depth[f.field.Name], 2))
			for kind, theirs := range victim.ids {
				madeUp := uid.New(kind)
				tell := func(id uid.ID) string {
					asked++
					return strings.ReplaceAll(caller.told(sdl, f, text, fill.variables(f.field, f.at, id.String())),
						id.String(), "<id>")
				}

				told, toldOfMadeUp := tell(theirs), tell(madeUp)
				if told != toldOfMadeUp {
					t.Errorf("%s(%s: %s): the other organization's gives\n%s\na made-up one\n%s", f.field.Name, f.at, theirs,
						told, toldOfMadeUp)
				}

				if strings.Contains(told, victim.mark) {
					t.Errorf("%s(%s: %s) tells of the other organization: %s", f.field.Name, f.at, theirs, told)
				}
				if !isNotFound(f, told) {
					t.Errorf("%s(%s: %s) is not NOT_FOUND: %.600s", f.field.Name, f.at, theirs, told)
				}
			}

			if after := victim.digest(); after != before {
				t.Fatalf("%s(%s) changed the other organization", f.field.Name, f.at)
			}
		}

		t.Logf("%d calls with ids at %d places", asked, len(foreigners(sdl)))
	})
}

// isNotFound is whether an answer says that there is no such thing, or, where a list of nodes was
// asked for, gives none.
func isNotFound(f foreign, told string) bool {
	answer, isNull := nullFor[f.field.Name]
	return strings.Contains(told, `"NOT_FOUND"`) || isNull && strings.Contains(told, answer)
}

// nullFor is how fields answer that are null for what is not there.
var nullFor = map[string]string{"nodes": `"nodes":[null]`, "erasure": `"erasure":null`}

// told is all that the API answers.
func (p *person) told(s *ast.Schema, f foreign, document string, v vars) string {
	p.t.Helper()
	switch input, _ := v["input"].(vars); {
	case f.operation == "subscription":
		return strconv.Quote(p.codeOfSubscription(document, v, true))
	case hasFile(s, f.field):
		return p.upload(document, "phone\n+14167011234\n", input).whole()
	}

	return p.ask(document, v).whole()
}

// whole is all of an answer but what is different each time.
func (a answer) whole() string {
	for _, e := range a.Errors {
		delete(e.Extensions, "requestId")
	}

	raw, err := json.Marshal(map[string]any{"data": a.Data, "errors": a.Errors})
	if err != nil {
		a.t.Fatal(err)
	}

	return string(raw)
}

// depth is how far a selection of everything may go within the limits of one operation; 4 where it
// is not said.
var depth = map[string]int{"statistics": 1, "reconciliation": 1, "viewer": 3}

func TestNothingThatCanBeSelectedIsAnotherOrganizations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		victim, caller := s.world("Victim", "202290129340398", "206540352242922"),
			s.world("Caller", "302290129340398", "306540352242922")
		sdl := schema(t)
		fill := filler{sdl, caller.named()}

		for _, f := range sdl.Query.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}

			told := caller.ask(document(sdl, "query", f, cmp.Or(depth[f.Name], 4)), fill.variables(f, nil, nil)).whole()
			if strings.Contains(told, "errors\":[{") {
				t.Errorf("%s: %.800s", f.Name, told)
			}

			if strings.Contains(told, victim.mark) ||
				slices.ContainsFunc(slices.Collect(maps.Values(victim.ids)), func(id uid.ID) bool {
					return strings.Contains(told, id.String())
				}) {
				t.Errorf("%s tells of the other organization: %s", f.Name, told)
			}
		}
	})
}
