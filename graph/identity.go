package graph

import (
	"carillon/graph/model"
	"carillon/identity"
)

// opened is answer for a session.
func opened(signed identity.Signed, err error) (*identity.Signed, []*model.UserError, error) {
	return answer(&signed, err)
}

func organizationChange(in model.UpdateOrganizationInput) identity.OrganizationChange {
	change := identity.OrganizationChange{Name: in.Name, TimeZone: in.TimeZone, RetentionDays: in.RetentionDays}
	if p := in.SendingPolicy; p != nil {
		change.SendingPolicy = &identity.PolicyChange{
			RequireOptIn: p.RequireOptIn, OptOutKeywords: p.OptOutKeywords, OptInKeywords: p.OptInKeywords, UnknownWaitSeconds: p.UnknownWaitSeconds,
			UnknownMarketing: p.UnknownMarketing, UnknownOther: p.UnknownOther, FailureThreshold: p.FailureThreshold,
		}
	}
	return change
}

func sessionPayload(signed *identity.Signed, wrong []*model.UserError, clientMutationID *string) *model.SessionPayload {
	if signed == nil {
		return &model.SessionPayload{UserErrors: wrong, ClientMutationID: clientMutationID}
	}
	return &model.SessionPayload{Token: &signed.Token, ExpiresAt: &signed.ExpiresAt, Viewer: signed.Viewer, UserErrors: wrong, ClientMutationID: clientMutationID}
}
