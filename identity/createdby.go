package identity

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/uid"
)

// place is where somebody made something: a user in an organization.
type place struct{ organization, user uid.ID }

// KeyMakers are the members who made some API keys, by key. Who has left is left out. It acts as
// the system, for who has been shown the keys.
func (s *Service) KeyMakers(ctx context.Context, keys []uid.ID) (map[uid.ID]*ent.Member, error) {
	rows, err := s.db.Client.APIKey.Query().Where(apikey.IDIn(keys...), apikey.CreatedByNotNil()).All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}

	places := make(map[uid.ID]place, len(rows))
	for _, k := range rows {
		places[k.ID] = place{k.OrganizationID, *k.CreatedBy}
	}

	return s.membersAt(ctx, places)
}

// Inviters is KeyMakers for invitations.
func (s *Service) Inviters(ctx context.Context, invitations []uid.ID) (map[uid.ID]*ent.Member, error) {
	rows, err := s.db.Client.Invitation.Query().Where(invitation.IDIn(invitations...), invitation.InvitedByNotNil()).
		All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}

	places := make(map[uid.ID]place, len(rows))
	for _, i := range rows {
		places[i.ID] = place{i.OrganizationID, *i.InvitedBy}
	}

	return s.membersAt(ctx, places)
}

// InvitingKeys are the API keys that made some invitations, by invitation; those that a member made
// are left out. It acts as the system, for who has been shown the invitations.
func (s *Service) InvitingKeys(ctx context.Context, invitations []uid.ID) (map[uid.ID]*ent.APIKey, error) {
	system := caller.System(ctx)
	rows, err := s.db.Client.Invitation.Query().Where(invitation.IDIn(invitations...), invitation.InvitedByKeyNotNil()).
		All(system)
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}

	ids := make([]uid.ID, len(rows))
	for i, row := range rows {
		ids[i] = *row.InvitedByKey
	}

	keys, err := s.db.Client.APIKey.Query().Where(apikey.IDIn(ids...)).All(system)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}

	known := make(map[uid.ID]*ent.APIKey, len(keys))
	for _, key := range keys {
		known[key.ID] = key
	}

	found := make(map[uid.ID]*ent.APIKey, len(rows))
	for _, row := range rows {
		found[row.ID] = known[*row.InvitedByKey]
	}

	return found, nil
}

func (s *Service) membersAt(ctx context.Context, places map[uid.ID]place) (map[uid.ID]*ent.Member, error) {
	var organizations, users []uid.ID
	for _, p := range places {
		organizations, users = append(organizations, p.organization), append(users, p.user)
	}

	members, err := s.db.Client.Member.Query().Where(member.OrganizationIDIn(organizations...), member.UserIDIn(users...)).
		WithUser().WithOrganization().All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}

	at := make(map[place]*ent.Member, len(members))
	for _, m := range members {
		at[place{m.OrganizationID, m.UserID}] = m
	}

	found := make(map[uid.ID]*ent.Member, len(places))
	for id, p := range places {
		found[id] = at[p]
	}

	return found, nil
}
