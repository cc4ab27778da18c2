package campaign

import (
	"context"
	"fmt"
	"time"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/predicate"
)

// A canary goes PENDING, WAITING, PASSED or FAILED. Claims give no more than its size while it is
// PENDING and nothing while it is WAITING (package delivery), so that however many processes send,
// the rest is not begun before somebody has judged it.

// handed is how many of a campaign's messages have been given to WhatsApp, or may have been.
func handed(c *ent.Campaign) int {
	return c.Sending + c.Accepted + c.Sent + c.Delivered + c.Read + c.Failed + c.Unknown
}

// watchCanaries moves on the canaries of those campaigns that send. Any number of processes may do
// it at once.
func (s *Service) watchCanaries(ctx context.Context, which predicate.Campaign) error {
	watched, err := s.db.Client.Campaign.Query().Where(which, campaign.StatusEQ(running),
		campaign.CanaryStateIn(enum.CanaryStatePending, enum.CanaryStateWaiting)).All(ctx)
	if err != nil {
		return fmt.Errorf("find canaries: %w", err)
	}

	for _, c := range watched {
		switch {
		case c.Canary == nil:
		case *c.CanaryState == enum.CanaryStateWaiting && !c.CanaryUntil.After(s.now()):
			err = s.judge(ctx, c)
		case *c.CanaryState == enum.CanaryStatePending && c.Sending == 0 && handed(c) > 0 &&
			(handed(c) >= c.Canary.Size || c.EnrolledAt != nil && c.Queued == 0):
			err = s.await(ctx, c)
		}

		if err != nil {
			return fmt.Errorf("watch the canary of %s: %w", c.ID, err)
		}
	}

	return nil
}

// await begins the time in which receipts of a canary come.
func (s *Service) await(ctx context.Context, c *ent.Campaign) error {
	until := s.now().Add(time.Duration(c.Canary.WaitSeconds) * time.Second)
	n, err := s.db.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.CanaryStateEQ(enum.CanaryStatePending)).
		SetCanaryState(enum.CanaryStateWaiting).SetCanaryUntil(until).Save(ctx)
	if n > 0 {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
	}

	return err
}

// judge lets the rest of a campaign follow, or pauses it.
func (s *Service) judge(ctx context.Context, c *ent.Campaign) error {
	rate := float64(c.Failed) / float64(max(1, handed(c)))
	if rate > c.Canary.MaxFailureRate {
		detail := fmt.Sprintf("%d of the first %d messages failed, which is more than %.4g %%. Look into the failures; "+
			"who resumes the campaign sends the rest all the same.", c.Failed, handed(c), 100*c.Canary.MaxFailureRate)
		_, err := s.changeAlone(ctx, request{change: stop, campaign: c.ID, reason: enum.CampaignStatusReasonCanaryFailed,
			detail: detail, still: canaryWaits,
			also: func(u *ent.CampaignUpdateOne) { u.SetCanaryState(enum.CanaryStateFailed) }})

		return err
	}

	n, err := s.db.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.StatusEQ(running),
		campaign.CanaryStateEQ(enum.CanaryStateWaiting)).SetCanaryState(enum.CanaryStatePassed).Save(ctx)
	if n > 0 {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
		s.waker.WakeLane(ctx, c.PhoneNumberID)
	}

	return err
}

func canaryWaits(c *ent.Campaign) bool {
	return c.CanaryState != nil && *c.CanaryState == enum.CanaryStateWaiting
}
