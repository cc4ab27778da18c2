package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

// till takes what operations cost, until it is told to refuse.
type till struct {
	mu    sync.Mutex
	paid  []int
	empty bool
}

func (b *till) charge(_ context.Context, cost int) ([]transport.Allowance, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := []transport.Allowance{
		{Name: "token", Limit: 1000, Remaining: 10, Window: 2 * time.Minute, Reset: 90*time.Second + 1},
		{Name: "organization", Limit: 5000, Remaining: 5, Window: 2 * time.Minute, Reset: time.Second},
	}
	if b.empty {
		left[0].Wait = 1500 * time.Millisecond
		return left, transporttest.Fault{Code: "RATE_LIMITED", Message: "too much",
			More: map[string]any{"retryAfterSeconds": 2}}
	}

	b.paid = append(b.paid, cost)

	return left, nil
}

// took returns what was paid since it was last asked.
func (b *till) took() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	paid := b.paid
	b.paid = nil

	return paid
}

func (b *till) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.empty = true
}

func charging(t *testing.T) (*served, *till) {
	t.Helper()
	b := &till{}
	return serve(t, func(o *transport.Options) { o.Charge = b.charge }), b
}

const asAlice = "Authorization: Bearer alice"

// fileForm is a multipart request for the upload of one file.
func fileForm() (body, contentType string) {
	var b bytes.Buffer
	f := multipart.NewWriter(&b)
	_ = f.WriteField("operations",
		`{"query":"mutation($f: Upload!) { upload(file: $f) { name size } }","variables":{"f":null}}`)
	_ = f.WriteField("map", `{"0":["variables.f"]}`)
	file, _ := f.CreateFormFile("0", "a.txt")
	_, _ = file.Write([]byte("text"))
	_ = f.Close()

	return b.String(), f.FormDataContentType()
}

// paths run an operation in every way in which one can be asked for, and return the answer's text.
func paths(t *testing.T, s *served) map[string]struct {
	cost int
	run  func() string
} {
	t.Helper()
	type path = struct {
		cost int
		run  func() string
	}
	socket := func(protocol, start, document string) func() string {
		return func() string {
			p := s.hello(t, protocol)
			p.send(fmt.Sprintf(`{"id":"1","type":%q,"payload":{"query":%q}}`, start, document))
			var texts []string

			for {
				m, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				if m.Type == "complete" {
					return strings.Join(texts, "\n")
				}
				if m.ID != "" {
					texts = append(texts, string(m.Payload))
				}
			}
		}
	}

	body, media := fileForm()

	return map[string]path{
		"POST": {1, func() string { return s.query(t, `{hello}`).text }},
		"GET":  {1, func() string { return s.send(t, "GET", "/?query={hello}", "", asAlice).text }},
		"an alias costs like its field": {3, func() string {
			return s.query(t, `{a: hello b: hello hello}`).text
		}},
		"a page costs its rows": {91, func() string { return s.query(t, `{items(first: 30) {edges {node {id}}}}`).text }},
		"introspection": {100 + 1, func() string {
			return s.query(t, `query Q {...All} fragment All on Query {__schema {types {name}} }`).text
		}},
		"an upload": {3, func() string {
			return s.send(t, "POST", "/", body, "Content-Type: "+media, asAlice).text
		}},
		"a query by event stream": {1, func() string {
			return s.sent(t, "{hello}")
		}},
		"a subscription by event stream": {2, func() string {
			return s.sent(t, "subscription {ticks(count: 3) {seq}}")
		}},
		"a query by socket":        {1, socket("graphql-transport-ws", "subscribe", "{hello}")},
		"a subscription by socket": {2, socket("graphql-transport-ws", "subscribe", "subscription {ticks(count: 3) {seq}}")},
		"a subscription by the older protocol": {2, socket("graphql-ws", "start",
			"subscription {ticks(count: 3) {seq}}")},
	}
}

// sent reads an event stream to its end.
func (s *served) sent(t *testing.T, document string) string {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/?query="+url.QueryEscape(document), nil)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer alice")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(resp.Body)
	if resp.Header.Get("RateLimit") == "" {
		t.Errorf("%s: the stream has no RateLimit", document)
	}

	return text.String()
}

func TestEveryOperationIsChargedOnceByEveryPathAndSaysSo(t *testing.T) {
	t.Parallel()
	s, b := charging(t)
	for name, path := range paths(t, s) {
		text := path.run()
		if got := b.took(); !slices.Equal(got, []int{path.cost}) {
			t.Errorf("%s: charged %v, want %d once (%s)", name, got, path.cost, text)
		}
		if n := strings.Count(text, `"requested"`); n != 1 {
			t.Errorf("%s: says %d times what it costs: %s", name, n, text)
		}

		if want := fmt.Sprintf(`"cost":{"budget":"organization","limit":5000,"remaining":5,"requested":%d,"resetSeconds":1}`,
			path.cost); !strings.Contains(text, want) {
			t.Errorf("%s: says %s, want %s", name, text, want)
		}
	}
}

