package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/ent/session"
	"carillon/usererror"
)

// Client is where a call comes from, as far as is known.
type Client struct{ IP, UserAgent string }

// refused is the one answer to a token that is wrong in whatever way.
func refused() error {
	return usererror.New(usererror.Unauthenticated, "the token is not valid: it is mistyped, expired or revoked")
}

// Authenticate takes the value of an Authorization header and returns a context with its Viewer. An
// empty one is nobody, and no error. A token that was seen a moment ago costs no statement.
func (s *Service) Authenticate(ctx context.Context, authorization string, client Client) (context.Context, error) {
	authorization = strings.TrimSpace(authorization)
	if authorization == "" {
		return ctx, nil
	}

	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ctx, refused()
	}

	token = strings.TrimSpace(token)
	if tokenPrefix(token) == "" {
		return ctx, refused()
	}

	found, err := s.cache.get(ctx, tokenDigest(digest(token)), func(ctx context.Context) (*Viewer, error) {
		ctx, cancel := context.WithTimeout(ctx, lookUpFor)
		defer cancel()
		return s.viewer(ctx, token)
	})
	if err != nil {
		return ctx, err
	}

	v := &found.viewer
	v.IP, v.UserAgent = client.IP, client.UserAgent
	if found.entry == nil || found.entry.stale(s.now()) {
		s.noteUse(v)
	}

	return With(ctx, v), nil
}

func (s *Service) viewer(ctx context.Context, token string) (v *Viewer, err error) {
	system := caller.System(ctx)
	switch tokenPrefix(token) {
	case sessionPrefix:
		v, err = s.sessionViewer(system, digest(token))
	case keyPrefix:
		v, err = s.keyViewer(system, digest(token))
	default:
		return nil, refused()
	}

	switch {
	case ent.IsNotFound(err):
		return nil, refused()
	case usererror.Is(err, usererror.Unauthenticated):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("look up token: %w", err)
	case v.OrganizationStatus == enum.OrganizationStatusClosed:
		return nil, refused()
	}

	return v, nil
}

func (s *Service) sessionViewer(ctx context.Context, hash []byte) (*Viewer, error) {
	found, err := s.db.Client.Session.Query().
		Where(session.TokenHash(hash), session.RevokedAtIsNil(), session.ExpiresAtGT(s.now())).WithUser().Only(ctx)
	if err != nil {
		return nil, err
	}
	if s.isSuspended(found.Edges.User) {
		return nil, usererror.New(usererror.Unauthenticated, "%s", suspensionText("you", found.Edges.User))
	}

	m, err := s.db.Client.Member.Query().
		Where(member.OrganizationID(found.OrganizationID), member.UserID(found.UserID)).WithOrganization().Only(ctx)
	if err != nil {
		return nil, err
	}

	m.Edges.User = found.Edges.User
	must := m.Edges.Organization.RequireSecondFactor && found.Edges.User.SecondFactorAt == nil && !found.Vouched

	return &Viewer{
		Organization: m.OrganizationID, OrganizationName: m.Edges.Organization.Name,
		OrganizationStatus: m.Edges.Organization.Status,
		Role:               m.Role, User: found.Edges.User, Session: found, Member: m, MustSetUpSecondFactor: must,
		Masked: masked(m.Role, m.Edges.Organization),
	}, nil
}

// Again is v as a call that begins now would be seen.
func (s *Service) Again(ctx context.Context, v *Viewer) (*Viewer, error) {
	if v.Session == nil {
		return v, nil
	}

	now, err := s.sessionViewer(caller.System(ctx), v.Session.TokenHash)
	if ent.IsNotFound(err) {
		return nil, refused()
	}
	if usererror.Is(err, usererror.Unauthenticated) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("look again at session: %w", err)
	}

	now.IP, now.UserAgent = v.IP, v.UserAgent

	return now, nil
}

