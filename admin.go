package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/identity"
)

// adminCommand is something that the operator does.
type adminCommand struct {
	name, usage, help string
	flags             func(*flag.FlagSet) // besides --json; nil for none
	run               func(ctx context.Context, p *parts, a adminArgs) error
}

// adminCommands in the order of the help.
var adminCommands = []adminCommand{
	{"organizations", "", "lists organizations with their members, contacts, numbers, and messages of the last 24 hours",
		nil, organizations},
	{"suspend", "ORGANIZATION --reason TEXT [--until TIME]",
		"stops its sending at once, until then; its members still read and export", withReasonAndUntil, suspend},
	{"resume", "ORGANIZATION", "opens it again; campaigns that waited for that go on by themselves", nil, resume},
	{"close", "ORGANIZATION --yes [--reason TEXT]", "lets nobody in any more, and sends nothing; its data stays",
		func(f *flag.FlagSet) { withReason(f); withYes(f) }, closeOrganization},
	{"erase", "ORGANIZATION --yes", "closes it and deletes its data; hourly sums stay; may be interrupted and repeated",
		withYes, erase},
	{"quota", "ORGANIZATION [--messages-per-day N] [--contacts N] [--numbers N]",
		"limits what it may have; none is no limit; what is left out stays", func(f *flag.FlagSet) {
			f.String("messages-per-day", "", "messages sent in a day of UTC, or none")
			f.String("contacts", "", "contacts, or none")
			f.String("numbers", "", "phone numbers of connected accounts, or none")
		}, quota},
	{"create-user", "E-MAIL [--name TEXT] [--organization ID-OR-NAME] [--role ROLE]",
		"makes a user and prints a password; puts them into the organization, which is made if there is none of that name",
		func(f *flag.FlagSet) {
			f.String("name", "", "what they are called; otherwise the address up to the @")
			f.String("organization", "", "where they belong")
			f.String("role", "OWNER", "OWNER, ADMIN, CAMPAIGNER or VIEWER")
		}, createUser},
	{"suspend-user", "E-MAIL [--reason TEXT] [--until TIME]",
		"ends the user's sessions and lets them in no more, until then; API keys that they made are refused meanwhile",
		withReasonAndUntil, suspendUser},
	{"resume-user", "E-MAIL", "lets the user sign in again; API keys that they made go on", nil, resumeUser},
	{"verify-email", "E-MAIL", "vouches that the address is its user's, who keeps all they have; make sure who asks",
		nil, verifyEmail},
	{"disable-second-factor", "E-MAIL", "for a user who has lost it; make sure who asks", nil, disableSecondFactor},
	{"maintenance", "on [--notice TEXT] | off",
		"stops changes and sending everywhere within about a second, or lets them go on", func(f *flag.FlagSet) {
			f.String("notice", "", "what everybody is told meanwhile")
		}, maintenance},
	{"notice", "TEXT | off", "tells everybody something, without maintenance", nil, notice},
	{"rotate-keys", "", "seals every secret anew under the first key of ENCRYPTION_KEY", nil, rotateKeys},
	{"reset-password", "E-MAIL", "prints a link for choosing a new password, good for an hour; make sure who asks",
		nil, resetPassword},
	{"verify", "",
		"counts campaigns, hourly sums and logs again from the messages, walks the audit trails, and reports what differs",
		nil, verify},
	{"unmatched", "", "counts the webhooks that were kept, since they were not understood or belong to nothing here",
		nil, unmatched},
	{"replay", "", "takes those webhooks in again, and deletes those that are understood and matched now", nil, replay},
}

func withReason(f *flag.FlagSet) { f.String("reason", "", "why, for those whom it concerns to read") }
func withReasonAndUntil(f *flag.FlagSet) {
	withReason(f)
	f.String("until", "", "when it ends by itself: a time like 2026-12-24T18:00:00Z, or from now on a span like 12h or 7d")
}
func withYes(f *flag.FlagSet) { f.Bool("yes", false, "says that this is meant") }

// adminArgs are a command's arguments, and where its answer goes.
type adminArgs struct {
	names  []string
	flags  *flag.FlagSet
	stdout io.Writer
}

func (a adminArgs) text(name string) string { return a.flags.Lookup(name).Value.String() }
func (a adminArgs) is(name string) bool     { return a.text(name) == "true" }

// print writes what is told in words, or v with --json.
func (a adminArgs) print(v any, words func(io.Writer)) error {
	if !a.is("json") {
		words(a.stdout)
		return nil
	}

	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")

	return encoder.Encode(v)
}

