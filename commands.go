package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"carillon/audience"
	"carillon/caller"
	"carillon/config"
	"carillon/database"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

type command func(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error

// commands are the roles of the program. Without one it runs everything in one process.
var commands map[string]command

func init() {
	commands = map[string]command{
		"":            runEverything,
		"demo":        runDemo,
		"serve":       runRoles(roles{api: true}),
		"work":        runRoles(roles{work: true}),
		"migrate":     runMigrate,
		"sandbox":     runSandbox,
		"admin":       runAdmin,
		"healthcheck": runHealthcheck,
		"config":      runConfig,
		"help":        runHelp,
	}

	commands["--help"], commands["-h"] = runHelp, runHelp
}

func commandNames() string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(commands)), func(s string) bool { return s == "" || s[0] == '-' })
	return strings.Join(names, ", ")
}

func runHelp(_ context.Context, _, _ []string, stdout, _ io.Writer) error {
	_, err := fmt.Fprint(stdout, `carillon            runs everything in one process: API, workers and, with no configuration at all,
                    a database, a Redis and WhatsApp's sandbox of its own
carillon demo       shows the main job on a throw-away service, end to end
carillon serve      the API, the webhooks and GraphiQL
carillon work       the workers that send
carillon migrate    brings the tables up to date
carillon sandbox    WhatsApp's Cloud API as a double, for development and tests
carillon admin      what the operator does; alone it lists its commands
carillon config     prints the configuration variables
carillon healthcheck  exits with 0 when the process at HTTP_ADDR is healthy

demo and sandbox take --help. Configuration comes from the environment alone.
`)

	return err
}

// errHelp asks for the help instead of the command.
var errHelp = errors.New("help")

func runConfig(_ context.Context, _, _ []string, stdout, _ io.Writer) error {
	_, err := fmt.Fprintln(stdout, config.Table())
	return err
}

// runRoles runs some of the program against real servers.
func runRoles(r roles) command {
	return func(ctx context.Context, args, environ []string, _, stderr io.Writer) error {
		if err := noArguments(args); err != nil {
			return err
		}

		cfg, err := config.Load(environ)
		if err != nil {
			return err
		}
		if cfg.Redis == nil {
			return errors.New("REDIS_URL: serve and work are separate processes and need a Redis that both can reach, e.g. redis://localhost:6379; without one, run `carillon` alone")
		}
		if cfg.WhatsApp.APIURL == nil {
			return errors.New("WHATSAPP_API_URL: the built-in sandbox runs only in `carillon` alone; name one, e.g. http://localhost:8090 for `carillon sandbox`")
		}

		p, err := build(ctx, cfg, redisPrefix, telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat))
		if err != nil {
			return err
		}

		defer p.close()
		if err := p.db.Current(ctx); err != nil {
			return err
		}

		listener, err := net.Listen("tcp", cfg.HTTPAddr)
		if err != nil {
			return fmt.Errorf("HTTP_ADDR: %w", err)
		}

		p.log.Info("carillon is up", "address", listener.Addr().String(), "api", r.api, "work", r.work)

		return p.serve(ctx, listener, r)
	}
}

func runMigrate(ctx context.Context, args, environ []string, stdout, _ io.Writer) error {
	if err := noArguments(args); err != nil {
		return err
	}

	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}

	db, err := database.Open(ctx, cfg.DatabaseURL, 4)
	if err != nil {
		return err
	}

	defer db.Close()
	applied, err := db.Migrate(ctx)
	for _, name := range applied {
		fmt.Fprintln(stdout, "applied", name)
	}

	if err == nil && len(applied) == 0 {
		fmt.Fprintln(stdout, "the database is up to date")
	}
	if err != nil {
		return err
	}

	return audience.New(db, database.Now, nil).KeyNumbers(caller.System(ctx)) // else the first sweep does it
}

func runSandbox(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}

	options := sandbox.Defaults()
	options.AppID, options.AppSecret, options.VerifyToken = cfg.WhatsApp.AppID, currentSecret(cfg),
		cfg.WhatsApp.VerifyToken
	flags := pflag.NewFlagSet("carillon sandbox", pflag.ContinueOnError)
	flags.SetOutput(stdout)
	sandbox.Flags(flags, &options)
	account := flags.String("account", "", "a WABA to begin with, as wabaId:phoneNumberId:token")
	flags.Usage = func() { fmt.Fprintf(stdout, "Usage of carillon sandbox:\n%s\n%s", flags.FlagUsages(), sandbox.Help()) }
	if err := flags.Parse(args); err != nil {
		return ignore(err, pflag.ErrHelp)
	}

	options.Log = telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)
	s, err := sandbox.New(options)
	if err != nil {
		return err
	}

	defer s.Close()
	if parts := strings.Split(*account, ":"); len(parts) == 3 {
		s.AddAccount(sandbox.AccountSpec{WABAID: parts[0], Name: "Sandbox", Token: parts[2],
			Numbers: []sandbox.NumberSpec{{ID: parts[1], DisplayNumber: "+1 202-555-0199", VerifiedName: "Sandbox"}}})
	} else if *account != "" {
		return errors.New("--account: want wabaId:phoneNumberId:token")
	}

	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.Handle("/", s)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error { return ignore(server.Serve(listener), http.ErrServerClosed) })
	g.Go(func() error { <-ctx.Done(); return server.Close() })
	fmt.Fprintf(stdout, "WhatsApp's sandbox is at http://%s; what it does: http://%s/sandbox/\n", listener.Addr(),
		listener.Addr())

	return g.Wait()
}

func runHealthcheck(ctx context.Context, _, environ []string, stdout, _ io.Writer) error {
	cfg, err := config.Load(environ)
	if err != nil {
		return err
	}

	host, port, err := net.SplitHostPort(cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}

	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}

	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", response.Status)
	}

	_, err = fmt.Fprintln(stdout, "healthy")

	return err
}

func noArguments(args []string) error {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return errHelp
	}

	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q; configuration comes from the environment (`carillon config` lists it)",
			args[0])
	}

	return nil
}
