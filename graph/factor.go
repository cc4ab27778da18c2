package graph

import (
	"context"

	"carillon/ent/member"
	"carillon/ent/user"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
)

// withFactor finds, of some organizations, which of their users have a second factor.
func (r *Resolver) withFactor(ctx context.Context, organizations []uid.ID) (map[uid.ID]map[uid.ID]bool, error) {
	found := map[uid.ID]map[uid.ID]bool{}
	for _, org := range organizations { // one, since a caller sees the members of no other
		ids, err := r.DB.Client.User.Query().Where(user.SecondFactorAtNotNil(),
			user.HasMembershipsWith(member.OrganizationID(org))).IDs(ctx)
		if err != nil {
			return nil, err
		}

		found[org] = map[uid.ID]bool{}
		for _, id := range ids {
			found[org][id] = true
		}
	}

	return found, nil
}

// recoveryPayload shows codes once.
func (r *Resolver) recoveryPayload(ctx context.Context, codes []string, err error,
	clientMutationID *string) (*model.RecoveryCodesPayload, error) {
	_, wrong, err := done(err)
	if err != nil {
		return nil, err
	}

	payload := &model.RecoveryCodesPayload{RecoveryCodes: codes, UserErrors: wrong, ClientMutationID: clientMutationID}
	if codes != nil {
		v, _ := identity.From(ctx)
		payload.Viewer, err = r.Identity.Again(ctx, v)
	}

	return payload, err
}
