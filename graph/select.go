package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// selected is what the operation asks for at a path below the present field; nil when that is
// nothing beyond the id.
func selected(ctx context.Context, path ...string) *graphql.CollectedField {
	f := asked(ctx, path...)
	if f == nil {
		return nil
	}

	for _, below := range graphql.CollectFields(graphql.GetOperationContext(ctx), f.Selections,
		[]string{f.Definition.Type.Name(), "Node"}) {
		if below.Name != "id" && below.Name != "__typename" {
			return f
		}
	}

	return nil
}

// asked is the field at a path below the present one, under whatever aliases and however often the
// operation has it; nil when it has not.
func asked(ctx context.Context, path ...string) *graphql.CollectedField {
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

	return &all
}

// within is the context in which ent's collectors see that field.
func within(ctx context.Context, f *graphql.CollectedField) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: f.ObjectDefinition.Name, Field: *f})
}
