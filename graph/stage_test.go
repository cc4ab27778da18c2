package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	entgo "entgo.io/ent"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/download"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/export"
	"carillon/filestore"
	"carillon/graph"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/media"
	"carillon/operator"
	"carillon/outbound"
	"carillon/pricing"
	"carillon/privacy"
	"carillon/reconciliation"
	"carillon/secret"
	"carillon/transactional"
	"carillon/uid"
	"carillon/webhook"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

const (
	waba      = "102290129340398"
	metaPhone = "106540352242922"
	metaToken = "EAAtoken"
	appID     = "4200"
	appSecret = "app-secret"
	password  = "correct horse battery"
)

// stage is the service with its API on one database, before a sandbox of its own; without workers,
// so that a test decides what happens to messages.
type stage struct {
	t          *testing.T
	db         *database.DB
	sandbox    *sandbox.Sandbox
	who        *identity.Service
	accounts   *account.Service
	audience   *audience.Service
	privacy    *privacy.Service
	exports    *export.Service
	hooks      *webhook.Service
	campaigns  *campaign.Service
	media      *media.Service
	journal    *delivery.Journal
	queue      *delivery.Queue
	prices     *pricing.Book
	log        *delivery.Log
	hub        *hub.Hub[delivery.Event]
	deps       graph.Deps
	server     *httptest.Server
	statements atomic.Int64
	logged     bytes.Buffer
	logMutex   sync.Mutex
	woken      atomic.Int64
	ahead      atomic.Int64 // of the clock by which the operator's state is remembered, in seconds
	urgent     atomic.Int64
}

func (s *stage) Publish(ctx context.Context, organization uid.ID, events []delivery.Event) {
	_ = s.hub.Publish(ctx, organization, events)
}

func (s *stage) Notify(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
	for _, subject := range subjects {
		s.hub.Notify(ctx, organization, subject.String())
	}
}

func (s *stage) WakeEnrollment(context.Context, uid.ID) {}
func (s *stage) WakeLane(context.Context, uid.ID)       {}
func (s *stage) WakeErasure(context.Context, uid.ID)    {}
func (s *stage) WakeLaneFirst(context.Context, uid.ID)  { s.urgent.Add(1) }

// forgetState lets so much time pass that the operator's state is read again.
func (s *stage) forgetState() { s.ahead.Add(2) }
func (s *stage) later() time.Time {
	return database.Now().Add(time.Duration(s.ahead.Load()) * time.Second)
}

func (s *stage) Rates(_ context.Context, perSecond map[uid.ID]float64) (map[uid.ID]float64, error) {
	for number := range perSecond {
		perSecond[number] = 12.5
	}

	return perSecond, nil
}

func (s *stage) Write(p []byte) (int, error) {
	s.logMutex.Lock()
	defer s.logMutex.Unlock()
	return s.logged.Write(p)
}

func (s *stage) logText() string {
	s.logMutex.Lock()
	defer s.logMutex.Unlock()
	return s.logged.String()
}

func stand(t *testing.T, db *database.DB, edit ...func(*graph.Deps)) *stage {
	t.Helper()
	return standBefore(t, db, func(sandbox http.Handler) http.Handler { return sandbox }, edit...)
}

