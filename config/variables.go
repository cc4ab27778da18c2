package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// environment is the variable that decides what else is required.
const environment = "CARILLON_ENV"

// Variable is one row of the configuration table.
type Variable struct {
	Name     string
	Default  string // empty: none, or it follows from others as Meaning says
	Secret   bool   // never printed
	Required bool   // in production
	Meaning  string

	right string // ends "right would be"
	set   func(c *Config, value string) error
}

// Variables lists everything that Load reads, in the order of the manual.
func Variables() []Variable { return append([]Variable(nil), variables...) }

var variables = []Variable{
	{
		Name: environment, Default: string(Development),
		Meaning: "`development` or `production`. Production refuses to start while anything required is missing, " +
			"or while a secret is one of the published development values.",
		right: "development or production",
		set:   func(c *Config, value string) error { return choose(&c.Environment, value, Development, Production) },
	},
	{
		Name: "HTTP_ADDR", Default: "127.0.0.1:8080",
		Meaning: "Address to listen on, `host:port`. `:8080` listens on every interface.",
		right:   "host:port, such as 127.0.0.1:8080 or :8080",
		set:     func(c *Config, value string) (err error) { c.HTTPAddr, err = listenAddress(value); return },
	},
	{
		Name: "METRICS_ADDR",
		Meaning: "Address of its own for `/metrics`, `host:port`, which nothing from outside should reach. " +
			"By default it is served at `HTTP_ADDR` to callers on this machine alone, and not to what a proxy passes on.",
		right: "host:port, such as 127.0.0.1:9090 or :9090",
		set:   func(c *Config, value string) (err error) { c.MetricsAddr, err = listenAddress(value); return },
	},
	{
		Name: "PUBLIC_URL",
		Meaning: "How browsers, and Meta's webhooks, reach the service. By default `http://localhost:` and the port of " +
			"`HTTP_ADDR`.",
		right: "an address such as https://messages.example.com",
		set:   func(c *Config, value string) (err error) { c.PublicURL, err = webURL(value); return },
	},
	{
		Name: "DATABASE_URL", Secret: true, Required: true,
		Meaning: "`postgres://user:password@host:5432/name`, or `sqlite:` and a file. Percent-encode the password. " +
			"By default `sqlite:carillon.db` in `DATA_DIR`, for `carillon` alone.",
		right: "postgres://user:password@host:5432/name or sqlite:path/to/file.db",
		set:   func(c *Config, value string) (err error) { c.DatabaseURL, err = databaseURL(value); return },
	},
	{
		Name: "DATABASE_CONNECTIONS", Default: "24",
		Meaning: "How many connections to PostgreSQL one process has at most. PostgreSQL's `max_connections`, or a " +
			"pooler's, needs room for as many of each process.",
		right: "a number from 4 to 1000",
		set: func(c *Config, value string) error {
			if err := number(&c.DatabaseConnections, value, 1000); err != nil || c.DatabaseConnections < 4 {
				return fmt.Errorf("is %q", value)
			}
			return nil
		},
	},
	{
		Name: "REDIS_URL", Secret: true, Required: true,
		Meaning: "`redis://user:password@host:6379/0`, `rediss://` for TLS, several hosts with commas for a cluster " +
			"(`redis+cluster://` for one that has a single address), or `redis+sentinel://host:26379,host2:26379/master`. " +
			"By default an in-process Redis, good for one process.",
		right: "redis://host:6379/0, rediss://host:6379, redis://host:6379,host2:6379 or " +
			"redis+sentinel://host:26379,host2:26379/master",
		set: func(c *Config, value string) (err error) { c.Redis, err = redisOptions(value); return },
	},
	{
		Name: "DATA_DIR", Default: "./data",
		Meaning: "Directory for the embedded database, exports and, in development, a generated encryption key.",
		right:   "a directory",
		set:     func(c *Config, value string) error { c.DataDir = value; return nil },
	},
	{
		Name: "FILES_URL", Secret: true,
		Meaning: "Where the files of exports are kept, if not in the folder `exports` of `DATA_DIR`: a bucket of a service " +
			"that speaks S3, as `s3://access-key:secret-key@host:port/bucket/folder?region=eu-central-1`, with keys " +
			"percent-encoded. `s3+http://` is without TLS. Without keys those of the environment (`AWS_ACCESS_KEY_ID`) or " +
			"of the machine are used. The folder is this service's alone: files there that it does not know are removed. " +
			"Needed where processes run on several machines that share no `DATA_DIR`.",
		right: "s3://access-key:secret-key@host/bucket/folder",
		set:   func(c *Config, value string) (err error) { c.Files, err = filesURL(value); return },
	},
	{
		Name: "TERMS_FILE",
		Meaning: "Terms of service as Markdown, with a front matter that says `version` and `effective`, a date. " +
			"By default the ones that ship with the program.",
		right: "a file that begins with ---, version: …, effective: 2026-11-01, ---",
		set:   func(c *Config, value string) error { c.TermsFile = value; return nil },
	},
	{
		Name: "WHATSAPP_API_URL",
		Meaning: "WhatsApp's Cloud API. By default `https://graph.facebook.com`, or the built-in sandbox when neither " +
			"this nor `DATABASE_URL` nor `REDIS_URL` is set.",
		right: "an address such as https://graph.facebook.com",
		set:   func(c *Config, value string) (err error) { c.WhatsApp.APIURL, err = webURL(value); return },
	},
	{
		Name: "WHATSAPP_API_VERSION", Default: "v26.0",
		Meaning: "Version of the Graph API to call.",
		right:   "a version such as v26.0",
		set: func(c *Config, value string) error {
			c.WhatsApp.APIVersion = value
			return match(value, version)
		},
	},
	{
		Name: "TEMPLATE_EDITS_PER_DAY", Default: "1",
		Meaning: "How often WhatsApp lets an approved template be changed in 24 hours. " +
			"More is refused before WhatsApp is asked.",
		right: "a number from 1 to 2400",
		set:   func(c *Config, value string) error { return number(&c.TemplateEdits.PerDay, value, 2400) },
	},
	{
		Name: "TEMPLATE_EDITS_PER_MONTH", Default: "10",
		Meaning: "The same in 30 days.",
		right:   "a number from 1 to 2400",
		set:     func(c *Config, value string) error { return number(&c.TemplateEdits.PerMonth, value, 2400) },
	},
	{
		Name:    "WHATSAPP_APP_ID",
		Meaning: "Id of the Meta app that the accounts are shared with; needed for uploading template media.",
		right:   "the number that Meta's app dashboard shows as App ID",
		set: func(c *Config, value string) error {
			c.WhatsApp.AppID = value
			return match(value, digits)
		},
	},
	{
		Name: "WHATSAPP_APP_SECRET", Secret: true, Required: true,
		Meaning: "Secret of the Meta app; webhooks are signed with it. Several with commas while rotating: " +
			"the first is current.",
		right: "the app secret that Meta's app dashboard shows under App settings, Basic",
		set:   func(c *Config, value string) (err error) { c.WhatsApp.AppSecrets, err = secrets(c, value); return },
	},
	{
		Name: "WHATSAPP_VERIFY_TOKEN", Secret: true, Required: true,
		Meaning: "The verify token that was entered beside the webhook's address in Meta's app dashboard.",
		right: "a random string of your own, such as the output of openssl rand -hex 16, " +
			"entered in Meta's app dashboard too",
		set: func(c *Config, value string) (err error) { c.WhatsApp.VerifyToken, err = verifyToken(c, value); return },
	},
	{
		Name: "SANDBOX_URL",
		Meaning: "A `carillon sandbox` in which every organization may have accounts for trial, beside WhatsApp: " +
			"`connectSandboxAccount` makes them, and nothing of them reaches WhatsApp. By default there is none; " +
			"`carillon` alone has one built in. The same as `WHATSAPP_API_URL` says that it stands for WhatsApp altogether.",
		right: "an address such as http://sandbox:8090",
		set:   func(c *Config, value string) (err error) { c.WhatsApp.SandboxURL, err = sandboxURL(value); return },
	},
	{
		Name: "SANDBOX_APP_SECRET", Secret: true,
		Meaning: "What that sandbox signs its webhooks with, and lets accounts be made by. It has to be another than " +
			"`WHATSAPP_APP_SECRET`: what is signed with it is believed of sandbox accounts alone. " +
			"`carillon sandbox` reads it too.",
		right: "a random string, such as the output of openssl rand -hex 16",
		set: func(c *Config, value string) error {
			c.WhatsApp.SandboxSecret = value
			return published(c, value)
		},
	},
	{
		Name: "ENCRYPTION_KEY", Secret: true, Required: true,
		Meaning: "Encrypts access tokens at rest: 32 random bytes in base64 (`openssl rand -base64 32`). " +
			"Several with commas while rotating: the first encrypts, all decrypt. In development a key is generated in " +
			"`DATA_DIR`.",
		right: "the output of: openssl rand -base64 32",
		set:   func(c *Config, value string) (err error) { c.EncryptionKeys, err = keys(c, value); return },
	},
	{
		Name: "SMTP_URL", Secret: true,
		Meaning: "Mail server for invitations, proofs of addresses, password resets and notices: " +
			"`smtp://user:password@host:587`, which insists on STARTTLS unless `?tls=opportunistic` or `?tls=none` follows, " +
			"or `smtps://user:password@host:465`. By default no mail is sent, and the links go to the log.",
		right: "smtp://user:password@host:587, perhaps with ?tls=opportunistic or ?tls=none, " +
			"or smtps://user:password@host:465",
		set: func(c *Config, value string) error { return c.SMTP.read(value) },
	},
	{
		Name: "MAIL_FROM", Default: "Carillon <carillon@localhost>",
		Meaning: "Sender of the mails, an address that the mail server takes from this service. Needed with `SMTP_URL`.",
		right:   "an address such as Carillon <no-reply@example.com>",
		set:     func(c *Config, value string) error { return c.SMTP.sender(value) },
	},
	{
		Name: "SIGN_UP",
		Meaning: "Who may become a user: `open` is whoever likes, each with an organization of their own; " +
			"`invitation` is whom a member has invited; `closed` is nobody but by `carillon admin create-user`. " +
			"By default `open` in development and `invitation` in production.",
		right: "open, invitation or closed",
		set:   func(c *Config, value string) error { return choose(&c.SignUp, value, "open", "invitation", "closed") },
	},
	{
		Name: "INVITATIONS_PER_USER", Default: "50",
		Meaning: "How many invitations one user, or the API keys of one organization, may have mailed in an hour. " +
			"More are refused with `RATE_LIMITED`.",
		right: "a number from 1 to 1000000",
		set:   func(c *Config, value string) error { return number(&c.Invitations.PerUser, value, 1_000_000) },
	},
	{
		Name: "INVITATIONS_PER_ORGANIZATION", Default: "200",
		Meaning: "The same of one organization.",
		right:   "a number from 1 to 1000000",
		set: func(c *Config, value string) error {
			return number(&c.Invitations.PerOrganization, value, 1_000_000)
		},
	},
	{
		Name: "INVITATIONS_PER_SERVICE", Default: "2000",
		Meaning: "The same of all organizations together.",
		right:   "a number from 1 to 1000000",
		set:     func(c *Config, value string) error { return number(&c.Invitations.PerService, value, 1_000_000) },
	},
	{
		Name:    "ALLOWED_ORIGINS",
		Meaning: "Web origins, with commas, whose pages may call the API from a browser, beside `PUBLIC_URL`'s own.",
		right:   "origins without a path, such as https://app.example.com,https://admin.example.com",
		set:     func(c *Config, value string) (err error) { c.AllowedOrigins, err = origins(value); return },
	},
	{
		Name: "TRUSTED_PROXIES",
		Meaning: "Networks, with commas, of the proxies and load balancers before this service, " +
			"such as `10.0.0.0/8,2001:db8::/32`. Only these are believed when they say for whom they ask. By default none: " +
			"the client is whoever connects.",
		right: "networks or addresses, such as 10.0.0.0/8,192.0.2.7,2001:db8::/32",
		set:   func(c *Config, value string) (err error) { c.TrustedProxies, err = networks(value); return },
	},
	{
		Name: "FORWARDED_HEADER",
		Meaning: "In which header they say it: `X-Forwarded-For` or `Forwarded`. By default in the one that a request " +
			"has; where it has both and they differ, neither is believed.",
		right: "X-Forwarded-For or Forwarded",
		set: func(c *Config, value string) error {
			return choose(&c.ForwardedHeader, value, "X-Forwarded-For", "Forwarded")
		},
	},
	{
		Name: "MAX_CONNECTIONS", Default: "10000",
		Meaning: "Sockets and event streams at a time in one process. More are refused with 503 and `UNAVAILABLE`, " +
			"so that another process takes them.",
		right: "a number from 1 to 1000000",
		set:   func(c *Config, value string) error { return number(&c.Limits.Connections, value, 1_000_000) },
	},
	{
		Name: "MAX_CONNECTIONS_PER_ORGANIZATION", Default: "2000",
		Meaning: "How many of these one organization may have, and all callers without a token together. " +
			"More are closed with 1013, or answered 429, and `RATE_LIMITED`.",
		right: "a number from 1 to 1000000",
		set: func(c *Config, value string) error {
			return number(&c.Limits.OrganizationConnections, value, 1_000_000)
		},
	},
	{
		Name: "MAX_SUBSCRIPTIONS", Default: "100",
		Meaning: "Operations at a time on one socket. More end with `RATE_LIMITED`.",
		right:   "a number from 1 to 10000",
		set:     func(c *Config, value string) error { return number(&c.Limits.Subscriptions, value, 10_000) },
	},
	{
		Name: "API_POINTS_PER_TOKEN", Default: "120000",
		Meaning: "What one API key, or one session, may ask of the API in a minute, in points of cost; " +
			"see Cost in the API guide. More is answered 429 and `RATE_LIMITED`. `0` is no limit.",
		right: "a number from 0 to 1000000000",
		set:   func(c *Config, value string) error { return numberOrNone(&c.Points.PerToken, value, 1_000_000_000) },
	},
	{
		Name: "API_POINTS_PER_ORGANIZATION", Default: "600000",
		Meaning: "The same of all tokens of one organization together.",
		right:   "a number from 0 to 1000000000",
		set: func(c *Config, value string) error {
			return numberOrNone(&c.Points.PerOrganization, value, 1_000_000_000)
		},
	},
	{
		Name: "API_POINTS_PER_ADDRESS", Default: "30000",
		Meaning: "The same of the callers without a token from one address; of IPv6 from one /64.",
		right:   "a number from 0 to 1000000000",
		set:     func(c *Config, value string) error { return numberOrNone(&c.Points.PerAddress, value, 1_000_000_000) },
	},
	{
		Name: "API_POINTS_BURST_MINUTES", Default: "2",
		Meaning: "For how many minutes each of these saves up points that were not used. One operation can cost no more " +
			"than that.",
		right: "a number from 1 to 60",
		set:   func(c *Config, value string) error { return number(&c.Points.BurstMinutes, value, 60) },
	},
	{
		Name: "API_MEMORY", Default: "256MiB",
		Meaning: "Memory that callers of the API may fill in one process: half of it with answers that are not read yet, " +
			"the rest with requests, documents and what subscriptions keep. Beyond it they wait, " +
			"or are refused with `RATE_LIMITED` or `UNAVAILABLE`.",
		right: "a size from 64MiB to 64GiB, such as 256MiB",
		set: func(c *Config, value string) (err error) {
			c.Limits.Memory, err = size(value, 64<<20, 64<<30)
			return
		},
	},
	{
		Name: "MAX_UPLOADS", Default: "32",
		Meaning: "Files that are uploaded at a time in one process, half of them by one organization.",
		right:   "a number from 2 to 10000",
		set: func(c *Config, value string) error {
			if err := number(&c.Limits.Uploads, value, 10_000); err != nil || c.Limits.Uploads < 2 {
				return fmt.Errorf("is %q", value)
			}
			return nil
		},
	},
	{
		Name: "UPLOAD_SPACE", Default: "1GiB",
		Meaning: "Room in the temporary directory that these may take, half of it by one organization.",
		right:   "a size from 128MiB to 1024GiB, such as 1GiB",
		set: func(c *Config, value string) (err error) {
			c.Limits.UploadSpace, err = size(value, 128<<20, 1<<40)
			return
		},
	},
	{
		Name: "WEBHOOK_MEMORY", Default: "64MiB",
		Meaning: "Memory that the bodies of webhooks may take at once in one process. Beyond it they are answered 503, " +
			"and Meta sends them again.",
		right: "a size from 16MiB to 64GiB, such as 64MiB",
		set: func(c *Config, value string) (err error) {
			c.Webhooks.Memory, err = size(value, 16<<20, 64<<30)
			return
		},
	},
	{
		Name: "KEPT_WEBHOOKS", Default: "10000",
		Meaning: "How many webhooks are kept that were not understood or belong to nothing here. " +
			"The oldest are deleted first.",
		right: "a number from 1 to 10000000",
		set:   func(c *Config, value string) error { return number(&c.Webhooks.Kept, value, 10_000_000) },
	},
	{
		Name: "KEPT_WEBHOOK_BYTES", Default: "256MiB",
		Meaning: "How much room these may take in the database. The oldest are deleted first.",
		right:   "a size from 1MiB to 1024GiB, such as 256MiB",
		set: func(c *Config, value string) (err error) {
			c.Webhooks.KeptBytes, err = size(value, 1<<20, 1<<40)
			return
		},
	},
	{
		Name: "EVENT_RETENTION", Default: "30d",
		Meaning: "Age at which entries leave the event log that `deliveryEvents` shows, " +
			"in days (`30d`) or hours (`36h`). A client that was away for longer reads `messages` anew. Messages, " +
			"campaigns and statistics are not touched.",
		right: "a span of at least 1h and at most 3650d, such as 30d or 36h",
		set: func(c *Config, value string) (err error) {
			c.EventRetention, err = span(value, time.Hour, 3650*day)
			return
		},
	},
	{
		Name: "WEBHOOK_ALLOW",
		Meaning: "What endpoints of webhooks may reach although it is not public, or speaks plain http: hosts " +
			"(`hooks.intern`), `host:port`, and networks (`10.1.0.0/16`), with commas between. Without it, only https " +
			"and public addresses; in development without `PUBLIC_URL`, this machine too.",
		right: "hosts, host:port or networks, such as hooks.intern,10.1.0.0/16",
		set:   func(c *Config, value string) (err error) { c.WebhookAllow, err = reachable(value); return },
	},
	{
		Name: "WEBHOOK_RETENTION", Default: "7d",
		Meaning: "How long it is kept what was posted to endpoints of webhooks and what they answered, in days (`7d`) or " +
			"hours (`36h`).",
		right: "a span of at least 48h and at most 365d, such as 7d or 72h",
		set: func(c *Config, value string) (err error) {
			c.WebhookRetention, err = span(value, 48*time.Hour, 365*day)
			return
		},
	},
	{
		Name: "EXPORT_RETENTION", Default: "3d",
		Meaning: "How long the file of an export is kept, in days (`3d`) or hours (`36h`). Its link is good for as long.",
		right:   "a span of at least 1h and at most 365d, such as 3d or 36h",
		set: func(c *Config, value string) (err error) {
			c.ExportRetention, err = span(value, time.Hour, 365*day)
			return
		},
	},
	{
		Name: "REJECTION_RETENTION", Default: "30d",
		Meaning: "Age at which the rejected rows of an import are removed, in days (`30d`) or hours (`36h`). " +
			"Its counts stay.",
		right: "a span of at least 1h and at most 3650d, such as 30d or 36h",
		set: func(c *Config, value string) (err error) {
			c.RejectionRetention, err = span(value, time.Hour, 3650*day)
			return
		},
	},
	{
		Name: "ACCOUNT_SYNC_EVERY", Default: "24h",
		Meaning: "How often each connected account is read whole from Meta, with its numbers and templates, in hours " +
			"(`24h`) or days (`2d`), at most. Webhooks tell of most changes within a second; this finds what they missed.",
		right: "a span of at least 1h and at most 30d, such as 24h or 2d",
		set: func(c *Config, value string) (err error) {
			c.AccountSyncEvery, err = span(value, time.Hour, 30*day)
			return
		},
	},
	{
		Name: "OIDC_ISSUER",
		Meaning: "An identity provider that speaks OpenID Connect, with whose accounts users can sign in: its issuer, " +
			"exactly as it writes it. By default there is none.",
		right: "an https address such as https://login.example.com",
		set:   func(c *Config, value string) (err error) { c.OIDC.Issuer, err = issuer(c, value); return },
	},
	{
		Name:    "OIDC_CLIENT_ID",
		Meaning: "The id under which the provider knows this service.",
		right:   "the client id that the provider shows",
		set:     func(c *Config, value string) error { c.OIDC.ClientID = value; return nil },
	},
	{
		Name: "OIDC_CLIENT_SECRET", Secret: true,
		Meaning: "The secret that goes with it; none for a public client.",
		right:   "the client secret that the provider shows",
		set:     func(c *Config, value string) error { c.OIDC.ClientSecret = value; return published(c, value) },
	},
	{
		Name: "OIDC_SCOPES", Default: "openid email profile",
		Meaning: "What the provider is asked for, with blanks.",
		right:   "scopes such as openid email profile",
		set:     func(c *Config, value string) error { c.OIDC.Scopes = strings.Fields(value); return nil },
	},
	{
		Name: "OIDC_NAME", Default: "single sign-on",
		Meaning: "What pages call the provider, on the button.",
		right:   "a name such as Example Login",
		set:     func(c *Config, value string) error { c.OIDC.Name = value; return nil },
	},
	{
		Name:    "OIDC_ALLOWED_DOMAINS",
		Meaning: "Domains, with commas, of the verified e-mail addresses that may sign in this way. By default all.",
		right:   "domains such as example.com,example.org",
		set:     func(c *Config, value string) (err error) { c.OIDC.AllowedDomains, err = domains(value); return },
	},
	{
		Name: "OIDC_SIGN_UP", Default: "false",
		Meaning: "Whether somebody unknown who signs in there may make an organization: `true` or `false`. " +
			"It takes `SIGN_UP=open` too.",
		right: "true or false",
		set: func(c *Config, value string) error {
			c.OIDC.SignUp = value == "true"
			return choose(new(string), value, "true", "false")
		},
	},
	{
		Name: "LOG_LEVEL", Default: "info",
		Meaning: "`debug`, `info`, `warn` or `error`.",
		right:   "debug, info, warn or error",
		set: func(c *Config, value string) error {
			if err := choose(new(string), value, "debug", "info", "warn", "error"); err != nil {
				return err
			}
			return c.LogLevel.UnmarshalText([]byte(value))
		},
	},
	{
		Name: "LOG_FORMAT", Default: "text",
		Meaning: "`text` or `json`.",
		right:   "text or json",
		set:     func(c *Config, value string) error { return choose(&c.LogFormat, value, "text", "json") },
	},
}

var (
	version = regexp.MustCompile(`^v[1-9][0-9]*\.[0-9]+$`)
	digits  = regexp.MustCompile(`^[0-9]+$`)
)

// Table is the table of docs/configuration.md, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	for _, v := range variables {
		standard, meaning := "", v.Meaning
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		if v.Required {
			meaning += " **Required in production.**"
		}
		if v.Secret {
			meaning += " *Secret.*"
		}

		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, standard, meaning)
	}

	return b.String()
}

func choose[T ~string](to *T, value string, choices ...T) error {
	for _, choice := range choices {
		if T(value) == choice {
			*to = choice
			return nil
		}
	}

	return fmt.Errorf("is %q", value)
}

func match(value string, pattern *regexp.Regexp) error {
	if !pattern.MatchString(value) {
		return fmt.Errorf("is %q", value)
	}
	return nil
}

var _ slog.LogValuer = Config{}
