package delivery

import (
	"encoding/json"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// storedColumns are those columns of message that facts change.
var storedColumns = database.Columns[*row]{
	database.Tracked("status", func(r *row) enum.MessageStatus { return r.status }, database.Texts),
	database.Tracked("skip_reason", func(r *row) *enum.SkipReason { return r.skipReason }, database.NullTexts),
	database.Tracked("attempts", func(r *row) int { return r.attempts }, database.Ints),
	database.Tracked("settled_attempts", func(r *row) *int { return r.settledAttempts }, database.NullInts),
	database.Tracked("wamid", func(r *row) *string { return r.wamid }, database.NullTexts),
	database.Tracked("error_code", func(r *row) *int { return r.errorCode }, database.NullInts),
	database.Tracked("error_detail", func(r *row) *string { return r.errorDetail }, database.NullTexts),
	database.Tracked("route", func(r *row) enum.MessageRoute { return r.route }, database.OptionalTexts),
	database.Tracked("not_before", func(r *row) time.Time { return r.notBefore }, database.Times),
	database.Tracked("lease_until", func(r *row) *time.Time { return r.leaseUntil }, database.NullTimes),
	database.Tracked("accepted_at", func(r *row) *time.Time { return r.acceptedAt }, database.NullTimes),
	database.Tracked("sent_at", func(r *row) *time.Time { return r.sentAt }, database.NullTimes),
	database.Tracked("delivered_at", func(r *row) *time.Time { return r.deliveredAt }, database.NullTimes),
	database.Tracked("read_at", func(r *row) *time.Time { return r.readAt }, database.NullTimes),
	database.Tracked("failed_at", func(r *row) *time.Time { return r.failedAt }, database.NullTimes),
	database.Tracked("unknown_at", func(r *row) *time.Time { return r.unknownAt }, database.NullTimes),
	database.Tracked("closed_at", func(r *row) *time.Time { return r.closedAt }, database.NullTimes),
	database.Tracked("pricing", func(r *row) *jsonfield.Pricing { return r.pricing }, pricingColumn),
}

var storedID = database.Col("id", func(r *row) uid.ID { return r.id }, database.IDs)

func pricingColumn(name string, values []*jsonfield.Pricing) database.Column {
	return documents(name, values)
}

// documents is a column of JSON; nil is NULL.
func documents[T any](name string, values []*T) database.Column {
	texts := make([]json.RawMessage, len(values))
	for i, v := range values {
		if v != nil {
			texts[i], _ = json.Marshal(v) // of texts, numbers and truth values only
		}
	}

	return database.JSONs(name, texts)
}

// store is the statement that writes changed messages back, with those columns alone that any of
// them changed: most commits change few, and each costs on both sides. There is none when nothing
// has changed.
func store(db *database.DB, before map[uid.ID]*row, rows []*row) []database.Statement {
	changed := storedColumns.Changed(rows, func(r *row) *row { return before[r.id] })
	if len(changed) == 0 {
		return nil
	}

	from, args := db.Rowset(nil, append(database.Columns[*row]{storedID}, changed...).Of(rows)...)

	return []database.Statement{{What: "change messages", Args: args,
		Query: "UPDATE message SET " + changed.Sets() + " FROM " + from + " WHERE message.id = f.id"}}
}
