package config_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"carillon/config"
)

var (
	key      = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	otherKey = base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))
)

func production(more ...string) []string {
	return append([]string{
		"CARILLON_ENV=production",
		"DATABASE_URL=postgres://carillon:hunter2@db:5432/carillon",
		"REDIS_URL=rediss://:hunter3@cache:6380/2",
		"WHATSAPP_APP_SECRET=hunter4, hunter5",
		"WHATSAPP_VERIFY_TOKEN=hunter6-and-some-more",
		"ENCRYPTION_KEY=" + key + "," + otherKey,
	}, more...)
}

func load(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

func TestLoadWithoutAnyVariable(t *testing.T) {
	t.Parallel()
	c := load(t, "HOME=/root", "PATH=/bin")
	if !c.Embedded() || c.Redis != nil || c.WhatsApp.APIURL != nil {
		t.Errorf("got %v, want everything embedded", c)
	}

	for what, pair := range map[string][2]string{
		"address":  {c.HTTPAddr, "127.0.0.1:8080"},
		"url":      {c.PublicURL.String(), "http://localhost:8080"},
		"origins":  {strings.Join(c.AllowedOrigins, ","), "http://localhost:8080"},
		"database": {c.DatabaseURL, "sqlite:data/carillon.db"},
		"data":     {c.DataDir, "./data"},
		"version":  {c.WhatsApp.APIVersion, "v26.0"},
		"format":   {c.LogFormat, "text"},
		"level":    {c.LogLevel.String(), "INFO"},
		"limits":   {fmt.Sprint(c.Limits), "{10000 2000 100 268435456 32 1073741824}"},
		"points":   {fmt.Sprint(c.Points), "{120000 600000 30000 2}"},
		"events":   {c.EventRetention.String(), "720h0m0s"},
		"sync":     {c.AccountSyncEvery.String(), "24h0m0s"},
		"rows":     {c.RejectionRetention.String(), "720h0m0s"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", what, pair[0], pair[1])
		}
	}
}

func TestLoadForProduction(t *testing.T) {
	t.Parallel()
	c := load(t, production("HTTP_ADDR=:9000", "PUBLIC_URL=https://api.example.com/",
		"ALLOWED_ORIGINS=https://app.example.com", "LOG_LEVEL=debug")...)
	if c.Embedded() || c.WhatsApp.APIURL.String() != "https://graph.facebook.com" {
		t.Errorf("calls %v, want Meta", c.WhatsApp.APIURL)
	}
	if got := c.WhatsApp.AppSecrets; len(got) != 2 || got[0] != "hunter4" || got[1] != "hunter5" {
		t.Errorf("%d app secrets, want the current one and the one before", len(got))
	}
	if got := c.EncryptionKeys; len(got) != 2 || string(got[1]) != "fedcba9876543210fedcba9876543210" {
		t.Errorf("%d keys, want 2", len(got))
	}
	if got := strings.Join(c.AllowedOrigins, " "); got != "https://api.example.com https://app.example.com" {
		t.Errorf("origins %s", got)
	}
	if c.LogLevel != slog.LevelDebug {
		t.Errorf("level %s", c.LogLevel)
	}
	if c.PublicURL.String() != "https://api.example.com" {
		t.Errorf("public %s", c.PublicURL)
	}
}

func TestWhoMayBecomeAUserUnlessItIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environ []string
		want    string
	}{
		"in development":        {nil, "open"},
		"in production":         {production(), "invitation"},
		"as it is said":         {production("SIGN_UP=open"), "open"},
		"closed, as it is said": {[]string{"SIGN_UP=closed"}, "closed"},
	} {
		if c := load(t, tc.environ...); c.SignUp != tc.want ||
			c.Invitations != (config.Invitations{PerUser: 50, PerOrganization: 200, PerService: 2000}) {
			t.Errorf("%s: %s, %+v", name, c.SignUp, c.Invitations)
		}
	}
}

