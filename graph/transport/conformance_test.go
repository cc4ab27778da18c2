package transport_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/graph/transport"
)

func TestConformanceOfHTTP(t *testing.T) {
	t.Parallel()
	if n := conform(t, "http.mjs"); n != 61 {
		t.Errorf("%d audits, not 61: graphql-http has changed", n)
	}
}

func TestConformanceOfSockets(t *testing.T) { t.Parallel(); conform(t, "socket.mjs") }
func TestConformanceOfClients(t *testing.T) { t.Parallel(); conform(t, "clients.mjs") }

func TestConformanceOfHTTPClients(t *testing.T) { t.Parallel(); conform(t, "http-clients.mjs") }

// Where persisted queries are off, Apollo's link asks once, and sends the documents from then on.
func TestConformanceWithoutPersistedQueries(t *testing.T) {
	t.Parallel()
	conform(t, "unpersisted.mjs", func(o *transport.Options) { o.PersistedQueries = -1 })
}

// conform runs a script against a live server, each of its rules as a test, and returns their
// number.
func conform(t *testing.T, script string, change ...func(*transport.Options)) (rules int) {
	t.Helper()
	if err := installed(); err != nil {
		if os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" {
			t.Fatalf("the protocols' own clients are needed: %v", err)
		}

		t.Skipf("NOT TESTED against the protocols' own clients: %v", err)
	}

	s := serve(t, func(o *transport.Options) {
		o.Websocket.PingInterval, o.Websocket.InitTimeout = 300*time.Millisecond, 500*time.Millisecond
		for _, also := range change {
			also(o)
		}
	})

	site := httptest.NewServer(http.StripPrefix("/graphql", s.Handler))
	defer site.Close()
	node := exec.CommandContext(t.Context(), "node", script)
	node.Dir = "conformance"
	node.Env = append(os.Environ(), "CARILLON_TEST_URL="+site.URL+"/graphql")
	var complaints bytes.Buffer
	node.Stderr = &complaints
	out, err := node.Output()
	finished := false

	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line, why, _ := strings.Cut(lines.Text(), " -- ")
		switch {
		case strings.HasPrefix(line, "ok "):
			rules++
		case strings.HasPrefix(line, "not ok "):
			rules++
			t.Errorf("%s: %s", strings.TrimPrefix(line, "not ok "), why)
		case strings.HasPrefix(line, "1.."):
			finished = true
		}
	}

	if !finished {
		t.Errorf("%s did not finish: %v\n%s", script, err, complaints.String())
	}

	t.Logf("%s: %d rules", script, rules)

	return rules
}

// installed installs the scripts' packages where they are not there yet.
var installed = sync.OnceValue(func() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}

	if lock, err := os.Stat("conformance/package-lock.json"); err == nil {
		if there, err := os.Stat("conformance/node_modules/.package-lock.json"); err == nil &&
			!there.ModTime().Before(lock.ModTime()) {
			return nil
		}
	}

	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = "conformance"
	if out, err := npm.CombinedOutput(); err != nil {
		_ = os.RemoveAll("conformance/node_modules")
		return fmt.Errorf("npm ci: %w: %s", err, bytes.TrimSpace(out))
	}

	return nil
})
