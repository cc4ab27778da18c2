package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/uid"
	"carillon/usererror"
)

// Quota is how much an organization may have; nil is no limit.
type Quota struct {
	MessagesPerDay *int `json:"messagesPerDay"` // sent in a day of UTC
	Contacts       *int `json:"contacts"`
	Numbers        *int `json:"numbers"` // of WhatsApp, over all connected accounts
}

// SetQuota replaces an organization's quota. What it has already stays, whatever the quota; only
// more is refused.
func (s *Service) SetQuota(ctx context.Context, id uid.ID, q Quota) error {
	var in usererror.Fields
	for name, limit := range map[string]*int{"messages-per-day": q.MessagesPerDay, "contacts": q.Contacts,
		"numbers": q.Numbers} {
		if limit != nil && *limit < 0 {
			in.Add(name, usererror.Invalid, "a quota is not negative")
		}
	}

	if err := in.Err(); err != nil {
		return err
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		o, err := hold(ctx, tx, id)
		if err != nil {
			return err
		}

		_, err = tx.ExecContext(ctx,
			"UPDATE organization SET quota_messages_per_day = $2, quota_contacts = $3, quota_numbers = $4 WHERE id = $1",
			id, q.MessagesPerDay, q.Contacts, q.Numbers)
		if err == nil {
			err = s.count(ctx, tx, id, q.MessagesPerDay != nil, o.QuotaMessagesPerDay != nil)
		}
		if err != nil {
			return err
		}

		summary := fmt.Sprintf("set the quotas: messages a day %s, contacts %s, numbers %s", words(q.MessagesPerDay),
			words(q.Contacts), words(q.Numbers))

		return audit.Record(ctx, tx, audit.Entry{Organization: id, Action: audit.ActionOrganizationQuota,
			Subject: id, Summary: summary})
	})
	if err != nil {
		return fmt.Errorf("set the quota of %s: %w", id, err)
	}

	return nil
}

// count begins to count an organization's messages with those that WhatsApp took today, or ends it.
func (s *Service) count(ctx context.Context, tx *database.Tx, id uid.ID, wanted, counted bool) (err error) {
	switch day := s.now().UTC().Truncate(24 * time.Hour); {
	case wanted && !counted:
		_, err = tx.ExecContext(ctx, `INSERT INTO quota_usage (id, day, messages) SELECT $1, $2, coalesce(sum(accepted),
			0) FROM statistic WHERE organization_id = $1 AND hour >= $2
			ON CONFLICT (id) DO UPDATE SET day = excluded.day, messages = excluded.messages`, id, day)
	case !wanted:
		_, err = tx.ExecContext(ctx, "DELETE FROM quota_usage WHERE id = $1", id)
	}

	return err
}

func words(limit *int) string {
	if limit == nil {
		return "unlimited"
	}
	return strconv.Itoa(*limit)
}
