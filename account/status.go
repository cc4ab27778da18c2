package account

import (
	"context"
	"fmt"

	"carillon/ent"
	entaccount "carillon/ent/account"
	enttemplate "carillon/ent/template"
	"carillon/enum"
	"carillon/uid"
)

// sources lists, for every status, those from which SetStatus may move there. DISCONNECTED and DISABLED are left by Connect,
// DISABLED also when Meta reinstates the account.
var sources = map[enum.AccountStatus][]enum.AccountStatus{
	enum.AccountStatusConnected:    {enum.AccountStatusTokenExpired, enum.AccountStatusRestricted, enum.AccountStatusDisabled},
	enum.AccountStatusTokenExpired: {enum.AccountStatusConnected, enum.AccountStatusRestricted},
	enum.AccountStatusRestricted:   {enum.AccountStatusConnected},
	enum.AccountStatusDisabled:     {enum.AccountStatusConnected, enum.AccountStatusTokenExpired, enum.AccountStatusRestricted},
	enum.AccountStatusDisconnected: {enum.AccountStatusConnected, enum.AccountStatusTokenExpired, enum.AccountStatusRestricted, enum.AccountStatusDisabled},
}

// SetStatus moves an account to a status, with why. It reports false when the account was there already, or in a status from
// which it cannot get there.
func (s *Service) SetStatus(ctx context.Context, id uid.ID, status enum.AccountStatus, reason string) (changed bool, err error) {
	row := s.db.Client.Account.Update().Where(entaccount.ID(id), entaccount.StatusIn(sources[status]...))
	return s.move(ctx, row, status, reason)
}

// ExpireToken says that Meta refused a's token. It does nothing when a has got another token since, or cannot send anyway.
func (s *Service) ExpireToken(ctx context.Context, a *ent.Account, reason string) (changed bool, err error) {
	status := enum.AccountStatusTokenExpired
	row := s.db.Client.Account.Update().Where(entaccount.ID(a.ID), entaccount.StatusIn(sources[status]...), entaccount.Token(a.Token))
	return s.move(ctx, row, status, reason)
}

func (s *Service) move(ctx context.Context, row *ent.AccountUpdate, status enum.AccountStatus, reason string) (bool, error) {
	if reason == "" {
		row.ClearStatusReason()
	} else {
		row.SetStatusReason(reason)
	}
	n, err := row.SetStatus(status).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("set an account's status to %s: %w", status, err)
	}
	s.forget()
	return n > 0, nil
}

// templateSources lists from where SetTemplateStatus may move a template: to what a refused message tells of it.
var templateSources = map[enum.TemplateStatus][]enum.TemplateStatus{
	enum.TemplateStatusPaused:   {enum.TemplateStatusApproved},
	enum.TemplateStatusDisabled: {enum.TemplateStatusApproved, enum.TemplateStatusPaused},
}

// SetTemplateStatus marks a template PAUSED or DISABLED because WhatsApp refused a message for that; the next reading of Meta
// counts for more. It reports false when there was nothing to change.
func (s *Service) SetTemplateStatus(ctx context.Context, id uid.ID, status enum.TemplateStatus) (changed bool, err error) {
	n, err := s.db.Client.Template.Update().Where(enttemplate.ID(id), enttemplate.StatusIn(templateSources[status]...)).
		SetStatus(status).SetUpdatedAt(s.now()).Save(ctx)
	if err != nil {
		return false, fmt.Errorf("set template %s to %s: %w", id, status, err)
	}
	return n > 0, nil
}
