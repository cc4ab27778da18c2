package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"carillon/ent"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/operator"
	"carillon/uid"
)

// opened is answer for a session.
func opened(signed identity.Signed, err error) (*identity.Signed, []*model.UserError, error) {
	return answer(&signed, err)
}

func organizationChange(in model.UpdateOrganizationInput) identity.OrganizationChange {
	change := identity.OrganizationChange{Name: in.Name, TimeZone: in.TimeZone, RetentionDays: in.RetentionDays,
		MaskForViewers: in.MaskForViewers, RequireSecondFactor: in.RequireSecondFactor}
	if p := in.SendingPolicy; p != nil {
		change.SendingPolicy = &identity.PolicyChange{
			RequireOptIn: p.RequireOptIn, MarketingPerContactPerDay: p.MarketingPerContactPerDay,
			OptOutKeywords: p.OptOutKeywords, OptInKeywords: p.OptInKeywords,
			UnknownWaitSeconds: p.UnknownWaitSeconds,
			UnknownMarketing:   p.UnknownMarketing, UnknownOther: p.UnknownOther, FailureThreshold: p.FailureThreshold,
		}
		if hours, given := p.QuietHours.ValueOK(); given {
			change.SendingPolicy.QuietHours = &hours
		}
	}

	return change
}

func (r *Resolver) memberPayload(ctx context.Context, changed identity.ChangedMember, err error,
	clientMutationID *string) (*model.MemberPayload, error) {
	done, wrong, err := answer(&changed, err)
	if err != nil {
		return nil, err
	}

	payload := &model.MemberPayload{UserErrors: wrong, ClientMutationID: clientMutationID}
	if done != nil {
		payload.Member, payload.APIKeys = done.Member, append([]*ent.APIKey{}, done.Keys...)
	}

	return payload, nil
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
	return &model.SessionPayload{Token: &signed.Token, ExpiresAt: &signed.ExpiresAt, Viewer: signed.Viewer,
		UserErrors: wrong, ClientMutationID: clientMutationID}
}

// ofOwn is what belongs to the caller's organization. Of another that the caller is in too, as of
// everybody else's, nothing is shown; what has been read for whoever has signed in just now is
// there already.
func ofOwn[T any](ctx context.Context, o *ent.Organization, there func(string) ([]*T, error),
	find func() ([]*T, error)) ([]*T, error) {
	found, err := there(graphql.GetFieldContext(ctx).Field.Alias)
	if !ent.IsNotLoaded(err) {
		return found, err
	}
	if v, ok := identity.From(ctx); !ok || v.Organization != o.ID {
		return []*T{}, nil
	}

	return find()
}

// usageOf counts what the caller's organization has, once in a response.
func (r *Resolver) usageOf(ctx context.Context, organizations []uid.ID) (map[uid.ID]*operator.Usage, error) {
	all := make(map[uid.ID]*operator.Usage, len(organizations))
	for _, id := range organizations {
		usage, err := r.Operator.Usage(ctx, id)
		if err != nil {
			return nil, err
		}

		all[id] = &usage
	}

	return all, nil
}
