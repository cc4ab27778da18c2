package pricing

import (
	"bytes"
	"context"
	_ "embed"
)

// Example is the card that ships: a few prices of one day, in the tidy form. It shows how a card
// looks, and prices nothing unless the operator imports it by name.
//
//go:embed example.csv
var Example []byte

// exampleCards are the example as cards that nobody imported.
func exampleCards() []*Card {
	sheet, err := readSheet(Example, "")
	if err != nil {
		panic(err) // it is ours, and a test reads it
	}

	for _, c := range sheet.cards {
		c.Name, c.Example = exampleName, true
	}

	return sheet.cards
}

const exampleName = "Example, not to be relied on"

// ImportExample imports the card that ships, marked as what it is. A card of the same currency that
// the operator imports is in force before it, whatever their days.
func (b *Book) ImportExample(ctx context.Context) (Imported, error) {
	return b.Import(ctx, bytes.NewReader(Example), Import{Name: exampleName, Example: true})
}
