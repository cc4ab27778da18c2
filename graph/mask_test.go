package graph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/uid"
)

// What must not be seen of a person: their number, also as a wamid hides it, and what they wrote or
// were sent.
const (
	secretNumber = "+14155550123"
	secretDigits = "4155550123"
	secretWord   = "Pfefferminz"
	secretWamid  = "wamid.HBgLMTQxNTU1NTAxMjMVAgAR"
)

// everything selects all fields of a type that need no argument, so many levels deep.
func everything(s *ast.Schema, def *ast.Definition, depth int) string {
	if def.Kind == ast.Union || def.Kind == ast.Interface {
		return "{ __typename }" // what stands behind it is asked for by its own type
	}

	parts := []string{"__typename"}
fields:
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") || notForViewers(f) {
			continue
		}

		for _, a := range f.Arguments {
			if a.Type.NonNull && a.DefaultValue == nil {
				continue fields
			}
		}

		below := s.Types[f.Type.Name()]
		switch {
		case !below.IsCompositeType():
			parts = append(parts, f.Name)
		case depth > 0:
			parts = append(parts, f.Name+firstFew(f)+" "+everything(s, below, depth-1))
		}
	}

	return "{ " + strings.Join(parts, " ") + " }"
}

// notForViewers are the fields that need a higher role.
func notForViewers(f *ast.FieldDefinition) bool {
	role := f.Directives.ForName("role")
	return role != nil && role.Arguments.ForName("is").Value.Raw != string(enum.RoleViewer)
}

func firstFew(f *ast.FieldDefinition) string {
	if f.Arguments.ForName("first") != nil {
		return "(first:3)"
	}
	return ""
}

// seen asks for everything that can be asked for, and gives all answers.
func (p *person) seen(ids []string) string {
	p.t.Helper()
	s := schema(p.t)
	documents := map[string]string{}

	for _, f := range s.Query.Fields {
		below := s.Types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || !below.IsCompositeType() || notForViewers(f) || f.Name == "nodes" ||
			f.Name == "node" || f.Name == "lintTemplate" || f.Name == "previewTemplate" ||
			f.Name == "statistics" || f.Name == "reconciliation" {
			continue
		}

		arguments := firstFew(f)
		if f.Name == "erasure" {
			arguments = `(contactId: "` + ids[0] + `")`
		}

		documents[f.Name] = "{ " + f.Name + arguments + " " + everything(s, below, 3) + " }"
	}

	for _, kind := range s.GetPossibleTypes(s.Types["Node"]) {
		documents["nodes of "+kind.Name] = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on " + kind.Name + " " +
			everything(s, kind, 2) + " } }"
	}

	var all strings.Builder
	for name, document := range documents {
		variables := vars{}
		if strings.Contains(document, "$ids") {
			variables["ids"] = ids
		}

		a := p.ask(document, variables)
		if len(a.Errors) > 0 {
			p.t.Errorf("%s: %v", name, a.Errors[0])
		}

		text, err := json.Marshal(a.Data)
		if err != nil {
			p.t.Fatal(err)
		}

		fmt.Fprintf(&all, "%s %s\n", name, text)
	}

	return all.String()
}

