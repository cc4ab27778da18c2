// Package database opens PostgreSQL or SQLite and hides what differs between them: connection
// pools, transactions, versioned migrations, and the sending of many rows in one statement. One
// transaction function serves ent and plain SQL alike.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "modernc.org/sqlite" // driver "sqlite"

	"carillon/ent"
	_ "carillon/ent/runtime" // defaults and policies
	"carillon/uid"
)

const (
	busyTimeout   = 20 * time.Second // how long a SQLite writer waits for another process
	sqliteReaders = 8
	mostTries     = 8
)

// DB is one open database. Client reads and writes through ent; a SQLite database has one writer at
// a time, so never use Client to write inside InTx: use the transaction's.
type DB struct {
	Client  *ent.Client
	Dialect string // dialect.Postgres or dialect.SQLite

	writer, reader *sql.DB // the same pool on PostgreSQL
}

// Open connects to postgres://… or sqlite:<file>. maxConns, at least 2, bounds PostgreSQL's pool.
// Another driver whose name begins with sqlite may stand for SQLite's: tests watch the statements
// so.
func Open(ctx context.Context, dsn string, maxConns int) (*DB, error) {
	if driver, file, _ := strings.Cut(dsn, ":"); strings.HasPrefix(driver, "sqlite") {
		return openSQLite(ctx, driver, strings.TrimPrefix(file, "//"))
	}

	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}

	return OpenPostgres(ctx, config, maxConns)
}

func openSQLite(ctx context.Context, driver, file string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the SQLite file: %w", err)
	}
	if err := makePrivate(file); err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", file, err)
	}

	pool := func(conns int, options string) (*sql.DB, error) {
		q := url.Values{"_time_format": {"sqlite"}, "_pragma": {
			"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"cache_size(-32000)", "temp_store(MEMORY)"}}

		p, err := sql.Open(driver, "file:"+file+"?"+q.Encode()+options)
		if err != nil {
			return nil, err
		}

		p.SetMaxOpenConns(conns)
		p.SetMaxIdleConns(conns)

		return p, p.PingContext(ctx)
	}

	writer, err := pool(1, "&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", file, err)
	}

	reader, err := pool(sqliteReaders, "")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open SQLite file %s: %w", file, err), writer.Close())
	}

	db := &DB{Dialect: dialect.SQLite, writer: writer, reader: reader}
	db.Client = ent.NewClient(ent.Driver(split{entsql.OpenDB(dialect.SQLite, writer),
		entsql.OpenDB(dialect.SQLite, reader)}))

	return db, nil
}

// makePrivate makes a SQLite file, or one that is there, readable by its owner alone. SQLite gives
// the files beside it the same mode. A file of somebody else's stays as it is.
func makePrivate(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil // SQLite says what cannot be done with it
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}

	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(file+suffix, 0o600); err != nil && !errors.Is(err, fs.ErrPermission) &&
			!errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	return nil
}

// split sends reads to the readers and everything else to the one writer.
type split struct {
	*entsql.Driver
	reader *entsql.Driver
}

func (s split) Query(ctx context.Context, query string, args, v any) error {
	if strings.HasPrefix(query, "SELECT") || strings.HasPrefix(query, "WITH") {
		return s.reader.Query(ctx, query, args, v)
	}
	return s.Driver.Query(ctx, query, args, v)
}

// Close ends every connection.
func (db *DB) Close() error {
	if db.reader == db.writer {
		return db.writer.Close()
	}
	return errors.Join(db.writer.Close(), db.reader.Close())
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.reader.PingContext(ctx) }

// Query reads with plain SQL outside of a transaction. Placeholders are $1, $2, … on both
// databases.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.reader.QueryContext(ctx, query, args...)
}

// ScanIDs reads ids, a query's only column, and closes its rows. It takes what Query returns.
func ScanIDs(rows *sql.Rows, err error) ([]uid.ID, error) {
	return Collect(rows, err, func(rows *sql.Rows) (id uid.ID, err error) {
		err = rows.Scan(&id)
		return id, err
	})
}

// QueryRow reads one row with plain SQL outside of a transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.reader.QueryRowContext(ctx, query, args...)
}

