package audience

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// take writes a page and moves the import on behind it, in one transaction. It does nothing, and
// says so, when the import does not stand where the page begins: another worker took it, or the
// import is over.
func (s *Service) take(ctx context.Context, im *ent.ContactImport, p page) (moved bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		moved = false
		listThere, read, rejected := true, 0, 0
		query := `SELECT contact_list_id IS NULL OR EXISTS (SELECT 1 FROM contact_list l WHERE l.organization_id = $2 AND l.id = contact_list_id),
			rows_read, rejected FROM contact_import WHERE id = $1 AND organization_id = $2 AND status = $3 AND next_offset = $4` + tx.DB.ForUpdate()
		err := tx.QueryRowContext(ctx, query, im.ID, im.OrganizationID, enum.JobStatusRunning, p.from).
			Scan(&listThere, &read, &rejected)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock import: %w", err)
		}

		moved = true
		w := writer{Tx: tx, im: im, read: read, rejected: rejected, now: s.moment()}
		if !listThere {
			return w.finish(ctx, enum.JobStatusFailed, "the list was deleted")
		}

		return w.page(ctx, p)
	})

	return moved, err
}

// writer is one page's transaction.
type writer struct {
	*database.Tx
	im             *ent.ContactImport
	read, rejected int // rows before this page
	now            time.Time
}

func (w writer) page(ctx context.Context, p page) error {
	if err := HoldPeople(ctx, w.Tx, w.im.OrganizationID); err != nil {
		return err
	}

	known, err := w.people(ctx, p)
	if err != nil {
		return fmt.Errorf("look for contacts: %w", err)
	}

	p = withoutDoubt(p, known)
	if p, err = w.fitting(ctx, p, known); err != nil {
		return err
	}
	if p, err = w.within(ctx, p, known); err != nil {
		return err
	}

	written, err := w.contacts(ctx, p.entries, known)
	if err != nil {
		return fmt.Errorf("write contacts: %w", err)
	}
	if err := w.members(ctx, written); err != nil {
		return fmt.Errorf("fill list: %w", err)
	}
	if err := w.consent(ctx, written); err != nil {
		return fmt.Errorf("record consent: %w", err)
	}
	if err := w.rejections(ctx, p.rejected); err != nil {
		return fmt.Errorf("record rejections: %w", err)
	}

	_, err = w.ExecContext(ctx, `UPDATE contact_import SET next_offset = $3, next_line = $4, rows_read = rows_read + $5,
		created = created + $6, updated = updated + $7, rejected = rejected + $8 WHERE id = $1 AND organization_id = $2`,
		w.im.ID, w.im.OrganizationID, p.to, p.line, p.accepted+len(p.rejected), written.made, p.accepted-written.made,
		len(p.rejected))
	if err != nil {
		return fmt.Errorf("move import: %w", err)
	}
	if reason := w.hopeless(p); reason != "" {
		return w.finish(ctx, enum.JobStatusFailed, reason)
	}
	if p.last {
		return w.finish(ctx, enum.JobStatusCompleted, "")
	}

	return nil
}

// knownPeople are those whose numbers stand on a page, by the number's key.
type knownPeople map[string]struct {
	id        uid.ID
	isContact bool
}

// people reads who is known of the numbers on a page, and locks the contacts among them in the
// order of their ids.
func (w writer) people(ctx context.Context, p page) (knownPeople, error) {
	found := knownPeople{}
	if len(p.entries) == 0 {
		return found, nil
	}

	keys := make([]string, len(p.entries))
	for i, e := range p.entries {
		keys[i] = e.key
	}

	from, args := w.DB.Rowset([]any{w.im.OrganizationID}, database.Texts("value", keys))
	rows, err := w.QueryContext(ctx, `SELECT i.value, i.contact_id FROM `+from+
		` JOIN contact_identifier i ON i.organization_id = $1 AND i.kind = 'PHONE' AND i.value = f.value`, args...)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	var people []uid.ID
	byID := map[uid.ID]string{}

	for rows.Next() {
		var key string
		var id uid.ID
		if err := rows.Scan(&key, &id); err != nil {
			return nil, err
		}

		entry := found[key]
		entry.id = id
		found[key], byID[id] = entry, key
		people = append(people, id)
	}

	if err := rows.Err(); err != nil || len(people) == 0 {
		return found, err
	}

	from, args = w.DB.Rowset(nil, database.IDs("id", people))
	contacts, err := database.ScanIDs(w.QueryContext(ctx, "SELECT id FROM contact WHERE id IN (SELECT id FROM "+
		from+") ORDER BY id"+w.DB.ForNoKeyUpdate(), args...))

	for _, id := range contacts {
		entry := found[byID[id]]
		entry.isContact = true
		found[byID[id]] = entry
	}

	return found, err
}

