package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"carillon/app"
	"carillon/cli"
	"carillon/config"
	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

// It passes through what befalls the database of a running process, one thing after the other.
func TestReadinessNamesWhatIsWrongWithTheDatabaseAndTheCure(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	const later = "INSERT INTO goose_db_version (id, version_id, is_applied) OVERRIDING SYSTEM VALUE VALUES (" +
		"9999, 29990101000000, true)"
	_, s := inProcess(t, "DATABASE_URL="+dsn, "ENCRYPTION_KEY="+testKey)

	for _, step := range []struct {
		what, change string
		status       int
		says         []string
	}{
		{"all is well", "SELECT 1", http.StatusOK, []string{"ready"}},
		{"a later version has migrated", later,
			http.StatusOK, []string{"ready", "later version (29990101000000)", "start the later program"}},
		{"a backup of an earlier version is restored", "DELETE FROM goose_db_version WHERE version_id > 20260901000000",
			http.StatusServiceUnavailable, []string{"not up to date", "carillon migrate"}},
		{"it is empty", "DROP TABLE goose_db_version", http.StatusServiceUnavailable, []string{"carillon migrate"}},
	} {
		if _, err := s.db.Client.ExecContext(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}

		checkReady(t, step.what, s.url, step.status, step.says...)
	}

	readOnly := dbtest.Postgres(t) + "&default_transaction_read_only=on"
	cfg, err := config.Load([]string{"DATABASE_URL=" + readOnly, "ENCRYPTION_KEY=" + testKey})
	if err != nil {
		t.Fatal(err)
	}

	p, err := app.Build(t.Context(), cfg, app.RedisPrefix, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = p.Close() })
	server := httptest.NewServer(app.Routes(p, app.Roles{API: true}))
	t.Cleanup(server.Close)
	s.url = server.URL
	checkReady(t, "it is read-only", s.url, http.StatusServiceUnavailable, "read-only", "default_transaction_read_only")
}

func checkReady(t *testing.T, what, url string, want int, says ...string) {
	t.Helper()
	status, text := get(t, url+"/readyz")
	if status != want {
		t.Errorf("%s: /readyz answers %d %s, want %d", what, status, text, want)
	}

	for _, part := range says {
		if !strings.Contains(text, part) {
			t.Errorf("%s: /readyz says %q, and not %q", what, text, part)
		}
	}
}

func TestARedisThatEvictsIsToldInReadinessAndTheLog(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnRedis(t)
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}

	client := redis.NewClient(options)
	defer client.Close()
	if err := client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}

	s := deploy(t, dbtest.SQLite(t), sandbox.Options{})
	s.environ = append(s.environ, "REDIS_URL="+server.URL, "ENCRYPTION_KEY="+testKey)
	ctx, stop := context.WithCancel(t.Context())
	log, done := &syncBuffer{}, make(chan error, 1)
	go func() { done <- cli.Run(ctx, []string{"serve"}, s.environ, io.Discard, log) }()
	s.until("it is in the log", func() bool { return strings.Contains(log.String(), "allkeys-lru") })
	checkReady(t, "Redis evicts", s.url, http.StatusOK, "ready\nwarning:", "set maxmemory-policy noeviction")
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// The log of a real process is read whole, while Redis goes away under it and go-redis has much to
// say, and when it ends with an error.
func TestEveryLineOfAJSONLogIsJSONAndTellsUnitsAndTheEnd(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnRedis(t)
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	environ := append(s.environ, "REDIS_URL="+server.URL, "ENCRYPTION_KEY="+testKey, "LOG_FORMAT=json", "LOG_LEVEL=info",
		childVariable+"=work")
	log := &syncBuffer{}
	child := exec.Command(os.Args[0])
	child.Env, child.Stderr, child.Stdout = environ, log, log
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = child.Process.Kill() })
	s.ready()
	server.Kill()
	s.until("go-redis says something", func() bool { return strings.Contains(log.String(), "go-redis") })
	s.until("asynq says something", func() bool { return strings.Contains(log.String(), `"from":"asynq"`) })
	_ = child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}

	failing := exec.Command(os.Args[0])
	failing.Env, failing.Stderr = append(environ, "HTTP_ADDR=nowhere"), log
	_ = failing.Run()

	text := log.String()
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var entry map[string]any
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Errorf("a line is no JSON: %s", lines.Text())
		}
		if from := entry["from"]; entry["level"] == "ERROR" && (from == "asynq" || from == "go-redis") {
			t.Errorf("a failover trips alarms: %s", lines.Text())
		}
	}

	for _, said := range []string{`"msg":"carillon is up"`, `"msg":"carillon is stopping`, `"msg":"carillon has stopped"`,
		`"duration_seconds":`, `"database":"PostgreSQL at `, "nowhere"} {
		if !strings.Contains(text, said) {
			t.Errorf("the log does not say %s:\n%s", said, tail(text, 3000))
		}
	}
}

func TestServeAndWorkAskForADatabaseThatBothCanReach(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"serve", "work"} {
		err := cli.Run(t.Context(), []string{role}, []string{"REDIS_URL=redis://127.0.0.1:1", "DATA_DIR=" + t.TempDir()},
			io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL: ") || !strings.Contains(err.Error(), "postgres://") {
			t.Errorf("%s without DATABASE_URL ends with %v", role, err)
		}
	}
}

func TestMigrateSaysWhichDatabaseItIsAndNoPassword(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := cli.Run(t.Context(), []string{"migrate"}, []string{"DATABASE_URL=" + dbtest.Postgres(t)}, &out, io.Discard)
	if err != nil || !strings.Contains(out.String(), "the database is up to date: PostgreSQL at ") ||
		strings.Contains(out.String(), "@") {
		t.Errorf("migrate says %q, %v", out.String(), err)
	}
}

// Processes of both roles share six connections to PostgreSQL, and no statement is prepared on any.
func TestBehindAPoolerOfTransactionsACampaignReachesEverybodyOnce(t *testing.T) {
	t.Parallel()
	const n = 200
	dsn := dbtest.Postgres(t)
	s := deploy(t, dsn, sandbox.Options{Throughput: 400, NoPairLimit: true})
	s.environ = append(s.environ, "DATABASE_URL="+dbtest.PgBouncer(t, dsn), "REDIS_URL="+dbtest.OwnRedis(t).URL,
		"ENCRYPTION_KEY="+testKey)
	s.start("serve")
	s.start("work", "HTTP_ADDR="+freeAddress(t))
	s.ready()
	campaign := s.draft(n)
	s.do("launchCampaign", campaign)
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == n
	})
	s.judge(n)
}
