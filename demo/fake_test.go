package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a service that knows by heart what it answers.
type fake struct {
	*httptest.Server
	t       *testing.T
	answers map[string][]string // by operation; the last one stays
	scripts []func(*call)       // by connection; the last one stays

	mu        sync.Mutex
	asked     []string
	variables map[string]string // JSON of the last request, by operation
	afters    []string          // with which deliveryEvents was subscribed
	uploaded  string
	pongs     int
	launched  chan struct{}
	sockets   sync.WaitGroup
}

func serve(t *testing.T, scripts ...func(*call)) *fake {
	f := &fake{t: t, scripts: scripts, variables: map[string]string{}, launched: make(chan struct{}),
		answers: map[string][]string{
			"terms":          {`{"data":{"terms":{"version":"2026-01"}}}`},
			"signUp":         {`{"data":{"signUp":{"token":"secret","userErrors":[]}}}`},
			"connectAccount": {`{"data":{"connectAccount":{"account":{"id":"acc_1","name":"Shop","phoneNumbers":[{"id":"num_1","displayNumber":"+1 555-200-0000","throughput":1000}]},"userErrors":[]}}}`},
			"createTemplate": {`{"data":{"createTemplate":{"template":{"id":"tpl_1","name":"demo_x","status":"PENDING"},"userErrors":[]}}}`},
			"template": {`{"data":{"node":{"status":"PENDING","rejectionReason":null}}}`,
				`{"data":{"node":{"status":"APPROVED"}}}`},
			"createContactList": {`{"data":{"createContactList":{"contactList":{"id":"lst_1"},"userErrors":[]}}}`},
			"importContacts":    {`{"data":{"importContacts":{"import":{"id":"imp_1","status":"PENDING"},"userErrors":[]}}}`},
			"contactImport": {`{"data":{"node":{"id":"imp_1","status":"RUNNING"}}}`,
				`{"data":{"node":{"id":"imp_1","status":"COMPLETED","created":2}}}`},
			"createCampaign": {`{"data":{"createCampaign":{"campaign":{"id":"cmp_1","audience":{"size":2}},"userErrors":[]}}}`},
			"deliveryEvents": {`{"data":{"deliveryEvents":{"events":[],"cursor":"0"}}}`},
			"launchCampaign": {`{"data":{"launchCampaign":{"campaign":{"status":"PREPARING"},"userErrors":[]}}}`},
			"failures":       {`{"data":{"node":{"progress":{"failures":[]}}}}`},
		}}

	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { f.Close(); f.sockets.Wait() })

	return f
}

func (f *fake) options(out, err io.Writer) Options {
	return Options{URL: f.URL, WABAID: "100", Token: "waba-token",
		Contacts: []byte("phone,name\n+12125550101,Ann\n+12125550102,Bo\n"), Recipients: 2, Out: out, Err: err}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/graphql" {
		f.t.Errorf("%s %s", r.Method, r.URL)
	}

	if websocket.IsWebSocketUpgrade(r) {
		f.sockets.Add(1)
		defer f.sockets.Done()
		f.serveSocket(w, r)

		return
	}

	var op operation
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		op = f.readForm(r)
	} else if err := json.NewDecoder(r.Body).Decode(&op); err != nil {
		f.t.Error(err)
	}

	if who := r.Header.Get("Authorization"); op.Name != "terms" && op.Name != "signUp" && who != "Bearer secret" {
		f.t.Errorf("%s by %q", op.Name, who)
	}

	f.mu.Lock()
	variables, _ := json.Marshal(op.Variables)
	f.asked, f.variables[op.Name] = append(f.asked, op.Name), string(variables)
	answer := f.answers[op.Name]
	if len(answer) > 1 {
		f.answers[op.Name] = answer[1:]
	}

	f.mu.Unlock()
	if op.Name == "launchCampaign" && !strings.Contains(answer[0], "errors") {
		defer close(f.launched)
	}

	fmt.Fprint(w, answer[0])
}

