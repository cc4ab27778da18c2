package privacy

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"carillon/database"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// search looks through an organization's rows of a table for texts that name the person. The rows
// are deleted, or the texts taken out of them where they are kept.
type search struct {
	table   string
	columns []string // texts
	keep    bool
}

func (s search) page(ctx context.Context, w *work) (more bool, err error) {
	var texts []string
	for _, column := range s.columns {
		texts = append(texts, "coalesce("+column+", '')")
	}

	var ids, named []uid.ID
	rows, err := w.QueryContext(ctx, fmt.Sprintf("SELECT id, %s FROM %s WHERE organization_id = $1 AND id > $2"+
		" ORDER BY id LIMIT %d", strings.Join(texts, ", "), s.table, page), w.organization, w.place)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id uid.ID
		values := make([]string, len(s.columns))
		into := []any{&id}
		for i := range values {
			into = append(into, &values[i])
		}

		if err := rows.Scan(into...); err != nil {
			return err
		}
		if ids = append(ids, id); slices.ContainsFunc(values, w.NamedIn) {
			named = append(named, id)
		}

		return nil
	})
	if err != nil || len(ids) == 0 {
		return false, err
	}

	w.place = ids[len(ids)-1]
	if len(named) == 0 {
		return len(ids) == page, nil
	}

	statement := "DELETE FROM " + s.table
	var args []any
	if s.keep {
		statement, args = "UPDATE "+s.table+" SET "+strings.Join(s.columns, " = $1, ")+" = $1", []any{withheld}
	}

	from, args := w.DB.Rowset(args, database.IDs("id", named))
	_, err = w.exec(ctx, s.table, statement+" WHERE id IN (SELECT id FROM "+from+")", args...)

	return len(ids) == page, err
}

// rules looks through audiences and segments for conditions that name the person. Such a condition
// finds nobody any more; it must not fall away, or its rule would find everybody.
type rules struct{ table, column string }

func (r rules) page(ctx context.Context, w *work) (more bool, err error) {
	type row struct {
		id   uid.ID
		rule []byte
	}

	rows, err := w.QueryContext(ctx, fmt.Sprintf("SELECT id, %s FROM %s WHERE organization_id = $1 AND id > $2"+
		" ORDER BY id LIMIT %d%s", r.column, r.table, page, w.DB.ForUpdate()), w.organization, w.place)
	all, err := database.Collect(rows, err, func(rows *sql.Rows) (one row, err error) {
		return one, rows.Scan(&one.id, &one.rule)
	})
	if err != nil || len(all) == 0 {
		return false, err
	}

	w.place = all[len(all)-1].id
	for _, one := range all {
		rule, changed, err := r.without(one.rule, w.person)
		if err != nil {
			return false, fmt.Errorf("%s of %s: %w", r.column, one.id, err)
		}
		if !changed {
			continue
		}

		_, err = w.exec(ctx, r.table, "UPDATE "+r.table+" SET "+r.column+" = $2 WHERE id = $1", one.id, string(rule))
		if err != nil {
			return false, err
		}
	}

	return len(all) == page, nil
}

// without is a rule that names the person no more.
func (r rules) without(stored []byte, who person) (rule []byte, changed bool, err error) {
	if r.table == "segment" {
		var f jsonfield.ContactFilter
		if err := json.Unmarshal(stored, &f); err != nil {
			return nil, false, err
		}

		changed = who.leave(&f)
		rule, err = json.Marshal(f)

		return rule, changed, err
	}

	var a jsonfield.Audience
	if err := json.Unmarshal(stored, &a); err != nil {
		return nil, false, err
	}

	n := len(a.ContactIDs)
	a.ContactIDs = slices.DeleteFunc(a.ContactIDs, func(id uid.ID) bool { return id == who.contact })
	changed = len(a.ContactIDs) < n
	if a.Filter != nil {
		changed = who.leave(a.Filter) || changed
	}

	for id, f := range a.Rules {
		if who.leave(&f) {
			a.Rules[id], changed = f, true
		}
	}

	rule, err = json.Marshal(a)

	return rule, changed, err
}

// leave takes the person out of a filter's texts.
func (p person) leave(f *jsonfield.ContactFilter) (changed bool) {
	take := func(text *string) {
		if p.NamedIn(*text) {
			*text, changed = withheld, true
		}
	}

	take(&f.Search)
	for i := range f.Attributes {
		if a := &f.Attributes[i]; a.Equals != nil {
			take(a.Equals)
		}
		for j := range f.Attributes[i].In {
			take(&f.Attributes[i].In[j])
		}
	}

	return changed
}

// webhooks deletes the payloads that were kept, are about the organization's accounts or numbers,
// and name the person.
func webhooks(ctx context.Context, w *work) (more bool, err error) {
	return w.dropWebhooks(ctx, lastID, func(body []byte) bool { return w.NamedIn(string(body)) })
}

// lastID comes after all ids.
var lastID = uid.ID(bytes.Repeat([]byte{0xff}, len(uid.ID{})))

// dropWebhooks deletes a page of the organization's payloads of before an id, those that are meant.
func (w *work) dropWebhooks(ctx context.Context, before uid.ID, meant func(body []byte) bool) (more bool, err error) {
	own, err := w.metaIDs(ctx)
	if err != nil {
		return false, err
	}

	read := 0
	var drop []uid.ID
	rows, err := w.QueryContext(ctx, fmt.Sprintf("SELECT id, body FROM unmatched_webhook WHERE id > $1 AND id < $2"+
		" ORDER BY id LIMIT %d", bodies), w.place, before)
	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id uid.ID
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}

		read, w.place = read+1, id
		ours := slices.ContainsFunc(own, func(name []byte) bool { return bytes.Contains(body, name) })
		if ours && meant(body) {
			drop = append(drop, id)
		}

		return nil
	})
	if err != nil || len(drop) == 0 {
		return read == bodies, err
	}

	from, args := w.DB.Rowset(nil, database.IDs("id", drop))
	_, err = w.exec(ctx, "unmatched_webhook", "DELETE FROM unmatched_webhook WHERE id IN (SELECT id FROM "+from+")",
		args...)

	return read == bodies, err
}

// metaIDs are what Meta calls the organization's accounts and numbers, as payloads have it.
func (w *work) metaIDs(ctx context.Context) ([][]byte, error) {
	rows, err := w.QueryContext(ctx, "SELECT waba_id FROM account WHERE organization_id = $1"+
		" UNION SELECT meta_id FROM phone_number WHERE organization_id = $1", w.organization)
	return database.Collect(rows, err, func(rows *sql.Rows) ([]byte, error) {
		var name string
		err := rows.Scan(&name)
		return []byte(`"` + name + `"`), err
	})
}
