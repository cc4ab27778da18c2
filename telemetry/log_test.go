package telemetry_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"carillon/telemetry"
)

type hidden struct{ value string }

func (hidden) LogValue() slog.Value { return slog.StringValue("hidden by itself") }

func line(t *testing.T, format string, log func(*slog.Logger)) string {
	t.Helper()
	var b strings.Builder
	log(telemetry.Logger(&b, slog.LevelInfo, format))

	return b.String()
}

func TestLoggerMasks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attr       slog.Attr
		want, hide string
	}{
		"a token by its key": {slog.String("access_token", "hunter2"), "access_token=[redacted]", "hunter2"},
		"a key in any case": {slog.String("X-Authorization", "hunter2"), "X-Authorization=[redacted]",
			"hunter2"},
		"a secret of any type":  {slog.Any("secrets", []string{"hunter2"}), "secrets=[redacted]", "hunter2"},
		"not the id of a token": {slog.String("token_id", "tok_1"), "token_id=tok_1", "redacted"},
		"not an empty secret":   {slog.String("token", ""), `token=""`, "redacted"},
		"a session in a text": {slog.String("note", "with crs_hunter2-_x, yes"),
			`"with crs_[redacted], yes"`, "hunter2"},
		"an API key in an error": {slog.Any("error", errors.New("bad key crk_hunter2")),
			`"bad key crk_[redacted]"`, "hunter2"},
		"Meta's token in an address": {slog.String("path", "/me?access_token=EAAhunter2ZCXy"),
			"/me?access_token=EAA[redacted]", "hunter2"},
		"what follows Bearer": {slog.String("header", "bearer hunter2"), `"bearer [redacted]"`, "hunter2"},
		"a password in an address": {slog.String("database", "postgres://me:hunter2@db/x"),
			"postgres://me:[redacted]@db/x", "hunter2"},
		"a token in a list": {slog.Any("args", []string{"crk_hunter2"}), "crk_[redacted]", "hunter2"},
		"a token in a struct": {slog.Any("value", struct{ A string }{"crk_hunter2"}), "{A:crk_[redacted]}",
			"hunter2"},
		"a token in bytes": {slog.Any("body", []byte(`{"t":"crk_hunter2"}`)), "crk_[redacted]", "hunter2"},
		"a link to reset a password": {slog.String("note", "at /reset-password#token=crp_hunter2abc"),
			"#token=crp_[redacted]", "hunter2"},
		"an invitation":                 {slog.String("note", "cri_hunter2abc"), "cri_[redacted]", "hunter2"},
		"a sign-in elsewhere":           {slog.String("note", "crf_hunter2abc"), "crf_[redacted]", "hunter2"},
		"a token of a kind yet to come": {slog.String("note", "crz_hunter2abc"), "crz_[redacted]", "hunter2"},
		"a message id, which holds a number": {slog.String("wamid", "wamid.HBgLMTIwMjU1NTAxMDAVAgARGBI="),
			"wamid=wamid.[redacted]", "MTIw"},
		"a message id in a text": {slog.String("note", "of wamid.HBgLMTIwMjU1NTAxMDAVAgARGBI=, twice"),
			`"of wamid.[redacted], twice"`, "MTIw"},
		"an e-mail address": {slog.Any("error", errors.New("550 <refuse1+x@x.example> unknown")),
			`"550 <[redacted]@x.example> unknown"`, "refuse1"},
		"an e-mail address to whom": {slog.String("to", "ann.o'neil@example.com"),
			"to=[redacted]@example.com", "neil"},
		"an e-mail address beyond ASCII": {slog.String("note", "für jürgen@bücher.example"),
			`"für [redacted]@bücher.example"`, "jürgen"},
		"a phone number in a text": {slog.String("note", "to +14165550143, at once"),
			`"to +1********43, at once"`, "2025550"},
		"a phone number as people write it": {slog.Any("error", errors.New("to +49 (151) 2345-6789")),
			`"to +49*********89"`, "2345"},
		"a phone number in a struct": {slog.Any("value", struct{ A string }{"+14165550143"}), "{A:+1********43}",
			"2025550"},
		"not a sum": {slog.String("note", "1 +2, and +12"), `"1 +2, and +12"`, "*"},
		"not a time zone": {slog.String("note", "2026-11-29T10:00:00+01:00 m=+12.345678901"),
			"+01:00 m=+12.345678901", "*"},
		"not a word with cr": {slog.String("note", "the cra_ft of scr_ipts"), "the cra_ft of scr_ipts",
			"redacted"},
		"not a mail that nobody else sends": {slog.String("unsent_mail", "To: ann@example.com #token=crp_hunter3abc"),
			"ann@example.com #token=crp_hunter3abc", "redacted"},
		"inside a group": {slog.Group("request", slog.String("password", "hunter2")),
			"request.password=[redacted]", "hunter2"},
		"a phone number":           {slog.String("to", "+49 1512 3456789"), "to=+49*********89", "3456"},
		"a wa_id":                  {slog.String("wa_id", "14165550143"), "wa_id=+1********43", "2025550"},
		"a wa_id that is a number": {slog.Int64("phone", 351912345678), "phone=+351*******78", "912345"},
		"a list of phone numbers": {slog.Any("recipients", []string{"+14165550143", "+4915123456789"}),
			"recipients=+1********43,+49*********89", "2025550"},
		"not an internet address":            {slog.String("address", "127.0.0.1:8080"), "address=127.0.0.1:8080", "*"},
		"not a status that is called to":     {slog.String("to", "RUNNING"), "to=RUNNING", "*"},
		"not what says itself how to be log": {slog.Any("secretive", hidden{"hunter2"}), "[redacted]", "hunter2"},
		"what a LogValue returns":            {slog.Any("thing", hidden{"hunter2"}), `"hidden by itself"`, "hunter2"},
		"not a nil that cannot be printed":   {slog.Any("url", (*url.URL)(nil)), "!PANIC", "hunter2"},
		"not a number":                       {slog.Int("tokens", 3), "tokens=3", "redacted"},
		"not words": {slog.String("note", "the bearer of news at https://example.com/a:b@c"),
			"the bearer of news at https://example.com/a:b@c", "redacted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, log := range map[string]func(*slog.Logger){
				"as an attribute": func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, "m", tc.attr) },
				"by With":         func(l *slog.Logger) { l.With(tc.attr).Info("m") },
			} {
				got := line(t, "text", log)
				if !strings.Contains(got, tc.want) || strings.Contains(got, tc.hide) {
					t.Errorf("%s: got %swant %s and not %s", how, got, tc.want, tc.hide)
				}
			}
		})
	}
}

