package database

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"entgo.io/ent/dialect"
)

// ErrAgain ends a transaction that found its ground changed by another one. InTx rolls it back and
// runs it again, as it does after a deadlock.
var ErrAgain = errors.New("another transaction was faster")

// Exclusive waits until no other transaction holds the name, and holds it until this one ends.
// SQLite needs nothing: its writer is alone.
func (tx *Tx) Exclusive(ctx context.Context, name string) error {
	return tx.hold(ctx, "SELECT pg_advisory_xact_lock($1)", name)
}

// Try holds the name until this transaction ends, as Exclusive does, or reports false when another
// one holds it. SQLite needs nothing: its writer is alone.
func (tx *Tx) Try(ctx context.Context, name string) (held bool, err error) {
	if tx.DB.Dialect != dialect.Postgres {
		return true, nil
	}

	if err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", lockOf(name)).Scan(&held); err != nil {
		return false, fmt.Errorf("try to hold %s: %w", name, err)
	}

	return held, nil
}

// Shared waits until no other transaction holds the name exclusively, and keeps such ones waiting
// until this one ends.
func (tx *Tx) Shared(ctx context.Context, name string) error {
	return tx.hold(ctx, "SELECT pg_advisory_xact_lock_shared($1)", name)
}

func (tx *Tx) hold(ctx context.Context, query, name string) error {
	if tx.DB.Dialect != dialect.Postgres {
		return nil
	}

	if _, err := tx.ExecContext(ctx, query, lockOf(name)); err != nil {
		return fmt.Errorf("hold %s: %w", name, err)
	}

	return nil
}

// lockOf is the number by which PostgreSQL knows a name.
func lockOf(name string) int64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))

	return int64(sum.Sum64())
}

// ForNoKeyUpdate is ForUpdate that lets rows be referred to meanwhile.
func (db *DB) ForNoKeyUpdate() string {
	if db.Dialect == dialect.Postgres {
		return " FOR NO KEY UPDATE"
	}
	return ""
}
