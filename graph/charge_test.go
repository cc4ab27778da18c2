package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/graph"
	"carillon/identity"
	"carillon/operator"
	"carillon/ratelimit"
	"carillon/redisclient"
	"carillon/uid"
)

// budgeted gives the API budgets that get next to nothing back while a test runs.
func budgeted(t testing.TB, token, organization, address int) func(*graph.Deps) {
	t.Helper()
	client, prefix := dbtest.Redis(t)

	return func(d *graph.Deps) { d.Budgets = slowBudgets(client, prefix, token, organization, address) }
}

func slowBudgets(client redis.UniversalClient, prefix string, token, organization, address int) *ratelimit.Budgets {
	return ratelimit.NewBudgets(client, prefix, map[ratelimit.Kind]ratelimit.Rate{
		ratelimit.Token:        {PerMinute: 1, Burst: token},
		ratelimit.Organization: {PerMinute: 1, Burst: organization},
		ratelimit.Address:      {PerMinute: 1, Burst: address},
	}, slog.New(slog.DiscardHandler))
}

// twoInstances are the API twice, with budgets in one Redis.
func twoInstances(t *testing.T, token, organization int) (s *stage, other *httptest.Server) {
	t.Helper()
	client, prefix := dbtest.Redis(t)
	with := func(d *graph.Deps) { d.Budgets = slowBudgets(client, prefix, token, organization, 1000) }
	s = onSQLite(t, with)
	again := s.deps
	with(&again)
	api := graph.New(again)
	other = httptest.NewServer(api)

	t.Cleanup(func() {
		if err := api.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}

		other.Close()
	})

	return s, other
}

// reply is an answer with what HTTP says of it.
type reply struct {
	status int
	header http.Header
	text   string
	answer
	Extensions struct {
		Cost struct {
			Requested, Limit, Remaining, ResetSeconds int
			Budget                                    string
		}
	}
}

// call posts a document to a server, from an address.
func call(t *testing.T, url, token, document string, headers ...string) (r reply) {
	t.Helper()
	body, _ := json.Marshal(vars{"query": document})
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}

	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}

	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return r
	}

	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		t.Errorf("%d %s: %v", resp.StatusCode, raw, err)
	}

	r.status, r.header, r.text = resp.StatusCode, resp.Header, string(raw)

	return r
}

func TestTwoInstancesServeExactlyWhatTheTokenMaySpend(t *testing.T) {
	s, other := twoInstances(t, 30, 1000)
	p := s.signUp()
	var served atomic.Int64
	var callers sync.WaitGroup

	for i := range 40 {
		url := []string{s.server.URL, other.URL}[i%2]
		callers.Go(func() {
			a := call(t, url, p.token, `{ a: terms { version } }`)
			switch a.status {
			case http.StatusOK:
				served.Add(1)
			case http.StatusTooManyRequests:
				if a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" {
					t.Errorf("refused with %s", a.text)
				}
			default:
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}

	callers.Wait()
	if served.Load() != 15 {
		t.Errorf("%d calls of 2 points were served out of 30 points", served.Load())
	}
}

func TestAnOrganizationsKeysShareItsBudgetAndPayNothingForWhatItRefuses(t *testing.T) {
	s, other := twoInstances(t, 100, 30)
	p := s.signUp()
	one, two := p.key(enum.RoleViewer), p.key(enum.RoleViewer)

	if a := call(t, s.server.URL, one.token, aliases(14)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}

	a := call(t, other.URL, two.token, aliases(2))
	if a.status != http.StatusTooManyRequests ||
		!strings.Contains(a.Errors[0].Message, "budget of your organization has 2 of 30") {
		t.Errorf("%d %s", a.status, a.text)
	}

	if a.Extensions.Cost.Budget != "organization" || a.Extensions.Cost.Requested != 4 {
		t.Errorf("the refusal says %+v", a.Extensions.Cost)
	}
	if got := a.header.Get("RateLimit"); !strings.HasPrefix(got, `"token";r=100;t=0, "organization";r=2;t=`) {
		t.Errorf("the second key paid: %s", got)
	}
	if a := call(t, other.URL, two.token, aliases(1)); a.status != http.StatusOK {
		t.Errorf("what is left cannot be spent: %s", a.text)
	}

	stranger := s.signUp()
	if a := call(t, other.URL, stranger.token, aliases(1)); a.status != http.StatusOK {
		t.Errorf("another organization pays too: %s", a.text)
	}
}

// aliases is a query of 2 points for each alias.
func aliases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d: terms { version }", i)
	}

	return "{" + b.String() + " }"
}

