package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"carillon/app"
	"carillon/config"
	"carillon/telemetry"
)

// services are the commands that run unattended, whose standard error is a log. The others speak to
// the person who has called them.
var services = []string{"serve", "work", "migrate", "sandbox"}

// Program is Run for a process that does nothing else. It writes the error, as a line of the log
// where standard error is one, and reports whether there was none.
func Program(ctx context.Context, args, environ []string, stdout, stderr io.Writer) bool {
	level, format := config.Logs(environ)
	log := telemetry.Logger(stderr, level, format)
	app.LogLibraries(log)

	err := Run(ctx, args, environ, stdout, stderr)
	switch {
	case err == nil:
		return true
	case format == "json" && (len(args) == 0 || slices.Contains(services, args[0])):
		log.Error("carillon has ended with an error", "error", strings.TrimSpace(err.Error()))
	default:
		fmt.Fprintln(stderr, "carillon:", err)
	}

	return false
}
