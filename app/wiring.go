package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"carillon/account"
	"carillon/config"
	"carillon/database"
	"carillon/delivery"
	"carillon/export"
	"carillon/filestore"
	"carillon/hub"
	"carillon/identity"
	"carillon/mail"
	"carillon/oidc"
	"carillon/outbound"
	"carillon/outbox"
	"carillon/ratelimit"
	"carillon/redisclient"
	"carillon/secret"
	"carillon/telemetry"
	"carillon/uid"
	"carillon/webhook"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func keyring(cfg config.Config) (*secret.Keyring, error) {
	keys := cfg.EncryptionKeys
	if len(keys) == 0 {
		key, err := config.LocalKey(cfg.DataDir)
		if err != nil {
			return nil, err
		}

		keys = [][]byte{key}
	}

	return secret.NewKeyring(keys...)
}

// sandboxApp is our app at the sandbox. Where that stands for WhatsApp it is our app at WhatsApp.
func sandboxApp(w config.WhatsApp, meta *whatsapp.Client) *account.App {
	switch {
	case w.SandboxURL == nil:
		return nil
	case w.OnlySandbox():
		return &account.App{Client: meta, ID: w.AppID, Secret: w.AppSecret()}
	}

	return &account.App{ID: sandbox.AppID, Secret: w.SandboxSecret,
		Client: whatsapp.NewClient(w.SandboxURL.String(), w.APIVersion, whatsapp.WithAppSecret(w.SandboxSecret),
			whatsapp.WithSocket(w.SandboxSocket))}
}

// external is the identity provider of the configuration. It is not asked yet: it may be down.
func external(cfg config.Config, now func() time.Time) identity.External {
	o := cfg.OIDC
	if o.Issuer == "" {
		return identity.External{}
	}

	return identity.External{
		Provider: oidc.New(oidc.Options{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
			Scopes: o.Scopes, Name: o.Name}, now),
		AllowedDomains: o.AllowedDomains, SignUp: o.SignUp, RedirectOrigins: cfg.AllowedOrigins,
	}
}

// tries is how often may be tried what begins with such a key. Those of invitations are set in the
// configuration.
var tries = map[string]ratelimit.Limit{
	"account": {Tries: 10, Span: 5 * time.Minute},  // the password of an e-mail address
	"address": {Tries: 30, Span: 5 * time.Minute},  // from a network address, without being signed in
	"code":    {Tries: 10, Span: 15 * time.Minute}, // of a million codes, three are right at a time
	"reset":   {Tries: 5, Span: time.Hour},         // links asked for an e-mail address
	"invited": {Tries: 5, Span: time.Hour},         // invitations of an e-mail address
	"verify":  {Tries: 5, Span: time.Hour},         // links to prove their address asked for by a user
	"create":  {Tries: 20, Span: time.Hour},        // organizations by a user

	"remember": {Tries: identity.MostRemembered, Span: 24 * time.Hour}, // new idempotency keys of an organization
}

func limits(cfg config.Config) func(key string) ratelimit.Limit {
	all := maps.Clone(tries)
	all["inviter"] = ratelimit.Limit{Tries: cfg.Invitations.PerUser, Span: time.Hour}
	all["invite"] = ratelimit.Limit{Tries: cfg.Invitations.PerOrganization, Span: time.Hour}
	all["invitations"] = ratelimit.Limit{Tries: cfg.Invitations.PerService, Span: time.Hour}

	return func(key string) ratelimit.Limit {
		kind, _, _ := strings.Cut(key, ":")
		kind, _, _ = strings.Cut(kind, "-") // the counts of one kind have one limit
		if limit, known := all[kind]; known {
			return limit
		}

		return all["address"]
	}
}

// points are the rates of the budgets of API calls.
func points(cfg config.Config) map[ratelimit.Kind]ratelimit.Rate {
	rates := map[ratelimit.Kind]ratelimit.Rate{}
	for kind, perMinute := range map[ratelimit.Kind]int{ratelimit.Token: cfg.Points.PerToken,
		ratelimit.Organization: cfg.Points.PerOrganization, ratelimit.Address: cfg.Points.PerAddress} {
		rates[kind] = ratelimit.Rate{PerMinute: perMinute, Burst: perMinute * cfg.Points.BurstMinutes}
	}

	return rates
}

