package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// How soon it is worth asking again.
const (
	soon  = time.Second      // a lock is given back
	later = 5 * time.Second  // a server is restarted, or its successor takes over
	slow  = 30 * time.Second // somebody has to make room
)

// awayPostgres says what PostgreSQL's codes, or their first two letters, mean that are no fault of
// the statement.
var awayPostgres = map[string]time.Duration{
	"08":    later, // connection exceptions
	"53":    later, // insufficient resources: memory, connections
	"53100": slow,  // disk full
	"57P01": later, // admin shutdown
	"57P02": later, // crash shutdown
	"57P03": later, // cannot connect now: it starts, or recovers
	"57P05": soon,  // idle session timeout
	"57014": soon,  // canceled: a statement timeout
	"55P03": soon,  // lock not available
	"40001": soon,  // serialization failure, after InTx has tried again
	"40P01": soon,  // deadlock, likewise
	"25006": later, // read-only: the server has become a standby
	"25P03": soon,  // idle in transaction timeout
	"58030": slow,  // I/O error
}

// awaySQLite says the same of SQLite's primary result codes.
var awaySQLite = map[int]time.Duration{
	sqlite3.SQLITE_BUSY:      soon,
	sqlite3.SQLITE_LOCKED:    soon,
	sqlite3.SQLITE_PROTOCOL:  soon, // a lock that could not be had
	sqlite3.SQLITE_INTERRUPT: soon,
	sqlite3.SQLITE_NOMEM:     later,
	sqlite3.SQLITE_READONLY:  slow,
	sqlite3.SQLITE_FULL:      slow,
	sqlite3.SQLITE_IOERR:     slow,
	sqlite3.SQLITE_CANTOPEN:  slow,
}

// Away reports whether an error says that the database cannot serve now: it is not reached, locked,
// full, overloaded or read-only. It is no fault of the caller or of the statement, and after a
// while it is worth asking again.
func Away(err error) (again time.Duration, away bool) {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil:
		return 0, false
	case errors.As(err, &pg):
		if again, away = awayPostgres[pg.Code]; !away && len(pg.Code) == 5 {
			again, away = awayPostgres[pg.Code[:2]]
		}
		return again, away
	case errors.As(err, &lite):
		again, away = awaySQLite[lite.Code()&0xff]
		return again, away
	}

	return later, isDisconnected(err)
}

// isDisconnected reports whether a connection to the database could not be made, or was lost.
func isDisconnected(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled): // by the caller
		return false
	case errors.As(err, &connect), errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded):
		return true
	}

	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		pgconn.ErrConnClosed} {
		if errors.Is(err, lost) {
			return true
		}
	}

	return false
}

// Uncertain is the error of a commit whose answer was lost: the change is made in whole or not at
// all, and which of the two is not known.
type Uncertain struct{ Err error }

func (u *Uncertain) Error() string { return u.Err.Error() }

// Unwrap gives what the driver said.
func (u *Uncertain) Unwrap() error { return u.Err }

// afterCommit is the error of a commit that did not succeed. What the database itself refused, and
// what was not sent to it, is certainly not made.
func afterCommit(err error) error {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	said := fmt.Errorf("commit: %w", err)

	switch {
	case err == context.Canceled, err == context.DeadlineExceeded: // bare: database/sql looked before it sent anything
		return said
	case errors.As(err, &pg), errors.As(err, &lite), errors.Is(err, sql.ErrTxDone), pgconn.SafeToRetry(err):
		return said
	}

	return &Uncertain{said}
}
