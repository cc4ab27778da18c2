package campaign

import (
	"context"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/predicate"
)

// TemplateChanged pauses the campaigns of a template that cannot be sent any more. A campaign is
// resumed by people, when what it waits for is mended.
func (s *Service) TemplateChanged(ctx context.Context, t *ent.Template) error {
	return s.stopFor(ctx, campaign.TemplateID(t.ID), templateObstacle(t))
}

// NumberChanged pauses the campaigns of a number that cannot send any more, or that people complain
// of: to go on at a red quality costs the number its standing, so somebody has to say that they
// want it.
func (s *Service) NumberChanged(ctx context.Context, n *ent.PhoneNumber) error {
	o := numberObstacle(n)
	if o.reason == "" && n.QualityRating == enum.QualityRatingRed {
		o.reason, o.text = enum.CampaignStatusReasonQualityLow, "the quality of phone number "+n.DisplayNumber+
			" is RED: many people blocked or reported it"
	}

	return s.stopFor(ctx, campaign.PhoneNumberID(n.ID), o)
}

// AccountChanged pauses the campaigns of an account that cannot send any more.
func (s *Service) AccountChanged(ctx context.Context, a *ent.Account) error {
	return s.stopFor(ctx, ofAccount(a.ID), accountObstacle(a))
}

func (s *Service) stopFor(ctx context.Context, which predicate.Campaign, o obstacle) error {
	if o.reason == "" {
		return nil
	}

	_, err := s.Stop(ctx, which, o.reason, o.detail())
	return err
}
