package graph_test

import (
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
