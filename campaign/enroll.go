package campaign

import (
	"context"
	"errors"
	"fmt"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// pageSize is how many recipients become messages in one transaction: large enough that its cost is
// shared, small enough that nobody waits for its locks.
const pageSize = 1000

// errMoved ends a page whose campaign was changed by somebody else meanwhile: paused, canceled or
// enrolled by another worker.
var errMoved = errors.New("the campaign moved on")

// Enroll turns a campaign's audience into messages, page by page, from where it stopped. Messages
// and cursor move in one transaction, so a crash repeats nothing, and of two workers at once one's
// page is void. After the first page the campaign is RUNNING and its lane is awake. For a canceled
// campaign it cancels what is still queued.
func (s *Service) Enroll(ctx context.Context, id uid.ID) error {
	ctx = caller.System(ctx)
	for {
		c, err := s.db.Client.Campaign.Query().Where(campaign.ID(id)).Only(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("enroll campaign %s: %w", id, err)
		}

		switch {
		case c.Status == canceled:
			_, err := s.queue.Close(ctx, id, delivery.Cancel)
			return err
		case c.Status != preparing && c.Status != running, c.EnrolledAt != nil:
			return nil
		}

		done, err := s.enrollPage(ctx, c)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return fmt.Errorf("enroll campaign %s: %w", id, err)
		}

		s.waker.WakeLane(ctx, c.PhoneNumberID)
		if done {
			return s.completeAll(ctx, campaign.ID(id))
		}
	}
}

func (s *Service) enrollPage(ctx context.Context, c *ent.Campaign) (done bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		var after uid.ID
		if c.EnrollCursor != nil {
			after = *c.EnrollCursor
		}
		if err := audience.HoldPeople(ctx, tx, c.OrganizationID); err != nil {
			return err
		}

		// the campaign keeps its segments' rules, so that it has one audience however long it is read
		rule, err := audience.Freeze(ctx, tx.Client, c.OrganizationID, c.AudienceRule)
		if err != nil {
			return err
		}

		page, err := audience.Page(ctx, tx, c.OrganizationID, rule, after, pageSize)
		if err != nil {
			return err
		}

		done = len(page) < pageSize
		plan, err := s.plan(ctx, tx.Client, c)
		if err != nil {
			return err
		}

		moveCursor := func() error { return s.moveCursor(ctx, tx, c, rule, page, done) }
		_, err = s.queue.Enqueue(ctx, tx, c.OrganizationID, plan.messages(page), moveCursor)

		return err
	})

	return done, err
}

// moveCursor is the guard of a page: it holds only while the campaign is where the page found it.
// The first page sets the campaign running.
func (s *Service) moveCursor(ctx context.Context, tx *database.Tx, c *ent.Campaign, rule jsonfield.Audience,
	page []audience.Recipient, done bool) error {
	moves := func(m *ent.CampaignMutation) {
		s.setCursor(m, page, done)
		if c.EnrollCursor == nil {
			m.SetAudienceRule(rule)
		}
	}

	if c.Status == preparing {
		changed, err := s.change(ctx, tx, request{change: enroll, campaign: c.ID,
			still: func(now *ent.Campaign) bool { return samePlace(now, c) },
			also:  func(u *ent.CampaignUpdateOne) { moves(u.Mutation()) }})
		if err == nil && !changed {
			return errMoved
		}

		return err
	}

	u := tx.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.StatusEQ(c.Status), campaign.EnrolledAtIsNil())
	if c.EnrollCursor == nil {
		u.Where(campaign.EnrollCursorIsNil())
	} else {
		u.Where(campaign.EnrollCursorEQ(*c.EnrollCursor))
	}

	moves(u.Mutation())
	n, err := u.Save(ctx)
	if err == nil && n == 0 {
		return errMoved
	}

	return err
}

// samePlace reports whether enrolment is where it was when the campaign was read, and the campaign
// says what it said: it may have been paused, changed and resumed meanwhile.
func samePlace(now, read *ent.Campaign) bool {
	if read.EnrollCursor == nil && !sameContent(now, read) {
		return false
	}
	if now.EnrolledAt != nil || (now.EnrollCursor == nil) != (read.EnrollCursor == nil) {
		return false
	}
	return now.EnrollCursor == nil || *now.EnrollCursor == *read.EnrollCursor
}

func (s *Service) setCursor(m *ent.CampaignMutation, page []audience.Recipient, done bool) {
	if len(page) > 0 {
		m.SetEnrollCursor(page[len(page)-1].ID)
	}
	if done {
		m.SetEnrolledAt(s.now())
	}
}
