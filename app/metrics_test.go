package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

const (
	rulesFile     = "../deploy/prometheus/rules.yaml"
	dashboardFile = "../deploy/grafana/carillon.json"
)

// expressions are the queries of the alert rules and of the dashboard.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}

	for file, read := range map[string]func([]byte) error{
		rulesFile:     func(text []byte) error { return yaml.Unmarshal(text, &rules) },
		dashboardFile: func(text []byte) error { return json.Unmarshal(text, &dashboard) },
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := read(text); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}

	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			all = append(all, r.Expr)
			if r.Alert == "" || r.Annotations["summary"] == "" || r.Annotations["do"] == "" {
				t.Errorf("an alert does not say what is wrong and what to do: %+v", r)
			}
		}
	}

	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}

	return all
}

// A name that no process tells would be a panel without data and an alert that is never raised.
func TestEveryMetricOfDashboardAndAlertsIsInARealScrape(t *testing.T) {
	t.Parallel()
	const n = 20
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{Throughput: 400, NoPairLimit: true})
	metrics := freeAddress(t)
	s.start("", "METRICS_ADDR="+metrics)
	s.ready()
	campaign := s.draft(n)
	s.do("launchCampaign", campaign)
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == n
	})

	_, text := get(t, "http://"+metrics+"/metrics")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9_]*)`).FindAllStringSubmatch(text, -1) {
		told = append(told, m[1])
	}

	for _, expression := range expressions(t) {
		names := regexp.MustCompile(`\b(carillon|go|process)_[a-z0-9_]+`).FindAllString(expression, -1)
		if len(names) == 0 {
			t.Errorf("%q asks for nothing", expression)
		}

		for _, name := range names {
			if !slices.Contains(told, name) {
				t.Errorf("%q asks for %s, which no process tells", expression, name)
			}
		}
	}

	for _, line := range []string{"carillon_sends_total{code=\"\",outcome=\"accepted\"} 20", "carillon_database_up 1",
		"carillon_redis_up 1", "carillon_messages_queued{of=\"campaign\"} 0", "carillon_send_seconds_count 20"} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the scrape does not say %s", line)
		}
	}
}

func TestPrometheusTakesTheAlertRules(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("LEFT OUT: promtool is not installed (Debian's package prometheus)")
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", rulesFile).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