// standBefore is stand with something between the service and the sandbox.
func standBefore(t *testing.T, db *database.DB, before func(http.Handler) http.Handler,
	edit ...func(*graph.Deps)) *stage {
	t.Helper()
	s := &stage{t: t, db: db, log: delivery.NewLog(db)}
	db.Client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return entgo.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			s.statements.Add(1)
			return next.Query(ctx, q)
		})
	}))

	var err error
	if s.sandbox, err = sandbox.New(sandbox.Options{NoLimits: true, NoWebhooks: true, AppID: appID, AppSecret: appSecret,
		Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: metaToken,
		Numbers: []sandbox.NumberSpec{
			{ID: metaPhone, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"}}})
	meta := httptest.NewServer(before(s.sandbox))
	t.Cleanup(meta.Close)
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	quiet := slog.New(slog.DiscardHandler)
	client, prefix := dbtest.Redis(t)
	s.hub = hub.New(client, prefix, hub.Source[delivery.Event](s.log), hub.Options{})
	s.journal = delivery.NewJournal(db, s, database.Now, quiet)
	s.queue = delivery.NewQueue(db, s.journal, s, database.Now)
	s.queue.KnowErased(delivery.NewErased(keys))
	s.prices = pricing.NewBook(db, database.Now, quiet)
	s.journal.PriceBy(s.prices)

	s.who = identity.New(db, identity.DefaultTerms(), database.Now,
		identity.Options{
			Keys: keys, Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1},
			Announce: func(ctx context.Context, id uid.ID) { s.deps.Hub.Announce(ctx, id) }, // a test may give another hub
		})

	s.accounts = account.New(db, keys, whatsapp.NewClient(meta.URL, "v26.0"), s.who, account.Options{Tell: s.Notify,
		AppID: appID, AppSecret: appSecret,
		Sandbox: &account.App{Client: whatsapp.NewClient(meta.URL, "v26.0"), ID: appID, Secret: appSecret}}, database.Now)
	s.audience = audience.New(db, database.Now,
		func(ctx context.Context, organization, id uid.ID) { s.Notify(ctx, organization, id) })
	s.audience.WakeBy(func(context.Context, uid.ID) { s.woken.Add(1) })
	s.audience.RememberBy(s.who.Once)
	s.audience.KnowErased(s.queue.Erased())
	s.exports = export.New(export.Parts{DB: db, Files: filestore.NewFolder(t.TempDir()), Log: s.log, Audience: s.audience,
		Prices: s.prices, Keep: 72 * time.Hour, Folder: t.TempDir(), Now: s.later,
		Wake: func(context.Context, uid.ID) {}})
	guard, err := outbound.New([]string{"127.0.0.0/8"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	s.hooks = webhook.New(webhook.Parts{DB: db, Keys: keys, Log: s.log, Guard: guard, Keep: 7 * 24 * time.Hour,
		Now: s.later, Logger: slog.New(slog.DiscardHandler),
		Follow: func(ctx context.Context, o uid.ID, after int64) (webhook.Feed, bool, error) {
			feed, err := s.hub.Subscribe(ctx, o, after)
			var expired *hub.Expired
			return feed, errors.As(err, &expired), err
		}})
	s.privacy = privacy.New(db, keys, s.queue, s.audience, s.exports, s, database.Now)
	s.campaigns = campaign.New(db, s.queue, s.audience, s.who, s.accounts, s, s, database.Now)
	s.campaigns.PriceBy(s.prices)
	s.run(s.journal.Run)
	s.run(s.hub.Run)

	s.media = media.New(db, s.accounts, keys, media.Options{PublicURL: "https://carillon.example"}, database.Now)
	direct := transactional.New(db, s.queue, s.who, s, database.Now)
	direct.RenewMediaBy(s.media.Renew)
	s.campaigns.RenewMediaBy(s.media.Renew)

	deps := graph.Deps{
		Media: s.media, Downloads: download.New(db, keys, s.audience, s.exports, "https://carillon.example", nil,
			s.later),
		DB: db, Identity: s.who, Accounts: s.accounts, Audience: s.audience, Campaigns: s.campaigns,
		Direct: direct, Privacy: s.privacy, Exports: s.exports, Webhooks: s.hooks,
		Reconciliations: reconciliation.New(db, s.accounts, s.log, database.Now), Operator: operator.NewStates(db, s.later),
		Log: s.log, Hub: s.hub, Rates: s, Prices: s.prices,
		Now:       database.Now,
		Logger:    slog.New(slog.NewTextHandler(s, nil)),
		Transport: transport.Options{Websocket: transport.Websocket{ShutdownSpread: time.Millisecond}},
	}

	for _, e := range edit {
		e(&deps)
	}

	s.deps = deps
	api := graph.New(deps)
	s.server = httptest.NewServer(api)

	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := api.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}

		s.server.Client().CloseIdleConnections()
		s.server.Close()
	})

	return s
}

func (s *stage) run(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-done })
}

func each(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, stand(t, db)) })
}

func onSQLite(t *testing.T, edit ...func(*graph.Deps)) *stage {
	t.Helper()
	t.Parallel()
	return stand(t, dbtest.Open(t, dbtest.SQLite(t)), edit...)
}