func (s *Service) keyViewer(ctx context.Context, hash []byte) (*Viewer, error) {
	found, err := s.db.Client.APIKey.Query().
		Where(apikey.SecretHash(hash), apikey.RevokedAtIsNil(),
			apikey.Or(apikey.ExpiresAtIsNil(), apikey.ExpiresAtGT(s.now()))).
		WithOrganization().Only(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.makerStands(ctx, found); err != nil {
		return nil, err
	}

	org := found.Edges.Organization

	return &Viewer{Organization: org.ID, OrganizationName: org.Name, OrganizationStatus: org.Status, Role: found.Role,
		Key: found, Masked: masked(found.Role, org)}, nil
}

func masked(role enum.Role, o *ent.Organization) bool {
	return role == enum.RoleViewer && o.MaskForViewers
}

// StillValid is nil while v's token is good and v may do and see the same, for connections that
// outlive one call; else an UNAUTHENTICATED fault that says in a few words what has ended.
func (s *Service) StillValid(ctx context.Context, v *Viewer) error {
	query, id := `SELECT count(*) FROM session s JOIN member m ON m.organization_id = s.organization_id
		AND m.user_id = s.user_id
		JOIN organization o ON o.id = s.organization_id JOIN app_user u ON u.id = s.user_id
		WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND m.role = $3 AND o.status <> $4
		AND (o.mask_for_viewers = $5 OR m.role <> 'VIEWER')
		AND (o.require_second_factor AND u.second_factor_at IS NULL AND NOT s.vouched) = $6 AND NOT `+userSuspended, any(nil)
	if v.Key != nil {
		query, id = `SELECT count(*) FROM api_key k JOIN organization o ON o.id = k.organization_id
			WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND k.role = $3
			AND o.status <> $4 AND (o.mask_for_viewers = $5 OR k.role <> 'VIEWER')
			AND NOT EXISTS (SELECT 1 FROM app_user u WHERE u.id = k.created_by AND `+userSuspended+`)`, v.Key.ID
	} else {
		id = v.Session.ID
	}

	var found int
	args := []any{id, s.now(), string(v.Role), string(enum.OrganizationStatusClosed), v.Masked}
	if v.Key == nil {
		args = append(args, v.MustSetUpSecondFactor)
	}

	row := s.db.QueryRow(ctx, query, args...)
	if err := row.Scan(&found); err != nil {
		return fmt.Errorf("look again at token: %w", err)
	}
	if found == 0 {
		return s.lapse(ctx, v)
	}

	return nil
}

// lapse says why v's token is not what it was.
func (s *Service) lapse(ctx context.Context, v *Viewer) error {
	query, id, credential := `SELECT s.revoked_at IS NOT NULL, s.expires_at <= $2, m.id IS NULL,
		o.status = $3, `+userSuspended+` FROM session s JOIN organization o ON o.id = s.organization_id
		JOIN app_user u ON u.id = s.user_id
		LEFT JOIN member m ON m.organization_id = s.organization_id AND m.user_id = s.user_id
		WHERE s.id = $1`, any(nil), "the session"
	if v.Key != nil {
		query, id, credential = `SELECT k.revoked_at IS NOT NULL, coalesce(k.expires_at <= $2, false), false,
			o.status = $3, coalesce(`+userSuspended+`, false) FROM api_key k JOIN organization o ON o.id = k.organization_id
			LEFT JOIN app_user u ON u.id = k.created_by
			WHERE k.id = $1`, v.Key.ID, "the API key"
	} else {
		id = v.Session.ID
	}

	var revoked, expired, left, closed, suspended bool
	err := s.db.QueryRow(ctx, query, id, s.now(), string(enum.OrganizationStatusClosed)).
		Scan(&revoked, &expired, &left, &closed, &suspended)
	why := "what you may do or see has changed"

	switch {
	case errors.Is(err, sql.ErrNoRows): // it was over long ago
		why = credential + " was revoked"
	case err != nil:
		return fmt.Errorf("look why a token is over: %w", err)
	case closed:
		why = "the organization was closed"
	case suspended:
		why = "the operator has suspended you"
		if v.Key != nil {
			why = "the operator has suspended the user who made the API key"
		}
	case left:
		why = "your membership has ended"
	case revoked:
		why = credential + " was revoked"
	case expired:
		why = credential + " has expired"
	}

	return usererror.New(usererror.Unauthenticated, "%s", why)
}

// Sweep deletes idempotency keys that have served their time, and sessions and API keys that were
// over long ago.
func (s *Service) Sweep(ctx context.Context) error {
	system, now := caller.System(ctx), s.now()
	if err := s.forgetKeys(system, now); err != nil {
		return err
	}
	if err := s.forgetLinks(system, now); err != nil {
		return err
	}
	if err := s.forgetFlows(system, now); err != nil {
		return err
	}

	over := now.Add(-forgetAfter)
	_, err := s.db.Client.Session.Delete().Where(session.Or(session.ExpiresAtLT(over), session.RevokedAtLT(over))).
		Exec(system)
	if err != nil {
		return fmt.Errorf("delete old sessions: %w", err)
	}

	over = now.Add(-forgetKeysAfter)
	_, err = s.db.Client.APIKey.Delete().Where(apikey.Or(apikey.ExpiresAtLT(over), apikey.RevokedAtLT(over))).Exec(system)
	if err != nil {
		return fmt.Errorf("delete old API keys: %w", err)
	}

	return nil
}

func clip(s string, most int) *string {
	s = strings.ToValidUTF8(s, "")
	if s == "" {
		return nil
	}
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most])
	}

	return &s
}

// ends says when a session that is opened now expires.
func (s *Service) ends() time.Time { return s.now().Add(s.sessionAge) }
