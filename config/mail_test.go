package config_test

import (
	"strings"
	"testing"

	"carillon/config"
)

func TestSMTPURL(t *testing.T) {
	t.Parallel()
	const from = "Carillon <no-reply@example.com>"
	for value, want := range map[string]config.SMTP{
		"smtp://mail.example.com": {Host: "mail.example.com", Port: 587, TLS: "required"},
		"smtp://me:hunter2%2F@mail.example.com:2525": {Host: "mail.example.com", Port: 2525, TLS: "required", User: "me",
			Password: "hunter2/"},
		"smtps://mail.example.com/":          {Host: "mail.example.com", Port: 465, TLS: "implicit"},
		"smtp://localhost:25?tls=none":       {Host: "localhost", Port: 25, TLS: "none"},
		"smtp://localhost?tls=opportunistic": {Host: "localhost", Port: 587, TLS: "opportunistic"},
	} {
		want.From = from
		if got := load(t, "SMTP_URL="+value, "MAIL_FROM="+from).SMTP; got != want {
			t.Errorf("%s: got %+v, want %+v", value, got, want)
		}
	}

	for _, value := range []string{"mail.example.com", "http://hunter2@mail", "smtp://", "smtp://me:hunter2#x@mail",
		"smtp://mail#hunter2", "smtp://mail:99999", "smtp://mail?tls=hunter2", "smtps://mail?tls=none",
		"smtp://mail?hunter2=1"} {
		_, err := config.Load([]string{"SMTP_URL=" + value, "MAIL_FROM=" + from})
		if err == nil || !strings.Contains(err.Error(), "\n  SMTP_URL ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", value, err)
		}
	}

	for _, line := range []string{"MAIL_FROM=nobody", ""} {
		if _, err := config.Load([]string{"SMTP_URL=smtp://localhost", line}); err == nil ||
			!strings.Contains(err.Error(), "\n  MAIL_FROM ") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
