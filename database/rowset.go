package database

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5/pgtype"

	"carillon/uid"
)

// sqliteTime is how the SQLite driver writes times; texts of this form sort as the times do.
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

// Column is one column of a rowset.
type Column struct {
	name, kind string // kind is PostgreSQL's type
	length     int
	array      func() any      // PostgreSQL: the whole column as one array
	cell       func(i int) any // SQLite: one value, as JSON can carry it
	alike      func() bool     // whether all values are the same
	one        func() any      // PostgreSQL: the first value
}

// IDs is a column of ids; the zero id is NULL.
func IDs(name string, v []uid.ID) Column {
	return Column{name, "uuid", len(v), func() any {
		out := make([]pgtype.UUID, len(v))
		for i, n := range v {
			out[i] = pgtype.UUID{Bytes: n, Valid: !n.IsZero()}
		}

		return out
	}, func(i int) any {
		if v[i].IsZero() {
			return nil
		}
		return hex.EncodeToString(v[i][:])
	}, func() bool { return alike(v) }, func() any { return pgtype.UUID{Bytes: v[0], Valid: !v[0].IsZero()} }}
}

// Texts is a column of texts.
func Texts[T ~string](name string, v []T) Column {
	return Column{name, "text", len(v), func() any {
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = string(s)
		}

		return out
	}, func(i int) any { return string(v[i]) }, func() bool { return alike(v) }, func() any { return string(v[0]) }}
}

// NullTexts is a column of texts; nil is NULL.
func NullTexts[T ~string](name string, v []*T) Column {
	return Column{name, "text", len(v), func() any {
		out := make([]*string, len(v))
		for i, s := range v {
			if s != nil {
				text := string(*s)
				out[i] = &text
			}
		}

		return out
	}, func(i int) any {
		if v[i] == nil {
			return nil
		}
		return string(*v[i])
	}, func() bool { return pointersAlike(v) }, func() any {
		if v[0] == nil {
			return nil
		}
		return string(*v[0])
	}}
}

// OptionalTexts is a column of texts; an empty one is NULL.
func OptionalTexts[T ~string](name string, v []T) Column { return NullTexts(name, orNil(v)) }

// Ints is a column of whole numbers.
func Ints[T ~int | ~int64](name string, v []T) Column {
	return Column{name, "bigint", len(v), func() any {
		out := make([]int64, len(v))
		for i, n := range v {
			out[i] = int64(n)
		}

		return out
	}, func(i int) any { return v[i] }, func() bool { return alike(v) }, func() any { return int64(v[0]) }}
}

// NullInts is a column of whole numbers; nil is NULL.
func NullInts(name string, v []*int) Column {
	return Column{name, "bigint", len(v), func() any {
		out := make([]*int64, len(v))
		for i, n := range v {
			if n != nil {
				wide := int64(*n)
				out[i] = &wide
			}
		}

		return out
	}, func(i int) any {
		if v[i] == nil {
			return nil
		}
		return *v[i]
	}, func() bool { return pointersAlike(v) }, func() any { return v[0] }}
}

// OptionalInts is a column of whole numbers; 0 is NULL.
func OptionalInts(name string, v []int) Column { return NullInts(name, orNil(v)) }

func orNil[T comparable](values []T) []*T {
	var zero T
	pointers := make([]*T, len(values))
	for i := range values {
		if values[i] != zero {
			pointers[i] = &values[i]
		}
	}

	return pointers
}

// Times is a column of times.
func Times(name string, v []time.Time) Column {
	return Column{name, "timestamptz", len(v), func() any { return v },
		func(i int) any { return v[i].UTC().Format(sqliteTime) },
		func() bool { return alike(v) }, func() any { return v[0] }}
}

// NullTimes is a column of times; nil is NULL.
func NullTimes(name string, v []*time.Time) Column {
	return Column{name, "timestamptz", len(v), func() any { return v }, func(i int) any {
		if v[i] == nil {
			return nil
		}
		return v[i].UTC().Format(sqliteTime)
	}, func() bool { return pointersAlike(v) }, func() any { return v[0] }}
}

// JSONs is a column of JSON documents; an empty one is NULL.
func JSONs(name string, v []json.RawMessage) Column {
	return Column{name, "jsonb", len(v), func() any {
		out := make([]*string, len(v))
		for i, b := range v {
			if len(b) > 0 {
				s := string(b)
				out[i] = &s
			}
		}

		return out
	}, func(i int) any {
		if len(v[i]) == 0 {
			return nil
		}
		return string(v[i])
	}, func() bool { return alikeBy(v, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) }, func() any {
		if len(v[0]) == 0 {
			return nil
		}
		return string(v[0])
	}}
}

