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

// Shared waits until no other transaction holds the name exclusively, and keeps such ones waiting
// until this one ends.
func (tx *Tx) Shared(ctx context.Context, name string) error {
	return tx.hold(ctx, "SELECT pg_advisory_xact_lock_shared($1)", name)
}

func (tx *Tx) hold(ctx context.Context, query, name string) error {
	if tx.DB.Dialect != dialect.Postgres {
		return nil
	}

	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))
	if _, err := tx.ExecContext(ctx, query, int64(sum.Sum64())); err != nil {
		return fmt.Errorf("hold %s: %w", name, err)
	}

	return nil
}

// ForNoKeyUpdate is ForUpdate that lets rows be referred to meanwhile.
func (db *DB) ForNoKeyUpdate() string {
	if db.Dialect == dialect.Postgres {
		return " FOR NO KEY UPDATE"
	}
	return ""
}
