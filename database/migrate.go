package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/pressly/goose/v3"

	"carillon/ent/migrate"
	"carillon/ent/migrate/migrations"
)

// adjust makes of ent's tables what we want of the database. The tables that grow carry no foreign
// keys: each would cost a look-up per row written, and their rows are written by one package that
// takes the ids from rows it has just read. The event log's key is (organization, sequence).
var adjust = sync.OnceFunc(func() {
	migrate.MessageTable.ForeignKeys = nil
	migrate.DeliveryEventTable.ForeignKeys = nil
	migrate.ConsentRecordTable.ForeignKeys = nil // what is said by somebody who is no contact yet is kept, too

	for _, c := range migrate.DeliveryEventTable.Columns {
		if c.Name == "organization_id" {
			migrate.DeliveryEventTable.PrimaryKey = append([]*schema.Column{c}, migrate.DeliveryEventTable.PrimaryKey...)
		}
	}
})

// Migrate brings the tables up to date and returns the names of the files that it applied. Two
// processes may call it at once.
func (db *DB) Migrate(ctx context.Context) ([]string, error) {
	p, err := db.migrations()
	if err != nil {
		return nil, err
	}

	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}

	var names []string
	for _, r := range results {
		names = append(names, r.Source.Path)
	}

	return names, nil
}

// ErrOutdated says that migrations wait to be applied.
var ErrOutdated = errors.New("the database is not up to date: run `carillon migrate`")

// Current returns ErrOutdated while migrations wait.
func (db *DB) Current(ctx context.Context) error {
	p, err := db.migrations()
	if err != nil {
		return err
	}

	waiting, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("look for migrations: %w", err)
	}
	if waiting {
		return ErrOutdated
	}

	return nil
}

// Drift writes the SQL that would turn the tables into what ent/schema says. On an empty database
// that is all of it; on a migrated PostgreSQL it also repeats partial indexes, whose conditions the
// server words in its own way.
func (db *DB) Drift(ctx context.Context, w io.Writer) error {
	adjust()
	m, err := schema.NewMigrate(&schema.WriteDriver{Driver: entsql.OpenDB(db.Dialect, db.writer), Writer: w},
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithDiffHook(sameKeys))
	if err != nil {
		return err
	}

	return m.Create(ctx, migrate.Tables...)
}

// sameKeys leaves out changes of a key's order alone: of SQLite's tables atlas reads a key in the
// order of the columns, and would have the event log copied each time.
func sameKeys(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		changes, err := next.Diff(current, desired)
		for _, c := range changes {
			if table, is := c.(*atlas.ModifyTable); is {
				table.Changes = slices.DeleteFunc(table.Changes, sameKey)
			}
		}

		return slices.DeleteFunc(changes, func(c atlas.Change) bool {
			table, is := c.(*atlas.ModifyTable)
			return is && len(table.Changes) == 0
		}), err
	})
}

func sameKey(c atlas.Change) bool {
	key, is := c.(*atlas.ModifyPrimaryKey)
	return is && slices.Equal(keyColumns(key.From), keyColumns(key.To))
}

// keyColumns are the names of a key's columns, in alphabetical order.
func keyColumns(key *atlas.Index) (names []string) {
	for _, part := range key.Parts {
		if part.C != nil {
			names = append(names, part.C.Name)
		}
	}

	slices.Sort(names)

	return names
}

func (db *DB) migrations() (*goose.Provider, error) {
	name, kind := "sqlite", goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.Dialect == dialect.Postgres {
		name, kind = "postgres", goose.DialectPostgres
		options = append(options, goose.WithSessionLocker(&migrationLock{pool: db.writer}))
	}

	files, err := fs.Sub(migrations.Files, name)
	if err != nil {
		return nil, err
	}

	return goose.NewProvider(kind, db.writer, files, options...)
}
