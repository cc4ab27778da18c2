package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/ent/invitation"
	"carillon/ent/predicate"
	"carillon/uid"
	"carillon/usererror"
)

// NewAPIKey is a key that somebody wants.
type NewAPIKey struct {
	Name            string
	Role            enum.Role
	Scopes          []enum.APIScope // none: all that the role may
	ExpiresAt       *time.Time      // nil: never
	CurrentPassword string          // needed for ADMIN and above, unless the session was opened a moment ago
}

// CreateAPIKey makes a key of the caller's organization, with no more rights than the caller has.
// For one of ADMIN or above a user has to have shown just now who they are: it outlives the
// session. A key that a key makes ends with it, at the latest. The secret is not to be had again.
func (s *Service) CreateAPIKey(ctx context.Context, n NewAPIKey) (key *ent.APIKey, secret string, err error) {
	v, err := Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, "", err
	}
	if err := s.checkKey(v, &n); err != nil {
		return nil, "", err
	}

	if ranks[n.Role] >= ranks[enum.RoleAdmin] {
		if err := s.mayMakePowerful(ctx, v, n.CurrentPassword); err != nil {
			return nil, "", err
		}
	}

	secret = newToken(keyPrefix)
	id := uid.New(uid.APIKey)

	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, v *Viewer) error {
		if !v.May(n.Role) {
			return aboveYours("role", "key", v)
		}
		if err := s.roomForKey(ctx, tx); err != nil {
			return err
		}

		create := tx.Client.APIKey.Create().SetID(id).SetOrganizationID(v.Organization).SetName(n.Name).SetRole(n.Role).
			SetPrefix(secret[:shownLength]).SetSecretHash(digest(secret)).SetNillableCreatedBy(v.maker()).
			SetNillableExpiresAt(n.ExpiresAt).SetCreatedAt(s.now())
		if len(n.Scopes) > 0 {
			create.SetScopes(n.Scopes)
		}
		if v.Key != nil {
			create.SetParentID(v.Key.ID)
		}
		if err := create.Exec(ctx); err != nil {
			return err
		}

		summary := fmt.Sprintf("made API key %q (%s…) with the role %s", n.Name, secret[:shownLength], n.Role)
		if len(n.Scopes) > 0 {
			summary += " and the scopes " + list(n.Scopes)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionAPIKeyCreate, Subject: id, Summary: summary})
	})
	if err == nil {
		key, err = s.db.Client.APIKey.Get(ctx, id)
	}
	if err != nil {
		return nil, "", fmt.Errorf("create API key: %w", err)
	}

	return key, secret, nil
}

// checkKey tidies what is wanted, and notes all that v may not have.
func (s *Service) checkKey(v *Viewer, n *NewAPIKey) error {
	var wrong usererror.Fields
	n.Name = checkName(&wrong, "name", n.Name)
	if !v.May(n.Role) {
		wrong.Add("role", usererror.NotAllowed, "A key's role cannot be higher than yours, which is %s.", v.Role)
	}

	if n.ExpiresAt != nil {
		at := database.Moment(*n.ExpiresAt)
		n.ExpiresAt = &at
		if !at.After(s.now()) {
			wrong.Add("expiresAt", usererror.Invalid, "A key must expire in the future.")
		}
	}

	slices.Sort(n.Scopes)
	n.Scopes = slices.Compact(n.Scopes)
	if v.Key != nil {
		checkChild(&wrong, v.Key, n)
	}

	return wrong.Err()
}

// checkChild keeps a key that a key makes within that key: its scopes, and its end.
func checkChild(wrong *usererror.Fields, parent *ent.APIKey, n *NewAPIKey) {
	if parent.ParentID != nil {
		wrong.Add("", usererror.NotAllowed, "This key was made by a key, and makes none itself: sign in.")
	}

	if len(parent.Scopes) > 0 {
		if len(n.Scopes) == 0 {
			n.Scopes = parent.Scopes
		}

		for _, scope := range n.Scopes {
			if !slices.Contains(parent.Scopes, scope) {
				wrong.Add("scopes", usererror.NotAllowed, "A key gives no scope that it does not have: %s is not among %s.",
					scope, list(parent.Scopes))
			}
		}
	}

	if parent.ExpiresAt != nil {
		if n.ExpiresAt == nil {
			n.ExpiresAt = parent.ExpiresAt
		}

		if n.ExpiresAt.After(*parent.ExpiresAt) {
			wrong.Add("expiresAt", usererror.NotAllowed, "A key that a key makes ends no later than that one: %s.",
				parent.ExpiresAt.Format(time.RFC3339))
		}
	}
}