// Tx is one transaction, for plain SQL and, as Client, for ent.
type Tx struct {
	*sql.Tx
	Client *ent.Client
	DB     *DB

	conn  *sql.Conn // that it runs on
	last  []func(context.Context) error
	after []func(context.Context)
}

// Last has InTx run a step when all others are done, right before the commit: one whose locks come
// after those of all others.
func (tx *Tx) Last(do func(context.Context) error) { tx.last = append(tx.last, do) }

// After has do run once the transaction is committed, in the order of the calls: news, wake-ups,
// revocations. It does not run when the transaction is rolled back, and once when it has to be run
// again. A process may die between the commit and do: what do tells must be a hint that something
// else makes good.
func (tx *Tx) After(do func(context.Context)) { tx.after = append(tx.after, do) }

// InTx runs do in a transaction: committed when do returns nil, rolled back otherwise. PostgreSQL
// may pick it as the victim of a deadlock, and do may return ErrAgain: then it is run again, so do
// must not change anything but the database. News of the change belongs into Tx.After.
func (db *DB) InTx(ctx context.Context, do func(*Tx) error) error {
	for try := 1; ; try++ {
		after, err := db.once(ctx, do)
		if err == nil {
			for _, f := range after {
				f(ctx)
			}

			return nil
		}

		if try == mostTries || !isDeadlock(err) && !errors.Is(err, ErrAgain) {
			return err
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(try) * 20 * time.Millisecond)):
		}
	}
}

// once runs the transaction and gives what is to follow it. Its connection is back in the pool
// then: what follows may need one, and SQLite has no other.
func (db *DB) once(ctx context.Context, do func(*Tx) error) (after []func(context.Context), err error) {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}

	defer conn.Close() // returns it to the pool

	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}

	defer func() {
		if err != nil {
			_ = tx.Rollback() // err says what went wrong
		}
	}()

	client := ent.NewClient(ent.Driver(inTx{entsql.NewDriver(db.Dialect, entsql.Conn{ExecQuerier: tx})}))
	t := &Tx{Tx: tx, Client: client, DB: db, conn: conn}
	if err := do(t); err != nil {
		return nil, err
	}

	for _, last := range t.last {
		if err := last(ctx); err != nil {
			return nil, err
		}
	}

	if err := tx.Commit(); err != nil {
		return nil, afterCommit(err)
	}

	return t.after, nil
}

// inTx is an ent driver whose transactions are the one that is already open.
type inTx struct{ *entsql.Driver }

func (d inTx) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }
func (d inTx) Close() error                           { return nil }

// ForUpdate locks the rows of a SELECT until the transaction ends. SQLite needs nothing: its writer
// is alone.
func (db *DB) ForUpdate() string {
	if db.Dialect == dialect.Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Locked is ForUpdate for a query of ent's: give it to Where.
func (db *DB) Locked(row *entsql.Selector) {
	if db.Dialect == dialect.Postgres {
		row.ForUpdate()
	}
}

// SkipLocked is ForUpdate that passes over rows which another transaction holds.
func (db *DB) SkipLocked() string {
	if db.Dialect == dialect.Postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// NoIndex is a column that SQLite does not look for in an index. It knows nothing of how large
// tables are, and may take an index that tells only whose a row is for one that finds the row.
func (db *DB) NoIndex(column string) string {
	if db.Dialect == dialect.SQLite {
		return "+" + column
	}
	return column
}

func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// IsUnique reports whether err is the violation of a unique index.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}

	return err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// Moment is a time in the precision that both databases keep.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Now is the present in that precision.
func Now() time.Time { return Moment(time.Now()) }

// NullTime scans a time that an expression gives: SQLite knows the type of columns only, and hands
// over a text.
type NullTime struct {
	Time  time.Time
	Valid bool
}

// Scan reads a time, a text of the form in which the SQLite driver writes times, or NULL.
func (n *NullTime) Scan(src any) (err error) {
	switch v := src.(type) {
	case nil:
		*n = NullTime{}
	case time.Time:
		*n = NullTime{v.UTC(), true}
	case string:
		n.Time, err = time.Parse(sqliteTime, v)
		n.Time, n.Valid = n.Time.UTC(), err == nil
	default:
		return fmt.Errorf("scan time: unexpected %T", src)
	}

	return err
}
