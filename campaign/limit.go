package campaign

import (
	"context"
	"fmt"
	"slices"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// worthResuming is the share of a limit that must be free before campaigns go on: room in a rolling
// window comes one by one, and a campaign that is resumed for each place would be paused as often.
const worthResuming = 0.05

// passing are the reasons that pass without anybody doing something to the campaign: it goes on by
// itself then.
var passing = []enum.CampaignStatusReason{
	enum.CampaignStatusReasonMessagingLimit, enum.CampaignStatusReasonQuotaReached,
	enum.CampaignStatusReasonOrganizationSuspended, enum.CampaignStatusReasonTermsNotAccepted,
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
	return fmt.Sprintf("The account has written to as many new people as it may within 24 hours (%d). The campaign goes on by itself as room returns.", people)
}

func quotaText(perDay int) string {
	return fmt.Sprintf("The organization has sent as many messages today (in UTC) as the operator allows: %d. The campaign goes on by itself when there is room.", perDay)
}

// stillFull refuses to resume a campaign that waits for a limit that has no room at all: it would
// be paused again at once.
func (s *Service) stillFull(ctx context.Context, c *ent.Campaign) error {
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

// holdBack pauses the campaigns of organizations that may not send.
func (s *Service) holdBack(ctx context.Context) error {
	var sending []struct {
		OrganizationID uid.ID `json:"organization_id"`
	}
	err := s.db.Client.Campaign.Query().Where(campaign.StatusIn(enum.CampaignStatusPreparing, enum.CampaignStatusRunning)).
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

// goOn lets campaigns go on that waited for something that has passed, unless something else stands
// in their way now.
func (s *Service) goOn(ctx context.Context) error {
	waiting, err := s.db.Client.Campaign.Query().Where(campaign.StatusEQ(enum.CampaignStatusPaused),
		campaign.StatusReasonIn(passing...)).
		WithPhoneNumber(func(q *ent.PhoneNumberQuery) { q.WithAccount() }).All(ctx)
	if err != nil || len(waiting) == 0 {
		return err
	}

	var owners []uid.ID
	for _, c := range waiting {
		owners = append(owners, c.OrganizationID)
	}

	slices.SortFunc(owners, func(a, b uid.ID) int { return slices.Compare(a[:], b[:]) })
	held, err := s.identity.Obstacles(ctx, slices.Compact(owners)...)
	if err != nil {
		return err
	}

	for _, c := range waiting {
		if len(held[c.OrganizationID]) > 0 {
			continue
		}

		if free, err := s.free(ctx, c); err != nil || !free {
			if err != nil {
				return err
			}

			continue
		}

		if err := s.letGoOn(ctx, c); err != nil {
			return err
		}
	}

	return nil
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

func (s *Service) letGoOn(ctx context.Context, c *ent.Campaign) error {
	still := campaign.And(campaign.StatusEQ(enum.CampaignStatusPaused), campaign.StatusReasonEQ(*c.StatusReason))
	moved, err := s.moveAlone(ctx, c, still, s.onward(c), identity.ActionCampaignResume,
		"resumed campaign %q: what it waited for has passed", func(u *ent.CampaignUpdate) {
			u.ClearStatusReason().ClearStatusDetail()
		})
	if err != nil {
		return fmt.Errorf("let campaign %s go on: %w", c.ID, err)
	}

	if moved {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
		s.waker.WakeEnrollment(ctx, c.ID)
		s.waker.WakeLane(ctx, c.PhoneNumberID)
	}

	return nil
}