// mayMakePowerful refuses a user whose address is not proven, or who has not shown just now who
// they are. A key may make one: it ends with that key.
func (s *Service) mayMakePowerful(ctx context.Context, v *Viewer, password string) error {
	if err := s.mustBeProven(ctx, v, "role"); err != nil || v.User == nil || s.isFresh(v) {
		return err
	}

	u, err := s.db.Client.User.Get(caller.System(ctx), v.User.ID)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}

	if u.PasswordHash != "" && password == "" {
		return usererror.Refuse("currentPassword", usererror.Required,
			"A key of the role ADMIN or above needs your password, since your sign-in is more than %d minutes ago.",
			reauthAge/time.Minute)
	}

	_, err = s.reauthenticate(ctx, "currentPassword", password)

	return err
}

func aboveYours(field, what string, v *Viewer) error {
	return usererror.Refuse(field, usererror.NotAllowed, "A %s's role cannot be higher than yours, which is %s.",
		what, v.Role)
}

func list(scopes []enum.APIScope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}

	return strings.Join(names, ", ")
}

// goodKey is the condition under which a key opens something.
func (s *Service) goodKey() predicate.APIKey {
	return apikey.And(apikey.RevokedAtIsNil(), apikey.Or(apikey.ExpiresAtIsNil(), apikey.ExpiresAtGT(s.now())))
}

// maker is the user who stands behind what v makes; nil for a key of which that is not known.
func (v *Viewer) maker() *uid.ID {
	if v.User != nil {
		return &v.User.ID
	}
	return v.Key.CreatedBy
}

// endKeys revokes those that are good, and all that they made: keys, and invitations that are open.
// It says which keys.
func (s *Service) endKeys(ctx context.Context, tx *database.Tx, which ...predicate.APIKey) ([]uid.ID, error) {
	ids, err := tx.Client.APIKey.Query().Where(apikey.And(which...), s.goodKey()).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}

	made, err := tx.Client.APIKey.Query().Where(apikey.ParentIDIn(ids...), apikey.IDNotIn(ids...), s.goodKey()).IDs(ctx)
	if err != nil {
		return nil, err
	}

	ids = append(ids, made...)
	if _, err := tx.Client.Invitation.Delete().Where(invitation.InvitedByKeyIn(ids...)).Exec(ctx); err != nil {
		return nil, err
	}

	return ids, tx.Client.APIKey.Update().Where(apikey.IDIn(ids...)).SetRevokedAt(s.now()).Exec(ctx)
}

// RevokeAPIKey ends a key of the caller's organization, whatever its role, and the keys that it
// made: that only takes away. Again is no error. It returns the key, and all that have ended.
func (s *Service) RevokeAPIKey(ctx context.Context, id uid.ID) (key *ent.APIKey, ended []uid.ID, err error) {
	if _, err := Require(ctx, enum.RoleAdmin); err != nil {
		return nil, nil, err
	}

	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, _ *Viewer) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, append(ended, id)...) })
		known, err := tx.Client.APIKey.Get(ctx, id)
		if ent.IsNotFound(err) {
			return usererror.Missing("API key")
		}
		if err != nil || known.RevokedAt != nil {
			return err
		}
		if ended, err = s.endKeys(ctx, tx, apikey.ID(id)); err != nil {
			return err
		}

		if len(ended) == 0 { // it has expired; that it is revoked, too, is what the caller wants to see
			ended = []uid.ID{id}
			if err := tx.Client.APIKey.UpdateOneID(id).SetRevokedAt(s.now()).Exec(ctx); err != nil {
				return err
			}
		}

		summary := fmt.Sprintf("revoked API key %q (%s…)", known.Name, known.Prefix)
		if len(ended) > 1 {
			summary += fmt.Sprintf(", and %d that it made", len(ended)-1)
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: known.OrganizationID, Action: audit.ActionAPIKeyRevoke,
			Subject: id,
			Summary: summary})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("revoke API key %s: %w", id, err)
	}

	if key, err = s.db.Client.APIKey.Get(ctx, id); err != nil {
		return nil, nil, fmt.Errorf("revoke API key %s: %w", id, err)
	}

	return key, ended, nil
}
