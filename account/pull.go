package account

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// list stores a part of a listing of all templates that began at that time, and that they were in
// it. It returns those that changed.
func (s *Service) list(ctx context.Context, tx *database.Tx, a *ent.Account, read []whatsapp.Template,
	started time.Time) (changed []uid.ID, err error) {
	var whole []whatsapp.Template
	var ids []string

	for _, t := range read {
		if t.ID == "" {
			continue // no template, whatever it is
		}
		if ids = append(ids, t.ID); t.Name != "" && t.Language != "" {
			whole = append(whole, t)
		}
	}

	if changed, err = s.storeTemplates(ctx, tx, a, whole, started, cause{actor: byWhatsApp}); err != nil {
		return nil, err
	}

	from, args := s.db.Rowset([]any{a.ID, started}, database.Texts("meta_id", ids))
	_, err = tx.ExecContext(ctx, `UPDATE template SET listed_at = $2 WHERE account_id = $1
		AND (listed_at IS NULL OR listed_at < $2) AND meta_id IN (SELECT f.meta_id FROM `+from+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("note what templates account %s has: %w", a.ID, err)
	}

	return changed, nil
}

// unread says that templates are missing, though all else went well.
func (s *Service) unread(ctx context.Context, a *ent.Account, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read templates of account %s: %w", a.ID, err)
	}

	err = s.settle(ctx, a, err)
	var in usererror.Fields

	if errors.As(err, &in) {
		for i := range in {
			in[i].Message = "The account is connected, but its templates could not all be read; sync it. " + in[i].Message
		}
	}

	return err
}

// putTemplates stores templates as Meta had them at that time or later, and returns those that this
// changed.
func (s *Service) putTemplates(ctx context.Context, a *ent.Account, read []whatsapp.Template, at time.Time,
	by cause) (changed []*ent.Template, err error) {
	var ids []uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		ids, err = s.storeTemplates(ctx, tx, a, read, at, by)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}

	return s.templates(ctx, ids)
}

// templates are those of these ids, with what does not depend on a transaction.
func (s *Service) templates(ctx context.Context, ids []uid.ID) ([]*ent.Template, error) {
	rows, err := s.db.Client.Template.Query().Where(enttemplate.IDIn(ids...)).Order(enttemplate.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}

	return rows, nil
}

// storeTemplates is putTemplates within a transaction, and returns their ids. A row that was
// changed after that time is left alone, since what was read may be older.
func (s *Service) storeTemplates(ctx context.Context, tx *database.Tx, a *ent.Account, read []whatsapp.Template,
	at time.Time, by cause) (ids []uid.ID, err error) {
	templates, err := readTemplates(read)
	if err != nil || len(read) == 0 {
		return nil, err
	}

	tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, ids...) })

	// Of two that store the same templates, the second sees what the first has left.
	if err := tx.Exclusive(ctx, "templates of "+a.ID.String()); err != nil {
		return nil, err
	}

	names := make([]string, len(templates))
	for i, t := range templates {
		names[i] = t.Name
	}

	rows, err := tx.Client.Template.Query().Where(enttemplate.AccountID(a.ID), enttemplate.NameIn(names...),
		s.db.Locked).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read templates of account %s: %w", a.ID, err)
	}

	before := make(map[uid.ID]*ent.Template, len(rows))
	for _, t := range rows {
		before[t.ID] = t
	}

	statement, args := templateColumns.Insertion(s.db, "template", templates, a.OrganizationID, a.ID, at)
	if ids, err = database.ScanIDs(tx.QueryContext(ctx, statement+onKnown, args...)); err != nil {
		return nil, fmt.Errorf("store templates of account %s: %w", a.ID, err)
	}
	if len(ids) == 0 {
		return nil, nil
	}

	changed, err := tx.Client.Template.Query().Where(enttemplate.IDIn(ids...)).Order(enttemplate.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read templates of account %s: %w", a.ID, err)
	}

	history := make([]revised, len(changed))
	for i, t := range changed {
		history[i] = revised{before[t.ID], t}
	}

	return ids, s.note(ctx, tx, by, history...)
}

