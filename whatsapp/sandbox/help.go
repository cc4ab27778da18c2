package sandbox

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

const enforced = `The sandbox answers like Meta's WhatsApp Cloud API, below any version (/v25.0/…) or none.

What it enforces
  Tokens          unknown or invalidated: 401, 190; none: 104; an account not covered: 100/33 to a reader, 200 to a writer
  Messages        envelope, recipient, types, text of 4,096 and callback data of 512 characters at most: 100, 131008, 131009, 131021
  Templates sent  missing or not approved 132001, paused 132015, disabled 132016, parameter count 132000, format 132012,
                  parameter names 100, text too long 132005, new lines, tabs and runs of spaces 132018, BSUID for a code 131062
  Templates       name, language, category, TTL, components, examples, variables (2388299, 2388293), lengths (2388040), buttons;
                  duplicates (2388024), names of deleted templates (2388023), edits (2388039), 100 creations an hour (80007)
  Throughput      130429 beyond a number's messages in any sliding second (--throughput)
  Pair limit      131056 beyond 45 messages in a burst and one in 6 seconds after it (--pair-burst)
  Messaging limit 131048 beyond --daily-limit recipients in 24 hours
  Management      5,000 calls an hour for each account: 80007
  Marketing API   other templates 131055, not onboarded 134102, max price on /messages 131061; marketing on /messages where the
                  account sends it only there 131063 (AccountSpec: MarketingMessages, MarketingOnlyThere)
  Conversations   free-form messages to a person whose conversation another app holds: 131070 (POST /sandbox/thread)
  Registration    PIN 133005, three wrong ones in an hour 133008, unverified 133006, of the Business app 100, more than 10 in 72 hours 133016; verification codes 136024, 136025
  Profile         lengths, addresses, trades and handles: 100; usernames: 100, 147001
  Service window  free-form messages later than 24 hours after a user's message are accepted, then fail with 131047
  Countries       marketing templates to numbers of the United States (not all of +1) are accepted, then fail with 131049
  Media           sizes by type: 131053; ids of uploads for 30 days, of what a user sent for 7, by number: 100/33; Range
  Resumable       the scheme OAuth, the id as given, file_offset: 100; a file named "broken…" breaks in the middle, once
  Subscription    webhooks of an account are posted only after POST /{WABA}/subscribed_apps

`

const liberties = `
Where it differs from Meta
  - Webhooks are retried after --retry-delay, doubling up to a minute, for a week; Meta's pauses grow to hours.
  - Statuses wait while no callback URL is set; Meta posts nothing and forgets.
  - A customer signs up by POST /sandbox/signups, or POST /sandbox_signups with the app's token. A code serves once, for ten
    minutes. "code_", the id of an account and whatever follows is a code too, for which nobody had to sign up.
  - A template's review looks at its name and its variables only. Quality, pauses, pacing, archiving and other categories come by
    command or magic name alone. A pause does not end by itself, and portfolios are not paced.
  - The pair limit's burst is paid back evenly; Meta publishes only examples.
  - Recipients are numbers as given: no country code is added, no Brazilian or Mexican number rewritten, nobody has a BSUID.
  - A number whose throughput is not one of Meta's says it in throughput.messages_per_second.
  - Unknown fields of a send are ignored; contents of interactive, location, contacts and reaction messages are not checked.
  - Every verification code is 123456, and a number is sent five in an hour at most; Meta's limit is not published.
  - A username is approved at once. Who holds a conversation changes only by POST /sandbox/thread and thread_control.
  - Media links are not fetched, files are not looked into, and what they hold is gone after a restart (their ids stay); upload handles are not checked.
  - A deleted template is gone at once; PENDING_DELETION comes by command or magic name.
  - Analytics, flows, groups, calls, template library, migration and batch requests do not exist.
`

// Help says what the sandbox enforces, which numbers are magic, how to look inside, and where it
// differs from Meta.
func Help() string {
	var out strings.Builder
	out.WriteString(enforced)
	table := func(title string, rows func(add func(left, right string))) {
		out.WriteString(title + "\n")
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		rows(func(left, right string) { fmt.Fprintf(w, "  %s\t%s\n", left, right) })
		w.Flush()
	}

	table("Magic recipients (fictitious numbers; the fate is the same each time)", func(add func(l, r string)) {
		for _, m := range Magics {
			add("+"+m.Number, m.Does)
		}
	})

	table("\nMagic endings of template names", func(add func(l, r string)) {
		for _, n := range MagicNames {
			add("…"+n.Ending, n.Does)
		}
	})

	table("\nInside (no token needed: keep it away from strangers)", func(add func(l, r string)) {
		add("GET /sandbox/", "this text")
		for _, i := range inspections {
			method, path, _ := strings.Cut(i.call, " ")
			add(method+" /sandbox/"+path, i.does)
		}
	})

	table("\nWhat POST /sandbox/templates does", func(add func(l, r string)) {
		for _, v := range verdicts {
			add(v.name, v.does)
		}
	})

	table("\nWhat POST /sandbox/account does", func(add func(l, r string)) {
		for _, d := range deeds {
			add(d.name, d.does)
		}
	})

	out.WriteString(liberties)

	return out.String()
}
