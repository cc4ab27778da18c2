// Package telemetry makes the service's logger and metrics. It promises that no
// log line holds a secret, and no more of a phone number than its country code and
// last two digits, whatever the caller passes.
package telemetry

import (
	"context"
	"io"
	"log/slog"
)

// Logger writes lines in the format text or json, redacted. In JSON a span of time is a number of
// seconds, and its name ends in _seconds.
func Logger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		options.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration {
				return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
			}
			return a
		}

		return slog.New(Redact(slog.NewJSONHandler(w, options)))
	}

	return slog.New(Redact(slog.NewTextHandler(w, options)))
}

// Redact masks what must not be read before next sees it.
func Redact(next slog.Handler) slog.Handler { return redactor{next} }

type redactor struct{ next slog.Handler }

func (r redactor) Enabled(ctx context.Context, level slog.Level) bool {
	return r.next.Enabled(ctx, level)
}

func (r redactor) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, maskText(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redact(a))
		return true
	})

	return r.next.Handle(ctx, clean)
}

func (r redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}

	return redactor{r.next.WithAttrs(clean)}
}

func (r redactor) WithGroup(name string) slog.Handler { return redactor{r.next.WithGroup(name)} }
