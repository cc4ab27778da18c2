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
func (s *Service) pullTemplates(ctx context.Context, a *ent.Account, token whatsapp.Token) error {
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

	for t, err := range s.meta.Templates(ctx, token, a.WabaID) {
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
	columns, err := rowset(read)
	if err != nil || len(read) == 0 {
		return nil, err
	}

	from, args := s.db.Rowset([]any{a.OrganizationID, a.ID, at}, columns...)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		changed, err = database.ScanIDs(tx.QueryContext(ctx, `INSERT INTO template (id, organization_id, account_id, meta_id, name, language, category, status,
				rejection_reason, quality_score, parameter_format, components, message_ttl_seconds, created_at, updated_at)
			SELECT f.id, $1, $2, f.meta_id, f.name, f.language, f.category, f.status,
				f.rejection_reason, f.quality_score, f.parameter_format, f.components, f.message_ttl_seconds, $3, $3 FROM `+from+` WHERE true
			ON CONFLICT (account_id, name, language) DO UPDATE SET meta_id = excluded.meta_id, category = excluded.category, status = excluded.status,
				rejection_reason = CASE WHEN `+sameReason+` THEN template.rejection_reason ELSE excluded.rejection_reason END,
				quality_score = excluded.quality_score, parameter_format = excluded.parameter_format, components = excluded.components,
				message_ttl_seconds = excluded.message_ttl_seconds, updated_at = excluded.updated_at
			WHERE (template.meta_id IS NULL OR template.updated_at <= excluded.updated_at) AND (`+differs+`)
			RETURNING id`, args...))

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store templates of account %s: %w", a.ID, err)
	}

	s.changed(ctx, a.OrganizationID, changed...)

	return changed, nil
}

const (
	// sameReason keeps the sentence that a webhook added to Meta's enum of a rejection.
	sameReason = `template.status = excluded.status AND template.rejection_reason LIKE excluded.rejection_reason || ': %'`

	differs = `template.meta_id IS DISTINCT FROM excluded.meta_id OR template.category <> excluded.category OR template.status <> excluded.status
		OR (template.rejection_reason IS DISTINCT FROM excluded.rejection_reason AND NOT coalesce(` + sameReason + `, false))
		OR template.quality_score <> excluded.quality_score OR template.parameter_format <> excluded.parameter_format
		OR template.components <> excluded.components OR template.message_ttl_seconds IS DISTINCT FROM excluded.message_ttl_seconds`
)

// rowset is the columns of a batch, each template once: in one statement no row can change twice.
func rowset(read []whatsapp.Template) ([]database.Column, error) {
	read = slices.Clone(read)
	key := func(a, b whatsapp.Template) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Language, b.Language))
	}
	slices.SortStableFunc(read, key) // in one order in every transaction, so that two of them cannot wait for each other
	read = slices.CompactFunc(read, func(a, b whatsapp.Template) bool { return key(a, b) == 0 })
	var (
		ids                       []uid.ID
		metaIDs, names, languages []string
		categories                []enum.TemplateCategory
		statuses                  []enum.TemplateStatus
		reasons                   []*string
		qualities                 []enum.QualityRating
		formats                   []enum.ParameterFormat
		parts                     []json.RawMessage
		ttls                      []*int
	)

	for _, t := range read {
		c, err := columnsOf(t)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", t.Name, err)
		}

		ids, metaIDs = append(ids, uid.New(uid.Template)), append(metaIDs, t.ID)
		names, languages = append(names, t.Name), append(languages, t.Language)
		categories, statuses = append(categories, c.category), append(statuses, c.status)
		reasons, qualities = append(reasons, c.rejection), append(qualities, c.quality)
		formats, parts, ttls = append(formats, c.format), append(parts, c.components), append(ttls, c.ttl)
	}

	return []database.Column{
		database.IDs("id", ids), database.Texts("meta_id", metaIDs), database.Texts("name", names),
		database.Texts("language", languages),
		database.Texts("category", categories), database.Texts("status", statuses),
		database.NullTexts("rejection_reason", reasons),
		database.Texts("quality_score", qualities), database.Texts("parameter_format", formats),
		database.JSONs("components", parts),
		database.NullInts("message_ttl_seconds", ttls),
	}, nil
}

// markGone sets to DELETED what Meta had, lists no more, and was not changed since the listing
// began.
func (s *Service) markGone(ctx context.Context, a *ent.Account, seen []string, started time.Time) error {
	from, args := s.db.Rowset([]any{a.ID, started, string(enum.TemplateStatusDeleted)}, database.Texts("meta_id", seen))
	var gone []uid.ID
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		gone, err = database.ScanIDs(tx.QueryContext(ctx, `UPDATE template SET status = $3, updated_at = $2
			WHERE account_id = $1 AND meta_id IS NOT NULL AND status <> $3 AND updated_at <= $2 AND meta_id NOT IN (SELECT f.meta_id FROM `+from+`) RETURNING id`, args...))
		return err
	})
	if err != nil {
		return fmt.Errorf("mark templates that are gone: %w", err)
	}

	s.changed(ctx, a.OrganizationID, gone...)

	return nil
}
