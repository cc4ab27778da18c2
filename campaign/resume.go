package campaign

import (
	"context"
	"fmt"
	"slices"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// worthResuming is the share of a limit that must be free before campaigns go on: room in a rolling
// window comes one by one, and a campaign that is resumed for each place would be paused as often.
const worthResuming = 0.05

// temporary are the reasons that pass without anybody doing something to the campaign: it goes on
// by itself then.
var temporary = []enum.CampaignStatusReason{
	enum.CampaignStatusReasonMessagingLimit, enum.CampaignStatusReasonQuotaReached,
	enum.CampaignStatusReasonOrganizationSuspended, enum.CampaignStatusReasonTermsNotAccepted,
}

// Resume lets a paused campaign go on where it stopped, once what stood in its way is mended. Its
// failures so far are forgiven: the brake counts from the beginning, and a canary that failed has
// passed. One of which nothing is enrolled must be fit for a launch.
func (s *Service) Resume(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if !changes[resume].leadsFrom(c.Status) {
		return nil, conflict(c, changes[resume].verb)
	}

	check := s.sendable
	if s.resumeStatus(c) != running {
		check = s.launchable
	}
	if err := check(ctx, c); err != nil {
		return nil, err
	}
	if err := s.atLimit(ctx, c); err != nil {
		return nil, err
	}

	return s.changeFor(ctx, request{change: resume, campaign: id, to: s.resumeStatus,
		also: func(u *ent.CampaignUpdateOne) {
			u.ClearRecentAnswers()
			if c.CanaryState != nil && *c.CanaryState == enum.CanaryStateFailed {
				u.SetCanaryState(enum.CanaryStatePassed)
			}
		}})
}

// resumeStatus is where a paused campaign goes on.
func (s *Service) resumeStatus(c *ent.Campaign) status {
	start := firstStart(c)
	switch {
	case c.EnrollCursor != nil || c.EnrolledAt != nil:
		return running
	case start != nil && start.After(s.now()):
		return scheduled
	}

	return preparing
}

// atLimit refuses to resume a campaign that waits for a limit that has no room at all: it would
// be paused again at once.
func (s *Service) atLimit(ctx context.Context, c *ent.Campaign) error {
	if c.StatusReason == nil {
		return nil
	}

	switch *c.StatusReason {
	case enum.CampaignStatusReasonMessagingLimit:
		a, err := c.QueryPhoneNumber().QueryAccount().Only(ctx)
		if err != nil {
			return fmt.Errorf("read account: %w", err)
		}
		if used, err := s.queue.Used(ctx, a.ID); err != nil || a.MessagingLimit == nil || used < *a.MessagingLimit {
			return err
		}

		return usererror.Refuse("campaignId", usererror.LimitExceeded, "%s", limitText(*a.MessagingLimit))
	case enum.CampaignStatusReasonQuotaReached:
		owner, err := s.db.Client.Organization.Get(ctx, c.OrganizationID)
		if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}

		if sent, err := s.queue.SentToday(ctx, owner.ID); err != nil || owner.QuotaMessagesPerDay == nil ||
			sent < *owner.QuotaMessagesPerDay {
			return err
		}

		return usererror.Refuse("campaignId", usererror.LimitExceeded, "%s", quotaText(*owner.QuotaMessagesPerDay))
	}

	return nil
}

// resumeWaiting lets campaigns go on that waited for something that has passed, unless something
// else stands in their way now.
func (s *Service) resumeWaiting(ctx context.Context) error {
	waiting, err := s.db.Client.Campaign.Query().Where(campaign.StatusEQ(paused),
		campaign.StatusReasonIn(temporary...)).
		WithPhoneNumber(func(q *ent.PhoneNumberQuery) { q.WithAccount() }).All(ctx)
	if err != nil || len(waiting) == 0 {
		return err
	}

	var owners []uid.ID
	for _, c := range waiting {
		owners = append(owners, c.OrganizationID)
	}

	slices.SortFunc(owners, uid.Compare)
	held, err := s.identity.Obstacles(ctx, slices.Compact(owners)...)
	if err != nil {
		return err
	}

	for _, c := range waiting {
		if len(held[c.OrganizationID]) > 0 {
			continue
		}
		if err := s.resumeOne(ctx, c); err != nil {
			return fmt.Errorf("resume campaign %s: %w", c.ID, err)
		}
	}

	return nil
}

// resumeOne lets a campaign go on if nothing stands in its way. One of which nothing is enrolled
// must be fit for a launch; if it is not, it says why from now on.
func (s *Service) resumeOne(ctx context.Context, c *ent.Campaign) error {
	free, err := s.free(ctx, c)
	if err != nil || !free {
		return err
	}

	if s.resumeStatus(c) != running {
		found, err := s.launchObstacles(ctx, c)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return s.refuseStart(ctx, c, found[0])
		}
	}

	_, err = s.changeAlone(ctx, request{change: proceed, campaign: c.ID, to: s.resumeStatus,
		still: func(now *ent.Campaign) bool { return sameStatus(now, c) }})

	return err
}

// free says whether nothing stands in a campaign's way, and its limits have room worth going on
// for.
func (s *Service) free(ctx context.Context, c *ent.Campaign) (bool, error) {
	worth := func(limit *int, used func() (int, error)) (bool, error) {
		if limit == nil {
			return true, nil
		}

		n, err := used()
		return *limit-n >= min(max(1, c.Queued), max(1, int(float64(*limit)*worthResuming))), err
	}

	a := c.Edges.PhoneNumber.Edges.Account
	room, err := worth(a.MessagingLimit, func() (int, error) { return s.queue.Used(ctx, a.ID) })
	if err != nil || !room {
		return false, err
	}

	owner, err := s.db.Client.Organization.Get(ctx, c.OrganizationID)
	if err != nil {
		return false, fmt.Errorf("read organization: %w", err)
	}

	room, err = worth(owner.QuotaMessagesPerDay, func() (int, error) { return s.queue.SentToday(ctx, owner.ID) })
	if err != nil || !room {
		return false, err
	}

	found, err := s.obstacles(ctx, c)

	return len(found) == 0, err
}
