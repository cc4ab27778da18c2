package pricing

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"carillon/database"
	"carillon/uid"
)

// rememberFor is how old the cards and currencies may be that a process goes by. A card that was
// imported is in force everywhere after that.
const rememberFor = 10 * time.Second

// Query reads with plain SQL: a transaction's, or a database's.
type Query func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

// Book is the cards, for one process. It holds them in memory, and looks every few seconds whether
// there are new ones.
type Book struct {
	db  *database.DB
	now func() time.Time
	log *slog.Logger

	mu         sync.Mutex
	cards      *Cards
	count      int // of the rows that cards were read from: no row ever changes or goes
	currencies map[uid.ID]string
	until      time.Time
}

// NewBook makes a book over db.
func NewBook(db *database.DB, now func() time.Time, log *slog.Logger) *Book {
	return &Book{db: db, now: now, log: log}
}

// Prices are the cards, with the currencies of those accounts. It reads what it does not hold: most
// calls run no statement.
func (b *Book) Prices(ctx context.Context, accounts ...uid.ID) (*Prices, error) {
	return b.PricesBy(ctx, b.db.Query, accounts...)
}

// PricesBy is Prices that reads by a query, such as that of the transaction it is asked in.
func (b *Book) PricesBy(ctx context.Context, query Query, accounts ...uid.ID) (*Prices, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); !now.Before(b.until) {
		if err := b.refresh(ctx, query); err != nil {
			return nil, fmt.Errorf("read rate cards: %w", err)
		}

		b.currencies, b.until = map[uid.ID]string{}, now.Add(rememberFor)
	}

	var unknown []uid.ID
	for _, id := range accounts {
		if _, ok := b.currencies[id]; !ok {
			unknown = append(unknown, id)
		}
	}

	if len(unknown) > 0 {
		if err := b.learn(ctx, query, unknown); err != nil {
			return nil, fmt.Errorf("read currencies: %w", err)
		}
	}

	p := &Prices{Cards: b.cards, currencies: make(map[uid.ID]string, len(accounts))}
	for _, id := range accounts {
		p.currencies[id] = b.currencies[id]
	}

	return p, nil
}

// refresh reads the cards, if there are new ones.
func (b *Book) refresh(ctx context.Context, query Query) error {
	count := 0
	rows, err := query(ctx, "SELECT count(*) FROM rate_card")
	err = database.Each(rows, err, func(rows *sql.Rows) error { return rows.Scan(&count) })
	if err != nil || b.cards != nil && count == b.count {
		return err
	}

	all, err := read(ctx, query)
	if err != nil {
		return err
	}

	b.cards, b.count = newCards(all), len(all)

	return nil
}

// learn reads accounts' currencies. One that is not known, or no account's, is remembered as such.
func (b *Book) learn(ctx context.Context, query Query, accounts []uid.ID) error {
	found := make(map[uid.ID]string, len(accounts))
	for _, id := range accounts {
		found[id] = ""
	}

	from, args := b.db.Rowset(nil, database.IDs("id", accounts))
	rows, err := query(ctx, "SELECT account.id, account.currency FROM account JOIN "+from+" ON account.id = f.id", args...)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id uid.ID
		var cell *string
		if err := rows.Scan(&id, &cell); err != nil || cell == nil {
			return err
		}
		if code, ok := currencyOf(*cell); ok {
			found[id] = code
		}

		return nil
	})
	if err == nil {
		maps.Copy(b.currencies, found)
	}

	return err
}

// read reads all cards.
func read(ctx context.Context, query Query) ([]*Card, error) {
	rows, err := query(ctx, `SELECT id, kind, name, currency, effective_from, revision, example, rates, imported_at
		FROM rate_card`)

	return database.Collect(rows, err, func(rows *sql.Rows) (*Card, error) {
		c, rates := &Card{}, []byte{}
		var at database.NullTime
		err := rows.Scan(&c.ID, &c.Kind, &c.Name, &c.Currency, &c.From, &c.Revision, &c.Example, &rates, &at)
		if err != nil {
			return nil, err
		}

		c.Imported = at.Time
		if err := c.take(rates); err != nil {
			return nil, fmt.Errorf("rate card %s: %w", c.ID, err)
		}

		return c, nil
	})
}

// take reads the prices as content wrote them.
func (c *Card) take(content []byte) error {
	if c.Kind == KindTiers {
		return json.Unmarshal(content, &c.Tiers)
	}
	return json.Unmarshal(content, &c.Rates)
}

// content is the prices as they are stored. Equal prices are equal bytes: maps are written in the
// order of their keys.
func (c *Card) content() ([]byte, error) {
	if c.Kind == KindTiers {
		return json.Marshal(c.Tiers)
	}
	return json.Marshal(c.Rates)
}

// List is all list cards, the newest first, and then the example that ships, unless it has been
// imported.
func (b *Book) List(ctx context.Context) ([]*Card, error) { return b.list(ctx, false) }

// All is List with the volume tiers.
func (b *Book) All(ctx context.Context) ([]*Card, error) { return b.list(ctx, true) }
