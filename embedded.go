package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/spf13/pflag"

	"carillon/config"
	"carillon/demo"
	"carillon/graph/graphiql"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

//go:embed examples/contacts.csv
var examples embed.FS

const (
	sandboxWABA   = "102290129340398"
	sandboxNumber = "106540352242922"
	sandboxToken  = "EAAsandbox"
	// ticksOfRedis: the in-process Redis expires keys only when it is told that time has passed.
	ticksOfRedis = 100 * time.Millisecond
)

// startRedis runs a Redis inside this process. Other users of this machine can reach its port, so
// it has a password.
func startRedis() (options *redis.UniversalOptions, stop func() error, err error) {
	m, password := miniredis.NewMiniRedis(), rand.Text()
	m.RequireAuth(password)
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the in-process Redis: %w", err)
	}

	options = &redis.UniversalOptions{Addrs: []string{m.Addr()}, Password: password}
	done, over := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(over)
		tick := time.NewTicker(ticksOfRedis)
		defer tick.Stop()

		for {
			select {
			case <-tick.C:
				m.FastForward(ticksOfRedis)
			case <-done:
				return
			}
		}
	}()

	return options, func() error { close(done); <-over; m.Close(); return nil }, nil
}

// meta is the sandbox, serving inside this process.
type meta struct {
	*sandbox.Sandbox
	server *http.Server
	listen net.Listener
	folder string // of the socket
}

// startSandbox opens the sandbox's socket; run serves it. It makes app credentials that are good
// for this process. Whoever reaches a sandbox controls it, so its socket lies in a folder that is
// this user's alone.
func startSandbox(cfg *config.Config, options sandbox.Options) (*meta, error) {
	if len(cfg.WhatsApp.AppSecrets) == 0 {
		cfg.WhatsApp.AppSecrets = []string{rand.Text()}
	}
	if cfg.WhatsApp.VerifyToken == "" {
		cfg.WhatsApp.VerifyToken = rand.Text()
	}
	if cfg.WhatsApp.AppID == "" {
		cfg.WhatsApp.AppID = "634974688087057"
	}

	options.AppID, options.AppSecret, options.VerifyToken = cfg.WhatsApp.AppID, cfg.WhatsApp.AppSecrets[0],
		cfg.WhatsApp.VerifyToken
	s, err := sandbox.New(options)
	if err != nil {
		return nil, err
	}

	folder, err := os.MkdirTemp("", "carillon-sandbox-") // not in DATA_DIR: a socket's path must be short
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}

	listen, err := net.Listen("unix", filepath.Join(folder, "socket"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder), s.Close())
	}

	cfg.WhatsApp.APIURL, cfg.WhatsApp.Socket = &url.URL{Scheme: "http", Host: "whatsapp.sandbox"}, listen.Addr().String()

	return &meta{s, &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}, listen, folder}, nil
}

func (m *meta) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.Run(ctx) })
	g.Go(func() error { return ignore(m.server.Serve(m.listen), http.ErrServerClosed) })
	g.Go(func() error { <-ctx.Done(); return m.server.Close() })

	return errors.Join(g.Wait(), m.Close())
}

func sandboxAccount(waba, number string, perSecond int) sandbox.AccountSpec {
	return sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: sandboxToken, Numbers: []sandbox.NumberSpec{
		{ID: number, DisplayNumber: "+1 202-555-0199", VerifiedName: "Lucky Shrub", Throughput: perSecond},
	}}
}

// metaID is a number such as Meta gives.
func metaID() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(9e14))
	return n.Add(n, big.NewInt(1e14)).String()
}

// runEverything is the whole service in one process. What is not configured is built in.
func runEverything(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if err := noArguments(args); err != nil {
		return err
	}

	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}

	log := telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)
	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}

	g, ctx := errgroup.WithContext(ctx)
	builtIn := cfg.WhatsApp.APIURL == nil
	var box *meta

	if builtIn {
		options := sandbox.Defaults()
		options.StatePath, options.Log = dataFile(cfg, "sandbox.jsonl"), log
		options.CallbackURL = "http://" + listener.Addr().String() + "/webhooks/whatsapp"
		if err := config.PrivateDir(cfg.DataDir); err != nil {
			return err
		}
		if box, err = startSandbox(&cfg, options); err != nil {
			return err
		}

		defer os.RemoveAll(box.folder)
		box.AddAccount(sandboxAccount(sandboxWABA, sandboxNumber, 0))
	}

	p, err := build(ctx, cfg, redisPrefix, log)
	if err != nil {
		return err
	}

	defer p.close()
	if _, err := p.db.Migrate(ctx); err != nil {
		return err
	}

	boxCtx, stopBox := context.WithCancel(context.WithoutCancel(ctx))
	if builtIn {
		g.Go(func() error { return box.run(boxCtx) })
	}

	g.Go(func() error {
		defer stopBox() // not before the worker has the answers to what it sent, or those messages would be UNKNOWN
		return p.serve(ctx, listener, roles{api: true, work: true})
	})

	g.Go(func() error {
		if !builtIn {
			log.Info("carillon is up", "address", listener.Addr().String())
			return nil
		}

		c, err := p.seed(ctx, box)
		if err != nil {
			return ignore(fmt.Errorf("make the first organization: %w", err), context.Canceled)
		}

		_, err = fmt.Fprintf(stdout, `
Carillon is up, with WhatsApp's sandbox instead of WhatsApp and everything it keeps in %s.

  GraphiQL   %s/%s
  e-mail     %s
  password   %s
  API key    %s

`, cfg.DataDir, strings.TrimSuffix(cfg.PublicURL.String(), "/"), graphiql.KeyFragment(c.APIKey), c.Email, c.Password, c.APIKey)

		return err
	})

	return g.Wait()
}

