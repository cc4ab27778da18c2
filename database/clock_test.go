package database_test

import (
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"carillon/database"
	"carillon/database/dbtest"
)

func TestProcessesWhoseClocksDifferHaveTheDatabasesTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, off := range []time.Duration{0, time.Hour, -90 * time.Minute} {
			local := func() time.Time { return time.Now().Add(off) }
			clock, err := db.Clock(t.Context(), local)
			if err != nil {
				t.Fatal(err)
			}

			want := local()
			if db.Dialect == dialect.Postgres { // the server of tests runs on this machine
				want = time.Now()
			}

			if got := clock.Now(); got.Sub(want).Abs() > 2*time.Second || got.Location() != time.UTC ||
				!got.Equal(got.Truncate(time.Microsecond)) {
				t.Errorf("%s off: it is %s, and should be %s", off, got, want)
			}
		}
	})
}
