package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"carillon/app"
	"carillon/audit"
)

// operation is something that the operator does.
type operation struct {
	name, usage, help string
	flags             func(*pflag.FlagSet) // besides --json; nil for none
	run               func(ctx context.Context, p *app.App, a adminArgs) error
}

// operations in the order of the help.
var operations = []operation{
	{"organizations", "", "lists organizations with their members, contacts, numbers, and messages of the last 24 hours",
		nil, organizations},
	{"suspend", "ORGANIZATION --reason TEXT [--until TIME]",
		"stops its sending at once, until then; its members still read and export", withReasonAndUntil, suspend},
	{"resume", "ORGANIZATION", "opens it again; campaigns that waited for that go on by themselves", nil, resume},
	{"close", "ORGANIZATION --yes [--reason TEXT]", "lets nobody in any more, and sends nothing; its data stays",
		func(f *pflag.FlagSet) { withReason(f); withYes(f) }, closeOrganization},
	{"erase", "ORGANIZATION --yes", "closes it and deletes its data; hourly sums stay; may be interrupted and repeated",
		withYes, erase},
	{"quota", "ORGANIZATION [--messages-per-day N] [--contacts N] [--numbers N]",
		"limits what it may have; none is no limit; what is left out stays", func(f *pflag.FlagSet) {
			f.String("messages-per-day", "", "messages sent in a day of UTC, or none")
			f.String("contacts", "", "contacts, or none")
			f.String("numbers", "", "phone numbers of connected accounts, or none")
		}, quota},
	{"create-user", "E-MAIL [--name TEXT] [--organization ID-OR-NAME] [--role ROLE]",
		"makes a user and prints a password; puts them into the organization, which is made if there is none of that name",
		func(f *pflag.FlagSet) {
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
		"stops changes and sending everywhere within about a second, or lets them go on", func(f *pflag.FlagSet) {
			f.String("notice", "", "what everybody is told meanwhile")
		}, maintenance},
	{"notice", "TEXT | off", "tells everybody something, without maintenance", nil, notice},
	{"rates", "import FILE [--effective DAY] [--name TEXT] [--correction] | list | example",
		"takes Meta's rate cards, by which costs are told; they are never changed or deleted", withRates, rates},
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

func withReason(f *pflag.FlagSet) { f.String("reason", "", "why, for those whom it concerns to read") }
func withReasonAndUntil(f *pflag.FlagSet) {
	withReason(f)
	f.String("until", "", "when it ends by itself: a time like 2026-12-24T18:00:00Z, or from now on a span like 12h or 7d")
}
func withYes(f *pflag.FlagSet) { f.Bool("yes", false, "says that this is meant") }

// adminArgs are a command's arguments, and where its answer goes.
type adminArgs struct {
	names  []string
	flags  *pflag.FlagSet
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

// adminCommand has a command for each operation.
func adminCommand(environ []string) *cobra.Command {
	admin := &cobra.Command{Use: "admin", Short: "what the operator does; alone it lists its commands",
		Long: "What the operator does. Each command takes --json for programs, and --help.",
		Args: oneOfItsCommands, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	for _, o := range operations {
		cmd := &cobra.Command{Use: strings.TrimSpace(o.name + " " + o.usage), Short: o.help,
			DisableFlagsInUseLine: true, Args: cobra.ArbitraryArgs,
			RunE: func(cmd *cobra.Command, args []string) error {
				return o.perform(cmd.Context(), adminArgs{names: args, flags: cmd.Flags(), stdout: cmd.OutOrStdout()},
					environ, cmd.ErrOrStderr())
			},
		}

		cmd.Flags().Bool("json", false, "answer as JSON")
		if o.flags != nil {
			o.flags(cmd.Flags())
		}

		admin.AddCommand(cmd)
	}

	return admin
}

// perform runs an operation beside the processes of the service, and waits until they know of it.
func (o operation) perform(ctx context.Context, a adminArgs, environ []string, stderr io.Writer) error {
	p, err := app.Open(ctx, environ, stderr)
	if err != nil {
		return err
	}

	defer p.Close()
	err = o.run(audit.AsOperator(ctx), p, a)
	flush, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if late := p.Hub.Flush(flush); late != nil {
		p.Log.Warn("other processes hear of this late", "error", late)
	}

	return err
}

func resetPassword(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	link, err := p.Identity.ResetLink(ctx, a.names[0])
	if err != nil {
		return err
	}

	return a.print(map[string]string{"link": link}, func(w io.Writer) { fmt.Fprintln(w, link) })
}

func verifyEmail(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}
	if err := p.Identity.VouchFor(ctx, a.names[0]); err != nil {
		return err
	}

	return a.say(a.names[0] + " counts as verified")
}

func disableSecondFactor(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	if _, err := p.Identity.DropSecondFactor(ctx, a.names[0]); err != nil {
		return err
	}

	return a.say(a.names[0] + " signs in with the password alone now, and can set up another second factor")
}

func verify(ctx context.Context, p *app.App, a adminArgs) error {
	differences, err := p.Queue.Verify(ctx)
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
func trails(ctx context.Context, p *app.App, lines *[]string) (broken int, err error) {
	all, err := audit.Walk(ctx, p.DB)
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

func unmatched(ctx context.Context, p *app.App, a adminArgs) error {
	found, err := p.Webhooks.Unmatched(ctx)
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
func replay(ctx context.Context, p *app.App, a adminArgs) error {
	var g errgroup.Group
	start := func(run func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		over := make(chan struct{})
		g.Go(func() error { defer close(over); return run(ctx) })

		return func() { cancel(); <-over }
	}

	stopHub, stopJournal := start(p.Hub.Run), start(p.Journal.Run)
	done, err := p.Webhooks.Replay(ctx)
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
