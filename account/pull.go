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
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const templatesPerBatch = 100

// pullTemplates reads all templates of an account, batch by batch, and marks those that Meta lists
// no more as DELETED. When it fails on the way, what was read is stored.
func (s *Service) pullTemplates(ctx context.Context, a *ent.Account, at Access) error {
	started := s.now()
	var seen []string
	var batch []whatsapp.Template

	flush := func() error {
		for _, t := range batch {
			seen = append(seen, t.ID)
		}

		_, err := s.putTemplates(ctx, a, batch, started)
		batch = batch[:0]

		return err
	}

	for t, err := range at.Client.Templates(ctx, at.Token, a.WabaID) {
		if err != nil {
			return s.unread(ctx, a, err)
		}
		if t.ID == "" || t.Name == "" || t.Language == "" {
			continue // no template, whatever it is
		}
		if batch = append(batch, t); len(batch) < templatesPerBatch {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}

	if err := flush(); err != nil {
		return err
	}

	return s.markGone(ctx, a, seen, started)
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

// putTemplates stores templates as Meta had them at that time or later, and returns the ids of the
// rows that this changed. A row that was changed after that time is left alone, since what was read
// may be older.
func (s *Service) putTemplates(ctx context.Context, a *ent.Account, read []whatsapp.Template,
	at time.Time) (changed []uid.ID, err error) {
	templates, err := readTemplates(read)
	if err != nil || len(read) == 0 {
		return nil, err
	}

	statement, args := templateColumns.Insertion(s.db, "template", templates, a.OrganizationID, a.ID, at)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, changed...) })
		changed, err = database.ScanIDs(tx.QueryContext(ctx, statement+`
			ON CONFLICT (account_id, name, language) DO UPDATE SET meta_id = excluded.meta_id,
			category = excluded.category, status = excluded.status,
				rejection_reason = CASE WHEN `+sameReason+` THEN template.rejection_reason ELSE excluded.rejection_reason END,
				quality_score = excluded.quality_score, parameter_format = excluded.parameter_format,
				components = excluded.components,
				message_ttl_seconds = excluded.message_ttl_seconds, updated_at = excluded.updated_at
			WHERE (template.meta_id IS NULL OR template.updated_at <= excluded.updated_at) AND (`+differs+`)
			RETURNING id`, args...))

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store templates of account %s: %w", a.ID, err)
	}

	return changed, nil
}

const (
	// sameReason keeps the sentence that a webhook added to Meta's enum of a rejection.
	sameReason = `template.status = excluded.status AND template.rejection_reason LIKE excluded.rejection_reason || ': %'`

	differs = `template.meta_id IS DISTINCT FROM excluded.meta_id OR template.category <> excluded.category
		OR template.status <> excluded.status
		OR (template.rejection_reason IS DISTINCT FROM excluded.rejection_reason AND NOT coalesce(` + sameReason + `, false))
		OR template.quality_score <> excluded.quality_score OR template.parameter_format <> excluded.parameter_format
		OR template.components <> excluded.components OR template.message_ttl_seconds IS DISTINCT
		FROM excluded.message_ttl_seconds`
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

// markGone sets to DELETED what Meta had, lists no more, and was not changed since the listing
// began.
func (s *Service) markGone(ctx context.Context, a *ent.Account, seen []string, started time.Time) error {
	from, args := s.db.Rowset([]any{a.ID, started, string(enum.TemplateStatusDeleted)}, database.Texts("meta_id", seen))
	var gone []uid.ID
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, gone...) })
		gone, err = database.ScanIDs(tx.QueryContext(ctx, `UPDATE template SET status = $3, updated_at = $2
			WHERE account_id = $1 AND meta_id IS NOT NULL AND status <> $3 AND updated_at <= $2 AND meta_id NOT IN
			(SELECT f.meta_id FROM `+from+`) RETURNING id`, args...))
		return err
	})
	if err != nil {
		return fmt.Errorf("mark templates that are gone: %w", err)
	}

	return nil
}
