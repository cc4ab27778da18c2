package database_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/privacy"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/uid"
)

func TestMigrationsMakeExactlyWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.EmptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			empty := func() *database.DB {
				db, err := database.Open(t.Context(), dsn(t), 4)
				if err != nil {
					t.Fatal(err)
				}

				t.Cleanup(func() { _ = db.Close() })

				return db
			}

			migrated, fresh := empty(), empty()
			if err := migrated.Current(t.Context()); !errors.Is(err, database.ErrOutdated) {
				t.Errorf("before: %v", err)
			}
			if applied, err := migrated.Migrate(t.Context()); err != nil || len(applied) == 0 {
				t.Fatal(applied, err)
			}
			if err := migrated.Current(t.Context()); err != nil {
				t.Error(err)
			}

			copied := dbtest.Open(t, dsn(t))
			if diff := cmp.Diff(structure(t, migrated), structure(t, copied)); diff != "" {
				t.Errorf("the migrations (-) and what tests run on (+) differ:\n%s", diff)
			}
			if applied, err := copied.Migrate(t.Context()); err != nil || len(applied) > 0 {
				t.Errorf("what tests run on still lacks %v, %v", applied, err)
			}

			var sql bytes.Buffer
			if err := fresh.Drift(t.Context(), &sql); err != nil {
				t.Fatal(err)
			}

			err := fresh.InTx(t.Context(), func(tx *database.Tx) error {
				for statement := range strings.SplitSeq(sql.String(), ";\n") {
					if _, err := tx.ExecContext(t.Context(), statement); err != nil {
						return fmt.Errorf("%s: %w", statement, err)
					}
				}

				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if again := drift(t, migrated); strings.Contains(again, "TABLE") {
				t.Errorf("a draft would rebuild tables that are as they should be:\n%s", again)
			}
			if diff := cmp.Diff(structure(t, fresh), structure(t, migrated)); diff != "" {
				t.Errorf("ent/schema (-) and the migrations (+) differ; draft the next one with make migration NAME=…\n%s", diff)
			}
		})
	}
}

// structure lists tables, columns, keys and indexes in the database's own words.
func structure(t *testing.T, db *database.DB) (lines []string) {
	t.Helper()
	query := `SELECT t.name || ' ' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value,
		'') || ' ' || c.pk FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'
		AND t.name NOT LIKE 'goose%' AND t.name NOT LIKE 'sqlite%'
			UNION ALL SELECT t.name || ' ' || f."from" || ' ' || f."table" || ' ' || f.on_delete
			FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'
			UNION ALL SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type = 'index' AND tbl_name NOT LIKE 'goose%'`
	if db.Dialect == dialect.Postgres {
		query = `SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
			FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%'
			UNION ALL SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes
			WHERE schemaname = current_schema() AND tablename NOT LIKE 'goose%'
			UNION ALL SELECT c.conrelid::regclass || ' ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
			FROM pg_constraint c WHERE c.connamespace = current_schema()::regnamespace
			AND c.conrelid::regclass::text NOT LIKE 'goose%'`
	}

	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}

	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}

		lines = append(lines, line)
	}

	slices.Sort(lines)

	return lines
}

// drift is what a draft of the next migration would be made of.
func drift(t *testing.T, db *database.DB) string {
	t.Helper()
	var sql strings.Builder
	if err := db.Drift(t.Context(), &sql); err != nil {
		t.Fatal(err)
	}

	return sql.String()
}