// Bytes is a column of bytes; none of them is NULL.
func Bytes(name string, v [][]byte) Column {
	return Column{name, "bytea", len(v), func() any {
		out := make([][]byte, len(v))
		for i, b := range v {
			out[i] = append([]byte{}, b...) // nil would be NULL
		}

		return out
	}, func(i int) any { return hex.EncodeToString(v[i]) },
		func() bool { return alikeBy(v, bytes.Equal) }, func() any { return append([]byte{}, v[0]...) }}
}

// Bools is a column of truth values.
func Bools(name string, v []bool) Column {
	return Column{name, "boolean", len(v), func() any { return v }, func(i int) any { return v[i] },
		func() bool { return alike(v) }, func() any { return v[0] }}
}

func alike[T comparable](v []T) bool { return alikeBy(v, func(a, b T) bool { return a == b }) }

func pointersAlike[T comparable](v []*T) bool {
	return alikeBy(v, func(a, b *T) bool { return a == b || a != nil && b != nil && *a == *b })
}

func alikeBy[T any](v []T, same func(a, b T) bool) bool {
	for i := 1; i < len(v); i++ {
		if !same(v[0], v[i]) {
			return false
		}
	}

	return true
}

// fewRows is how many rows a rowset has at least for a column whose values are all the same to
// travel as one value. Fewer would gain little, and have many statements of different texts.
const fewRows = 50

// shared reports whether the column, which is the i-th, travels as one value. The first says how
// many rows there are.
func (c Column) shared(i int) bool { return i > 0 && c.length >= fewRows && c.alike() }

// Rowset gives a FROM item of the name f that holds the columns' rows, and appends its parameters
// to args. One statement can so insert or change any number of rows in one round trip, with a text
// that never changes.
func (db *DB) Rowset(args []any, columns ...Column) (from string, all []any) {
	if db.Dialect == dialect.Postgres {
		return arrays(args, columns)
	}

	return document(args, columns)
}

// document is Rowset for SQLite: the rows are one JSON document of what differs in them.
func document(args []any, columns []Column) (from string, all []any) {
	var cells []string
	var differing []Column
	for i, c := range columns {
		cell := fmt.Sprintf("json_extract(value, '$[%d]')", len(differing))
		if c.shared(i) {
			args = append(args, c.cell(0))
			cell = fmt.Sprintf("$%d", len(args))
		} else {
			differing = append(differing, c)
		}

		if c.kind == "uuid" || c.kind == "bytea" {
			cell = "unhex(" + cell + ")"
		}

		cells = append(cells, cell+" AS "+c.name)
	}

	rows := make([][]any, 0)
	if len(columns) > 0 {
		rows = make([][]any, columns[0].length)
	}

	for i := range rows {
		rows[i] = make([]any, len(differing))
		for j, c := range differing {
			rows[i][j] = c.cell(i)
		}
	}

	text, err := json.Marshal(rows)
	if err != nil {
		panic(fmt.Sprintf("rowset: %v", err)) // texts, numbers and null only
	}

	args = append(args, string(text))

	return "(SELECT " + strings.Join(cells, ", ") + fmt.Sprintf(" FROM json_each($%d)) AS f", len(args)), args
}

// arrays is Rowset for PostgreSQL: columns are arrays, but for those whose values are all the same.
func arrays(args []any, columns []Column) (from string, all []any) {
	var selected, names, unnested []string
	for i, c := range columns {
		cast, name := c.kind, c.name
		if cast == "jsonb" { // an array of jsonb cannot be cast from texts as a whole
			cast, name = "text", name+"_text"
		}

		if c.shared(i) {
			args = append(args, c.one())
			name = fmt.Sprintf("$%d::%s", len(args), cast)
		} else {
			args = append(args, c.array())
			names, unnested = append(names, name), append(unnested, fmt.Sprintf("$%d::%s[]", len(args), cast))
		}

		switch {
		case c.kind == "jsonb":
			name += "::jsonb AS " + c.name
		case name != c.name:
			name += " AS " + c.name
		}

		selected = append(selected, name)
	}

	return "(SELECT " + strings.Join(selected, ", ") + " FROM unnest(" + strings.Join(unnested, ", ") + ") AS u(" +
		strings.Join(names, ", ") + ")) AS f", args
}

// UnionAll makes one statement of selections with the same columns, each of which may have an order
// and a limit of its own; their rows come in no order.
func UnionAll(parts []*entsql.Selector) (all *entsql.Selector) {
	for i, p := range parts {
		one := entsql.Dialect(p.Dialect()).Select("*").From(p.As(fmt.Sprintf("p%d", i)))
		if all == nil {
			all = one
		} else {
			all.UnionAll(one)
		}
	}

	return all
}
