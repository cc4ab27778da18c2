package database_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
)

func repeated[T any](n int, value T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = value
	}

	return all
}

func TestARowsetCarriesWhatAllItsRowsShareOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const n = 60
		text, number := "退订", 42
		at := time.Date(2026, 10, 1, 12, 30, 0, 123456000, time.UTC)
		id, places := uid.New(uid.Message), make([]int, n)
		for i := range places {
			places[i] = i
		}

		from, args := db.Rowset([]any{id, text, number, at, n - 1}, database.Ints("place", places),
			database.IDs("id", repeated(n, id)), database.IDs("none", repeated(n, uid.ID{})),
			database.Texts("a", repeated(n, text)),
			database.NullTexts("b", repeated(n, &text)), database.NullTexts("c", repeated[*string](n, nil)),
			database.Ints("n", repeated(n, number)), database.NullInts("m", repeated(n, &number)),
			database.NullInts("l", repeated[*int](n, nil)), database.Times("t", repeated(n, at)),
			database.NullTimes("u", repeated(n, &at)), database.NullTimes("v", repeated[*time.Time](n, nil)),
			database.JSONs("j", repeated(n, json.RawMessage(`{"k":"v"}`))),
			database.JSONs("k", repeated[json.RawMessage](n, nil)), database.Bytes("x", repeated(n, []byte{0, 255})),
			database.Texts("y", append(repeated(n-1, text), "the last differs")))

		each := map[string]string{"postgres": "[]", "sqlite3": "json_extract"}[db.Dialect]
		if differing := strings.Count(from, each); differing != 2 {
			t.Errorf("%d columns travel row by row, want place and y: %s", differing, from)
		}

		var rows, alike int
		err := db.QueryRow(t.Context(), `SELECT count(DISTINCT place), sum(CASE WHEN id = $1 AND none IS NULL AND a = $2
			AND b = $2 AND c IS NULL AND n = $3 AND m = $3 AND l IS NULL AND t = $4 AND u = $4 AND v IS NULL
			AND CAST(j ->> 'k' AS text) = 'v' AND k IS NULL AND length(x) = 2 AND (y = $2) = (place <> $5)
			THEN 1 ELSE 0 END)
			FROM `+from, args...).Scan(&rows, &alike)
		if err != nil {
			t.Fatal(err)
		}
		if rows != n || alike != n {
			t.Errorf("%d rows, %d as they were given", rows, alike)
		}
	})
}
