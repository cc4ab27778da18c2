package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"carillon/app"
	"carillon/audit"
	"carillon/caller"
	"carillon/config"
	"carillon/database/dbtest"
)

// inProcess serves the API of a service with a database of its own. Its workers and its hub do not
// run.
func inProcess(t *testing.T, environ ...string) (p *app.App, s *service) {
	t.Helper()
	s = &service{t: t, environ: append([]string{"DATABASE_URL=" + dbtest.SQLite(t), "DATA_DIR=" + t.TempDir()},
		environ...)}
	cfg, err := config.Load(s.environ)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = app.Build(t.Context(), cfg, app.RedisPrefix, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = p.Close() })
	if _, err := p.DB.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}

	server := httptest.NewServer(app.Routes(p, app.Roles{API: true}))
	t.Cleanup(server.Close)
	s.url, s.db = server.URL, p.DB

	return p, s
}

// post runs an operation with headers, each "Name: value", and returns the answer's text.
func post(t *testing.T, url, query string, headers ...string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/graphql", bytes.NewReader(body))
	for _, line := range append(headers, "Content-Type: application/json") {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}

	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

func wrongSignIn(i int) string {
	return fmt.Sprintf(
		`mutation { signIn(input: {email: "nobody%d@example.com", password: "wrong password"}) { userErrors { code } } }`,
		i)
}

func TestMadeUpForwardingHeadersDoNotLiftTheLimitOfSignIns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		proxies string
		headers func(i int) []string
	}{
		"of a stranger who is on this machine": {"", func(i int) []string {
			return []string{fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)}
		}},
		"behind nginx": {"127.0.0.1", func(i int) []string {
			return []string{fmt.Sprintf("X-Forwarded-For: 192.0.2.%d, 198.51.100.9", i)}
		}},
		"behind HAProxy": {"127.0.0.0/8", func(i int) []string {
			return []string{fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i), "X-Forwarded-For: 198.51.100.9"}
		}},
		"behind a proxy that writes Forwarded": {"127.0.0.1", func(i int) []string {
			return []string{fmt.Sprintf(`Forwarded: for=192.0.2.%d;host="`, i), "Forwarded: for=198.51.100.9"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := inProcess(t, "TRUSTED_PROXIES="+tc.proxies)
			url := s.url

			for i := range 31 {
				answer := post(t, url, wrongSignIn(i), tc.headers(i)...)
				if limited := strings.Contains(answer, "RATE_LIMITED"); limited != (i == 30) {
					t.Fatalf("try %d: %s", i+1, answer)
				}
			}

			if tc.proxies == "" {
				return
			}

			if answer := post(t, url, wrongSignIn(99), "X-Forwarded-For: 198.51.100.10"); strings.Contains(answer,
				"RATE_LIMITED") {
				t.Errorf("another client behind the same proxy: %s", answer)
			}
		})
	}
}

func TestTheAddressBehindAProxyIsTheSameInSessionsTheAuditTrailAndSockets(t *testing.T) {
	t.Parallel()
	_, service := inProcess(t, "TRUSTED_PROXIES=127.0.0.1")
	var owner struct{ Password string }
	if err := json.Unmarshal([]byte(service.operate("create-user", "--json", "owner@example.com", "--organization",
		"Lucky Shrub")), &owner); err != nil {
		t.Fatal(err)
	}

	lines := []string{"X-Forwarded-For: 203.0.113.77", "X-Forwarded-For: 198.51.100.9"}
	signIn := fmt.Sprintf(
		`mutation { signIn(input: {email: "owner@example.com", password: %q}) { token userErrors { code } } }`,
		owner.Password)
	answer := post(t, service.url, signIn, lines...)
	if token := textBetween(answer, `"token":"`, `"`); token == "" {
		t.Fatal(answer)
	}

	header := http.Header{}
	header["X-Forwarded-For"] = []string{"203.0.113.77", "198.51.100.9"}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(t.Context(), strings.Replace(service.url, "http", "ws", 1)+"/graphql", header)
	if err != nil {
		t.Fatal(err)
	}

	defer conn.Close()
	s := &subscriber{t, conn}
	_ = conn.WriteJSON(map[string]any{"type": "connection_init"})
	s.read("connection_ack")
	_ = conn.WriteJSON(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": signIn}})
	s.read("next")

	system := caller.System(t.Context())
	sessions, events := service.db.Client.Session.Query().AllX(system), service.db.Client.AuditEvent.Query().AllX(system)
	if len(sessions) != 2 {
		t.Errorf("%d sessions, want that of the call and that of the socket", len(sessions))
	}

	for _, one := range sessions {
		if one.IP == nil || *one.IP != "198.51.100.9" {
			t.Errorf("a session says %v", one.IP)
		}
	}

	signedIn := 0
	for _, e := range events {
		if e.Action != audit.ActionSignIn {
			continue
		}

		signedIn++
		if e.IP == nil || *e.IP != "198.51.100.9" {
			t.Errorf("the audit trail says %v of %s", e.IP, e.Action)
		}
	}

	if signedIn != 2 {
		t.Errorf("%d sign-ins in the audit trail: %v", signedIn, events)
	}
}
