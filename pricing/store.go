package pricing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"carillon/database"
	"carillon/uid"
)

// Import is what the operator says of a file beside what stands in it.
type Import struct {
	From       string // the first day; empty where the file says it
	Name       string // of the cards; empty: after the file's form, currency and day
	Correction bool   // a card of a day that has one already, with other prices, takes its place
	Example    bool   // it is the example that ships
}

// Imported is what came of a file.
type Imported struct {
	Cards   []*Card  // that are new
	Known   []*Card  // that were there already, with the same prices
	Ignored []string // what the file has beside prices, in words
	Gaps    []string // markets without prices, by card, in words
}

// Import reads a file of Meta's or in the tidy form, and adds its cards: all of them or, with an
// error that names the line, none. A card that is there already with the same prices is left as it
// is.
func (b *Book) Import(ctx context.Context, file io.Reader, how Import) (done Imported, err error) {
	content, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return Imported{}, fmt.Errorf("read the file: %w", err)
	}
	if len(content) > mostBytes {
		return Imported{}, fmt.Errorf("the file has more than %d MB: no rate card is that large", mostBytes>>20)
	}

	sheet, err := readSheet(content, how.From)
	if err != nil {
		return Imported{}, err
	}

	err = b.db.InTx(ctx, func(tx *database.Tx) error {
		done = Imported{Ignored: sheet.ignored}
		have, err := read(ctx, tx.QueryContext)
		if err != nil {
			return err
		}

		for _, card := range sheet.cards {
			card.Name, card.Example, card.Imported = cmp.Or(how.Name, card.title()), how.Example, b.now()
			if err := done.add(ctx, tx, have, card, how.Correction); err != nil {
				return err
			}
		}

		return nil
	})

	switch {
	case database.IsUnique(err):
		return Imported{}, errors.New("another import has added such a card at this moment: try again")
	case err != nil:
		return Imported{}, err
	}

	b.forget()
	for _, c := range done.Cards {
		b.log.Info("a rate card was imported", "card", c.ID.String(), "kind", c.Kind, "currency", c.Currency,
			"from", c.From, "revision", c.Revision, "markets", c.Markets(), "example", c.Example)
	}

	return done, nil
}

// forget has the next who asks read the cards anew.
func (b *Book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Time{}
}

// title is what a card is called whose importer says nothing.
func (c *Card) title() string {
	if c.Kind == KindTiers {
		return fmt.Sprintf("Volume tiers %s from %s", c.Currency, c.From)
	}
	return fmt.Sprintf("Rates %s from %s", c.Currency, c.From)
}

// add stores a card, unless it is there.
func (d *Imported) add(ctx context.Context, tx *database.Tx, have []*Card, card *Card, correction bool) error {
	content, err := card.content()
	if err != nil {
		return err
	}

	var last *Card // of the same day
	for _, c := range have {
		if c.Currency == card.Currency && c.Kind == card.Kind && c.Example == card.Example && c.From == card.From &&
			(last == nil || c.Revision > last.Revision) {
			last = c
		}
	}

	card.Revision = 1
	if last != nil {
		old, err := last.content()
		switch {
		case err != nil:
			return err
		case bytes.Equal(old, content):
			d.Known = append(d.Known, last)
			return nil
		case !correction:
			return fmt.Errorf("%s: there is a card for %s from %s already, imported on %s, with other prices (%s). "+
				"With --correction this one takes its place for what is charged from now on", card.title(), card.Currency,
				card.From, last.Imported.UTC().Format(dayForm), difference(last, card))
		}

		card.Revision = last.Revision + 1
	}

	card.ID = uid.New(uid.RateCard)
	_, err = tx.ExecContext(ctx, `INSERT INTO rate_card
		(id, kind, name, currency, effective_from, revision, example, rates, imported_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, card.ID, card.Kind, card.Name, card.Currency, card.From,
		card.Revision, card.Example, string(content), card.Imported)
	if err != nil {
		return fmt.Errorf("store %s: %w", card.title(), err)
	}

	d.Cards = append(d.Cards, card)
	d.Gaps = append(d.Gaps, card.gaps()...)

	return nil
}

// difference is the first price in which two cards differ, in words.
func difference(old, fresh *Card) string {
	if old.Kind == KindTiers {
		return "other tiers"
	}

	money := func(c *Card, m Market, k Category) string {
		if micros, ok := c.Rates[m][k]; ok {
			return Money{micros, c.Currency}.Amount()
		}
		return "n/a"
	}

	for _, row := range markets {
		for _, k := range categories {
			if a, b := money(old, row.market, k), money(fresh, row.market, k); a != b {
				return fmt.Sprintf("%s, %s: %s there, %s here", row.market, k, a, b)
			}
		}
	}

	return "none that is shown"
}

// gaps are the markets that a list card has no prices for, in words.
func (c *Card) gaps() (gaps []string) {
	if c.Kind != KindList {
		return nil
	}

	for _, row := range markets {
		if existsOn(row.market, c.From) && len(c.Rates[row.market]) == 0 {
			gaps = append(gaps, fmt.Sprintf("%s: no prices for %s", c.title(), row.market))
		}
	}

	return gaps
}

func (b *Book) list(ctx context.Context, tiers bool) ([]*Card, error) {
	all, err := read(ctx, b.db.Query)
	if err != nil {
		return nil, fmt.Errorf("read rate cards: %w", err)
	}

	newCards(all) // says until when each is in force
	all = slices.DeleteFunc(all, func(c *Card) bool { return c.Kind == KindTiers && !tiers })
	if !slices.ContainsFunc(all, func(c *Card) bool { return c.Example }) {
		all = append(all, exampleCards()...)
	}

	slices.SortStableFunc(all, func(a, b *Card) int {
		return cmp.Or(cmp.Compare(order(b), order(a)), cmp.Compare(b.From, a.From), cmp.Compare(b.Revision, a.Revision),
			cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Kind, b.Kind))
	})

	return all, nil
}