// runDemo shows the main job on a service that it throws away.
func runDemo(ctx context.Context, args, environ []string, stdout, stderr io.Writer) (err error) {
	options := demo.Options{Out: stdout, Err: stderr, Token: sandboxToken}
	flags := pflag.NewFlagSet("carillon demo", pflag.ContinueOnError)
	flags.SetOutput(stdout)
	demo.Flags(flags, &options)
	perSecond := flags.Int("throughput", 80,
		"messages a second that the sandbox allows the number; WhatsApp's own levels are 80 and 1000")
	verbose := flags.Bool("verbose", false, "show the service's log")
	if err := flags.Parse(args); err != nil {
		return ignore(err, pflag.ErrHelp)
	}
	if *perSecond < 1 {
		return errors.New("--throughput: want 1 or more messages a second")
	}

	folder, err := os.MkdirTemp("", "carillon-demo")
	if err != nil {
		return err
	}

	defer os.RemoveAll(folder)
	cfg, err := config.Load(demoEnvironment(environ, folder))
	if err != nil {
		return err
	}

	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	box, err := startSandbox(&cfg, sandbox.Options{
		CallbackURL: "http://" + listener.Addr().String() + "/webhooks/whatsapp", Throughput: *perSecond,
		NoPairLimit: true, Log: log,
		ReviewDelay: time.Second, SentDelay: 50 * time.Millisecond, DeliveredDelay: 200 * time.Millisecond,
		ReadDelay: 500 * time.Millisecond, Spread: 0.5,
	})
	if err != nil {
		return err
	}

	defer os.RemoveAll(box.folder)
	options.WABAID = metaID() // a WABA is bound once, and a demo on a kept database is not its first
	box.AddAccount(sandboxAccount(options.WABAID, metaID(), *perSecond))
	prefix := "carillon-demo-" + strings.ToLower(rand.Text()[:10])
	drop, err := demoSchema(ctx, &cfg, strings.ReplaceAll(prefix, "-", "_"))
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, drop()) }()
	p, err := build(ctx, cfg, prefix, log)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, p.forget(prefix), p.close()) }()
	if _, err := p.db.Migrate(ctx); err != nil {
		return err
	}
	if options.Contacts, err = examples.ReadFile("examples/contacts.csv"); err != nil {
		return err
	}

	options.URL = "http://" + listener.Addr().String()
	if f, ok := stdout.(*os.File); ok {
		options.Terminal = term.IsTerminal(int(f.Fd()))
	}

	service, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return box.run(service) })
	g.Go(func() error { return p.serve(service, listener, roles{api: true, work: true}) })
	_, err = demo.Run(ctx, options)
	stop()

	return errors.Join(err, g.Wait())
}

// demoSchema gives a demo on PostgreSQL a schema of its own: its worker must never take a real
// service's messages and send them to the sandbox, and nothing of it is to stay.
func demoSchema(ctx context.Context, cfg *config.Config, name string) (drop func() error, err error) {
	u, err := url.Parse(cfg.DatabaseURL)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return func() error { return nil }, nil
	}

	db, err := sql.Open("pgx", cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+name); err != nil {
		return nil, errors.Join(fmt.Errorf("DATABASE_URL: make a schema for the demo: %w", err), db.Close())
	}

	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	cfg.DatabaseURL = u.String()

	return func() error {
		_, err := db.Exec("DROP SCHEMA " + name + " CASCADE")
		return errors.Join(err, db.Close())
	}, nil
}

// forget deletes a demo's keys from Redis.
func (p *parts) forget(prefix string) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	p.redis.SRem(ctx, "asynq:queues", prefix, prefix+"-urgent")
	keys := p.redis.Scan(ctx, 0, "*"+prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		p.redis.Del(ctx, keys.Val())
	}

	return keys.Err()
}

// demoEnvironment keeps what names servers, and nothing that could reach the real WhatsApp or a
// kept folder.
func demoEnvironment(environ []string, folder string) []string {
	kept := []string{"DATA_DIR=" + folder}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "DATABASE_URL", "REDIS_URL", "LOG_LEVEL", "LOG_FORMAT":
			kept = append(kept, pair)
		}
	}

	return kept
}

// credentials of the first organization, kept beside its data, since no secret can be read back
// from the database.
type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	APIKey   string `json:"apiKey"`
}

func readCredentials(file string) (c credentials, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}

	return c, json.Unmarshal(b, &c)
}

// write replaces the file at once, so that a crash leaves the old or the new one.
func (c credentials) write(file string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}

	temporary := filepath.Join(filepath.Dir(file), ".credentials")
	if err := os.WriteFile(temporary, append(b, '\n'), 0o600); err != nil {
		return err
	}

	return os.Rename(temporary, file)
}
