package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/ent/templatechange"
	"carillon/identity"
	"carillon/uid"
	"carillon/whatsapp"
)

// byWhatsApp is the actor of what Meta tells, by webhook, in an answer, or when it is read.
const byWhatsApp = "WhatsApp"

// HistoryLength is how many of a template's changes History gives: the newest.
const HistoryLength = 100

// longestReason bounds the words of Meta's that are kept, in bytes.
const longestReason = 2000

// cause is who changed a template, and why.
type cause struct{ actor, reason string }

// byCaller is what a member, an API key or the service itself does.
func byCaller(ctx context.Context, reason string) cause { return cause{audit.ActorOf(ctx), reason} }

// difference is one field that changed. A value that was not there is nil.
type difference struct {
	field         string
	before, after *string
}

// ofEdits are the fields that an edit at Meta changes. What is seen changed of these after a member
// asked Meta for an edit is the member's doing, whoever tells of it first.
var ofEdits = []string{"components", "category", "messageTtlSeconds"}

// asked reports whether a member had asked Meta for a difference that Meta shows, by an edit or a
// deletion whose answer is not stored.
func asked(r revised, d difference) bool {
	deleted := d.field == "status" && r.after.Status == enum.TemplateStatusDeleted
	return r.before != nil && r.before.ChangingBy != nil && (deleted || slices.Contains(ofEdits, d.field))
}

// differences are the fields in which two versions of a template differ, as the API calls them. Of
// a new template it is the status alone.
func differences(before, after *ent.Template) (all []difference) {
	if before == nil {
		return []difference{{"status", nil, some(string(after.Status))}}
	}

	for _, f := range []struct {
		field string
		value func(*ent.Template) string // empty is none
	}{
		{"status", func(t *ent.Template) string { return string(t.Status) }},
		{"category", func(t *ent.Template) string { return string(t.Category) }},
		{"comingCategory", func(t *ent.Template) string { return pointed(t.ComingCategory) }},
		{"qualityScore", func(t *ent.Template) string { return string(t.QualityScore) }},
		{"messageTtlSeconds", func(t *ent.Template) string {
			if t.MessageTTLSeconds == nil {
				return ""
			}
			return strconv.Itoa(*t.MessageTTLSeconds)
		}},
	} {
		if old, now := f.value(before), f.value(after); old != now {
			all = append(all, difference{f.field, some(old), some(now)})
		}
	}

	if !sameContent(before, after) {
		all = append(all, difference{"components", some(string(before.Components)), some(string(after.Components))})
	}

	return all
}

func pointed[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

// sameContent reports whether two versions say the same. Of what Meta has, links to examples expire
// and are others each time, and empty texts are filled in by Meta: neither is a change.
func sameContent(before, after *ent.Template) bool {
	if string(before.Components) == string(after.Components) {
		return true
	}

	old, now := components(before.Components), components(after.Components)
	if before.MetaID == nil || after.MetaID == nil || before.Status == enum.TemplateStatusDraft {
		return after.MetaID != nil && saysTheSame(old, now)
	}

	return slices.EqualFunc(old, now, sameComponent)
}

// sameComponent compares two readings of Meta, but for the links to example files.
func sameComponent(a, b whatsapp.Component) bool {
	one, err1 := json.Marshal(withoutFiles(a))
	other, err2 := json.Marshal(withoutFiles(b))

	return err1 == nil && err2 == nil && string(one) == string(other)
}

func withoutFiles(c whatsapp.Component) whatsapp.Component {
	if c.Example != nil {
		example := *c.Example
		example.HeaderHandle = nil
		c.Example = &example
	}

	c.Cards = slices.Clone(c.Cards)
	for i := range c.Cards {
		parts := slices.Clone(c.Cards[i].Components)
		for j := range parts {
			parts[j] = withoutFiles(parts[j])
		}

		c.Cards[i].Components = parts
	}

	return c
}

// revised is a template before and after a change; before is nil of a new one.
type revised struct{ before, after *ent.Template }

// note writes what changed into the templates' histories, in the transaction that changes them. Of
// what a member has asked Meta to change, the member is the actor.
func (s *Service) note(ctx context.Context, tx *database.Tx, by cause, all ...revised) error {
	type entry struct {
		difference
		cause
		template *ent.Template
	}

	var entries []entry
	for _, r := range all {
		for _, d := range differences(r.before, r.after) {
			of := by
			if by.actor == byWhatsApp && asked(r, d) {
				of.actor = *r.before.ChangingBy
			}

			entries = append(entries, entry{d, of, r.after})
		}
	}

	if len(entries) == 0 {
		return nil
	}

	at := s.now()
	columns := database.Columns[entry]{
		database.Col("id", func(entry) uid.ID { return uid.New(uid.TemplateChange) }, database.IDs),
		database.Col("organization_id", func(e entry) uid.ID { return e.template.OrganizationID }, database.IDs),
		database.Col("template_id", func(e entry) uid.ID { return e.template.ID }, database.IDs),
		database.Col("at", func(entry) time.Time { return at }, database.Times),
		database.Col("actor", func(e entry) string { return e.actor }, database.Texts),
		database.Col("field", func(e entry) string { return e.field }, database.Texts),
		database.Col("before", func(e entry) *string { return e.before }, database.NullTexts),
		database.Col("after", func(e entry) *string { return e.after }, database.NullTexts),
		database.Col("reason", func(e entry) *string { return some(shortened(e.reason, longestReason)) },
			database.NullTexts),
	}

	if err := database.Insert(ctx, tx, "template_change", columns, entries); err != nil {
		return fmt.Errorf("write the history of templates: %w", err)
	}

	return s.tellOfTemplates(ctx, tx, all)
}

// shortened cuts a text to so many bytes, between characters.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}

	cut := most
	for cut > 0 && text[cut]&0xC0 == 0x80 { // inside of a character
		cut--
	}

	return text[:cut]
}

