package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"carillon/app"
	"carillon/database"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/operator"
	"carillon/uid"
)

func organizations(ctx context.Context, p *app.App, a adminArgs) error {
	list, err := p.Operator.Organizations(ctx)
	if err != nil {
		return err
	}

	return a.print(list, func(w io.Writer) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tSTATUS\tMEMBERS\tCONTACTS\tNUMBERS\tSENT 24H\tQUOTA (A DAY, CONTACTS, NUMBERS)")
		for _, o := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s, %s, %s\n", o.ID, o.Name, o.Status, o.Members, o.Contacts,
				o.Numbers, o.Sent,
				limitText(o.Quota.MessagesPerDay), limitText(o.Quota.Contacts), limitText(o.Quota.Numbers))
		}

		_ = table.Flush()
	})
}

func limitText(limit *int) string {
	if limit == nil {
		return "-"
	}
	return fmt.Sprint(*limit)
}

// said is what a command that only changes something prints.
type said struct {
	ID     string `json:"id,omitempty"`
	Status string `json:"status"`
}

func (a adminArgs) say(status string, id ...uid.ID) error {
	what := said{Status: status}
	for _, n := range id {
		what.ID = n.String()
	}

	return a.print(what, func(w io.Writer) { fmt.Fprintln(w, strings.TrimSpace(what.ID+" "+what.Status)) })
}

// organization is the id that the first argument names.
func (a adminArgs) organization() (uid.ID, error) {
	if len(a.names) != 1 {
		return uid.ID{}, errors.New("name one organization by its id, org_…; `carillon admin organizations` lists them")
	}

	id, err := uid.Parse(a.names[0])
	if err != nil || id.Kind() != uid.Organization {
		return uid.ID{}, fmt.Errorf("%q is no id of an organization, org_…; `carillon admin organizations` lists them",
			a.names[0])
	}

	return id, nil
}

func suspend(ctx context.Context, p *app.App, a adminArgs) error {
	id, err := a.organization()
	if err != nil {
		return err
	}

	until, err := a.until(database.Now())
	if err != nil {
		return err
	}
	if err := p.Operator.Suspend(ctx, id, a.text("reason"), until); err != nil {
		return err
	}

	return a.say("SUSPENDED"+untilText(until), id)
}

const (
	longestDays = 36_500 // of a suspension
	untilHelp   = "the end of a suspension is a time like 2026-12-24T18:00:00Z or a span like 12h or 7d, and lies ahead"
)

// until is when a suspension ends by itself; nil when it does not.
func (a adminArgs) until(now time.Time) (*time.Time, error) {
	text := strings.TrimSpace(a.text("until"))
	if text == "" {
		return nil, nil
	}

	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = after(now, text)
	}

	at = at.UTC().Truncate(time.Second)
	if err != nil || !at.After(now) {
		return nil, fmt.Errorf("--until: %q: %s", text, untilHelp)
	}

	return &at, nil
}

// after is the moment a span after now. A span is one of time.ParseDuration, or whole days.
func after(now time.Time, span string) (time.Time, error) {
	if count, whole := strings.CutSuffix(span, "d"); whole {
		days, err := strconv.Atoi(count)
		if err != nil || days < 1 || days > longestDays {
			return time.Time{}, fmt.Errorf("%q is no number of days up to %d", count, longestDays)
		}

		return now.AddDate(0, 0, days), nil
	}

	d, err := time.ParseDuration(span)
	return now.Add(d), err
}

func untilText(until *time.Time) string {
	if until == nil {
		return ""
	}
	return " until " + until.Format(time.RFC3339)
}

func suspendUser(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	until, err := a.until(database.Now())
	if err != nil {
		return err
	}

	_, err = p.Identity.SuspendUser(ctx, a.names[0], identity.Suspension{Until: until, Reason: a.text("reason")})
	if err != nil {
		return err
	}

	return a.say(a.names[0] + " is suspended" + untilText(until))
}

func resumeUser(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}
	if err := p.Identity.ResumeUser(ctx, a.names[0]); err != nil {
		return err
	}

	return a.say(a.names[0] + " can sign in again")
}

func resume(ctx context.Context, p *app.App, a adminArgs) error {
	id, err := a.organization()
	if err != nil {
		return err
	}
	if err := p.Operator.Resume(ctx, id); err != nil {
		return err
	}

	return a.say("ACTIVE", id)
}

func closeOrganization(ctx context.Context, p *app.App, a adminArgs) error {
	id, err := a.sure()
	if err != nil {
		return err
	}
	if err := p.Operator.Close(ctx, id, a.text("reason")); err != nil {
		return err
	}

	return a.say("CLOSED", id)
}

