package account

import (
	"context"
	"fmt"
	"slices"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/uid"
)

// accountRule says from which statuses a change leads, and where.
type accountRule struct {
	from []enum.AccountStatus
	to   enum.AccountStatus
}

// accountChanges are all ways in which an account's status changes. Members connect, sync and
// disconnect; the operator erases; Meta decides the others. docs/architecture.md has the drawing.
var accountChanges = map[string]accountRule{
	"connect":     {from: every, to: enum.AccountStatusConnected},
	"sync":        {from: []enum.AccountStatus{tokenExpired, restricted}, to: enum.AccountStatusConnected},
	"reinstate":   {from: []enum.AccountStatus{tokenExpired, restricted, disabled}, to: enum.AccountStatusConnected},
	"expireToken": {from: []enum.AccountStatus{connected, restricted}, to: enum.AccountStatusTokenExpired},
	"restrict":    {from: []enum.AccountStatus{connected}, to: enum.AccountStatusRestricted},
	"disable":     {from: []enum.AccountStatus{connected, tokenExpired, restricted}, to: enum.AccountStatusDisabled},
	"remove":      {from: bound, to: enum.AccountStatusDisconnected},
	"disconnect":  {from: bound, to: enum.AccountStatusDisconnected},
	"erase":       {from: every, to: enum.AccountStatusDisconnected},
}

const (
	connected    = enum.AccountStatusConnected
	tokenExpired = enum.AccountStatusTokenExpired
	restricted   = enum.AccountStatusRestricted
	disabled     = enum.AccountStatusDisabled
	disconnected = enum.AccountStatusDisconnected
)

var (
	bound = []enum.AccountStatus{connected, tokenExpired, restricted, disabled}
	every = []enum.AccountStatus{connected, tokenExpired, restricted, disabled, disconnected}
)

// decided are the changes that Meta decides, by the status that it names.
var decided = map[enum.AccountStatus]string{connected: "reinstate", tokenExpired: "expireToken",
	restricted: "restrict", disabled: "disable", disconnected: "remove"}

// changeStatus has an update of accounts make a change, of those alone whose status allows it.
// Nothing else sets an account's status.
func changeStatus(m *ent.AccountMutation, change string) {
	rule := accountChanges[change]
	m.Where(entaccount.StatusIn(rule.from...))
	m.SetStatus(rule.to)
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
		row := tx.Client.Account.Update().Where(append(still, entaccount.ID(id))...).ClearRestrictedUntil()
		changeStatus(row.Mutation(), decided[status])

		if reason == "" {
			row.ClearStatusReason()
		} else {
			row.SetStatusReason(reason)
		}

		moved := 0
		a, err := s.moving(ctx, tx, id, func() (err error) {
			moved, err = row.Save(ctx)
			return err
		})
		if ent.IsNotFound(err) || err == nil && moved == 0 {
			return nil
		}
		if err != nil {
			return err
		}

		organization = a.OrganizationID
		tx.After(func(ctx context.Context) { s.changed(ctx, organization, id) })
		if err := s.tellOfStatus(ctx, tx, a); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: organization, Action: statusActions[status], Subject: id,
			Summary: fmt.Sprintf("account %q is %s now", a.Name, status), Actor: audit.System})
	})
	if err != nil {
		return false, fmt.Errorf("set account %s to %s: %w", id, status, err)
	}

	return !organization.IsZero(), nil
}

// statusActions are what move records, by the status that is reached.
var statusActions = map[enum.AccountStatus]string{
	enum.AccountStatusConnected:    audit.ActionAccountRestrict,
	enum.AccountStatusRestricted:   audit.ActionAccountRestrict,
	enum.AccountStatusDisabled:     audit.ActionAccountRestrict,
	enum.AccountStatusTokenExpired: audit.ActionAccountTokenExpire,
	enum.AccountStatusDisconnected: audit.ActionAccountDisconnect,
}

// templateRule says from which statuses a change of a template leads, and where.
type templateRule struct {
	from []enum.TemplateStatus
	to   enum.TemplateStatus
}

const (
	draft   = enum.TemplateStatusDraft
	deleted = enum.TemplateStatusDeleted
)

var (
	// deletable are the statuses of templates that Meta lets be deleted, and a draft's.
	deletable = []enum.TemplateStatus{draft, enum.TemplateStatusPending, enum.TemplateStatusApproved,
		enum.TemplateStatusRejected, enum.TemplateStatusPaused, enum.TemplateStatusInAppeal,
		enum.TemplateStatusPendingDeletion, enum.TemplateStatusLimitExceeded, enum.TemplateStatusArchived}

	// atMeta are the statuses of what Meta has, or had.
	atMeta = append(slices.Clone(deletable[1:]), enum.TemplateStatusDisabled)
)

// templateChanges are the ways in which a template's status changes by what happens here: members
// create, submit, edit and delete; a whole listing without it is its end (vanish); refused messages
// pause and disable. What Meta says itself (an answer, a reading, a webhook) replaces a status
// whatever it was. docs/architecture.md has the drawing.
var templateChanges = map[string]templateRule{
	"create": {from: []enum.TemplateStatus{deleted}, to: draft},
	"submit": {from: []enum.TemplateStatus{draft}, to: enum.TemplateStatusPending},
	"edit":   {from: editableAtMeta, to: enum.TemplateStatusPending},
	"delete": {from: deletable, to: deleted},
	"vanish": {from: atMeta, to: deleted},
	"pause":  {from: []enum.TemplateStatus{enum.TemplateStatusApproved}, to: enum.TemplateStatusPaused},
	"disable": {from: []enum.TemplateStatus{enum.TemplateStatusApproved, enum.TemplateStatusPaused},
		to: enum.TemplateStatusDisabled},
}

// mayMove reports whether the table lets a change be made of a template.
func mayMove(t *ent.Template, change string) bool {
	return slices.Contains(templateChanges[change].from, t.Status)
}

// moveTemplate puts a change of the table into a template's update, and reports whether it may be
// made. The row is locked.
func moveTemplate(t *ent.Template, row *ent.TemplateUpdateOne, change string) bool {
	if !mayMove(t, change) {
		return false
	}

	row.SetStatus(templateChanges[change].to)

	return true
}

// refusedAs are the changes that a refused message makes, by the status that it names.
var refusedAs = map[enum.TemplateStatus]string{enum.TemplateStatusPaused: "pause",
	enum.TemplateStatusDisabled: "disable"}

// SetTemplateStatus marks a template PAUSED or DISABLED because WhatsApp refused a message for
// that; the next reading of Meta counts for more. It reports false when there was nothing to
// change.
func (s *Service) SetTemplateStatus(ctx context.Context, id uid.ID, status enum.TemplateStatus) (changed bool,
	err error) {
	after, err := s.revise(ctx, id, cause{byWhatsApp, "WhatsApp refused a message of it."},
		func(t *ent.Template, row *ent.TemplateUpdateOne) bool { return moveTemplate(t, row, refusedAs[status]) })

	return after != nil, err
}
