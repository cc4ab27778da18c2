package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"carillon/mail"
)

const (
	from = "Carillon <no-reply@example.com>"
	text = "Hello,\n\na link: https://example.com/reset-password#token=crp_" +
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ2345ABCDEFG\n\n谢谢\n"
)

// post is an SMTP server that keeps what it takes and says what it is told to.
type post struct {
	refusal error
	taken   []taken
}

type taken struct {
	from, to, user string
	data           []byte
}

type session struct {
	post *post
	now  taken
}

func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{post: p}, nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "me" || password != "secret" {
			return smtp.ErrAuthFailed
		}

		s.now.user = user
		return nil
	}), nil
}
func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.now.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.now.to = to; return s.post.refusal }
func (s *session) Data(r io.Reader) (err error) {
	s.now.data, err = io.ReadAll(r)
	s.post.taken = append(s.post.taken, s.now)
	return err
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// open starts the server and returns settings to reach it.
func (p *post) open(t *testing.T) mail.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	over := make(chan error, 1)
	go func() { over <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = listener.Close(); <-over }) // Serve may not have begun

	return at(listener)
}

func at(listener net.Listener) mail.Server {
	return mail.Server{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: mail.None, From: from,
		Step: 5 * time.Second}
}

func client(t *testing.T, s mail.Server) *mail.SMTP {
	t.Helper()
	c, err := mail.NewSMTP(s)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	p := &post{}
	s := p.open(t)
	s.User, s.Password = "me", "secret"
	if err := client(t, s).Send(t.Context(), "ann@example.com", "Invitation to 花店", text); err != nil {
		t.Fatal(err)
	}

	if len(p.taken) != 1 || p.taken[0].from != "no-reply@example.com" || p.taken[0].to != "ann@example.com" ||
		p.taken[0].user != "me" {
		t.Fatalf("%+v", p.taken)
	}

	m, err := netmail.ReadMessage(bytes.NewReader(p.taken[0].data))
	if err != nil {
		t.Fatal(err)
	}

	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if got := strings.ReplaceAll(string(body), "\r\n", "\n"); err != nil ||
		strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("%q, %v", got, err)
	}

	for name, want := range map[string]string{"From": `"Carillon" <no-reply@example.com>`, "To": "<ann@example.com>",
		"Content-Type": "text/plain; charset=UTF-8", "Auto-Submitted": "auto-generated"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}

	if m.Header.Get("Message-ID") == "" || m.Header.Get("Date") == "" {
		t.Error("no date or id")
	}
}

func TestARefusalForGoodIsToldFromOneThatMayPass(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*post, *mail.Server)
		good bool
	}{
		"an unknown recipient": {func(p *post, _ *mail.Server) {
			p.refusal = &smtp.SMTPError{Code: 550, Message: "no such user"}
		}, true},
		"a full mailbox": {func(p *post, _ *mail.Server) {
			p.refusal = &smtp.SMTPError{Code: 452, Message: "try later"}
		}, false},
		"a wrong password":        {func(_ *post, s *mail.Server) { s.User, s.Password = "me", "wrong" }, false},
		"a server without TLS":    {func(_ *post, s *mail.Server) { s.Security = mail.Required }, false},
		"a server that is away":   {func(_ *post, s *mail.Server) { s.Port = 1 }, false},
		"TLS where there is none": {func(_ *post, s *mail.Server) { s.Security = mail.Implicit }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &post{}
			s := p.open(t)
			tc.edit(p, &s)
			err := client(t, s).Send(t.Context(), "ann@example.com", "Hello", text)
			var refused *mail.Refused
			if err == nil || errors.As(err, &refused) != tc.good || strings.Contains(err.Error(), "crp_") {
				t.Errorf("%T %v", err, err)
			}
			if len(p.taken) != 0 {
				t.Error("it was taken")
			}
		})
	}
}

func TestAServerThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{"before it says anything": "", "after its greeting": "220 hello\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}

			over := make(chan struct{})
			go func() {
				defer close(over)
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}

					t.Cleanup(func() { _ = conn.Close() })
					_, _ = io.WriteString(conn, greeting)
				}
			}()

			t.Cleanup(func() { _ = listener.Close(); <-over })
			s := at(listener)
			s.Step = 200 * time.Millisecond
			var refused *mail.Refused
			if err := client(t, s).Send(t.Context(), "ann@example.com", "Hello", text); err == nil || errors.As(err, &refused) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]mail.Server{
		"no sender":        {Host: "localhost", Port: 25, Security: mail.None},
		"another security": {Host: "localhost", Port: 25, Security: "some", From: from},
		"no host":          {Port: 25, Security: mail.None, From: from},
	} {
		if _, err := mail.NewSMTP(s); err == nil {
			t.Errorf("%s was taken", name)
		}
	}

	p := &post{}
	var refused *mail.Refused
	if err := client(t, p.open(t)).Send(t.Context(), "nobody", "Hello", text); !errors.As(err, &refused) {
		t.Errorf("a recipient that is no address: %v", err)
	}
}

func TestWithoutAServerTheMailIsInTheLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := (mail.Log{Logger: slog.New(slog.NewTextHandler(&b, nil))}).Send(context.Background(), "ann@example.com",
		"Hello", text); err != nil || !strings.Contains(b.String(), "#token=crp_") {
		t.Errorf("%s, %v", b.String(), err)
	}
}
