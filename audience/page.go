package audience

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"

	"carillon/database"
	"carillon/ent"
	"carillon/enum"
	"carillon/uid"
)

// take writes a page and moves the import on behind it, in one transaction. It does nothing, and says so, when the import
// does not stand where the page begins: another worker took it, or the import is over.
func (s *Service) take(ctx context.Context, im *ent.ContactImport, p page) (moved bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		moved = false
		listThere := true
		query := `SELECT contact_list_id IS NULL OR EXISTS (SELECT 1 FROM contact_list l WHERE l.organization_id = $2 AND l.id = contact_list_id)
			FROM contact_import WHERE id = $1 AND organization_id = $2 AND status = $3 AND next_offset = $4` + tx.DB.ForUpdate()
		err := tx.QueryRowContext(ctx, query, im.ID, im.OrganizationID, enum.JobStatusRunning, p.from).Scan(&listThere)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock import: %w", err)
		}
		moved = true
		w := writer{Tx: tx, im: im, now: s.moment()}
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
	im  *ent.ContactImport
	now time.Time
}

func (w writer) page(ctx context.Context, p page) error {
	p, err := w.within(ctx, p)
	if err != nil {
		return err
	}
	fresh, known, err := w.contacts(ctx, p.entries)
	if err != nil {
		return fmt.Errorf("write contacts: %w", err)
	}
	if err := w.members(ctx, fresh, known); err != nil {
		return fmt.Errorf("fill list: %w", err)
	}
	if err := w.consent(ctx, fresh, known); err != nil {
		return fmt.Errorf("record consent: %w", err)
	}
	if err := w.rejections(ctx, p.rejected); err != nil {
		return fmt.Errorf("record rejections: %w", err)
	}
	_, err = w.ExecContext(ctx, `UPDATE contact_import SET next_offset = $3, next_line = $4, rows_read = rows_read + $5,
		created = created + $6, updated = updated + $7, rejected = rejected + $8 WHERE id = $1 AND organization_id = $2`,
		w.im.ID, w.im.OrganizationID, p.to, p.line, p.accepted+len(p.rejected), len(fresh), p.accepted-len(fresh), len(p.rejected))
	if err != nil {
		return fmt.Errorf("move import: %w", err)
	}
	if p.last {
		return w.finish(ctx, enum.JobStatusCompleted, "")
	}
	return nil
}

// contacts makes or changes the contacts and says which are new. What a row leaves empty stays as it is.
func (w writer) contacts(ctx context.Context, entries []*entry) (fresh, known []uid.ID, err error) {
	if len(entries) == 0 {
		return nil, nil, nil
	}
	n := len(entries)
	ids, phones, countries := make([]uid.ID, n), make([]string, n), make([]*string, n)
	names, languages, zones, attributes := make([]*string, n), make([]*string, n), make([]*string, n), make([]json.RawMessage, n)
	mine := make(map[uid.ID]bool, n)
	for i, e := range entries {
		ids[i] = uid.New(uid.Contact)
		mine[ids[i]] = true
		phones[i], countries[i], names[i], languages[i], zones[i] = e.phone, given(&e.country), e.name, e.language, e.timeZone
		if attributes[i], err = json.Marshal(e.attributes); err != nil {
			return nil, nil, err
		}
	}
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, w.consentAtFirst(), w.now},
		database.IDs("id", ids), database.Texts("phone", phones), database.NullTexts("country", countries), database.NullTexts("name", names),
		database.NullTexts("language", languages), database.NullTexts("time_zone", zones), database.JSONs("attributes", attributes))
	merged := "contact.attributes || excluded.attributes"
	if w.DB.Dialect == dialect.SQLite {
		merged = "json_patch(contact.attributes, excluded.attributes)"
	}
	all, err := database.ScanIDs(w.QueryContext(ctx, `INSERT INTO contact (id, organization_id, phone, country, name, language, time_zone, attributes, marketing_consent, created_at)
		SELECT id, $1, phone, country, name, language, time_zone, attributes, $2, $3 FROM `+from+` WHERE true
		ON CONFLICT (organization_id, phone) DO UPDATE SET country = COALESCE(contact.country, excluded.country), name = COALESCE(excluded.name, contact.name),
		language = COALESCE(excluded.language, contact.language), time_zone = COALESCE(excluded.time_zone, contact.time_zone), attributes = `+merged+`
		RETURNING id`, args...))
	for _, id := range all {
		if mine[id] {
			fresh = append(fresh, id)
		} else {
			known = append(known, id)
		}
	}
	return fresh, known, err
}