// personal seeds what must not be seen, everywhere where it can stand.
func (o *shop) personal() (ids []string) {
	o.t.Helper()
	name := "Ana"
	c, err := o.audience.CreateContact(o.ctx,
		audience.NewContact{Phone: secretNumber, Name: &name, ListIDs: []uid.ID{o.list.ID},
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "keyword", Evidence: secretWord}})
	if err != nil {
		o.t.Fatal(err)
	}

	system := caller.System(o.ctx)
	o.contacts = []*ent.Contact{c.Update().SetWaUserID("US." + secretDigits).SaveX(system)}
	campaign := o.campaign("Spring")
	o.db.Client.Campaign.UpdateOneID(campaign).SetStatusDetail("one of them, " + secretNumber + ", has no name").
		ExecX(system)
	o.contacts[0].Name = ptr(secretWord) // the template shows it
	sent := o.queued(campaign, 1)[0]
	o.db.Client.Message.UpdateOneID(sent).SetWamid(secretWamid).ExecX(system)
	if _, err := o.journal.Record(system, delivery.Fact{Message: sent, Kind: delivery.Failed, At: database.Now(),
		ErrorCode: 131026, Detail: "the number " + secretNumber + " is not on WhatsApp"}); err != nil {
		o.t.Fatal(err)
	}

	_, err = o.queue.Receive(system, delivery.Received{Organization: o.org, PhoneNumber: o.number.ID,
		Account: o.account.ID, Contact: c.ID, Address: secretNumber, Country: "CA",
		Type: enum.MessageTypeText, WAMID: secretWamid + "2", Content: []byte(`{"text":{"body":"` + secretWord + `"}}`),
		At: database.Now(), Reply: &jsonfield.Reply{ID: secretWord, Title: secretWord, Payload: secretWord}})
	if err != nil {
		o.t.Fatal(err)
	}

	i := o.upload(
		`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id } userErrors { message } } }`,
		"phone\n+1 415 555 0123 99999\n", vars{})
	importID := i.text("importContacts.import.id")
	id, err := uid.Parse(importID)
	if err == nil {
		err = o.audience.RunImport(system, id)
	}
	if err != nil {
		o.t.Fatal(err)
	}

	return []string{c.ID.String(), campaign.String(), sent.String(), importID, o.list.ID.String(), o.number.ID.String(),
		o.account.ID.String(), o.org.String()}
}

func ptr[T any](v T) *T { return &v }

func TestAViewerSeesNoNumberAndNoTextWhereTheyAreMasked(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		ids := o.personal()
		viewer, other := o.key(enum.RoleViewer), o.key(enum.RoleCampaigner)

		leaks := func(text string) (found []string) {
			for _, secret := range []string{secretNumber, secretDigits, secretWord, secretWamid, "415 555 0123"} {
				if strings.Contains(text, secret) {
					found = append(found, secret)
				}
			}

			return found
		}
		if found := leaks(viewer.seen(ids)); len(found) != 5 {
			t.Errorf("without masking a viewer sees only %v", found)
		}

		o.must(`mutation { updateOrganization(input: {maskForViewers: true}) { organization { maskForViewers } userErrors { message } } }`)
		text := viewer.seen(ids)

		if found := leaks(text); len(found) > 0 {
			for line := range strings.SplitSeq(text, "\n") {
				if found := leaks(line); len(found) > 0 {
					t.Errorf("a viewer sees %v in %s", found, line)
				}
			}
		}

		if !strings.Contains(text, "+1•••••••23") || !strings.Contains(text, `"•••"`) {
			t.Error("nothing is masked")
		}
		if found := leaks(other.seen(ids)); len(found) != 5 {
			t.Errorf("a campaigner sees only %v", found)
		}
	})
}

func TestAViewerCannotFindOutAMaskedNumberByLookingForIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		o.personal()
		o.must(`mutation { updateOrganization(input: {maskForViewers: true}) { userErrors { message } } }`)
		viewer := o.key(enum.RoleViewer)

		for _, probe := range []string{
			`{ contacts(filter: {search: "+1415"}) { totalCount } }`,
			`{ contacts(filter: {search: "Ana 4155"}) { totalCount } }`,
			`{ contacts(orderBy: [{field: PHONE}]) { edges { cursor } } }`, `{ messages(filter: {to: "` + secretNumber +
				`"}) { totalCount } }`,
			`{ messages(filter: {wamid: "` + secretWamid + `"}) { totalCount } }`,
			`{ campaigns { edges { node { messages(filter: {to: "` + secretNumber + `"}) { totalCount } } } } }`,
		} {
			if a := viewer.ask(probe); a.code() != "FORBIDDEN" {
				t.Errorf("%s gave %v %v", probe, a.Data, a.Errors)
			}
			if a := o.ask(probe); len(a.Errors) > 0 {
				t.Errorf("an owner asks %s: %v", probe, a.Errors)
			}
		}

		if a := viewer.must(`{ contacts(filter: {search: "ana"}) { totalCount } }`); a.at("contacts.totalCount") != 1.0 {
			t.Errorf("by name: %v", a.Data)
		}
	})
}

