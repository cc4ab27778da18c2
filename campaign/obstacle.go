package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
)

// obstacle is something that keeps a campaign from sending. Most may come and go while it waits.
type obstacle struct {
	reason enum.CampaignStatusReason
	field  string // of the mutation's input
	code   usererror.Code
	text   string
}

// These say why nothing can be sent with what is in such a status. A status without a row is no
// obstacle; of a number's, which are Meta's words, new ones may come.
var (
	templateReasons = map[enum.TemplateStatus]enum.CampaignStatusReason{
		enum.TemplateStatusDraft:           enum.CampaignStatusReasonTemplatePaused,
		enum.TemplateStatusPending:         enum.CampaignStatusReasonTemplatePaused,
		enum.TemplateStatusInAppeal:        enum.CampaignStatusReasonTemplatePaused,
		enum.TemplateStatusPaused:          enum.CampaignStatusReasonTemplatePaused,
		enum.TemplateStatusRejected:        enum.CampaignStatusReasonTemplateDisabled,
		enum.TemplateStatusDisabled:        enum.CampaignStatusReasonTemplateDisabled,
		enum.TemplateStatusPendingDeletion: enum.CampaignStatusReasonTemplateDisabled,
		enum.TemplateStatusDeleted:         enum.CampaignStatusReasonTemplateDisabled,
		enum.TemplateStatusLimitExceeded:   enum.CampaignStatusReasonTemplateDisabled,
		enum.TemplateStatusArchived:        enum.CampaignStatusReasonTemplateDisabled,
	}
	numberReasons = map[string]enum.CampaignStatusReason{
		"FLAGGED": enum.CampaignStatusReasonQualityLow, "RESTRICTED": enum.CampaignStatusReasonQualityLow,
		"BANNED":  enum.CampaignStatusReasonQualityLow,
		"DELETED": enum.CampaignStatusReasonAccountRestricted, "DISCONNECTED": enum.CampaignStatusReasonAccountRestricted,
		"MIGRATED": enum.CampaignStatusReasonAccountRestricted, "UNVERIFIED": enum.CampaignStatusReasonAccountRestricted,
	}
	accountReasons = map[enum.AccountStatus]enum.CampaignStatusReason{
		enum.AccountStatusTokenExpired: enum.CampaignStatusReasonTokenInvalid,
		enum.AccountStatusRestricted:   enum.CampaignStatusReasonAccountRestricted,
		enum.AccountStatusDisabled:     enum.CampaignStatusReasonAccountRestricted,
		enum.AccountStatusDisconnected: enum.CampaignStatusReasonAccountRestricted,
	}
)

func templateObstacle(t *ent.Template) obstacle {
	o := obstacle{templateReasons[t.Status], "campaignId", usererror.Invalid,
		fmt.Sprintf("template %s is %s; only an APPROVED template can be sent", t.Name, t.Status)}
	if t.RejectionReason != nil {
		o.text += " (" + *t.RejectionReason + ")"
	}

	return o
}

func numberObstacle(n *ent.PhoneNumber) obstacle {
	return obstacle{numberReasons[n.Status], "campaignId", usererror.NotAllowed,
		fmt.Sprintf("phone number %s is %s at WhatsApp", n.DisplayNumber, n.Status)}
}

func accountObstacle(a *ent.Account) obstacle {
	o := obstacle{accountReasons[a.Status], "campaignId", usererror.NotAllowed,
		fmt.Sprintf("WhatsApp account %s is %s", a.Name, a.Status)}
	if a.StatusReason != nil {
		o.text += " (" + *a.StatusReason + ")"
	}

	return o
}

// obstacles are what keeps a campaign from sending now: account, number, template, organization.
func (s *Service) obstacles(ctx context.Context, c *ent.Campaign) (found []obstacle, err error) {
	template, err := c.QueryTemplate().WithAccount().Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	number, err := c.QueryPhoneNumber().Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("read phone number: %w", err)
	}

	general, err := s.identity.Obstacles(ctx, c.OrganizationID)
	if err != nil {
		return nil, err
	}

	for _, o := range []obstacle{accountObstacle(template.Edges.Account), numberObstacle(number),
		templateObstacle(template)} {
		if o.reason != "" {
			found = append(found, o)
		}
	}

	for _, o := range general[c.OrganizationID] {
		found = append(found, obstacle{o.Reason, "", usererror.NotAllowed, o.Text})
	}

	return found, nil
}

// sendable refuses what cannot send now, with everything that stands in its way.
func (s *Service) sendable(ctx context.Context, c *ent.Campaign) error {
	found, err := s.obstacles(ctx, c)
	if err != nil {
		return err
	}

	return refusal(found)
}

// refusal is obstacles as the errors of a mutation; nil for none.
func refusal(found []obstacle) error {
	var in usererror.Fields
	for _, o := range found {
		in.Add(o.field, o.code, "%s", o.text)
	}

	return in.Err()
}

// detail is an obstacle as a sentence of its own, with what lets the campaign go on.
func (o obstacle) detail() string {
	next := "Resume the campaign when that is mended."
	switch {
	case slices.Contains(temporary, o.reason):
		next = "The campaign goes on by itself when that is over."
	case o.reason == enum.CampaignStatusReasonScheduleMissed:
		next = "Cancel it, and draft another one."
	}

	return strings.ToUpper(o.text[:1]) + o.text[1:] + ". " + next
}
