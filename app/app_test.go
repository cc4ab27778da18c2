package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

// childVariable makes the test's binary be the program itself, so that tests can kill it as a real
// process.
const childVariable = "CARILLON_TEST_CHILD"

func TestMain(m *testing.M) {
	if command, child := os.LookupEnv(childVariable); child {
		os.Args = append([]string{"carillon"}, strings.Fields(command)...)
		_ = os.Unsetenv(childVariable)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if !cli.Program(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr) {
			os.Exit(1)
		}

		return
	}

	flag.Parse()
	if runtime.GOMAXPROCS(0) < 4 { // most of these tests wait for their processes, and for leases to run out
		_ = flag.Set("test.parallel", "4")
	}

	os.Exit(m.Run())
}

// service is a deployment on one database: real child processes before a sandbox that outlives them
// and judges them.
type service struct {
	t       *testing.T
	dsn     string
	environ []string
	url     string
	sandbox *sandbox.Sandbox
	db      *database.DB
	token   string // of an API key of the owner's
	pid     int    // of the process that was started last

	back atomic.Pointer[time.Time] // when Redis was there again
	// sees requests to WhatsApp first; true: it has dealt with it
	intercept atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

const (
	testSecret = "app-secret-of-the-test"
	testVerify = "verify-token-of-the-test"
)

// deploy prepares a database, a Redis and a sandbox; roles are started by the test.
func deploy(t *testing.T, dsn string, o sandbox.Options) *service {
	t.Helper()
	s := &service{t: t, dsn: dsn, db: dbtest.Open(t, dsn)}
	address := freeAddress(t)
	s.url = "http://" + address
	o.AppID, o.AppSecret, o.VerifyToken, o.CallbackURL = "1", testSecret, testVerify, s.url+"/webhooks/whatsapp"
	if o.RetryDelay == 0 {
		o.RetryDelay = 50 * time.Millisecond
	}

	var err error
	if s.sandbox, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(app.SandboxAccount(app.SandboxWABA, app.SandboxNumber, o.Throughput))
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first := s.intercept.Load(); first == nil || !(*first)(w, r) {
			s.sandbox.ServeHTTP(w, r)
		}
	}))

	t.Cleanup(graph.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.sandbox.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	s.environ = []string{
		"DATABASE_URL=" + dsn, "DATA_DIR=" + t.TempDir(), "HTTP_ADDR=" + address, "WHATSAPP_API_URL=" + graph.URL,
		"WHATSAPP_APP_ID=1",
		"WHATSAPP_APP_SECRET=" + testSecret, "WHATSAPP_VERIFY_TOKEN=" + testVerify, "LOG_LEVEL=warn",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
	}

	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	defer l.Close()

	return l.Addr().String()
}

// start runs the program as a child process with extra environment, and returns what kills it.
func (s *service) start(command string, extra ...string) (kill func(os.Signal)) {
	s.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(append(append([]string{}, s.environ...), extra...), childVariable+"="+command)
	var log bytes.Buffer
	child.Stdout, child.Stderr = &log, &log
	if err := child.Start(); err != nil {
		s.t.Fatal(err)
	}

	s.pid = child.Process.Pid
	var once sync.Once

	kill = func(signal os.Signal) {
		once.Do(func() {
			_ = child.Process.Signal(signal)
			_ = child.Wait()
			if s.t.Failed() && log.Len() > 0 {
				s.t.Logf("carillon %s said:\n%s", command, tail(log.String(), 4000))
			}
		})
	}

	s.t.Cleanup(func() { kill(syscall.SIGKILL) })

	return kill
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// ready waits until the API answers.
func (s *service) ready() { s.t.Helper(); s.readyAt(s.url) }

func (s *service) readyAt(url string) {
	s.t.Helper()
	s.until("the service is up", func() bool {
		response, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}

		defer response.Body.Close()

		return response.StatusCode == http.StatusOK
	})
}

// until asks again and again, since what happens in another process gives no signal.
func (s *service) until(what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 90*time.Second)
	defer cancel()
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()

	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			s.t.Fatalf("waited too long until %s", what)
		}
	}
}