// withoutDoubt rejects the rows whose number no plan knows and WhatsApp has not told of either.
func withoutDoubt(p page, known knownPeople) page {
	unknown := func(e *entry) bool { return e.doubt != "" && known[e.key].id.IsZero() }
	if !slices.ContainsFunc(p.entries, unknown) {
		return p
	}

	p.rejected = slices.Clone(p.rejected)
	for _, e := range p.entries {
		if !unknown(e) {
			continue
		}

		p.accepted -= len(e.lines)
		for _, line := range e.lines {
			p.rejected = append(p.rejected, rejection{line, cut(clean(e.written), maxRawKept), cut(e.doubt, maxReason)})
		}
	}

	slices.SortFunc(p.rejected, func(a, b rejection) int { return a.line - b.line })
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), unknown)

	return p
}

// pagePeople are those whom a page has written.
type pagePeople struct {
	fresh []uid.ID // of whom nothing was known
	rest  []uid.ID // contacts already, or people of whom something was
	made  int      // were no contacts
}

func (w pagePeople) all() []uid.ID { return slices.Concat(w.fresh, w.rest) }

// contacts makes or changes the contacts. What a row leaves empty stays as it is.
func (w writer) contacts(ctx context.Context, entries []*entry, known knownPeople) (out pagePeople, err error) {
	if len(entries) == 0 {
		return out, nil
	}

	n := len(entries)
	of := make(map[*entry]uid.ID, n)
	var strangers []uid.ID
	var fresh []*entry

	for _, e := range entries {
		who, told := known[e.key]
		switch {
		case !told:
			of[e] = uid.New(uid.Contact)
			out.fresh, fresh = append(out.fresh, of[e]), append(fresh, e)
		default:
			of[e] = who.id
			out.rest = append(out.rest, who.id)
			if !who.isContact {
				strangers = append(strangers, who.id)
			}
		}
	}

	out.made = len(out.fresh) + len(strangers)
	if err := w.keep(ctx, fresh, out.fresh); err != nil {
		return out, err
	}

	said, err := histories(ctx, w.Tx, strangers...)
	if err != nil {
		return out, err
	}

	entries = slices.Clone(entries)
	// everybody locks contacts in the order of their ids
	slices.SortFunc(entries, func(a, b *entry) int { return uid.Compare(of[a], of[b]) })
	ids, phones, countries, consents := make([]uid.ID, n), make([]string, n), make([]*string, n), make([]enum.Consent, n)
	names, languages, zones, attributes := make([]*string, n), make([]*string, n), make([]*string, n),
		make([]json.RawMessage, n)

	for i, e := range entries {
		ids[i], phones[i], countries[i], names[i], languages[i], zones[i] = of[e], e.phone, given(&e.country), e.name,
			e.language, e.timeZone
		if attributes[i], err = json.Marshal(e.attributes); err != nil {
			return out, err
		}
		if consents[i] = w.consentAtFirst(); known[e.key].id == of[e] { // somebody who is known begins with what they said
			consents[i] = said[of[e]].consent(enum.ConsentUnknown)
		}
	}

	from, args := w.DB.Rowset([]any{w.im.OrganizationID, w.now},
		database.IDs("id", ids), database.Texts("phone", phones), database.NullTexts("country", countries),
		database.NullTexts("name", names),
		database.NullTexts("language", languages), database.NullTexts("time_zone", zones),
		database.JSONs("attributes", attributes), database.Texts("marketing_consent", consents))

	merged := "contact.attributes || excluded.attributes"
	if w.DB.Dialect == dialect.SQLite {
		merged = "json_patch(contact.attributes, excluded.attributes)"
	}

	_, err = w.ExecContext(ctx, `INSERT INTO contact (id, organization_id, phone, country, name, language, time_zone, attributes, marketing_consent, created_at)
		SELECT id, $1, phone, country, name, language, time_zone, attributes, marketing_consent, $2 FROM `+from+` WHERE true
		ON CONFLICT (id) DO UPDATE SET phone = COALESCE(contact.phone, excluded.phone), country = COALESCE(contact.country, excluded.country), name = COALESCE(excluded.name, contact.name),
		language = COALESCE(excluded.language, contact.language), time_zone = COALESCE(excluded.time_zone, contact.time_zone), attributes = `+merged, args...)
	if err != nil || len(strangers) == 0 {
		return out, err
	}

	from, args = w.DB.Rowset(nil, database.IDs("id", strangers))
	_, err = w.ExecContext(ctx, `UPDATE contact SET wa_user_id = (SELECT i.value FROM contact_identifier i WHERE i.contact_id = contact.id AND i.kind = 'USER_ID' ORDER BY i.since DESC, i.id DESC LIMIT 1)
		WHERE contact.wa_user_id IS NULL AND contact.id IN (SELECT id FROM `+from+`)`, args...)

	return out, err
}

