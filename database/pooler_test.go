package database_test

import (
	"errors"
	"sync"
	"testing"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
)

// A pooler in transaction mode gives the statements of one connection to whichever session is free.
func TestBehindAPoolerOfTransactionsEverythingWorksAsItComes(t *testing.T) {
	t.Parallel()
	behind := dbtest.PgBouncer(t, dbtest.EmptyPostgres(t))
	var all sync.WaitGroup
	errs, applied := make([]error, 3), make([]int, 3)

	for i := range errs { // processes that migrate at once
		all.Go(func() {
			db, err := database.Open(t.Context(), behind, 8)
			if err != nil {
				errs[i] = err
				return
			}

			names, err := db.Migrate(t.Context())
			applied[i], errs[i] = len(names), errors.Join(err, db.Close())
		})
	}

	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := max(applied[0], applied[1], applied[2]); n == 0 || applied[0]+applied[1]+applied[2] != n {
		t.Errorf("three that migrate at once applied %v", applied)
	}

	db, err := database.Open(t.Context(), behind, 8)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })
	for i := range 40 { // more than there are sessions, from as many connections as there may be
		all.Go(func() {
			if err := writeAndRead(t, db); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}

	all.Wait()
	if state, err := db.State(t.Context()); err != nil || state.Problem() != "" {
		t.Errorf("its state is %+v, %v", state, err)
	}
}

// writeAndRead passes ids in each of the ways in which statements are sent.
func writeAndRead(t *testing.T, db *database.DB) error {
	ctx := caller.System(t.Context())
	o, err := db.Client.Organization.Create().SetName("Lucky Shrub").Save(ctx)
	if err != nil {
		return err
	}

	return db.InTx(ctx, func(tx *database.Tx) error {
		if err := tx.Exclusive(ctx, o.ID.String()); err != nil {
			return err
		}

		var together, plain uid.ID
		const query = `SELECT id FROM organization WHERE id = ANY($1)`
		err := tx.Together(ctx, database.Statement{What: "find it", Query: query, Args: []any{[]uid.ID{o.ID}},
			Read: func(rows database.Rows) error {
				rows.Next()
				return rows.Scan(database.ID{ID: &together})
			}})
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT id FROM organization WHERE id = $1`, o.ID).Scan(&plain); err != nil {
			return err
		}
		if together != o.ID || plain != o.ID {
			return errors.New("it found another organization")
		}

		return nil
	})
}
