package campaign_test

import (
	"testing"

	"carillon/campaign"
	"carillon/drawingtest"
)

func TestTheDrawingOfCampaignsIsTheTable(t *testing.T) {
	t.Parallel()
	arrows := drawingtest.Arrows{}
	for name, rule := range campaign.Rules() {
		for _, from := range rule.From {
			for _, to := range rule.To {
				arrows.Add(string(from), string(to), name)
			}
		}
	}

	drawingtest.Compare(t, "Campaign", arrows)
}

func TestEveryChangeOfACampaignIsOnTheTrailOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	if names := campaign.Unexplained(); len(names) > 0 {
		t.Errorf("these changes leave no audit event and do not say why, or do both: %v", names)
	}
}
