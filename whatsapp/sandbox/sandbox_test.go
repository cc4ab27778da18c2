package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	waba   = "102290129340398"
	sender = "106540352242922"
	bearer = "EAAtoken"
	secret = "app-secret"
)

// clock is a time that a test moves by hand.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanos.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// stage is a sandbox with an account, a receiver for its webhooks, and a clock.
type stage struct {
	*Sandbox
	t       *testing.T
	clock   *clock
	ctx     context.Context
	options Options

	mu       sync.Mutex
	posts    []post
	statuses []status
	answer   func(attempt int) int // HTTP status for the nth post, from 1; nil answers 200
	callback string
}

type post struct {
	body      []byte
	signature string
	taken     bool
}

type status struct {
	ID, Status, Timestamp, RecipientID, Data string
	Pricing                                  *struct{ Category, Type string }
	Errors                                   []struct {
		Code      int
		Title     string
		ErrorData struct{ Details string } `json:"error_data"`
	}
}

func (s *status) UnmarshalJSON(raw []byte) error {
	type alias status
	var a struct {
		alias
		RecipientID string `json:"recipient_id"`
		Data        string `json:"biz_opaque_callback_data"`
	}
	err := json.Unmarshal(raw, &a)
	*s = status(a.alias)
	s.RecipientID, s.Data = a.RecipientID, a.Data

	return err
}

// stand sets a stage; edit may change its options first.
func stand(t *testing.T, edit func(*Options)) *stage {
	t.Helper()
	st := &stage{t: t, clock: newClock()}
	st.options = Options{
		AppID: "4200", AppSecret: secret, VerifyToken: "verify", NoPairLimit: true, Throughput: 1000,
		RetryDelay: time.Microsecond, Seed: 7, Now: st.clock.Now,
	}
	if edit != nil {
		edit(&st.options)
	}

	server := httptest.NewServer(http.HandlerFunc(st.receive))
	t.Cleanup(server.Close)
	st.callback = server.URL
	if st.options.CallbackURL == "" {
		st.options.CallbackURL = server.URL
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	st.ctx = ctx
	st.open()

	return st
}

// open starts a sandbox with the stage's options; again, to play a restart.
func (st *stage) open() {
	st.t.Helper()
	s, err := New(st.options)
	if err != nil {
		st.t.Fatal(err)
	}

	st.Sandbox = s
	s.AddAccount(AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: bearer, Subscribed: true, Numbers: []NumberSpec{
		{ID: sender, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"},
	}})
}

// run runs the sandbox until the test is over, or until the function it returns is called.
func (st *stage) run() (stop func()) {
	ctx, cancel := context.WithCancel(st.ctx)
	done := make(chan error, 1)
	s := st.Sandbox
	go func() { done <- s.Run(ctx) }()

	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			st.t.Error(err)
		}
		if err := s.Close(); err != nil {
			st.t.Error(err)
		}
	})

	st.t.Cleanup(stop)

	return stop
}

func (st *stage) receive(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if r.URL.Query().Get("hub.verify_token") == "verify" {
			io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		} else {
			w.WriteHeader(http.StatusForbidden)
		}

		return
	}

	// A post that came before the answers changed gets the answer of its time.
	st.mu.Lock()
	answer := st.answer
	st.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}

	st.mu.Lock()
	defer st.mu.Unlock()
	code := http.StatusOK
	if answer != nil {
		code = answer(len(st.posts) + 1)
	}

	st.posts = append(st.posts, post{body, r.Header.Get("X-Hub-Signature-256"), code == http.StatusOK})
	if code == http.StatusOK {
		var envelope struct {
			Entry []struct {
				Changes []struct {
					Value struct{ Statuses []status }
				}
			}
		}
		if err := json.Unmarshal(body, &envelope); err != nil {
			st.t.Errorf("webhook is no JSON: %s: %s", err, body)
		}

		for _, e := range envelope.Entry {
			for _, c := range e.Changes {
				st.statuses = append(st.statuses, c.Value.Statuses...)
			}
		}
	}

	w.WriteHeader(code)
}

// told lists the statuses received for a recipient, in order.
func (st *stage) told(to string) (names []string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, s := range st.statuses {
		if s.RecipientID == to {
			names = append(names, s.Status)
		}
	}

	return names
}

func (st *stage) idle() {
	st.t.Helper()
	if err := st.WaitIdle(st.ctx); err != nil {
		st.t.Fatal(err)
	}
}

// reply is an answer of the sandbox.
type reply struct {
	status int
	body   string
	Error  struct {
		Message   string
		Type      string
		Code      int
		Subcode   int    `json:"error_subcode"`
		UserTitle string `json:"error_user_title"`
		Data      struct {
			Details string
		} `json:"error_data"`
		Trace string `json:"fbtrace_id"`
	}
	Contacts []struct {
		WaID string `json:"wa_id"`
	}
	Messages []struct {
		ID     string
		Status string `json:"message_status"`
	}
	ID, Status, Category string
	Data                 json.RawMessage
	Paging               struct {
		Next    string
		Cursors struct{ After string }
	}
}

// call asks the sandbox itself, without a network.
func (st *stage) call(method, path, body string) reply {
	st.t.Helper()
	return st.callAs(bearer, method, path, body)
}

func (st *stage) callAs(token, method, path, body string) reply {
	st.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}

	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	st.ServeHTTP(w, r)
	out := reply{status: w.Code, body: w.Body.String()}

	if w.Header().Get("Content-Type") != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			st.t.Fatalf("%s %s: answer is no JSON: %s", method, path, w.Body)
		}
	}

	return out
}

// template creates a template and gets it approved.
func (st *stage) template(body string) (id string) {
	st.t.Helper()
	out := st.call("POST", "/v25.0/"+waba+"/message_templates", body)
	if out.status != http.StatusOK {
		st.t.Fatalf("create template: %d %s", out.status, out.body)
	}

	return out.ID
}

const greeting = `{"name":"greeting","language":"en_US","category":"MARKETING","components":[
	{"type":"BODY","text":"Hi {{1}}, thank you for your order.","example":{"body_text":[["Ana"]]}}]}`

// greet is a send of the template greeting.
func greet(to, data string) string {
	return `{"messaging_product":"whatsapp","to":"` + to + `","type":"template","biz_opaque_callback_data":"` + data + `",
		"template":{"name":"greeting","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]}}`
}

func (st *stage) send(body string) reply {
	st.t.Helper()
	return st.call("POST", "/v25.0/"+sender+"/messages", body)
}
