// Package mail sends short plain texts by SMTP. It hides the library and the protocol. It promises
// that a call is over in bounded time, whatever the server does, and that an error tells a refusal
// for good, which is Refused, from one that may pass.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wneessen/go-mail"
)

// step bounds each step of sending a mail: the connection, greeting and sign-in, and the mail
// itself.
const step = 10 * time.Second

// Longest is how long the sending of one mail can take.
const Longest = 4 * step

// Security is how a connection is protected.
type Security string

const (
	Implicit      Security = "implicit"      // TLS from the first byte
	Required      Security = "required"      // STARTTLS, or no mail
	Opportunistic Security = "opportunistic" // STARTTLS where the server offers it
	None          Security = "none"          // in the clear; for a relay on the same machine
)

// Server is an SMTP server, and who we are to it.
type Server struct {
	Host           string
	Port           int
	User, Password string // empty does not sign in
	Security       Security
	From           string // an address, perhaps with a name

	Step time.Duration // how long each step may take; zero is 10 seconds
}

func (s Server) step() time.Duration {
	if s.Step > 0 {
		return s.Step
	}
	return step
}

// SMTP sends by a server. It opens a connection for each mail.
type SMTP struct {
	server Server
	client *mail.Client
}

// NewSMTP checks the settings; it does not connect.
func NewSMTP(s Server) (*SMTP, error) {
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(s.step())}
	switch s.Security {
	case Implicit:
		options = append(options, mail.WithSSL())
	case Required:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Opportunistic:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case None:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: unknown security %q", s.Security)
	}

	if s.User != "" {
		auth := mail.SMTPAuthAutoDiscover
		if s.Security == None {
			auth = mail.SMTPAuthPlainNoEnc // who asks for no TLS has been told what that means
		}

		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}

	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if _, err := compose(s.From, "probe@example.com", "", ""); err != nil {
		return nil, err
	}

	return &SMTP{s, client}, nil
}

// Refused is a mail that the server will never take.
type Refused struct{ err error }

func (r *Refused) Error() string { return r.err.Error() }
func (r *Refused) Unwrap() error { return r.err }

// Send sends one mail. Its error does not hold the text.
func (s *SMTP) Send(ctx context.Context, to, subject, text string) error {
	message, err := compose(s.server.From, to, subject, text)
	if err != nil {
		return &Refused{err}
	}

	connection, err := s.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail: reach %s: %w", s.server.Host, err)
	}

	err = s.client.SendWithSMTPClient(connection, message)
	_ = s.client.CloseWithSMTPClient(connection) // the server has said already what became of the mail
	var refusal *mail.SendError

	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && refusal.Reason != mail.ErrConnCheck && !refusal.IsTemp() &&
		refusal.ErrorCode() >= 500:
		return &Refused{fmt.Errorf("mail: %s refuses it: %w", s.server.Host, err)}
	}

	return fmt.Errorf("mail: send by %s: %w", s.server.Host, err)
}

func compose(from, to, subject, text string) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(from); err != nil {
		return nil, fmt.Errorf("mail: sender: %w", err)
	}
	if err := m.To(to); err != nil {
		return nil, fmt.Errorf("mail: recipient: %w", err)
	}

	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	m.SetBodyString(mail.TypeTextPlain, text)

	return m, nil
}

// Log writes mails to the log instead of sending them, for an operator without a mail server.
// Whoever reads that log can use the links in it: the attribute unsent_mail is the one that package
// telemetry does not mask.
type Log struct{ Logger *slog.Logger }

// Send writes.
func (l Log) Send(ctx context.Context, to, subject, text string) error {
	l.Logger.InfoContext(ctx, "no SMTP_URL is set, so this mail is not sent", "unsent_mail",
		"To: "+to+"\nSubject: "+subject+"\n\n"+text)
	return nil
}