func TestWhatCannotBePaidDoesNotRunByAnyPath(t *testing.T) {
	t.Parallel()
	s, b := charging(t)
	b.close()

	for name, path := range paths(t, s) {
		text := path.run()
		if !strings.Contains(text, `"code":"RATE_LIMITED"`) || !strings.Contains(text, `"retryAfterSeconds":2`) {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(text, `"budget":"token"`) {
			t.Errorf("%s: does not say which budget: %s", name, text)
		}
		if strings.Contains(text, "hello world") || strings.Contains(text, `"seq"`) || strings.Contains(text, `"size"`) {
			t.Errorf("%s: ran: %s", name, text)
		}
	}

	body, media := fileForm()
	for name, a := range map[string]answer{"POST": s.query(t, `{hello}`),
		"an upload":      s.send(t, "POST", "/", body, "Content-Type: "+media, asAlice),
		"a stream":       s.send(t, "GET", "/?query={hello}", "", asAlice, "Accept: text/event-stream"),
		"a bad document": s.query(t, `{`)} {
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "2" || a.code() != "RATE_LIMITED" {
			t.Errorf("%s: %d, Retry-After %q, %s", name, a.status, a.header.Get("Retry-After"), a.text)
		}
	}

	if got := b.took(); len(got) > 0 {
		t.Errorf("charged %v", got)
	}
}

func TestWhatIsRefusedBeforeItRunsCostsOnePoint(t *testing.T) {
	t.Parallel()
	s, b := charging(t)
	for name, refuse := range map[string]func() answer{
		"no document":      func() answer { return s.query(t, `{`) },
		"an unknown field": func() answer { return s.query(t, `{nothing}`) },
		"too complex":      func() answer { return s.query(t, `{items(first: 101) {totalCount}}`) },
		"no JSON":          func() answer { return s.send(t, "POST", "/", "x", asJSON, asAlice) },
		"another type":     func() answer { return s.send(t, "POST", "/", "x", "Content-Type: text/plain", asAlice) },
		"a mutation by GET": func() answer {
			return s.send(t, "GET", "/?query=mutation{addItem(input:{text:\"a\"}){id}}", "", asAlice)
		},
		"a stream as JSON": func() answer { return s.query(t, `subscription {ticks {seq}}`) },
		"an unknown hash": func() answer {
			return s.send(t, "POST", "/", persisted("", sha256Hex("x")), asJSON, asAlice)
		},
		"a list of operations": func() answer {
			return s.send(t, "POST", "/", `[`+operation("{hello}")+`]`, asJSON, asAlice)
		},
	} {
		a := refuse()
		if got := b.took(); !slices.Equal(got, []int{1}) {
			t.Errorf("%s: charged %v", name, got)
		}
		if a.header.Get("RateLimit") == "" || a.header.Get("RateLimit-Policy") == "" || a.code() == "RATE_LIMITED" {
			t.Errorf("%s: %v %s", name, a.header, a.text)
		}
	}

	p := s.connect(t)
	p.subscribe("1", "{nothing}")
	p.wants("error")
	if got := b.took(); !slices.Equal(got, []int{1}) {
		t.Errorf("on a socket: charged %v", got)
	}
}

// sfList is a list of strings with whole numbers as parameters, by the grammar of RFC 9651.
var sfList = regexp.MustCompile(`^"[a-z]+"(;[a-z]+=[0-9]{1,15})+(, "[a-z]+"(;[a-z]+=[0-9]{1,15})+)*$`)

func TestTheHeaderSaysWhatIsLeftInStandardFields(t *testing.T) {
	t.Parallel()
	s, _ := charging(t)
	a := s.send(t, "POST", "/", operation("{hello}"), asJSON, asAlice, "Origin: https://app.example")

	for field, want := range map[string]string{
		"RateLimit-Policy": `"token";q=1000;w=120, "organization";q=5000;w=120`,
		"RateLimit":        `"token";r=10;t=91, "organization";r=5;t=1`,
	} {
		got := a.header.Get(field)
		if got != want || !sfList.MatchString(got) {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
		if exposed := a.header.Get("Access-Control-Expose-Headers"); !slices.Contains(strings.Split(exposed, ", "), field) {
			t.Errorf("pages of other sites may read %s, not %s", exposed, field)
		}
	}
}

func TestWithoutChargesNothingIsSaid(t *testing.T) {
	t.Parallel()
	a := serve(t, nil).query(t, `{hello}`)
	var whole map[string]any
	if err := json.Unmarshal([]byte(a.text), &whole); err != nil || whole["extensions"] != nil {
		t.Errorf("%s: %v", a.text, err)
	}
	if a.header.Get("RateLimit") != "" || a.header.Get("RateLimit-Policy") != "" {
		t.Errorf("%v", a.header)
	}
}
