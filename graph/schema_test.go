package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/enum"
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

// call is a document that uses one root field, with made-up values for what it requires.
func call(s *ast.Schema, operation string, f *ast.FieldDefinition) string {
	var args []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			args = append(args, a.Name+": "+madeUp(s, a.Type))
		}
	}
	text := f.Name
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	if s.Types[f.Type.Name()].IsCompositeType() {
		text += " { __typename }"
	}
	return fmt.Sprintf("%s { %s }", operation, text)
}

func madeUp(s *ast.Schema, t *ast.Type) string {
	if t.Elem != nil {
		return "[" + madeUp(s, t.Elem) + "]"
	}
	def := s.Types[t.Name()]
	switch {
	case def.Kind == ast.Enum:
		return def.EnumValues[len(def.EnumValues)-1].Name
	case def.Kind == ast.InputObject:
		var fields []string
		oneOf := def.Directives.ForName("oneOf") != nil
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || oneOf && len(fields) == 0 {
				fields = append(fields, f.Name+": "+madeUp(s, f.Type))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case t.Name() == "Boolean":
		return "true"
	case t.Name() == "Time":
		return `"2026-11-23T13:28:01Z"`
	case t.Name() == "Int" || t.Name() == "Float":
		return "1"
	default:
		return `"x"`
	}
}

func TestRoles(t *testing.T) {
	s := onSQLite(t)
	sdl := schema(t)
	owner := s.signUp()
	callers := map[enum.Role]*person{}
	for _, role := range []enum.Role{enum.RoleAdmin, enum.RoleCampaigner, enum.RoleViewer} {
		callers[role] = owner.key(role)
	}
	rank := map[string]int{"VIEWER": 1, "CAMPAIGNER": 2, "ADMIN": 3, "OWNER": 4}
	for operation, root := range map[string]*ast.Definition{"query": sdl.Query, "mutation": sdl.Mutation} {
		for _, f := range root.Fields {
			directive := f.Directives.ForName("role")
			if directive == nil || f.Name == "importContacts" { // the last needs a file
				continue
			}
			document := call(sdl, operation, f)
			if code := s.ask("", document).code(); code != "UNAUTHENTICATED" {
				t.Errorf("a stranger's %s gave %q, want UNAUTHENTICATED", document, code)
			}
			needs := directive.Arguments.ForName("is").Value.Raw
			for role, caller := range callers {
				refused := caller.ask(document).code() == "FORBIDDEN"
				if want := rank[string(role)] < rank[needs]; want && !refused {
					t.Errorf("%s as %s was not refused", document, role)
				} else if !want && refused && f.Name != "signOut" && f.Name != "acceptTerms" && f.Name != "revokeSession" { // which need a person
					t.Errorf("%s as %s was refused", document, role)
				}
			}
		}
	}
}
