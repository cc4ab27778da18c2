package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// IsRefusal reports whether a write failed by what it was to store, and would fail again: a value
// that is too long for an index, text that is not Unicode, a broken rule of a table. It is false
// when the database was away, full, busy or not up to date.
func IsRefusal(err error) bool {
	var postgres *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil:
		return false
	case errors.As(err, &postgres):
		return slices.Contains(refusals, postgres.Code[:min(2, len(postgres.Code))])
	case errors.As(err, &lite):
		return slices.Contains(liteRefusals, lite.Code()&0xff)
	}

	return !isAway(err)
}

// refusals are PostgreSQL's classes of errors: data exception, constraint violation, program limit
// exceeded.
var refusals = []string{"22", "23", "54"}

var liteRefusals = []int{sqlitelib.SQLITE_CONSTRAINT, sqlitelib.SQLITE_TOOBIG, sqlitelib.SQLITE_MISMATCH,
	sqlitelib.SQLITE_RANGE}

// isAway recognizes the errors that come without the database having answered.
func isAway(err error) bool {
	var network net.Error
	for _, away := range []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, driver.ErrBadConn, sql.ErrConnDone,
		sql.ErrTxDone, errOver,
	} {
		if errors.Is(err, away) {
			return true
		}
	}

	return errors.As(err, &network) || errors.As(err, new(*pgconn.ConnectError)) || pgconn.SafeToRetry(err)
}
