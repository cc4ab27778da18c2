package metawebhook

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/whatsapp"
)

// metrics are what the handler counts.
type metrics struct {
	changes *prometheus.CounterVec
	refuse  *prometheus.CounterVec
	trimmed *prometheus.CounterVec
	room    prometheus.GaugeFunc
	most    prometheus.GaugeFunc
}

func newMetrics(b *bodies) metrics {
	return metrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_webhook_changes_total", Help: "What webhooks told, by kind; repetitions count too.",
		}, []string{"kind"}),
		refuse: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_webhook_refused_total", Help: "Requests to the webhook whose body was not taken, by reason.",
		}, []string{"reason"}),
		trimmed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_kept_webhooks_deleted_total",
			Help: "Kept webhooks that were deleted because they were too old, or too many in rows or bytes.",
		}, []string{"bound"}),
		room: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "carillon_webhook_body_bytes", Help: "Memory that bodies of webhooks take now.",
		}, func() float64 { return float64(b.inUse()) }),
		most: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "carillon_webhook_body_bytes_limit", Help: "Memory that bodies of webhooks may take.",
		}, func() float64 { return float64(b.most) }),
	}
}

// refusalReasons are the labels of refusals.
var refusalReasons = map[error]string{
	errUnsigned: "signature", errTooLarge: "size", errNoRoom: "memory", errStopping: "shutdown",
	os.ErrDeadlineExceeded: "time",
}

func (m metrics) refused(err error) {
	for of, reason := range refusalReasons {
		if errors.Is(err, of) {
			m.refuse.WithLabelValues(reason).Inc()
			return
		}
	}

	m.refuse.WithLabelValues("other").Inc()
}

// Metrics are what the handler counts.
func (h *Handler) Metrics() []prometheus.Collector {
	return []prometheus.Collector{h.metrics.changes, h.metrics.refuse, h.metrics.trimmed, h.metrics.room, h.metrics.most}
}

// count counts everything that a webhook told by its kind. Kinds are few, whatever Meta sends: what
// has another name is unknown.
func (h *Handler) count(hook whatsapp.Webhook) {
	for _, s := range hook.Statuses {
		h.metrics.changes.WithLabelValues("status_" + string(s.Status)).Inc()
	}

	for _, of := range [...]struct {
		kind string
		n    int
	}{
		{"message", len(hook.Inbound)}, {"echo", len(hook.Echoes)}, {"user_preference", len(hook.Preferences)},
		{"messaging_handovers", len(hook.Handovers)},
		{"capability", len(hook.Capabilities)},
		{"template", len(hook.Templates)}, {"number", len(hook.Numbers)}, {"security", len(hook.Security)},
		{"click", len(hook.Clicks)}, {"error", len(hook.Errors)}, {"unknown", len(hook.Unknown)},
	} {
		if of.n > 0 {
			h.metrics.changes.WithLabelValues(of.kind).Add(float64(of.n))
		}
	}

	for _, u := range hook.Accounts {
		h.metrics.changes.WithLabelValues("account_" + string(u.Kind)).Inc()
	}

	for _, n := range hook.Notices {
		h.metrics.changes.WithLabelValues(n.Field).Inc()
	}
}

// note tells the operator of something that changes nothing here.
func (h *Handler) note(ctx context.Context, kind string, level slog.Level, attributes ...any) {
	h.Log.Log(ctx, level, "a webhook told something that changes nothing here",
		append([]any{"kind", kind}, attributes...)...)
}

// alertLevels are how loud alerts are.
var alertLevels = map[string]slog.Level{"CRITICAL": slog.LevelError, "WARNING": slog.LevelWarn}

// noteAccount tells the operator of what happens to accounts: much of it is seen nowhere else.
func (h *Handler) noteAccount(ctx context.Context, u whatsapp.AccountUpdate) {
	attributes := []any{"waba", u.WABAID, "kind", string(u.Kind), "event", u.Event}
	level := slog.LevelInfo
	if a := u.Alert; a != nil {
		level = alertLevels[a.Severity] // else info
		attributes = append(attributes, "severity", a.Severity, "status", a.Status, "entity", a.EntityType+" "+a.EntityID,
			"description", a.Description)
	}

	h.Log.Log(ctx, level, "WhatsApp tells of an account", attributes...)
}

// noteRest tells of what is known by name and changes nothing.
func (h *Handler) noteRest(ctx context.Context, hook whatsapp.Webhook) {
	for _, s := range hook.Security {
		h.Log.WarnContext(ctx, "somebody changed a number's PIN, or asked to", "waba", s.WABAID, "phone_number",
			s.DisplayPhoneNumber, "event", s.Event, "requester", s.RequesterID)
	}

	for _, e := range hook.Errors {
		h.note(ctx, "error", slog.LevelWarn, "waba", e.WABAID, "phone_number_id", e.PhoneNumberID, "code", e.Code,
			"title", e.Title, "details", e.Details)
	}

	for _, n := range hook.Notices {
		h.note(ctx, n.Field, slog.LevelInfo, "waba", n.WABAID, "phone_number_id", n.PhoneNumberID, "event", n.Event)
	}
}