// ask runs one operation and decodes its data.
func (s *service) ask(query string, variables map[string]any, into any) {
	s.t.Helper()
	body, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
	request, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) > 0 ||
		bytes.Contains(text, []byte(`"userErrors":[{`)) {
		s.t.Fatalf("%.60s: %v %s", query, err, text)
	}

	if into != nil {
		if err := json.Unmarshal(answer.Data, into); err != nil {
			s.t.Fatal(err)
		}
	}
}

// signUp makes an organization with an account, an approved template and n contacts, and returns a
// draft campaign.
func (s *service) draft(n int) (campaign string) {
	s.t.Helper()
	var terms struct{ Terms struct{ Version string } }
	s.ask(`{ terms { version } }`, nil, &terms)
	var up struct{ SignUp struct{ Token string } }
	s.ask(`mutation($i: SignUpInput!) { signUp(input: $i) { token userErrors { message } } }`,
		map[string]any{"i": map[string]any{
			"email": "owner@example.com", "password": "correct horse battery", "name": "Owner",
			"organizationName": "Lucky Shrub", "acceptTermsVersion": terms.Terms.Version}}, &up)

	s.token = up.SignUp.Token
	var connected struct {
		ConnectAccount struct {
			Account struct {
				ID           string
				PhoneNumbers []struct{ ID string }
			}
		}
	}

	s.ask(`mutation($i: ConnectAccountInput!) { connectAccount(input: $i) { account { id phoneNumbers { id } } userErrors { field message } } }`,
		map[string]any{"i": map[string]any{
			"credentials": map[string]any{"token": map[string]any{"wabaId": app.SandboxWABA,
				"accessToken": app.SandboxToken}},
			"consentToTransfer": true}}, &connected)

	account := connected.ConnectAccount.Account
	var made struct {
		CreateTemplate struct{ Template struct{ ID string } }
	}

	s.ask(
		`mutation($i: CreateTemplateInput!) { createTemplate(input: $i) { template { id } userErrors { field message } } }`,
		map[string]any{"i": map[string]any{
			"accountId": account.ID, "template": map[string]any{"name": "hello", "language": "en_US", "category": "UTILITY",
				"components": []any{
					map[string]any{"type": "BODY", "text": "Hello {{1}}, good to see you again.", "example": []string{"Ana"}}}}}},
		&made)

	s.until("the template is approved", func() bool {
		var got struct{ Node struct{ Status string } }
		s.ask(`query($id: ID!) { node(id: $id) { ... on Template { status } } }`,
			map[string]any{"id": made.CreateTemplate.Template.ID}, &got)
		return got.Node.Status == "APPROVED"
	})

	s.seedContacts(n)
	var created struct {
		CreateCampaign struct{ Campaign struct{ ID string } }
	}

	s.ask(
		`mutation($i: CreateCampaignInput!) { createCampaign(input: $i) { campaign { id } userErrors { field message } } }`,
		map[string]any{"i": map[string]any{
			"name": "Spring", "templateId": made.CreateTemplate.Template.ID, "phoneNumberId": account.PhoneNumbers[0].ID,
			"audience":   map[string]any{"filter": map[string]any{"country": []string{"CA"}}},
			"parameters": []any{map[string]any{"parameter": "1", "contactField": "name"}}}}, &created)

	return created.CreateCampaign.Campaign.ID
}

func (s *service) seedContacts(n int) {
	s.t.Helper()
	phones := make([]string, n)
	for i := range phones {
		phones[i] = fmt.Sprintf("+1416%07d", 2_000_000+i)
	}

	s.seedPhones(phones...)
}

