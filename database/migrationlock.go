package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/lock"
)

const (
	lockTriedEvery = time.Second
	lockTries      = 300
)

// migrationLock lets one process migrate at a time. A transaction of its own holds the lock, beside
// the migrations: a lock of a session would be lost behind a pooler that gives each transaction
// another session. It is the lock that a session of an older program takes.
type migrationLock struct {
	pool *sql.DB
	held *sql.Tx
}

// SessionLock looks every second, for five minutes, whether the lock is to be had.
func (l *migrationLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	tick := time.NewTicker(lockTriedEvery)
	defer tick.Stop()
	for range lockTries {
		if err := l.try(ctx); err != nil || l.held != nil {
			return err
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}

	return errors.New("another process has been migrating for five minutes: wait for its end, and run " +
		"`carillon migrate` again")
}

// try holds the lock where nobody else does.
func (l *migrationLock) try(ctx context.Context) error {
	tx, err := l.pool.BeginTx(context.WithoutCancel(ctx), nil) // SessionUnlock ends it
	if err != nil {
		return fmt.Errorf("lock the migrations: %w", err)
	}

	var held bool
	err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID).Scan(&held)
	if err != nil {
		return errors.Join(fmt.Errorf("lock the migrations: %w", err), tx.Rollback())
	}

	if !held {
		return tx.Rollback()
	}

	l.held = tx

	return nil
}

// SessionUnlock gives the lock back.
func (l *migrationLock) SessionUnlock(context.Context, *sql.Conn) error {
	held := l.held
	l.held = nil

	return held.Rollback()
}
