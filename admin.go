package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/tenant"
)

// adminCommands are what the operator does, by name.
var adminCommands = map[string]func(ctx context.Context, p *parts, stdout io.Writer) error{
	"verify": verify, "unmatched": unmatched, "replay": replay,
}

func runAdmin(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) != 1 || adminCommands[args[0]] == nil {
		_, err := fmt.Fprint(stdout, `carillon admin verify      counts campaigns, hourly sums and logs again from the messages, and reports differences
carillon admin unmatched   counts the webhooks that were kept, since they were not understood or belong to nothing here
carillon admin replay      takes those webhooks in again, and deletes those that are understood and matched now
`)
		return err
	}
	p, err := open(ctx, environ, stderr)
	if err != nil {
		return err
	}
	defer p.close()
	return adminCommands[args[0]](tenant.System(ctx), p, stdout)
}

func verify(ctx context.Context, p *parts, stdout io.Writer) error {
	differences, err := p.queue.Verify(ctx)
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Fprintln(stdout, d)
	}
	if len(differences) > 0 {
		return fmt.Errorf("%d figures differ from a recount", len(differences))
	}
	_, err = fmt.Fprintln(stdout, "every count is what a recount gives")
	return err
}

func unmatched(ctx context.Context, p *parts, stdout io.Writer) error {
	found, err := p.webhooks.Unmatched(ctx)
	if err != nil {
		return err
	}
	for _, u := range found {
		fmt.Fprintf(stdout, "%-16s %d kept, seen %d times, the oldest from %s, the newest from %s\n", u.Reason, u.Payloads, u.Seen, u.Oldest.UTC().Format(time.RFC3339), u.Newest.UTC().Format(time.RFC3339))
	}
	if len(found) == 0 {
		fmt.Fprintln(stdout, "no webhook is kept")
	}
	return nil
}

// replay runs the journal and the hub as serve does, since what is taken in is committed by the one and told by the other.
func replay(ctx context.Context, p *parts, stdout io.Writer) error {
	var g errgroup.Group
	start := func(run func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		over := make(chan struct{})
		g.Go(func() error { defer close(over); return run(ctx) })
		return func() { cancel(); <-over }
	}
	stopHub, stopJournal := start(p.hub.Run), start(p.journal.Run)
	done, err := p.webhooks.Replay(ctx)
	stopJournal()
	stopHub()
	fmt.Fprintf(stdout, "%d webhooks were understood and matched, and deleted; %d stay\n", done.Matched, done.Kept+done.Failed)
	if err != nil {
		return err
	}
	if done.Failed > 0 {
		return fmt.Errorf("%d webhooks could not be committed; the log says why", done.Failed)
	}
	return g.Wait()
}