func (s *service) seedPhones(phones ...string) {
	s.t.Helper()
	system := caller.System(s.t.Context())
	organization := s.db.Client.Organization.Query().OnlyX(system).ID

	err := s.db.InTx(system, func(tx *database.Tx) error {
		for _, phone := range phones {
			person, err := tx.Client.Contact.Create().SetOrganizationID(organization).SetPhone(phone).SetName("Person").
				SetCountry("CA").Save(system)
			if err != nil {
				return err
			}

			err = tx.Client.ContactIdentifier.Create().SetOrganizationID(organization).SetKind(enum.IdentifierKindPhone).
				SetValue(phone).SetContactID(person.ID).SetSince(database.Now()).Exec(system)
			if err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) do(mutation, campaign string) {
	s.t.Helper()
	name := strings.ToUpper(mutation[:1]) + mutation[1:]
	s.ask(fmt.Sprintf(
		`mutation($id: ID!) { %s(input: {campaignId: $id}) { campaign { status } userErrors { message } } }`, mutation),
		map[string]any{"id": campaign}, nil)
	_ = name
}

type progress struct{ Total, Queued, Sending, Unknown, Read, Failed int }

func (s *service) progress(campaign string) (status string, p progress) {
	s.t.Helper()
	var got struct {
		Node struct {
			Status   string
			Progress progress
		}
	}
	s.ask(`query($id: ID!) { node(id: $id) { ... on Campaign { status progress { total queued sending unknown read failed } } } }`,
		map[string]any{"id": campaign}, &got)

	return got.Node.Status, got.Node.Progress
}

// judge holds that everybody got one message, and that every count is what a recount gives.
func (s *service) judge(recipients int) {
	s.t.Helper()
	got := map[string]int{}
	for _, a := range s.sandbox.Accepted() {
		got[a.To]++
	}

	for to, n := range got {
		if n > 1 {
			s.t.Errorf("%s got %d messages", to, n)
		}
	}

	if len(got) != recipients {
		s.t.Errorf("%d people got a message, want %d", len(got), recipients)
	}

	s.recount()
}

// recount holds that every count is what a recount gives.
func (s *service) recount() {
	s.t.Helper()
	queue := delivery.NewQueue(s.db, nil, nil, database.Now)
	differences, err := queue.Verify(caller.System(s.t.Context()))
	if err != nil {
		s.t.Fatal(err)
	}

	for _, d := range differences {
		s.t.Error(d)
	}
}

func onBoth(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, dsn(t)) })
	}
}

func TestKilledInMidCampaignNothingIsLostAndNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n = 400
		s := deploy(t, dsn, sandbox.Options{Throughput: 200, NoPairLimit: true, Latency: 20 * time.Millisecond,
			DuplicateWebhooks: 0.1, ShuffleWebhooks: 0.2})
		kill := s.start("")
		s.ready()
		campaign := s.draft(n)
		s.decideSoon()
		s.do("launchCampaign", campaign)

		for deaths, at := range []int{60, 150, 260} {
			if err := s.sandbox.WaitAccepted(t.Context(), at); err != nil {
				t.Fatal(err)
			}

			kill(syscall.SIGKILL)
			s.forgetLeases()
			kill = s.start("")
			s.ready()
			t.Logf("killed %d times, at %d messages", deaths+1, len(s.sandbox.Accepted()))
		}

		s.until("the campaign is over", func() bool {
			status, p := s.progress(campaign)
			return status == "COMPLETED" && p.Read == n
		})

		s.judge(n)
	})
}

// decideSoon shortens the wait for the webhook of a message whose answer was lost. The sandbox
// tells of every message that it took, so that whoever is silent then was never sent, and is sent
// by the policy of its category.
func (s *service) decideSoon() {
	s.t.Helper()
	system := caller.System(s.t.Context())
	o := s.db.Client.Organization.Query().OnlyX(system)
	// longer than a process takes to start again on a busy machine: until then webhooks pause about as
	// long as it was away
	o.SendingPolicy.UnknownWaitSeconds = 30
	o.Update().SetSendingPolicy(o.SendingPolicy).ExecX(system)
}

// forgetLeases lets the leases of a process that is dead run out now: the test has no two minutes.
func (s *service) forgetLeases() {
	s.t.Helper()
	err := s.db.InTx(s.t.Context(), func(tx *database.Tx) error {
		past := database.Now().Add(-time.Second)
		if _, err := tx.ExecContext(s.t.Context(), "UPDATE message SET lease_until = $1 WHERE status = 'SENDING'",
			past); err != nil {
			return err
		}

		// After the messages: a claim that commits between the two would seem to have outlived its own,
		// shorter time.
		_, err := tx.ExecContext(s.t.Context(), "UPDATE claim SET until = $1", past)

		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestASubscriberThatComesAndGoesSeesEveryEventOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n = 300
		s := deploy(t, dsn, sandbox.Options{Throughput: 1000, NoPairLimit: true, SentDelay: 10 * time.Millisecond,
			DeliveredDelay: 50 * time.Millisecond, ReadDelay: 150 * time.Millisecond, Spread: 1})
		s.start("")
		s.ready()
		campaign := s.draft(n)
		subscriber := s.subscribe("")
		cursor, events := subscriber.next()
		if len(events) != 0 || cursor == "" {
			t.Fatalf("the first batch has %d events and cursor %q", len(events), cursor)
		}

		s.do("launchCampaign", campaign)
		var seen []int

		for len(seen) < 4*n {
			if rand.N(10) == 0 { // gone without a word, and back where it stopped
				subscriber.conn.NetConn().Close()
				subscriber = s.subscribe(cursor)
			}

			cursor, events = subscriber.next()
			seen = append(seen, events...)
		}

		for i, sequence := range seen {
			if sequence != i+1 {
				t.Fatalf("event %d has sequence %d", i+1, sequence)
			}
		}

		s.judge(n)
	})
}

