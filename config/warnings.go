package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// metaSecret is how Meta's dashboard shows an app secret.
var metaSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// dangers are what a process in production starts with, and should not go on with.
var dangers = []struct {
	Mistake
	holds func(Config) bool
}{
	{Mistake{"SMTP_URL", "is missing: mails, with links that let whoever reads them in, go to the log",
		"the address of a mail server"},
		func(c Config) bool { return c.SMTP.Host == "" }},
	{Mistake{"PUBLIC_URL",
		"is missing or names this machine: links in mails lead nowhere, and WhatsApp cannot post its webhooks",
		"the https address that browsers and Meta reach"},
		func(c Config) bool { return isLocal(c.PublicURL) }},
	{Mistake{"PUBLIC_URL", "is not https: tokens and messages can be read on their way", "an https address"},
		func(c Config) bool { return !isLocal(c.PublicURL) && c.PublicURL.Scheme != "https" }},
	{Mistake{"TRUSTED_PROXIES",
		"is missing, and PUBLIC_URL is https: whatever ends TLS is taken for the client, so that all callers share its " +
			"limits",
		"the network of the proxy, such as 127.0.0.1"},
		func(c Config) bool { return c.PublicURL.Scheme == "https" && len(c.TrustedProxies) == 0 }},
	{Mistake{"WHATSAPP_API_URL", "is not https: access tokens can be read on their way", "https://graph.facebook.com"},
		func(c Config) bool {
			return c.WhatsApp.APIURL != nil && c.WhatsApp.APIURL.Scheme != "https" && !isLocal(c.WhatsApp.APIURL)
		}},
	{Mistake{"WHATSAPP_APP_SECRET",
		"does not look like an app secret of Meta's: webhooks are refused unless they are signed with it",
		"the 32 hexadecimal digits that Meta's dashboard shows"},
		func(c Config) bool {
			return len(c.WhatsApp.AppSecrets) > 0 && !metaSecret.MatchString(c.WhatsApp.AppSecrets[0])
		}},
	{Mistake{"WHATSAPP_VERIFY_TOKEN", "can be guessed", "the output of: openssl rand -hex 16"},
		func(c Config) bool { return len(c.WhatsApp.VerifyToken) < safeToken }},
	{Mistake{"DATABASE_URL", "has the published password of docker-compose.yml", "a password of your own"},
		func(c Config) bool { return strings.Contains(c.DatabaseURL, "://carillon:carillon@") }},
}

// Warnings are what is dangerous in production and yet no reason not to start. In development there
// are none.
func (c Config) Warnings() []Mistake {
	var found []Mistake
	if c.Environment != Production {
		return found
	}

	for _, d := range dangers {
		if d.holds(c) {
			found = append(found, d.Mistake)
		}
	}

	return found
}

func isLocal(u *url.URL) bool {
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") ||
		err == nil && (address.IsLoopback() || address.IsUnspecified())
}
