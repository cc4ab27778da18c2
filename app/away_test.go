package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
	"carillon/database/dbtest"
)

// happenings are the two ways in which a server can be away.
var happenings = map[string]func(*dbtest.Wire){"cut": (*dbtest.Wire).Cut, "hangs": (*dbtest.Wire).Hang}

// within runs something and holds that it took no longer. The bound tells an answer from a hang,
// also on a busy machine: calls that wait for every try of a server that hangs take minutes.
func within(t *testing.T, most time.Duration, what string, do func()) {
	t.Helper()
	begun := time.Now()
	do()
	if took := time.Since(begun); took > most {
		t.Errorf("%s took %v, want at most %v", what, took, most)
	}
}

func get(t *testing.T, url string) (status int, text string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}

	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)

	return response.StatusCode, string(body)
}

// newUser makes an owner of an organization and returns their password.
func (s *service) newUser(email string) (password string) {
	s.t.Helper()
	var made struct{ Password string }
	if err := json.Unmarshal([]byte(s.operate("create-user", "--json", email, "--organization", "Lucky Shrub")),
		&made); err != nil {
		s.t.Fatal(err)
	}

	return made.Password
}

func TestWhileRedisIsAwayCallsAreAnsweredSoonAndTriesStayLimited(t *testing.T) {
	t.Parallel()
	for name, happens := range happenings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := dbtest.NewWire(t, dbtest.RedisURL(t))
			p, s := inProcess(t, "REDIS_URL="+wire.URL, "ENCRYPTION_KEY="+testKey)
			password := s.newUser("owner@example.com")

			signIn := func(password string) string {
				return post(t, s.url, fmt.Sprintf(
					`mutation { signIn(input: {email: "owner@example.com", password: %q}) { token userErrors { code } } }`,
					password))
			}

			s.token = textBetween(signIn(password), `"token":"`, `"`)
			if s.token == "" {
				t.Fatal("could not sign in")
			}

			number := s.newNumber()

			happens(wire)

			within(t, 20*time.Second, "the first sign-in", func() {
				if answer := signIn(password); !strings.Contains(answer, `"token":"`) {
					t.Errorf("signing in was answered %s", answer)
				}
			})

			within(t, 20*time.Second, "/readyz", func() {
				if status, text := get(t, s.url+"/readyz"); status != http.StatusOK || !strings.Contains(text, "without Redis") {
					t.Errorf("/readyz answers %d %s", status, text)
				}
			})

			within(t, 20*time.Second, "currentRate", func() {
				answer := s.tries(`{ node(id: "` + number + `") { ... on PhoneNumber { throughput currentRate } } }`)
				if !strings.Contains(answer, `"currentRate":80`) || strings.Contains(answer, "errors") {
					t.Errorf("currentRate is answered %s", answer)
				}
			})

			limited := 0
			for range 40 {
				if strings.Contains(signIn("wrong password"), "RATE_LIMITED") {
					limited++
				}
			}

			if limited < 30 {
				t.Errorf("%d of 40 wrong sign-ins to one account were limited, want at least 30", limited)
			}

			codes := 0
			for range 40 {
				if wait, err := app.Limiter(p).Allow(t.Context(), "code:somebody"); err != nil || wait == 0 {
					codes++
				}
			}

			if codes != 10 {
				t.Errorf("%d codes of a second factor could be tried, want 10", codes)
			}
		})
	}
}

// newNumber stores an account with a number of 80 messages a second in the only organization.
func (s *service) newNumber() (id string) {
	s.t.Helper()
	system := caller.System(s.t.Context())
	organization := s.db.Client.Organization.Query().OnlyX(system)
	a := s.db.Client.Account.Create().SetOrganizationID(organization.ID).SetWabaID("1").SetName("Lucky Shrub").
		SetToken([]byte("sealed")).SaveX(system)

	return s.db.Client.PhoneNumber.Create().SetOrganizationID(organization.ID).SetAccountID(a.ID).SetMetaID("2").
		SetDisplayNumber("+1 202-555-0199").SetVerifiedName("Lucky Shrub").SetThroughput(80).SaveX(system).ID.String()
}

func TestReadinessIsToldSoonWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	for name, happens := range happenings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := dbtest.NewWire(t, dbtest.Postgres(t))
			_, s := inProcess(t, "DATABASE_URL="+wire.URL, "ENCRYPTION_KEY="+testKey)
			if status, _ := get(t, s.url+"/readyz"); status != http.StatusOK {
				t.Fatalf("/readyz answers %d", status)
			}

			happens(wire)
			within(t, 20*time.Second, "/readyz", func() {
				if status, _ := get(t, s.url+"/readyz"); status != http.StatusServiceUnavailable {
					t.Errorf("/readyz answers %d", status)
				}
			})

			wire.Mend()
			s.until("it is ready again", func() bool { status, _ := get(t, s.url+"/readyz"); return status == http.StatusOK })
		})
	}
}

func TestAStartWithoutRedisIsSaidOnceInOurWords(t *testing.T) {
	t.Parallel()
	s := &service{t: t, environ: []string{
		"DATABASE_URL=" + dbtest.SQLite(t), "DATA_DIR=" + t.TempDir(), "REDIS_URL=redis://127.0.0.1:1",
		"ENCRYPTION_KEY=" + testKey, "HTTP_ADDR=" + freeAddress(t),
	}}
	if err := cli.Run(t.Context(), []string{"migrate"}, s.environ, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	log, done := &syncBuffer{}, make(chan error, 1)
	go func() { done <- cli.Run(ctx, []string{"serve"}, s.environ, io.Discard, log) }()
	const words = "Redis does not answer: nothing is sent until it is back"
	s.until("it is said", func() bool { return strings.Contains(log.String(), words) })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), words); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}