// mailerOf sends by the configured server, or writes to the log.
func mailerOf(cfg config.Config, log *slog.Logger) (outbox.Mailer, error) {
	s := cfg.SMTP
	if s.Host == "" {
		return mail.Log{Logger: log}, nil
	}

	return mail.NewSMTP(mail.Server{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password,
		Security: mail.Security(s.TLS), From: s.From})
}

// buildExports makes the service of exports, and where it keeps their files.
func (p *App) buildExports() error {
	var files filestore.Store = filestore.NewFolder(dataFile(p.Config, "exports"))
	if at := p.Config.Files; at.Bucket != "" {
		bucket, err := filestore.NewBucket(filestore.BucketOptions{Endpoint: at.Endpoint, Plain: at.Plain,
			Bucket: at.Bucket, Prefix: at.Folder, Region: at.Region, AccessKey: at.AccessKey, SecretKey: at.SecretKey})
		if err != nil {
			return fmt.Errorf("FILES_URL: %w", err)
		}

		files = bucket
	}

	p.exports = export.New(export.Parts{DB: p.DB, Files: files, Log: p.events, Audience: p.audience, Prices: p.Prices,
		Wake: p.tasks.WakeExport, Keep: p.Config.ExportRetention, Folder: dataFile(p.Config, "temporary"), Logger: p.Log,
		Now: database.Now})

	return nil
}

// buildHooks makes the service of webhooks to organizations' own servers.
func (p *App) buildHooks() error {
	guard, err := outbound.New(p.Config.WebhookAllow, nil)
	if err != nil {
		return fmt.Errorf("WEBHOOK_ALLOW: %w", err)
	}

	p.hooks = webhook.New(webhook.Parts{DB: p.DB, Keys: p.Keys, Log: p.events, Guard: guard,
		Keep: p.Config.WebhookRetention, Logger: p.Log, Now: database.Now,
		Follow: func(ctx context.Context, organization uid.ID, after int64) (webhook.Feed, bool, error) {
			feed, err := p.Hub.Subscribe(ctx, organization, after)
			var expired *hub.Expired

			return feed, errors.As(err, &expired), err
		}})

	return nil
}

// newsTo tells the hub what delivery and campaigns have committed.
type newsTo struct{ hub *hub.Hub[delivery.Event] }

func (n newsTo) Publish(ctx context.Context, organization uid.ID, events []delivery.Event) {
	_ = n.hub.Publish(ctx, organization, events) // the hub's poll makes good what is lost here
}

func (n newsTo) Notify(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
	topics := make([]string, len(subjects))
	for i, s := range subjects {
		topics[i] = s.String()
	}

	n.hub.Notify(ctx, organization, topics...)
}

func (p *App) openRedis() error {
	options := p.Config.Redis
	if options == nil {
		embedded, stop, err := startRedis()
		if err != nil {
			return err
		}

		p.closes = append(p.closes, stop)
		options = embedded
	}

	p.redis, p.quick = redisclient.Patient(*options), redisclient.NewQuick(*options, p.Log)
	p.closes = append(p.closes, p.redis.Close, p.quick.Close)

	return nil
}

// Open builds the service of an environment.
func Open(ctx context.Context, environ []string, stderr io.Writer) (*App, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}

	log := telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)

	return Build(ctx, cfg, RedisPrefix, log)
}

// loadTerms reads the operator's own terms, where they have some.
func loadTerms(file string) (identity.Terms, error) {
	if file == "" {
		return identity.DefaultTerms(), nil
	}

	text, err := os.ReadFile(file)
	if err != nil {
		return identity.Terms{}, fmt.Errorf("TERMS_FILE: %w", err)
	}

	terms, err := identity.ParseTerms(string(text))
	if err != nil {
		return identity.Terms{}, fmt.Errorf("TERMS_FILE %s: %w", file, err)
	}

	return terms, nil
}

func dataFile(cfg config.Config, name string) string { return filepath.Join(cfg.DataDir, name) }
