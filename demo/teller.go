package demo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	barWidth  = 14          // leaves room for the counts in 80 columns
	lineEvery = time.Second // without a terminal
)

// teller says in short lines what happens.
type teller struct {
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	lastLine time.Time
	lastText string
}

func newTeller(o Options) *teller {
	t := &teller{w: o.Out, terminal: o.Terminal}
	if o.JSON {
		t.w = o.Err
	}

	return t
}

// step tells that something was done, and how long it took.
func (t *teller) step(began time.Time, name, format string, args ...any) {
	fmt.Fprintf(t.w, "%8s  %-15s %s\n", took(time.Since(began)), name, fmt.Sprintf(format, args...))
}

// note interrupts the progress.
func (t *teller) note(text string) {
	if t.bar != nil {
		_ = t.bar.Clear()
	}

	fmt.Fprintf(t.w, "          %s\n", text)
}

// progress shows how far the messages are: settled in the bar, the way there beside it.
func (t *teller) progress(launched time.Time, of *tally, p progress) {
	text := fmt.Sprintf("%s sent, %s delivered, %s read", thousands(of.at(wasSent)), thousands(of.at(wasDelivered)),
		thousands(of.at(wasRead)))
	if failed := of.standing[statusFailed]; failed > 0 {
		text += fmt.Sprintf(", %s failed", thousands(failed))
	}
	if p.Progress.RatePerSecond > 0 {
		text += fmt.Sprintf(", %s/s", thousands(int(p.Progress.RatePerSecond)))
	}

	if t.terminal {
		if t.bar == nil {
			t.bar = progressbar.NewOptions(of.recipients, progressbar.OptionSetWriter(t.w), progressbar.OptionSetWidth(barWidth),
				progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionSetPredictTime(false),
				progressbar.OptionSetElapsedTime(false))
		}

		// The end is endProgress's: a bar that is full shows no more.
		t.bar.Describe(text)
		_ = t.bar.Set(min(of.settled(), of.recipients-1))

		return
	}

	if now := time.Now(); now.Sub(t.lastLine) >= lineEvery && text != t.lastText {
		t.lastLine, t.lastText = now, text
		t.step(launched, "", "%s", text)
	}
}

// endProgress fills the bar if all is well, and else leaves it as it stands.
func (t *teller) endProgress(of *tally) {
	if t.bar == nil {
		return
	}
	if of.standsWell() >= of.recipients {
		_ = t.bar.Finish()
	}

	fmt.Fprintln(t.w)
	t.bar = nil
}

// summary is the table at the end.
func (t *teller) summary(launched time.Time, r Result, of *tally, failures []failure) {
	fmt.Fprintf(t.w, "\nWhat became of %s messages\n", thousands(r.Recipients))
	for _, row := range []struct {
		name string
		n    int
	}{
		{"accepted", r.Accepted}, {"sent", r.Sent}, {"delivered", r.Delivered}, {"read", r.Read},
		{"failed", r.Failed}, {"skipped", r.Skipped}, {"unknown", r.Unknown},
	} {
		share := 1000 * row.n / r.Recipients // rounded down: 100 % is everybody
		fmt.Fprintf(t.w, "  %-10s %9s  %4d.%d %%\n", row.name, thousands(row.n), share/10, share%10)
	}

	t.failures(failures)
	fmt.Fprintln(t.w)
	if !of.handled.IsZero() {
		fmt.Fprintf(t.w, "%s messages a second: the last one was out %s after the launch, the last receipt in after %s.\n",
			thousands(int(r.PerSecond)), took(of.handled.Sub(launched)), took(of.lastEvent.Sub(launched)))
	}

	fmt.Fprintf(t.w, "%s events, %s missing, %s repeated.\n", thousands(r.Events), thousands(r.SequenceGaps),
		thousands(r.DuplicateEvents))
}

func (t *teller) failures(failures []failure) {
	if len(failures) == 0 {
		return
	}

	fmt.Fprintln(t.w, "\nWhy messages failed")
	slices.SortStableFunc(failures, func(a, b failure) int { return cmp.Compare(b.Count, a.Count) })

	for _, f := range failures {
		fmt.Fprintf(t.w, "  %s × %d %s\n", thousands(f.Count), f.Code, f.Title)
		if f.Advice != "" {
			fmt.Fprintf(t.w, "      %s\n", strings.ReplaceAll(f.Advice, "\n", " "))
		}
	}
}

// took writes a time to about three digits.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}

	return d.Round(time.Second).String()
}

// thousands writes 20000 as 20,000.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}

	return text
}