func TestARowsetCarriesEveryKindOfValue(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ids := []uid.ID{uid.New(uid.Message), {}}
		text, number, at := "it's \"quoted\" 退订", 42, time.Date(2026, 10, 1, 12, 30, 0, 123456000, time.UTC)
		from, args := db.Rowset(nil,
			database.IDs("id", ids), database.Texts("a", []string{text, ""}), database.NullTexts("b", []*string{&text, nil}),
			database.Ints("n", []int{1, -1}), database.NullInts("m", []*int{&number, nil}),
			database.Times("t", []time.Time{at, at.Add(time.Hour)}),
			database.NullTimes("u", []*time.Time{&at, nil}),
			database.JSONs("j", []json.RawMessage{json.RawMessage(`{"k":"v"}`), nil}),
			database.Bytes("x", [][]byte{{0, 255, '"'}, nil}))

		rows, err := db.Query(t.Context(), "SELECT id, a, b, n, m, j, t, x, length(x) FROM "+from+" ORDER BY n DESC", args...)
		if err != nil {
			t.Fatal(err)
		}

		defer rows.Close()
		type row struct {
			ID   uid.ID
			A    string
			B    *string
			N    int
			M    *int
			JSON bool
			T    string
			X    []byte
			Size int // NULL could not be scanned
		}
		var got []row

		for rows.Next() {
			var r row
			var j *string
			var at any
			if err := rows.Scan(&r.ID, &r.A, &r.B, &r.N, &r.M, &j, &at, &r.X, &r.Size); err != nil {
				t.Fatal(err)
			}

			r.JSON = j != nil && json.Valid([]byte(*j))
			got = append(got, r)
		}

		want := []row{{ID: ids[0], A: text, B: &text, N: 1, M: &number, JSON: true, X: []byte{0, 255, '"'}, Size: 3}, {N: -1}}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoTenantSeesOrTouchesAnothersRows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := caller.System(t.Context())
		mine, theirs := organization(t, db, system), organization(t, db, system)
		list := db.Client.ContactList.Create().SetOrganizationID(theirs.ID).SetName("theirs").SaveX(system)
		me := caller.In(t.Context(), mine.ID)

		if n := db.Client.ContactList.Query().CountX(me); n != 0 {
			t.Errorf("I see %d lists of another organization", n)
		}
		if err := db.Client.ContactList.UpdateOneID(list.ID).SetName("mine").Exec(me); !ent.IsNotFound(err) {
			t.Errorf("changing another's list: %v", err)
		}
		if n, err := db.Client.ContactList.Delete().Exec(me); n != 0 || err != nil {
			t.Errorf("deleted %d lists of another organization, %v", n, err)
		}

		if err := db.Client.ContactList.Create().SetOrganizationID(theirs.ID).SetName("planted").
			Exec(me); !errors.Is(err, privacy.Deny) {
			t.Errorf("planting a row in another organization: %v", err)
		}

		planted := db.Client.ContactList.Create().SetName("own").SaveX(me)
		if planted.OrganizationID != mine.ID {
			t.Errorf("my row belongs to %s", planted.OrganizationID)
		}
		if n := db.Client.Organization.Query().CountX(me); n != 1 {
			t.Errorf("I see %d organizations", n)
		}

		for name, try := range map[string]func(context.Context) error{
			"reading":  func(ctx context.Context) error { _, err := db.Client.ContactList.Query().All(ctx); return err },
			"changing": func(ctx context.Context) error { return db.Client.ContactList.Update().SetName("x").Exec(ctx) },
			"making": func(ctx context.Context) error {
				return db.Client.ContactList.Create().SetOrganizationID(mine.ID).SetName("y").Exec(ctx)
			},
		} {
			if err := try(t.Context()); !errors.Is(err, privacy.Deny) {
				t.Errorf("%s without a tenant: %v", name, err)
			}
		}
	})
}

func TestATransactionIsAllOrNothingForEntAndSQLAlike(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := caller.System(t.Context())
		failed := errors.New("failed")
		err := db.InTx(system, func(tx *database.Tx) error {
			tx.Client.Organization.Create().SetName("gone").SaveX(system)
			if _, err := tx.ExecContext(system, "UPDATE organization SET name = 'still gone'"); err != nil {
				return err
			}

			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if n := db.Client.Organization.Query().CountX(system); n != 0 {
			t.Errorf("%d rows of a transaction that failed", n)
		}
	})
}

func organization(t *testing.T, db *database.DB, ctx context.Context) *ent.Organization {
	t.Helper()
	return db.Client.Organization.Create().SetName("organization").SaveX(ctx)
}

func TestASQLiteFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"that is new": false, "that was there": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.Chmod(folder, 0o755); err != nil {
				t.Fatal(err)
			}

			file := filepath.Join(folder, "carillon.db")
			if there {
				if err := os.WriteFile(file, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}

			dbtest.Open(t, "sqlite:"+file)
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if info, err := os.Stat(file + suffix); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", suffix, info.Mode(), err)
				}
			}
		})
	}
}
