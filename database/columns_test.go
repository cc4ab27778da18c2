package database_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
)

// note is a row of a table that only these tests have.
type note struct {
	id    uid.ID
	text  string
	hint  *string
	count int
	at    time.Time
}

var noteColumns = database.Columns[note]{
	database.Col("id", func(n note) uid.ID { return n.id }, database.IDs),
	database.Col("text", func(n note) string { return n.text }, database.Texts),
	database.Col("hint", func(n note) *string { return n.hint }, database.NullTexts),
	database.Col("count", func(n note) int { return n.count }, database.Ints),
	database.Col("at", func(n note) time.Time { return n.at }, database.Times),
}

func withNotes(t *testing.T, db *database.DB) {
	t.Helper()
	err := db.InTx(t.Context(), func(tx *database.Tx) error {
		_, err := tx.ExecContext(t.Context(),
			`CREATE TABLE note (id uuid NOT NULL PRIMARY KEY, text text NOT NULL, hint text, count bigint NOT NULL, at timestamptz NOT NULL)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func notes(t *testing.T, db *database.DB) []note {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT id, text, hint, count FROM note ORDER BY count")
	all, err := database.Collect(rows, err, func(rows *sql.Rows) (n note, err error) {
		return n, rows.Scan(&n.id, &n.text, &n.hint, &n.count)
	})
	if err != nil {
		t.Fatal(err)
	}

	return all
}

func TestRowsAreInsertedByATableOfTheirColumns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		withNotes(t, db)
		hint := "it's 100 % \"quoted\", 中文"
		want := []note{
			{id: uid.New(uid.Message), text: "first", count: 1},
			{id: uid.New(uid.Message), text: "", hint: &hint, count: 2},
		}

		stamped := append([]note{}, want...)
		for i := range stamped {
			stamped[i].at = database.Now()
		}

		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			if err := database.Insert(t.Context(), tx, "note", noteColumns, stamped[:0]); err != nil {
				return err
			}
			return database.Insert(t.Context(), tx, "note", noteColumns, stamped)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, notes(t, db), cmp.AllowUnexported(note{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnInsertThatIsRefusedNamesItsTable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			return database.Insert(t.Context(), tx, "nothing_of_the_kind", noteColumns,
				[]note{{id: uid.New(uid.Message), at: database.Now()}})
		})
		if err == nil || !strings.HasPrefix(err.Error(), "insert 1 rows into nothing_of_the_kind: ") {
			t.Error(err)
		}
	})
}

func TestCollectHandsOnTheErrorOfItsQueryAndOfItsScan(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		scan := func(rows *sql.Rows) (n int, err error) { return n, rows.Scan(&n) }
		rows, err := db.Query(t.Context(), "SELECT nonsense")
		if _, err := database.Collect(rows, err, scan); err == nil {
			t.Error("a query that fails collects")
		}

		rows, err = db.Query(t.Context(), "SELECT 'text'")
		if _, err := database.Collect(rows, err, scan); err == nil {
			t.Error("a value of another type collects")
		}

		rows, err = db.Query(t.Context(), "SELECT 1 UNION SELECT 2 ORDER BY 1")
		all, err := database.Collect(rows, err, scan)
		if diff := cmp.Diff([]int{1, 2}, all); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestWhatFollowsACommitRunsAfterItInOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		withNotes(t, db)
		var seen []int
		// Each looks at the database by a transaction of its own: the first is committed, and its
		// connection is free.
		look := func(step int) func(context.Context) {
			return func(ctx context.Context) {
				err := db.InTx(ctx, func(tx *database.Tx) error {
					n := 0
					if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM note").Scan(&n); err != nil {
						return err
					}

					seen = append(seen, step*10+n)

					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		}

		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			tx.After(look(1))
			tx.After(look(2))
			return database.Insert(t.Context(), tx, "note", noteColumns, []note{{id: uid.New(uid.Message), at: database.Now()}})
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{11, 21}, seen); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNothingFollowsATransactionThatIsRolledBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		wrong := errors.New("wrong")
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			tx.After(func(context.Context) { t.Error("news of what was rolled back") })
			return wrong
		})
		if !errors.Is(err, wrong) {
			t.Error(err)
		}
	})
}

func TestWhatFollowsRunsOnceThoughADeadlockHadTheTransactionRunAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tries, followed := 0, 0
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			tries++
			tx.After(func(context.Context) { followed++ })
			if tries == 1 {
				return &pgconn.PgError{Code: "40P01"}
			}

			return nil
		})
		if err != nil || tries != 2 || followed != 1 {
			t.Errorf("%d tries, followed %d times, %v", tries, followed, err)
		}
	})
}

func TestAnInsertionTakesExpressionsAndAClauseAtItsEnd(t *testing.T) {
	t.Parallel()
	columns := database.Columns[note]{noteColumns[0], noteColumns[1],
		database.Expr[note]("hint", "f.text || $1"), database.Expr[note]("count", "7"), noteColumns[4]}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		withNotes(t, db)
		first := note{id: uid.New(uid.Message), text: "first", at: database.Now()}
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			for range 2 {
				statement, args := columns.Insertion(db, "note", []note{first}, "!")
				if _, err := tx.ExecContext(t.Context(), statement+" ON CONFLICT (id) DO UPDATE SET text = 'again'",
					args...); err != nil {
					return err
				}
			}

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}

		hint := "first!"
		want := []note{{id: first.id, text: "again", hint: &hint, count: 7}}
		if diff := cmp.Diff(want, notes(t, db), cmp.AllowUnexported(note{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOnlyTrackedColumnsThatChangedInSomeRowAreWritten(t *testing.T) {
	t.Parallel()
	tracked := database.Columns[note]{
		database.Tracked("text", func(n note) string { return n.text }, database.Texts),
		database.Tracked("hint", func(n note) *string { return n.hint }, database.NullTexts),
		database.Tracked("count", func(n note) int { return n.count }, database.Ints),
	}

	before := note{text: "same", count: 1}
	hint := "new"

	for name, tc := range map[string]struct {
		rows []note
		want string
	}{
		"none":           {[]note{before, before}, ""},
		"one in one row": {[]note{before, {text: "same", count: 2}}, "count = f.count"},
		"two in two rows": {[]note{{text: "same", hint: &hint, count: 1}, {text: "other", count: 1}},
			"text = f.text, hint = f.hint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tracked.Changed(tc.rows, func(note) note { return before }).Sets(); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnEmptyValueOfAnOptionalColumnIsNull(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		from, args := db.Rowset(nil, database.Ints("place", []int{1, 2}), database.OptionalTexts("text", []string{"", "a"}),
			database.OptionalInts("number", []int{7, 0}))
		rows, err := db.Query(t.Context(), "SELECT place, text, number FROM "+from, args...)
		type pair struct {
			Text   *string
			Number *int
		}

		got, err := database.CollectMap(rows, err, func(rows *sql.Rows) (place int, p pair, err error) {
			err = rows.Scan(&place, &p.Text, &p.Number)
			return place, p, err
		})

		text, number := "a", 7
		if diff := cmp.Diff(map[int]pair{1: {nil, &number}, 2: {&text, nil}}, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
