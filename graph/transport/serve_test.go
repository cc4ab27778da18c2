package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a handler on a live server, and what it told.
type served struct {
	*transport.Handler
	*httptest.Server
	resolvers *transporttest.Resolvers
	log       *lines

	mu           sync.Mutex
	operations   []transport.Operation
	connected    int
	disconnected []int
}

// serve starts a server with the test schema. Every goroutine of it must be gone when the test
// ends.
func serve(t *testing.T, change func(*transport.Options)) *served {
	t.Helper()
	s := &served{resolvers: &transporttest.Resolvers{}, log: &lines{}}
	options := transport.Options{
		Schema:         s.resolvers.Schema(),
		Authenticate:   transporttest.Authenticate,
		PresentError:   transporttest.PresentError,
		Paging:         transporttest.Paging(),
		AllowedOrigins: []string{"https://app.example"},
		MayIntrospect:  func(ctx context.Context) bool { return transporttest.Caller(ctx) != "" },
		Logger:         slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnOperation: func(_ context.Context, op transport.Operation) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.operations = append(s.operations, op)
		},
		OnConnect: func(context.Context) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.connected++

			return nil
		},
		OnDisconnect: func(_ context.Context, code int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.disconnected = append(s.disconnected, code)
		},
		Websocket: transport.Websocket{ShutdownSpread: time.Millisecond},
	}
	if change != nil {
		change(&options)
	}

	s.Handler = transport.New(options)
	s.Server = httptest.NewServer(s.Handler)

	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := s.Handler.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}

		s.Server.Client().CloseIdleConnections()
		s.Server.Close()
		eventually(t, "no streams", func() bool { return s.resolvers.Streams.Load() == 0 })
	})

	return s
}

// lines is a log that tests can read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (s *served) over() []transport.Operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]transport.Operation(nil), s.operations...)
}

func (s *served) codes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.disconnected...)
}

// answer is a response in full.
type answer struct {
	status int
	header http.Header
	text   string
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}

	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// send sends a request; headers are "Name: value" lines.
func (s *served) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}

	resp, err := s.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}

	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a); err != nil {
			t.Fatalf("%d %s: %v", a.status, text, err)
		}
	}

	return a
}

// query posts a document as alice.
func (s *served) query(t *testing.T, document string, variables ...string) answer {
	t.Helper()
	return s.send(t, http.MethodPost, "/", operation(document, variables...), "Content-Type: application/json",
		"Authorization: Bearer alice")
}

func operation(document string, variables ...string) string {
	text, _ := json.Marshal(document)
	return `{"query":` + string(text) + `,"variables":` + strings.Join(append(variables, "null")[:1], "") + `}`
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()

	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
