package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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

// fitting takes out of a page whoever would have too many attributes, or too large ones, together
// with what the contact has already. Their rows are rejected. The contacts are locked.
func (w writer) fitting(ctx context.Context, p page, known knownPeople) (page, error) {
	reasons := map[*entry]string{}
	var ids []uid.ID
	var told []json.RawMessage
	of := map[uid.ID]*entry{}

	for _, e := range p.entries {
		if len(e.attributes) == 0 {
			continue
		}

		text, err := json.Marshal(e.attributes)
		if err != nil {
			return p, err
		}

		if reason := checkAttributes(len(e.attributes), len(text)); reason != "" {
			reasons[e] = reason
			continue
		}

		if who := known[e.key]; who.isContact {
			of[who.id], ids, told = e, append(ids, who.id), append(told, text)
		}
	}

	if err := w.measure(ctx, ids, told, func(id uid.ID, reason string) { reasons[of[id]] = reason }); err != nil {
		return p, fmt.Errorf("measure attributes: %w", err)
	}
	if len(reasons) == 0 {
		return p, nil
	}

	p.rejected = slices.Clone(p.rejected)
	for e, reason := range reasons {
		p.accepted -= len(e.lines)
		for _, line := range e.lines {
			p.rejected = append(p.rejected, rejection{line, e.phone, reason})
		}
	}

	slices.SortFunc(p.rejected, func(a, b rejection) int { return a.line - b.line })
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool { return reasons[e] != "" })

	return p, nil
}

// measure tells of each contact that would have too many or too large attributes.
func (w writer) measure(ctx context.Context, ids []uid.ID, told []json.RawMessage, tooMuch func(uid.ID, string)) error {
	if len(ids) == 0 {
		return nil
	}

	merged, keys, size := "contact.attributes || f.attributes", "jsonb_object_keys", "octet_length((%s)::text)"
	if w.DB.Dialect == dialect.SQLite {
		merged, keys, size = "json_patch(contact.attributes, f.attributes)", "json_each", "length(CAST(%s AS BLOB))"
	}

	count := "(SELECT count(*) FROM " + keys + "(" + merged + "))"
	size = fmt.Sprintf(size, merged)
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, maxAttributes, maxAttributeBytes}, database.IDs("id", ids),
		database.JSONs("attributes", told))
	rows, err := w.QueryContext(ctx, `SELECT contact.id, `+count+`, `+size+` FROM `+from+`
		JOIN contact ON contact.organization_id = $1 AND contact.id = f.id WHERE `+count+` > $2 OR `+size+` > $3`, args...)
	if err != nil {
		return err
	}

	defer rows.Close()
	for rows.Next() {
		var id uid.ID
		var count, bytes int
		if err := rows.Scan(&id, &count, &bytes); err != nil {
			return err
		}

		tooMuch(id, checkAttributes(count, bytes))
	}

	return rows.Err()
}
