package audience

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"carillon/database"
	"carillon/uid"
	"carillon/usererror"
)

// room is how many more contacts an organization may have by its quota; negative for any number.
// Where there is a quota it holds the organization until the transaction ends, so that two callers
// cannot both take the last place. Who writes to the organization becomes a contact whatever the
// quota.
func room(ctx context.Context, tx *database.Tx, organization uid.ID) (left, quota int, err error) {
	var limit *int
	err = tx.QueryRowContext(ctx, "SELECT quota_contacts FROM organization WHERE id = $1", organization).Scan(&limit)
	if limit == nil && (err == nil || errors.Is(err, sql.ErrNoRows)) {
		return -1, 0, nil
	}

	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT coalesce(quota_contacts, 0) FROM organization WHERE id = $1"+
			tx.DB.ForUpdate(), organization).Scan(&quota)
	}

	var have int
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM contact WHERE organization_id = $1", organization).Scan(&have)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("hold the quota of contacts: %w", err)
	}

	return max(0, quota-have), quota, nil
}

func quotaText(quota int) string {
	return fmt.Sprintf("the organization has as many contacts as its quota allows (contacts: %d)", quota)
}

// checkRoom refuses a contact for which there is none.
func checkRoom(ctx context.Context, tx *database.Tx, organization uid.ID) error {
	left, quota, err := room(ctx, tx, organization)
	if err != nil || left != 0 {
		return err
	}

	return usererror.Refuse("", usererror.LimitExceeded, "%s", quotaText(quota))
}

// overQuota refuses the new numbers for which there is no room. Those who come first in the file
// come first.
func (w writer) overQuota(ctx context.Context, p page, known knownPeople) (map[*entry]refusal, error) {
	left, quota, err := room(ctx, w.Tx, w.im.OrganizationID)
	if err != nil || left < 0 {
		return nil, err
	}

	fresh := slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return known[e.key].isContact })
	slices.SortFunc(fresh, func(a, b *entry) int { return cmp.Compare(a.lines[0], b.lines[0]) })
	refused := map[*entry]refusal{}

	for _, e := range fresh[min(left, len(fresh)):] {
		refused[e] = refusal{e.phone, quotaText(quota)}
	}

	return refused, nil
}
