package dbtest

import (
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// PgBouncer starts an installed PgBouncer before the database of a DSN, in transaction mode with
// few connections, and gives the DSN of the database behind it. Where none is installed the test is
// left out.
func PgBouncer(t testing.TB, dsn string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		leaveOut(t, "pgbouncer", "PATH")
	}

	folder, err := os.MkdirTemp("", "carillon-pgbouncer")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	port, at := freePort(), must(url.Parse(dsn))
	server := "host=" + at.Hostname() + " port=" + at.Port() + " dbname=" + strings.Trim(at.Path, "/") +
		" user=" + at.User.Username()
	if password, has := at.User.Password(); has {
		server += " password='" + strings.ReplaceAll(password, "'", "''") + "'"
	}

	// PgBouncer hands on no parameters of a connection's, and our schema is one.
	file := filepath.Join(folder, "pgbouncer.ini")
	text := "[databases]\nbehind = " + server + " connect_query='SET search_path TO " + at.Query().Get("search_path") +
		"; SET synchronous_commit TO off'\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " + port +
		"\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 6\nmax_client_conn = 200\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}

	command := exec.Command(program, "-q", file)
	if os.Geteuid() == 0 { // which it refuses to run as
		who := must(user.Lookup("nobody"))
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{
			Uid: uint32(must(strconv.Atoi(who.Uid))), Gid: uint32(must(strconv.Atoi(who.Gid)))}}
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}

	tie(t, "kill -9 "+strconv.Itoa(command.Process.Pid), nil)
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })

	behind := "postgres://behind@127.0.0.1:" + port + "/behind?sslmode=disable"
	if waitFor(behind, postgresAnswers) == "" {
		t.Fatal("PgBouncer does not answer")
	}

	return behind
}
