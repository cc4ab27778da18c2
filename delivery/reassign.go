package delivery

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/uid"
)

// Reassign gives all messages of some contacts to another one, in the caller's transaction: they
// turned out to be one person. It locks the messages in the order of their ids, as the journal
// does.
func Reassign(ctx context.Context, tx *database.Tx, from []uid.ID, to uid.ID) error {
	if len(from) == 0 {
		return nil
	}

	rows, args := tx.DB.Rowset([]any{to}, database.IDs("id", from))
	theirs := "SELECT listing.id FROM listing WHERE listing.contact_id IN (SELECT id FROM " + rows + ")"
	queries := []string{
		"UPDATE message SET contact_id = $1 WHERE id IN (" + theirs + ")",
		"UPDATE listing SET contact_id = $1 WHERE contact_id IN (SELECT id FROM " + rows + ")",
		"UPDATE reply SET contact_id = $1 WHERE contact_id IN (SELECT id FROM " + rows + ")",
	}
	if tx.DB.ForUpdate() != "" {
		lock, lockArgs := tx.DB.Rowset(nil, database.IDs("id", from))
		_, err := tx.ExecContext(ctx,
			"SELECT message.id FROM message WHERE id IN (SELECT listing.id FROM listing WHERE listing.contact_id IN "+
				"(SELECT id FROM "+
				lock+")) ORDER BY message.id FOR UPDATE", lockArgs...)
		if err != nil {
			return fmt.Errorf("lock the messages of %d contacts: %w", len(from), err)
		}
	}

	for _, query := range queries {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("give the messages of %d contacts to %s: %w", len(from), to, err)
		}
	}

	return nil
}
