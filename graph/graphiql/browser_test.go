package graphiql_test

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/graph/graphiql"
)

//go:embed testdata/introspection.json
var introspection []byte

// TestBrowserRunsASubscription takes the first tab, as GraphiQL knows another tab's operation only
// 100 ms later.
func TestBrowserRunsASubscription(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	srv := startServer(t)

	b.open(srv.URL + graphiql.Path + graphiql.KeyFragment("crk_test"))
	b.await(`document.body.innerText.replaceAll('\u00a0', ' ').includes('Bearer crk_test') && document.querySelector('.graphiql-execute-button')`)
	b.await(`location.hash === '' && document.querySelectorAll('.graphiql-tab-button').length === 2`)
	b.await(`document.querySelector('.graphiql-query-editor').innerText.includes('ticks')`)
	b.await(`document.querySelector('.graphiql-execute-button').click() || true`)
	b.await(`/"ticks": 3/.test(document.querySelector('.result-window').innerText.replaceAll('\u00a0', ' '))`)

	b.await(`document.querySelector('[aria-label^=Prettify]').click() || true`)
	b.await(`document.querySelectorAll('.graphiql-query-editor .view-line').length >= 3`)
	b.await(`__MONACO.editor.getModels().find(model => model.uri.path.endsWith('operation.graphql')).setValue('subscription { tocks }') || true`)
	b.await(`__MONACO.editor.getModelMarkers({}).some(marker => marker.message.includes('Cannot query field "tocks"'))`)
	if got := srv.authorizations(); got != "Bearer crk_test graphql-transport-ws" {
		t.Errorf("the websocket began with %q", got)
	}

	for _, event := range b.events {
		switch event.Method {
		case "Network.requestWillBeSent":
			if url := event.Params.Request.URL; !strings.HasPrefix(url, srv.URL) && !strings.HasPrefix(url, "data:") {
				t.Errorf("loaded %s", url)
			}
		case "Log.entryAdded", "Runtime.exceptionThrown":
			t.Errorf("the console says %s", event.raw)
		}
	}
}

type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func (s *server) authorizations() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, ", ")
}

// startServer answers introspection from a file, who calls from keys, and every subscription with
// three ticks.
func startServer(t *testing.T) *server {
	s := &server{}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { hello: String viewer: Viewer }
		type Viewer { apiKey: Named user: User organization: Named }
		type Named { name: String }
		type User { email: String }
		type Subscription { ticks: Int }`})

	api := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			operation := graphql.GetOperationContext(ctx)
			if operation.Operation.Name == "KeyOfLink" {
				return graphql.OneShot(&graphql.Response{Data: keys[operation.Headers.Get("Authorization")]})
			}
			if operation.Operation.Operation == ast.Query {
				return graphql.OneShot(&graphql.Response{Data: introspection})
			}

			tick := 0

			return func(context.Context) *graphql.Response {
				if tick++; tick > 3 {
					return nil
				}
				return &graphql.Response{Data: fmt.Appendf(nil, `{"ticks":%d}`, tick)}
			}
		},
	})

	api.AddTransport(transport.Websocket{InitFunc: func(ctx context.Context,
		init transport.InitPayload) (context.Context, *transport.InitPayload, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, init.Authorization()+" graphql-transport-ws")

		return ctx, nil, nil
	}})

	api.AddTransport(transport.POST{})

	options := graphiql.Default()
	options.Tabs = []string{"subscription Ticks { ticks }", "query Hello { hello }"}
	mux := http.NewServeMux()
	mux.Handle("/", graphiql.Handler(options))

	mux.HandleFunc("/graphql", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer crk_revoked" {
			http.Error(w, `{"errors":[{"message":"the token is not valid"}]}`, http.StatusUnauthorized)
			return
		}

		api.ServeHTTP(w, r)
	})

	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)

	return s
}

// keys are the answers to who calls with a key, as the API gives them.
var keys = map[string]json.RawMessage{
	"Bearer crk_theirs": json.RawMessage(`{"viewer": {"apiKey": {"name": "Spring <b>sale</b>"}, "user": null},
		"reader": {"organization": {"name": "Their Company"}}}`),
	"Bearer crk_sender": json.RawMessage(`{"viewer": {"apiKey": {"name": "Sender"}, "user": null}, "reader": null}`),
	"Bearer crs_person": json.RawMessage(`{"viewer": {"apiKey": null, "user": {"email": "eve@example.com"}},
		"reader": {"organization": {"name": "Their Company"}}}`),
	"Bearer crk_fault": json.RawMessage(`null`),
}

// browser speaks the DevTools protocol with one page.
type browser struct {
	t      *testing.T
	conn   *websocket.Conn
	last   int
	events []event
}

type event struct {
	ID     int
	Method string
	Params struct {
		Request struct{ URL string }
	}
	Result struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	raw []byte
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}

	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" {
			t.Fatalf("Chromium is needed: %v", err)
		}

		t.Skipf("NOT TESTED in a browser: %v", err)
	}

	dir, err := os.MkdirTemp("", "graphiql") // not t.TempDir: what Chromium leaves running still writes
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "about:blank")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})

	address := regexp.MustCompile(`DevTools listening on ws://([^/]+)/`)
	var host string

	for lines := bufio.NewScanner(stderr); host == "" && lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			host = m[1]
		}
	}

	b := &browser{t: t, conn: connect(ctx, t, host)}
	for _, domain := range []string{"Page", "Network", "Log", "Runtime"} {
		b.call(domain+".enable", nil)
	}

	return b
}

