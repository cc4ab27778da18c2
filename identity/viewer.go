package identity

import (
	"context"
	"fmt"
	"slices"

	"carillon/audit"
	"carillon/caller"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// Viewer is who is calling: a user's session or an API key, always in one organization.
type Viewer struct {
	Organization       uid.ID
	OrganizationName   string
	OrganizationStatus enum.OrganizationStatus
	Role               enum.Role
	User               *ent.User // nil for a key, like Session and Member
	Session            *ent.Session
	Member             *ent.Member
	Key                *ent.APIKey // nil for a session
	Masked             bool        // people's numbers and texts are not for this caller to see
	IP, UserAgent      string

	// MustSetUpSecondFactor is true when the organization requires one and the user has none.
	MustSetUpSecondFactor bool
}

// Delegate is a viewer that stands for nobody who is present, such as an endpoint of webhooks. Like
// an API key it has a role in an organization, and is narrowed to scopes where there are any.
func Delegate(o *ent.Organization, name string, role enum.Role, scopes []enum.APIScope) *Viewer {
	return &Viewer{Organization: o.ID, OrganizationName: o.Name, OrganizationStatus: o.Status, Role: role,
		Key: &ent.APIKey{OrganizationID: o.ID, Name: name, Role: role, Scopes: scopes}, Masked: masked(role, o)}
}

// ranks orders the roles: each may do what those below it may.
var ranks = map[enum.Role]int{enum.RoleViewer: 1, enum.RoleCampaigner: 2, enum.RoleAdmin: 3, enum.RoleOwner: 4}

// May reports whether the viewer's role is that one or above it.
func (v *Viewer) May(role enum.Role) bool { return ranks[role] > 0 && ranks[v.Role] >= ranks[role] }

// MayUse refuses an API key that has scopes, but not that one, and every API key where only a
// person may do it.
func (v *Viewer) MayUse(scope *enum.APIScope, person bool) error {
	switch {
	case v.Key == nil:
		return nil
	case person:
		return usererror.New(usererror.Forbidden, "an API key cannot do this: sign in")
	case scope != nil && !v.HasScope(*scope):
		return usererror.New(usererror.Forbidden, "this needs the scope %s, and the API key has only %s", *scope,
			list(v.Key.Scopes))
	}

	return nil
}

// HasScope reports whether the viewer's credential is not narrowed to other scopes.
func (v *Viewer) HasScope(scope enum.APIScope) bool {
	return v.Key == nil || len(v.Key.Scopes) == 0 || slices.Contains(v.Key.Scopes, scope)
}

type viewerKey struct{}

// With returns a context in which v is calling, and which sees v's organization's rows alone; none,
// as long as v must set up a second factor.
func With(ctx context.Context, v *Viewer) context.Context {
	ctx = context.WithValue(ctx, viewerKey{}, v)
	ctx = audit.By(ctx, audit.Actor{Organization: v.Organization, Name: v.actor(), IP: v.IP})
	if v.MustSetUpSecondFactor {
		return ctx
	}
	return caller.In(ctx, v.Organization)
}

// actor is the viewer as the audit trail names them.
func (v *Viewer) actor() string {
	switch {
	case v.User != nil:
		return v.User.Email
	case v.Key != nil:
		return fmt.Sprintf("%s (API key %s…)", v.Key.Name, v.Key.Prefix)
	}

	return audit.System
}

// From returns who is calling; false when nobody is signed in.
func From(ctx context.Context) (*Viewer, bool) {
	v, ok := ctx.Value(viewerKey{}).(*Viewer)
	return v, ok
}

// Require returns who is calling if their role is that one or above it, else a fault.
func Require(ctx context.Context, role enum.Role) (*Viewer, error) {
	v, ok := From(ctx)
	if !ok {
		return nil, usererror.New(usererror.Unauthenticated, "sign in, or send an API key as a bearer token")
	}
	if !v.May(role) {
		return nil, usererror.New(usererror.Forbidden, "this needs the role %s, and yours is %s", role, v.Role)
	}

	return v, nil
}

// requireUser is Require for what only a person can do.
func requireUser(ctx context.Context, role enum.Role) (*Viewer, error) {
	v, err := Require(ctx, role)
	if err == nil && v.User == nil {
		return nil, usererror.New(usererror.Forbidden, "an API key cannot do this: sign in")
	}

	return v, err
}