func TestEmbeddedEndsWithTheFirstNamedService(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"DATABASE_URL=sqlite:x.db", "REDIS_URL=redis://localhost",
		"WHATSAPP_API_URL=http://localhost:8090"} {
		c := load(t, line)
		if c.Embedded() || c.WhatsApp.APIURL == nil {
			t.Errorf("%s: embedded %v, WhatsApp at %v", line, c.Embedded(), c.WhatsApp.APIURL)
		}
	}
}

func TestASandboxBesideWhatsAppHasASecretOfItsOwn(t *testing.T) {
	t.Parallel()
	const url, own = "SANDBOX_URL=http://sandbox:8090", "SANDBOX_APP_SECRET=trial"
	for name, tc := range map[string]struct {
		lines   []string
		only    bool   // the sandbox stands for WhatsApp
		refused string // the variable
	}{
		"none":                     {nil, false, ""},
		"beside WhatsApp":          {[]string{url, own, "WHATSAPP_APP_SECRET=meta"}, false, ""},
		"beside, without a secret": {[]string{url}, false, "SANDBOX_APP_SECRET"},
		"beside, with WhatsApp's":  {[]string{url, own, "WHATSAPP_APP_SECRET=new,trial"}, false, "SANDBOX_APP_SECRET"},
		"in WhatsApp's place":      {[]string{url, "WHATSAPP_API_URL=http://sandbox:8090/"}, true, ""},
		"in its place, with its secret": {[]string{url, own, "WHATSAPP_API_URL=http://sandbox:8090"}, true,
			"SANDBOX_APP_SECRET"},
		"no address":      {[]string{"SANDBOX_URL=sandbox", own}, false, "SANDBOX_URL"},
		"WhatsApp itself": {[]string{"SANDBOX_URL=https://Graph.Facebook.com", own}, false, "SANDBOX_URL"},
		"a published secret": {[]string{url, "SANDBOX_APP_SECRET=development-only-x", "CARILLON_ENV=production"}, false,
			"SANDBOX_APP_SECRET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(tc.lines)
			if tc.refused == "" {
				if err != nil || c.WhatsApp.OnlySandbox() != tc.only {
					t.Errorf("only the sandbox: %t, %v", c.WhatsApp.OnlySandbox(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "\n  "+tc.refused+" ") {
				t.Errorf("got %v, want a refusal of %s", err, tc.refused)
			}
		})
	}
}

func TestLoadReportsAllMistakesTogether(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"CARILLON_ENV=production", "HTTP_ADDR=8080", "LOG_LEVEL=loud", "PUBLIC_URL=example.com",
		"WHATSAPP_TOKEN_VERIFY=x", "CARILLON_ENVIRONMENT=production", "CARILLON_SERVICE_HOST=10.0.0.1",
		"CARILLON_TEST_REQUIRE_ALL=1",
	})

	var mistakes config.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %v", err)
	}

	var got []string
	for _, m := range mistakes {
		got = append(got, m.Variable)
		if m.Wrong == "" || m.Right == "" {
			t.Errorf("%s does not say what is wrong and what is right", m.Variable)
		}
	}

	want := "HTTP_ADDR PUBLIC_URL DATABASE_URL REDIS_URL WHATSAPP_APP_SECRET WHATSAPP_VERIFY_TOKEN ENCRYPTION_KEY " +
		"LOG_LEVEL CARILLON_ENVIRONMENT WHATSAPP_TOKEN_VERIFY"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	for _, line := range []string{"CARILLON_ENVIRONMENT is not a variable of Carillon, probably a typing error; " +
		"right would be CARILLON_ENV",
		`LOG_LEVEL is "loud"; right would be debug, info, warn or error`} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%v\ndoes not say %q", err, line)
		}
	}

	if m := (config.Mistake{}); !errors.As(err, &m) {
		t.Error("no single Mistake found")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"an unknown environment":         "CARILLON_ENV=prod",
		"a port out of range":            "HTTP_ADDR=localhost:80800",
		"a public address with a query":  "PUBLIC_URL=https://example.com/?a=b",
		"a public address with a user":   "PUBLIC_URL=https://me@example.com",
		"another database":               "DATABASE_URL=mysql://localhost/x",
		"a PostgreSQL URL with a slip":   "DATABASE_URL=postgres://me:hunter2#@localhost:x/y",
		"SQLite without a file":          "DATABASE_URL=sqlite:",
		"a Redis URL with a slip":        "REDIS_URL=redis://:hunter2%zz@localhost",
		"a Redis host without a name":    "REDIS_URL=redis://:6379",
		"Redis of another kind":          "REDIS_URL=memcached://localhost",
		"a cluster with a database":      "REDIS_URL=redis://a:1,b:2/3",
		"Sentinel without a master":      "REDIS_URL=redis+sentinel://a,b",
		"an unknown Redis setting":       "REDIS_URL=redis://localhost?hunter2=1",
		"a version without v":            "WHATSAPP_API_VERSION=26",
		"an app id with letters":         "WHATSAPP_APP_ID=abc",
		"a key that is too short":        "ENCRYPTION_KEY=aHVudGVyMg==",
		"a key that is not base64":       "ENCRYPTION_KEY=hunter2",
		"an origin with a path":          "ALLOWED_ORIGINS=https://app.example.com/",
		"an origin without a scheme":     "ALLOWED_ORIGINS=app.example.com",
		"an unknown log format":          "LOG_FORMAT=xml",
		"an unknown log level":           "LOG_LEVEL=INFO+2",
		"no connections":                 "MAX_CONNECTIONS=0",
		"a share that is no number":      "MAX_CONNECTIONS_PER_ORGANIZATION=half",
		"subscriptions beyond measure":   "MAX_SUBSCRIPTIONS=10001",
		"fewer points than none":         "API_POINTS_PER_TOKEN=-1",
		"points beyond measure":          "API_POINTS_PER_ORGANIZATION=1000000001",
		"points of no number":            "API_POINTS_PER_ADDRESS=many",
		"points that are not saved up":   "API_POINTS_BURST_MINUTES=0",
		"too little memory for the API":  "API_MEMORY=1MiB",
		"one upload, and half for each":  "MAX_UPLOADS=1",
		"no space for an upload":         "UPLOAD_SPACE=1MiB",
		"too little memory for webhooks": "WEBHOOK_MEMORY=1MiB",
		"memory without a unit":          "WEBHOOK_MEMORY=67108864",
		"memory of another unit":         "WEBHOOK_MEMORY=64MB",
		"memory beyond all measure":      "WEBHOOK_MEMORY=2147483647GiB",
		"memory of no number":            "WEBHOOK_MEMORY=MiB",
		"no webhooks kept":               "KEPT_WEBHOOKS=0",
		"no room for what is kept":       "KEPT_WEBHOOK_BYTES=1KiB",
		"events kept for no time":        "EVENT_RETENTION=0d",
		"a retention without a unit":     "EVENT_RETENTION=30",
		"synced all the time":            "ACCOUNT_SYNC_EVERY=5m",
		"rows kept for no time":          "REJECTION_RETENTION=0h",
		"a retention beyond all measure": "EVENT_RETENTION=65536d",
		"a proxy that is a name":         "TRUSTED_PROXIES=proxy.example.com",
		"a network that is too long":     "TRUSTED_PROXIES=10.0.0.0/8,192.0.2.0/33",
		"everybody as a proxy":           "TRUSTED_PROXIES=0.0.0.0/0",
		"everybody over IPv6":            "TRUSTED_PROXIES=::/0",
		"IPv4's everybody within IPv6":   "TRUSTED_PROXIES=::ffff:0:0/96",
		"a proxy with a zone":            "TRUSTED_PROXIES=fe80::1%eth0",
		"another header":                 "FORWARDED_HEADER=X-Real-IP",
		"a door that is neither":         "SIGN_UP=ajar",
		"no invitations at all":          "INVITATIONS_PER_USER=0",
		"keys that are none":             "ENCRYPTION_KEY=,",
		"an empty key beside another":    "ENCRYPTION_KEY=" + key + ",",
		"app secrets that are none":      "WHATSAPP_APP_SECRET=,",
		"an empty app secret":            "WHATSAPP_APP_SECRET=hunter2,,hunter2",
		"domains that allow everybody":   "OIDC_ALLOWED_DOMAINS=,",
		"origins that are none":          "ALLOWED_ORIGINS= , ",
		"proxies that are none":          "TRUSTED_PROXIES=,",
		"metrics without a port":         "METRICS_ADDR=localhost",
		"a typing error in a known name": "WHATSAPP_APPSECRET=hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load([]string{line})
			variable, _, _ := strings.Cut(line, "=")
			if err == nil || !strings.Contains(err.Error(), "\n  "+variable+" ") {
				t.Errorf("got %v, want a word on %s", err, variable)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v shows the secret", err)
			}
		})
	}
}

