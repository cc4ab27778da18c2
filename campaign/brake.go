package campaign

import (
	"context"
	"fmt"
	"strings"

	"carillon/delivery"
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
