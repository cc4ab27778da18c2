package campaign

import (
	"context"
	"fmt"
	"strings"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/template"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// The statuses of campaigns that keep their template from being changed: those whose messages are
// made already. A scheduled one is checked again when it starts. None of these may lose its
// template.
var (
	keepFromEditing = []enum.CampaignStatus{enum.CampaignStatusPreparing, enum.CampaignStatusRunning,
		enum.CampaignStatusPaused}
	keepFromDeleting = append([]enum.CampaignStatus{enum.CampaignStatusScheduled}, keepFromEditing...)
)

// mostNamed is how many campaigns a refusal names.
const mostNamed = 5

// UpdateTemplate changes a template that no campaign under way uses. One that is launched meanwhile
// pauses, until the template is approved again.
func (s *Service) UpdateTemplate(ctx context.Context, in account.UpdateTemplate) (*ent.Template, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}
	if err := s.unused(ctx, "changed", keepFromEditing, in.ID); err != nil {
		return nil, err
	}

	t, err := s.accounts.UpdateTemplate(ctx, in)
	if err != nil {
		return nil, err
	}

	return t, s.TemplateChanged(ctx, t)
}

// Deletion is what DeleteTemplate has deleted.
type Deletion struct{ Templates []uid.ID }

// DeleteTemplate deletes a template, or all languages of its name, that no campaign uses which is
// scheduled or under way. One that is launched meanwhile pauses. Drafts of campaigns keep it, and
// cannot be launched.
func (s *Service) DeleteTemplate(ctx context.Context, id uid.ID, allLanguages bool) (*Deletion, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	ids := []uid.ID{id}
	if t, err := s.db.Client.Template.Get(ctx, id); err == nil && allLanguages {
		ids, err = s.db.Client.Template.Query().Where(template.AccountID(t.AccountID), template.Name(t.Name)).IDs(ctx)
		if err != nil {
			return nil, fmt.Errorf("languages of template %s: %w", id, err)
		}
	}

	if err := s.unused(ctx, "deleted", keepFromDeleting, ids...); err != nil {
		return nil, err
	}

	deleted, err := s.accounts.DeleteTemplate(ctx, id, allLanguages)
	if err != nil {
		return nil, err
	}

	gone, err := s.db.Client.Template.Query().Where(template.IDIn(deleted...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read deleted templates: %w", err)
	}

	for _, t := range gone {
		if err := s.TemplateChanged(ctx, t); err != nil {
			return nil, err
		}
	}

	return &Deletion{deleted}, nil
}

// unused refuses what campaigns in these statuses forbid, and names some of them.
func (s *Service) unused(ctx context.Context, what string, in []enum.CampaignStatus, templates ...uid.ID) error {
	users, err := s.db.Client.Campaign.Query().Where(campaign.TemplateIDIn(templates...), campaign.StatusIn(in...)).
		Order(campaign.ByID()).Limit(mostNamed + 1).All(ctx)
	if err != nil || len(users) == 0 {
		return err
	}

	var names []string
	for _, c := range users[:min(len(users), mostNamed)] {
		names = append(names, fmt.Sprintf("%q (%s)", c.Name, c.Status))
	}

	if len(users) > mostNamed {
		names = append(names, "and more")
	}

	return usererror.Refuse("templateId", usererror.NotAllowed,
		"A template cannot be %s while campaigns need it: %s. Cancel them, or wait until they are over.",
		what, strings.Join(names, ", "))
}