func erase(ctx context.Context, p *app.App, a adminArgs) error {
	id, err := a.sure()
	if err != nil {
		return err
	}

	done, err := p.Operator.Erase(ctx, id)
	if err != nil {
		return err
	}

	return a.print(done, func(w io.Writer) {
		rows := 0
		for _, n := range done.Rows {
			rows += n
		}

		fmt.Fprintf(w, "%s erased: %d rows, and %d users who belonged to nothing else; hourly sums stay\n", id, rows,
			done.Users)
		for _, trouble := range done.Troubles {
			fmt.Fprintln(w, "WhatsApp could not be told:", trouble)
		}
	})
}

// sure is organization for what cannot be undone, or ends what people are doing.
func (a adminArgs) sure() (uid.ID, error) {
	id, err := a.organization()
	if err == nil && !a.is("yes") {
		err = fmt.Errorf("this ends everything of %s: add --yes", id)
	}

	return id, err
}

func quota(ctx context.Context, p *app.App, a adminArgs) error {
	id, err := a.organization()
	if err != nil {
		return err
	}

	var q operator.Quota
	list, err := p.Operator.Organizations(ctx)
	if err != nil {
		return err
	}

	for _, o := range list {
		if o.ID == id {
			q = o.Quota
		}
	}

	for name, limit := range map[string]**int{"messages-per-day": &q.MessagesPerDay, "contacts": &q.Contacts,
		"numbers": &q.Numbers} {
		if text := a.text(name); text != "" {
			if *limit, err = parseLimit(text); err != nil {
				return fmt.Errorf("--%s: %w", name, err)
			}
		}
	}

	if err := p.Operator.SetQuota(ctx, id, q); err != nil {
		return err
	}

	return a.print(q, func(w io.Writer) {
		fmt.Fprintf(w, "%s may send %s messages a day (of UTC), and have %s contacts and %s numbers; - is unlimited\n",
			id, limitText(q.MessagesPerDay), limitText(q.Contacts), limitText(q.Numbers))
	})
}

// parseLimit reads a number, or none for no limit.
func parseLimit(text string) (*int, error) {
	if text == "none" {
		return nil, nil
	}

	var n int
	if _, err := fmt.Sscanf(text+"\n", "%d\n", &n); err != nil || n < 0 {
		return nil, fmt.Errorf("%q is neither a number from 0 on nor none", text)
	}

	return &n, nil
}

func createUser(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 {
		return errors.New("name the user by one e-mail address")
	}

	added, err := p.Identity.AddUser(ctx, identity.NewUser{Email: a.names[0], Name: a.text("name"),
		Organization: a.text("organization"), Role: enum.Role(strings.ToUpper(a.text("role")))})
	if err != nil {
		return err
	}

	return a.print(added, func(w io.Writer) {
		fmt.Fprintln(w, "user", added.User)
		if added.Password != "" {
			fmt.Fprintln(w, "password", added.Password, "(shown once; changePassword sets another)")
		}

		if added.OrganizationName == "" {
			fmt.Fprintln(w, "belongs to no organization, and cannot sign in until they do")
			return
		}

		fmt.Fprintln(w, "in", added.Organization, added.OrganizationName)
	})
}

func maintenance(ctx context.Context, p *app.App, a adminArgs) error {
	if len(a.names) != 1 || a.names[0] != "on" && a.names[0] != "off" {
		return errors.New("say on or off")
	}

	on := a.names[0] == "on"
	var notice *string
	if text := strings.TrimSpace(a.text("notice")); text != "" && on {
		notice = &text
	}
	if err := p.Operator.Maintain(ctx, on, notice); err != nil {
		return err
	}

	return a.say("maintenance is " + a.names[0])
}

func notice(ctx context.Context, p *app.App, a adminArgs) error {
	text := strings.TrimSpace(strings.Join(a.names, " "))
	if text == "" {
		return errors.New(`say what everybody is to know, or off`)
	}

	if text == "off" {
		if err := p.Operator.Announce(ctx, nil); err != nil {
			return err
		}
		return a.say("no notice")
	}

	if err := p.Operator.Announce(ctx, &text); err != nil {
		return err
	}

	return a.say("notice: " + text)
}

func rotateKeys(ctx context.Context, p *app.App, a adminArgs) error {
	done, err := p.Operator.Rotate(ctx, p.Keys)
	if err != nil {
		return err
	}

	err = a.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "%d secrets sealed anew under the first key, %d were under it already\n", done.Sealed, done.Current)
	})
	if err == nil && done.Failed > 0 {
		err = fmt.Errorf("%d secrets open under none of the keys of ENCRYPTION_KEY: give the key that sealed them, too",
			done.Failed)
	}

	return err
}
