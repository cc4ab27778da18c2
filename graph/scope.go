package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/ent/enum"
	"carillon/identity"
	"carillon/usererror"
)

// withinScopes refuses an operation of an API key without the scope READ that goes on from
// something to what hangs on it: from a message that it sent to the contact, and from there to
// everything. What it made or changed it sees, down to the fields that are no things of their own.
func (r *Resolver) withinScopes(ctx context.Context, schema *ast.Schema) *usererror.Error {
	v, ok := identity.From(ctx)
	if !ok || v.HasScope(enum.APIScopeRead) {
		return nil
	}

	op := graphql.GetOperationContext(ctx)
	if beyond := beyondFirst(schema, op.Operation.SelectionSet, false); beyond != nil {
		return usererror.New(usererror.Forbidden, "this needs the scope %s: %s leads from one thing to others",
			enum.APIScopeRead, beyond.Name)
	}

	return nil
}

// beyondFirst finds a field that leads from a thing with an id to another one.
func beyondFirst(schema *ast.Schema, set ast.SelectionSet, inside bool) *ast.Field {
	for _, selection := range set {
		var beyond *ast.Field
		switch s := selection.(type) {
		case *ast.Field:
			if s.Definition == nil || s.Definition.Type == nil {
				continue
			}

			thing := isThing(schema, s.Definition.Type.Name())
			if inside && thing {
				return s
			}

			beyond = beyondFirst(schema, s.SelectionSet, inside || thing)
		case *ast.InlineFragment:
			beyond = beyondFirst(schema, s.SelectionSet, inside)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				beyond = beyondFirst(schema, s.Definition.SelectionSet, inside)
			}
		}

		if beyond != nil {
			return beyond
		}
	}

	return nil
}

// isThing reports whether a type has an id of its own, or is a list or a choice of such types.
func isThing(schema *ast.Schema, name string) bool {
	def := schema.Types[name]
	if def == nil {
		return false
	}

	for _, i := range def.Interfaces {
		if i == "Node" {
			return true
		}
	}

	return def.Kind == ast.Interface || def.Kind == ast.Union || strings.HasSuffix(name, "Connection")
}
