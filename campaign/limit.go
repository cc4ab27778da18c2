package campaign

import (
	"context"
	"fmt"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/phonenumber"
	"carillon/enum"
	"carillon/uid"
)

// worthResuming is the share of a messaging limit that must be free before campaigns go on: people leave the rolling window
// one by one, and a campaign that is resumed for each of them would be paused as often.
const worthResuming = 0.05

// AtLimit pauses an account's campaigns until people leave the rolling window. It returns when that is committed.
func (s *Service) AtLimit(ctx context.Context, accountID uid.ID, people int) error {
	_, err := s.Stop(ctx, campaign.HasPhoneNumberWith(phonenumber.AccountID(accountID)), enum.CampaignStatusReasonMessagingLimit,
		fmt.Sprintf("The account has written to as many new people as it may within 24 hours (%d). The campaign goes on by itself as room returns.", people))
	return err
}

// resumeWithRoom lets campaigns go on that a messaging limit stopped, once it has room for them again or is gone.
func (s *Service) resumeWithRoom(ctx context.Context) error {
	waiting, err := s.db.Client.Campaign.Query().Where(campaign.StatusEQ(enum.CampaignStatusPaused), campaign.StatusReasonEQ(enum.CampaignStatusReasonMessagingLimit)).
		WithPhoneNumber(func(q *ent.PhoneNumberQuery) { q.WithAccount() }).All(ctx)
	if err != nil {
		return fmt.Errorf("find campaigns at their limit: %w", err)
	}
	for _, c := range waiting {
		a := c.Edges.PhoneNumber.Edges.Account
		if a.Status != enum.AccountStatusConnected {
			continue
		}
		if limit := a.MessagingLimit; limit != nil {
			used, err := s.queue.Used(ctx, a.ID)
			if err != nil {
				return err
			}
			if room := *limit - used; room < min(max(1, c.Queued), max(1, int(float64(*limit)*worthResuming))) {
				continue
			}
		}
		n, err := s.db.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.StatusEQ(enum.CampaignStatusPaused), campaign.StatusReasonEQ(enum.CampaignStatusReasonMessagingLimit)).
			SetStatus(enum.CampaignStatusRunning).ClearStatusReason().ClearStatusDetail().Save(ctx)
		if err != nil {
			return fmt.Errorf("resume campaign %s: %w", c.ID, err)
		}
		if n > 0 {
			s.news.Notify(ctx, c.OrganizationID, c.ID)
			s.waker.WakeEnrollment(ctx, c.ID)
			s.waker.WakeLane(ctx, c.PhoneNumberID)
		}
	}
	return nil
}
