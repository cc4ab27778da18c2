package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
	"carillon/database/dbtest"
	"carillon/secret"
	"carillon/whatsapp/sandbox"
)

// doctor runs the command, and gives its findings and whether it ended well.
func (s *service) doctor(extra ...string) (findings []app.Finding, fine bool) {
	s.t.Helper()
	var out bytes.Buffer
	err := cli.Run(s.t.Context(), []string{"doctor", "--json"}, append(s.environ, extra...), &out, io.Discard)
	var report struct{ Findings []app.Finding }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		s.t.Fatalf("%v: %s", err, out.String())
	}

	return report.Findings, err == nil
}

// finds holds that a part has such a finding, and each one that is not fine says what to do.
func finds(t *testing.T, what string, findings []app.Finding, check string, verdict app.Verdict, says string) {
	t.Helper()
	found := false
	for _, f := range findings {
		found = found || f.Check == check && f.Verdict == verdict && strings.Contains(f.Says, says)
		if (f.Do == "") != (f.Verdict == app.Fine) {
			t.Errorf("%s: %+v does not say what to do", what, f)
		}
	}
	if !found {
		t.Errorf("%s: no %s of %s that says %q in %+v", what, verdict, check, says, findings)
	}
}

func TestTheDoctorFindsAWholeDeploymentWellAndNamesWhatBreaks(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	s.environ = append(s.environ, "REDIS_URL="+dbtest.OwnRedis(t).URL, "ENCRYPTION_KEY="+testKey, "PUBLIC_URL="+s.url)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cli.Run(ctx, []string{"serve"}, s.environ, io.Discard, io.Discard) }()
	s.ready()
	s.draft(1)

	findings, fine := s.doctor()
	if !fine {
		t.Errorf("a deployment that works has problems: %+v", findings)
	}

	for _, check := range []string{"configuration", "database", "redis", "clock", "folders", "whatsapp", "tokens",
		"webhooks", "proxy"} {
		finds(t, "all is well", findings, check, app.Fine, "")
	}

	plain := httptest.NewServer(http.NotFoundHandler()) // a proxy that passes on nothing
	defer plain.Close()
	system := caller.System(t.Context())
	s.db.Client.Account.Update().SetConnectedAt(time.Now().Add(-48 * time.Hour)).ClearWebhookReceivedAt().ExecX(system)

	otherKey := base64.StdEncoding.EncodeToString(secret.NewKey())
	readOnly := s.dsn + "&default_transaction_read_only=on"
	for what, tc := range map[string]struct {
		extra, check string
		verdict      app.Verdict
		says         string
	}{
		"a variable is wrong":    {"LOG_LEVEL=loud", "configuration", app.Problem, "LOG_LEVEL"},
		"the database is away":   {"DATABASE_URL=postgres://u@127.0.0.1:1/x", "stores", app.Problem, "reach PostgreSQL"},
		"it is read-only":        {"DATABASE_URL=" + readOnly, "database", app.Problem, "read-only"},
		"it has few connections": {"DATABASE_CONNECTIONS=1000", "database", app.Warning, "connections are free"},
		"Redis is away":          {"REDIS_URL=redis://127.0.0.1:1", "redis", app.Problem, "does not answer"},
		"WhatsApp is away":       {"WHATSAPP_API_URL=http://127.0.0.1:1", "whatsapp", app.Problem, "not reached"},
		"another key":            {"ENCRYPTION_KEY=" + otherKey, "tokens", app.Problem, "does not open"},
		"the proxy's path":       {"PUBLIC_URL=" + plain.URL, "webhooks", app.Problem, "404"},
		"the proxy's sockets":    {"PUBLIC_URL=" + plain.URL, "proxy", app.Problem, "404"},
		"the verify token":       {"WHATSAPP_VERIFY_TOKEN=another", "webhooks", app.Problem, "403"},
		"open files":             {"MAX_CONNECTIONS=1000000", "limits", app.Warning, "MAX_CONNECTIONS"},
		"no webhook came":        {"LOG_LEVEL=info", "webhooks", app.Warning, "never posted"},
	} {
		findings, fine := s.doctor(tc.extra)
		finds(t, what, findings, tc.check, tc.verdict, tc.says)
		if fine != (tc.verdict != app.Problem) {
			t.Errorf("%s: the doctor ended well: %t", what, fine)
		}
	}

	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
