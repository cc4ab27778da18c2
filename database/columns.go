package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
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
	Name    string
	Values  func(rows []Row) Column      // nil for an expression
	Differs func(before, after Row) bool // nil unless Tracked made it

	expression string
}

// Col makes a column: value reads it from a row, and kind, such as Texts or IDs, writes it.
func Col[Row, T any](name string, value func(Row) T, kind func(name string, values []T) Column) ColumnOf[Row] {
	return ColumnOf[Row]{Name: name, Values: func(rows []Row) Column {
		values := make([]T, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}

		return kind(name, values)
	}}
}

// Tracked is Col for a column of which Changed can say whether it changed.
func Tracked[Row any, T comparable](name string, value func(Row) T,
	kind func(name string, values []T) Column) ColumnOf[Row] {
	column := Col(name, value, kind)
	column.Differs = func(before, after Row) bool { return value(before) != value(after) }

	return column
}

// Expr makes a column that the database computes from the others and from shared parameters.
func Expr[Row any](name, expression string) ColumnOf[Row] {
	return ColumnOf[Row]{Name: name, expression: expression}
}

// Named gives those of the columns that have one of the names.
func (c Columns[Row]) Named(names []string) (named Columns[Row]) {
	for _, column := range c {
		if slices.Contains(names, column.Name) {
			named = append(named, column)
		}
	}

	return named
}

// Names gives the columns' names, separated by commas.
func (c Columns[Row]) Names() string {
	names := make([]string, len(c))
	for i, column := range c {
		names[i] = column.Name
	}

	return strings.Join(names, ", ")
}

// Sets gives "name = f.name" for each column, separated by commas: the SET clause of an UPDATE from
// a rowset.
func (c Columns[Row]) Sets() string {
	sets := make([]string, len(c))
	for i, column := range c {
		sets[i] = column.Name + " = f." + column.Name
	}

	return strings.Join(sets, ", ")
}

// Of gives the columns' values for a rowset.
func (c Columns[Row]) Of(rows []Row) []Column {
	columns := make([]Column, 0, len(c))
	for _, column := range c {
		if column.Values != nil {
			columns = append(columns, column.Values(rows))
		}
	}

	return columns
}

// Changed gives those Tracked columns that differ in any row from what before gives for that row.
func (c Columns[Row]) Changed(rows []Row, before func(Row) Row) (changed Columns[Row]) {
	for _, column := range c {
		if slices.ContainsFunc(rows, func(row Row) bool { return column.Differs(before(row), row) }) {
			changed = append(changed, column)
		}
	}

	return changed
}

// Insertion gives a statement that inserts rows into a table, and its parameters. The shared ones
// are $1 and on, for expressions. An ON CONFLICT or RETURNING clause may be appended to the
// statement.
func (c Columns[Row]) Insertion(db *DB, table string, rows []Row, shared ...any) (statement string, args []any) {
	values := make([]string, len(c))
	for i, column := range c {
		values[i] = "f." + column.Name
		if column.Values == nil {
			values[i] = column.expression
		}
	}

	from, args := db.Rowset(shared, c.Of(rows)...)

	return "INSERT INTO " + table + " (" + c.Names() + ") SELECT " + strings.Join(values, ", ") + " FROM " + from +
		" WHERE true", args
}

// Insert writes all rows into a table by one statement. No rows are no statement.
func Insert[Row any](ctx context.Context, tx *Tx, table string, columns Columns[Row], rows []Row,
	shared ...any) error {
	if len(rows) == 0 {
		return nil
	}

	statement, args := columns.Insertion(tx.DB, table, rows, shared...)
	if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", len(rows), table, err)
	}

	return nil
}

// Each hands every row of a result to do, and closes it. It takes what Query returned, its error
// too.
func Each(rows *sql.Rows, err error, do func(*sql.Rows) error) error {
	if err != nil {
		return err
	}

	defer rows.Close()

	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}

	return rows.Err()
}

// Collect reads every row of a result by scan, and closes it. It takes what Query returned, its
// error too.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (all []T, _ error) {
	err = Each(rows, err, func(rows *sql.Rows) error {
		one, err := scan(rows)
		all = append(all, one)

		return err
	})
	if err != nil {
		return nil, err
	}

	return all, nil
}

// CollectMap is Collect for rows that each have a key.
func CollectMap[K comparable, V any](rows *sql.Rows, err error, scan func(*sql.Rows) (K, V, error)) (map[K]V, error) {
	all := map[K]V{}
	err = Each(rows, err, func(rows *sql.Rows) error {
		key, value, err := scan(rows)
		all[key] = value

		return err
	})
	if err != nil {
		return nil, err
	}

	return all, nil
}
