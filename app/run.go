package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"carillon/config"
	"carillon/graph/graphiql"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

// RunRoles runs a part of the program against real servers, which the environment names.
func RunRoles(ctx context.Context, r Roles, environ []string, stderr io.Writer) error {
	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}

	if !cfg.NamesDatabase() {
		return errors.New("DATABASE_URL: serve and work are separate processes and need a database that both can reach, " +
			"e.g. postgres://user:password@localhost:5432/carillon; without one, run `carillon` alone")
	}

	if cfg.Redis == nil {
		return errors.New("REDIS_URL: serve and work are separate processes and need a Redis that both can reach, " +
			"e.g. redis://localhost:6379; without one, run `carillon` alone")
	}

	if cfg.WhatsApp.APIURL == nil {
		return errors.New("WHATSAPP_API_URL: the built-in sandbox runs only in `carillon` alone; name one, " +
			"e.g. http://localhost:8090 for `carillon sandbox`")
	}

	p, err := Build(ctx, cfg, RedisPrefix, telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat))
	if err != nil {
		return err
	}

	defer p.Close()
	if err := p.DB.Current(ctx); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}

	p.sayState(ctx)
	p.Log.Info("carillon is up", "address", listener.Addr().String(), "api", r.API, "work", r.Work,
		"database", cfg.DatabasePlace())

	return p.Serve(ctx, listener, r)
}

// RunEverything is the whole service in one process. What is not configured is built in.
func RunEverything(ctx context.Context, environ []string, stdout, stderr io.Writer) error {
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
	inPlace := cfg.WhatsApp.APIURL == nil // of WhatsApp
	// Processes that share a Redis share no sandbox of one of them.
	builtIn := inPlace || cfg.Redis == nil && cfg.WhatsApp.SandboxURL == nil
	var box *builtInSandbox

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
		if inPlace {
			box.AddAccount(sandboxAccount(sandboxWABA, sandboxNumber, 0))
		}
	}

	p, err := Build(ctx, cfg, RedisPrefix, log)
	if err != nil {
		return err
	}

	defer p.Close()
	if _, err := p.DB.Migrate(ctx); err != nil {
		return err
	}

	boxCtx, stopBox := context.WithCancel(context.WithoutCancel(ctx))
	if builtIn {
		g.Go(func() error { return box.run(boxCtx) })
	}

	g.Go(func() error {
		defer stopBox() // not before the worker has the answers to what it sent, or those messages would be UNKNOWN
		return p.Serve(ctx, listener, Roles{API: true, Work: true})
	})

	p.sayState(ctx)
	g.Go(func() error {
		if !inPlace {
			log.Info("carillon is up", "address", listener.Addr().String(), "database", cfg.DatabasePlace())
			return nil
		}

		c, err := p.seed(ctx, box)
		if err != nil {
			return ignore(fmt.Errorf("make the first organization: %w", err), context.Canceled)
		}

		return p.welcome(stdout, c, listener.Addr())
	})

	return g.Wait()
}

// welcome prints how to come in. The link to the console is for browsers on this machine, so it is
// offered only where the service listens to nobody else.
func (p *App) welcome(stdout io.Writer, c credentials, listens net.Addr) error {
	base := strings.TrimSuffix(p.Config.PublicURL.String(), "/")
	console, once := base+"/", ""
	if a, ok := listens.(*net.TCPAddr); ok && a.IP.IsLoopback() {
		console, once = p.Identity.OfferLink(c.Email), "\n             (signs you in, once, within 15 minutes)"
	}

	_, err := fmt.Fprintf(stdout, `
Carillon is up, with WhatsApp's sandbox instead of WhatsApp and everything it keeps in %s.

  console    %s%s
  GraphiQL   %s%s%s
  e-mail     %s
  password   %s
  API key    %s

`, p.Config.DataDir, console, once, base, graphiql.Path, graphiql.KeyFragment(c.APIKey), c.Email, c.Password, c.APIKey)

	return err
}