// consentAtFirst is what a new contact begins with.
func (w writer) consentAtFirst() enum.Consent {
	if w.im.Consent == nil {
		return enum.ConsentUnknown
	}
	return w.im.Consent.Consent
}

func (w writer) members(ctx context.Context, fresh, known []uid.ID) error {
	if w.im.ContactListID == nil || len(fresh)+len(known) == 0 {
		return nil
	}
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, *w.im.ContactListID}, database.IDs("id", append(fresh[:len(fresh):len(fresh)], known...)))
	_, err := w.ExecContext(ctx, `INSERT INTO list_member (organization_id, contact_id, contact_list_id) SELECT $1, id, $2 FROM `+from+` WHERE true
		ON CONFLICT DO NOTHING`, args...)
	return err
}

// consent records the import's consent for everyone whose own it changes. An import never opts in who has opted out: the
// person's word weighs more than a file. Such a row counts as updated, for all else in it is taken.
func (w writer) consent(ctx context.Context, fresh, known []uid.ID) error {
	c := w.im.Consent
	if c == nil || c.Consent == enum.ConsentUnknown {
		return nil
	}
	changed := fresh
	if len(known) > 0 {
		from, args := w.DB.Rowset([]any{w.im.OrganizationID, c.Consent}, database.IDs("id", known))
		turned, err := database.ScanIDs(w.QueryContext(ctx, `UPDATE contact SET marketing_consent = $2 WHERE organization_id = $1 AND marketing_consent NOT IN ($2, 'OPTED_OUT')
			AND id IN (SELECT id FROM `+from+`) RETURNING id`, args...))
		if err != nil {
			return err
		}
		changed = append(changed[:len(changed):len(changed)], turned...)
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
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, c.Consent, c.Source, evidence, w.now}, database.IDs("id", records), database.IDs("contact_id", changed))
	_, err := w.ExecContext(ctx, `INSERT INTO consent_record (id, organization_id, contact_id, consent, source, evidence, recorded_at)
		SELECT id, $1, contact_id, $2, $3, $4, $5 FROM `+from, args...)
	return err
}

func (w writer) rejections(ctx context.Context, rejected []rejection) error {
	if len(rejected) == 0 {
		return nil
	}
	n := len(rejected)
	ids, lines, values, reasons := make([]uid.ID, n), make([]int, n), make([]string, n), make([]string, n)
	for i, r := range rejected {
		ids[i], lines[i], values[i], reasons[i] = uid.New(uid.ImportRejection), r.line, r.value, r.reason
	}
	from, args := w.DB.Rowset([]any{w.im.OrganizationID, w.im.ID},
		database.IDs("id", ids), database.Ints("line", lines), database.Texts("value", values), database.Texts("reason", reasons))
	_, err := w.ExecContext(ctx, `INSERT INTO import_rejection (id, organization_id, contact_import_id, line, value, reason)
		SELECT id, $1, $2, line, value, reason FROM `+from, args...)
	return err
}

// finish ends the import and gives the room of its file back.
func (w writer) finish(ctx context.Context, status enum.JobStatus, reason string) error {
	_, err := w.ExecContext(ctx, `UPDATE contact_import SET status = $3, status_reason = $4, finished_at = $5 WHERE id = $1 AND organization_id = $2`,
		w.im.ID, w.im.OrganizationID, status, given(&reason), w.now)
	if err != nil {
		return fmt.Errorf("finish import: %w", err)
	}
	if _, err := w.ExecContext(ctx, `DELETE FROM import_chunk WHERE contact_import_id = $1 AND organization_id = $2`, w.im.ID, w.im.OrganizationID); err != nil {
		return fmt.Errorf("remove file: %w", err)
	}
	return nil
}
