package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/predicate"
	"carillon/enum"
	"carillon/fault"
	"carillon/uid"
)

// CreateAPIKey makes a key of the caller's organization, with a role no higher than the caller's. A nil expiresAt never
// comes. The secret is not to be had again.
func (s *Service) CreateAPIKey(ctx context.Context, name string, role enum.Role, expiresAt *time.Time) (key *ent.APIKey, secret string, err error) {
	v, err := Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, "", err
	}
	var wrong fault.Inputs
	name = checkName(&wrong, "name", name)
	if !v.May(role) {
		wrong.Add("role", fault.NotAllowed, "A key's role cannot be higher than yours, which is %s.", v.Role)
	}
	if expiresAt != nil {
		at := expiresAt.UTC().Truncate(time.Microsecond)
		expiresAt = &at
		if !at.After(s.now()) {
			wrong.Add("expiresAt", fault.Invalid, "A key must expire in the future.")
		}
	}
	if err := wrong.Err(); err != nil {
		return nil, "", err
	}
	if ranks[role] >= ranks[enum.RoleAdmin] {
		if err := s.mustBeProven(ctx, v, "role"); err != nil {
			return nil, "", err
		}
	}
	secret = newToken(keyPrefix)
	id := uid.New(uid.APIKey)
	err = s.amongMembers(ctx, enum.RoleAdmin, func(tx *database.Tx, v *Viewer) error {
		if !v.May(role) {
			return fault.Refuse("role", fault.NotAllowed, "A key's role cannot be higher than yours, which is %s.", v.Role)
		}
		err := tx.Client.APIKey.Create().SetID(id).SetOrganizationID(v.Organization).SetName(name).SetRole(role).SetPrefix(secret[:shownLength]).
			SetSecretHash(digest(secret)).SetNillableCreatedBy(v.maker()).SetNillableExpiresAt(expiresAt).SetCreatedAt(s.now()).Exec(ctx)
		if err != nil {
			return err
		}
		return Record(ctx, tx, Entry{Action: ActionAPIKeyCreate, Subject: id, Summary: fmt.Sprintf("made API key %q (%s…) with the role %s", name, secret[:shownLength], role)})
	})
	if err == nil {
		key, err = s.db.Client.APIKey.Get(ctx, id)
	}
	if err != nil {
		return nil, "", fmt.Errorf("create API key: %w", err)
	}
	return key, secret, nil
}

// maker is the user who stands behind what v makes; nil for a key of which that is not known.
func (v *Viewer) maker() *uid.ID {
	if v.User != nil {
		return &v.User.ID
	}
	return v.Key.CreatedBy
}

// endKeys revokes those that are good, and says which.
func (s *Service) endKeys(ctx context.Context, tx *database.Tx, which ...predicate.APIKey) ([]uid.ID, error) {
	ids, err := tx.Client.APIKey.Query().Where(apikey.And(which...), apikey.RevokedAtIsNil()).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return ids, tx.Client.APIKey.Update().Where(apikey.IDIn(ids...)).SetRevokedAt(s.now()).Exec(ctx)
}

// RevokeAPIKey ends a key of the caller's organization, whatever its role: that only takes away. Again is no error.
func (s *Service) RevokeAPIKey(ctx context.Context, id uid.ID) (*ent.APIKey, error) {
	if _, err := Require(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		n, err := tx.Client.APIKey.Update().Where(apikey.ID(id), apikey.RevokedAtIsNil()).SetRevokedAt(s.now()).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		key, err := tx.Client.APIKey.Get(ctx, id)
		if err != nil {
			return err
		}
		return Record(ctx, tx, Entry{Organization: key.OrganizationID, Action: ActionAPIKeyRevoke, Subject: id, Summary: fmt.Sprintf("revoked API key %q (%s…)", key.Name, key.Prefix)})
	})
	if err != nil {
		return nil, fmt.Errorf("revoke API key %s: %w", id, err)
	}
	s.Forget(id)
	key, err := s.db.Client.APIKey.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, fault.Missing("API key")
	}
	if err != nil {
		return nil, fmt.Errorf("revoke API key %s: %w", id, err)
	}
	return key, nil
}
