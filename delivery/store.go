package delivery

import (
	"encoding/json"
	"strings"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// storedColumn is a column of message that facts change.
type storedColumn struct {
	name    string
	changed func(before, after *row) bool
	of      func(rows []*row) database.Column
}

func stored[T comparable](name string, value func(*row) T,
	of func(name string, values []T) database.Column) storedColumn {
	return storedColumn{name, func(before, after *row) bool { return value(before) != value(after) },
		func(rows []*row) database.Column {
			values := make([]T, len(rows))
			for i, r := range rows {
				values[i] = value(r)
			}

			return of(name, values)
		}}
}

var storedColumns = []storedColumn{
	stored("status", func(r *row) enum.MessageStatus { return r.status }, database.Texts),
	stored("skip_reason", func(r *row) *enum.SkipReason { return r.skipReason }, database.NullTexts),
	stored("attempts", func(r *row) int { return r.attempts }, database.Ints),
	stored("settled_attempts", func(r *row) *int { return r.settledAttempts }, database.NullInts),
	stored("wamid", func(r *row) *string { return r.wamid }, database.NullTexts),
	stored("error_code", func(r *row) *int { return r.errorCode }, database.NullInts),
	stored("error_detail", func(r *row) *string { return r.errorDetail }, database.NullTexts),
	stored("not_before", func(r *row) time.Time { return r.notBefore }, database.Times),
	stored("lease_until", func(r *row) *time.Time { return r.leaseUntil }, database.NullTimes),
	stored("accepted_at", func(r *row) *time.Time { return r.acceptedAt }, database.NullTimes),
	stored("sent_at", func(r *row) *time.Time { return r.sentAt }, database.NullTimes),
	stored("delivered_at", func(r *row) *time.Time { return r.deliveredAt }, database.NullTimes),
	stored("read_at", func(r *row) *time.Time { return r.readAt }, database.NullTimes),
	stored("failed_at", func(r *row) *time.Time { return r.failedAt }, database.NullTimes),
	stored("unknown_at", func(r *row) *time.Time { return r.unknownAt }, database.NullTimes),
	stored("closed_at", func(r *row) *time.Time { return r.closedAt }, database.NullTimes),
	stored("pricing", func(r *row) *jsonfield.Pricing { return r.pricing }, pricingColumn),
}

func pricingColumn(name string, values []*jsonfield.Pricing) database.Column {
	documents := make([]json.RawMessage, len(values))
	for i, v := range values {
		if v != nil {
			documents[i], _ = json.Marshal(v) // texts and truth values only
		}
	}

	return database.JSONs(name, documents)
}

// store is the statement that writes changed messages back, with those columns alone that any of
// them changed: most commits change few, and each costs on both sides. There is none when nothing
// has changed.
func store(db *database.DB, before map[uid.ID]*row, rows []*row) []database.Statement {
	if len(rows) == 0 {
		return nil
	}

	ids := make([]uid.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}

	columns, set := []database.Column{database.IDs("id", ids)}, []string{}
	for _, c := range storedColumns {
		for _, r := range rows {
			if c.changed(before[r.id], r) {
				columns, set = append(columns, c.of(rows)), append(set, c.name+" = f."+c.name)
				break
			}
		}
	}

	if len(set) == 0 {
		return nil
	}

	from, args := db.Rowset(nil, columns...)

	return []database.Statement{{What: "change messages", Query: "UPDATE message SET " + strings.Join(set, ", ") +
		" FROM " + from + " WHERE message.id = f.id", Args: args}}
}
