package account

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/uid"
	"carillon/usererror"
)

// withinQuota runs connect, and refuses it when it gives the organization more numbers than the
// operator allows. Where there is a quota it holds the organization until the transaction ends, so
// that two callers cannot both take the last place. What an organization has already it may connect
// anew, whatever the quota.
func withinQuota(ctx context.Context, tx *database.Tx, organization uid.ID, connect func() error) error {
	var quota *int
	if err := tx.QueryRowContext(ctx, "SELECT quota_numbers FROM organization WHERE id = $1", organization).
		Scan(&quota); err != nil {
		return fmt.Errorf("read the quota of numbers: %w", err)
	}

	if quota == nil {
		return connect()
	}

	if err := tx.QueryRowContext(ctx, "SELECT quota_numbers FROM organization WHERE id = $1"+tx.DB.ForUpdate(),
		organization).Scan(&quota); err != nil {
		return fmt.Errorf("hold the quota of numbers: %w", err)
	}

	before, err := countNumbers(ctx, tx, organization)
	if err != nil {
		return err
	}
	if err := connect(); err != nil {
		return err
	}

	after, err := countNumbers(ctx, tx, organization)
	if err == nil && quota != nil && after > *quota && after > before {
		err = usererror.Refuse("", usererror.LimitExceeded,
			"with this account the organization would have %d phone numbers, and its quota allows fewer (numbers: %d)",
			after, *quota)
	}

	return err
}

func countNumbers(ctx context.Context, tx *database.Tx, organization uid.ID) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM phone_number JOIN account ON account.id = phone_number.account_id
		WHERE phone_number.organization_id = $1 AND account.status <> 'DISCONNECTED'
		AND phone_number.status <> $2`, organization, numberDeleted).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count phone numbers: %w", err)
	}

	return n, nil
}
