package campaign

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/predicate"
	"carillon/uid"
)

// Finish completes a number's campaigns that have nothing left to send, and looks at those whose
// canary is sent: a lane calls it when it runs dry.
func (s *Service) Finish(ctx context.Context, number uid.ID) error {
	ctx = caller.System(ctx)
	if err := s.completeAll(ctx, campaign.PhoneNumberID(number)); err != nil {
		return err
	}

	return s.watchCanaries(ctx, campaign.PhoneNumberID(number))
}

// completeAll completes those campaigns that have nothing left to send. What becomes of their
// messages at WhatsApp goes on being counted.
func (s *Service) completeAll(ctx context.Context, which predicate.Campaign) error {
	ids, err := s.db.Client.Campaign.Query().Where(which, campaign.StatusIn(changes[complete].from...),
		campaign.EnrolledAtNotNil(), campaign.Queued(0), campaign.Sending(0), campaign.Unknown(0)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("find campaigns with nothing left to send: %w", err)
	}

	for _, id := range ids {
		if _, err := s.changeAlone(ctx, request{change: complete, campaign: id, still: nothingLeft}); err != nil {
			return err
		}
	}

	return nil
}

// nothingLeft reports whether all of a campaign's recipients are enrolled, and their messages have
// been handed to WhatsApp or given up.
func nothingLeft(c *ent.Campaign) bool {
	return c.EnrolledAt != nil && c.Queued == 0 && c.Sending == 0 && c.Unknown == 0
}
