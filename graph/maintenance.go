package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/fault"
)

// duringMaintenance are the mutations that work while the operator maintains the service, beside those that sign in: they end
// what a caller has, or take them to another organization to read there.
var duringMaintenance = map[string]bool{
	"signOut": true, "revokeSession": true, "revokeApiKey": true, "switchOrganization": true, "beginExternalSignIn": true, "completeExternalSignIn": true,
}

// maintained refuses mutations during maintenance, with the operator's notice. That the state cannot be read is no reason:
// whoever needs the database hears of it there.
func (r *Resolver) maintained(ctx context.Context) *fault.Error {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Mutation {
		return nil
	}
	state, err := r.Operator.State(ctx)
	if err != nil || !state.Maintenance {
		return nil
	}
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		if !duringMaintenance[f.Name] && !strings.HasPrefix(f.Name, "signIn") {
			return fault.New(fault.Unavailable, "%s", or(state.Notice, "the service is being maintained: nothing can be changed or sent now"))
		}
	}
	return nil
}
