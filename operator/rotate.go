package operator

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/database"
	"carillon/secret"
	"carillon/uid"
)

// rotatePage is how many sealed values are read at once.
const rotatePage = 200

// sealedColumn holds what package secret seals, with the id in the column owner as associated data.
type sealedColumn struct {
	table, column, owner string
	what                 string // it is, for the audit trail of its organization; empty where a row belongs to none
}

// sealed lists them all. Whoever seals something new adds a row.
var sealed = []sealedColumn{
	{"account", "token", "id", "an account's access token"},
	{"phone_number", "pin", "id", "the PIN of a number's registration"},
	{"invitation", "sealed_token", "id", "an invitation that waits to be mailed"},
	{"organization", "erasure_key", "id", "the key under which erased addresses are hashed"},
	{"erasure", "person", "id", "who is being erased"},
	{"webhook_endpoint", "secret", "id", "the secret of an endpoint of webhooks"},
	{"webhook_endpoint", "previous_secret", "id", "the former secret of an endpoint of webhooks"},
	{"second_factor", "secret", "id", ""}, {"password_reset", "sealed_token", "id", ""},
}

// Rotation is what became of the sealed values.
type Rotation struct {
	Sealed  int `json:"sealed"`  // anew, under the current key
	Current int `json:"current"` // were under it before
	Failed  int `json:"failed"`  // open under none of the keys; they stay as they are
}

// Rotate seals everything that is sealed under an older key anew, under the first key of the ring.
// Each value is changed only where it still is what was read, so it may be interrupted, repeated,
// and run beside processes that seal.
func (s *Service) Rotate(ctx context.Context, keys *secret.Keyring) (done Rotation, err error) {
	for _, where := range sealed {
		for after := (uid.ID{}); ; {
			values, err := s.page(ctx, where, after)
			if err != nil {
				return done, fmt.Errorf("rotate %s.%s: %w", where.table, where.column, err)
			}

			for _, v := range values {
				if err := s.reseal(ctx, keys, where, v, &done); err != nil {
					return done, fmt.Errorf("rotate %s.%s of %s: %w", where.table, where.column, v.id, err)
				}

				after = v.id
			}

			if len(values) < rotatePage {
				break
			}
		}
	}

	return done, nil
}

// value is a sealed one.
type value struct {
	id, owner uid.ID
	sealed    []byte
}

func (s *Service) page(ctx context.Context, where sealedColumn, after uid.ID) (values []value, err error) {
	rows, err := s.db.Query(ctx,
		fmt.Sprintf("SELECT id, %s, %[2]s FROM %[3]s WHERE id > $1 AND %[2]s IS NOT NULL ORDER BY id LIMIT $2", where.owner,
			where.column, where.table), after, rotatePage)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var v value
		if err := rows.Scan(&v.id, &v.owner, &v.sealed); err != nil {
			return nil, err
		}

		values = append(values, v)
	}

	return values, rows.Err()
}

func (s *Service) reseal(ctx context.Context, keys *secret.Keyring, where sealedColumn, v value, done *Rotation) error {
	switch {
	case len(v.sealed) == 0: // erased
		return nil
	case keys.Current(v.sealed):
		done.Current++
		return nil
	}

	plain, err := keys.Open(v.sealed, v.owner[:])
	if err != nil {
		done.Failed++
		return nil
	}

	changed, n := keys.Seal(plain, v.owner[:]), int64(0)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = $1 WHERE id = $2 AND %[2]s = $3", where.table,
			where.column), changed, v.id, v.sealed)
		if err != nil {
			return err
		}

		n, err = result.RowsAffected() // none when somebody has sealed another value meanwhile, under the current key
		if err != nil || n == 0 || where.what == "" {
			return err
		}

		organization := v.id
		if where.table != "organization" {
			if err := tx.QueryRowContext(ctx, "SELECT organization_id FROM "+where.table+" WHERE id = $1", v.id).
				Scan(&organization); err != nil {
				return err
			}
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: organization, Action: audit.ActionKeysRotate,
			Subject: v.id, Summary: "sealed " + where.what + " under another key"})
	})
	if err == nil {
		done.Sealed += int(n)
	}

	return err
}
