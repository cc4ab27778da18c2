package database_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
)

func TestWhatIsRefusedForItsContentIsToldFromADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		run := func(ctx context.Context, query string, args ...any) error {
			return db.InTx(ctx, func(tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, query, args...)
				return err
			})
		}

		ctx := t.Context()
		if err := run(ctx, "CREATE TABLE thing (name text PRIMARY KEY, n int NOT NULL CHECK (n > 0))"); err != nil {
			t.Fatal(err)
		}

		insert := "INSERT INTO thing (name, n) VALUES ($1, $2)"
		refused := map[string]error{
			"a broken rule":   run(ctx, insert, "a", 0),
			"a missing value": run(ctx, insert, "a", nil),
			"a key twice":     errors.Join(run(ctx, insert, "b", 1), run(ctx, insert, "b", 1)),
			"a bug of ours":   errors.New("a value that cannot be written"),
		}
		if db.Dialect == "postgres" {
			noise := make([]byte, 8000) // as random letters, which cannot be compressed
			rand.NewChaCha8([32]byte{}).Read(noise)
			refused["a text for which the index has no room"] = run(ctx, insert, hex.EncodeToString(noise), 1)
			refused["text that is not Unicode"] = run(ctx, insert, "\xff", 1)
			refused["U+0000"] = run(ctx, insert, "\x00", 1)
			refused["JSON that is not Unicode"] = run(ctx, `SELECT '"\u0000"'::jsonb`)
		}

		for name, err := range refused {
			if err == nil || !database.IsRefusal(fmt.Errorf("store: %w", err)) {
				t.Errorf("%s: %v", name, err)
			}
		}

		over, cancel := context.WithCancel(ctx)
		cancel()

		for name, err := range map[string]error{
			"a table that is not there": run(ctx, "INSERT INTO nothing VALUES (1)"),
			"a call that is over":       run(over, insert, "c", 1), "no error": nil,
			"a network that is away":  &net.OpError{Op: "dial", Err: errors.New("refused")},
			"a connection that ended": io.ErrUnexpectedEOF,
		} {
			if database.IsRefusal(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