const (
	// onKnown is what becomes of a template that is stored already. A claim that is over ends with
	// the first reading that began after it. One that was made anew has not been edited.
	onKnown = `
		ON CONFLICT (account_id, name, language) DO UPDATE SET meta_id = excluded.meta_id,
			category = excluded.category, status = excluded.status, coming_category = excluded.coming_category,
			rejection_reason = CASE WHEN ` + sameReason + ` THEN template.rejection_reason ELSE excluded.rejection_reason END,
			quality_score = excluded.quality_score, parameter_format = excluded.parameter_format,
			components = excluded.components, message_ttl_seconds = excluded.message_ttl_seconds,
			max_price = excluded.max_price,
			edits = CASE WHEN template.meta_id = excluded.meta_id THEN template.edits END,
			changing_by = CASE WHEN ` + claimOver + ` THEN NULL ELSE template.changing_by END,
			changing_until = CASE WHEN ` + claimOver + ` THEN NULL ELSE template.changing_until END,
			updated_at = excluded.updated_at
		WHERE (template.meta_id IS NULL OR template.updated_at <= excluded.updated_at) AND (` + differs + `)
		RETURNING id`

	claimOver = `template.changing_until <= excluded.updated_at`

	// sameReason keeps the sentence that a webhook added to Meta's enum of a rejection.
	sameReason = `template.status = excluded.status AND template.rejection_reason LIKE excluded.rejection_reason || ': %'`

	differs = `template.meta_id IS DISTINCT FROM excluded.meta_id OR template.category <> excluded.category
		OR template.status <> excluded.status
		OR (template.rejection_reason IS DISTINCT FROM excluded.rejection_reason AND NOT coalesce(` + sameReason + `, false))
		OR template.quality_score <> excluded.quality_score OR template.parameter_format <> excluded.parameter_format
		OR template.components <> excluded.components
		OR template.message_ttl_seconds IS DISTINCT FROM excluded.message_ttl_seconds
		OR template.max_price IS DISTINCT FROM excluded.max_price
		OR template.coming_category IS DISTINCT FROM excluded.coming_category OR coalesce(` + claimOver + `, false)`
)

// readTemplate is a template as Meta has it, with what its row holds.
type readTemplate struct {
	whatsapp.Template
	columns
}

// templateColumns are of templates of the account $2 of the organization $1, as of the time $3.
var templateColumns = database.Columns[readTemplate]{
	database.Col("id", func(readTemplate) uid.ID { return uid.New(uid.Template) }, database.IDs),
	database.Col("meta_id", func(t readTemplate) string { return t.ID }, database.Texts),
	database.Col("name", func(t readTemplate) string { return t.Name }, database.Texts),
	database.Col("language", func(t readTemplate) string { return t.Language }, database.Texts),
	database.Col("category", func(t readTemplate) enum.TemplateCategory { return t.category }, database.Texts),
	database.Col("status", func(t readTemplate) enum.TemplateStatus { return t.status }, database.Texts),
	database.Col("rejection_reason", func(t readTemplate) *string { return t.rejection }, database.NullTexts),
	database.Col("quality_score", func(t readTemplate) enum.QualityRating { return t.quality }, database.Texts),
	database.Col("parameter_format", func(t readTemplate) enum.ParameterFormat { return t.format }, database.Texts),
	database.Col("components", func(t readTemplate) json.RawMessage { return t.components }, database.JSONs),
	database.Col("message_ttl_seconds", func(t readTemplate) *int { return t.ttl }, database.NullInts),
	database.Col("coming_category", func(t readTemplate) *enum.TemplateCategory { return t.coming }, database.NullTexts),
	database.Col("max_price", func(t readTemplate) *int { return t.maxPrice }, database.NullInts),
	database.Expr[readTemplate]("organization_id", "$1"),
	database.Expr[readTemplate]("account_id", "$2"),
	database.Expr[readTemplate]("created_at", "$3"),
	database.Expr[readTemplate]("updated_at", "$3"),
}

// readTemplates are the templates of a batch, each once: in one statement no row can change twice.
func readTemplates(read []whatsapp.Template) ([]readTemplate, error) {
	read = slices.Clone(read)
	key := func(a, b whatsapp.Template) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Language, b.Language))
	}
	slices.SortStableFunc(read, key) // in one order in every transaction, so that two of them cannot wait for each other
	read = slices.CompactFunc(read, func(a, b whatsapp.Template) bool { return key(a, b) == 0 })
	templates := make([]readTemplate, len(read))

	for i, t := range read {
		c, err := columnsOf(t)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", t.Name, err)
		}

		templates[i] = readTemplate{t, c}
	}

	return templates, nil
}