// subscriber is a real graphql-transport-ws client.
type subscriber struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *service) subscribe(after string) *subscriber {
	s.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.DialContext(s.t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql", nil)
	if err != nil {
		s.t.Fatal(err)
	}

	s.t.Cleanup(func() { _ = conn.Close() })
	variables := map[string]any{}
	if after != "" {
		variables["after"] = after
	}

	for _, m := range []any{
		map[string]any{"type": "connection_init", "payload": map[string]any{"Authorization": "Bearer " + s.token}},
	} {
		if err := conn.WriteJSON(m); err != nil {
			s.t.Fatal(err)
		}
	}

	sub := &subscriber{s.t, conn}
	sub.read("connection_ack")

	if err := conn.WriteJSON(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
		"query":     `subscription($after: Cursor) { deliveryEvents(after: $after) { cursor events { sequence status message { id } } } }`,
		"variables": variables}}); err != nil {
		s.t.Fatal(err)
	}

	return sub
}

func (s *subscriber) read(kind string) json.RawMessage {
	s.t.Helper()
	for {
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		_ = s.conn.SetReadDeadline(time.Now().Add(time.Minute))
		if err := s.conn.ReadJSON(&m); err != nil {
			s.t.Fatal(err)
		}

		switch m.Type {
		case kind:
			return m.Payload
		case "ping":
			_ = s.conn.WriteJSON(map[string]any{"type": "pong"})
		default:
			s.t.Fatalf("got %s %s while waiting for %s", m.Type, m.Payload, kind)
		}
	}
}

func (s *subscriber) next() (cursor string, sequences []int) {
	s.t.Helper()
	var payload struct {
		Data struct {
			DeliveryEvents struct {
				Cursor string
				Events []struct{ Sequence int }
			}
		}
		Errors []json.RawMessage
	}
	text := s.read("next")
	if err := json.Unmarshal(text, &payload); err != nil || len(payload.Errors) > 0 {
		s.t.Fatalf("%v %s", err, text)
	}

	for _, e := range payload.Data.DeliveryEvents.Events {
		sequences = append(sequences, e.Sequence)
	}

	return payload.Data.DeliveryEvents.Cursor, sequences
}

func TestAPIAndWorkersRunAsSeparateProcesses(t *testing.T) {
	t.Parallel()
	redisURL := dbtest.RedisURL(t)
	dsn := dbtest.Postgres(t)
	const n = 200
	s := deploy(t, dsn, sandbox.Options{Throughput: 1000, NoPairLimit: true})
	shared := []string{"REDIS_URL=" + redisURL, "ENCRYPTION_KEY=" + testKey}
	s.start("serve", shared...)
	s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
	s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
	s.ready()
	campaign := s.draft(n)
	s.do("launchCampaign", campaign)
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == n
	})

	s.judge(n)
}

// testKey is 32 bytes in base64.
const testKey = "c2l4dGVlbiBieXRlcyBvZiBrZXksIHR3aWNlIG92ZXI="

func TestTheDemoShowsTheMainJobWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	environments := map[string][]string{"embedded": {}}
	if !testing.Short() {
		environments["servers"] = nil
	}

	for name, environ := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if environ == nil {
				environ = []string{"DATABASE_URL=" + dbtest.Postgres(t), "REDIS_URL=" + dbtest.RedisURL(t)}
			}

			var out, errs bytes.Buffer
			if err := cli.Run(t.Context(), []string{"demo", "--json", "--recipients", "120", "--throughput", "1000"}, environ,
				&out, &errs); err != nil {
				t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
			}

			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var result map[string]float64
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil {
				t.Fatalf("the last line is no JSON object of numbers: %v\n%s", err, out.String())
			}

			for name, want := range map[string]float64{"recipients": 120, "accepted": 120, "skipped": 0, "unknown": 0,
				"sequenceGaps": 0, "duplicateEvents": 0} {
				if result[name] != want {
					t.Errorf("%s is %v, want %v", name, result[name], want)
				}
			}

			if result["read"]+result["failed"] < 119 || result["events"] < 400 || result["messagesPerSecond"] <= 0 {
				t.Errorf("result is %v", result)
			}
		})
	}
}

func TestTheServiceBeginsWithAnOrganizationAndKeepsItOverARestart(t *testing.T) {
	t.Parallel()
	address, folder := freeAddress(t), t.TempDir()
	environ := []string{"HTTP_ADDR=" + address, "DATA_DIR=" + folder, "LOG_LEVEL=warn"}
	key := regexp.MustCompile(`API key +(crk_\S+)`)
	s := &service{t: t, url: "http://" + address}
	var campaign string

	for attempt := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		out := &syncBuffer{}
		done := make(chan error, 1)
		go func() { done <- cli.Run(ctx, nil, environ, out, io.Discard) }()
		s.until("it prints its key", func() bool { return key.MatchString(out.String()) })
		s.token = key.FindStringSubmatch(out.String())[1]
		var got struct {
			Contacts  struct{ TotalCount int }
			Templates struct {
				Edges []struct{ Node struct{ Status string } }
			}
			Campaigns struct {
				Edges []struct{ Node struct{ ID, Status string } }
			}
		}
		s.ask(`{ contacts(first: 1) { totalCount } templates { edges { node { status } } } campaigns { edges { node { id status } } } }`,
			nil, &got)
		if got.Contacts.TotalCount != 500 || len(got.Templates.Edges) != 1 ||
			got.Templates.Edges[0].Node.Status != "APPROVED" || len(got.Campaigns.Edges) != 1 {
			t.Errorf("start %d: %+v", attempt, got)
		}

		if attempt == 0 {
			campaign = got.Campaigns.Edges[0].Node.ID
			s.do("launchCampaign", campaign)
			s.until("it is sending", func() bool { _, p := s.progress(campaign); return p.Total == 500 && p.Queued < 480 })

			for path, want := range map[string]string{"/": "<title>Carillon</title>",
				"/campaigns": "<title>Carillon</title>", "/graphiql": "GraphiQL",
				"/schema.graphql": "type Campaign implements Node",
				"/healthz":        "ok", "/metrics": "go_goroutines"} {
				response, err := http.Get(s.url + path)
				if err != nil {
					t.Fatal(err)
				}

				body, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(want)) {
					t.Errorf("%s answers %s without %q", path, response.Status, want)
				}
			}
		} else {
			s.until("the campaign went on", func() bool { status, _ := s.progress(campaign); return status == "COMPLETED" })
		}

		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}

	if _, err := os.Stat(filepath.Join(folder, "carillon.db")); err != nil {
		t.Error(err)
	}
}

// syncBuffer is a buffer that one goroutine writes and another reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}
func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func TestBadCommandsAndConfigurationAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args, environ []string
		says          []string
	}{
		"an unknown command": {[]string{"sever"}, nil, []string{`"sever"`, "serve", "work"}},
		"two mistakes": {[]string{"serve"}, []string{"DATABASE_URL=mysql://x", "ENCRYPTION_KEY=short"},
			[]string{"DATABASE_URL", "ENCRYPTION_KEY"}},
		"roles without a Redis": {[]string{"work"}, []string{"DATABASE_URL=sqlite:x.db"}, []string{"REDIS_URL"}},
		"production with no secret": {[]string{"serve"}, []string{"CARILLON_ENV=production"},
			[]string{"ENCRYPTION_KEY", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"}},
		"a demo of nobody": {[]string{"demo", "--throughput", "0"}, nil, []string{"--throughput"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := cli.Run(t.Context(), tc.args, tc.environ, io.Discard, io.Discard)
			for _, text := range tc.says {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("says %v, want something about %s", err, text)
				}
			}
		})
	}
}

var _ = telemetry.Logger
