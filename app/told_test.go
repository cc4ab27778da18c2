package app_test

import (
	"io"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/notificationmail"
	"carillon/whatsapp/sandbox"
)

// postOffice is an SMTP server that keeps the subjects of what it takes.
type postOffice struct {
	mu       sync.Mutex
	subjects []string
}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return p, nil }
func (*postOffice) Reset()                                        {}
func (*postOffice) Logout() error                                 { return nil }
func (*postOffice) Mail(string, *smtp.MailOptions) error          { return nil }
func (*postOffice) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (p *postOffice) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	p.subjects = append(p.subjects, m.Header.Get("Subject"))
	_, err = io.Copy(io.Discard, m.Body)

	return err
}

// count is how many mails have this subject.
func (p *postOffice) count(subject string) int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return len(slices.DeleteFunc(slices.Clone(p.subjects), func(s string) bool { return !strings.Contains(s, subject) }))
}

func openPostOffice(t *testing.T) (p *postOffice, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p = &postOffice{}
	server := smtp.NewServer(p)
	server.Domain = "localhost"
	over := make(chan error, 1)
	go func() { over <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = listener.Close(); <-over })

	return p, listener.Addr().String()
}

// A process dies between the commit that completes a campaign and the mail that tells of it.
func TestKilledBeforeItsMailACampaignsEndIsToldOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n, title = 20, "A campaign is complete"
		post, address := openPostOffice(t)
		s := deploy(t, dsn, sandbox.Options{Throughput: 200, NoPairLimit: true})
		s.environ = append(s.environ, "SMTP_URL=smtp://"+address+"?tls=none", "MAIL_FROM=no-reply@example.com")
		kill := s.start("")
		s.ready()
		campaign, system := s.draft(n), caller.System(t.Context())
		s.db.Client.User.Update().SetEmailVerifiedAt(database.Now()).ExecX(system)
		s.do("launchCampaign", campaign)
		s.until("the end of the campaign is written down", func() bool {
			return s.db.Client.Notification.Query().CountX(system) > 0
		})

		kill(syscall.SIGKILL)
		if early := post.count(title); early > 0 {
			t.Logf("this machine is slow: %d mails came before the death", early)
		}

		kill = s.start("")
		s.until("the mail is sent", func() bool {
			return s.db.Client.NotificationMail.Query().Where(notificationmail.MailedAtNotNil()).ExistX(system)
		})
		kill(syscall.SIGKILL)

		s.start("")
		s.ready()
		for i := range 2 { // the second is mailed once all was looked at that was due before it
			s.ask(`mutation { requestPasswordReset(input: {email: "owner@example.com"}) { sent } }`, nil, &struct{}{})
			s.until("a link is mailed", func() bool { return post.count("Set a new password") > i })
		}

		if got := post.count(title); got != 1 || s.db.Client.Notification.Query().CountX(system) != 1 {
			t.Errorf("the owner got %d mails", got)
		}
	})
}
