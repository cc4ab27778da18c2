package account

import (
	"context"
	"fmt"

	"carillon/database"
	"carillon/ent"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/usererror"
)

// template is a template with its account, among those that ctx may see.
func (s *Service) template(ctx context.Context, id uid.ID) (*ent.Template, error) {
	t, err := s.db.Client.Template.Query().Where(enttemplate.ID(id)).WithAccount().Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("template")
	}
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", id, err)
	}

	return t, nil
}

// revise changes one template and writes its history. Edit sees the row as it is, locked, and puts
// the changes into the update; when it reports false nothing changes, and nil is returned.
func (s *Service) revise(ctx context.Context, id uid.ID, by cause,
	edit func(*ent.Template, *ent.TemplateUpdateOne) bool) (after *ent.Template, err error) {
	changed := false
	err = s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		changed, err = s.reviseIn(ctx, tx, id, by, edit)
		return err
	})
	if err != nil || !changed {
		return nil, err
	}

	return s.template(ctx, id)
}

// reviseIn is revise within a transaction; it reports whether something changed.
func (s *Service) reviseIn(ctx context.Context, tx *database.Tx, id uid.ID, by cause,
	edit func(*ent.Template, *ent.TemplateUpdateOne) bool) (changed bool, err error) {
	before, err := tx.Client.Template.Query().Where(enttemplate.ID(id), s.db.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return false, usererror.Missing("template")
	}
	if err != nil {
		return false, fmt.Errorf("template %s: %w", id, err)
	}

	row := tx.Client.Template.UpdateOne(before).SetUpdatedAt(s.now())
	if !edit(before, row) {
		return false, nil
	}

	after, err := row.Save(ctx)
	if err != nil {
		return false, fmt.Errorf("template %s: %w", id, err)
	}

	tx.After(func(ctx context.Context) { s.changed(ctx, after.OrganizationID, id) })

	return true, s.note(ctx, tx, by, revised{before, after})
}
