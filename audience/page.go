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
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/webhook"
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
		w := writer{Tx: tx, im: im, read: read, rejected: rejected, now: s.moment(), erased: s.erased}
		if !listThere {
			return w.finish(ctx, enum.JobStatusFailed, "the list was deleted")
		}

		return w.page(ctx, p, s.admission)
	})

	return moved, err
}

// writer is one page's transaction.
type writer struct {
	*database.Tx
	im             *ent.ContactImport
	read, rejected int // rows before this page
	now            time.Time
	onlyReads      bool // so that nothing is locked
	erased         *delivery.Erased
	admits         *Admitted // of a campaign's recipients; nil for contacts
}

func (w writer) page(ctx context.Context, p page, admission Admission) error {
	if err := HoldPeople(ctx, w.Tx, w.im.OrganizationID); err != nil {
		return err
	}

	known, err := w.people(ctx, p)
	if err != nil {
		return fmt.Errorf("look for contacts: %w", err)
	}

	if w.im.CampaignID != nil {
		if w.admits, err = admission(ctx, w.Tx, *w.im.CampaignID); err != nil {
			return err
		}
		if w.admits.Closed != "" {
			return w.finish(ctx, enum.JobStatusFailed, w.admits.Closed)
		}
	}

	p = p.united(known)
	if p, err = w.judge(ctx, p, known); err != nil {
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
	if w.admits != nil {
		if err := w.recipients(ctx, p.entries, written); err != nil {
			return err
		}
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

// judge rejects the rows that the database has a reason to refuse.
func (w writer) judge(ctx context.Context, p page, known knownPeople) (page, error) {
	fits := w.oversized
	if w.admits != nil {
		fits = w.unfit
	}

	for _, refuse := range []func(context.Context, page, knownPeople) (map[*entry]refusal, error){
		w.doubtful, w.twoPeople, fits, w.overQuota,
	} {
		refused, err := refuse(ctx, p, known)
		if err != nil {
			return p, err
		}

		p = p.without(refused)
	}

	return p, nil
}

// knownPeople are those who are known of the entries of a page, by the entry's key.
type knownPeople map[string]knownPerson

type knownPerson struct {
	id            uid.ID
	isContact     bool
	phone, userID string // of a contact; empty where they have none
	// newPhone and newUserID say that nobody has the entry's; divided that they are two people's.
	newPhone, newUserID, divided bool
}

// people reads who is known of the people on a page, and locks the contacts among them in the
// order of their ids.
func (w writer) people(ctx context.Context, p page) (knownPeople, error) {
	found := knownPeople{}
	if len(p.entries) == 0 {
		return found, nil
	}

	holders, err := w.holders(ctx, p)
	if err != nil || len(holders) == 0 {
		return found, err
	}

	var people []uid.ID
	for _, e := range p.entries {
		who := knownPerson{newPhone: holders[importedIdentifier{enum.IdentifierKindPhone, e.key}].IsZero(),
			newUserID: holders[importedIdentifier{enum.IdentifierKindUserID, e.userID}].IsZero()}
		for _, i := range []importedIdentifier{{enum.IdentifierKindPhone, e.key}, {enum.IdentifierKindUserID, e.userID}} {
			id := holders[i]
			who.divided = who.divided || !id.IsZero() && !who.id.IsZero() && id != who.id
			if !id.IsZero() {
				who.id = id
			}
		}

		if !who.id.IsZero() {
			found[e.key] = who
			people = append(people, who.id)
		}
	}

	contacts, err := w.locked(ctx, people)
	if err != nil {
		return nil, err
	}

	for key, who := range found {
		if c, is := contacts[who.id]; is {
			who.isContact, who.phone, who.userID = true, c.phone, c.userID
			found[key] = who
		}
	}

	return found, nil
}

// importedIdentifier is a number's key or a user id.
type importedIdentifier struct {
	kind  enum.IdentifierKind
	value string
}

// holders says whose the numbers and user ids of a page are.
func (w writer) holders(ctx context.Context, p page) (map[importedIdentifier]uid.ID, error) {
	var kinds []enum.IdentifierKind
	var values []string
	for _, e := range p.entries {
		if e.phone != "" {
			kinds, values = append(kinds, enum.IdentifierKindPhone), append(values, e.key)
		}
		if e.userID != "" {
			kinds, values = append(kinds, enum.IdentifierKindUserID), append(values, e.userID)
		}
	}

	// Each is looked up for itself. As a join, PostgreSQL would read all of the organization's for
	// each page while the table is not analyzed yet.
	from, args := w.DB.Rowset([]any{w.im.OrganizationID}, database.Texts("kind", kinds), database.Texts("value", values))
	rows, err := w.QueryContext(ctx, `SELECT kind, value, contact_id FROM (SELECT f.kind, f.value,
		(SELECT i.contact_id FROM contact_identifier i WHERE i.organization_id = $1 AND i.kind = f.kind
			AND i.value = f.value) AS contact_id FROM `+from+`) AS held WHERE contact_id IS NOT NULL`, args...)

	return database.CollectMap(rows, err, func(rows *sql.Rows) (i importedIdentifier, id uid.ID, err error) {
		return i, id, rows.Scan(&i.kind, &i.value, &id)
	})
}

// locked reads the contacts among some people, and locks them unless nothing is to be written.
func (w writer) locked(ctx context.Context, people []uid.ID) (map[uid.ID]knownPerson, error) {
	lock := w.DB.ForNoKeyUpdate()
	if w.onlyReads {
		lock = ""
	}

	from, args := w.DB.Rowset(nil, database.IDs("id", people))
	rows, err := w.QueryContext(ctx, "SELECT id, coalesce(phone, ''), coalesce(wa_user_id, '') FROM contact "+
		"WHERE id IN (SELECT id FROM "+from+") ORDER BY id"+lock, args...)

	return database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, c knownPerson, err error) {
		return id, c, rows.Scan(&id, &c.phone, &c.userID)
	})
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

// twoPeople refuses a number and a user id that are not of one person. An import merges nobody:
// that is for WhatsApp to tell.
func (w writer) twoPeople(_ context.Context, p page, known knownPeople) (map[*entry]refusal, error) {
	refused := map[*entry]refusal{}
	for _, e := range p.entries {
		who := known[e.key]
		switch {
		case e.userID == "":
		case who.divided, who.phone != "" && e.phone != "" && NumberKey(who.phone) != e.key:
			refused[e] = refusal{e.userID, "the user id is that of a contact with another number"}
		case who.userID != "" && who.userID != e.userID:
			refused[e] = refusal{e.userID, "the number is that of a contact with another user id"}
		}
	}

	return refused, nil
}

// pagePeople are those whom a page has written.
type pagePeople struct {
	fresh []uid.ID // of whom nothing was known
	rest  []uid.ID // contacts already, or people of whom something was
	made  int      // were no contacts
	ids   map[*entry]uid.ID
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
	database.Col("phone", func(c importedContact) *string { return given(&c.phone) }, database.NullTexts),
	database.Col("wa_user_id", func(c importedContact) *string { return given(&c.userID) }, database.NullTexts),
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

	out.ids = make(map[*entry]uid.ID, len(entries))
	contacts := make([]importedContact, len(entries))
	var fresh []keptIdentifier
	var strangers []uid.ID

	for i, e := range entries {
		contacts[i] = importedContact{entry: w.ofContact(e), id: known[e.key].id}
		switch c := &contacts[i]; {
		case c.id.IsZero():
			c.id = uid.New(uid.Contact)
			out.fresh = append(out.fresh, c.id)
		case known[e.key].isContact:
			out.rest = append(out.rest, c.id)
		default:
			out.rest, strangers = append(out.rest, c.id), append(strangers, c.id)
		}

		out.ids[e] = contacts[i].id
		fresh = append(fresh, contacts[i].identifiers(known[e.key])...)
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

// ofContact is what an entry says of the contact. A recipient's values are the campaign's, and say
// nothing of them but their number or user id.
func (w writer) ofContact(e *entry) *entry {
	if w.admits == nil {
		return e
	}
	return &entry{phone: e.phone, country: e.country, userID: e.userID, key: e.key, attributes: map[string]string{}}
}

// merge writes contacts. What is known of a contact and left empty here stays.
func (w writer) merge(ctx context.Context, contacts []importedContact, strangers []uid.ID) error {
	merged := "contact.attributes || excluded.attributes"
	if w.DB.Dialect == dialect.SQLite {
		merged = "json_patch(contact.attributes, excluded.attributes)"
	}

	statement, args := importedColumns.Insertion(w.DB, "contact", contacts, w.im.OrganizationID, w.now)
	_, err := w.ExecContext(ctx, statement+` ON CONFLICT (id) DO UPDATE SET
		phone = COALESCE(contact.phone, excluded.phone), wa_user_id = COALESCE(contact.wa_user_id, excluded.wa_user_id),
		country = COALESCE(contact.country, excluded.country),
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

// keptIdentifier says whose a number or a user id is that nobody had.
type keptIdentifier struct {
	importedIdentifier
	written string // of a number, as the file has it, where that is not its key
	contact uid.ID
}

// identifiers are those of an entry that are new.
func (c importedContact) identifiers(known knownPerson) (fresh []keptIdentifier) {
	if c.phone != "" && (known.id.IsZero() || known.newPhone) {
		written := c.phone
		if written == c.key {
			written = ""
		}

		fresh = append(fresh, keptIdentifier{importedIdentifier{enum.IdentifierKindPhone, c.key}, written, c.id})
	}

	if c.userID != "" && (known.id.IsZero() || known.newUserID) {
		fresh = append(fresh, keptIdentifier{importedIdentifier{enum.IdentifierKindUserID, c.userID}, "", c.id})
	}

	return fresh
}

// keptColumns are of new identifiers of the organization $1, as of the time $2.
var keptColumns = database.Columns[keptIdentifier]{
	database.Col("kind", func(k keptIdentifier) enum.IdentifierKind { return k.kind }, database.Texts),
	database.Col("value", func(k keptIdentifier) string { return k.value }, database.Texts),
	database.Col("written", func(k keptIdentifier) string { return k.written }, database.OptionalTexts),
	database.Col("contact_id", func(k keptIdentifier) uid.ID { return k.contact }, database.IDs),
	database.Expr[keptIdentifier]("organization_id", "$1"),
	database.Expr[keptIdentifier]("since", "$2"),
}

// keep stores whose the new identifiers are. Where another transaction has stored one meanwhile,
// the page is taken again.
func (w writer) keep(ctx context.Context, fresh []keptIdentifier) error {
	if len(fresh) == 0 {
		return nil
	}

	statement, args := keptColumns.Insertion(w.DB, "contact_identifier", fresh, w.im.OrganizationID, w.now)
	result, err := w.ExecContext(ctx, statement+" ORDER BY f.kind, f.value ON CONFLICT DO NOTHING", args...)
	if err != nil {
		return err
	}
	if kept, err := result.RowsAffected(); err != nil || kept < int64(len(fresh)) {
		return errors.Join(err, database.ErrAgain)
	}

	return w.mark(ctx, fresh)
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

	changed, other := people.fresh, people.fresh
	if len(people.rest) > 0 {
		from, args := w.DB.Rowset([]any{w.im.OrganizationID, c.Consent}, database.IDs("id", people.rest))
		turned, err := database.ScanIDs(w.QueryContext(ctx, `UPDATE contact SET marketing_consent = $2
			WHERE `+w.DB.NoIndex("organization_id")+` = $1 AND marketing_consent NOT IN ($2, 'OPTED_OUT')
			AND id IN (SELECT id FROM `+from+`) RETURNING id`, args...))
		if err != nil {
			return err
		}
		if other = slices.Concat(other, turned); c.Consent == enum.ConsentOptedOut {
			turned = people.rest
		}

		changed = slices.Concat(changed, turned)
	}

	if len(changed) == 0 {
		return nil
	}

	if err := w.tellOfConsent(ctx, other); err != nil {
		return err
	}

	evidence := w.im.FileName
	if c.Evidence != "" {
		evidence = c.Evidence + " (" + w.im.FileName + ")"
	}

	return database.Insert(ctx, w.Tx, "consent_record", importedConsent, changed, w.im.OrganizationID, c.Consent,
		c.Source, evidence, w.now)
}

// tellOfConsent has webhooks tell of the contacts whose consent the page has changed. They are read
// where an endpoint wants that alone.
func (w writer) tellOfConsent(ctx context.Context, contacts []uid.ID) error {
	if len(contacts) == 0 {
		return nil
	}

	wanted, err := webhook.Wanted(ctx, w.Tx, w.im.OrganizationID, enum.WebhookEventTypeConsentChanged)
	if err != nil || !wanted {
		return err
	}

	people, err := w.Client.Contact.Query().Where(contact.IDIn(contacts...)).All(ctx)
	if err != nil {
		return fmt.Errorf("read contacts whose consent changed: %w", err)
	}

	events := make([]webhook.Event, len(people))
	for i, c := range people {
		events[i] = webhook.ConsentChanged(c, w.im.Consent.Source, w.now)
	}

	return webhook.Tell(ctx, w.Tx, events...)
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

	return tellEnded(ctx, w.Tx, w.im.ID, w.now)
}
