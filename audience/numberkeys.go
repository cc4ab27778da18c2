package audience

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

const (
	// numberKeysStep names the work in data_step. When the numbering plans' table changes, the next
	// name has it done again.
	numberKeysStep = "number_keys_1"
	numberKeysPage = 500
)

// writtenNumber is an identifier that stands as a number was written.
type writtenNumber struct {
	id                    int64
	organization, contact uid.ID
	value                 string
	since                 time.Time
}

// KeyNumbers gives each number that an older version stored as it was written its key, so that both
// spellings of a line find one contact. Contacts that turn out to be one are merged. It acts as the
// system and goes on where it stopped: a page and its place are committed together, and of two
// processes one waits for the other. Once it is over, each call reads one row.
func (s *Service) KeyNumbers(ctx context.Context) error {
	for {
		over, err := s.keyNumbersPage(ctx)
		if err != nil {
			return fmt.Errorf("give numbers their keys: %w", err)
		}
		if over {
			return nil
		}
	}
}

func (s *Service) keyNumbersPage(ctx context.Context) (over bool, err error) {
	var done database.NullTime
	err = s.db.QueryRow(ctx, "SELECT done_at FROM data_step WHERE id = $1", numberKeysStep).Scan(&done)
	if err == nil && done.Valid {
		return true, nil
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		after, err := numberKeysPlace(ctx, tx)
		if err != nil {
			return err
		}

		page, err := writtenNumbers(ctx, tx, after)
		if err != nil {
			return err
		}

		for _, n := range page {
			after = n.id
			if err := s.keyNumber(ctx, tx, n); err != nil {
				return err
			}
		}

		over = len(page) < numberKeysPage
		var at *time.Time
		if now := s.moment(); over {
			at = &now
		}

		_, err = tx.ExecContext(ctx, "UPDATE data_step SET done_to = $2, done_at = $3 WHERE id = $1",
			numberKeysStep, after, at)

		return err
	})

	return over, err
}

// numberKeysPlace locks the step and says behind which identifier it goes on.
func numberKeysPlace(ctx context.Context, tx *database.Tx) (after int64, err error) {
	_, err = tx.ExecContext(ctx, "INSERT INTO data_step (id, done_to) VALUES ($1, 0) ON CONFLICT (id) DO NOTHING",
		numberKeysStep)
	if err != nil {
		return 0, err
	}

	err = tx.QueryRowContext(ctx, "SELECT done_to FROM data_step WHERE id = $1"+tx.DB.ForUpdate(), numberKeysStep).
		Scan(&after)

	return after, err
}

func writtenNumbers(ctx context.Context, tx *database.Tx, after int64) ([]writtenNumber, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, organization_id, contact_id, value, since FROM contact_identifier
		WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3`, enum.IdentifierKindPhone, after, numberKeysPage)
	return database.Collect(rows, err, func(rows *sql.Rows) (n writtenNumber, err error) {
		err = rows.Scan(&n.id, &n.organization, &n.contact, &n.value, &n.since)
		return n, err
	})
}

// keyNumber lets Identify file a number anew, under its key. Where another contact has the key, the
// two are merged. What an older version took for a number although it is a user id becomes one.
func (s *Service) keyNumber(ctx context.Context, tx *database.Tx, n writtenNumber) error {
	userID := strings.TrimPrefix(n.value, "+")
	isUser := IsUserID(userID)
	if !isUser && NumberKey(n.value) == n.value {
		return nil
	}

	// Another page's merge may have removed it since.
	done, err := tx.ExecContext(ctx, "DELETE FROM contact_identifier WHERE id = $1", n.id)
	if err != nil {
		return err
	}
	if removed, err := done.RowsAffected(); err != nil || removed == 0 {
		return err
	}

	in := Identity{Organization: n.organization, Contact: n.contact, Phone: n.value, At: n.since}
	if isUser {
		in.Phone, in.UserID = "", userID
		_, err := tx.ExecContext(ctx, "UPDATE contact SET phone = NULL, country = NULL WHERE id = $1 AND phone = $2",
			n.contact, n.value)
		if err != nil {
			return err
		}
	}

	_, err = s.Identify(ctx, tx, in)

	return err
}
