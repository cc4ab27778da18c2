package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp/sandbox"
)

// operate runs an operator's command against a service, beside its processes.
func (s *service) operate(args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	if err := cli.Run(s.t.Context(), append([]string{"admin"}, args...), s.environ, &out, io.Discard); err != nil {
		s.t.Fatalf("admin %v: %v", args, err)
	}

	return out.String()
}

// card writes a rate card with one price into a file of its own.
func (s *service) card(folder, market, rate string) (file string) {
	s.t.Helper()
	file = filepath.Join(folder, market+rate+".csv")
	err := os.WriteFile(file, []byte("effective_date,currency,market,category,rate\n2026-10-01,USD,"+market+
		",marketing,"+rate+"\n"), 0o600)
	if err != nil {
		s.t.Fatal(err)
	}

	return file
}

// operations are the names that the help of `carillon admin` lists.
func operations(t *testing.T) (names []string) {
	t.Helper()
	var help bytes.Buffer
	if err := cli.Run(t.Context(), []string{"admin"}, nil, &help, io.Discard); err != nil {
		t.Fatal(err)
	}

	_, list, _ := strings.Cut(help.String(), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		names = append(names, strings.Fields(line)[0])
	}

	if len(names) < 15 {
		t.Fatalf("the help lists %q", names)
	}

	return names
}