// person is somebody who is signed in.
type person struct {
	*stage
	token string
	ctx   context.Context
	org   uid.ID
	email string // empty of a key
}

var people atomic.Int64

// signUp makes a person whose address is proven.
func (s *stage) signUp() *person {
	s.t.Helper()
	n := people.Add(1)
	signed, err := s.who.SignUpByOperator(s.t.Context(), identity.SignUp{
		Email: fmt.Sprintf("p%d@example.com", n), Password: password, Name: "Ada",
		OrganizationName:   fmt.Sprintf("Shop %d", n),
		AcceptTermsVersion: s.who.Terms().Version,
	})
	if err != nil {
		s.t.Fatal(err)
	}

	return &person{s, signed.Token, identity.With(s.t.Context(), signed.Viewer), signed.Viewer.Organization,
		signed.Viewer.User.Email}
}

// key is a program of the person's organization with that role.
func (p *person) key(role enum.Role) *person {
	p.t.Helper()
	key, token, err := p.who.CreateAPIKey(p.ctx, identity.NewAPIKey{Name: "test", Role: role})
	if err != nil {
		p.t.Fatal(err)
	}

	ctx, err := p.who.Authenticate(p.t.Context(), "Bearer "+token, identity.Client{})
	if err != nil {
		p.t.Fatal(err)
	}

	return &person{stage: p.stage, token: token, ctx: ctx, org: key.OrganizationID}
}

// answer is a response.
type answer struct {
	t      *testing.T
	Data   map[string]any
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

// at is the value at a path of keys and indices, e.g. "campaigns.edges.0.node.id".
func (a answer) at(path string) any {
	a.t.Helper()
	var v any = a.Data
	for step := range strings.SplitSeq(path, ".") {
		switch holder := v.(type) {
		case map[string]any:
			v = holder[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(holder) {
				a.t.Fatalf("nothing at %s of %s in %v", step, path, a.Data)
			}

			v = holder[i]
		default:
			a.t.Fatalf("nothing at %s of %s in %v (errors %v)", step, path, a.Data, a.Errors)
		}
	}

	return v
}

func (a answer) text(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s is %v, not a text", path, a.at(path))
	}

	return s
}

func (a answer) list(path string) []any {
	a.t.Helper()
	l, ok := a.at(path).([]any)
	if !ok {
		a.t.Fatalf("%s is %v, not a list", path, a.at(path))
	}

	return l
}

type vars map[string]any

// ask posts a document; an empty token is a stranger's.
func (s *stage) ask(token, document string, variables ...vars) answer {
	s.t.Helper()
	body := map[string]any{"query": document}
	if len(variables) > 0 {
		body["variables"] = variables[0]
	}

	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}

	return s.post(token, "application/json", bytes.NewReader(raw))
}

func (s *stage) post(token, contentType string, body io.Reader) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.server.URL, body)
	if err != nil {
		s.t.Fatal(err)
	}

	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}

	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}

	defer resp.Body.Close()
	a := answer{t: s.t}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		s.t.Fatal(err)
	}

	return a
}

func (p *person) ask(document string, variables ...vars) answer {
	p.t.Helper()
	return p.stage.ask(p.token, document, variables...)
}

// must is ask for what cannot fail.
func (p *person) must(document string, variables ...vars) answer {
	p.t.Helper()
	a := p.ask(document, variables...)
	if len(a.Errors) > 0 {
		p.t.Fatalf("%s: %v", document, a.Errors)
	}

	return a
}

// upload posts a document whose variable input.file is a file.
func (p *person) upload(document, file string, input vars) answer {
	p.t.Helper()
	input["file"] = nil
	operations, err := json.Marshal(map[string]any{"query": document, "variables": vars{"input": input}})
	if err != nil {
		p.t.Fatal(err)
	}

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", `{"0":["variables.input.file"]}`)
	part, _ := form.CreateFormFile("0", "people.csv")
	_, _ = io.WriteString(part, file)
	_ = form.Close()

	return p.post(p.token, form.FormDataContentType(), &body)
}

