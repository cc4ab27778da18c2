package delivery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// SentToday is how many messages an organization with a quota has sent since midnight in UTC.
func (q *Queue) SentToday(ctx context.Context, organization uid.ID) (messages int, err error) {
	err = q.db.QueryRow(ctx, "SELECT coalesce(max(messages), 0) FROM quota_usage WHERE id = $1 AND day >= $2",
		organization, dayOf(q.now())).Scan(&messages)
	if err != nil {
		return 0, fmt.Errorf("count today's messages of %s: %w", organization, err)
	}

	return messages, nil
}

// Take counts one more message of an organization with a quota, in the transaction that makes it.
// It reports false when there is no room for it.
func (q *Queue) Take(ctx context.Context, tx *database.Tx, organization uid.ID, perDay int) (bool, error) {
	used, err := holdUsage(ctx, tx, organization, q.now())
	if err != nil || used >= perDay {
		return false, err
	}

	return true, charge(ctx, tx, organization, 1)
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// today is how many more messages may be sent today; negative for any number.
func (q *Queue) today(ctx context.Context, tx *database.Tx, limit Limit, now time.Time) (left int, err error) {
	if limit.PerDay == nil {
		return -1, nil
	}

	used, err := holdUsage(ctx, tx, limit.Organization, now)
	return max(0, *limit.PerDay-used), err
}

// holdUsage says how many messages were sent today, and holds the count until the transaction ends.
// The day only goes forward: the clocks of two processes may differ around midnight.
func holdUsage(ctx context.Context, tx *database.Tx, organization uid.ID, now time.Time) (used int, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO quota_usage (id, day, messages) VALUES ($1, $2, 0) ON CONFLICT (id)
		DO UPDATE SET
		messages = CASE WHEN quota_usage.day < excluded.day THEN 0 ELSE quota_usage.messages END,
		day = CASE WHEN quota_usage.day < excluded.day THEN excluded.day ELSE quota_usage.day END
		RETURNING messages`, organization, dayOf(now)).Scan(&used)
	if err != nil {
		return 0, fmt.Errorf("hold the quota of %s: %w", organization, err)
	}

	return used, nil
}

func charge(ctx context.Context, tx *database.Tx, organization uid.ID, messages int) error {
	if messages == 0 {
		return nil
	}

	if _, err := tx.ExecContext(ctx, "UPDATE quota_usage SET messages = messages + $2 WHERE id = $1", organization,
		messages); err != nil {
		return fmt.Errorf("count messages of %s: %w", organization, err)
	}

	return nil
}

// spend counts the campaigns' messages among the claimed, each at its first attempt; single ones
// were counted when they were taken.
func (q *Queue) spend(ctx context.Context, tx *database.Tx, limit Limit, claimed []Claimed) error {
	if limit.PerDay == nil {
		return nil
	}

	n := 0
	for _, c := range claimed {
		if !c.Campaign.IsZero() && c.Attempt == 1 {
			n++
		}
	}

	return charge(ctx, tx, limit.Organization, n)
}

// unspend gives back what was counted for messages that came back unsent from their first attempt,
// where somebody counts.
func unspend(ctx context.Context, tx *database.Tx, changed []*row, now time.Time) error {
	unsent := map[uid.ID]int{}
	for _, r := range changed {
		if r.status == enum.MessageStatusQueued && r.attempts == 0 && !r.campaign.IsZero() {
			unsent[r.organization]++
		}
	}

	return giveBack(ctx, tx, unsent, now)
}

// unspendSkipped gives back what was counted today for single messages that are skipped before
// their first attempt. Those of campaigns are counted when they are claimed, and a skipped one is
// not.
func unspendSkipped(ctx context.Context, tx *database.Tx, skipped []*row, now time.Time) error {
	unsent := map[uid.ID]int{}
	for _, r := range skipped {
		if r.campaign.IsZero() && r.attempts == 0 && dayOf(r.createdAt).Equal(dayOf(now)) {
			unsent[r.organization]++
		}
	}

	return giveBack(ctx, tx, unsent, now)
}

func giveBack(ctx context.Context, tx *database.Tx, unsent map[uid.ID]int, now time.Time) error {
	for _, organization := range slices.SortedFunc(maps.Keys(unsent), uid.Compare) {
		_, err := tx.ExecContext(ctx,
			"UPDATE quota_usage SET messages = CASE WHEN messages > $2 THEN messages - $2 ELSE 0 END WHERE id = $1 AND day = $3",
			organization, unsent[organization], dayOf(now))
		if err != nil {
			return fmt.Errorf("give back to the quota of %s: %w", organization, err)
		}
	}

	return nil
}
