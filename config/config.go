// Package config turns the environment into one struct. It promises that what
// Load returns is complete and checked, that every mistake is reported in one
// go with what would be right, and that no report or log shows a secret.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

// Environment says how strict to be.
type Environment string

const (
	Development Environment = "development"
	Production  Environment = "production" // refuses to start on anything that is only good enough to try things out
)

// Config is the whole configuration of one process.
type Config struct {
	Environment Environment
	HTTPAddr    string   // host:port to listen on
	MetricsAddr string   // host:port for the metrics; empty: HTTPAddr, for callers on this machine
	PublicURL   *url.URL // how others reach HTTPAddr, without a slash at the end

	// DatabaseURL begins with postgres: or sqlite:, the latter followed by the path of the file.
	DatabaseURL         string
	DatabaseConnections int                     // of one process to PostgreSQL, at most
	Redis               *redis.UniversalOptions // nil: in-process
	DataDir             string

	TermsFile string // Markdown; empty: the terms that ship with the program

	WhatsApp WhatsApp
	OIDC     OIDC
	SignUp   string // open, invitation or closed: who may become a user

	Invitations Invitations

	TemplateEdits TemplateEdits

	Limits           Limits
	Points           Points
	Webhooks         Webhooks
	EventRetention   time.Duration // age at which entries leave the event log
	AccountSyncEvery time.Duration // how long an account goes without being synced whole, at most

	Files           Files         // where exports are kept
	ExportRetention time.Duration // how long the file of an export is kept

	// WebhookAllow is what endpoints of webhooks may reach that is not public: hosts, host:port,
	// networks.
	WebhookAllow     []string
	WebhookRetention time.Duration // how long it is kept what became of deliveries to endpoints

	// RejectionRetention is the age at which the rejected rows of imports are removed.
	RejectionRetention time.Duration

	SMTP SMTP

	EncryptionKeys [][]byte // 32 bytes each; the first encrypts, all decrypt; empty only in development, see LocalKey
	AllowedOrigins []string // scheme://host[:port]; PublicURL's own first

	TrustedProxies  []netip.Prefix // whose word on the client's address is taken
	ForwardedHeader string         // in which they give it; empty: either of the two

	LogLevel  slog.Level
	LogFormat string // text or json

	embedded     bool
	databaseOurs bool // DATABASE_URL is missing
}

// WhatsApp is what Meta's app dashboard and this service have to agree on.
type WhatsApp struct {
	APIURL      *url.URL // without a slash at the end; nil: the built-in sandbox
	APIVersion  string
	AppID       string
	AppSecrets  []string // the first is current, the rest are still accepted
	VerifyToken string
	Socket      string // path of the built-in sandbox's socket, which takes the place of APIURL's host; set by who runs it

	// SandboxURL is where sandbox accounts live, beside WhatsApp or in its place; nil: none runs.
	SandboxURL    *url.URL
	SandboxSecret string // of the app at the sandbox; empty where that is the app at WhatsApp
	SandboxSocket string // as Socket, of a built-in sandbox beside WhatsApp
}

// OnlySandbox says that what stands for WhatsApp is the sandbox itself.
func (w WhatsApp) OnlySandbox() bool {
	return w.SandboxURL != nil && w.APIURL != nil && w.SandboxURL.String() == w.APIURL.String()
}

// AppSecret gives the secret that is current; empty for none.
func (w WhatsApp) AppSecret() string {
	if len(w.AppSecrets) == 0 {
		return ""
	}
	return w.AppSecrets[0]
}

// Limits bound what one process holds open for its clients.
type Limits struct {
	Connections             int // sockets and event streams
	OrganizationConnections int // of one organization
	Subscriptions           int // operations of one socket

	Memory      int64 // bytes that callers of the API may fill
	Uploads     int   // at a time
	UploadSpace int64 // bytes of disk for them
}

// Files are where files are kept that Carillon makes. Without a bucket it is a folder in DataDir.
type Files struct {
	Bucket               string // of a service that speaks S3; empty: none
	Endpoint             string // host:port of that service
	Plain                bool   // HTTP without TLS
	Folder               string // in the bucket; this service's own
	Region               string // empty: the service tells
	AccessKey, SecretKey string // empty: those of the environment, or of the machine
}

// Points are the budgets of API calls: how many points of cost a minute. Zero is no budget.
type Points struct {
	PerToken, PerOrganization int
	PerAddress                int // of callers without a token
	BurstMinutes              int // for how many minutes points are saved up
}

// TemplateEdits are how often Meta lets an approved template be changed.
type TemplateEdits struct {
	PerDay, PerMonth int // in 24 hours, in 30 days
}

