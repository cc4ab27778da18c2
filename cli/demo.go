package cli

import (
	"github.com/spf13/cobra"

	"carillon/app"
	"carillon/demo"
)

// demoCommand shows the main job on a service that it throws away.
func demoCommand(environ []string) *cobra.Command {
	var o app.DemoOptions
	cmd := &cobra.Command{
		Use: "demo", Short: "shows the main job on a throw-away service, end to end",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.RunDemo(cmd.Context(), o, environ, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}

	demo.Flags(cmd.Flags(), &o.Client)
	cmd.Flags().IntVar(&o.Throughput, "throughput", 80,
		"messages a second that the sandbox allows the number; WhatsApp's own levels are 80 and 1000")
	cmd.Flags().BoolVar(&o.Verbose, "verbose", false, "show the service's log")

	return cmd
}
