package dbtest

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Cluster is a PostgreSQL of the test's own, which it may restart.
type Cluster struct {
	t      testing.TB
	folder string
	as     *syscall.SysProcAttr
	DSN    string
}

// OwnPostgres makes and starts a cluster with installed programs, and deletes it when the test is
// over. Where they are not installed the test is left out.
func OwnPostgres(t testing.TB) *Cluster {
	t.Helper()
	if postgresProgram("initdb") == "" {
		leaveOut(t, "programs of PostgreSQL (initdb)", "PATH")
	}

	folder, err := os.MkdirTemp("", "carillon-own-postgres")
	if err != nil {
		t.Fatal(err)
	}

	c := &Cluster{t: t, folder: filepath.Join(folder, "data")}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })

	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		who, err := user.Lookup("postgres")
		if err != nil {
			who, err = user.Lookup("nobody")
		}
		if err != nil {
			leaveOut(t, "user but root to run PostgreSQL as", "the user postgres")
		}

		uid, gid := must(strconv.Atoi(who.Uid)), must(strconv.Atoi(who.Gid))
		c.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(folder, uid, gid); err != nil {
			t.Fatal(err)
		}
	}

	c.run("initdb", "-D", c.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
	port := freePort()
	tie(t, quote(postgresProgram("pg_ctl"))+" -D "+quote(c.folder)+" -m immediate stop; rm -rf "+quote(folder), c.as)
	t.Cleanup(func() { c.run("pg_ctl", "-D", c.folder, "-m", "immediate", "-w", "stop") })
	c.run("pg_ctl", "-D", c.folder, "-l", filepath.Join(folder, "log"), "-w", "-t", "60",
		"-o", "-p "+port+" -c listen_addresses=127.0.0.1 -c unix_socket_directories="+folder+" -c fsync=off", "start")
	c.DSN = "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"

	return c
}

// Restart ends all sessions and starts again: fast rolls back what is open, immediate dies as in a
// power cut and recovers.
func (c *Cluster) Restart(mode string) {
	c.t.Helper()
	c.run("pg_ctl", "-D", c.folder, "-m", mode, "-w", "-t", "60", "-l", filepath.Join(filepath.Dir(c.folder), "log"),
		"restart")
}

func (c *Cluster) run(program string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, postgresProgram(program), args...)
	cmd.SysProcAttr, cmd.Dir = c.as, filepath.Dir(c.folder)
	if err := cmd.Run(); err != nil { // its output would be inherited by the server, which stays
		c.t.Errorf("%s %v: %v", program, args, err)
	}
}

// Server is a Redis of the test's own, which it may kill.
type Server struct {
	t    testing.TB
	port string
	cmd  *exec.Cmd
	URL  string
}

// OwnRedis starts an installed redis-server that keeps nothing. Where none is installed the test is
// left out.
func OwnRedis(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		leaveOut(t, "redis-server", "PATH")
	}

	s := &Server{t: t, port: freePort()}
	s.URL = "redis://127.0.0.1:" + s.port + "/0"
	t.Cleanup(s.Kill)
	s.Start()

	return s
}

// Start starts it, empty.
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}

	tie(s.t, "kill -9 "+strconv.Itoa(s.cmd.Process.Pid), nil)
	if waitFor(s.URL, redisAnswers) == "" {
		s.t.Error("the test's own Redis does not answer")
	}
}

// Kill ends it as kill -9 does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Empty deletes all that it holds.
func (s *Server) Empty() {
	s.t.Helper()
	client := redis.NewClient(must(redis.ParseURL(s.URL)))
	defer client.Close()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		s.t.Error(err)
	}
}

// tie runs a shell command when this process dies before the test is over.
func tie(t testing.TB, command string, as *syscall.SysProcAttr) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}

	watcher := exec.Command("sh", "-c", "read line <&3 || { "+command+"; } >/dev/null 2>&1")
	watcher.ExtraFiles, watcher.SysProcAttr, watcher.Dir = []*os.File{read}, as, "/"
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}

	_ = read.Close()
	t.Cleanup(func() {
		_, _ = write.WriteString("over\n")
		_ = write.Close()
		_ = watcher.Wait()
	})
}
