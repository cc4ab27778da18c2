package account

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	enttemplate "carillon/ent/template"
	"carillon/identity"
	"carillon/uid"
)

// sources lists, for every status, those from which SetStatus may move there. DISCONNECTED and
// DISABLED are left by Connect, DISABLED also when Meta reinstates the account.
var sources = map[enum.AccountStatus][]enum.AccountStatus{
	enum.AccountStatusConnected: {enum.AccountStatusTokenExpired, enum.AccountStatusRestricted,
		enum.AccountStatusDisabled},
	enum.AccountStatusTokenExpired: {enum.AccountStatusConnected, enum.AccountStatusRestricted},
	enum.AccountStatusRestricted:   {enum.AccountStatusConnected},
	enum.AccountStatusDisabled: {enum.AccountStatusConnected, enum.AccountStatusTokenExpired,
		enum.AccountStatusRestricted},
	enum.AccountStatusDisconnected: {enum.AccountStatusConnected, enum.AccountStatusTokenExpired,
		enum.AccountStatusRestricted, enum.AccountStatusDisabled},
}

// SetStatus moves an account to a status, with why. It reports false when the account was there
// already, or in a status from which it cannot get there.
func (s *Service) SetStatus(ctx context.Context, id uid.ID, status enum.AccountStatus, reason string) (changed bool,
	err error) {
	return s.move(ctx, id, status, reason)
}

// ExpireToken says that Meta refused a's token. It does nothing when a has got another token since,
// or cannot send anyway.
func (s *Service) ExpireToken(ctx context.Context, a *ent.Account, reason string) (changed bool, err error) {
	return s.move(ctx, a.ID, enum.AccountStatusTokenExpired, reason, entaccount.Token(a.Token))
}

// move changes the status of an account that is still so, and records it as the service's own
// doing: by whosever call it was found out, Meta has decided it.
func (s *Service) move(ctx context.Context, id uid.ID, status enum.AccountStatus, reason string,
	still ...predicate.Account) (changed bool, err error) {
	var organization uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		organization = uid.ID{}
		row := tx.Client.Account.Update().Where(append(still, entaccount.ID(id),
			entaccount.StatusIn(sources[status]...))...).SetStatus(status).ClearRestrictedUntil()
		if reason == "" {
			row.ClearStatusReason()
		} else {
			row.SetStatusReason(reason)
		}

		if n, err := row.Save(ctx); err != nil || n == 0 {
			return err
		}

		a, err := tx.Client.Account.Get(ctx, id)
		if err != nil {
			return err
		}

		organization = a.OrganizationID
		tx.After(func(ctx context.Context) { s.changed(ctx, organization, id) })

		return identity.Record(ctx, tx, identity.Entry{Organization: organization, Action: statusActions[status], Subject: id,
			Summary: fmt.Sprintf("account %q is %s now", a.Name, status), Actor: identity.ActorSystem})
	})
	if err != nil {
		return false, fmt.Errorf("set account %s to %s: %w", id, status, err)
	}

	return !organization.IsZero(), nil
}

// statusActions are what move records, by the status that is reached.
var statusActions = map[enum.AccountStatus]string{
	enum.AccountStatusConnected:    identity.ActionAccountRestrict,
	enum.AccountStatusRestricted:   identity.ActionAccountRestrict,
	enum.AccountStatusDisabled:     identity.ActionAccountRestrict,
	enum.AccountStatusTokenExpired: identity.ActionAccountTokenExpire,
	enum.AccountStatusDisconnected: identity.ActionAccountDisconnect,
}

// templateSources lists from where SetTemplateStatus may move a template: to what a refused message
// tells of it.
var templateSources = map[enum.TemplateStatus][]enum.TemplateStatus{
	enum.TemplateStatusPaused:   {enum.TemplateStatusApproved},
	enum.TemplateStatusDisabled: {enum.TemplateStatusApproved, enum.TemplateStatusPaused},
}

// SetTemplateStatus marks a template PAUSED or DISABLED because WhatsApp refused a message for
// that; the next reading of Meta counts for more. It reports false when there was nothing to
// change.
func (s *Service) SetTemplateStatus(ctx context.Context, id uid.ID, status enum.TemplateStatus) (changed bool,
	err error) {
	n, err := s.db.Client.Template.Update().Where(enttemplate.ID(id), enttemplate.StatusIn(templateSources[status]...)).
		SetStatus(status).SetUpdatedAt(s.now()).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("set template %s to %s: %w", id, status, err)
	}
	if n == 0 {
		return false, nil
	}

	t, err := s.db.Client.Template.Get(ctx, id)
	if err != nil {
		return false, fmt.Errorf("template %s: %w", id, err)
	}

	s.changed(ctx, t.OrganizationID, id)

	return true, nil
}
