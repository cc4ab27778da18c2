// Package webhook takes in what Meta reports. It answers 200 only when everything in a payload is committed, and 503 when it
// could not be, so that Meta tries again; what cannot be understood or belongs to nobody here is kept as it came, and counted.
package webhook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/account"
	"carillon/audience"
	"carillon/campaign"
	"carillon/column"
	"carillon/database"
	"carillon/delivery"
	"carillon/fault"
	"carillon/tenant"
	"carillon/uid"
	"carillon/whatsapp"
)

// maxBody is Meta's documented maximum of 3 MB and some room.
const maxBody = 4 << 20

// commitTimeout is how long Meta is kept waiting for a commit before it is asked to try again.
const commitTimeout = 20 * time.Second

// Why a payload was kept.
const (
	NotUnderstood  = "NOT_UNDERSTOOD"
	UnknownNumber  = "UNKNOWN_NUMBER"
	UnknownMessage = "UNKNOWN_MESSAGE"
	UnknownAccount = "UNKNOWN_ACCOUNT"
	UnknownContact = "UNKNOWN_CONTACT" // who told WhatsApp what marketing they want

	// OrganizationClosed is counted, and nothing of the payload kept.
	OrganizationClosed = "ORGANIZATION_CLOSED"
)

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

// Handler is the callback that is given to Meta.
type Handler struct {
	Parts
	secrets     []string
	verifyToken string
	changes     *prometheus.CounterVec
}

// New makes a handler. Secrets are the app's, the current one first; more than one while it is being changed.
func New(p Parts, secrets []string, verifyToken string) *Handler {
	return &Handler{p, secrets, verifyToken, newChanges()}
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
	right := subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(h.verifyToken)) == 1
	if q.Get("hub.mode") != "subscribe" || h.verifyToken == "" || !right {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, q.Get("hub.challenge"))
}