// shop is what a person needs to send: an account, an approved template and a list with contacts.
type shop struct {
	*person
	account  *ent.Account
	number   *ent.PhoneNumber
	template *ent.Template
	list     *ent.ContactList
	contacts []*ent.Contact
}

func (p *person) open(contacts int) *shop {
	p.t.Helper()
	return p.openAccount(waba, "Newsletter", contacts)
}

// openAccount is open with another account than the usual, and a name for the list.
func (p *person) openAccount(waba, list string, contacts int) *shop {
	p.t.Helper()
	o := &shop{person: p}
	var err error
	if o.account, err = p.accounts.Connect(p.ctx,
		account.Connect{WABAID: waba, AccessToken: metaToken, ConsentToTransfer: true}); err != nil {
		p.t.Fatal(err)
	}

	if o.number, err = o.account.QueryPhoneNumbers().Only(p.ctx); err != nil {
		p.t.Fatal(err)
	}

	o.template, err = p.accounts.CreateTemplate(p.ctx,
		account.CreateTemplate{AccountID: o.account.ID, Template: whatsapp.Template{
			Name: "spring_sale", Language: "en_US", Category: "MARKETING", ParameterFormat: "NAMED",
			Components: []whatsapp.Component{{Type: "BODY", Text: "Hi {{first_name}}, our spring sale has begun.",
				Example: &whatsapp.Example{BodyTextNamed: []whatsapp.NamedExample{{Name: "first_name", Example: "Ana"}}}}},
		}})
	if err != nil {
		p.t.Fatal(err)
	}

	o.template = o.template.Update().SetStatus(enum.TemplateStatusApproved).SaveX(caller.System(p.ctx))
	if o.list, err = p.audience.CreateList(p.ctx, list); err != nil {
		p.t.Fatal(err)
	}

	for i := range contacts {
		name := fmt.Sprintf("Contact %03d", i)
		c, err := p.audience.CreateContact(p.ctx,
			audience.NewContact{Phone: fmt.Sprintf("+1416701%04d", i), Name: &name, ListIDs: []uid.ID{o.list.ID},
				Attributes: []audience.Attribute{{Key: "b", Value: "2"}, {Key: "a", Value: "1"}}})
		if err != nil {
			p.t.Fatal(err)
		}

		o.contacts = append(o.contacts, c)
	}

	return o
}

// newContact makes a contact and returns its id.
func (p *person) newContact(phone string) string {
	return p.must(`mutation($p: String!) { createContact(input: {phone: $p}) { contact { id } } }`, vars{"p": phone}).
		text("createContact.contact.id")
}

// newList makes an empty contact list and returns its id.
func (p *person) newList(name string) string {
	return p.must(`mutation($n: String!) { createContactList(input: {name: $n}) { contactList { id } } }`, vars{"n": name}).
		text("createContactList.contactList.id")
}

// newSegment makes a segment of the Chinese and returns its id.
func (p *person) newSegment(name string) string {
	return p.must(`mutation($n: String!) { createSegment(input: {name: $n, filter: {country: ["CN"]}}) { segment { id } } }`,
		vars{"n": name}).text("createSegment.segment.id")
}

// suppress puts a number on the suppression list and returns the entry's id.
func (p *person) suppress(phone string) string {
	p.must(`mutation($p: String!) { addSuppressions(input: {phones: [$p]}) { added userErrors { message } } }`, vars{"p": phone})
	return p.must(`query($p: String!) { suppressions(search: $p) { edges { node { id } } } }`, vars{"p": phone}).
		text("suppressions.edges.0.node.id")
}

