package audience

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"entgo.io/ent/dialect"

	"carillon/database"
	"carillon/uid"
)

// maxAttributeBytes is how large the attributes of one contact may be, as JSON.
const maxAttributeBytes = 64 << 10

// checkAttributes looks at so many attributes of one contact, and at their bytes as JSON.
func checkAttributes(count, bytes int) (reason string) {
	switch {
	case count > maxAttributes:
		return fmt.Sprintf("the contact would have %d attributes; at most %d: leave out columns or remove attributes",
			count, maxAttributes)
	case bytes > maxAttributeBytes:
		return fmt.Sprintf("the attributes of the contact would have %d KiB; at most %d: shorten the values",
			(bytes+1023)>>10, maxAttributeBytes>>10)
	}

	return ""
}

// oversized refuses whoever would have too many attributes, or too large ones, together with what
// the contact has already. The contacts are locked.
func (w writer) oversized(ctx context.Context, p page, known knownPeople) (map[*entry]refusal, error) {
	refused := map[*entry]refusal{}
	var added []addedAttributes

	for _, e := range p.entries {
		if len(e.attributes) == 0 {
			continue
		}

		text, err := json.Marshal(e.attributes)
		if err != nil {
			return nil, err
		}

		if reason := checkAttributes(len(e.attributes), len(text)); reason != "" {
			refused[e] = refusal{e.phone, reason}
		} else if who := known[e.key]; who.isContact {
			added = append(added, addedAttributes{e, who.id, text})
		}
	}

	reasons, err := w.measure(ctx, added)
	if err != nil {
		return nil, fmt.Errorf("measure attributes: %w", err)
	}

	for _, a := range added {
		if reason := reasons[a.contact]; reason != "" {
			refused[a.entry] = refusal{a.phone, reason}
		}
	}

	return refused, nil
}

// addedAttributes are those that an entry adds to a contact's.
type addedAttributes struct {
	*entry
	contact uid.ID
	text    json.RawMessage
}

var addedColumns = database.Columns[addedAttributes]{
	database.Col("id", func(a addedAttributes) uid.ID { return a.contact }, database.IDs),
	database.Col("attributes", func(a addedAttributes) json.RawMessage { return a.text }, database.JSONs),
}

// measure gives a reason for each contact that would have too many or too large attributes.
func (w writer) measure(ctx context.Context, added []addedAttributes) (reasons map[uid.ID]string, err error) {
	if len(added) == 0 {
		return nil, nil
	}

	merged, keys, size := "contact.attributes || f.attributes", "jsonb_object_keys", "octet_length((%s)::text)"
	if w.DB.Dialect == dialect.SQLite {
		merged, keys, size = "json_patch(contact.attributes, f.attributes)", "json_each", "length(CAST(%s AS BLOB))"
	}

	count := "(SELECT count(*) FROM " + keys + "(" + merged + "))"
	size = fmt.Sprintf(size, merged)
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, maxAttributes, maxAttributeBytes}, addedColumns.Of(added)...)
	rows, err := w.QueryContext(ctx, `SELECT contact.id, `+count+`, `+size+` FROM `+from+`
		CROSS JOIN contact WHERE contact.organization_id = $1 AND contact.id = f.id
		AND (`+count+` > $2 OR `+size+` > $3)`, args...)

	return database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, reason string, err error) {
		var count, bytes int
		err = rows.Scan(&id, &count, &bytes)

		return id, checkAttributes(count, bytes), err
	})
}
