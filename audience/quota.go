package audience

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"carillon/database"
	"carillon/fault"
	"carillon/uid"
)

// room is how many more contacts an organization may have by its quota; negative for any number. Where there is a quota it
// holds the organization until the transaction ends, so that two callers cannot both take the last place. Who writes to the
// organization becomes a contact whatever the quota.
func room(ctx context.Context, tx *database.Tx, organization uid.ID) (left, quota int, err error) {
	var limit *int
	err = tx.QueryRowContext(ctx, "SELECT quota_contacts FROM organization WHERE id = $1", organization).Scan(&limit)
	if limit == nil && (err == nil || errors.Is(err, sql.ErrNoRows)) {
		return -1, 0, nil
	}
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT coalesce(quota_contacts, 0) FROM organization WHERE id = $1"+tx.DB.ForUpdate(), organization).Scan(&quota)
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
	return fault.Refuse("", fault.LimitExceeded, "%s", quotaText(quota))
}

// within takes out of a page the new numbers for which there is no room, and rejects their rows. Those who come first in the
// file come first.
func (w writer) within(ctx context.Context, p page) (page, error) {
	left, quota, err := room(ctx, w.Tx, w.im.OrganizationID)
	if err != nil || left < 0 || len(p.entries) == 0 {
		return p, err
	}
	known, err := w.known(ctx, p.entries)
	if err != nil {
		return p, err
	}
	fresh := slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return known[e.phone] })
	if len(fresh) <= left {
		return p, nil
	}
	slices.SortFunc(fresh, func(a, b *entry) int { return cmp.Compare(a.lines[0], b.lines[0]) })
	out := map[*entry]bool{}
	p.rejected = slices.Clone(p.rejected)
	for _, e := range fresh[left:] {
		out[e] = true
		p.accepted -= len(e.lines)
		for _, line := range e.lines {
			p.rejected = append(p.rejected, rejection{line, e.phone, quotaText(quota)})
		}
	}
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return out[e] })
	return p, nil
}

// known are the numbers among the entries that are contacts already.
func (w writer) known(ctx context.Context, entries []*entry) (map[string]bool, error) {
	phones := make([]string, len(entries))
	for i, e := range entries {
		phones[i] = e.phone
	}
	from, args := w.DB.Rowset([]any{w.im.OrganizationID}, database.Texts("phone", phones))
	rows, err := w.QueryContext(ctx, "SELECT contact.phone FROM contact JOIN "+from+" ON contact.phone = f.phone WHERE contact.organization_id = $1", args...)
	if err != nil {
		return nil, fmt.Errorf("look for known numbers: %w", err)
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var phone string
		if err := rows.Scan(&phone); err != nil {
			return nil, err
		}
		known[phone] = true
	}
	return known, rows.Err()
}
