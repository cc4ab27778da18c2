package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"carillon/ent"
)

// errPooled ends a connection on which it was found out that a pooler answers.
var errPooled = errors.New("a pooler answers")

// OpenPostgres is Open for a configuration of the driver's, which may have a tracer. It connects,
// and looks whether a pooler such as PgBouncer answers for PostgreSQL. One that gives each
// transaction another session knows no statements that were prepared in an earlier one, so then
// each statement is parsed where it runs. A mode that the address names stands.
func OpenPostgres(ctx context.Context, c *pgx.ConnConfig, maxConns int) (*DB, error) {
	var pooled atomic.Bool
	chosen := strings.Contains(c.ConnString(), "default_query_exec_mode=")
	pool := stdlib.OpenDB(*c, stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
		if pooled.Load() {
			c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
		return nil
	}))

	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	err := pool.PingContext(ctx)

	if err == nil && !chosen {
		if err = lookForPooler(ctx, pool); errors.Is(err, errPooled) {
			pooled.Store(true)
			err = closeIdle(ctx, pool, maxConns)
		}
	}

	if err != nil {
		return nil, errors.Join(fmt.Errorf("reach PostgreSQL: %w", err), pool.Close())
	}

	db := &DB{Dialect: dialect.Postgres, writer: pool, reader: pool}
	db.Client = ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, pool)))

	return db, nil
}

// closeIdle ends the connections that are open and not in use.
func closeIdle(ctx context.Context, pool *sql.DB, maxConns int) error {
	pool.SetMaxIdleConns(0)
	pool.SetMaxIdleConns(maxConns)

	return pool.PingContext(ctx)
}

// lookForPooler returns errPooled when whoever greeted us is not the server that runs our
// statements: a pooler gives its clients numbers of its own in the place of PostgreSQL's processes.
func lookForPooler(ctx context.Context, pool *sql.DB) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}

	defer conn.Close()

	return conn.Raw(func(driver any) error {
		c := driver.(*stdlib.Conn).Conn()
		var process uint32
		err := c.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&process)
		if err == nil && process != c.PgConn().PID() {
			return errPooled
		}

		return err
	})
}
