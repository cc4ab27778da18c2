package graph_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/graph"
)

// refusedAway holds that an operation is answered soon, with 503 and when to try again.
func (p *person) refusedAway(what, document string, most time.Duration) {
	p.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": document})
	request, _ := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.server.URL, strings.NewReader(string(body)))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+p.token)
	begun := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Error(err)
		return
	}

	defer response.Body.Close()
	if took := time.Since(begun); took > most {
		p.t.Errorf("%s took %v", what, took)
	}

	a := answer{t: p.t}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		p.t.Error(err)
		return
	}

	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" ||
		a.code() != "UNAVAILABLE" {
		p.t.Errorf("%s is answered %s, Retry-After %q, %v", what, response.Status, response.Header.Get("Retry-After"),
			a.Errors)
		return
	}

	if seconds, ok := a.Errors[0].Extensions["retryAfterSeconds"].(float64); !ok || seconds < 1 || seconds > 60 {
		p.t.Errorf("%s: try again in %v", what, a.Errors[0].Extensions["retryAfterSeconds"])
	}
}

const renameMe = `mutation { updateUser(input: {name: "Grace"}) { user { name } userErrors { message } } }`

func soon(d *graph.Deps) { d.Transport.Timeout = time.Second }

func TestALockedDatabaseDelaysNoQueryAndRefusesChangesInTime(t *testing.T) {
	t.Parallel()
	dsn := dbtest.SQLite(t)
	s := stand(t, dbtest.Open(t, dsn), soon)
	p := s.signUp()
	key := p.key(enum.RoleAdmin) // whose use was never noted
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}

	defer other.Close()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}

	for _, who := range []*person{p, key} {
		begun := time.Now()
		if a := who.ask(`{ viewer { organization { name } } }`); a.code() != "" {
			t.Errorf("a query is answered %v", a.Errors)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("a query took %v", took)
		}
	}

	var all sync.WaitGroup
	for range 6 { // each waits behind the others, too
		all.Go(func() { p.refusedAway("a change", renameMe, 3*time.Second) })
	}

	all.Wait()

	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	if a := p.ask(renameMe); a.code() != "" {
		t.Errorf("once the lock is free a change is answered %v", a.Errors)
	}
}

func TestWithoutPostgreSQLCallsAreAnsweredInTime(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*dbtest.Wire){"cut": (*dbtest.Wire).Cut, "hangs": (*dbtest.Wire).Hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := dbtest.NewWire(t, dbtest.Postgres(t))
			s := stand(t, dbtest.Open(t, wire.URL), soon)
			p := s.signUp()
			if a := p.ask(renameMe); a.code() != "" {
				t.Fatal(a.Errors)
			}

			happens(wire)
			p.refusedAway("a query", `{ viewer { organization { name } } campaigns { totalCount } }`, 15*time.Second)
			p.refusedAway("a change", renameMe, 15*time.Second)
			if log := s.logText(); strings.Contains(log, "internal error") {
				t.Errorf("logged %s", log)
			}

			wire.Mend()
			for tick := time.NewTicker(50 * time.Millisecond); p.ask(renameMe).code() != ""; <-tick.C {
				if t.Context().Err() != nil {
					t.Fatal("it did not come back")
				}
			}
		})
	}
}
