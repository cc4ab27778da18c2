package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"carillon/ent/enum"
)

// scoped is a key of an owner's with those scopes.
func (p *person) scoped(scopes ...string) *person {
	p.t.Helper()
	a := p.must(createKey, vars{"input": vars{"name": "scoped", "role": "OWNER", "scopes": scopes}})
	if got := fmt.Sprint(a.at("createApiKey.apiKey.scopes")); got != "["+strings.Join(scopes, " ")+"]" {
		p.t.Fatalf("scopes %s, %v", got, a.Data)
	}

	return p.as(a.text("createApiKey.secret"))
}

// scopeOf is the scope that a root field names; empty where it is public or for people alone.
func scopeOf(t *testing.T, f *ast.FieldDefinition) string {
	t.Helper()
	role := f.Directives.ForName("role")
	if role == nil {
		if f.Directives.ForName("public") == nil && !strings.HasPrefix(f.Name, "__") {
			t.Errorf("%s says neither @role nor @public", f.Name)
		}
		return ""
	}

	scope, person := role.Arguments.ForName("scope"), role.Arguments.ForName("person")
	if forPeople := person != nil && person.Value.Raw == "true"; forPeople == (scope != nil) {
		t.Errorf("%s needs one of scope and person: true in its @role", f.Name)
	}
	if scope == nil {
		return ""
	}

	return scope.Value.Raw
}

func TestEveryFieldNeedsOneScopeAndAKeyThatHasItAloneMayUseIt(t *testing.T) {
	s := onSQLite(t)
	sdl, owner := schema(t), s.signUp()
	fill := filler{sdl, madeUpIDs(sdl)}
	keys := map[string]*person{}
	for _, scope := range enum.APIScope("").Values() {
		keys[scope] = owner.scoped(scope)
	}

	rest := func(without string) *person {
		others := slices.DeleteFunc(enum.APIScope("").Values(), func(one string) bool { return one == without })
		if keys["not "+without] == nil {
			slices.Sort(others)
			keys["not "+without] = owner.scoped(others...)
		}

		return keys["not "+without]
	}

	calls := 0
	for operation, root := range map[string]*ast.Definition{"query": sdl.Query, "mutation": sdl.Mutation,
		"subscription": sdl.Subscription} {
		for _, f := range root.Fields {
			scope := scopeOf(t, f)
			if operation == "subscription" && scope != "READ" {
				t.Errorf("%s needs %s, and reads", f.Name, scope)
			}
			if scope == "" {
				continue
			}

			calls += 2
			text := document(sdl, operation, f, 0)
			if code := rest(scope).codeOf(sdl, operation, text, f, fill.variables(f, nil, nil), true); code != "FORBIDDEN" {
				t.Errorf("%s with all scopes but %s gave %q", f.Name, scope, code)
			}

			if code := keys[scope].codeOf(sdl, operation, text, f, fill.variables(f, nil, nil), false); code == "FORBIDDEN" ||
				code == "UNAUTHENTICATED" {
				t.Errorf("%s with the scope %s gave %q", f.Name, scope, code)
			}
		}
	}

	t.Logf("%d calls", calls)
	if code := keys["READ"].ask(`mutation { signOut { signedOut } }`).code(); code != "FORBIDDEN" {
		t.Errorf("what only people may do gave %q", code)
	}
}

func TestAKeyWithoutReadSeesWhatItMadeAndNoFurther(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		sender := &shop{person: o.scoped("SEND_MESSAGES"), number: o.number, template: o.template, contacts: o.contacts}
		ask := func(selection string) answer {
			return sender.ask(`mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { `+selection+
				` } userErrors { message } } }`, vars{"input": o.sale()})
		}
		if a := ask(`id status type error { code } pricing { billable }`); a.code() != "" ||
			a.at("sendMessage.message.status") != "QUEUED" {
			t.Errorf("its own fields: %v %v", a.Data, a.Errors)
		}

		sent := s.db.Client.Message.Query().CountX(o.ctx)
		for _, selection := range []string{
			`contact { phone }`, `campaign { id }`, `events { message { id } }`, `phoneNumber { account { name } }`,
			`... on Message { template { id } }`, `x: contact { y: lists { z: name } }`,
		} {
			if a := ask(selection); a.code() != "FORBIDDEN" || !strings.Contains(a.Errors[0].Message, "READ") {
				t.Errorf("%s gave %v %v", selection, a.Data, a.Errors)
			}
		}

		if a := sender.ask(`mutation($input: SendMessageInput!) { sendMessage(input: $input) { ...f } } fragment f on MessagePayload { message { ...g } } fragment g on Message { contact { phone } }`,
			vars{"input": o.sale()}); a.code() != "FORBIDDEN" {
			t.Errorf("by fragments: %v %v", a.Data, a.Errors)
		}

		if n := s.db.Client.Message.Query().CountX(o.ctx); n != sent {
			t.Errorf("%d messages were sent all the same", n-sent)
		}

		for _, document := range []string{`{ viewer { apiKey { createdBy { organization { members { id } } } } } }`,
			`{ viewer { organization { name } } }`, `{ campaigns { totalCount } }`} {
			if code := sender.ask(document).code(); code != "FORBIDDEN" {
				t.Errorf("%s gave %q", document, code)
			}
		}

		if a := sender.ask(`{ viewer { role apiKey { name scopes } } }`); a.code() != "" ||
			fmt.Sprint(a.at("viewer.apiKey.scopes")) != "[SEND_MESSAGES]" {
			t.Errorf("who it is: %v %v", a.Data, a.Errors)
		}
	})
}

func TestAKeyGivesNoScopeThatItDoesNotHave(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		narrow := owner.scoped("MANAGE_ORGANIZATION", "READ")
		for _, scopes := range [][]string{{"EXPORT"}, {"READ", "SEND_MESSAGES"}} {
			narrow.must(
				`mutation($input: CreateAPIKeyInput!) { createApiKey(input: $input) { secret userErrors { field code } } }`,
				vars{"input": vars{"name": "k", "role": "VIEWER", "scopes": scopes}}).
				refuses("createApiKey", "secret", "scopes:NOT_ALLOWED")
		}

		a := narrow.ask(`mutation { createApiKey(input: {name: "k", role: VIEWER}) { apiKey { scopes } } }`)
		if got := fmt.Sprint(a.at("createApiKey.apiKey.scopes")); got != "[MANAGE_ORGANIZATION READ]" {
			t.Errorf("without scopes it has %s", got)
		}

		if a := owner.must(createKey, vars{"input": vars{"name": "k", "role": "VIEWER", "scopes": []string{"READ",
			"EXPORT", "READ"}}}); fmt.Sprint(a.at("createApiKey.apiKey.scopes")) != "[EXPORT READ]" {
			t.Errorf("one scope twice: %v", a.Data)
		}
	})
}
