package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Columns lists the columns that a bulk statement writes for rows of one Go type, one line a
// column:
//
//	var messageColumns = database.Columns[draft]{
//		database.Col("id", func(d draft) uid.ID { return d.id }, database.IDs),
//		database.Col("address", func(d draft) string { return d.address }, database.Texts),
//	}
type Columns[Row any] []ColumnOf[Row]

// ColumnOf is one column of rows of a Go type.
type ColumnOf[Row any] struct {
	Name   string
	Values func(rows []Row) Column
}

// Col makes a column: value reads it from a row, and kind, such as Texts or IDs, writes it.
func Col[Row, T any](name string, value func(Row) T, kind func(name string, values []T) Column) ColumnOf[Row] {
	return ColumnOf[Row]{name, func(rows []Row) Column {
		values := make([]T, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}

		return kind(name, values)
	}}
}

// Names gives the columns' names, separated by commas.
func (c Columns[Row]) Names() string {
	names := make([]string, len(c))
	for i, column := range c {
		names[i] = column.Name
	}

	return strings.Join(names, ", ")
}

// Of gives the columns' values for a rowset.
func (c Columns[Row]) Of(rows []Row) []Column {
	columns := make([]Column, len(c))
	for i, column := range c {
		columns[i] = column.Values(rows)
	}

	return columns
}

// Insert writes all rows into a table by one statement. No rows are no statement.
func Insert[Row any](ctx context.Context, tx *Tx, table string, columns Columns[Row], rows []Row) error {
	if len(rows) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset(nil, columns.Of(rows)...)
	names := columns.Names()
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+table+" ("+names+") SELECT "+names+" FROM "+from,
		args...); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", len(rows), table, err)
	}

	return nil
}

// Collect reads every row of a result by scan, and closes it. It takes what Query returned, its
// error too.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (all []T, _ error) {
	if err != nil {
		return nil, err
	}

	defer rows.Close()

	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}

		all = append(all, one)
	}

	return all, rows.Err()
}
