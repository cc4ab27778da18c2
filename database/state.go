package database

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5/pgconn"

	"carillon/ent/migrate/migrations"
)

// State is what a database that answers says of itself.
type State struct {
	Standby  bool  // it follows another server, which takes the writes
	ReadOnly bool  // it takes no writes
	Version  int64 // of its tables: the number of the last migration; 0 for none
	Known    int64 // the last migration of this program
}

// State asks the database in one round trip. Its error is one of reaching it.
func (db *DB) State(ctx context.Context) (s State, err error) {
	s.Known = newestMigration()
	if db.Dialect == dialect.Postgres {
		err = db.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
			(SELECT max(version_id) FROM goose_db_version)`).Scan(&s.Standby, &s.ReadOnly, &s.Version)
	} else {
		err = db.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&s.Version)
	}

	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" || err != nil && strings.Contains(err.Error(), "no such table") {
		return s, nil // nobody has migrated it
	}

	return s, err
}

// Problem says why this program cannot work on the database, and what to do; empty when it can.
func (s State) Problem() string {
	switch {
	case s.Standby:
		return "the database is a standby and takes no writes: let DATABASE_URL name the primary, or all servers with " +
			"target_session_attrs=read-write"
	case s.ReadOnly:
		return "the database is read-only: switch off default_transaction_read_only, or give the user of DATABASE_URL " +
			"the right to write"
	case s.Version < s.Known:
		return ErrOutdated.Error()
	}

	return ""
}

// Newer says that a later version of the program has changed the tables, and what to do; empty when
// none has.
func (s State) Newer() string {
	if s.Version <= s.Known {
		return ""
	}

	return "the database is of a later version (" + strconv.FormatInt(s.Version, 10) + ") than this program (" +
		strconv.FormatInt(s.Known, 10) + "): start the later program, unless it is just being rolled out"
}

// newestMigration is the number of the last file; both databases have the same.
var newestMigration = sync.OnceValue(func() (newest int64) {
	names, _ := fs.Glob(migrations.Files, "postgres/*.sql") // the pattern is right
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			newest = max(newest, n)
		}
	}

	return newest
})

// Connections are how many the server has room for, and how many are open now, of all its users.
// Both are zero where there is no server.
func (db *DB) Connections(ctx context.Context) (most, used int, err error) {
	if db.Dialect != dialect.Postgres {
		return 0, 0, nil
	}

	err = db.QueryRow(ctx, `SELECT current_setting('max_connections')::int,
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')`).Scan(&most, &used)

	return most, used, err
}
