package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"carillon/uid"
)

// What no database keeps is the caller's mistake, by whatever way it comes, and on both databases
// alike.
func TestTextsThatNoDatabaseTakesAreTheCallersMistake(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		id := uid.New(uid.Campaign).String()
		for _, text := range []string{`a\u0000b`, `a\ud800`, `\udc00b`, `a\u0001b`, `a\u001b[2Jb`, `a\u007fb`, `a\u0085b`} {
			for _, query := range []string{
				`{ campaigns(filter: {search: "%s"}) { totalCount } }`, `{ templates(filter: {search: "%s"}) { totalCount } }`,
				`{ templates(filter: {language: "%s"}) { totalCount } }`,
				`{ contacts(filter: {country: ["%s"]}) { totalCount } }`,
				`{ contacts(filter: {language: ["%s"]}) { totalCount } }`, `{ messages(filter: {to: "%s"}) { totalCount } }`,
				`{ messages(filter: {wamid: "%s"}) { totalCount } }`, `{ auditEvents(filter: {actor: "%s"}) { totalCount } }`,
				`{ auditEvents(filter: {action: ["%s"]}) { totalCount } }`,
				`{ node(id: "%s") { id } }`, `mutation { createContactList(input: {name: "%s"}) { contactList { id } } }`,
				`mutation { signIn(input: {email: "%s", password: "x"}) { token } }`,
				`mutation { launchCampaign(input: {campaignId: "` + id + `", clientMutationId: "%s"}) { clientMutationId } }`,
			} {
				if a := o.ask(fmt.Sprintf(query, text)); a.code() != "BAD_USER_INPUT" || len(a.Errors[0].Path) > 0 {
					t.Errorf("%s: %v %v", fmt.Sprintf(query, text), a.Data, a.Errors)
				}
			}

			body := `{"query":"query($f: CampaignFilter) { campaigns(filter: $f) { totalCount } }","variables":{"f":{"search":"` +
				text + `"}}}`
			if a := o.post(o.token, "application/json", strings.NewReader(body)); a.code() != "BAD_USER_INPUT" ||
				!strings.Contains(a.Errors[0].Message, "$f.search") {
				t.Errorf("%s as a variable: %v %v", text, a.Data, a.Errors)
			}
		}
	})
}

func TestNamesAreOneLine(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(1)
	for _, name := range []string{"two\nlines", "fdp.exe\u202etxt", "a\u2028b"} {
		input := vars{"name": name, "templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
			"audience": vars{"listIds": []string{o.list.ID.String()}}}
		for mutation, a := range map[string]answer{
			"createCampaign": o.must(
				`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { userErrors { field code } } }`,
				vars{"input": input}),
			"createContactList": o.must(
				`mutation($name: String!) { createContactList(input: {name: $name}) { userErrors { field code } } }`,
				vars{"name": name}),
			"createContact": o.must(
				`mutation($name: String!) { createContact(input: {phone: "+14167019999", name: $name}) { userErrors { field code } } }`,
				vars{"name": name}),
			"createApiKey": o.must(
				`mutation($name: String!) { createApiKey(input: {name: $name, role: VIEWER}) { userErrors { field code } } }`,
				vars{"name": name}),
			"updateUser": o.must(
				`mutation($name: String!) { updateUser(input: {name: $name}) { userErrors { field code } } }`,
				vars{"name": name}),
			"updateOrganization": o.must(
				`mutation($name: String!) { updateOrganization(input: {name: $name}) { userErrors { field code } } }`,
				vars{"name": name}),
		} {
			if got := a.wrong(mutation); len(got) == 0 || got[0] != "name INVALID" {
				t.Errorf("%s of %q: %v", mutation, name, got)
			}
		}
	}
}

// How a program calls itself is any bytes, and is kept with its session.
func TestAProgramsNameIsText(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp()
		body := `{"query":"mutation($i: SignInInput!) { signIn(input: $i) { token userErrors { code } } }","variables":{"i":{"email":"` +
			o.email + `","password":"` + password + `"}}}`
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", "caf\xe9 "+strings.Repeat("x", 2000))
		resp, err := s.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}

		defer resp.Body.Close()
		a := o.must(`{ viewer { sessions { userAgent } } }`)
		if resp.StatusCode != 200 || len(a.list("viewer.sessions")) != 2 {
			t.Errorf("%s, %v", resp.Status, a.Data)
		}
	})
}
