package account

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/notification"
	"carillon/uid"
	"carillon/webhook"
)

// toldStatuses are the statuses of accounts that members are told of by mail, each under the topic
// of the campaigns that it pauses.
var toldStatuses = map[enum.AccountStatus]struct {
	kind  enum.NotificationKind
	topic string
}{
	tokenExpired: {enum.NotificationKindTokenExpired, notification.TopicToken},
	restricted:   {enum.NotificationKindAccountRestricted, notification.TopicRestriction},
	disabled:     {enum.NotificationKindAccountRestricted, notification.TopicRestriction},
	disconnected: {enum.NotificationKindAccountRestricted, notification.TopicRestriction},
}

// tellOfStatus has members told of what Meta decided of an account.
func (s *Service) tellOfStatus(ctx context.Context, tx *database.Tx, a *ent.Account) error {
	told, is := toldStatuses[a.Status]
	if !is {
		return nil
	}

	cause := notification.Cause{Organization: a.OrganizationID, Kind: told.kind, Subject: a.ID,
		Key: fmt.Sprintf("%s %s %d", a.ID, a.Status, s.now().UnixMicro()), Scope: notification.Scope(told.topic, a.ID),
		Reason: string(a.Status), At: s.now()}
	if a.StatusReason != nil {
		cause.Detail = *a.StatusReason
	}

	return notification.Tell(ctx, tx, cause)
}

// moving makes a change of an account's status, if it still may be made, and has webhooks tell of
// it. It gives the account as it is then. The account's row is locked before, so that of two
// changes at once each tells of its own.
func (s *Service) moving(ctx context.Context, tx *database.Tx, id uid.ID, change func() error) (*ent.Account, error) {
	before, err := tx.Client.Account.Query().Where(entaccount.ID(id), tx.DB.Locked).Only(ctx)
	if err != nil {
		return nil, err
	}
	if err := change(); err != nil {
		return nil, err
	}

	after, err := tx.Client.Account.Get(ctx, id)
	if err != nil || after.Status == before.Status {
		return after, err
	}

	return after, webhook.Tell(ctx, tx, webhook.AccountChanged(after, before.Status, s.now()))
}

// tellOfToken has members told that an account's token runs out: once for each of warnBefore, of
// which one began at that time.
func (s *Service) tellOfToken(ctx context.Context, tx *database.Tx, a *ent.Account, began time.Time) error {
	days := int(a.TokenExpiresAt.Sub(began) / day)

	return notification.Tell(ctx, tx, notification.Cause{Organization: a.OrganizationID, Subject: a.ID,
		Kind: enum.NotificationKindTokenExpiring, At: s.now(), Scope: notification.Scope("EXPIRY", a.ID),
		Key:    fmt.Sprintf("%s EXPIRES %d %d", a.ID, a.TokenExpiresAt.UnixMicro(), days),
		Detail: "It runs out on " + a.TokenExpiresAt.UTC().Format("2 January 2006, 15:04 MST") + "."})
}

// toldTemplates are the statuses of templates that members are told of.
var toldTemplates = map[enum.TemplateStatus]bool{enum.TemplateStatusRejected: true, enum.TemplateStatusPaused: true,
	enum.TemplateStatusDisabled: true}

// tellOfTemplates has members told of templates that came to be rejected, paused or disabled, and
// webhooks of all that have another status. What is so when it is first seen is no news.
func (s *Service) tellOfTemplates(ctx context.Context, tx *database.Tx, all []revised) error {
	var causes []notification.Cause
	var events []webhook.Event
	for _, r := range all {
		if r.before == nil || r.before.Status == r.after.Status {
			continue
		}

		events = append(events, webhook.TemplateChanged(r.after, r.before.Status, s.now()))
		if !toldTemplates[r.after.Status] {
			continue
		}

		t := r.after
		cause := notification.Cause{Organization: t.OrganizationID, Kind: enum.NotificationKindTemplateRejected,
			Key:   fmt.Sprintf("%s %s %d", t.ID, t.Status, s.now().UnixMicro()),
			Scope: notification.Scope(notification.TopicTemplates, t.AccountID), Subject: t.ID, Reason: string(t.Status),
			At: s.now()}
		if t.RejectionReason != nil {
			cause.Detail = "WhatsApp says: " + *t.RejectionReason
		}

		causes = append(causes, cause)
	}

	if err := webhook.Tell(ctx, tx, events...); err != nil {
		return err
	}

	return notification.Tell(ctx, tx, causes...)
}