func TestLoggerMasksTheMessage(t *testing.T) {
	t.Parallel()
	if got := line(t, "json", func(l *slog.Logger) {
		l.WithGroup("g").Info("sent Bearer hunter2", "a", 1)
	}); !strings.Contains(got, `"msg":"sent Bearer [redacted]","g":{"a":1}`) {
		t.Error(got)
	}
}

func TestLoggerKeepsItsLevel(t *testing.T) {
	t.Parallel()
	if got := line(t, "text", func(l *slog.Logger) { l.Debug("quiet") }); got != "" {
		t.Error(got)
	}
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	telemetry.NewMetrics().Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))

	for _, want := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(w.Body.String(), "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
}

func FuzzLogger(f *testing.F) {
	f.Add("to", "+4915123456789")
	f.Add("note", "Bearer crk_x://:@")
	f.Fuzz(func(t *testing.T, key, value string) {
		line(t, "json", func(l *slog.Logger) { l.Info(value, key, value) })
	})
}

func BenchmarkLogger(b *testing.B) {
	for name, log := range map[string]*slog.Logger{
		"redacted": telemetry.Logger(io.Discard, slog.LevelInfo, "json"),
		"plain":    slog.New(slog.NewJSONHandler(io.Discard, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "message accepted", slog.String("organization", "org_01k9z"),
					slog.String("to", "+4915123456789"), slog.Int("attempt", 1),
					slog.String("wamid", "wamid.HBgLMTIwMjU1NTAxNDMVAgARGBI"))
			}
		})
	}
}