// Invitations bound how many mails to strangers are sent in an hour.
type Invitations struct {
	PerUser, PerOrganization int
	PerService               int // by all organizations together
}

// Webhooks bounds what Meta's webhooks take.
type Webhooks struct {
	Memory    int64 // bytes of their bodies at once in one process
	Kept      int   // of those that could not be used
	KeptBytes int64
}

// OIDC is the identity provider with whose accounts users can sign in.
type OIDC struct {
	Issuer                 string // exactly as the provider writes it; empty: none
	ClientID, ClientSecret string
	Scopes                 []string
	Name                   string   // on the button
	AllowedDomains         []string // of e-mail addresses, in lower case; none allows all
	SignUp                 bool
}

// Embedded is true when nothing outside this process was named: no database, no
// Redis and no WhatsApp.
func (c Config) Embedded() bool { return c.embedded }

// NamesDatabase is true when DATABASE_URL says which database is meant.
func (c Config) NamesDatabase() bool { return !c.databaseOurs }

// DatabasePlace is where the database is, without who signs in there, such as "PostgreSQL at
// db:5432/carillon" or "SQLite in data/carillon.db".
func (c Config) DatabasePlace() string {
	if file, is := strings.CutPrefix(c.DatabaseURL, "sqlite:"); is {
		return "SQLite in " + file
	}

	at, err := pgconn.ParseConfig(c.DatabaseURL)
	if err != nil {
		return "PostgreSQL"
	}

	return "PostgreSQL at " + net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))) + "/" + at.Database
}

// Load reads variables as os.Environ lists them. The error is a Mistakes.
func Load(environ []string) (Config, error) {
	given := parse(environ)
	var c Config
	mistakes := readSecrets(given)

	for _, v := range variables {
		value := given[v.Name]
		if value == "" {
			value = v.Default
		}

		if value == "" {
			if v.Required && given[v.Name+fileSuffix] == "" && given[environment] == string(Production) {
				mistakes = append(mistakes,
					Mistake{v.Name, "is missing, and " + environment + "=production needs it", v.right})
			}

			continue
		}

		if err := v.set(&c, value); err != nil {
			mistakes = append(mistakes, Mistake{v.Name, err.Error(), v.right})
		}
	}

	if c.SMTP.Host != "" && given["MAIL_FROM"] == "" {
		mistakes = append(mistakes, Mistake{"MAIL_FROM", "is missing, and SMTP_URL needs it",
			"an address such as Carillon <no-reply@example.com>"})
	}

	if (c.OIDC.Issuer == "") != (c.OIDC.ClientID == "") && given["OIDC_ISSUER"] == "" {
		mistakes = append(mistakes, Mistake{"OIDC_ISSUER", "is missing, and OIDC_CLIENT_ID needs it",
			"the provider's address"})
	} else if c.OIDC.Issuer != "" && c.OIDC.ClientID == "" {
		mistakes = append(mistakes, Mistake{"OIDC_CLIENT_ID", "is missing, and OIDC_ISSUER needs it",
			"the id under which the provider knows this service"})
	}

	mistakes = append(mistakes, c.sandboxMistakes()...)
	mistakes = append(mistakes, typos(given)...)
	if len(mistakes) > 0 {
		return Config{}, mistakes
	}

	c.embedded = given["DATABASE_URL"] == "" && given["REDIS_URL"] == "" && given["WHATSAPP_API_URL"] == ""
	c.complete()

	return c, nil
}

// sandboxMistakes says what is wrong with a sandbox beside WhatsApp. What it tells must not be
// signed as Meta signs: whoever reaches a sandbox controls it.
func (c Config) sandboxMistakes() (mistakes Mistakes) {
	const right = "a random string of its own, such as the output of openssl rand -hex 16"
	wrong, secret := "", c.WhatsApp.SandboxSecret
	switch {
	case secret != "" && slices.Contains(c.WhatsApp.AppSecrets, secret):
		wrong = "is WHATSAPP_APP_SECRET too, and WhatsApp's secret must stay from the sandbox"
	case secret == "" && c.WhatsApp.SandboxURL != nil && !c.WhatsApp.OnlySandbox():
		wrong = "is missing, and SANDBOX_URL beside WHATSAPP_API_URL needs it"
	case secret != "" && c.WhatsApp.OnlySandbox():
		return Mistakes{{"SANDBOX_APP_SECRET", "is set, and SANDBOX_URL stands for WhatsApp, whose app has its own secret",
			"none, and WHATSAPP_APP_SECRET"}}
	}

	if wrong == "" {
		return nil
	}

	return Mistakes{{"SANDBOX_APP_SECRET", wrong, right}}
}

