package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

// signIn opens a session with a password, and calls with it from then on.
func (s *service) signIn(email, password string) {
	s.t.Helper()
	s.token = ""
	var in struct{ SignIn struct{ Token string } }
	s.ask(`mutation($e: String!, $p: String!) { signIn(input: {email: $e, password: $p}) { token userErrors { code } } }`,
		map[string]any{"e": email, "p": password}, &in)
	s.token = in.SignIn.Token
}

// ends waits until the server closes the socket, and returns how.
func (s *subscriber) ends() *websocket.CloseError {
	s.t.Helper()
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, _, err := s.conn.ReadMessage()
		if closed, ok := err.(*websocket.CloseError); ok {
			return closed
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// The command runs beside the service, as the operator's does.
func TestSuspendingAUserClosesTheirSocketsAndNobodyElses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := deploy(t, dsn, sandbox.Options{})
		s.environ = append(s.environ, "REDIS_URL="+dbtest.RedisURL(t), "ENCRYPTION_KEY="+testKey)
		s.start("")
		s.ready()
		var sockets []*subscriber
		emails := []string{"leaves@example.com", "stays@example.com"}

		for _, email := range emails {
			s.signIn(email, s.newUser(email))
			sub := s.subscribe("")
			sub.next()
			sockets = append(sockets, sub)
		}

		s.operate("suspend-user", emails[0], "--reason", "leak")
		if closed := sockets[0].ends(); closed.Code != 4403 {
			t.Errorf("the suspended user's socket ended with %v, want 4403", closed)
		}

		if err := sockets[1].conn.WriteJSON(map[string]any{"type": "ping"}); err != nil {
			t.Fatal(err)
		}

		sockets[1].read("pong")
		var viewer struct {
			Viewer struct{ User struct{ Email string } }
		}
		s.ask(`{ viewer { user { email } } }`, nil, &viewer)
		if !strings.EqualFold(viewer.Viewer.User.Email, emails[1]) {
			t.Errorf("the other session is of %q", viewer.Viewer.User.Email)
		}
	})
}
