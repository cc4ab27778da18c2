package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"carillon/graph/transport"
)

const (
	asJSON  = "Content-Type: application/json"
	alice   = "Authorization: Bearer alice"
	modern  = "Accept: application/graphql-response+json"
	mutates = `{"query":"mutation { addItem(input: {text: \"x\"}) { id } }"}`
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.MaxBody = 10_000 })
	get := func(document string) string { return "/?query=" + url.QueryEscape(document) }

	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"is 200 for a query by POST": {"POST", "/", `{"query":"{hello}"}`, []string{asJSON}, 200, ""},
		"is 200 for a query by GET":  {"GET", get("{hello}"), "", nil, 200, ""},
		"is 200 for a body with a charset": {"POST", "/", `{"query":"{hello}"}`,
			[]string{"Content-Type: application/json; charset=UTF-8"}, 200, ""},
		"is 200 where the client offers h2c": {"POST", "/", `{"query":"{hello}"}`,
			[]string{asJSON, "Upgrade: h2c", "Connection: Upgrade"}, 200, ""},
		"is 405 for a mutation by GET": {"GET",
			get("mutation { addItem(input: {text: \"x\"}) { id } }"), "", nil, 405, "BAD_USER_INPUT"},
		"is 405 for PUT": {"PUT", "/", `{"query":"{hello}"}`, []string{asJSON},
			405, "BAD_USER_INPUT"},
		"is 415 for a form": {"POST", "/", "query={hello}",
			[]string{"Content-Type: application/x-www-form-urlencoded"}, 415, "BAD_USER_INPUT"},
		"is 415 for text": {"POST", "/", `{"query":"{hello}"}`,
			[]string{"Content-Type: text/plain"}, 415, "BAD_USER_INPUT"},
		"is 415 without a type": {"POST", "/", `{"query":"{hello}"}`, nil, 415, "BAD_USER_INPUT"},
		"is 415 for another charset": {"POST", "/", `{"query":"{hello}"}`,
			[]string{"Content-Type: application/json; charset=latin1"}, 415, "BAD_USER_INPUT"},
		"is 413 for a large body": {"POST", "/",
			`{"query":"` + strings.Repeat(" ", 11_000) + `{hello}"}`, []string{asJSON}, 413, "BAD_USER_INPUT"},
		"is 400 for no JSON": {"POST", "/", `s3cret`, []string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for broken JSON": {"POST", "/", `{"query":"s3cret`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for nothing": {"POST", "/", ``, []string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for a batch": {"POST", "/", `[{"query":"{hello}"}]`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for null": {"POST", "/", `null`, []string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for text after the object": {"POST", "/", `{"query":"{hello}"} s3cret`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for a second object": {"POST", "/", `{"query":"{hello}"}{}`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for what is no UTF-8": {"POST", "/", "{\"query\":\"{hello(name: \\\"\xff\\\")}\"}",
			[]string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for no query": {"POST", "/", `{"operationName":"x"}`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for a query that is no string": {"POST", "/", `{"query":["s3cret"]}`, []string{asJSON},
			400, "BAD_USER_INPUT"},
		"is 400 for variables that are no object": {"POST", "/", `{"query":"{hello}","variables":["s3cret"]}`,
			[]string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for variables in a URL that are no object": {"GET", get("{hello}") + "&variables=s3cret", "", nil,
			400, "BAD_USER_INPUT"},
		"is 400 for extensions in a URL that are no object": {"GET", get("{hello}") + "&extensions=[]", "", nil,
			400, "BAD_USER_INPUT"},
		"is 400 for a subscription": {"POST", "/", `{"query":"subscription { ticks { seq } }"}`,
			[]string{asJSON}, 400, "BAD_USER_INPUT"},
		"is 400 for a subscription by GET": {"GET", get("subscription { ticks { seq } }"), "", nil,
			400, "BAD_USER_INPUT"},
		"is 400 for a broken upgrade": {"GET", get("{hello}"), "",
			[]string{"Upgrade: websocket", "Connection: Upgrade"}, 400, "BAD_USER_INPUT"},
		"is 200 for a document that does not parse": {"POST", "/", `{"query":"{"}`, []string{asJSON}, 200,
			"BAD_USER_INPUT"},
		"is 400 for it where the client knows better": {"POST", "/", `{"query":"{"}`, []string{asJSON, modern},
			400, "BAD_USER_INPUT"},
		"is 400 for a document that is not valid": {"POST", "/", `{"query":"{nosuch}"}`, []string{asJSON, modern},
			400, "BAD_USER_INPUT"},
		"is 400 for an operation that is not there": {"POST", "/",
			`{"query":"query a {hello}","operationName":"b"}`, []string{asJSON, modern}, 400, "BAD_USER_INPUT"},
		"is 400 for variables that do not fit": {"POST", "/",
			`{"query":"query($i: Int!) {padding(size: $i)}","variables":{"i":"s3cret"}}`, []string{asJSON, modern},
			400, "BAD_USER_INPUT"},
		"is 400 beyond a limit": {"POST", "/", `{"query":"{items(first: 0) {totalCount}}"}`,
			[]string{asJSON, modern}, 400, "BAD_USER_INPUT"},
		"is 200 for a resolver's error": {"POST", "/", `{"query":"{fail(with: CONFLICT)}"}`,
			[]string{asJSON, modern}, 200, "CONFLICT"},
		"is 200 for a scalar that does not fit": {"POST", "/", `{"query":"{since(at: \"noon\")}"}`,
			[]string{asJSON, modern}, 200, "BAD_USER_INPUT"},
		"is 200 for a stranger whom a resolver refuses": {"POST", "/", `{"query":"{whoami}"}`, []string{asJSON},
			200, "UNAUTHENTICATED"},
		"is 401 for a bad token": {"POST", "/", `{"query":"{hello}"}`,
			[]string{asJSON, "Authorization: Bearer expired"}, 401, "UNAUTHENTICATED"},
		"is 401 for what is no token": {"POST", "/", `{"query":"{hello}"}`,
			[]string{asJSON, "Authorization: Basic s3cret"}, 401, "UNAUTHENTICATED"},
		"is 503 when tokens cannot be checked": {"POST", "/", `{"query":"{hello}"}`,
			[]string{asJSON, "Authorization: Bearer down"}, 503, "UNAVAILABLE"},
		"is 500 when that is our fault": {"POST", "/", `{"query":"{hello}"}`,
			[]string{asJSON, "Authorization: Bearer broken"}, 500, "INTERNAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.send(t, tc.method, tc.path, tc.body, tc.headers...)
			if a.status != tc.status || a.code() != tc.code {
				t.Errorf("%d %s, not %d %s: %s", a.status, a.code(), tc.status, tc.code, a.text)
			}
			if strings.Contains(a.text, "s3cret") {
				t.Errorf("repeats what was sent: %s", a.text)
			}
			if a.status != 200 && strings.Contains(a.text, `"data"`) {
				t.Errorf("has data: %s", a.text)
			}

			if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" ||
				len(a.header.Get("X-Request-Id")) < 20 {
				t.Errorf("headers %v", a.header)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	hello := `{"query":"{hello}"}`

	for name, tc := range map[string]struct {
		method, body    string
		headers         []string
		answers, wanted string
	}{
		"name the type that was asked for": {"POST", hello, []string{asJSON, modern}, "Content-Type",
			"application/graphql-response+json; charset=utf-8"},
		"name the older type for all": {"POST", hello, []string{asJSON, "Accept: */*"}, "Content-Type",
			"application/json; charset=utf-8"},
		"honor a quality of none": {"POST", hello,
			[]string{asJSON, "Accept: application/graphql-response+json;q=0, application/json"}, "Content-Type",
			"application/json; charset=utf-8"},
		"challenge a bad token": {"POST", hello, []string{asJSON, "Authorization: Bearer expired"},
			"WWW-Authenticate", `Bearer error="invalid_token"`},
		"do not challenge a stranger": {"POST", `{"query":"{whoami}"}`, []string{asJSON},
			"WWW-Authenticate", ""},
		"say which methods there are": {"DELETE", "", nil, "Allow", "GET, POST, OPTIONS"},
		"answer OPTIONS":              {"OPTIONS", "", nil, "Allow", "GET, POST, OPTIONS"},
		"say when to come back": {"POST", `{"query":"{fail(with: RATE_LIMITED)}"}`,
			[]string{asJSON}, "Retry-After", "7"},
		"give a request's id back": {"POST", hello, []string{asJSON, "X-Request-Id: my-id_1.2"},
			"X-Request-Id", "my-id_1.2"},
		"let a page of a listed origin read": {"POST", hello, []string{asJSON, "Origin: https://app.example"},
			"Access-Control-Allow-Origin", "https://app.example"},
		"let a page of no other origin read": {"POST", hello, []string{asJSON, "Origin: https://evil.example"},
			"Access-Control-Allow-Origin", ""},
		"let a page of a longer origin read nothing": {"POST", hello,
			[]string{asJSON, "Origin: https://app.example.evil"}, "Access-Control-Allow-Origin", ""},
		"let a page of the null origin read nothing": {"POST", hello, []string{asJSON, "Origin: null"},
			"Access-Control-Allow-Origin", ""},
		"tell a listed origin's preflight what it may": {"OPTIONS", "", []string{"Origin: https://app.example",
			"Access-Control-Request-Method: POST"}, "Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
		"tell a foreign origin's preflight nothing": {"OPTIONS", "", []string{"Origin: https://evil.example",
			"Access-Control-Request-Method: POST"}, "Access-Control-Allow-Methods", ""},
		"keep caches from mixing origins": {"GET", "", []string{"Origin: https://app.example"},
			"Vary", "Origin"},
		"do not let pages of others bring credentials": {"POST", hello, []string{asJSON, "Origin: https://app.example"},
			"Access-Control-Allow-Credentials", ""},
		"let a page see the id to complain with": {"POST", hello, []string{asJSON, "Origin: https://app.example"},
			"Access-Control-Expose-Headers", "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate"},
		"name the method that a mutation needs": {"GET?query=mutation{addItem(input:{text:%22x%22}){id}}",
			"", nil, "Allow", "POST"},
		"do not send a challenge where we are at fault": {"POST", hello, []string{asJSON, "Authorization: Bearer down"},
			"WWW-Authenticate", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, query, _ := strings.Cut(tc.method, "?")
			a := s.send(t, method, "/?"+query, tc.body, tc.headers...)
			if got := a.header.Get(tc.answers); got != tc.wanted {
				t.Errorf("%s: %q, not %q", tc.answers, got, tc.wanted)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, id := range map[string]string{
		"replaces one that is too long": strings.Repeat("a", 65),
		"replaces one with a space":     "a b",
		"replaces one with quotes":      `a"b`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.send(t, "POST", "/", `{"query":"{requestId}"}`, asJSON, "X-Request-Id: "+id)
			got := a.header.Get("X-Request-Id")
			if got == id || len(got) != 26 || !strings.Contains(a.text, got) {
				t.Errorf("%q in %s", got, a.text)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct{ document, code string }{
		"of a resolver reads internal error":           {"{fail(with: SECRET)}", "INTERNAL"},
		"of a panic reads internal error":              {"{fail(with: PANIC)}", "INTERNAL"},
		"without a code reads internal error":          {"{fail(with: NULL)}", "INTERNAL"},
		"beside data reads internal error":             {"{hello nullable}", "INTERNAL"},
		"that was explained keeps its code":            {"{fail(with: CONFLICT)}", "CONFLICT"},
		"that was explained keeps its other facts":     {"{fail(with: RATE_LIMITED)}", "RATE_LIMITED"},
		"of a scalar is the caller's":                  {`{since(at: "noon")}`, "BAD_USER_INPUT"},
		"of an enum is the caller's":                   {`{fail(with: NOSUCH)}`, "BAD_USER_INPUT"},
		"of a field that is not there has no guess":    {"{hallo}", "BAD_USER_INPUT"},
		"of a selection that is missing has no guess":  {"{items}", "BAD_USER_INPUT"},
		"of a fragment on itself is the caller's":      {"{...a} fragment a on Query {hello ...a}", "BAD_USER_INPUT"},
		"of an unknown operation kind is the caller's": {"hello", "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.query(t, tc.document)
			if a.code() != tc.code {
				t.Fatalf("%s, not %s: %s", a.code(), tc.code, a.text)
			}
			if strings.Contains(a.text, "secret") || strings.Contains(a.text, "Did you mean") {
				t.Errorf("tells too much: %s", a.text)
			}

			if tc.code == "INTERNAL" && (a.Errors[0].Extensions["requestId"] != a.header.Get("X-Request-Id") ||
				a.Errors[0].Message != "internal error") {
				t.Errorf("%s", a.text)
			}

			if tc.code == "RATE_LIMITED" && a.Errors[0].Extensions["retryAfterSeconds"] != 7.0 {
				t.Errorf("%s", a.text)
			}
		})
	}
}

