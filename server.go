// Command carillon is a self-hosted message service on the WhatsApp Business Platform. Package cli
// has its commands, package app builds and runs it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"carillon/app"
	"carillon/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer app.TuneMemory()()

	if !cli.Program(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr) {
		os.Exit(1)
	}
}
