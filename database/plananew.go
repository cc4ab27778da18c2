package database

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"
)

// PlanAnew is for a transaction whose statements read or write many rows. PostgreSQL then plans
// each of them for the tables as they are. Otherwise a connection keeps the plan that it made when
// a table was small until the table is analyzed, which may be a minute and a million rows later.
// Nor does it compile a statement to machine code, which takes a quarter of a second and saves a
// page of rows a millisecond.
func (tx *Tx) PlanAnew(ctx context.Context) error {
	if tx.DB.Dialect != dialect.Postgres {
		return nil
	}

	_, err := tx.ExecContext(ctx,
		"SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)")
	if err != nil {
		return fmt.Errorf("have statements planned anew: %w", err)
	}

	return nil
}
