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

// errEnrolling ends a page of a campaign that another worker is enrolling.
var errEnrolling = errors.New("another worker enrolls the campaign")

// Enroll turns a campaign's audience into messages, page by page, from where it stopped. Messages
// and cursor move in one transaction, so a crash repeats nothing, and of two workers at once one's
// page is void. While one is at work the other leaves: what it would write is void, and costs as
// much. Whoever works looks at the campaign after each page, and the sweep finds a campaign whose
// worker has died. After the first page the campaign is RUNNING and its lane is awake. For a
// canceled campaign it cancels what is still queued.
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
		switch {
		case errors.Is(err, errMoved):
			continue
		case errors.Is(err, errEnrolling):
			return nil
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
		if err := s.beginPage(ctx, tx, c); err != nil {
			return err
		}
		if err := audience.HoldPeople(ctx, tx, c.OrganizationID); err != nil {
			return err
		}

		// the campaign keeps its segments' rules, so that it has one audience however long it is read
		rule, err := frozenRule(ctx, tx.Client, c)
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

// beginPage makes sure, before a page costs anything, that no other worker is at it or was.
func (s *Service) beginPage(ctx context.Context, tx *database.Tx, c *ent.Campaign) error {
	alone, err := tx.Try(ctx, "enrollment of "+c.ID.String())
	if err != nil {
		return err
	}
	if !alone {
		return errEnrolling
	}

	now, err := tx.Client.Campaign.Get(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("look where enrollment is: %w", err)
	}
	if !samePlace(now, c) {
		return errMoved
	}

	return nil
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
