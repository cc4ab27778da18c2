package graph

import (
	"context"

	"carillon/ent"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
)

// opened is answer for a session.
func opened(signed identity.Signed, err error) (*identity.Signed, []*model.UserError, error) {
	return answer(&signed, err)
}

func organizationChange(in model.UpdateOrganizationInput) identity.OrganizationChange {
	change := identity.OrganizationChange{Name: in.Name, TimeZone: in.TimeZone, RetentionDays: in.RetentionDays, MaskForViewers: in.MaskForViewers, RequireSecondFactor: in.RequireSecondFactor}
	if p := in.SendingPolicy; p != nil {
		change.SendingPolicy = &identity.PolicyChange{
			RequireOptIn: p.RequireOptIn, OptOutKeywords: p.OptOutKeywords, OptInKeywords: p.OptInKeywords, UnknownWaitSeconds: p.UnknownWaitSeconds,
			UnknownMarketing: p.UnknownMarketing, UnknownOther: p.UnknownOther, FailureThreshold: p.FailureThreshold,
		}
	}
	return change
}

func (r *Resolver) memberPayload(ctx context.Context, m *ent.Member, sessions []uid.ID, err error, clientMutationID *string) (*model.MemberPayload, error) {
	m, wrong, err := answer(m, err)
	if err != nil {
		return nil, err
	}
	r.announce(ctx, sessions...)
	return &model.MemberPayload{Member: m, UserErrors: wrong, ClientMutationID: clientMutationID}, nil
}

func loginsPayload(ctx context.Context, err error, clientMutationID *string) (*model.ExternalLoginsPayload, error) {
	changed, wrong, err := done(err)
	if err != nil {
		return nil, err
	}
	payload := &model.ExternalLoginsPayload{UserErrors: wrong, ClientMutationID: clientMutationID}
	if changed {
		payload.Viewer, _ = identity.From(ctx)
	}
	return payload, nil
}

func sessionPayload(signed *identity.Signed, wrong []*model.UserError, clientMutationID *string) *model.SessionPayload {
	if signed == nil || signed.Token == "" {
		return &model.SessionPayload{UserErrors: wrong, ClientMutationID: clientMutationID}
	}
	return &model.SessionPayload{Token: &signed.Token, ExpiresAt: &signed.ExpiresAt, Viewer: signed.Viewer, UserErrors: wrong, ClientMutationID: clientMutationID}
}
