package campaign

import (
	"context"
	"fmt"
	"strings"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/whatsapp"
)

// namedCodes is how many error codes the brake's message names.
const namedCodes = 5

// Brake stops a campaign whose last answers were failures too often, and says which. The journal
// calls it.
func (s *Service) Brake(ctx context.Context, t delivery.Tally) error {
	failures, err := s.queue.LastFailures(ctx, t.Organization, t.Campaign, t.Failures)
	if err != nil {
		return err
	}

	_, err = s.Stop(ctx, campaign.ID(t.Campaign), enum.CampaignStatusReasonFailureRate, failureText(t, failures))

	return err
}

// brakeOptOuts stops a campaign to which too many people answer by opting out. The sweep calls it:
// opt-outs are written down with people's consent, and not by the journal.
func (s *Service) brakeOptOuts(ctx context.Context, c *ent.Campaign) (stopped bool, err error) {
	if c.RecentAnswers == nil || !changes[stop].leadsFrom(c.Status) {
		return false, nil
	}

	o := delivery.CountRecentOptOuts(*c.RecentAnswers)
	if !o.TooMany() {
		return false, nil
	}

	n, err := s.Stop(ctx, campaign.ID(c.ID), enum.CampaignStatusReasonQualityLow, optOutText(o))

	return n > 0, err
}

func optOutText(o delivery.OptOuts) string {
	return fmt.Sprintf("%d people opted out while WhatsApp took the last %d messages: %.1f %%. "+
		"Look at whom the campaign goes to and what it says, then resume it.", o.People, o.Accepted, 100*o.Share())
}

func failureText(t delivery.Tally, failures []delivery.Failures) string {
	var codes []string
	for i, f := range failures {
		if i == namedCodes {
			codes = append(codes, "others")
			break
		}

		codes = append(codes, fmt.Sprintf("%d %s (%d)", f.Code, whatsapp.RuleFor(f.Code, 0, 0, false).Title, f.Count))
	}

	return fmt.Sprintf(
		"%d of the last %d answers were failures: %s; threshold %.4g %%. Look into the causes, then resume the campaign.",
		t.Failures, t.Answers, strings.Join(codes, ", "), 100*t.Threshold)
}
