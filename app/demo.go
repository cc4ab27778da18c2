package app

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"carillon/config"
	"carillon/demo"
	"carillon/examples"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

// DemoOptions say what a demo shows.
type DemoOptions struct {
	Client     demo.Options
	Throughput int  // messages a second that the sandbox allows the number
	Verbose    bool // show the service's log
}

// RunDemo shows the main job on a service that it throws away.
func RunDemo(ctx context.Context, o DemoOptions, environ []string, stdout, stderr io.Writer) (err error) {
	options := o.Client
	options.Out, options.Err, options.Token = stdout, stderr, sandboxToken
	if o.Throughput < 1 {
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
	if o.Verbose {
		log = telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	cfg.WhatsApp.APIURL = nil // on servers, too, the sandbox stands for WhatsApp, and is not beside it
	box, err := startSandbox(&cfg, sandbox.Options{
		CallbackURL: "http://" + listener.Addr().String() + "/webhooks/whatsapp", Throughput: o.Throughput,
		NoPairLimit: true, Log: log,
		ReviewDelay: time.Second, SentDelay: 50 * time.Millisecond, DeliveredDelay: 200 * time.Millisecond,
		ReadDelay: 500 * time.Millisecond, Spread: 0.5,
	})
	if err != nil {
		return err
	}

	defer os.RemoveAll(box.folder)
	options.WABAID = metaID() // a WABA is bound once, and a demo on a kept database is not its first
	box.AddAccount(sandboxAccount(options.WABAID, metaID(), o.Throughput))
	prefix := "carillon-demo-" + strings.ToLower(rand.Text()[:10])
	drop, err := demoSchema(ctx, &cfg, strings.ReplaceAll(prefix, "-", "_"))
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, drop()) }()
	p, err := Build(ctx, cfg, prefix, log)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, p.forget(prefix), p.Close()) }()
	if _, err := p.DB.Migrate(ctx); err != nil {
		return err
	}

	options.Contacts = examples.Contacts
	options.URL = "http://" + listener.Addr().String()
	if f, ok := stdout.(*os.File); ok {
		options.Terminal = term.IsTerminal(int(f.Fd()))
	}

	service, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return box.run(service) })
	g.Go(func() error { return p.Serve(service, listener, Roles{API: true, Work: true}) })
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
func (p *App) forget(prefix string) error {
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
		case "DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "LOG_LEVEL", "LOG_FORMAT":
			kept = append(kept, pair)
		}
	}

	return kept
}
