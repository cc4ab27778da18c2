package dbtest

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const answerWithin = 2 * time.Second

// postgresServer finds PostgreSQL once for the process; empty when there is none.
var postgresServer = sync.OnceValue(func() string {
	if dsn := os.Getenv("TEST_DATABASE_URL"); dsn != "" {
		return dsn
	}

	for _, dsn := range []string{
		"postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable",
		"postgres://postgres:postgres@127.0.0.1:5432/postgres?sslmode=disable",
		"postgres://" + userName() + "@127.0.0.1:5432/postgres?sslmode=disable",
	} {
		if postgresAnswers(dsn) {
			return dsn
		}
	}

	return startPostgres()
})

// redisServer finds Redis once for the process; empty when there is none.
var redisServer = sync.OnceValue(func() string {
	if address := os.Getenv("TEST_REDIS_URL"); address != "" {
		return address
	}
	if usual := "redis://127.0.0.1:6379/0"; redisAnswers(usual) {
		return usual
	}

	return startRedis()
})

func userName() string {
	if u, err := user.Current(); err == nil {
		return url.PathEscape(u.Username)
	}
	return "postgres"
}

func postgresAnswers(dsn string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return false
	}

	defer db.Close()

	return db.PingContext(ctx) == nil
}

func redisAnswers(address string) bool {
	options, err := redis.ParseURL(address)
	if err != nil {
		return false
	}

	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	client := redis.NewClient(options)
	defer client.Close()

	return client.Ping(ctx).Err() == nil
}

// startRedis starts an installed redis-server that ends with this process: its standard input is
// ours, and a shell kills it when that closes.
func startRedis() string {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return ""
	}

	port := freePort()
	if !startTied("exec "+quote(program)+" --port "+port+" --bind 127.0.0.1 --save '' --appendonly no", "") {
		return ""
	}

	return waitFor("redis://127.0.0.1:"+port+"/0", redisAnswers)
}

// startPostgres makes a private cluster with installed programs. PostgreSQL refuses to run as root,
// so then it is left out.
func startPostgres() string {
	initdb := postgresProgram("initdb")
	if initdb == "" || os.Geteuid() == 0 {
		return ""
	}

	folder, err := os.MkdirTemp("", "carillon-test-postgres")
	if err != nil {
		return ""
	}
	if exec.Command(initdb, "-D", folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync").Run() != nil {
		return ""
	}

	port := freePort()
	if !startTied("exec "+quote(postgresProgram("postgres"))+" -D "+quote(folder)+" -p "+port+
		" -c listen_addresses=127.0.0.1 -c unix_socket_directories="+quote(folder)+" -c fsync=off", folder) {
		return ""
	}

	return waitFor("postgres://postgres@127.0.0.1:"+port+"/postgres?sslmode=disable", postgresAnswers)
}

// startTied runs a shell command that dies with this process: a watcher reads a pipe that only we
// hold open.
func startTied(command, removeAfter string) bool {
	read, write, err := os.Pipe()
	if err != nil {
		return false
	}

	held = append(held, write)
	script := "(" + command + ") >/dev/null 2>&1 & child=$!; cat <&3 >/dev/null; kill -INT $child; wait $child"
	if removeAfter != "" {
		script += "; rm -rf " + quote(removeAfter)
	}

	cmd := exec.Command("sh", "-c", script)
	cmd.ExtraFiles = []*os.File{read}
	if cmd.Start() != nil {
		return false
	}

	go func() { _ = cmd.Wait() }()

	return true
}

// held keeps the pipes' writing ends from the garbage collector, which would close them.
var held []*os.File

func waitFor(address string, answers func(string) bool) string {
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		if answers(address) {
			return address
		}
	}

	return ""
}

func postgresProgram(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}

	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return ""
	}

	return slices.Max(found)
}

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}

	defer l.Close()

	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func quote(s string) string { return "'" + s + "'" }