func TestErrorsAreFew(t *testing.T) {
	t.Parallel()
	a := serve(t, nil).query(t, "{hello "+strings.Repeat("@nosuch ", 500)+"}")
	if len(a.Errors) != 20 || len(a.text) > 10_000 {
		t.Errorf("%d errors, %d bytes", len(a.Errors), len(a.text))
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.send(t, "POST", "/",
		`{"query":"query Named($v: String) {hello(name: $v) fail(with: PANIC)}","variables":{"v":"hunter2"}}`, asJSON,
		"Authorization: Bearer t0ken", "X-Request-Id: log-1")
	s.query(t, "query Bad { nosuch }")
	log := s.log.String()

	for _, wanted := range []string{`"operation":"Named"`, `"kind":"query"`, `"codes":["INTERNAL"]`,
		`"request_id":"log-1"`, `secret of a panic`, `transporttest.go`, `"codes":["BAD_USER_INPUT"]`} {
		if !strings.Contains(log, wanted) {
			t.Errorf("no %s in %s", wanted, log)
		}
	}

	for _, unwanted := range []string{"hunter2", "t0ken"} {
		if strings.Contains(log, unwanted) {
			t.Errorf("%s in %s", unwanted, log)
		}
	}

	if got := strings.Count(log, "graphql: operation"); got != 2 {
		t.Errorf("%d lines for 2 operations: %s", got, log)
	}

	if ops := s.over(); len(ops) != 2 || ops[0].Name != "Named" || ops[0].Transport != "http" || ops[0].Responses != 1 ||
		ops[0].Duration <= 0 {
		t.Errorf("%+v", ops)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Timeout = 50 * time.Millisecond })
	if a := s.query(t, "{wait}"); a.code() != "UNAVAILABLE" {
		t.Errorf("%s", a.text)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/?query={wait}", nil)
	if _, err := s.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}

	eventually(t, "the operation of a client that left is over", func() bool { return len(s.over()) == 2 })
}

