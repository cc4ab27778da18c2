package campaign

import (
	"context"
	"fmt"
	"time"

	"carillon/ent"
	"carillon/ent/campaign"
)

// mostAhead is how far a wall clock somewhere on earth is ahead of the same one elsewhere.
const mostAhead = 26 * time.Hour

// startDue starts the scheduled campaigns whose time has come.
func (s *Service) startDue(ctx context.Context) error {
	due, err := s.db.Client.Campaign.Query().Where(campaign.StatusEQ(scheduled),
		campaign.ScheduledAtLTE(s.now().Add(mostAhead))).All(ctx)
	if err != nil {
		return fmt.Errorf("find scheduled campaigns: %w", err)
	}

	for _, c := range due {
		if start := firstStart(c); start.After(s.now()) {
			continue
		}
		if err := s.startScheduled(ctx, c); err != nil {
			return err
		}
	}

	return nil
}

// startScheduled starts a campaign whose time has come if it may still be launched. Otherwise it
// pauses it with the first reason, so that its owner can mend that and resume it.
func (s *Service) startScheduled(ctx context.Context, c *ent.Campaign) error {
	found, err := s.launchObstacles(ctx, c)
	if err != nil {
		return fmt.Errorf("start scheduled campaign %s: %w", c.ID, err)
	}
	if len(found) > 0 {
		return s.refuseStart(ctx, c, found[0])
	}

	_, err = s.changeAlone(ctx, request{change: start, campaign: c.ID})

	return err
}

// refuseStart pauses a campaign that was to start, with the reason why it cannot. One that waits
// for another reason gets this one.
func (s *Service) refuseStart(ctx context.Context, c *ent.Campaign, o obstacle) error {
	_, err := s.changeAlone(ctx, request{change: refuse, campaign: c.ID, reason: o.reason, detail: o.detail(),
		still: func(now *ent.Campaign) bool { return sameStatus(now, c) }})
	return err
}

// sameStatus reports whether a campaign still has the status and the reason with which it was read.
func sameStatus(now, read *ent.Campaign) bool {
	if now.Status != read.Status || (now.StatusReason == nil) != (read.StatusReason == nil) {
		return false
	}
	return now.StatusReason == nil || *now.StatusReason == *read.StatusReason
}
