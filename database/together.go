package database

import (
	"context"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"carillon/uid"
)

// Statement is one of those that go to the database together.
type Statement struct {
	What  string // it is for, for its error: "count campaigns"
	Query string
	Args  []any
	Read  func(Rows) error // what it gives; nil for a statement whose rows nobody wants
}

// Rows are what a statement gives.
type Rows interface {
	Next() bool
	Scan(...any) error
	Err() error
}

// ID is where Scan puts an id. PostgreSQL's driver hands ids over as they are to it, and as texts
// to a uid.ID.
type ID struct{ *uid.ID }

// ScanUUID takes the 16 bytes; NULL is the zero id.
func (n ID) ScanUUID(v pgtype.UUID) error {
	*n.ID = v.Bytes
	return nil
}

var errOver = errors.New("the transaction is over")

// Together runs statements one after the other, and on PostgreSQL in one round trip: none waits for
// the answer to the one before it. So it is for those that need nothing of each other's answers.
// The first that fails is the last that is run.
func (tx *Tx) Together(ctx context.Context, statements ...Statement) error {
	if len(statements) == 0 {
		return nil
	}

	if tx.DB.Dialect != dialect.Postgres {
		for _, s := range statements {
			if err := tx.run(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s.What, err)
			}
		}

		return nil
	}

	return tx.conn.Raw(func(conn any) error {
		c := conn.(*stdlib.Conn).Conn()
		if c.PgConn().TxStatus() != 'T' {
			return errOver // rolled back because its context ended: what follows would be committed alone
		}

		batch := &pgx.Batch{}
		for _, s := range statements {
			batch.Queue(s.Query, s.Args...)
		}

		results := c.SendBatch(ctx, batch)
		for _, s := range statements {
			if err := s.result(results); err != nil {
				_ = results.Close() // the same error again
				return fmt.Errorf("%s: %w", s.What, err)
			}
		}

		return results.Close()
	})
}

func (s Statement) result(results pgx.BatchResults) error {
	if s.Read == nil {
		_, err := results.Exec()
		return err
	}

	rows, err := results.Query()
	if err != nil {
		return err
	}

	defer rows.Close()
	if err := s.Read(rows); err != nil {
		return err
	}

	rows.Close()

	return rows.Err()
}

func (tx *Tx) run(ctx context.Context, s Statement) error {
	if s.Read == nil {
		_, err := tx.ExecContext(ctx, s.Query, s.Args...)
		return err
	}

	rows, err := tx.QueryContext(ctx, s.Query, s.Args...)
	if err != nil {
		return err
	}

	defer rows.Close()
	if err := s.Read(rows); err != nil {
		return err
	}

	return rows.Err()
}