func connect(ctx context.Context, t *testing.T, host string) *websocket.Conn {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/json/list", nil)
	if err != nil {
		t.Fatal(err)
	}

	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}

	defer res.Body.Close()
	var pages []struct{ Type, WebSocketDebuggerURL string }
	if err := json.NewDecoder(res.Body).Decode(&pages); err != nil {
		t.Fatal(err)
	}

	for _, page := range pages {
		if page.Type == "page" {
			conn, _, err := websocket.DefaultDialer.DialContext(ctx, page.WebSocketDebuggerURL, nil)
			if err != nil {
				t.Fatal(err)
			}

			t.Cleanup(func() { _ = conn.Close() })

			return conn
		}
	}

	t.Fatal("the browser has no page")

	return nil
}

// until reads what the browser says up to the first that fits.
func (b *browser) until(fits func(event) bool) event {
	b.t.Helper()
	for {
		_, raw, err := b.conn.ReadMessage()
		if err != nil {
			b.t.Fatal(err)
		}

		e := event{raw: raw}
		if err := json.Unmarshal(raw, &e); err != nil {
			b.t.Fatal(err)
		}

		b.events = append(b.events, e)
		if fits(e) {
			return e
		}
	}
}

func (b *browser) call(method string, params any) event {
	b.t.Helper()
	b.last++
	id := b.last
	if err := b.conn.WriteJSON(map[string]any{"id": id, "method": method, "params": params}); err != nil {
		b.t.Fatal(err)
	}

	return b.until(func(e event) bool { return e.ID == id })
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
	b.until(func(e event) bool { return e.Method == "Page.loadEventFired" })
}

// follow goes to a link within the page, which loads nothing.
func (b *browser) follow(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
}

// press clicks a button of the dialog.
func (b *browser) press(button string) {
	b.t.Helper()
	b.await(`[...document.querySelectorAll('dialog[open] button')].find(button => button.innerText === '` + button +
		`').click() || true`)
}

// await returns once a condition in JavaScript holds.
func (b *browser) await(condition string) {
	b.t.Helper()
	e := b.call("Runtime.evaluate", map[string]any{"awaitPromise": true, "returnByValue": true, "expression": `new Promise((done, fail) => {
		const stop = setTimeout(() => fail(document.body.innerText), 20000);
		const look = () => { try { if (` + condition + `) { clearTimeout(stop); watch.disconnect(); done(true); } } catch {} };
		const watch = new MutationObserver(look);
		watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
		look();
	})`})
	if e.Result.Result.Value != true {
		b.t.Fatalf("%s does not come true: %s", condition, e.raw)
	}
}