func TestAListWithoutPagesCostsLikeTheLargestPage(t *testing.T) {
	s := onSQLite(t, budgeted(t, 20_000, 50_000, 100))
	p := s.signUp()
	for list, want := range map[string]int{ // the viewer, the organization, the list, a quarter of 100 rows
		"organization { members { id } }": 28, "organization { apiKeys { id } }": 28,
		"organization { invitations { id } }": 28, "memberships { id }": 27, "sessions { id }": 27,
	} {
		if a := call(t, s.server.URL, p.token, `{ viewer { `+list+` } }`); a.Extensions.Cost.Requested != want {
			t.Errorf("%s costs %d, want %d: %s", list, a.Extensions.Cost.Requested, want, a.text)
		}
	}
}

// A field that is not in the table of costs would cost 1, however many rows it gives.
func TestEveryPageCostsByItsRows(t *testing.T) {
	s := onSQLite(t, budgeted(t, 100_000, 500_000, 100))
	p := s.signUp()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL()})
	if err != nil {
		t.Fatal(err)
	}

	cost := func(on, field string, first int) int {
		page := fmt.Sprintf("%s(first: %d) { edges { node { id } } }", field, first)
		if on != "Query" {
			page = fmt.Sprintf(`node(id: %q) { ... on %s { %s } }`, uid.New(uid.Message), on, page)
		}

		return call(t, s.server.URL, p.token, "{ "+page+" }").Extensions.Cost.Requested
	}

	pages := 0
	for _, on := range schema.Types {
		for _, f := range on.Fields {
			if on.Kind != ast.Object || !strings.HasSuffix(f.Type.Name(), "Connection") || f.Arguments.ForName("first") == nil {
				continue
			}

			pages++
			if few, many := cost(on.Name, f.Name, 4), cost(on.Name, f.Name, 100); few == 0 || many < few+24 {
				t.Errorf("%s.%s costs %d with 4 rows and %d with 100", on.Name, f.Name, few, many)
			}
		}
	}

	if pages < 15 {
		t.Errorf("only %d pages were found", pages)
	}
}

func TestAnExpensiveOperationIsRefusedWithWhatItCosts(t *testing.T) {
	s := onSQLite(t, budgeted(t, 2000, 5000, 100))
	p := s.signUp()
	const page = `deliveryEvents(first: 100) { events { sequence status message { id to } } }`

	one := call(t, s.server.URL, p.token, `{ `+page+` }`)
	cost := one.Extensions.Cost.Requested
	if one.status != http.StatusOK || cost < 20 || one.Extensions.Cost.Remaining != 2000-cost ||
		one.Extensions.Cost.Limit != 2000 {
		t.Fatalf("%d %s", one.status, one.text)
	}

	document := "{"
	for i := range 20 {
		document += fmt.Sprintf(" a%d: %s", i, page)
	}

	many := call(t, s.server.URL, p.token, document+" }")
	if many.status != http.StatusOK || many.Extensions.Cost.Requested != 20*cost {
		t.Errorf("20 aliases of %d points: %d %s", cost, many.status, many.text)
	}

	tooMany := call(t, s.server.URL, p.token, strings.ReplaceAll(document, "100", "1000")+" }")
	if tooMany.status != http.StatusTooManyRequests || tooMany.header.Get("Retry-After") != "" ||
		!strings.Contains(tooMany.Errors[0].Message, "never holds more than 2000") {
		t.Errorf("what can never be paid: %d %v %s", tooMany.status, tooMany.header, tooMany.text)
	}
}

