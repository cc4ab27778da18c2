package campaign

import (
	"context"

	"carillon/ent"
	"carillon/uid"
)

// Cancel ends a campaign for good. What is queued is canceled, at once or, for a large one, by a
// worker soon after; what is in a worker's hands is still sent.
func (s *Service) Cancel(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	return s.changeFor(ctx, request{change: cancel, campaign: id})
}
