package identity

import (
	"cmp"
	"context"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/uid"
	"carillon/usererror"
)

// Bounds are how many rows a list without pages can have. Zero is the usual number.
type Bounds struct {
	Members     int // of an organization; MostMembers
	Memberships int // of a user; MostMemberships
	Invitations int // of an organization, that are open; MostInvitations
	Keys        int // API keys of an organization that are good; MostKeys
	ListedKeys  int // those that are over included; MostListedKeys
}

// The usual bounds.
const (
	MostMembers     = 1000
	MostMemberships = 100
	MostInvitations = 500
	MostKeys        = 200
	MostListedKeys  = 500
	MostSessions    = 100 // of a user, in all organizations, those that are over included
)

func (b Bounds) orUsual() Bounds {
	return Bounds{
		Members: cmp.Or(b.Members, MostMembers), Memberships: cmp.Or(b.Memberships, MostMemberships),
		Invitations: cmp.Or(b.Invitations, MostInvitations), Keys: cmp.Or(b.Keys, MostKeys),
		ListedKeys: cmp.Or(b.ListedKeys, MostListedKeys),
	}
}

// roomForMember refuses one more member of the organization that ctx is of. The caller holds its
// row.
func (s *Service) roomForMember(ctx context.Context, tx *database.Tx) error {
	n, err := tx.Client.Member.Query().Count(ctx)
	if err == nil && n >= s.bounds.Members {
		return usererror.Refuse("", usererror.LimitExceeded,
			"An organization can have at most %d members: remove some first.", s.bounds.Members)
	}

	return err
}

// roomForMembership refuses one more organization of a user, whose row it holds.
func (s *Service) roomForMembership(ctx context.Context, tx *database.Tx, userID uid.ID) error {
	if _, err := lockedPassword(ctx, tx, userID); err != nil {
		return err
	}

	n, err := tx.Client.Member.Query().Where(member.UserID(userID)).Count(ctx)
	if err == nil && n >= s.bounds.Memberships {
		return usererror.Refuse("", usererror.LimitExceeded,
			"A user can belong to at most %d organizations: leave some first.", s.bounds.Memberships)
	}

	return err
}

// roomToJoin is both, for a user who joins an organization. The caller acts as the system, and
// holds the organization's row.
func (s *Service) roomToJoin(ctx context.Context, tx *database.Tx, organization, userID uid.ID) error {
	if err := s.roomForMember(caller.In(ctx, organization), tx); err != nil {
		return err
	}
	return s.roomForMembership(ctx, tx, userID)
}

// roomForInvitation refuses an invitation that would be too many. The caller holds the
// organization's row.
func (s *Service) roomForInvitation(ctx context.Context, tx *database.Tx) error {
	open, err := tx.Client.Invitation.Query().Where(invitation.ExpiresAtGT(s.now())).Count(ctx)
	if err == nil && open >= s.bounds.Invitations {
		return usererror.Refuse("", usererror.LimitExceeded,
			"There can be at most %d open invitations: revoke some first.", s.bounds.Invitations)
	}

	return err
}

// roomForKey refuses a key that would be too many. It deletes keys that are over, from the oldest
// on, as far as the list would be too long with one more. The caller holds the organization's row.
func (s *Service) roomForKey(ctx context.Context, tx *database.Tx) error {
	n, err := tx.Client.APIKey.Query().Where(s.goodKey()).Count(ctx)
	if err == nil && n >= s.bounds.Keys {
		return usererror.Refuse("", usererror.LimitExceeded, "There can be at most %d API keys: revoke some first.",
			s.bounds.Keys)
	}

	if err != nil {
		return err
	}

	const atOnce = 1000
	over, err := tx.Client.APIKey.Query().Where(apikey.Not(s.goodKey())).Order(ent.Desc(apikey.FieldID)).
		Offset(s.bounds.ListedKeys - n - 1).Limit(atOnce).IDs(ctx)
	if err == nil && len(over) > 0 {
		_, err = tx.Client.APIKey.Delete().Where(apikey.IDIn(over...)).Exec(ctx)
	}

	return err
}