// parse drops what is empty: an empty variable means the same as none, as in
// docker-compose.yml's ${NAME:-}.
func parse(environ []string) map[string]string {
	given := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if value = strings.TrimSpace(value); value != "" {
			given[name] = value
		}
	}

	return given
}

// complete fills in the defaults that follow from other variables.
func (c *Config) complete() {
	if c.PublicURL == nil {
		if c.Environment == Development && c.WebhookAllow == nil { // whoever tries it out has their server here
			c.WebhookAllow = []string{"localhost", "127.0.0.0/8", "::1/128"}
		}

		_, port, _ := net.SplitHostPort(c.HTTPAddr)
		c.PublicURL = &url.URL{Scheme: "http", Host: "localhost:" + port}
	}

	if c.SignUp == "" {
		c.SignUp = "open"
		if c.Environment == Production {
			c.SignUp = "invitation"
		}
	}

	c.AllowedOrigins = append([]string{c.PublicURL.Scheme + "://" + c.PublicURL.Host}, c.AllowedOrigins...)
	if c.DatabaseURL == "" {
		c.databaseOurs = true
		c.DatabaseURL = "sqlite:" + filepath.Join(c.DataDir, "carillon.db")
	}
	if c.WhatsApp.APIURL == nil && !c.embedded {
		c.WhatsApp.APIURL = &url.URL{Scheme: "https", Host: "graph.facebook.com"}
	}
}

// LogValue leaves out every secret, so that a Config can be logged.
func (c Config) LogValue() slog.Value {
	database, _, _ := strings.Cut(c.DatabaseURL, ":")
	redisAddrs, whatsApp := "in-process", "sandbox"
	if c.Redis != nil {
		redisAddrs = strings.Join(c.Redis.Addrs, ",")
	}
	if c.WhatsApp.APIURL != nil {
		whatsApp = c.WhatsApp.APIURL.String()
	}

	return slog.GroupValue(
		slog.String("environment", string(c.Environment)),
		slog.String("http_addr", c.HTTPAddr),
		slog.Any("public_url", c.PublicURL),
		slog.String("database", database),
		slog.String("redis", redisAddrs),
		slog.String("data_dir", c.DataDir),
		slog.String("whatsapp", whatsApp),
		slog.String("whatsapp_api_version", c.WhatsApp.APIVersion),
		slog.Bool("sandbox", c.WhatsApp.SandboxURL != nil),
		slog.Any("limits", c.Limits),
		slog.Any("points", c.Points),
		slog.Duration("event_retention", c.EventRetention),
		slog.Any("webhook_allow", c.WebhookAllow), slog.Duration("webhook_retention", c.WebhookRetention),
		slog.Duration("account_sync_every", c.AccountSyncEvery),
		slog.Duration("rejection_retention", c.RejectionRetention),
		slog.Int("encryption_keys", len(c.EncryptionKeys)),
		slog.String("smtp", c.SMTP.Host),
		slog.Any("allowed_origins", c.AllowedOrigins),
		slog.Any("trusted_proxies", c.TrustedProxies),
		slog.String("sign_up", c.SignUp),
		slog.String("oidc_issuer", c.OIDC.Issuer),
		slog.Any("log_level", c.LogLevel),
	)
}

// Format keeps secrets out of every fmt verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.LogValue()) }

// Mistake is one variable that is wrong.
type Mistake struct {
	Variable string
	Wrong    string // never with a secret's value in it
	Right    string // what would be right
}

func (m Mistake) Error() string { return m.Variable + " " + m.Wrong + "; right would be " + m.Right }

// Mistakes is everything that is wrong.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = "\n  " + m.Error()
	}

	return "configuration:" + strings.Join(lines, "")
}

// Unwrap lets errors.As find a single Mistake.
func (ms Mistakes) Unwrap() []error {
	errs := make([]error, len(ms))
	for i, m := range ms {
		errs[i] = m
	}

	return errs
}

var errSecret = errors.New("cannot be read (its value is secret, so it is not shown): most often a user or password " +
	"is not percent-encoded (@ is %40, / is %2F, : is %3A, # is %23, ? is %3F, % is %25)")

// Logs are the level and the format of the log, also of an environment that Load refuses: its
// mistakes have to be written somehow.
func Logs(environ []string) (level slog.Level, format string) {
	given, c := parse(environ), Config{}
	for _, v := range variables {
		if v.Name == "LOG_LEVEL" || v.Name == "LOG_FORMAT" {
			_ = v.set(&c, cmp.Or(given[v.Name], v.Default)) // Load says what is wrong
		}
	}

	return c.LogLevel, c.LogFormat
}
