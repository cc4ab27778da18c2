package config

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
)

// SMTP is the server by which mails are sent.
type SMTP struct {
	Host           string // empty: mails go to the log
	Port           int
	User, Password string
	TLS            string // implicit, required, opportunistic or none
	From           string
}

// read takes smtp://user:password@host:587 or smtps://host. Its error shows nothing of the value,
// which holds a password.
func (s *SMTP) read(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" && u.Path != "/" ||
		u.Fragment != "" {
		return errSecret
	}

	s.Host, s.Port, s.TLS = u.Hostname(), 587, "required"
	if u.Scheme == "smtps" {
		s.Port, s.TLS = 465, "implicit"
	}

	if port := u.Port(); port != "" {
		if s.Port, err = strconv.Atoi(port); err != nil || s.Port < 1 || s.Port > 65535 {
			return errSecret
		}
	}

	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}

	for name, values := range u.Query() {
		if name != "tls" || u.Scheme == "smtps" {
			return errors.New("has a setting that it cannot have; an smtp:// address can have tls")
		}
		if choose(&s.TLS, values[0], "required", "opportunistic", "none") != nil {
			return errors.New("has a tls that is not required, opportunistic or none")
		}
	}

	return nil
}

func (s *SMTP) sender(value string) error {
	if _, err := mail.ParseAddress(value); err != nil {
		return fmt.Errorf("is %q", value)
	}

	s.From = value
	return nil
}
