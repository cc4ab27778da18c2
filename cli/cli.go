// Package cli is the command line: the roles of the program, the demo, the sandbox and what the
// operator does. Configuration comes from the environment alone.
package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"carillon/app"
	"carillon/audience"
	"carillon/caller"
	"carillon/config"
	"carillon/database"
	"carillon/telemetry"
)

// Commands are listed in the order in which they are added. Cobra has this for all at once only.
func init() { cobra.EnableCommandSorting = false }

// Run is the whole program, as main and tests call it.
func Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	root := commands(environ)
	root.SetArgs(append([]string{}, args...)) // of nil cobra makes os.Args
	root.SetOut(stdout)
	root.SetErr(stderr)

	return root.ExecuteContext(ctx)
}

func commands(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "carillon",
		Short: "WhatsApp campaigns and messages on servers of your own",
		Long: "carillon alone runs everything in one process: API, workers and, with no configuration at all,\n" +
			"a database, a Redis and WhatsApp's sandbox of its own. Configuration comes from the environment alone.",
		Version:      telemetry.Version(),
		SilenceUsage: true, SilenceErrors: true, // main prints the error
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.RunEverything(cmd.Context(), environ, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}

	root.AddCommand(
		role("serve", "the console, the API, the webhooks and GraphiQL", app.Roles{API: true}, environ),
		role("work", "the workers that send", app.Roles{Work: true}, environ),
		simple("migrate", "brings the tables up to date", func(cmd *cobra.Command) error {
			return migrate(cmd.Context(), environ, cmd.OutOrStdout())
		}),
		simple("config", "prints the configuration variables", func(cmd *cobra.Command) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), config.Table())
			return err
		}),
		simple("healthcheck", "exits with 0 when the process at HTTP_ADDR is healthy", func(cmd *cobra.Command) error {
			return healthcheck(cmd.Context(), environ, cmd.OutOrStdout())
		}),
		doctorCommand(environ),
		demoCommand(environ),
		sandboxCommand(environ),
		adminCommand(environ),
	)

	root.Args = oneOfItsCommands
	for _, c := range root.Commands() {
		if c.Args == nil {
			c.Args = noArguments
		}
	}

	return root
}

// oneOfItsCommands refuses the name of a command that there is not, and lists those that there are.
func oneOfItsCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}

	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}

	return fmt.Errorf("there is no command %q of %s; there are: %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q; configuration comes from the environment (`carillon config` lists it)",
			args[0])
	}

	return nil
}

// simple is a command without flags.
func simple(name, short string, run func(*cobra.Command) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd) }}
}

// role runs a part of the program against real servers.
func role(name, short string, r app.Roles, environ []string) *cobra.Command {
	return simple(name, short, func(cmd *cobra.Command) error {
		return app.RunRoles(cmd.Context(), r, environ, cmd.ErrOrStderr())
	})
}

func migrate(ctx context.Context, environ []string, stdout io.Writer) error {
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
	if err != nil {
		return err
	}

	state, err := db.State(ctx)
	if err != nil {
		return err
	}

	fmt.Fprintln(stdout, "the database is up to date:", cfg.DatabasePlace())
	if newer := state.Newer(); newer != "" {
		fmt.Fprintln(stdout, newer)
	}

	return audience.New(db, database.Now, nil).KeyNumbers(caller.System(ctx)) // else the first sweep does it
}

func healthcheck(ctx context.Context, environ []string, stdout io.Writer) error {
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