// campaign drafts one to the list.
func (o *shop) campaign(name string) uid.ID {
	o.t.Helper()
	a := o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } userErrors { message } } }`,
		vars{"input": vars{
			"name": name, "templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
			"audience":   vars{"listIds": []string{o.list.ID.String()}},
			"parameters": []vars{{"parameter": "first_name", "contactField": "name", "fallback": "friend"}},
		}})

	id, err := uid.Parse(a.text("createCampaign.campaign.id"))
	if err != nil {
		o.t.Fatal(err)
	}

	return id
}

// queued makes n messages, of a campaign unless that is zero.
func (o *shop) queued(campaign uid.ID, n int) (ids []uid.ID) {
	o.t.Helper()
	messages := make([]delivery.Outgoing, n)
	for i := range messages {
		c := o.contacts[i%len(o.contacts)]
		messages[i] = delivery.Outgoing{Campaign: campaign, Template: o.template.ID, PhoneNumber: o.number.ID,
			Account: o.account.ID, Contact: c.ID, Address: *c.Phone,
			Country: "CA", Type: enum.MessageTypeTemplate, Category: enum.TemplateCategoryMarketing,
			Parameters: map[string]string{"first_name": *c.Name}}
	}

	err := o.db.InTx(caller.System(o.ctx), func(tx *database.Tx) (err error) {
		ids, err = o.queue.Enqueue(caller.System(o.ctx), tx, o.org, messages, func() error { return nil })
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}

	return ids
}

// record tells the journal the same of every message.
func (o *shop) record(kind delivery.FactKind, ids ...uid.ID) {
	o.t.Helper()
	facts := make([]delivery.Fact, len(ids))
	for i, id := range ids {
		facts[i] = delivery.Fact{Message: id, Kind: kind, At: database.Now()}
		if kind == delivery.Failed {
			facts[i].ErrorCode, facts[i].Detail = 131026, "not on WhatsApp"
		}
	}

	if _, err := o.journal.Record(caller.System(o.ctx), facts...); err != nil {
		o.t.Fatal(err)
	}
}

// socket is a graphql-transport-ws connection.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

type frame struct {
	ID, Type string
	Payload  json.RawMessage
}

func (p *person) dial() *socket {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(p.t.Context(), "ws"+strings.TrimPrefix(p.server.URL, "http"), nil)
	if err != nil {
		p.t.Fatal(err)
	}

	_ = resp.Body.Close()
	p.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{p.t, conn}
	payload := vars{}
	if p.token != "" {
		payload["Authorization"] = "Bearer " + p.token
	}

	s.send(vars{"type": "connection_init", "payload": payload})
	if f := s.next(); f.Type != "connection_ack" {
		p.t.Fatalf("got %+v, want an ack", f)
	}

	return s
}

func (s *socket) send(v any) {
	s.t.Helper()
	if err := s.conn.WriteJSON(v); err != nil {
		s.t.Fatal(err)
	}
}

// next reads a frame that is no ping.
func (s *socket) next() frame {
	s.t.Helper()
	for {
		f, err := s.read()
		if err != nil {
			s.t.Fatal(err)
		}
		if f.Type != "ping" {
			return f
		}

		s.send(vars{"type": "pong"})
	}
}

func (s *socket) read() (f frame, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(3 * time.Minute))
	err = s.conn.ReadJSON(&f)
	return f, err
}

func (s *socket) subscribe(document string, variables vars) {
	s.t.Helper()
	s.send(vars{"id": "1", "type": "subscribe", "payload": vars{"query": document, "variables": variables}})
}

// result reads the next event.
func (s *socket) result() answer {
	s.t.Helper()
	f := s.next()
	if f.Type != "next" {
		s.t.Fatalf("got %s %s, want an event", f.Type, f.Payload)
	}

	a := answer{t: s.t}
	if err := json.Unmarshal(f.Payload, &a); err != nil {
		s.t.Fatal(err)
	}
	if len(a.Errors) > 0 {
		s.t.Fatalf("an event with errors: %v", a.Errors)
	}

	return a
}

// failure reads why a subscription is over: an error message, or, when it did not start, a result
// with errors.
func (s *socket) failure() (code string, extensions map[string]any) {
	s.t.Helper()
	type failed []struct{ Extensions map[string]any }
	f := s.next()
	var ended failed
	var refused struct{ Errors failed }

	if f.Type == "error" {
		_ = json.Unmarshal(f.Payload, &ended)
	} else {
		_ = json.Unmarshal(f.Payload, &refused)
	}

	for _, err := range append(ended, refused.Errors...) {
		code, _ = err.Extensions["code"].(string)
		return code, err.Extensions
	}

	s.t.Fatalf("got %s %s, want an error", f.Type, f.Payload)

	return "", nil
}
