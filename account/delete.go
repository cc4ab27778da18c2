package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/ent/templatechange"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	// nameLock is how long Meta takes no template of a name after one that was approved is deleted.
	// developers.facebook.com, WhatsApp "Template management" (read 2026-09).
	nameLock = 30 * 24 * time.Hour

	// templateGone is Meta's subcode for a template that it does not have.
	templateGone = 2593002

	lostDeletion = "WhatsApp did not answer as it should, so it is not known whether the template is deleted. " +
		"Delete it again."
)

// approvedOnce are the statuses that only a template has which was approved.
var approvedOnce = []enum.TemplateStatus{enum.TemplateStatusApproved, enum.TemplateStatusPaused,
	enum.TemplateStatusDisabled, enum.TemplateStatusArchived, enum.TemplateStatusPendingDeletion}

// DeleteTemplate deletes a template, or all languages of its name, at Meta and here. A draft that
// nothing refers to goes without a trace; all else stays, as DELETED, for its messages. Again is no
// error. When the service dies after Meta's answer, the next sync finds them gone.
func (s *Service) DeleteTemplate(ctx context.Context, id uid.ID, allLanguages bool) ([]uid.ID, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	t, err := s.template(ctx, id)
	if err != nil {
		return nil, err
	}

	doomed := []*ent.Template{t}
	if allLanguages {
		doomed, err = s.db.Client.Template.Query().Where(enttemplate.AccountID(t.AccountID), enttemplate.Name(t.Name)).
			Order(enttemplate.ByID()).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("languages of template %s: %w", id, err)
		}
	}

	var deleted []uid.ID
	var drafts, atMeta []*ent.Template
	for _, d := range doomed {
		deleted = append(deleted, d.ID)
		switch {
		case d.Status == enum.TemplateStatusDisabled:
			return nil, usererror.Refuse("templateId", usererror.NotAllowed,
				"WhatsApp does not delete a template that it has disabled: %s (%s).", d.Name, d.Language)
		case d.MetaID == nil && d.Status == enum.TemplateStatusDraft:
			drafts = append(drafts, d)
		case d.Status != enum.TemplateStatusDeleted:
			atMeta = append(atMeta, d)
		}
	}

	if err := s.deleteAtMeta(ctx, t.Edges.Account, allLanguages, atMeta); err != nil {
		return nil, err
	}

	return deleted, s.deleteDrafts(ctx, drafts)
}

func (s *Service) deleteAtMeta(ctx context.Context, a *ent.Account, allLanguages bool, doomed []*ent.Template) error {
	if len(doomed) == 0 {
		return nil
	}

	at, err := s.Access(a)
	if err != nil {
		return err
	}
	if err := s.claim(ctx, audit.ActionTemplateDelete, "deleted", doomed...); err != nil {
		return err
	}

	which := ""
	if !allLanguages {
		which = *doomed[0].MetaID
	}

	err = at.Client.DeleteTemplate(ctx, at.Token, a.WabaID, doomed[0].Name, which)
	ctx = context.WithoutCancel(ctx)

	var no *whatsapp.Error
	if gone := errors.As(err, &no) && no.Subcode == templateGone; err != nil && !gone {
		return s.refused(ctx, a, err, "templateId", lostDeletion, doomed...)
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		for _, t := range doomed {
			if err := s.markDeleted(ctx, tx, t.ID); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		return fmt.Errorf("mark templates as deleted: %w", err)
	}

	return nil
}

// markDeleted notes that a template is deleted, and how long its name is locked.
func (s *Service) markDeleted(ctx context.Context, tx *database.Tx, id uid.ID) error {
	approved, err := tx.Client.TemplateChange.Query().Where(templatechange.TemplateID(id), templatechange.Field("status"),
		templatechange.After(string(enum.TemplateStatusApproved))).Exist(ctx)
	if err != nil {
		return fmt.Errorf("history of template %s: %w", id, err)
	}

	_, err = s.reviseIn(ctx, tx, id, byCaller(ctx, ""), func(t *ent.Template, row *ent.TemplateUpdateOne) bool {
		moveTemplate(t, row, "delete") // unless a webhook has told of it already
		row.ClearComingCategory().ClearChangingUntil().ClearChangingBy()
		if approved || slices.Contains(approvedOnce, t.Status) {
			row.SetNameLockedUntil(s.now().Add(nameLock))
		}

		return true
	})

	return err
}

func (s *Service) deleteDrafts(ctx context.Context, drafts []*ent.Template) error {
	if len(drafts) == 0 {
		return nil
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		for _, t := range drafts {
			if err := s.deleteDraft(ctx, tx, t); err != nil {
				return err
			}

			tx.After(func(ctx context.Context) { s.changed(ctx, t.OrganizationID, t.ID) })
		}

		entries := make([]audit.Entry, len(drafts))
		for i, t := range drafts {
			entries[i] = audit.Entry{Action: audit.ActionTemplateDelete, Subject: t.ID,
				Summary: fmt.Sprintf("deleted template %q (%s), a draft", t.Name, t.Language)}
		}

		return audit.RecordAll(ctx, tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("delete drafts: %w", err)
	}

	return nil
}

// deleteDraft removes a draft's row, unless campaigns, or messages of a former template in its
// place, refer to it.
func (s *Service) deleteDraft(ctx context.Context, tx *database.Tx, t *ent.Template) error {
	used, err := tx.Client.Campaign.Query().Where(campaign.TemplateID(t.ID)).Exist(ctx)
	if err != nil {
		return err
	}

	former, err := tx.Client.TemplateChange.Query().Where(templatechange.TemplateID(t.ID), templatechange.Field("status"),
		templatechange.BeforeNotNil()).Exist(ctx)
	if err != nil {
		return err
	}

	if used || former {
		_, err := s.reviseIn(ctx, tx, t.ID, byCaller(ctx, ""), func(now *ent.Template, row *ent.TemplateUpdateOne) bool {
			return now.Status == draft && moveTemplate(now, row, "delete")
		})

		return err
	}

	n, err := tx.Client.Template.Delete().Where(enttemplate.ID(t.ID), enttemplate.StatusEQ(enum.TemplateStatusDraft),
		enttemplate.UpdatedAt(t.UpdatedAt)).Exec(ctx)
	if err == nil && n == 0 {
		return changedMeanwhile()
	}

	return err
}

// nameFree refuses a name that Meta will not take yet.
func (s *Service) nameFree(ctx context.Context, t *ent.Template, field string) error {
	locked, err := s.db.Client.Template.Query().Where(enttemplate.AccountID(t.AccountID), enttemplate.Name(t.Name),
		enttemplate.NameLockedUntilGT(s.now())).Order(ent.Desc(enttemplate.FieldNameLockedUntil)).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for deleted templates %s: %w", t.Name, err)
	}

	return usererror.Refuse(field, usererror.NotAllowed,
		"WhatsApp takes no template of this name, in any language, for 30 days after one that was approved is deleted: "+
			"choose another name, or wait until %s. %s", locked.NameLockedUntil.UTC().Format(time.RFC3339), draftKept)
}
