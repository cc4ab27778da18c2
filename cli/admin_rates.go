package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"carillon/app"
	"carillon/database"
	"carillon/pricing"
)

const ratesHelp = "say `rates import FILE`, `rates list`, or `rates example` for a file to start from"

func withRates(f *pflag.FlagSet) {
	f.String("effective", "", "the first day on which a file's prices hold, e.g. 2026-10-01, where it does not say so")
	f.String("name", "", "what the cards are called")
	f.Bool("correction", false, "a card of a day that has one already, with other prices, takes its place from now on")
	f.Bool("example", false, "import the example that ships, marked as such, in place of a file")
}

func rates(ctx context.Context, p *app.App, a adminArgs) error {
	switch {
	case len(a.names) == 0:
		return errors.New(ratesHelp)
	case a.names[0] == "list" && len(a.names) == 1:
		return listRates(ctx, p, a)
	case a.names[0] == "example" && len(a.names) == 1:
		_, err := a.stdout.Write(pricing.Example)
		return err
	case a.names[0] == "import":
		return importRates(ctx, p, a)
	}

	return errors.New(ratesHelp)
}

func importRates(ctx context.Context, p *app.App, a adminArgs) error {
	done, err := importedRates(ctx, p, a)
	if err != nil {
		return err
	}

	return a.print(map[string]any{"imported": cardsShown(done.Cards), "known": cardsShown(done.Known),
		"ignored": done.Ignored, "gaps": done.Gaps}, func(w io.Writer) {
		for _, c := range done.Cards {
			fmt.Fprintf(w, "imported: %s (%s, %d markets)\n", c.Name, strings.ToLower(c.Kind), c.Markets())
		}
		for _, c := range done.Known {
			fmt.Fprintf(w, "nothing new: %s is there already, with the same prices\n", c.Name)
		}
		for _, what := range append(done.Ignored, done.Gaps...) {
			fmt.Fprintln(w, "note:", what)
		}
		if len(done.Cards) > 0 {
			fmt.Fprintln(w, "in force within ten seconds; what was charged before stays as it was")
		}
	})
}

func importedRates(ctx context.Context, p *app.App, a adminArgs) (pricing.Imported, error) {
	if a.is("example") {
		if len(a.names) != 1 {
			return pricing.Imported{}, errors.New("--example imports no file: leave it out")
		}
		return p.Prices.ImportExample(ctx)
	}

	if len(a.names) != 2 {
		return pricing.Imported{}, errors.New("name one file: a CSV of Meta's, or one in the tidy form")
	}

	file, err := os.Open(a.names[1])
	if err != nil {
		return pricing.Imported{}, err
	}

	defer file.Close()
	done, err := p.Prices.Import(ctx, file, pricing.Import{From: a.text("effective"), Name: a.text("name"),
		Correction: a.is("correction")})
	if err != nil {
		err = fmt.Errorf("%s: %w", a.names[1], err)
	}

	return done, err
}

// cardShown is a card as the command tells it.
type cardShown struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Currency string  `json:"currency"`
	From     string  `json:"effectiveFrom"`
	Until    *string `json:"effectiveUntil"`
	Revision int     `json:"revision"`
	Markets  int     `json:"markets"`
	Example  bool    `json:"example"`
	Imported bool    `json:"imported"`
	Stale    bool    `json:"stale"`
}

func cardsShown(cards []*pricing.Card) []cardShown {
	shown := make([]cardShown, len(cards))
	for i, c := range cards {
		shown[i] = cardShown{c.Name, c.Kind, c.Currency, c.From, c.Until, c.Revision, c.Markets(), c.Example,
			!c.ID.IsZero(), c.Until == nil && !c.Example && c.Stale(database.Now())}
	}

	return shown
}

func listRates(ctx context.Context, p *app.App, a adminArgs) error {
	cards, err := p.Prices.All(ctx)
	if err != nil {
		return err
	}

	shown := cardsShown(cards)

	return a.print(shown, func(w io.Writer) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tKIND\tCURRENCY\tFROM\tUNTIL\tREVISION\tMARKETS\tNOTE")
		for _, c := range shown {
			until, note := "-", ""
			if c.Until != nil {
				until = *c.Until
			}

			switch {
			case !c.Imported:
				note = "ships as an example, not imported: it prices nothing"
			case c.Example:
				note = "an example, not to be relied on"
			case c.Until != nil && *c.Until < c.From:
				note = "a correction took its place"
			case c.Stale:
				note = "older than this quarter: Meta may have changed its prices"
			}

			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", c.Name, c.Kind, c.Currency, c.From, until, c.Revision,
				c.Markets, note)
		}

		_ = table.Flush()
	})
}