func TestProductionRefusesPublishedSecrets(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{"ENCRYPTION_KEY", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"} {
		_, after, found := strings.Cut(string(compose), "${"+name+":-")
		value, _, _ := strings.Cut(after, "}")
		if !found || value == "" {
			t.Errorf("docker-compose.yml gives no %s", name)
			continue
		}

		load(t, name+"="+value) // good enough for development
		if _, err := config.Load(production(name + "=" + value)); err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("production with the published %s: got %v", name, err)
		}
	}
}

func TestProductionRefusesOrSaysWhatIsDangerous(t *testing.T) {
	t.Parallel()
	safe := []string{
		"WHATSAPP_APP_SECRET=0123456789abcdef0123456789abcdef", "PUBLIC_URL=https://messages.example.com",
		"TRUSTED_PROXIES=10.0.0.0/8",
		"SMTP_URL=smtps://mail.example.com", "MAIL_FROM=carillon@example.com",
	}

	for name, tc := range map[string]struct {
		line         string
		refused, say string // the variable
	}{
		"nothing":                          {"", "", ""},
		"no keys":                          {"ENCRYPTION_KEY=,", "ENCRYPTION_KEY", ""},
		"no app secrets":                   {"WHATSAPP_APP_SECRET=,", "WHATSAPP_APP_SECRET", ""},
		"a verify token of a letter":       {"WHATSAPP_VERIFY_TOKEN=x", "WHATSAPP_VERIFY_TOKEN", ""},
		"a verify token of twelve letters": {"WHATSAPP_VERIFY_TOKEN=twelveletter", "", "WHATSAPP_VERIFY_TOKEN"},
		"the sandbox's verify token":       {"WHATSAPP_VERIFY_TOKEN=sandbox-verify-token", "WHATSAPP_VERIFY_TOKEN", ""},
		"the sandbox's app secret":         {"WHATSAPP_APP_SECRET=sandbox-app-secret", "WHATSAPP_APP_SECRET", ""},
		"the guide's app secret":           {"WHATSAPP_APP_SECRET=any-secret", "WHATSAPP_APP_SECRET", ""},
		"another app secret":               {"WHATSAPP_APP_SECRET=hunter2", "", "WHATSAPP_APP_SECRET"},
		"no mail server":                   {"SMTP_URL=", "", "SMTP_URL"},
		"no public address":                {"PUBLIC_URL=", "", "PUBLIC_URL"},
		"this machine as public address":   {"PUBLIC_URL=https://127.0.0.1:8080", "", "PUBLIC_URL"},
		"a public address without TLS":     {"PUBLIC_URL=http://messages.example.com", "", "PUBLIC_URL"},
		"TLS, and no proxy that ends it":   {"TRUSTED_PROXIES=", "", "TRUSTED_PROXIES"},
		"WhatsApp without TLS":             {"WHATSAPP_API_URL=http://graph.example.com", "", "WHATSAPP_API_URL"},
		"a sandbox on this machine":        {"WHATSAPP_API_URL=http://localhost:8090", "", ""},
		"the published database password":  {"DATABASE_URL=postgres://carillon:carillon@db/carillon", "", "DATABASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(tc.line, "=")
			others := slices.DeleteFunc(slices.Clone(safe), func(line string) bool { return strings.HasPrefix(line, name+"=") })
			c, err := config.Load(production(append(others, tc.line)...))

			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), "\n  "+tc.refused+" ") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, want a refusal of %s", err, tc.refused)
				}
				return
			}

			if err != nil {
				t.Fatal(err)
			}

			var said []string
			for _, w := range c.Warnings() {
				said = append(said, w.Variable)
			}

			if got := strings.Join(said, " "); got != tc.say {
				t.Errorf("warns of %q, want %q", got, tc.say)
			}
			if c.Environment = config.Development; len(c.Warnings()) > 0 {
				t.Error("warns in development")
			}
		})
	}
}