// A client that stops in the middle of its body must not hold a goroutine.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Timeout = 50 * time.Millisecond })
	body, never := newPipe()
	defer never.Close()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL, body)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(req)
	if err != nil {
		return // cut off, which is fine too
	}

	defer resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("%d", resp.StatusCode)
	}
}

// Hooks are ours, and so are their mistakes.
func TestHooksThatPanic(t *testing.T) {
	t.Parallel()
	authenticate := serve(t, func(o *transport.Options) {
		o.Authenticate = func(context.Context, string, *http.Request) (context.Context, error) { panic("secret") }
	})
	operation := serve(t, func(o *transport.Options) {
		o.OnOperation = func(context.Context, transport.Operation) { panic("secret") }
	})

	for name, s := range map[string]*served{"authenticate": authenticate, "operation": operation} {
		a := s.query(t, "{hello}")
		if a.status != 500 || a.code() != "INTERNAL" || strings.Contains(a.text, "secret") ||
			a.Errors[0].Extensions["requestId"] != a.header.Get("X-Request-Id") {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}

		if !strings.Contains(s.log.String(), "http_test.go") {
			t.Errorf("%s: no stack in the log", name)
		}
	}

	if got := operation.open(t, "{hello}").wants("next"); !strings.Contains(got, "INTERNAL") ||
		strings.Contains(got, "secret") {
		t.Errorf("event stream: %s", got)
	}

	p := operation.connect(t)
	p.subscribe("a", "{hello}")
	if m := p.wants("error"); !strings.Contains(string(m.Payload), "INTERNAL") ||
		strings.Contains(string(m.Payload), "secret") {
		t.Errorf("socket: %s", m.Payload)
	}
}

// Clients that send operations in an array learn why they get no answer, and nothing of it runs.
func TestABatchIsRefusedInWordsThatSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, body := range []string{`[]`, " \r\n\t[{\"query\":\"{hello}\"},{\"query\":\"{hello}\"}]", `[1`} {
		a := s.send(t, "POST", "/", body, asJSON)
		if a.status != 400 || a.code() != "BAD_USER_INPUT" ||
			!strings.Contains(string(a.text), "a request is one operation") {
			t.Errorf("%q is answered %d %s", body, a.status, a.text)
		}
	}
}
