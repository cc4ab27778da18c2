package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"carillon/ent/migrate/migrations"
)

// leased is the DSN of a schema with all tables and no rows, which is the test's alone until it is
// over. Making some sixty tables takes a second or two of a busy server, and emptying them some
// milliseconds, so schemas stay: in the process for its next test, in the database for the next
// process. One whose tables a test has changed is made anew.
func leased(t testing.TB, server string) string {
	t.Helper()
	p := leasesOf(server)
	schema, err := p.take(context.Background())
	if err != nil {
		t.Fatalf("lease a schema: %v", err)
	}

	t.Cleanup(func() { p.giveBack(schema) })

	return dsnOf(server, schema)
}

// dsnOf is the DSN under which a schema is used. The schema's name is the application's too, by
// which connections are found that a killed process has left behind.
func dsnOf(server, schema string) string {
	u := must(url.Parse(server))
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("application_name", schema)
	q.Set("synchronous_commit", "off") // nothing here outlives a crash of this server; those that do have an OwnPostgres
	u.RawQuery = q.Encode()

	return u.String()
}

// leases are the schemas that this process has taken, each by an advisory lock of one connection.
// When the process ends, however it does, others may take them.
type leases struct {
	server string

	mu    sync.Mutex
	conn  *pgx.Conn
	free  []string
	taken int // the number of the last one
}

var everyLease sync.Map // *leases by server

func leasesOf(server string) *leases {
	p, _ := everyLease.LoadOrStore(server, &leases{server: server})
	return p.(*leases)
}

const (
	leasePrefix = "carillon_test_"
	lockSchema  = "SELECT pg_try_advisory_lock(1818583923, hashtext($1))" // the first half says: a leased schema
)

// take gives a schema that nobody else uses, empty.
func (p *leases) take(ctx context.Context) (schema string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil {
		if err := p.connect(ctx); err != nil {
			return "", err
		}
	}

	if n := len(p.free); n > 0 {
		schema, p.free = p.free[n-1], p.free[:n-1]
	} else if schema, err = p.lockNext(ctx); err != nil {
		return "", err
	}

	if err := p.empty(ctx, schema); err != nil {
		return "", fmt.Errorf("%s: %w", schema, err)
	}

	return schema, nil
}

func (p *leases) giveBack(schema string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, schema)
}

// connect opens the connection that holds the locks, and drops schemas that are of other migrations
// and in nobody's hands.
func (p *leases) connect(ctx context.Context) (err error) {
	if p.conn, err = pgx.Connect(ctx, p.server); err != nil {
		return err
	}

	rows, err := p.conn.Query(ctx, "SELECT nspname FROM pg_namespace "+
		"WHERE starts_with(nspname, $1) AND NOT starts_with(nspname, $2)", leasePrefix, leasePrefix+migrationsSum())
	if err != nil {
		return err
	}

	outdated, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}

	for _, schema := range outdated {
		var locked bool
		if err := p.conn.QueryRow(ctx, lockSchema, schema).Scan(&locked); err != nil {
			return err
		}
		if !locked {
			continue
		}

		if _, err := p.conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			return err
		}
	}

	return nil
}

// lockNext locks the first schema that no process holds. Their names are numbered.
func (p *leases) lockNext(ctx context.Context) (schema string, err error) {
	for locked := false; !locked && err == nil; {
		p.taken++
		schema = fmt.Sprintf("%s%s_%d", leasePrefix, migrationsSum(), p.taken)
		err = p.conn.QueryRow(ctx, lockSchema, schema).Scan(&locked)
	}

	return schema, err
}

// empty makes a schema as good as new: it ends connections that were left behind, deletes all rows
// and begins all sequences anew. It makes one whose tables are missing or are not as they were
// made, and one that it may not empty.
func (p *leases) empty(ctx context.Context, schema string) error {
	_, err := p.conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "+
		"WHERE application_name LIKE '%' || $1 AND pid <> pg_backend_pid()", schema)
	if err != nil {
		return err
	}

	var same bool
	err = p.conn.QueryRow(ctx, "SELECT coalesce(obj_description(to_regnamespace($1), 'pg_namespace') = ("+
		structureSum+"), false)", schema).Scan(&same)
	if err != nil {
		return err
	}

	if same {
		if _, err := p.conn.Exec(ctx, strings.ReplaceAll(emptyTables, "{schema}", schema)); err == nil {
			return nil
		}
	}

	return p.make(ctx, schema)
}

// make makes a schema with its tables, and then notes in its comment what they look like.
func (p *leases) make(ctx context.Context, schema string) error {
	if _, err := p.conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE; CREATE SCHEMA "+schema); err != nil {
		return err
	}
	if err := prepare(ctx, dsnOf(p.server, schema)); err != nil {
		return err
	}

	var sum string
	if err := p.conn.QueryRow(ctx, structureSum, schema).Scan(&sum); err != nil {
		return err
	}

	_, err := p.conn.Exec(ctx, "COMMENT ON SCHEMA "+schema+" IS '"+sum+"'")

	return err
}

// structureSum is a sum of what schema $1 consists of: columns of tables and indexes, constraints,
// triggers and functions.
const structureSum = `SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
	SELECT concat_ws(' ', c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, a.atthasdef) AS part
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = to_regnamespace($1) AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT concat_ws(' ', c.relname, o.conname) FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
		WHERE o.connamespace = to_regnamespace($1)
	UNION ALL SELECT concat_ws(' ', c.relname, g.tgname, g.tgenabled) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
		WHERE c.relnamespace = to_regnamespace($1) AND NOT g.tgisinternal
	UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace($1)
) parts`

// emptyTables deletes the rows of all tables but goose's, without triggers, and begins sequences
// anew. Of a table that has grown it gives back the pages, so that no test reads what others left.
const emptyTables = `DO $$
DECLARE
	t record;
BEGIN
	SET LOCAL session_replication_role = replica;
	FOR t IN SELECT oid::regclass AS name, pg_relation_size(oid) AS bytes FROM pg_class
		WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' AND relname <> '` + versions + `'
	LOOP
		IF t.bytes > 65536 THEN
			EXECUTE format('TRUNCATE %s CASCADE', t.name);
		ELSIF t.bytes > 0 THEN
			EXECUTE format('DELETE FROM %s', t.name);
		END IF;
	END LOOP;

	PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
		FROM pg_sequences WHERE schemaname = '{schema}' AND last_value IS NOT NULL;
END $$`

// migrationsSum tells versions of PostgreSQL's tables apart.
var migrationsSum = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, name := range must(fs.Glob(migrations.Files, "postgres/*.sql")) {
		sum.Write(must(fs.ReadFile(migrations.Files, name)))
	}

	return hex.EncodeToString(sum.Sum(nil)[:6])
})
