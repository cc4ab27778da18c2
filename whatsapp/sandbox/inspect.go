package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/pflag"
)

// inspection is an endpoint below /sandbox/: how another process looks into the sandbox and sets
// its scenes.
type inspection struct {
	call, does string
	answer     func(*Sandbox, *http.Request) (any, error)
}

// inspections lists them, besides GET /sandbox/, which prints Help. They ask for no token: the
// sandbox must never be reachable by strangers.
var inspections = []inspection{
	{"GET state", "totals, and each number's requests, accepted messages, peak per second and share of its limit",
		inspectState},
	{"GET accepted", "accepted messages; ?from=0&limit=100", inspectAccepted},
	{"GET options", "the options in force, by their flag's name", inspectSettings},
	{"POST options", `change options: {"latency":"200ms","throughput":"1000"}`, inspectOptions},
	{"POST down", `answer everything with 503, or end that: {"down":true}`, inspectDown},
	{"POST accounts", "add an account: AccountSpec as JSON", inspectAccounts},
	{"POST inbound", `a user writes: {"phone_number_id":"…","from":"+14165550100","text":"Hi"}, or sends a file that is made up: ` +
		`"media":{"kind":"document","mime_type":"application/pdf","filename":"a.pdf","size":1000}`, inspectInbound},
	{"POST number", `change a number, and tell it by webhook: {"phone_number_id":"…","quality":"RED","name":"…",` +
		`"throughput":1000,"status":"FLAGGED","username":"…"}`, inspectNumber},
	{"POST thread", `give a conversation to another app, or back: {"phone_number_id":"…","person":"+1…","ours":false}`,
		inspectThread},
	{"POST event", `post any webhook: {"waba_id":"…","field":"account_update","value":{…}}`, inspectEvent},
	{"POST signups", `a customer signs up: {"name":"Lucky Shrub"}, or {"waba_id":"…"} for an account that is there; answers ` +
		`{"code":"…","waba_id":"…","phone_number_id":"…"}`, inspectSignUp},
	{"POST account", `change an account, and post the webhook: {"waba_id":"…","do":"…"}, with what is listed below`,
		inspectAccount},
	{"POST health", `what Meta says stands in the way: {"waba_id":"…","id":"account or number","health_status":{…}}; ` +
		`null mends it`, inspectHealth},
	{"POST templates", `decide of a template, and post the webhook: {"waba_id":"…","name":"…","language":"…","do":"…"}, with ` +
		`what is listed below; without a language in all`, inspectTemplates},
	{"POST tokens/invalidate", `make a token answer 190: {"token":"…"}`, inspectToken},
	{"POST reset", "forget messages, pending webhooks and totals; accounts and templates stay", inspectReset},
}

func inspectSettings(s *Sandbox, _ *http.Request) (any, error) { return s.settings(), nil }

func inspectReset(s *Sandbox, _ *http.Request) (any, error) { return nil, s.Reset() }

func (s *Sandbox) inspect(w http.ResponseWriter, r *http.Request, path string) {
	if path == "" {
		fmt.Fprint(w, Help())
		return
	}

	for _, i := range inspections {
		if i.call != r.Method+" "+path {
			continue
		}

		value, err := i.answer(s, r)
		switch {
		case err != nil:
			s.write(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		case value == nil:
			s.succeed(w)
		default:
			s.write(w, http.StatusOK, value)
		}

		return
	}

	s.write(w, http.StatusNotFound, map[string]any{"error": "see GET /sandbox/"})
}

// parsed reads a body into T.
func parsed[T any](r *http.Request) (body T, err error) {
	err = json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(&body)
	return body, err
}

func inspectState(s *Sandbox, _ *http.Request) (any, error) {
	s.catalog.RLock()
	ids := make([]string, 0, len(s.catalog.numbers))
	for id := range s.catalog.numbers {
		ids = append(ids, id)
	}

	s.catalog.RUnlock()
	numbers := map[string]any{}

	for _, id := range ids {
		u := s.Usage(id)
		numbers[id] = struct {
			Usage
			Share float64 `json:"share"`
		}{u, u.Share()}
	}

	return map[string]any{"counts": s.Counts(), "numbers": numbers}, nil
}

func inspectAccepted(s *Sandbox, r *http.Request) (any, error) {
	from, limit := 0, 100
	for name, into := range map[string]*int{"from": &from, "limit": &limit} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return nil, fmt.Errorf("%s must be a number, not %q", name, text)
			}

			*into = n
		}
	}

	return map[string]any{"data": s.accepted(from, limit)}, nil
}

// settings are the options by their flag's name.
func (s *Sandbox) settings() map[string]string {
	o := *s.options.Load()
	fs := pflag.NewFlagSet("sandbox", pflag.ContinueOnError)
	Flags(fs, &o)
	out := map[string]string{}
	fs.VisitAll(func(f *pflag.Flag) { out[f.Name] = f.Value.String() })

	return out
}

func inspectOptions(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[map[string]any](r)
	if err != nil {
		return nil, err
	}

	s.Change(func(o *Options) {
		changed := *o
		fs := pflag.NewFlagSet("sandbox", pflag.ContinueOnError)
		Flags(fs, &changed)

		for name, value := range body {
			if name == "state" || name == "seed" {
				err = fmt.Errorf("%s cannot change while the sandbox runs", name)
				return
			}

			if err = fs.Set(name, fmt.Sprint(value)); err != nil {
				return
			}
		}

		*o = changed.filled()
	})

	return s.settings(), err
}

func inspectDown(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct{ Down bool }](r)
	if err == nil {
		s.SetDown(body.Down)
	}

	return nil, err
}

func inspectAccounts(s *Sandbox, r *http.Request) (any, error) {
	spec, err := parsed[AccountSpec](r)
	if err == nil && spec.WABAID == "" {
		err = fmt.Errorf("WABAID is missing")
	}
	if err == nil {
		s.AddAccount(spec)
	}

	return nil, err
}

func inspectInbound(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		PhoneNumberID string `json:"phone_number_id"`
		From, Text    string
		Media         *InboundMedia
	}](r)
	if err != nil {
		return nil, err
	}

	if body.Media != nil {
		id, err := s.SendInboundMedia(body.PhoneNumberID, body.From, *body.Media)
		return map[string]any{"id": id}, err
	}

	id, err := s.SendInbound(body.PhoneNumberID, body.From, body.Text)

	return map[string]any{"id": id}, err
}

func inspectEvent(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		WABAID string `json:"waba_id"`
		Field  string
		Value  json.RawMessage
	}](r)
	if err != nil {
		return nil, err
	}

	return nil, s.SendEvent(body.WABAID, body.Field, body.Value)
}

func inspectToken(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct{ Token string }](r)
	if err == nil {
		s.InvalidateToken(body.Token)
	}

	return nil, err
}