func (f *fake) readForm(r *http.Request) (op operation) {
	form, err := r.MultipartReader()
	for i := 0; err == nil; i++ {
		part, failed := form.NextPart()
		if failed != nil {
			break
		}

		text, _ := io.ReadAll(part)
		switch name := part.FormName(); {
		case i == 0 && name == "operations":
			err = json.Unmarshal(text, &op)
		case i == 1 && name == "map" && string(text) == `{"0":["variables.input.file"]}`:
		case i == 2 && name == "0" && part.FileName() == "contacts.csv":
			f.uploaded = string(text)
		default:
			f.t.Errorf("part %d of the form is %s: %s", i, name, text)
		}
	}

	if err != nil {
		f.t.Error(err)
	}

	return op
}

// call is the service's end of one connection.
type call struct {
	f     *fake
	conn  *websocket.Conn
	inbox chan string
}

// serveSocket runs the next script once the client has subscribed and launched.
func (f *fake) serveSocket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		f.t.Error(err)
		return
	}

	c := &call{f, conn, make(chan string)}
	f.sockets.Go(c.listen)

	defer func() {
		_ = conn.Close()
		for range c.inbox {
		}
	}()

	if hello := <-c.inbox; hello != `{"payload":{"authorization":"Bearer secret"},"type":"connection_init"}` {
		f.t.Errorf("the client said %s", hello)
	}

	c.write(`{"type":"ping"}`)
	c.write(`{"type":"connection_ack"}`)
	launched, subscribed := f.launched, false

	for {
		if subscribed && launched != nil {
			select {
			case <-launched:
				launched = nil
				f.script()(c)
			case message, ok := <-c.inbox:
				if !ok {
					return
				}

				c.hear(message)
			}

			continue
		}

		message, ok := <-c.inbox
		if !ok {
			return
		}

		subscribed = c.hear(message) || subscribed
	}
}

func (f *fake) script() func(*call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	script := f.scripts[0]
	if len(f.scripts) > 1 {
		f.scripts = f.scripts[1:]
	}

	return script
}

func (c *call) listen() {
	defer close(c.inbox)
	for {
		_, text, err := c.conn.ReadMessage()
		if err != nil {
			return
		}

		c.inbox <- strings.TrimSpace(string(text))
	}
}

// hear reports a subscription to events.
func (c *call) hear(text string) (subscribed bool) {
	var message struct {
		ID, Type string
		Payload  operation
	}
	if err := json.Unmarshal([]byte(text), &message); err != nil {
		c.f.t.Error(err)
	}

	c.f.mu.Lock()
	defer c.f.mu.Unlock()

	switch after, _ := message.Payload.Variables["after"].(string); {
	case message.Type == "pong":
		c.f.pongs++
	case message.Type == "subscribe" && message.ID == "deliveryEvents":
		c.f.afters = append(c.f.afters, after)
		return true
	case message.Type == "subscribe" && message.ID == "campaignProgress" && message.Payload.Variables["id"] == "cmp_1":
	default:
		c.f.t.Errorf("the client sent %s", text)
	}

	return false
}

func (c *call) write(text string) {
	_ = c.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// events sends one batch of events like "3 READ a", whose cursor is the last one's sequence number.
func (c *call) events(lines ...string) {
	batch, cursor := make([]string, len(lines)), ""
	for i, line := range lines {
		var status, id string
		_, _ = fmt.Sscan(line, &cursor, &status, &id)
		batch[i] = fmt.Sprintf(`{"sequence":%s,"status":%q,"message":{"id":"msg_%s"}}`, cursor, status, id)
	}

	c.write(fmt.Sprintf(
		`{"id":"deliveryEvents","type":"next","payload":{"data":{"deliveryEvents":{"events":[%s],"cursor":%q}}}}`,
		strings.Join(batch, ","), cursor))
}

func (c *call) progress(status, reason string) {
	c.write(fmt.Sprintf(`{"id":"campaignProgress","type":"next","payload":{"data":{"campaignProgress":{"status":%q,"campaign":{"statusReason":%s},"progress":{"ratePerSecond":12.5}}}}}`,
		status, reason))
}

func (c *call) fail(id, code string) {
	c.write(fmt.Sprintf(`{"id":%q,"type":"error","payload":[{"message":"it failed","extensions":{"code":%q}}]}`, id, code))
}

func (c *call) complete(id string) { c.write(fmt.Sprintf(`{"id":%q,"type":"complete"}`, id)) }

// drop cuts the line.
func (c *call) drop() { _ = c.conn.NetConn().Close() }
