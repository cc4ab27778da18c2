package campaign

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/uid"
)

// Sweep repairs what a lost wake-up left, and does what is due: it starts scheduled campaigns,
// pauses those of organizations that may not send, resumes what waited for something that has
// passed, judges canaries, stops campaigns that too many people opt out of, wakes enrolments that
// stand still, skips what has expired, closes what was canceled, reopens what was retried and
// completes what is over. Any number of processes may run it.
func (s *Service) Sweep(ctx context.Context) error {
	ctx = caller.System(ctx)
	for _, step := range []func(context.Context) error{s.startDue, s.pauseBlocked, s.resumeWaiting} {
		if err := step(ctx); err != nil {
			return err
		}
	}

	if err := s.watchCanaries(ctx, campaign.CanaryNotNil()); err != nil {
		return err
	}

	active, err := s.db.Client.Campaign.Query().Where(campaign.Or(
		campaign.StatusIn(preparing, running),
		campaign.And(campaign.StatusIn(canceled, completed), campaign.QueuedGT(0)),
	)).All(ctx)
	if err != nil {
		return fmt.Errorf("find running campaigns: %w", err)
	}

	var enrolled []uid.ID
	for _, c := range active {
		stopped, err := s.brakeOptOuts(ctx, c)
		if err != nil {
			return err
		}
		if stopped {
			continue
		}

		done, err := s.sweepOne(ctx, c)
		if err != nil {
			return err
		}
		if done {
			enrolled = append(enrolled, c.ID)
		}
	}

	if len(enrolled) == 0 {
		return nil
	}

	return s.completeAll(ctx, campaign.IDIn(enrolled...))
}

// sweepOne does what one campaign needs. It reports whether it is enrolled, and may be over.
func (s *Service) sweepOne(ctx context.Context, c *ent.Campaign) (enrolled bool, err error) {
	switch {
	case c.Status == completed: // the process that retried it has died
		return false, s.reopen(ctx, c.ID)
	case c.Status == canceled, c.EnrolledAt == nil:
		s.waker.WakeEnrollment(ctx, c.ID)
		return false, nil
	case s.expired(c):
		if _, err := s.queue.Close(ctx, c.ID, delivery.Expire); err != nil {
			return false, fmt.Errorf("expire campaign %s: %w", c.ID, err)
		}
	}

	return true, nil
}
