package graph

import (
	"carillon/graph/model"
	"carillon/identity"
)

// opened is answer for a session.
func opened(signed identity.Signed, err error) (*identity.Signed, []*model.UserError, error) {
	return answer(&signed, err)
}

func sessionPayload(signed *identity.Signed, wrong []*model.UserError, clientMutationID *string) *model.SessionPayload {
	if signed == nil {
		return &model.SessionPayload{UserErrors: wrong, ClientMutationID: clientMutationID}
	}
	return &model.SessionPayload{Token: &signed.Token, ExpiresAt: &signed.ExpiresAt, Viewer: signed.Viewer, UserErrors: wrong, ClientMutationID: clientMutationID}
}