// keep stores whose the new numbers are. Where another transaction has stored one meanwhile, the
// page is taken again.
func (w writer) keep(ctx context.Context, entries []*entry, people []uid.ID) error {
	if len(entries) == 0 {
		return nil
	}

	keys, written := make([]string, len(entries)), make([]*string, len(entries))
	for i, e := range entries {
		if keys[i] = e.key; e.phone != e.key {
			written[i] = &e.phone
		}
	}

	from, args := w.DB.Rowset([]any{w.im.OrganizationID, w.now}, database.Texts("value", keys),
		database.NullTexts("written", written), database.IDs("contact_id", people))
	result, err := w.ExecContext(ctx, `INSERT INTO contact_identifier (organization_id, kind, value, written, contact_id, since)
		SELECT $1, 'PHONE', value, written, contact_id, $2 FROM `+from+` WHERE true ORDER BY value ON CONFLICT DO NOTHING`, args...)
	if err != nil {
		return err
	}
	if kept, err := result.RowsAffected(); err != nil || kept < int64(len(entries)) {
		return errors.Join(err, database.ErrAgain)
	}

	return nil
}

// consentAtFirst is what a new contact begins with.
func (w writer) consentAtFirst() enum.Consent {
	if w.im.Consent == nil {
		return enum.ConsentUnknown
	}
	return w.im.Consent.Consent
}

func (w writer) members(ctx context.Context, people pagePeople) error {
	if w.im.ContactListID == nil || len(people.fresh)+len(people.rest) == 0 {
		return nil
	}

	from, args := w.DB.Rowset([]any{w.im.OrganizationID, *w.im.ContactListID}, database.IDs("id", people.all()))
	_, err := w.ExecContext(ctx, `INSERT INTO list_member (organization_id, contact_id, contact_list_id) SELECT $1, id, $2 FROM `+from+` WHERE true
		ON CONFLICT DO NOTHING`, args...)

	return err
}

// consent records the import's consent. It never opts in who has opted out: the person's word
// weighs more than a file. Such a row counts as updated, for all else in it is taken. An opt-in is
// recorded where it changes something, and an opt-out always: it counts by when it was said.
func (w writer) consent(ctx context.Context, people pagePeople) error {
	c := w.im.Consent
	if c == nil || c.Consent == enum.ConsentUnknown {
		return nil
	}

	changed := people.fresh
	if len(people.rest) > 0 {
		from, args := w.DB.Rowset([]any{w.im.OrganizationID, c.Consent}, database.IDs("id", people.rest))
		turned, err := database.ScanIDs(w.QueryContext(ctx, `UPDATE contact SET marketing_consent = $2 WHERE organization_id = $1 AND marketing_consent NOT IN ($2, 'OPTED_OUT')
			AND id IN (SELECT id FROM `+from+`) RETURNING id`, args...))
		if err != nil {
			return err
		}
		if c.Consent == enum.ConsentOptedOut {
			turned = people.rest
		}

		changed = slices.Concat(changed, turned)
	}

	if len(changed) == 0 {
		return nil
	}

	records := make([]uid.ID, len(changed))
	for i := range records {
		records[i] = uid.New(uid.ConsentRecord)
	}

	evidence := w.im.FileName
	if c.Evidence != "" {
		evidence = c.Evidence + " (" + w.im.FileName + ")"
	}

	from, args := w.DB.Rowset([]any{w.im.OrganizationID, c.Consent, c.Source, evidence, w.now},
		database.IDs("id", records), database.IDs("contact_id", changed))
	_, err := w.ExecContext(ctx, `INSERT INTO consent_record (id, organization_id, contact_id, consent, source, evidence, said_by, said_at, recorded_at)
		SELECT id, $1, contact_id, $2, $3, $4, 'ORGANIZATION', $5, $5 FROM `+from, args...)

	return err
}

// finish ends the import and gives the room of its file back.
func (w writer) finish(ctx context.Context, status enum.JobStatus, reason string) error {
	_, err := w.ExecContext(ctx,
		`UPDATE contact_import SET status = $3, status_reason = $4, finished_at = $5 WHERE id = $1 AND organization_id = $2`,
		w.im.ID, w.im.OrganizationID, status, given(&reason), w.now)
	if err != nil {
		return fmt.Errorf("finish import: %w", err)
	}

	if _, err := w.ExecContext(ctx, `DELETE FROM import_chunk WHERE contact_import_id = $1 AND organization_id = $2`,
		w.im.ID, w.im.OrganizationID); err != nil {
		return fmt.Errorf("remove file: %w", err)
	}

	return nil
}