func TestTheOperatorsCommands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := &service{t: t, environ: []string{"DATABASE_URL=sqlite:" + filepath.Join(folder, "carillon.db"),
		"DATA_DIR=" + folder, "WHATSAPP_API_URL=http://127.0.0.1:1"}}
	if err := cli.Run(t.Context(), []string{"migrate"}, s.environ, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}

	var added struct{ Organization, Password string }
	if err := json.Unmarshal([]byte(s.operate("create-user", "--json", "ann@example.com", "--organization",
		"Lucky Shrub")), &added); err != nil || added.Password == "" {
		t.Fatal(added, err)
	}

	id := added.Organization
	db := dbtest.Open(t, "sqlite:"+filepath.Join(folder, "carillon.db"))
	system := caller.System(t.Context())
	db.Client.User.Update().SetSecondFactorAt(database.Now()).ExecX(system)
	tried, recorded := map[string]bool{}, []string{}

	card, corrected, wrong := s.card(folder, "Germany", "0.1131"), s.card(folder, "Germany", "0.1132"),
		s.card(folder, "Atlantis", "1")
	for _, step := range []struct{ command, says string }{
		{"organizations", `Lucky Shrub +ACTIVE +1 +0 +0 +0`},
		{"reset-password Ann@example.com", `^http\S+/reset-password#token=crp_\w+\n$`},
		{"reset-password --json ann@example.com", `"link": "http`},
		{"verify-email ann@example.com", "counts as verified"},
		{"disable-second-factor ann@example.com", "signs in with the password alone"},
		{"verify", `(?s)the audit trail of ` + id + ` is whole up to event 5, .*every count is what a recount gives`},
		{"unmatched", "no webhook is kept"},
		{"replay", "0 webhooks were understood"},
		{"suspend " + id + " --reason spam", id + " SUSPENDED"},
		{"organizations --json", `"status": "SUSPENDED"`},
		{"suspend " + id + " --reason spam --until 36500d", id + ` SUSPENDED until 21\d\d-`},
		{"organizations --json", `"suspendedUntil": "21`},
		{"resume " + id, "ACTIVE"},
		{"suspend-user ann@example.com --reason leak --until 2h", "ann@example.com is suspended until 20"},
		{"suspend-user ann@example.com", "ann@example.com is suspended\n"},
		{"resume-user ann@example.com", "can sign in again"},
		{"quota --messages-per-day 100 " + id + " --contacts 5", "100 messages a day .* 5 contacts and - numbers"},
		{"quota " + id + " --contacts none", "100 messages a day .* - contacts"},
		{"notice soon", "notice: soon"},
		{"notice off", "no notice"},
		{"maintenance on --notice now", "maintenance is on"},
		{"maintenance off", "maintenance is off"},
		{"rates import " + card,
			"imported: Rates USD from 2026-10-01 .list, 1 markets.\n(note: .*\n)*in force within ten seconds"},
		{"rates import " + card, "nothing new: Rates USD from 2026-10-01 is there already"},
		{"rates import --json --correction --name Autumn " + corrected, `"name": "Autumn",\n *"kind": "LIST"`},
		{"rates import --example", "Example, not to be relied on"},
		{"rates list", `Autumn +LIST +USD +2026-10-01 +- +2 +1.*\n.* +1 +1 +a correction took its place\n.* an example, not`},
		{"rates list --json", `"example": true`},
		{"rates example", "^effective_date,currency,market,category,rate\n"},
		{"rotate-keys", "0 secrets sealed anew"},
		{"close " + id + " --yes", "CLOSED"},
		{"erase " + id + " --yes", "erased: .* 1 users"},
		{"organizations", "erased +CLOSED +0"},
		{"", "stops its sending at once"},
		{"quota --help", "messages-per-day"},
	} {
		if strings.HasPrefix(step.command, "close") {
			recorded = db.Client.AuditEvent.Query().Where(auditevent.Actor("operator")).Order(auditevent.BySequence()).
				Select(auditevent.FieldAction).StringsX(system)
		}

		if got := s.operate(strings.Fields(step.command)...); !regexp.MustCompile(step.says).MatchString(got) {
			t.Errorf("%s says %q, want %s", step.command, got, step.says)
		}

		name, _, _ := strings.Cut(step.command, " ")
		tried[name] = true
	}

	if want := []string{"organization.create", "member.join", "password.request_reset", "password.request_reset",
		"factor.remove",
		"organization.suspend", "organization.suspend", "organization.activate", "member.suspend", "member.suspend",
		"member.resume", "organization.quota", "organization.quota"}; !slices.Equal(recorded, want) {
		t.Errorf("recorded %q, want %q", recorded, want)
	}

	for _, name := range operations(t) {
		if !tried[name] && name != "create-user" { // which is how it began
			t.Errorf("%s was not tried", name)
		}
	}

	for command, says := range map[string]string{
		"rates": "rates list", "rates import": "name one file", "rates import nowhere.csv": "nowhere.csv",
		"rates import " + card + " --effective 2026-10-01": "leave it out", "rates import --example " + card: "no file",
		"rates import " + wrong: `line 2, market: "Atlantis" is no market`, "rates delete": "rates list",
		"suspend " + id: "reason", "suspend org_x --reason y": "org_x", "close " + id: "--yes", "erase " + id: "--yes",
		"maintenance perhaps":             "on or off",
		"quota " + id + " --numbers many": "many", "create-user nobody": "e-mail",
		"create-user a@example.com --role KING --organization X": "role", "dance": "dance",
		"suspend " + id + " --reason x --until 2020-01-01T00:00:00Z": "ahead",
		"suspend-user ann@example.com --until -1h":                   "ahead",
		"suspend-user ann@example.com --until 0d":                    "ahead",
		"suspend-user ann@example.com --until soon":                  "12h", "suspend-user": "e-mail",
		"suspend-user nobody@example.com": "nobody has", "resume-user": "e-mail",
		"resume-user nobody@example.com": "nobody has",
		"reset-password":                 "e-mail", "reset-password nobody@example.com": "user with this address",
		"verify-email":                    "e-mail",
		"verify-email nobody@example.com": "nobody has",
		"disable-second-factor":           "e-mail", "disable-second-factor nobody@example.com": "nobody has",
	} {
		err := cli.Run(t.Context(), append([]string{"admin"}, strings.Fields(command)...), s.environ, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gave %v, want something about %s", command, err, says)
		}
	}
}

