package graph_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/graph"
)

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL()})
	if err != nil {
		t.Fatalf("the published schema cannot be read: %v", err)
	}

	return s
}

func TestEveryRootFieldSaysWhoMayUseIt(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			role, public := f.Directives.ForName("role"), f.Directives.ForName("public")
			if (role == nil) == (public == nil) && !strings.HasPrefix(f.Name, "__") {
				t.Errorf("%s.%s has neither or both of @role and @public", root.Name, f.Name)
			}
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	s := schema(t)
	check := func(description, what string, args ...any) {
		if strings.TrimSpace(description) == "" {
			t.Errorf("no description: "+what, args...)
		}
	}

	for name, def := range s.Types {
		if def.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}

		check(def.Description, "%s", name)
		for _, v := range def.EnumValues {
			check(v.Description, "%s.%s", name, v.Name)
		}

		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}

			check(f.Description, "%s.%s", name, f.Name)
			for _, a := range f.Arguments {
				check(a.Description, "%s.%s(%s)", name, f.Name, a.Name)
			}
		}

		if def.Kind == ast.Scalar && def.Directives.ForName("specifiedBy") == nil {
			t.Errorf("%s does not say what specifies it", name)
		}
	}

	for _, generator := range []string{"goField", "goModel", "goTag"} {
		if strings.Contains(graph.SDL(), generator) {
			t.Errorf("the published schema shows the generator's directive %s", generator)
		}
	}
}

func TestTheSchemaIsServedOnceAndKeptByClients(t *testing.T) {
	t.Parallel()
	ask := func(etag string) *http.Response {
		r := httptest.NewRequest("GET", "/schema.graphql", nil)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		graph.ServeSDL().ServeHTTP(w, r)

		return w.Result()
	}

	first := ask("")
	text, _ := io.ReadAll(first.Body)
	if first.StatusCode != 200 || string(text) != graph.SDL() ||
		!strings.HasPrefix(first.Header.Get("Content-Type"), "application/graphql") {
		t.Errorf("%s %v", first.Status, first.Header)
	}

	if again := ask(first.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("again: %s", again.Status)
	}
}

// Introspection and the published schema say the same of what a document may say.
func TestTheSchemaPromisesNoAnswersInParts(t *testing.T) {
	s := onSQLite(t)
	a := s.signUp().must(`{ __schema { directives { name locations } } }`)
	var shown []string
	for i := range a.list("__schema.directives") {
		shown = append(shown, a.text(fmt.Sprintf("__schema.directives.%d.name", i)))
	}

	published := schema(t)
	for _, name := range shown {
		if published.Directives[name] == nil {
			t.Errorf("the published schema lacks @%s", name)
		}
	}

	if slices.Contains(shown, "defer") || strings.Contains(graph.SDL(), "@defer") || !slices.Contains(shown, "oneOf") {
		t.Errorf("introspection shows %v", shown)
	}
	if !strings.Contains(graph.SDL(), "directive @oneOf on INPUT_OBJECT") {
		t.Error("the published schema does not declare @oneOf, which older generators do not know")
	}

	if a := s.signUp().ask(`{ viewer { role ... @defer { organization { id } } } }`); a.code() != "BAD_USER_INPUT" ||
		a.Data != nil {
		t.Errorf("@defer: %v %v", a.Data, a.Errors)
	}
}
