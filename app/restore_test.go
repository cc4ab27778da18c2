package app_test

import (
	"context"
	"net/url"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

// plain is the address of a schema's database for PostgreSQL's own programs, and the schema.
func plain(t *testing.T, dsn string) (server *url.URL, schema string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}

	schema = u.Query().Get("search_path")
	u.RawQuery = url.Values{"sslmode": {u.Query().Get("sslmode")}}.Encode()

	return u, schema
}

// runProgram runs one of PostgreSQL's programs.
func runProgram(t *testing.T, name string, args ...string) {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("LEFT OUT: %s is not installed", name)
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// restore brings a dump into a new database, and gives the DSN of the schema there.
func restore(t *testing.T, dsn, file string) (restored string) {
	t.Helper()
	server, schema := plain(t, dsn)
	conn, err := pgx.Connect(t.Context(), server.String())
	if err != nil {
		t.Fatal(err)
	}

	name := "restored_" + schema
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, _ = conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		_ = conn.Close(ctx)
	})

	server.Path = "/" + name
	runProgram(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname", server.String(), file)
	u, _ := url.Parse(dsn) // plain has parsed it
	u.Path = "/" + name

	return u.String()
}

// It does what the page on backups says: back up while a campaign runs, restore elsewhere, pause
// before a worker starts, decide, and resume.
func TestABackupOfARunningCampaignIsRestoredAndNothingIsSentUntilSomebodyDecides(t *testing.T) {
	t.Parallel()
	const n, at = 150, 40
	dsn, file := dbtest.Postgres(t), filepath.Join(t.TempDir(), "carillon.dump")
	s := deploy(t, dsn, sandbox.Options{Throughput: 100, NoPairLimit: true})
	s.environ = append(s.environ, "ENCRYPTION_KEY="+testKey)
	kill := s.start("")
	s.ready()
	campaign := s.draft(n)
	s.do("launchCampaign", campaign)
	s.until("the campaign runs", func() bool { return len(s.sandbox.Accepted()) >= at })

	server, schema := plain(t, dsn)
	runProgram(t, "pg_dump", "--format=custom", "--schema="+schema, "--file="+file, server.String())
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == n
	})
	s.judge(n)
	kill(syscall.SIGTERM)

	restored := restore(t, dsn, file)
	db, err := database.Open(t.Context(), restored, 4)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })
	s.db = db
	s.environ = append(s.environ, "DATABASE_URL="+restored, "REDIS_URL="+dbtest.OwnRedis(t).URL)
	s.start("serve")
	s.ready()
	if status, p := s.progress(campaign); status != "RUNNING" || p.Read >= n {
		t.Fatalf("the backup has the campaign %s with %d read: it was not taken in its middle", status, p.Read)
	}

	s.do("pauseCampaign", campaign)
	s.decideSoon()
	s.forgetLeases()
	work := freeAddress(t)
	s.start("work", "HTTP_ADDR="+work)
	s.readyAt("http://" + work)
	var claimed int
	s.until("what was claimed is settled", func() bool {
		row := s.db.QueryRow(t.Context(), "SELECT count(*) FROM message WHERE status = 'SENDING'")
		return row.Scan(&claimed) == nil && claimed == 0
	})
	if sent := len(s.sandbox.Accepted()); sent != n {
		t.Errorf("%d messages were sent before anybody decided", sent-n)
	}

	s.recount()
	s.do("resumeCampaign", campaign)
	s.until("the restored campaign is over", func() bool {
		status, _ := s.progress(campaign)
		return status == "COMPLETED"
	})
	s.recount()
	got := map[string]bool{}
	for _, a := range s.sandbox.Accepted() {
		got[a.To] = true
	}
	if len(got) != n || len(s.sandbox.Accepted()) > 2*n {
		t.Errorf("%d people got a message, want %d", len(got), n)
	}
}
