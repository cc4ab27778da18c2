package campaign

import (
	"context"
	"fmt"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/uid"
)

// DeregisterNumber takes a number of the caller's organization out of WhatsApp's API, and pauses
// the campaigns that send from it.
func (s *Service) DeregisterNumber(ctx context.Context, id uid.ID) (*ent.PhoneNumber, error) {
	n, err := s.accounts.DeregisterNumber(ctx, id)
	if err != nil {
		return nil, err
	}

	_, err = s.Stop(ctx, campaign.PhoneNumberID(id), enum.CampaignStatusReasonAccountRestricted,
		fmt.Sprintf("Phone number %s was taken out of WhatsApp's API. Register it, then resume the campaign.",
			n.DisplayNumber))

	return n, err
}
