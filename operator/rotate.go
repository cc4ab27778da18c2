package operator

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/secret"
	"carillon/uid"
)

// rotatePage is how many sealed values are read at once.
const rotatePage = 200

// sealed lists every column that holds what package secret seals, and the column whose id is the associated data. Whoever
// seals something new adds a row.
var sealed = []struct{ table, column, owner string }{
	{"account", "token", "id"}, {"second_factor", "secret", "id"}, {"invitation", "sealed_token", "id"}, {"password_reset", "sealed_token", "id"},
}

// Rotation is what became of the sealed values.
type Rotation struct {
	Sealed  int `json:"sealed"`  // anew, under the current key
	Current int `json:"current"` // were under it before
	Failed  int `json:"failed"`  // open under none of the keys; they stay as they are
}

// Rotate seals everything that is sealed under an older key anew, under the first key of the ring. Each value is changed only
// where it still is what was read, so it may be interrupted, repeated, and run beside processes that seal.
func (s *Service) Rotate(ctx context.Context, keys *secret.Keyring) (done Rotation, err error) {
	for _, where := range sealed {
		for after := (uid.ID{}); ; {
			values, err := s.page(ctx, where.table, where.column, where.owner, after)
			if err != nil {
				return done, fmt.Errorf("rotate %s.%s: %w", where.table, where.column, err)
			}
			for _, v := range values {
				if err := s.reseal(ctx, keys, where.table, where.column, v, &done); err != nil {
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

func (s *Service) page(ctx context.Context, table, column, owner string, after uid.ID) (values []value, err error) {
	rows, err := s.db.Query(ctx, fmt.Sprintf("SELECT id, %s, %s FROM %s WHERE id > $1 AND %s IS NOT NULL ORDER BY id LIMIT $2", owner, column, table, column), after, rotatePage)
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

func (s *Service) reseal(ctx context.Context, keys *secret.Keyring, table, column string, v value, done *Rotation) error {
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
	changed := keys.Seal(plain, v.owner[:])
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = $1 WHERE id = $2 AND %s = $3", table, column, column), changed, v.id, v.sealed)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		done.Sealed += int(n) // none when somebody has sealed another value meanwhile, under the current key
		return err
	})
}