func TestASocketIsChargedForEachSubscriptionAndToldWhenToComeBack(t *testing.T) {
	s := onSQLite(t, budgeted(t, 30, 1000, 100))
	p := s.signUp()
	live := p.dial()
	live.send(vars{"id": "a", "type": "subscribe", "payload": vars{"query": follow}})
	var first struct {
		Extensions struct {
			Cost struct{ Requested, Remaining int }
		}
	}

	if f := live.next(); f.Type != "next" || json.Unmarshal(f.Payload, &first) != nil ||
		first.Extensions.Cost.Requested < 5 || first.Extensions.Cost.Remaining != 30-first.Extensions.Cost.Requested {
		t.Fatalf("the first event is %s", f.Payload)
	}

	for i := 30 / first.Extensions.Cost.Requested; i > 1; i-- {
		id := fmt.Sprint("more", i)
		live.send(vars{"id": id, "type": "subscribe", "payload": vars{"query": follow}})
		if f := live.next(); f.ID != id || !strings.Contains(string(f.Payload), `"cost"`) {
			t.Fatalf("got %s %s", f.Type, f.Payload)
		}
	}

	live.subscribe(follow, vars{})
	code, extensions := live.failure()
	if seconds, _ := extensions["retryAfterSeconds"].(float64); code != "RATE_LIMITED" || seconds < 1 {
		t.Errorf("refused with %s %v", code, extensions)
	}
}

func TestStrangersPayByAddress(t *testing.T) {
	s := onSQLite(t, budgeted(t, 100, 100, 5), func(d *graph.Deps) {
		d.ClientIP = func(r *http.Request) string { return r.Header.Get("X-Test-Address") }
	})
	from := func(address string) int {
		return call(t, s.server.URL, "", `{ terms { version } }`, "X-Test-Address: "+address).status
	}

	for i, step := range []struct {
		address string
		want    int
	}{
		{"192.0.2.1", 200}, {"192.0.2.1", 200}, {"192.0.2.1", 429}, {"::ffff:192.0.2.1", 429}, {"192.0.2.2", 200},
		{"2001:db8::1", 200}, {"2001:db8::2", 200}, {"2001:db8::3", 429}, {"2001:db8:0:1::1", 200},
	} {
		if got := from(step.address); got != step.want {
			t.Errorf("call %d, from %s: %d, want %d", i, step.address, got, step.want)
		}
	}

	p := s.signUp()
	a := call(t, s.server.URL, p.token, `{ terms { version } }`, "X-Test-Address: 192.0.2.1")
	if a.status != http.StatusOK || a.Extensions.Cost.Budget != "token" {
		t.Errorf("a caller with a token pays for its address: %d %s", a.status, a.text)
	}
}

func TestWithoutRedisBudgetsHoldInTheProcess(t *testing.T) {
	q := redisclient.NewQuick(redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = q.Close() })
	s := onSQLite(t, func(d *graph.Deps) { d.Budgets = slowBudgets(q, "x", 10, 100, 100) })
	p := s.signUp()

	for i := range 7 {
		want := http.StatusOK
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if a := call(t, s.server.URL, p.token, aliases(1)); a.status != want {
			t.Errorf("call %d: %d %s, want %d", i, a.status, a.text, want)
		}
	}
}

// BenchmarkTrivialQuery shows what budgets add to the cheapest call over HTTP.
func BenchmarkTrivialQuery(b *testing.B) {
	db := dbtest.Open(b, dbtest.SQLite(b))
	who := identity.New(db, identity.DefaultTerms(), database.Now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1},
			Hears: func() (uint64, bool) { return 1, true }})
	signed, err := who.SignUpByOperator(b.Context(), identity.SignUp{Email: "ada@example.com", Password: password,
		Name: "Ada", OrganizationName: "Shop", AcceptTermsVersion: who.Terms().Version})
	if err != nil {
		b.Fatal(err)
	}

	options, err := redis.ParseURL(dbtest.RedisURL(b))
	if err != nil {
		b.Fatal(err)
	}

	quiet := slog.New(slog.DiscardHandler)
	quick := redisclient.NewQuick(redis.UniversalOptions{Addrs: []string{options.Addr}, DB: options.DB}, quiet)
	defer quick.Close()

	for name, budgets := range map[string]*ratelimit.Budgets{"without budgets": nil,
		"with budgets": slowBudgets(quick, "x", 1<<40, 1<<40, 1<<40)} {
		api := httptest.NewServer(graph.New(graph.Deps{DB: db, Identity: who, Operator: operator.NewStates(db, database.Now),
			Now: database.Now, Logger: quiet, Budgets: budgets}))
		defer api.Close()

		b.Run(name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for pb.Next() {
					trivialQuery(b, client, api.URL, signed.Token)
				}
			})
		})
	}
}

func trivialQuery(b *testing.B, client *http.Client, url, token string) {
	req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"query":"{ viewer { user { id } } }"}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		b.Error(err)
		return
	}

	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Errorf("answered %d", resp.StatusCode)
	}
}
