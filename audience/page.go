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
		query := `SELECT contact_list_id IS NULL OR EXISTS (SELECT 1 FROM contact_list l WHERE l.organization_id = $2
			AND l.id = contact_list_id),
			rows_read, rejected FROM contact_import WHERE id = $1 AND organization_id = $2 AND status = $3
			AND next_offset = $4` + tx.DB.ForUpdate()

		err := tx.QueryRowContext(ctx, query, im.ID, im.OrganizationID, enum.JobStatusRunning, p.from).
			Scan(&listThere, &read, &rejected)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock import: %w", err)
		}

		moved = true
		s.publish(tx, im)
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

	for _, refuse := range []func(context.Context, page, knownPeople) (map[*entry]refusal, error){
		w.doubtful, w.oversized, w.overQuota,
	} {
		refused, err := refuse(ctx, p, known)
		if err != nil {
			return err
		}

		p = p.without(refused)
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
		` CROSS JOIN contact_identifier i WHERE i.organization_id = $1 AND i.kind = 'PHONE' AND i.value = f.value`, args...)
	var people []uid.ID
	byID := map[uid.ID]string{}

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var key string
		var id uid.ID
		if err := rows.Scan(&key, &id); err != nil {
			return err
		}

		entry := found[key]
		entry.id = id
		found[key], byID[id] = entry, key
		people = append(people, id)

		return nil
	})
	if err != nil || len(people) == 0 {
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

// refusal says why the rows of a page's entry are rejected, and what they show for it.
type refusal struct{ value, reason string }

// without rejects the rows of the entries that are refused.
func (p page) without(refused map[*entry]refusal) page {
	if len(refused) == 0 {
		return p
	}

	p.rejected = slices.Clone(p.rejected)
	for e, why := range refused {
		p.accepted -= len(e.lines)
		for _, line := range e.lines {
			p.rejected = append(p.rejected, rejection{line, why.value, why.reason})
		}
	}

	slices.SortFunc(p.rejected, func(a, b rejection) int { return a.line - b.line })
	p.entries = slices.DeleteFunc(slices.Clone(p.entries), func(e *entry) bool {
		_, out := refused[e]
		return out
	})

	return p
}

// doubtful refuses the numbers that no numbering plan knows and of which WhatsApp has not told.
func (w writer) doubtful(_ context.Context, p page, known knownPeople) (map[*entry]refusal, error) {
	refused := map[*entry]refusal{}
	for _, e := range p.entries {
		if e.doubt != "" && known[e.key].id.IsZero() {
			refused[e] = refusal{cut(clean(e.written), maxRawKept), cut(e.doubt, maxReason)}
		}
	}

	return refused, nil
}

// pagePeople are those whom a page has written.
type pagePeople struct {
	fresh []uid.ID // of whom nothing was known
	rest  []uid.ID // contacts already, or people of whom something was
	made  int      // were no contacts
}

func (w pagePeople) all() []uid.ID { return slices.Concat(w.fresh, w.rest) }

// importedContact is the contact that an entry makes or changes.
type importedContact struct {
	*entry
	id         uid.ID
	attributes json.RawMessage
	consent    enum.Consent
}

// importedColumns are of contacts of the organization $1 that are made at the time $2.
var importedColumns = database.Columns[importedContact]{
	database.Col("id", func(c importedContact) uid.ID { return c.id }, database.IDs),
	database.Col("phone", func(c importedContact) string { return c.phone }, database.Texts),
	database.Col("country", func(c importedContact) *string { return given(&c.country) }, database.NullTexts),
	database.Col("name", func(c importedContact) *string { return c.name }, database.NullTexts),
	database.Col("language", func(c importedContact) *string { return c.language }, database.NullTexts),
	database.Col("time_zone", func(c importedContact) *string { return c.timeZone }, database.NullTexts),
	database.Col("attributes", func(c importedContact) json.RawMessage { return c.attributes }, database.JSONs),
	database.Col("marketing_consent", func(c importedContact) enum.Consent { return c.consent }, database.Texts),
	database.Expr[importedContact]("organization_id", "$1"),
	database.Expr[importedContact]("created_at", "$2"),
}

// contacts makes or changes the contacts. What a row leaves empty stays as it is.
func (w writer) contacts(ctx context.Context, entries []*entry, known knownPeople) (out pagePeople, err error) {
	if len(entries) == 0 {
		return out, nil
	}

	contacts := make([]importedContact, len(entries))
	var fresh []importedContact
	var strangers []uid.ID

	for i, e := range entries {
		contacts[i] = importedContact{entry: e, id: known[e.key].id}
		switch c := &contacts[i]; {
		case c.id.IsZero():
			c.id = uid.New(uid.Contact)
			out.fresh, fresh = append(out.fresh, c.id), append(fresh, *c)
		case known[e.key].isContact:
			out.rest = append(out.rest, c.id)
		default:
			out.rest, strangers = append(out.rest, c.id), append(strangers, c.id)
		}
	}

	out.made = len(out.fresh) + len(strangers)
	if err := w.keep(ctx, fresh); err != nil {
		return out, err
	}

	said, err := histories(ctx, w.Tx, strangers...)
	if err != nil {
		return out, err
	}

	// everybody locks contacts in the order of their ids
	slices.SortFunc(contacts, func(a, b importedContact) int { return uid.Compare(a.id, b.id) })

	for i := range contacts {
		c := &contacts[i]
		if c.attributes, err = json.Marshal(c.entry.attributes); err != nil {
			return out, err
		}
		if c.consent = w.consentAtFirst(); known[c.key].id == c.id { // somebody who is known begins with what they said
			c.consent = said[c.id].consent(enum.ConsentUnknown)
		}
	}

	return out, w.merge(ctx, contacts, strangers)
}

// merge writes contacts. What is known of a contact and left empty here stays.
func (w writer) merge(ctx context.Context, contacts []importedContact, strangers []uid.ID) error {
	merged := "contact.attributes || excluded.attributes"
	if w.DB.Dialect == dialect.SQLite {
		merged = "json_patch(contact.attributes, excluded.attributes)"
	}

	statement, args := importedColumns.Insertion(w.DB, "contact", contacts, w.im.OrganizationID, w.now)
	_, err := w.ExecContext(ctx, statement+` ON CONFLICT (id) DO UPDATE SET
		phone = COALESCE(contact.phone, excluded.phone), country = COALESCE(contact.country, excluded.country),
		name = COALESCE(excluded.name, contact.name), language = COALESCE(excluded.language, contact.language),
		time_zone = COALESCE(excluded.time_zone, contact.time_zone), attributes = `+merged, args...)
	if err != nil || len(strangers) == 0 {
		return err
	}

	from, args := w.DB.Rowset(nil, database.IDs("id", strangers))
	_, err = w.ExecContext(ctx, `UPDATE contact SET wa_user_id = (SELECT i.value FROM contact_identifier i
		WHERE i.contact_id = contact.id AND i.kind = 'USER_ID' ORDER BY i.since DESC, i.id DESC LIMIT 1)
		WHERE contact.wa_user_id IS NULL AND contact.id IN (SELECT id FROM `+from+`)`, args...)

	return err
}

// keptColumns are of the numbers of new people of the organization $1, as of the time $2.
var keptColumns = database.Columns[importedContact]{
	database.Col("value", func(c importedContact) string { return c.key }, database.Texts),
	database.Col("written", importedContact.written, database.OptionalTexts),
	database.Col("contact_id", func(c importedContact) uid.ID { return c.id }, database.IDs),
	database.Expr[importedContact]("organization_id", "$1"),
	database.Expr[importedContact]("kind", "'PHONE'"),
	database.Expr[importedContact]("since", "$2"),
}

// written is the number as the file has it, where that is not its key.
func (c importedContact) written() string {
	if c.phone == c.key {
		return ""
	}
	return c.phone
}

// keep stores whose the new numbers are. Where another transaction has stored one meanwhile, the
// page is taken again.
func (w writer) keep(ctx context.Context, fresh []importedContact) error {
	if len(fresh) == 0 {
		return nil
	}

	statement, args := keptColumns.Insertion(w.DB, "contact_identifier", fresh, w.im.OrganizationID, w.now)
	result, err := w.ExecContext(ctx, statement+" ORDER BY f.value ON CONFLICT DO NOTHING", args...)
	if err != nil {
		return err
	}
	if kept, err := result.RowsAffected(); err != nil || kept < int64(len(fresh)) {
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
	_, err := w.ExecContext(ctx, `INSERT INTO list_member (organization_id, contact_id, contact_list_id)
		SELECT $1, id, $2 FROM `+from+` WHERE true
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
		turned, err := database.ScanIDs(w.QueryContext(ctx, `UPDATE contact SET marketing_consent = $2
			WHERE `+w.DB.NoIndex("organization_id")+` = $1 AND marketing_consent NOT IN ($2, 'OPTED_OUT')
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

	evidence := w.im.FileName
	if c.Evidence != "" {
		evidence = c.Evidence + " (" + w.im.FileName + ")"
	}

	return database.Insert(ctx, w.Tx, "consent_record", importedConsent, changed, w.im.OrganizationID, c.Consent,
		c.Source, evidence, w.now)
}

// importedConsent are of the records of what the organization $1 says of some contacts.
var importedConsent = database.Columns[uid.ID]{
	database.Col("id", func(uid.ID) uid.ID { return uid.New(uid.ConsentRecord) }, database.IDs),
	database.Col("contact_id", func(contact uid.ID) uid.ID { return contact }, database.IDs),
	database.Expr[uid.ID]("organization_id", "$1"),
	database.Expr[uid.ID]("consent", "$2"),
	database.Expr[uid.ID]("source", "$3"),
	database.Expr[uid.ID]("evidence", "$4"),
	database.Expr[uid.ID]("said_by", "'ORGANIZATION'"),
	database.Expr[uid.ID]("said_at", "$5"),
	database.Expr[uid.ID]("recorded_at", "$5"),
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