func (h *Handler) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "payload too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	case !whatsapp.Verify(h.secrets, body, r.Header.Get("X-Hub-Signature-256")):
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	ctx, cancel := context.WithTimeout(tenant.System(context.WithoutCancel(r.Context())), commitTimeout)
	defer cancel()
	if _, err := h.Process(ctx, body); err != nil {
		h.Log.Error("a webhook could not be committed; Meta will send it again", "bytes", len(body), "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// Process commits everything in a payload, and reports whether it had to be kept. After an error it may be processed again:
// nothing counts twice.
func (h *Handler) Process(ctx context.Context, body []byte) (kept bool, err error) {
	reason, err := h.apply(ctx, body)
	if reason == "" {
		return false, err
	}
	return true, errors.Join(err, h.keep(ctx, reason, body))
}

// apply commits what it understands and what belongs to somebody here. A reason says that there was something else.
func (h *Handler) apply(ctx context.Context, body []byte) (reason string, err error) {
	hook, err := whatsapp.ParseWebhook(body)
	if err != nil {
		return NotUnderstood, nil
	}
	if len(hook.Unknown) > 0 {
		reason = NotUnderstood
	}
	h.count(hook)
	unmatched, err := h.statuses(ctx, hook.Statuses)
	reason = cmp.Or(reason, unmatched)
	if err != nil {
		return reason, err
	}
	for _, part := range []struct {
		missing string // why it is kept where what it is about is not here
		apply   func() error
	}{
		{UnknownNumber, each(hook.Inbound, func(m whatsapp.Inbound) error { return h.inbound(ctx, m) })},
		{UnknownNumber, each(hook.Echoes, func(e whatsapp.Echo) error { return h.echo(ctx, e) })},
		{UnknownContact, each(hook.Preferences, func(p whatsapp.Preference) error { return h.preference(ctx, p) })},
		{UnknownAccount, each(hook.Capabilities, func(u whatsapp.CapabilityUpdate) error {
			a, err := h.Accounts.ApplyCapabilityUpdate(ctx, u)
			return then(ctx, a, err, h.Campaigns.AccountChanged)
		})},
		{UnknownAccount, each(hook.Templates, func(u whatsapp.TemplateUpdate) error {
			t, err := h.Accounts.ApplyTemplateUpdate(ctx, u)
			return then(ctx, t, err, h.Campaigns.TemplateChanged)
		})},
		{UnknownAccount, each(hook.Numbers, func(u whatsapp.NumberUpdate) error {
			n, err := h.Accounts.ApplyNumberUpdate(ctx, u)
			return then(ctx, n, err, h.Campaigns.NumberChanged)
		})},
		{UnknownAccount, each(hook.Accounts, func(u whatsapp.AccountUpdate) error {
			h.noteAccount(ctx, u)
			a, err := h.Accounts.ApplyAccountUpdate(ctx, u)
			return then(ctx, a, err, h.Campaigns.AccountChanged)
		})},
	} {
		switch err := part.apply(); {
		case fault.Is(err, fault.NotFound):
			reason = cmp.Or(reason, part.missing)
		case errors.Is(err, account.ErrClosed):
			if err := h.drop(ctx); err != nil {
				return reason, err
			}
		case err != nil:
			return reason, err
		}
	}
	h.noteRest(ctx, hook)
	return reason, nil
}

func each[T any](list []T, do func(T) error) func() error {
	return func() error {
		var missing error
		for _, one := range list {
			if err := do(one); fault.Is(err, fault.NotFound) || errors.Is(err, account.ErrClosed) {
				missing = err // its siblings are not concerned
			} else if err != nil {
				return err
			}
		}
		return missing
	}
}

// then hands on a row that was changed.
func then[T any](ctx context.Context, changed *T, err error, tell func(context.Context, *T) error) error {
	if err != nil || changed == nil {
		return err
	}
	return tell(ctx, changed)
}

// kinds are the statuses that we follow. Others are WhatsApp's past: deleted and warning say nothing of the delivery.
var kinds = map[whatsapp.StatusKind]delivery.FactKind{
	whatsapp.StatusSent: delivery.Sent, whatsapp.StatusDelivered: delivery.Delivered, whatsapp.StatusRead: delivery.Read,
	whatsapp.StatusPlayed: delivery.Read, whatsapp.StatusFailed: delivery.Failed,
}

func (h *Handler) statuses(ctx context.Context, statuses []whatsapp.Status) (reason string, err error) {
	facts := make([]delivery.Fact, 0, len(statuses))
	for _, s := range statuses {
		kind, followed := kinds[s.Status]
		if !followed {
			h.note(ctx, "status_"+string(s.Status), slog.LevelInfo, "wamid", s.WAMID)
			continue
		}
		if _, err := h.Accounts.ByMetaNumber(ctx, s.PhoneNumberID); fault.Is(err, fault.NotFound) {
			reason = UnknownNumber
			continue
		} else if errors.Is(err, account.ErrClosed) {
			if err := h.drop(ctx); err != nil {
				return reason, err
			}
			continue
		} else if err != nil {
			return reason, err
		}
		facts = append(facts, h.fact(kind, s))
	}
	unmatched, err := h.Journal.Record(ctx, facts...)
	if err != nil {
		return reason, err
	}
	if len(unmatched) > 0 {
		reason = cmp.Or(reason, UnknownMessage) // other apps and Meta's console may share the number
	}
	return reason, h.react(ctx, facts)
}

func (h *Handler) fact(kind delivery.FactKind, s whatsapp.Status) delivery.Fact {
	f := delivery.Fact{WAMID: s.WAMID, Kind: kind, At: s.At}
	if f.At.IsZero() {
		f.At = h.Now()
	}
	if text, attempt, ok := whatsapp.ParseCallback(s.CallbackData); ok {
		if message, err := uid.Parse(text); err == nil && message.Kind() == uid.Message {
			f.Message, f.Attempt = message, attempt
		}
	}
	if len(s.Errors) > 0 {
		f.ErrorCode, f.Detail = s.Errors[0].Code, s.Errors[0].Details
	}
	if p := s.Pricing; p != nil {
		f.Pricing = &column.Pricing{Billable: p.Billable, Category: p.Category, Model: p.Model, Type: p.Type}
	}
	return f
}

// drop counts what is told of a closed organization, in one row without a payload.
func (h *Handler) drop(ctx context.Context) error { return h.keep(ctx, OrganizationClosed, nil) }

// keep stores a payload as it came; Meta's repetitions of it are counted.
func (h *Handler) keep(ctx context.Context, reason string, body []byte) error {
	sum := sha256.Sum256(body)
	if body == nil {
		body, sum = []byte{}, sha256.Sum256([]byte(reason))
	}
	err := h.DB.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO unmatched_webhook (id, reason, body, body_hash, seen, received_at) VALUES ($1, $2, $3, $4, 1, $5)
			ON CONFLICT (body_hash) DO UPDATE SET seen = unmatched_webhook.seen + 1`, uid.New(uid.UnmatchedWebhook), reason, body, sum[:], h.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a webhook: %w", err)
	}
	return nil
}
