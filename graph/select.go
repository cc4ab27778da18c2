package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// selected is what the operation asks for at a path below the present field, under whatever aliases and however often; nil
// when that is nothing beyond the id.
func selected(ctx context.Context, path ...string) *graphql.CollectedField {
	op, fields := graphql.GetOperationContext(ctx), []graphql.CollectedField{graphql.GetFieldContext(ctx).Field}
	for _, name := range path {
		var next []graphql.CollectedField
		for _, f := range fields {
			for _, below := range graphql.CollectFields(op, f.Selections, []string{f.Definition.Type.Name()}) {
				if below.Name == name {
					next = append(next, below)
				}
			}
		}
		fields = next
	}
	if len(fields) == 0 {
		return nil
	}
	all := graphql.CollectedField{Field: fields[0].Field}
	for _, f := range fields {
		all.Selections = append(all.Selections, f.Selections...)
	}
	for _, f := range graphql.CollectFields(op, all.Selections, []string{all.Definition.Type.Name(), "Node"}) {
		if f.Name != "id" && f.Name != "__typename" {
			return &all
		}
	}
	return nil
}

// within is the context in which ent's collectors see that field.
func within(ctx context.Context, f *graphql.CollectedField) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: f.ObjectDefinition.Name, Field: *f})
}
