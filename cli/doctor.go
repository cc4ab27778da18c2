package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"carillon/app"
)

// doctorCommand looks at what stands around the service.
func doctorCommand(environ []string) *cobra.Command {
	var asJSON bool
	cmd := simple("doctor", "looks at stores, clock, WhatsApp, tokens, webhooks, proxy and limits, and says what to do",
		func(cmd *cobra.Command) error {
			findings := app.Examine(cmd.Context(), environ)
			if err := report(cmd.OutOrStdout(), findings, asJSON); err != nil {
				return err
			}

			problems := 0
			for _, f := range findings {
				if f.Verdict == app.Problem {
					problems++
				}
			}
			if problems > 0 {
				return fmt.Errorf("doctor: %d of %d findings are problems", problems, len(findings))
			}

			return nil
		})

	cmd.Long = "Exit status 1 says that something does not work; warnings alone end with 0. It changes nothing, and\n" +
		"works beside running processes and without. Run it with the environment of the service."
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object with all findings")

	return cmd
}

// report writes what is worst first.
func report(w io.Writer, findings []app.Finding, asJSON bool) error {
	order := []app.Verdict{app.Problem, app.Warning, app.Fine}
	slices.SortStableFunc(findings, func(a, b app.Finding) int {
		return slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict)
	})

	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{"findings": findings})
	}

	for _, f := range findings {
		line := fmt.Sprintf("%-8s %-14s %s", f.Verdict, f.Check, f.Says)
		if f.Do != "" {
			line += "\n" + fmt.Sprintf("%23s -> %s", "", f.Do)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}

	return nil
}
