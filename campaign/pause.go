package campaign

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/ent/predicate"
	"carillon/uid"
)

// Pause stops a campaign; what is claimed but not sent goes back to the queue.
func (s *Service) Pause(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	return s.changeFor(ctx, request{change: pause, campaign: id, reason: enum.CampaignStatusReasonPausedByUser,
		detail: "Resume it when you want it to go on."})
}

// Stop pauses every campaign that sends and matches, because of something that it cannot mend
// itself. It returns how many it paused: nothing when they were paused before, so the cause is told
// once.
func (s *Service) Stop(ctx context.Context, which predicate.Campaign, reason enum.CampaignStatusReason,
	detail string) (int, error) {
	ctx = caller.System(ctx)
	ids, err := s.db.Client.Campaign.Query().Where(campaign.StatusIn(changes[stop].from...), which).IDs(ctx)
	if err != nil {
		return 0, fmt.Errorf("find campaigns to stop: %w", err)
	}

	stopped := 0
	for _, id := range ids {
		changed, err := s.changeAlone(ctx, request{change: stop, campaign: id, reason: reason, detail: detail})
		if err != nil {
			return stopped, fmt.Errorf("stop campaign %s: %w", id, err)
		}
		if changed {
			stopped++
		}
	}

	return stopped, nil
}

// AtLimit pauses an account's campaigns until people leave the rolling window. It returns when that
// is committed.
func (s *Service) AtLimit(ctx context.Context, accountID uid.ID, people int) error {
	_, err := s.Stop(ctx, campaign.HasPhoneNumberWith(phonenumber.AccountID(accountID)),
		enum.CampaignStatusReasonMessagingLimit, limitText(people))
	return err
}

// AtQuota pauses an organization's campaigns until there is room in its quota. It returns when that
// is committed.
func (s *Service) AtQuota(ctx context.Context, organization uid.ID, perDay int) error {
	_, err := s.Stop(ctx, campaign.OrganizationID(organization), enum.CampaignStatusReasonQuotaReached, quotaText(perDay))
	return err
}

func limitText(people int) string {
	return fmt.Sprintf("The account has written to as many new people as it may within 24 hours (%d). "+
		"The campaign goes on by itself as room returns.", people)
}

func quotaText(perDay int) string {
	return fmt.Sprintf("The organization has sent as many messages today (in UTC) as the operator allows: %d. "+
		"The campaign goes on by itself when there is room.", perDay)
}

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

// pauseBlocked pauses the campaigns of organizations that may not send.
func (s *Service) pauseBlocked(ctx context.Context) error {
	var sending []struct {
		OrganizationID uid.ID `json:"organization_id"`
	}
	err := s.db.Client.Campaign.Query().Where(campaign.StatusIn(changes[stop].from...)).
		Unique(true).Select(campaign.FieldOrganizationID).Scan(ctx, &sending)
	if err != nil || len(sending) == 0 {
		return err
	}

	owners := make([]uid.ID, len(sending))
	for i, s := range sending {
		owners[i] = s.OrganizationID
	}

	found, err := s.identity.Obstacles(ctx, owners...)
	if err != nil {
		return err
	}

	for owner, obstacles := range found {
		o := obstacle{reason: obstacles[0].Reason, text: obstacles[0].Text}
		if err := s.stopFor(ctx, campaign.OrganizationID(owner), o); err != nil {
			return err
		}
	}

	return nil
}
