package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"carillon/ent/message"
	"carillon/enum"
	"carillon/tenant"
	"carillon/whatsapp/sandbox"
)

// operate runs an operator's command against a service, beside its processes.
func (s *service) operate(args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	if err := run(s.t.Context(), append([]string{"admin"}, args...), s.environ, &out, io.Discard); err != nil {
		s.t.Fatalf("admin %v: %v", args, err)
	}
	return out.String()
}

func TestTheOperatorsCommands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := &service{t: t, environ: []string{"DATABASE_URL=sqlite:" + filepath.Join(folder, "carillon.db"), "DATA_DIR=" + folder, "WHATSAPP_API_URL=http://127.0.0.1:1"}}
	if err := run(t.Context(), []string{"migrate"}, s.environ, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	var added struct{ Organization, Password string }
	if err := json.Unmarshal([]byte(s.operate("create-user", "--json", "ann@example.com", "--organization", "Lucky Shrub")), &added); err != nil || added.Password == "" {
		t.Fatal(added, err)
	}
	id := added.Organization
	for _, step := range []struct{ command, says string }{
		{"organizations", `Lucky Shrub +ACTIVE +1 +0 +0 +0`},
		{"suspend " + id + " --reason spam", id + " SUSPENDED"},
		{"organizations --json", `"status": "SUSPENDED"`},
		{"resume " + id, "ACTIVE"},
		{"quota --messages-per-day 100 " + id + " --contacts 5", "100 messages a day .* 5 contacts and - numbers"},
		{"quota " + id + " --contacts none", "100 messages a day .* - contacts"},
		{"notice soon", "notice: soon"},
		{"maintenance on --notice now", "maintenance is on"},
		{"maintenance off", "maintenance is off"},
		{"rotate-keys", "0 secrets sealed anew"},
		{"close " + id + " --yes", "CLOSED"},
		{"erase " + id + " --yes", "erased: .* 1 users"},
		{"organizations", "erased +CLOSED +0"},
		{"", "carillon admin suspend ORGANIZATION"},
		{"quota --help", "messages-per-day"},
	} {
		if got := s.operate(strings.Fields(step.command)...); !regexp.MustCompile(step.says).MatchString(got) {
			t.Errorf("%s says %q, want %s", step.command, got, step.says)
		}
	}
	for command, says := range map[string]string{
		"suspend " + id: "reason", "suspend org_x --reason y": "org_x", "close " + id: "--yes", "erase " + id: "--yes", "maintenance perhaps": "on or off",
		"quota " + id + " --numbers many": "many", "create-user nobody": "e-mail", "create-user a@example.com --role KING --organization X": "role", "dance": "dance",
	} {
		err := run(t.Context(), append([]string{"admin"}, strings.Fields(command)...), s.environ, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gave %v, want something about %s", command, err, says)
		}
	}
}

func TestTermsThatCannotBeReadKeepTheServiceFromStarting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	bad := filepath.Join(folder, "terms.md")
	if err := os.WriteFile(bad, []byte("# Terms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{bad: "front matter", filepath.Join(folder, "none.md"): "no such file"} {
		err := run(t.Context(), nil, []string{"DATA_DIR=" + folder, "TERMS_FILE=" + file, "HTTP_ADDR=127.0.0.1:0"}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "TERMS_FILE") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSuspensionAndMaintenanceStopAllSendingAndItGoesOnAfterwards(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n = 300
		s := deploy(t, dsn, sandbox.Options{Throughput: 20, NoPairLimit: true})
		s.start("")
		s.ready()
		campaign := s.draft(n)
		s.do("launchCampaign", campaign)
		system := tenant.System(t.Context())
		still := func(at int, stop, goOn func()) {
			t.Helper()
			if err := s.sandbox.WaitAccepted(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			stop()
			stopped := len(s.sandbox.Accepted())
			s.until("what was claimed is settled", func() bool {
				return !s.db.Client.Message.Query().Where(message.StatusIn(enum.MessageStatusSending)).ExistX(system)
			})
			sent := len(s.sandbox.Accepted())
			if sent > stopped+40 {
				t.Errorf("%d messages went out after the command", sent-stopped)
			}
			s.quiet(2 * time.Second)
			if now := len(s.sandbox.Accepted()); now != sent {
				t.Errorf("%d messages went out while nothing may", now-sent)
			}
			goOn()
		}
		o := s.db.Client.Organization.Query().OnlyX(system)
		still(40, func() { s.operate("suspend", o.ID.String(), "--reason", "spam") }, func() {
			if status, _ := s.progress(campaign); status != "PAUSED" {
				t.Errorf("the campaign is %s", status)
			}
			s.operate("resume", o.ID.String())
		})
		still(120, func() { s.operate("maintenance", "on", "--notice", "back soon") }, func() { s.operate("maintenance", "off") })
		s.until("the campaign is over", func() bool { status, p := s.progress(campaign); return status == "COMPLETED" && p.Read == n })
		s.judge(n)
	})
}

// quiet lets a span pass. What does not happen gives no signal: there is room in it for many turns of a lane.
func (s *service) quiet(span time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), span)
	defer cancel()
	<-ctx.Done()
}