// History is what changed of some templates of the caller's, of each the newest HistoryLength
// changes, newest first.
func (s *Service) History(ctx context.Context, templates []uid.ID) (map[uid.ID][]*ent.TemplateChange, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	from, args := s.db.Rowset([]any{v.Organization, HistoryLength}, database.IDs("id", templates))
	newest, err := database.ScanIDs(s.db.Query(ctx, `SELECT c.id FROM (SELECT tc.id,
			row_number() OVER (PARTITION BY tc.template_id ORDER BY tc.id DESC) AS place
		FROM `+from+` CROSS JOIN template_change tc WHERE tc.organization_id = $1 AND tc.template_id = f.id) AS c
		WHERE c.place <= $2`, args...))
	if err != nil {
		return nil, fmt.Errorf("read the history of templates: %w", err)
	}

	rows, err := s.db.Client.TemplateChange.Query().Where(templatechange.IDIn(newest...)).
		Order(ent.Desc(templatechange.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the history of templates: %w", err)
	}

	of := make(map[uid.ID][]*ent.TemplateChange, len(templates))
	for _, id := range templates {
		of[id] = []*ent.TemplateChange{}
	}

	for _, c := range rows {
		of[c.TemplateID] = append(of[c.TemplateID], c)
	}

	return of, nil
}

// Translations are the other languages of the names of some templates of the caller's, on the same
// account, in the order of the languages' codes. Those that are deleted are left out.
func (s *Service) Translations(ctx context.Context, templates []uid.ID) (map[uid.ID][]*ent.Template, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	type pair struct{ of, other uid.ID }

	from, args := s.db.Rowset([]any{v.Organization, string(enum.TemplateStatusDeleted)}, database.IDs("id", templates))
	rows, err := s.db.Query(ctx, `SELECT t.id, o.id FROM `+from+` CROSS JOIN template t CROSS JOIN template o
		WHERE t.id = f.id AND t.organization_id = $1
		AND o.account_id = t.account_id AND o.name = t.name AND o.id <> t.id AND o.status <> $2 ORDER BY o.language`, args...)
	pairs, err := database.Collect(rows, err, func(rows *sql.Rows) (p pair, err error) {
		return p, rows.Scan(&p.of, &p.other)
	})
	if err != nil {
		return nil, fmt.Errorf("read translations: %w", err)
	}

	ids := make([]uid.ID, len(pairs))
	for i, p := range pairs {
		ids[i] = p.other
	}

	others, err := s.db.Client.Template.Query().Where(enttemplate.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read translations: %w", err)
	}

	byID, of := make(map[uid.ID]*ent.Template, len(others)), make(map[uid.ID][]*ent.Template, len(templates))
	for _, t := range others {
		byID[t.ID] = t
	}

	for _, id := range templates {
		of[id] = []*ent.Template{}
	}

	for _, p := range pairs {
		if t := byID[p.other]; t != nil { // it may have gone meanwhile
			of[p.of] = append(of[p.of], t)
		}
	}

	return of, nil
}
