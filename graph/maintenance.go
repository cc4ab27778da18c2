package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/usererror"
)

// maintained refuses mutations during maintenance, with the operator's notice, but those that the
// schema marks. That the state cannot be read is no reason: whoever needs the database hears of it
// there.
func (r *Resolver) maintained(ctx context.Context) *usererror.Error {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Mutation {
		return nil
	}

	state, err := r.Operator.State(ctx)
	if err != nil || !state.Maintenance {
		return nil
	}

	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		if f.Definition.Directives.ForName("duringMaintenance") == nil && f.Name != "__typename" {
			return usererror.New(usererror.Unavailable, "%s",
				or(state.Notice, "the service is being maintained: nothing can be changed or sent now"))
		}
	}

	return nil
}
