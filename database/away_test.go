package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
)

// change makes one small change with plain SQL.
func change(ctx context.Context, db *database.DB, statements ...string) error {
	return db.InTx(ctx, func(tx *database.Tx) error {
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("change: %w", err)
			}
		}

		return nil
	})
}

func TestFaultsOfPostgreSQLAreToldFromThoseOfStatements(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statements []string
		away       bool
	}{
		"a statement timeout":             {[]string{"SET LOCAL statement_timeout = 1", "SELECT pg_sleep(5)"}, true},
		"a lock timeout":                  {[]string{"RAISE lock_not_available"}, true},
		"a full disk":                     {[]string{"RAISE disk_full"}, true},
		"no memory":                       {[]string{"RAISE out_of_memory"}, true},
		"too many connections":            {[]string{"RAISE too_many_connections"}, true},
		"a shutdown":                      {[]string{"RAISE admin_shutdown"}, true},
		"a server that starts":            {[]string{"RAISE cannot_connect_now"}, true},
		"a lost connection":               {[]string{"RAISE connection_failure"}, true},
		"a session that was ended":        {[]string{"SELECT pg_terminate_backend(pg_backend_pid())"}, true},
		"a standby":                       {[]string{"SET LOCAL transaction_read_only = on", "CREATE TABLE x (a int)"}, true},
		"a deadlock, again and again":     {[]string{"RAISE deadlock_detected"}, true},
		"a unique row":                    {[]string{"RAISE unique_violation"}, false},
		"a statement that is none":        {[]string{"SELEKT 1"}, false},
		"a missing table":                 {[]string{"SELECT * FROM nowhere"}, false},
		"a text with a NUL in it":         {[]string{"SELECT E'\\000'"}, false},
		"a transaction that was given up": {[]string{"RAISE in_failed_sql_transaction"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(t.Context(), dbtest.Postgres(t), 2)
			if err != nil {
				t.Fatal(err)
			}

			defer db.Close()
			for i, statement := range tc.statements {
				if condition, ok := strings.CutPrefix(statement, "RAISE "); ok {
					tc.statements[i] = "DO $$ BEGIN RAISE " + condition + "; END $$"
				}
			}

			err = change(t.Context(), db, tc.statements...)
			if again, away := database.Away(err); err == nil || away != tc.away || away != (again > 0) {
				t.Errorf("%v: away %v, again in %v", err, away, again)
			}
		})
	}
}

func TestFaultsOfSQLiteAreToldFromThoseOfStatements(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statements []string
		away       bool
	}{
		"a full disk": {[]string{"CREATE TABLE x (a BLOB)", "PRAGMA max_page_count = 1",
			"INSERT INTO x VALUES (zeroblob(1000000))"}, true},
		"a file for reading":       {[]string{"PRAGMA query_only = 1", "CREATE TABLE x (a)"}, true},
		"a unique row":             {[]string{"CREATE TABLE x (a UNIQUE)", "INSERT INTO x VALUES (1), (1)"}, false},
		"a statement that is none": {[]string{"SELEKT 1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.Open(t, dbtest.SQLite(t))
			err := change(t.Context(), db, tc.statements...)
			if again, away := database.Away(err); err == nil || away != tc.away || away != (again > 0) {
				t.Errorf("%v: away %v, again in %v", err, away, again)
			}
		})
	}

	t.Run("a folder that is gone", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "gone")
		if err := os.WriteFile(folder, nil, 0o600); err != nil {
			t.Fatal(err)
		}

		db, err := sql.Open("sqlite", "file:"+folder+"/carillon.db")
		if err != nil {
			t.Fatal(err)
		}

		defer db.Close()
		if _, away := database.Away(db.PingContext(t.Context())); !away {
			t.Error("is not away")
		}
	})
}

// lockSQLite holds the write lock of a SQLite file as another process would, until release is
// called.
func lockSQLite(t *testing.T, dsn string) (release func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}

	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}

	release = func() { _ = tx.Rollback(); _ = other.Close() }
	t.Cleanup(release)

	return release
}

func TestWhoWaitsForSQLitesLockWaitsNoLongerThanTheirTime(t *testing.T) {
	t.Parallel()
	dsn := dbtest.SQLite(t)
	db := dbtest.Open(t, dsn)
	release := lockSQLite(t, dsn)

	begun := time.Now()
	errs := make(chan error, 8)

	for range cap(errs) {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			errs <- change(ctx, db, "CREATE TABLE x (a)")
		}()
	}

	for range cap(errs) {
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			if _, away := database.Away(err); !away {
				t.Errorf("waiting gave %v", err)
			}
		}
	}

	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("eight who waited at once took %v", took)
	}

	release()
	if err := change(t.Context(), db, "CREATE TABLE x (a)"); err != nil {
		t.Errorf("after the lock was given back: %v", err)
	}
}

func TestAConnectionThatIsLostIsAway(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*dbtest.Wire){"cut": (*dbtest.Wire).Cut, "hangs": (*dbtest.Wire).Hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := dbtest.NewWire(t, dbtest.Postgres(t))
			db, err := database.Open(t.Context(), wire.URL, 4)
			if err != nil {
				t.Fatal(err)
			}

			defer db.Close()

			err = db.InTx(t.Context(), func(tx *database.Tx) error {
				happens(wire)
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				_, err := tx.ExecContext(ctx, "SELECT 1")

				return err
			})
			if _, away := database.Away(err); !away && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("within a transaction: %v", err)
			}

			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err = change(ctx, db, "SELECT 1")
			if _, away := database.Away(err); !away && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the next: %v", err)
			}

			wire.Mend()
			if err := change(t.Context(), db, "SELECT 1"); err != nil {
				t.Errorf("after it is back: %v", err)
			}
		})
	}
}

func TestACommitWhoseAnswerIsLostIsUncertain(t *testing.T) {
	t.Parallel()
	wire := dbtest.NewWire(t, dbtest.Postgres(t))
	db, err := database.Open(t.Context(), wire.URL, 2)
	if err != nil {
		t.Fatal(err)
	}

	defer db.Close()
	var uncertain *database.Uncertain
	soon, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	if err = db.InTx(soon, func(*database.Tx) error { wire.Hang(); return nil }); !errors.As(err, &uncertain) {
		t.Errorf("an answer that does not come gave %v", err)
	}

	wire.Mend()
	err = db.InTx(t.Context(), func(*database.Tx) error { wire.Cut(); return nil })
	if _, away := database.Away(err); !away {
		t.Errorf("a connection that was lost before gave %v", err)
	}

	wire.Mend()

	err = db.InTx(t.Context(), func(tx *database.Tx) error {
		_, err := tx.ExecContext(t.Context(),
			`CREATE TABLE x (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO x VALUES (1), (1)`)
		return err
	})
	if err == nil || errors.As(err, &uncertain) {
		t.Errorf("what PostgreSQL refuses at the commit gave %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err = db.InTx(ctx, func(*database.Tx) error { cancel(); return nil }); err == nil || errors.As(err, &uncertain) {
		t.Errorf("a caller who left before the commit gave %v", err)
	}
}

func TestACallerWhoLeavesAndAnErrorOfOursAreNotAway(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, context.Canceled, fmt.Errorf("read: %w", context.Canceled), errors.New("a mistake"),
		sql.ErrNoRows} {
		if _, away := database.Away(err); away {
			t.Errorf("%v is away", err)
		}
	}

	if _, away := database.Away(fmt.Errorf("read: %w", io.ErrUnexpectedEOF)); !away {
		t.Error("a connection that ends in the middle is not away")
	}
}
