// Package dbtest gives tests real databases: every store test runs on SQLite and on PostgreSQL,
// each on a file or a schema of its own, and on Redis where there is one. Servers are looked for in
// TEST_DATABASE_URL and TEST_REDIS_URL, then at the usual local ports, then as installed programs,
// which are started privately and stopped again with the test's process. What is missing is left
// out loudly; CARILLON_TEST_REQUIRE_ALL=1 makes it a failure.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"carillon/database"
)

// requireAll forbids leaving a database out.
func requireAll() bool { return os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" }

// Each runs test once on SQLite and once on PostgreSQL, as parallel subtests.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, dsn(t)))
		})
	}
}

// Open opens and migrates a database and closes it when the test is over.
func Open(t testing.TB, dsn string) *database.DB {
	t.Helper()
	if err := prepare(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}

	db, err := database.Open(t.Context(), watched(t, dsn), 8)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}

	return db
}

// OpenTraced opens PostgreSQL with a tracer of statements.
func OpenTraced(t testing.TB, tracer pgx.QueryTracer) *database.DB {
	t.Helper()
	config := must(pgx.ParseConfig(Postgres(t)))
	config.Tracer = tracer
	db, err := database.OpenPostgres(t.Context(), config, 8)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })

	return db
}

// SQLite is the DSN of a new file.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "carillon.db")
}

// Postgres is the DSN of a schema with all tables and no rows, which is the test's alone; the test
// is skipped where there is no PostgreSQL.
func Postgres(t testing.TB) string {
	t.Helper()
	return leased(t, postgresOrSkip(t))
}

// EmptyPostgres is the DSN of a new schema without tables, dropped when the test is over; the test
// is skipped where there is no PostgreSQL.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	server, schema := postgresOrSkip(t), "test_"+token()
	admin(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { admin(t, server, "DROP SCHEMA "+schema+" CASCADE") })

	return dsnOf(server, schema)
}

func postgresOrSkip(t testing.TB) (server string) {
	t.Helper()
	if server = postgresServer(); server == "" {
		leaveOut(t, "PostgreSQL", "TEST_DATABASE_URL")
	}

	return server
}

// Redis is a real server's URL where there is one, else an in-process one, and a prefix of the
// test's own for its keys.
func Redis(t testing.TB) (client redis.UniversalClient, prefix string) {
	t.Helper()
	address := redisServer()
	if address == "" {
		if requireAll() {
			t.Fatal("no Redis: set TEST_REDIS_URL or start one on 127.0.0.1:6379")
		}

		warn("Redis", "TEST_REDIS_URL")
		address = "redis://" + miniredis.RunT(t).Addr()
	}

	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}

	client = redis.NewClient(options)
	prefix = "test" + token()

	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for keys := client.Scan(ctx, 0, "*"+prefix+"*", 1000).Iterator(); keys.Next(ctx); {
			client.Del(ctx, keys.Val())
		}

		_ = client.Close()
	})

	return client, prefix
}

// RedisURL is the URL of a numbered database of the real Redis that is the test's alone, for whole
// processes, which cannot be told a prefix. The test is skipped where there is no Redis, and waits
// where all databases are taken.
func RedisURL(t testing.TB) string {
	t.Helper()
	address := redisServer()
	if address == "" {
		leaveOut(t, "Redis", "TEST_REDIS_URL")
	}

	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}

	locks := redis.NewClient(must(redis.ParseURL(address)))
	t.Cleanup(func() { _ = locks.Close() })

	for wait := time.NewTicker(100 * time.Millisecond); ; {
		for n := 1; n <= numberedDatabases; n++ {
			key := fmt.Sprintf("carillon-test-database-%d", n)
			if free, err := locks.SetNX(t.Context(), key, t.Name(), heldFor).Result(); err != nil {
				t.Fatal(err)
			} else if !free {
				continue
			}

			wait.Stop()
			u.Path = fmt.Sprintf("/%d", n)
			mine := redis.NewClient(must(redis.ParseURL(u.String())))
			mine.FlushDB(t.Context())

			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				mine.FlushDB(ctx)
				_ = mine.Close()
				locks.Del(ctx, key)
			})

			return u.String()
		}

		<-wait.C
	}
}

const (
	numberedDatabases = 15 // a Redis has 16 unless it is told otherwise; 0 is everybody's
	heldFor           = 5 * time.Minute
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of an address that has been parsed before
	}
	return v
}

var warned sync.Map

func warn(what, variable string) {
	if _, again := warned.LoadOrStore(what, true); !again {
		fmt.Fprintf(os.Stderr,
			"\n*** LEFT OUT: no %s was found, so these tests ran without it. Set %s, or start it on its usual local port. "+
				"***\n\n",
			what, variable)
	}
}

func leaveOut(t testing.TB, what, variable string) {
	t.Helper()
	if requireAll() {
		t.Fatalf("no %s: set %s or start it on its usual local port", what, variable)
	}

	warn(what, variable)
	t.Skipf("LEFT OUT: no %s (set %s)", what, variable)
}

func token() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func admin(t testing.TB, server, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}

	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Errorf("%s: %v", strings.Fields(statement)[0], err)
	}
}