func TestTrustedProxiesAreNetworks(t *testing.T) {
	t.Parallel()
	if c := load(t); len(c.TrustedProxies) > 0 || c.ForwardedHeader != "" {
		t.Errorf("by default %v are trusted, in %q", c.TrustedProxies, c.ForwardedHeader)
	}

	c := load(t, "TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.7 ,2001:db8::1/32,::1,::ffff:172.16.0.0/108",
		"FORWARDED_HEADER=Forwarded")
	if got := fmt.Sprintf("%v %s", c.TrustedProxies,
		c.ForwardedHeader); got != "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32 ::1/128 172.16.0.0/12] Forwarded" {
		t.Errorf("got %s", got)
	}
}

func TestRedisURL(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"redis://localhost":                 "[localhost:6379] db 0 user : cluster false master  tls false",
		"redis://me:p%2Fw@localhost:7000/3": "[localhost:7000] db 3 user me:p/w cluster false master  tls false",
		"rediss://:pw@cache.example.com": "[cache.example.com:6379] db 0 user :pw cluster false master  " +
			"tls true",
		"redis://[::1]:6379/1":    "[[::1]:6379] db 1 user : cluster false master  tls false",
		"redis://a:1,b:2,c":       "[a:1 b:2 c:6379] db 0 user : cluster true master  tls false",
		"rediss://me:pw@a:1,b:2":  "[a:1 b:2] db 0 user me:pw cluster true master  tls true",
		"redis://a:1,redis://b:2": "[a:1 b:2] db 0 user : cluster true master  tls false",
		"redis+cluster://config.example.com": "[config.example.com:6379] db 0 user : " +
			"cluster true master  tls false",
		"redis+sentinel://:pw@a,b:7/main":              "[a:26379 b:7] db 0 user :pw cluster false master main tls false",
		"redis+sentinel://a,b/main/4":                  "[a:26379 b:26379] db 4 user : cluster false master main tls false",
		"redis-sentinel://a,b?master=main":             "[a:26379 b:26379] db 0 user : cluster false master main tls false",
		"rediss+sentinel://a/main?sentinel_password=x": "[a:26379] db 0 user : cluster false master main tls true",
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := load(t, "REDIS_URL="+value).Redis
			got := fmt.Sprintf("%v db %d user %s:%s cluster %v master %s tls %v", o.Addrs, o.DB, o.Username, o.Password,
				o.IsClusterMode, o.MasterName, o.TLSConfig != nil)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestConfigNeverShowsASecret(t *testing.T) {
	t.Parallel()
	c := load(t, production()...)
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("configuration", "config", c)

	for _, text := range []string{b.String(), fmt.Sprintf("%v %+v %#v %s", c, c, c, c)} {
		for _, hidden := range []string{"hunter", key, "0123456789abcdef", "[48 49"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s shows %s", text, hidden)
			}
		}
	}
}

func TestLocalKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data"
	found := make(chan string)

	for range 8 {
		go func() {
			k, err := config.LocalKey(dir)
			found <- fmt.Sprint(k, err)
		}()
	}

	first := <-found
	for range 7 {
		if other := <-found; other != first {
			t.Errorf("got %s and %s", first, other)
		}
	}

	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v; want one file", left, err)
	}
	if err := os.WriteFile(dir+"/encryption.key", []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LocalKey(dir); err == nil {
		t.Error("took a broken key")
	}
}
