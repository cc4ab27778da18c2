package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/app"
	"carillon/cli"
	"carillon/config"
	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

func TestMetricsAreShownOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	p, _ := inProcess(t)
	for name, tc := range map[string]struct {
		peer   string
		header string
		want   int
	}{
		"to this machine":                  {"127.0.0.1:5", "", http.StatusOK},
		"to this machine, over IPv6":       {"[::1]:5", "", http.StatusOK},
		"not to another":                   {"192.0.2.1:5", "", http.StatusForbidden},
		"not to one in a private network":  {"10.0.0.1:5", "", http.StatusForbidden},
		"not through a proxy on this":      {"127.0.0.1:5", "X-Forwarded-For", http.StatusForbidden},
		"not through one that says it new": {"127.0.0.1:5", "Forwarded", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			if request.RemoteAddr = tc.peer; tc.header != "" {
				request.Header.Set(tc.header, "for=192.0.2.9")
			}

			answer := httptest.NewRecorder()
			app.Routes(p, app.Roles{API: true}).ServeHTTP(answer, request)
			if answer.Code != tc.want {
				t.Errorf("answered %d", answer.Code)
			}
		})
	}
}

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	address, metrics := freeAddress(t), freeAddress(t)
	s := &service{t: t, url: "http://" + address}
	environ := []string{"DATABASE_URL=" + dbtest.SQLite(t), "DATA_DIR=" + t.TempDir(), "HTTP_ADDR=" + address,
		"METRICS_ADDR=" + metrics, "LOG_LEVEL=error"}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cli.Run(ctx, nil, environ, io.Discard, io.Discard) }()
	s.ready()
	if status, text := get(t, "http://"+metrics+"/metrics"); status != http.StatusOK ||
		!strings.Contains(text, "go_goroutines") {
		t.Errorf("METRICS_ADDR answers %d", status)
	}

	for _, path := range []string{"http://" + metrics + "/graphql", s.url + "/metrics"} {
		if status, _ := get(t, path); status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, status)
		}
	}

	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	if err := cli.Run(t.Context(), nil, append(environ, "METRICS_ADDR=192.0.2.1:1"), io.Discard, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "METRICS_ADDR") {
		t.Errorf("an address that is not ours gave %v", err)
	}
}

// talk sends bytes to a server with short times, and returns what it says until it closes.
func talk(t *testing.T, handler http.Handler, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	server := &http.Server{Handler: handler, MaxHeaderBytes: app.HeaderBytes, IdleTimeout: 100 * time.Millisecond,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Minute))
	go func() { _, _ = io.WriteString(conn, text) }()
	said, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection stays open: %v", err)
	}

	return string(said)
}

func TestABodyThatDoesNotComeEndsItsConnection(t *testing.T) {
	t.Parallel()
	// reads no body
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	said := talk(t, app.BodyIn(200*time.Millisecond, handler),
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf")
	if !strings.Contains(said, "200 OK") {
		t.Errorf("said %q", said)
	}
}

func TestAHeaderBeyondMeasureIsRefused(t *testing.T) {
	t.Parallel()
	said := talk(t, http.NotFoundHandler(), "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 80<<10)+"\r\n\r\n")
	if !strings.HasPrefix(said, "HTTP/1.1 431") {
		t.Errorf("said %.40q", said)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p := &app.App{Config: config.Config{Limits: config.Limits{Connections: 1 - app.BesideStreams}}} // one in all
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(app.Bounded(p, l)) }()
	t.Cleanup(func() { _ = server.Close() })

	ask := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}

		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")

		return conn, bufio.NewReader(conn)
	}

	first, answer := ask()
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "404") {
		t.Fatal(line, err)
	}

	second, answer := ask()
	_ = second.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if line, err := answer.ReadString('\n'); err == nil {
		t.Errorf("a second connection is answered %q", line)
	}

	_ = first.Close()
	_ = second.SetReadDeadline(time.Now().Add(time.Minute))
	if line, err := bufio.NewReader(second).ReadString('\n'); err != nil || !strings.Contains(line, "404") {
		t.Errorf("once the first is gone it is answered %q, %v", line, err)
	}
}

func TestOtherUsersOfThisMachineReachNeitherTheRedisNorTheSandboxWithin(t *testing.T) {
	t.Parallel()
	options, stop, err := app.StartRedis()
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = stop() }()
	stranger := redis.NewClient(&redis.Options{Addr: options.Addrs[0]})
	defer stranger.Close()
	if err := stranger.FlushAll(t.Context()).Err(); err == nil {
		t.Error("a stranger may empty the Redis within")
	}

	owner := redis.NewUniversalClient(options)
	defer owner.Close()
	if err := owner.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Error(err)
	}

	var cfg config.Config
	box, err := app.StartSandbox(&cfg, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = os.RemoveAll(box.Folder()) }()
	info, err := os.Stat(filepath.Dir(cfg.WhatsApp.Socket))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the sandbox's socket lies in a folder with the mode %v, %v", info.Mode(), err)
	}
	if box.Listener().Addr().Network() != "unix" {
		t.Errorf("the sandbox listens at %s", box.Listener().Addr())
	}

	_ = box.Listener().Close()
	_ = box.Close()
}

func TestWhatTheServiceKeepsIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	address, folder := freeAddress(t), filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o755); err != nil { // it was there before
		t.Fatal(err)
	}

	out, done := &syncBuffer{}, make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		done <- cli.Run(ctx, nil, []string{"HTTP_ADDR=" + address, "DATA_DIR=" + folder, "LOG_LEVEL=error"}, out, io.Discard)
	}()
	s := &service{t: t, url: "http://" + address}
	s.until("it prints its key", func() bool { return strings.Contains(out.String(), "API key") })
	modes := map[string]os.FileMode{}

	if err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		modes[filepath.Base(path)] = info.Mode().Perm()
		return err
	}); err != nil {
		t.Fatal(err)
	}

	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	for name, mode := range modes {
		if mode&0o077 != 0 {
			t.Errorf("%s has the mode %v", name, mode)
		}
	}

	if len(modes) < 4 {
		t.Errorf("the folder has only %s", fmt.Sprint(modes))
	}
}

func TestProductionSaysAtItsStartWhatIsDangerous(t *testing.T) {
	t.Parallel()
	address, log := freeAddress(t), &syncBuffer{}
	environ := []string{
		"CARILLON_ENV=production", "DATABASE_URL=" + dbtest.SQLite(t), "REDIS_URL=" + dbtest.RedisURL(t),
		"DATA_DIR=" + t.TempDir(), "HTTP_ADDR=" + address,
		"WHATSAPP_APP_SECRET=0123456789abcdef0123456789abcdef", "WHATSAPP_VERIFY_TOKEN=a-long-token-of-the-test",
		"ENCRYPTION_KEY=" + testKey,
	}
	if err := cli.Run(t.Context(), []string{"migrate"}, environ, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cli.Run(ctx, []string{"serve"}, environ, io.Discard, log) }()
	s := &service{t: t, url: "http://" + address}
	s.ready()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	for _, variable := range []string{"SMTP_URL", "PUBLIC_URL"} {
		if !strings.Contains(log.String(), "configuration: "+variable) {
			t.Errorf("nothing is said of %s:\n%s", variable, log.String())
		}
	}
}