func TestAViewersSocketEndsWhenItsViewIsMaskedAndAnOrganizationsWhenItIsClosed(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp()
		viewer, owner := o.key(enum.RoleViewer).dial(), o.dial()
		closed := func(ws *socket) {
			t.Helper()
			for {
				var code *websocket.CloseError
				if _, err := ws.read(); errors.As(err, &code) {
					if code.Code != 4403 {
						t.Errorf("closed with %d", code.Code)
					}
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}

		o.must(`mutation { updateOrganization(input: {maskForViewers: true}) { userErrors { message } } }`)
		closed(viewer)
		owner.subscribe(`subscription { deliveryEvents { cursor } }`, nil)
		owner.result()
		o.db.Client.Organization.UpdateOneID(o.org).SetStatus(enum.OrganizationStatusClosed).ExecX(caller.System(o.ctx))
		s.hub.Announce(o.ctx, o.org) // as the operator's command does
		closed(owner)
		if _, err := s.who.Authenticate(t.Context(), "Bearer "+o.token, identity.Client{}); err == nil {
			t.Error("a closed organization lets somebody in")
		}
	})
}

func TestDuringMaintenanceNothingIsChangedAndTheNoticeIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp()
		change := func() answer {
			return o.ask(`mutation { createContactList(input: {name: "L"}) { userErrors { code } } }`)
		}
		if a := change(); len(a.Errors) > 0 || o.must(`{ viewer { notice } }`).at("viewer.notice") != nil {
			t.Fatalf("before: %v", a.Errors)
		}

		s.db.Client.ServiceState.Create().SetID(1).SetMaintenance(true).SetNotice("back at noon").
			ExecX(caller.System(t.Context()))
		s.forgetState()
		if a := change(); a.code() != "UNAVAILABLE" || a.Errors[0].Message != "back at noon" {
			t.Errorf("changing gave %v %v", a.Data, a.Errors)
		}

		if a := o.must(`{ viewer { notice organization { name } } contactLists { totalCount } }`); a.text(
			"viewer.notice") != "back at noon" || a.at("contactLists.totalCount") != 1.0 {
			t.Errorf("reading gave %v", a.Data)
		}

		if a := s.ask("",
			`mutation { signIn(input: {email: "nobody@example.com", password: "x"}) { userErrors { code } } }`); len(
			a.Errors) > 0 {
			t.Errorf("signing in gave %v", a.Errors)
		}

		s.db.Client.ServiceState.UpdateOneID(1).SetMaintenance(false).ExecX(caller.System(t.Context()))
		s.forgetState()
		if a := change(); len(a.Errors) > 0 {
			t.Errorf("afterwards: %v", a.Errors)
		}
		if a := o.must(`{ viewer { notice } }`); a.text("viewer.notice") != "back at noon" {
			t.Errorf("a notice without maintenance: %v", a.Data)
		}
	})
}

func TestDuringMaintenanceOnlyTheMutationsThatTheSchemaMarksWork(t *testing.T) {
	s, sdl := onSQLite(t), schema(t)
	o, fill := s.signUp(), filler{sdl, madeUpIDs(sdl)}
	s.db.Client.ServiceState.Create().SetID(1).SetMaintenance(true).ExecX(caller.System(t.Context()))
	s.forgetState()
	marked := 0

	for _, f := range sdl.Mutation.Fields {
		works := f.Directives.ForName("duringMaintenance") != nil
		if works {
			marked++
		}

		code := o.signIn().codeOf(sdl, "mutation", document(sdl, "mutation", f, 0), f, fill.variables(f, nil, nil), false)
		if (code == "UNAVAILABLE") == works {
			t.Errorf("%s, marked: %t, gave %q", f.Name, works, code)
		}
	}

	if marked == 0 || marked == len(sdl.Mutation.Fields) {
		t.Errorf("%d of %d are marked", marked, len(sdl.Mutation.Fields))
	}

	if code := o.signIn().
		ask(`mutation { signOut { __typename } ... on Mutation { createContactList(input: {name: "L"}) { __typename } } }`).
		code(); code != "UNAVAILABLE" {
		t.Errorf("one that works beside one that does not gave %q", code)
	}

	if code := o.signIn().ask(`mutation { __typename signOut { __typename } }`).code(); code != "" {
		t.Errorf("one that works, with its type's name, gave %q", code)
	}
}
