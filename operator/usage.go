package operator

import (
	"context"
	"fmt"
	"time"

	"carillon/uid"
)

// Usage is what is counted of an organization against its quotas; a quota of nil is no limit.
type Usage struct {
	MessagesToday   int // since midnight in UTC
	MessagesPerDay  *int
	Contacts        int
	ContactsMax     *int
	PhoneNumbers    int // of connected accounts
	PhoneNumbersMax *int
}

// Usage counts what an organization has. Where there is a quota of messages it is the count that
// the quota goes by, else what WhatsApp took. It reads the contacts' index.
func (s *States) Usage(ctx context.Context, organization uid.ID) (u Usage, err error) {
	err = s.db.QueryRow(ctx, `SELECT quota_messages_per_day, quota_contacts, quota_numbers
		FROM organization WHERE id = $1`, organization).Scan(&u.MessagesPerDay, &u.ContactsMax, &u.PhoneNumbersMax)
	if err != nil {
		return u, fmt.Errorf("read the quotas of %s: %w", organization, err)
	}

	messages := `SELECT coalesce(CAST(sum(accepted) AS bigint), 0) FROM statistic
		WHERE organization_id = $1 AND hour >= $2`
	if u.MessagesPerDay != nil {
		messages = "SELECT coalesce(max(messages), 0) FROM quota_usage WHERE id = $1 AND day >= $2"
	}

	for _, count := range []struct {
		query string
		into  *int
		args  []any
	}{
		{messages, &u.MessagesToday, []any{s.now().UTC().Truncate(24 * time.Hour)}},
		{"SELECT count(*) FROM contact WHERE organization_id = $1", &u.Contacts, nil},
		{`SELECT count(*) FROM phone_number JOIN account ON account.id = phone_number.account_id
			WHERE phone_number.organization_id = $1 AND account.status <> 'DISCONNECTED'
			AND phone_number.status <> 'DELETED'`, &u.PhoneNumbers, nil},
	} {
		args := append([]any{organization}, count.args...)
		if err := s.db.QueryRow(ctx, count.query, args...).Scan(count.into); err != nil {
			return u, fmt.Errorf("count what %s has: %w", organization, err)
		}
	}

	return u, nil
}
