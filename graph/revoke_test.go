package graph_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/graph"
	"carillon/hub"
	"carillon/identity"
)

// pair is two processes of one service.
func pair(t *testing.T, dsn string) (here, there *stage) {
	t.Helper()
	client, prefix := dbtest.Redis(t)
	process := func(db *database.DB) *stage {
		s := stand(t, db, func(d *graph.Deps) {
			d.Hub = hub.New(client, prefix, hub.Source[delivery.Event](d.Log), hub.Options{})
		})
		s.hub = s.deps.Hub
		s.run(s.hub.Run)

		return s
	}

	here = process(dbtest.Open(t, dsn))
	other, err := database.Open(t.Context(), dsn, 8)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = other.Close() })

	return here, process(other)
}

func TestWhatIsRevokedInOneProcessEndsItsSubscriptionsInAnother(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		credential func(p *person) (token string)
		revoke     string // with the id of what is revoked
		id         func(token string, p *person) string
		reason     string
	}{
		"a session": {
			func(p *person) string {
				signed, err := p.who.SignIn(p.ctx, identity.SignIn{Email: p.email, Password: password})
				if err != nil {
					p.t.Fatal(err)
				}

				return signed.Token
			},
			`mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { revokedSessionId userErrors { message } } }`,
			func(_ string, p *person) string {
				for _, one := range p.must(`{ viewer { sessions { id current } } }`).list("viewer.sessions") {
					if one := one.(map[string]any); one["current"] == false {
						return one["id"].(string)
					}
				}

				return ""
			},
			"Forbidden: the session was revoked",
		},
		"an API key": {
			func(p *person) string {
				return p.must(`mutation { createApiKey(input: {name: "CI", role: VIEWER}) { secret } }`).text("createApiKey.secret")
			},
			`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { id } userErrors { message } } }`,
			func(_ string, p *person) string {
				return p.must(`{ viewer { organization { apiKeys { id } } } }`).text("viewer.organization.apiKeys.0.id")
			},
			"Forbidden: the API key was revoked",
		},
		"a membership": {
			func(p *person) string { return p.hire("CAMPAIGNER").token },
			`mutation($id: ID!) { removeMember(input: {memberId: $id}) { member { id } userErrors { message } } }`,
			func(token string, p *person) string {
				ctx, err := p.who.Authenticate(p.t.Context(), "Bearer "+token, identity.Client{})
				if err != nil {
					p.t.Fatal(err)
				}

				return (&person{stage: p.stage, ctx: ctx}).membership()
			},
			"Forbidden: your membership has ended",
		},
	} {
		for kind, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				here, there := pair(t, dsn(t))
				p := here.signUp()
				token := tc.credential(p)
				ws := (&person{stage: here, token: token}).dial()
				ws.subscribe(follow, vars{})
				ws.result()
				id := tc.id(token, p)
				begun := time.Now()
				a := there.ask(p.token, tc.revoke, vars{"id": id})
				if len(a.Errors) > 0 {
					t.Fatal(a.Errors)
				}

				for {
					_, err := ws.read()
					if err == nil {
						continue // a ping
					}

					var closed *websocket.CloseError
					if !errors.As(err, &closed) || closed.Code != 4403 || closed.Text != tc.reason {
						t.Errorf("the socket ended with %v, want 4403 %s", err, tc.reason)
					}

					break
				}

				t.Logf("its socket was closed %v after the call", time.Since(begun))
			})
		}
	}
}
