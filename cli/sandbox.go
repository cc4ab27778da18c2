package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"carillon/config"
	"carillon/telemetry"
	"carillon/whatsapp/sandbox"
)

// sandboxCommand serves the double of WhatsApp. What of the app no flag says, the environment says.
func sandboxCommand(environ []string) *cobra.Command {
	options := sandbox.Defaults()
	var account string
	cmd := &cobra.Command{
		Use: "sandbox", Short: "WhatsApp's Cloud API as a double, for development and tests", Long: sandbox.Help(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(environ)
			if err != nil {
				return err
			}

			appID, appSecret := cfg.WhatsApp.AppID, cfg.WhatsApp.AppSecret()
			if cfg.WhatsApp.SandboxSecret != "" { // it runs beside WhatsApp, whose app is another
				appID, appSecret = sandbox.AppID, cfg.WhatsApp.SandboxSecret
			}

			for _, f := range []struct {
				flag, value string
				option      *string
			}{
				{"app-id", appID, &options.AppID},
				{"app-secret", appSecret, &options.AppSecret},
				{"verify-token", cfg.WhatsApp.VerifyToken, &options.VerifyToken},
			} {
				if !cmd.Flags().Changed(f.flag) {
					*f.option = f.value
				}
			}

			options.Log = telemetry.Logger(cmd.ErrOrStderr(), cfg.LogLevel, cfg.LogFormat)

			return serveSandbox(cmd.Context(), cfg.HTTPAddr, account, options, cmd.OutOrStdout())
		},
	}
	sandbox.Flags(cmd.Flags(), &options)
	cmd.Flags().StringVar(&account, "account", "", "a WABA to begin with, as wabaId:phoneNumberId:token")

	return cmd
}

func serveSandbox(ctx context.Context, address, account string, options sandbox.Options, stdout io.Writer) error {
	s, err := sandbox.New(options)
	if err != nil {
		return err
	}

	defer s.Close()
	if parts := strings.Split(account, ":"); len(parts) == 3 {
		s.AddAccount(sandbox.AccountSpec{WABAID: parts[0], Name: "Sandbox", Token: parts[2],
			Numbers: []sandbox.NumberSpec{{ID: parts[1], DisplayNumber: "+1 202-555-0199", VerifiedName: "Sandbox"}}})
	} else if account != "" {
		return errors.New("--account: want wabaId:phoneNumberId:token")
	}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.Handle("/", s)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })

	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})

	g.Go(func() error { <-ctx.Done(); return server.Close() })
	fmt.Fprintf(stdout, "WhatsApp's sandbox is at http://%s; what it does: http://%s/sandbox/\n", listener.Addr(),
		listener.Addr())

	return g.Wait()
}