func TestWhatTheOperatorTakesAwayEndsAtOnceInEveryProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	dsn := dbtest.SQLite(t)
	s := &service{t: t, db: dbtest.Open(t, dsn), environ: []string{"DATABASE_URL=" + dsn,
		"REDIS_URL=" + dbtest.RedisURL(t), "DATA_DIR=" + folder, "WHATSAPP_API_URL=http://127.0.0.1:1"}}
	// another process than the operator's, with news and memory of its own
	p, err := app.Open(t.Context(), s.environ, io.Discard)
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Hub.Run(ctx) }()

	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, p.Close()); err != nil {
			t.Error(err)
		}
	})

	s.until("it hears the others", func() bool { _, hears := p.Hub.Hears(); return hears })
	signUp := func(email string) identity.Signed {
		signed, err := p.Identity.SignUp(t.Context(), identity.SignUp{Email: email, Password: loggedPassword, Name: "Ann",
			OrganizationName: "Lucky Shrub", AcceptTermsVersion: identity.DefaultTerms().Version})
		if err != nil {
			t.Fatal(err)
		}

		return signed
	}

	signed, bob := signUp("ann@example.com"), signUp("bob@example.com")
	org, session := signed.Viewer.Organization, signed.Viewer.Session.ID
	s.db.Client.User.Update().SetSecondFactorAt(database.Now()).ExecX(caller.System(t.Context()))
	s.db.Client.Organization.Update().SetRequireSecondFactor(true).ExecX(caller.System(t.Context()))

	viewer := func(token string) (*identity.Viewer, error) {
		ctx, err := p.Identity.Authenticate(t.Context(), "Bearer "+token, identity.Client{})
		v, _ := identity.From(ctx)
		return v, err
	}

	for _, step := range []struct {
		command string
		subject uid.ID
		holds   func(*identity.Viewer, error) bool
		token   string
	}{
		{"suspend-user bob@example.com", bob.Viewer.Session.ID, func(_ *identity.Viewer, err error) bool {
			return usererror.Is(err, usererror.Unauthenticated)
		}, bob.Token},
		{"disable-second-factor ann@example.com", session, func(v *identity.Viewer, err error) bool {
			return err == nil && v.Missing() != nil
		}, signed.Token},
		{"suspend " + org.String() + " --reason spam", org, func(v *identity.Viewer, err error) bool {
			return err == nil && v.OrganizationStatus == enum.OrganizationStatusSuspended
		}, signed.Token},
		{"close " + org.String() + " --yes", org, func(_ *identity.Viewer, err error) bool {
			return usererror.Is(err, usererror.Unauthenticated)
		}, signed.Token},
	} {
		if v, err := viewer(step.token); step.holds(v, err) { // and from here on it is remembered
			t.Errorf("before %s: %+v, %v", step.command, v, err)
		}

		told := p.Hub.Watch(uid.ID{}, step.subject.String())
		s.operate(strings.Fields(step.command)...)

		select {
		case <-told.C():
		case <-time.After(30 * time.Second):
			t.Errorf("nothing was heard of %s", step.command)
		}

		told.Close()
		if v, err := viewer(step.token); !step.holds(v, err) {
			t.Errorf("after %s: %+v, %v", step.command, v, err)
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
		err := cli.Run(t.Context(), nil, []string{"DATA_DIR=" + folder, "TERMS_FILE=" + file, "HTTP_ADDR=127.0.0.1:0"},
			io.Discard, io.Discard)
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
		system := caller.System(t.Context())

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

		still(120, func() {
			s.operate("maintenance", "on", "--notice", "back soon")
		}, func() { s.operate("maintenance", "off") })
		s.until("the campaign is over", func() bool {
			status, p := s.progress(campaign)
			return status == "COMPLETED" && p.Read == n
		})

		s.judge(n)
	})
}

// quiet lets a span pass. What does not happen gives no signal: there is room in it for many turns
// of a lane.
func (s *service) quiet(span time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), span)
	defer cancel()
	<-ctx.Done()
}