func runAdmin(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || slices.Contains([]string{"help", "--help", "-h"}, args[0]) {
		return adminHelp(stdout)
	}

	i := slices.IndexFunc(adminCommands, func(c adminCommand) bool { return c.name == args[0] })
	if i < 0 {
		return fmt.Errorf("there is no command admin %q; `carillon admin` lists them", args[0])
	}

	a, err := adminCommands[i].parse(args[1:], stdout)
	if err != nil {
		return ignore(err, flag.ErrHelp)
	}

	p, err := open(ctx, environ, stderr)
	if err != nil {
		return err
	}

	defer p.close()
	err = adminCommands[i].run(identity.AsOperator(ctx), p, a)
	flush, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if late := p.hub.Flush(flush); late != nil {
		p.log.Warn("other processes hear of this late", "error", late)
	}

	return err
}

func adminHelp(stdout io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, c := range adminCommands {
		fmt.Fprintf(table, "carillon admin %s %s\t%s\n", c.name, c.usage, c.help)
	}

	fmt.Fprintln(table, "\nEach takes --json for programs, and --help.")

	return table.Flush()
}

// parse reads flags before, between and after the names.
func (c adminCommand) parse(args []string, stdout io.Writer) (adminArgs, error) {
	flags := flag.NewFlagSet("carillon admin "+c.name, flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Bool("json", false, "answer as JSON")
	if c.flags != nil {
		c.flags(flags)
	}

	flags.Usage = func() {
		fmt.Fprintf(stdout, "carillon admin %s %s\n%s\n", c.name, c.usage, c.help)
		flags.PrintDefaults()
	}

	a := adminArgs{flags: flags, stdout: stdout}
	for {
		if err := flags.Parse(args); err != nil {
			return a, err
		}
		if args = flags.Args(); len(args) == 0 {
			return a, nil
		}

		a.names, args = append(a.names, args[0]), args[1:]
	}
}

func resetPassword(ctx context.Context, p *parts, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	link, err := p.identity.ResetLink(ctx, a.names[0])
	if err != nil {
		return err
	}

	return a.print(map[string]string{"link": link}, func(w io.Writer) { fmt.Fprintln(w, link) })
}

func verifyEmail(ctx context.Context, p *parts, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}
	if err := p.identity.VouchFor(ctx, a.names[0]); err != nil {
		return err
	}

	return a.say(a.names[0] + " counts as verified")
}

func disableSecondFactor(ctx context.Context, p *parts, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	changed, err := p.identity.DropSecondFactor(ctx, a.names[0])
	if err != nil {
		return err
	}

	for _, session := range changed {
		p.hub.Announce(ctx, session)
	}

	return a.say(a.names[0] + " signs in with the password alone now, and can set up another second factor")
}

func verify(ctx context.Context, p *parts, a adminArgs) error {
	differences, err := p.queue.Verify(ctx)
	if err != nil {
		return err
	}

	lines := []string{}
	for _, d := range differences {
		lines = append(lines, d.String())
	}

	broken, err := trails(ctx, p, &lines)
	if err != nil {
		return err
	}

	err = a.print(lines, func(w io.Writer) {
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}

		if len(differences) == 0 {
			fmt.Fprintln(w, "every count is what a recount gives")
		}
	})
	if err == nil && len(differences)+broken > 0 {
		err = fmt.Errorf("%d figures differ from a recount, and %d audit trails are broken", len(differences), broken)
	}

	return err
}

// trails walks the audit trails and tells the end of each, which is worth keeping elsewhere.
func trails(ctx context.Context, p *parts, lines *[]string) (broken int, err error) {
	all, err := p.identity.Trails(ctx)
	if err != nil {
		return 0, err
	}

	for _, t := range all {
		if t.Break != "" {
			broken++
			*lines = append(*lines, fmt.Sprintf("the audit trail of %s is broken: %s", t.Organization, t.Break))
			continue
		}

		*lines = append(*lines, fmt.Sprintf("the audit trail of %s is whole up to event %d, whose hash is %s",
			t.Organization, t.Last, t.Head))
	}

	return broken, nil
}

func unmatched(ctx context.Context, p *parts, a adminArgs) error {
	found, err := p.webhooks.Unmatched(ctx)
	if err != nil {
		return err
	}

	return a.print(found, func(w io.Writer) {
		for _, u := range found {
			fmt.Fprintf(w, "%-16s %d kept, seen %d times, the oldest from %s, the newest from %s", u.Reason, u.Payloads,
				u.Seen, u.Oldest.UTC().Format(time.RFC3339), u.Newest.UTC().Format(time.RFC3339))
			if u.Detail != "" {
				fmt.Fprintf(w, ": %s", u.Detail)
			}

			fmt.Fprintln(w)
		}

		if len(found) == 0 {
			fmt.Fprintln(w, "no webhook is kept")
		}
	})
}

// replay runs the journal and the hub as serve does, since what is taken in is committed by the one
// and told by the other.
func replay(ctx context.Context, p *parts, a adminArgs) error {
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
	err = errors.Join(err, a.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "%d webhooks were understood and matched, and deleted; %d stay\n", done.Matched, done.Kept+done.Failed)
	}))
	if err != nil {
		return err
	}
	if done.Failed > 0 {
		return fmt.Errorf("%d webhooks could not be committed; the log says why", done.Failed)
	}

	return g.Wait()
}
