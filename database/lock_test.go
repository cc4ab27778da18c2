package database_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
)

func TestAnotherTransactionThatTriesForALockLearnsThatItIsHeld(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		if db.Dialect != "postgres" {
			t.Skip("SQLite has one writer at a time")
		}

		try := func(name string) (held bool) {
			err := db.InTx(t.Context(), func(tx *database.Tx) (err error) { held, err = tx.Try(t.Context(), name); return err })
			if err != nil {
				t.Fatal(err)
			}

			return held
		}

		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			if held, err := tx.Try(t.Context(), "bells"); err != nil || !held {
				t.Fatalf("a free lock: %t, %v", held, err)
			}
			if try("bells") || !try("whistles") {
				t.Error("a held lock was given twice, or one held up another")
			}

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}

		if !try("bells") {
			t.Error("the lock is held beyond its transaction")
		}
	})
}
