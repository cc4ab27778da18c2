package account

import (
	"context"
	"fmt"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// DuplicateTemplate is what copies a template.
type DuplicateTemplate struct {
	ID       uid.ID
	Language string
	Name     string // empty is the same
}

// DuplicateTemplate copies a template into another language, or under another name, as a draft on
// the same account. What Meta alone may write is taken out of the copy, so that it can be
// submitted; an example of media has to be uploaded anew.
func (s *Service) DuplicateTemplate(ctx context.Context, in DuplicateTemplate) (*ent.Template, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	t, err := s.template(ctx, in.ID)
	if err != nil {
		return nil, err
	}

	field := "language" // which is at fault when there is one already
	copied := normal(Of(t).Resubmission())
	copied.Language = in.Language
	if in.Name != "" {
		copied.Name, field = in.Name, "name"
	}

	var wrong usererror.Fields
	for _, p := range Lint(copied) { // all else can be mended in the draft
		if p.Field[0] == "name" || p.Field[0] == "language" {
			wrong.Add(p.Field[0], usererror.Invalid, "%s", p.Message)
		}
	}

	if err := wrong.Err(); err != nil {
		return nil, err
	}

	var id uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		tx.After(func(ctx context.Context) { s.changed(ctx, t.OrganizationID, id) })
		why := fmt.Sprintf("A copy of %s (%s).", t.Name, t.Language)
		if id, err = s.putDraft(ctx, tx, t.Edges.Account, copied, field, why); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionTemplateCreate, Subject: id,
			Summary: fmt.Sprintf("copied template %q (%s) to %q (%s)", t.Name, t.Language, copied.Name, copied.Language)})
	})
	if err != nil {
		return nil, fmt.Errorf("duplicate template %s: %w", t.ID, err)
	}

	return s.template(ctx, id)
}
