// Package metawebhook takes in what Meta reports. It answers 200 only when everything in a payload
// is committed or kept, and 503 when the database was away, so that Meta tries again. It never
// answers 503 because of what a payload says: what cannot be understood, belongs to nobody here or
// cannot be stored is kept as it came, with the reason, and counted.
package metawebhook

import (
	"context"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"time"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/delivery"
	"carillon/whatsapp"
)

// commitTimeout is how long Meta is kept waiting for a commit before it is asked to try again.
const commitTimeout = 20 * time.Second

// Parts are what a handler hands its facts to.
type Parts struct {
	DB        *database.DB
	Journal   *delivery.Journal
	Queue     *delivery.Queue
	Accounts  *account.Service
	Audience  *audience.Service
	Campaigns *campaign.Service
	Now       func() time.Time
	Log       *slog.Logger
}

// Options are a handler's secrets and bounds.
type Options struct {
	Secrets []string // the app's, the current one first; more than one while it is being changed
	// SandboxSecret signs what a sandbox tells that runs beside WhatsApp; it may tell of accounts of
	// the sandbox alone. Empty for none.
	SandboxSecret string
	VerifyToken   string

	BodyMemory  int64         // bytes that bodies may take at once; 0 is 64 MiB
	BodyTimeout time.Duration // for the whole of a body; 0 is 15 seconds
	KeptRows    int           // payloads that are kept; 0 is 10,000
	KeptBytes   int64         // of their bodies; 0 is 256 MiB
}

func (o Options) complete() Options {
	or(&o.BodyMemory, 64<<20)
	or(&o.BodyTimeout, 15*time.Second)
	or(&o.KeptRows, 10_000)
	or(&o.KeptBytes, 256<<20)

	return o
}

func or[T comparable](value *T, otherwise T) {
	if *value == *new(T) {
		*value = otherwise
	}
}

// Handler is the callback that is given to Meta.
type Handler struct {
	Parts
	options  Options
	bodies   *bodies
	arrivals gather[*arrival]
	kept     keptBytes
	metrics  metrics
	reads    reads
}

// New makes a handler.
func New(p Parts, o Options) *Handler {
	h := &Handler{Parts: p, options: o.complete()}
	h.bodies = &bodies{most: h.options.BodyMemory}
	h.metrics = newMetrics(h.bodies)
	h.arrivals.commit = h.store

	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method {
	case http.MethodGet:
		h.verify(w, r)
	case http.MethodPost:
		h.receive(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// verify answers the challenge by which Meta checks a callback. It carries no signature.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	right := subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(h.options.VerifyToken)) == 1
	if q.Get("hub.mode") != "subscribe" || h.options.VerifyToken == "" || !right {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}

	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, q.Get("hub.challenge"))
}

// receive takes in a payload. Strangers can call it too: nothing of a body is read without a
// signature that may be right, it is read within a time, and all bodies together take a bounded
// memory.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) {
	signature, ok := whatsapp.NewVerifier(append(h.options.Secrets[:len(h.options.Secrets):len(h.options.Secrets)],
		h.options.SandboxSecret), r.Header.Get("X-Hub-Signature-256"))
	if !ok {
		h.refuse(w, errUnsigned)
		return
	}

	body := &body{room: h.bodies}
	defer body.release()
	control := http.NewResponseController(w)
	h.reads.begin(control, time.Now().Add(h.options.BodyTimeout))
	err := body.read(r, signature)
	if stopped := h.reads.end(control); stopped && err != nil {
		err = errStopping
	}

	if err != nil {
		h.refuse(w, err)
		return
	}

	ctx, cancel := context.WithTimeout(caller.System(context.WithoutCancel(r.Context())), commitTimeout)
	defer cancel()

	process := h.Process
	if h.options.SandboxSecret != "" && signature.Secret() == h.options.SandboxSecret {
		process = h.processSandbox
	}

	if _, err := process(ctx, body.bytes); err != nil {
		h.Log.Error("a webhook could not be committed; Meta will send it again", "bytes", len(body.bytes), "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}

	w.WriteHeader(http.StatusOK)
}

func (h *Handler) refuse(w http.ResponseWriter, err error) {
	h.metrics.refused(err)
	refuse(w, err)
}

// Process commits everything in a payload, and reports whether it had to be kept. After an error it
// may be processed again: nothing counts twice.
func (h *Handler) Process(ctx context.Context, body []byte) (kept bool, err error) {
	v, err := h.apply(ctx, body, h.Now())
	if err != nil {
		return false, err
	}
	if err := h.Accounts.Heard(ctx, v.about...); err != nil {
		return false, err
	}

	erased, err := h.namesErased(ctx, v, body)
	if err != nil {
		return false, err
	}
	if erased {
		return true, h.keep(ctx, verdict{reason: PersonErased}, nil)
	}

	return v.reason != "", h.keep(ctx, v, body)
}

// processSandbox is Process for what the sandbox tells. Of accounts that are not all its own it
// tells nothing that is believed, or kept to be believed later.
func (h *Handler) processSandbox(ctx context.Context, body []byte) (kept bool, err error) {
	var hook whatsapp.Webhook
	if err := guarded(func() (err error) { hook, err = whatsapp.ParseWebhook(body); return err }); err == nil {
		own, err := h.Accounts.OnlySandbox(ctx, hook.WABAIDs...)
		if err != nil {
			return false, err
		}
		if own {
			return h.Process(ctx, body)
		}
	}

	h.Log.Warn("a webhook of the sandbox tells of accounts that are not the sandbox's; it is dropped",
		"accounts", len(hook.WABAIDs))

	return false, nil
}
