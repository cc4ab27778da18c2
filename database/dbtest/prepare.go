package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	goose "github.com/pressly/goose/v3/database"

	"carillon/database"
	"carillon/ent/migrate/migrations"
)

// prepare gives a new database its tables in less time than migrations take, of which each is a
// transaction and waits for whoever migrates another schema. On one that has tables, or where it
// cannot, it does nothing: Open migrates anyway.
func prepare(ctx context.Context, dsn string) error {
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if _, err := os.Stat(file); err == nil {
			return nil
		}

		migrated, err := migratedSQLite()
		if err != nil {
			return err
		}

		return os.WriteFile(file, migrated, 0o600)
	}

	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}

	defer db.Close()
	var fresh bool
	if err := db.QueryRowContext(ctx, "SELECT to_regclass('"+versions+"') IS NULL").Scan(&fresh); err != nil || !fresh {
		return err
	}

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}

	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := migrateAtOnce(ctx, tx); err != nil {
		return err
	}

	return tx.Commit()
}

// migratedSQLite is a file without rows.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "carillon-test")
	if err != nil {
		return nil, err
	}

	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "carillon.db")
	db, err := database.Open(context.Background(), "sqlite:"+file, 1)
	if err != nil {
		return nil, err
	}

	_, err = db.Migrate(context.Background())
	if closed := db.Close(); err == nil {
		err = closed // which moves what is in the write-ahead log into the file
	}
	if err != nil {
		return nil, err
	}

	return os.ReadFile(file)
})

// versions is the table in which goose keeps which migrations were applied.
const versions = "goose_db_version"

// migrateAtOnce runs all migrations of PostgreSQL as one text, and notes them as applied.
func migrateAtOnce(ctx context.Context, tx *sql.Tx) error {
	store, err := goose.NewStore(goose.DialectPostgres, versions)
	if err != nil {
		return err
	}
	if err := store.CreateVersionTable(ctx, tx); err != nil {
		return err
	}

	names, err := fs.Glob(migrations.Files, "postgres/*.sql")
	if err != nil {
		return err
	}

	applied := []int64{0}
	var all strings.Builder

	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			return err
		}

		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}

		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		all.WriteString(up + "\n")
		applied = append(applied, version)
	}

	if _, err := tx.ExecContext(ctx, all.String()); err != nil {
		return fmt.Errorf("run all migrations: %w", err)
	}

	for _, version := range applied {
		if err := store.Insert(ctx, tx, goose.InsertRequest{Version: version}); err != nil {
			return err
		}
	}

	return nil
}
