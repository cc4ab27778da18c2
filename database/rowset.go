package database

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
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
	}}
}

// Texts is a column of texts.
func Texts[T ~string](name string, v []T) Column {
	return Column{name, "text", len(v), func() any {
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = string(s)
		}

		return out
	}, func(i int) any { return string(v[i]) }}
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
	}, func(i int) any { return v[i] }}
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
	}}
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
		func(i int) any { return v[i].UTC().Format(sqliteTime) }}
}

// NullTimes is a column of times; nil is NULL.
func NullTimes(name string, v []*time.Time) Column {
	return Column{name, "timestamptz", len(v), func() any { return v }, func(i int) any {
		if v[i] == nil {
			return nil
		}
		return v[i].UTC().Format(sqliteTime)
	}}
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
	}, func(i int) any { return hex.EncodeToString(v[i]) }}
}

// Rowset gives a FROM item of the name f that holds the columns' rows, and appends its parameters
// to args. One statement can so insert or change any number of rows in one round trip, with a text
// that never changes.
func (db *DB) Rowset(args []any, columns ...Column) (from string, all []any) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}

	if db.Dialect == dialect.Postgres {
		arrays := make([]string, len(columns))
		for i, c := range columns {
			cast := c.kind
			if cast == "jsonb" { // an array of jsonb cannot be cast from texts as a whole
				cast = "text"
			}

			arrays[i] = fmt.Sprintf("$%d::%s[]", len(args)+1, cast)
			args = append(args, c.array())
			if c.kind == "jsonb" {
				names[i] += "_text"
			}
		}

		selected := make([]string, len(columns))
		for i, c := range columns {
			selected[i] = names[i]
			if c.kind == "jsonb" {
				selected[i] = names[i] + "::jsonb AS " + c.name
			}
		}

		return "(SELECT " + strings.Join(selected, ", ") + " FROM unnest(" + strings.Join(arrays, ", ") + ") AS u(" +
			strings.Join(names, ", ") + ")) AS f", args
	}

	rows := make([][]any, 0)
	if len(columns) > 0 {
		rows = make([][]any, columns[0].length)
	}

	for i := range rows {
		rows[i] = make([]any, len(columns))
		for j, c := range columns {
			rows[i][j] = c.cell(i)
		}
	}

	document, err := json.Marshal(rows)
	if err != nil {
		panic(fmt.Sprintf("rowset: %v", err)) // texts, numbers and null only
	}

	cells := make([]string, len(columns))
	for j, c := range columns {
		cells[j] = "json_extract(value, '$[" + strconv.Itoa(j) + "]') AS " + c.name
		if c.kind == "uuid" || c.kind == "bytea" {
			cells[j] = "unhex(json_extract(value, '$[" + strconv.Itoa(j) + "]')) AS " + c.name
		}
	}

	return "(SELECT " + strings.Join(cells, ", ") + fmt.Sprintf(" FROM json_each($%d)) AS f", len(args)+1),
		append(args, string(document))
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
