package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/whatsapp"
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
		c, err := s.db.Client.Campaign.Query().Where(campaign.ID(id)).WithTemplate().WithPhoneNumber().Only(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("enroll campaign %s: %w", id, err)
		}

		switch {
		case c.Status == enum.CampaignStatusCanceled:
			_, err := s.queue.Close(ctx, id, delivery.Cancel)
			return err
		case c.Status != enum.CampaignStatusPreparing && c.Status != enum.CampaignStatusRunning, c.EnrolledAt != nil:
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
			return s.finish(ctx, id)
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

		page, err := audience.Page(ctx, tx, c.OrganizationID, c.AudienceRule, after, pageSize)
		if err != nil {
			return err
		}

		done = len(page) < pageSize
		organization, err := tx.Client.Organization.Get(ctx, c.OrganizationID)
		if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}

		moveCursor := func() error { return s.moveCursor(ctx, tx, c, page, done) }
		_, err = s.queue.Enqueue(ctx, tx, c.OrganizationID, messages(c, organization, page), moveCursor)

		return err
	})
	return done, err
}

// moveCursor is the guard of a page: it holds only while the campaign is where the page found it.
func (s *Service) moveCursor(ctx context.Context, tx *database.Tx, c *ent.Campaign, page []audience.Recipient,
	done bool) error {
	u := tx.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.StatusEQ(c.Status), campaign.EnrolledAtIsNil()).
		SetStatus(enum.CampaignStatusRunning)
	if c.EnrollCursor == nil {
		u.Where(campaign.EnrollCursorIsNil())
	} else {
		u.Where(campaign.EnrollCursorEQ(*c.EnrollCursor))
	}

	if len(page) > 0 {
		u.SetEnrollCursor(page[len(page)-1].ID)
	}
	if done {
		u.SetEnrolledAt(s.now())
	}

	n, err := u.Save(ctx)
	if err == nil && n == 0 {
		return errMoved
	}

	return err
}

func messages(c *ent.Campaign, organization *ent.Organization, page []audience.Recipient) []delivery.Outgoing {
	bind := newBinder(c.Edges.Template, c.Parameters)
	out := make([]delivery.Outgoing, len(page))
	for i, r := range page {
		values, problems := bind.values(r)
		out[i] = delivery.Outgoing{
			Campaign: c.ID, Template: c.TemplateID, PhoneNumber: c.PhoneNumberID, Account: c.Edges.PhoneNumber.AccountID,
			Contact: r.ID,
			Address: r.Address(), Country: r.Country, Type: enum.MessageTypeTemplate, Category: c.Edges.Template.Category,
			Parameters: values,
			Skip:       skip(c.Edges.Template, organization, r, problems),
		}
	}

	return out
}

// skip says why a recipient is left out; empty when it is not. The first reason counts. What may
// change while a message waits is Eligibility's, and looked at again when it is to be sent.
func skip(template *ent.Template, organization *ent.Organization, r audience.Recipient,
	problems []*whatsapp.ValueError) enum.SkipReason {
	barred := delivery.Eligibility{Category: template.Category, Consent: r.Consent,
		RequireOptIn: organization.SendingPolicy.RequireOptIn}.Barred()
	switch {
	// WhatsApp takes no code for a user id
	case r.Address() == "", r.Phone == "" && template.Category == enum.TemplateCategoryAuthentication:
		return enum.SkipReasonInvalidNumber
	case barred != "":
		return barred
	}

	return unfit(problems)
}

// finish completes a campaign that has nothing left to send. What becomes of its messages at
// WhatsApp goes on being counted.
func (s *Service) finish(ctx context.Context, ids ...uid.ID) error {
	done := []*ent.Campaign{}
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		over := []enum.CampaignStatus{enum.CampaignStatusPreparing, enum.CampaignStatusRunning}
		done, err = tx.Client.Campaign.Query().Where(campaign.IDIn(ids...), campaign.StatusIn(over...),
			campaign.EnrolledAtNotNil(),
			campaign.Queued(0), campaign.Sending(0), campaign.Unknown(0)).All(ctx)
		for _, c := range done {
			if err == nil {
				_, err = tx.Client.Campaign.Update().Where(campaign.ID(c.ID), campaign.StatusIn(over...), campaign.Queued(0),
					campaign.Sending(0), campaign.Unknown(0)).
					SetStatus(enum.CampaignStatusCompleted).SetCompletedAt(s.now()).Save(ctx)
			}
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("complete campaigns: %w", err)
	}

	for _, c := range done {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
	}

	return nil
}

// Finish completes a number's campaigns that have nothing left to send: a lane calls it when it
// runs dry.
func (s *Service) Finish(ctx context.Context, number uid.ID) error {
	ctx = caller.System(ctx)
	ids, err := s.db.Client.Campaign.Query().Where(campaign.PhoneNumberID(number),
		campaign.StatusIn(enum.CampaignStatusPreparing, enum.CampaignStatusRunning)).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}

	return s.finish(ctx, ids...)
}

// Sweep repairs what a lost wake-up left, and does what is due: it starts scheduled campaigns,
// pauses those of organizations that may not send, lets go on what waited for something that has
// passed, wakes enrolments that stand still, skips what has expired, closes what was canceled,
// reopens what was retried and completes what is over. Any number of processes may run it.
func (s *Service) Sweep(ctx context.Context) error {
	ctx = caller.System(ctx)
	now := s.now()
	due, err := s.db.Client.Campaign.Query().Where(campaign.StatusEQ(enum.CampaignStatusScheduled),
		campaign.ScheduledAtLTE(now)).All(ctx)
	if err != nil {
		return fmt.Errorf("find scheduled campaigns: %w", err)
	}

	for _, c := range due {
		if err := s.startScheduled(ctx, c, now); err != nil {
			return err
		}
	}

	if err := s.holdBack(ctx); err != nil {
		return err
	}
	if err := s.goOn(ctx); err != nil {
		return err
	}

	active, err := s.db.Client.Campaign.Query().Where(campaign.Or(
		campaign.StatusIn(enum.CampaignStatusPreparing, enum.CampaignStatusRunning),
		campaign.And(campaign.StatusIn(enum.CampaignStatusCanceled, enum.CampaignStatusCompleted), campaign.QueuedGT(0)),
	)).All(ctx)
	if err != nil {
		return fmt.Errorf("find running campaigns: %w", err)
	}

	var running []uid.ID
	for _, c := range active {
		if c.Status == enum.CampaignStatusCompleted { // whoever retried it has died
			if err := s.reopen(ctx, c.ID); err != nil {
				return err
			}

			continue
		}

		if c.EnrolledAt == nil || c.Status == enum.CampaignStatusCanceled {
			s.waker.WakeEnrollment(ctx, c.ID)
			continue
		}

		if c.ExpiresAt != nil && !c.ExpiresAt.After(now) {
			if _, err := s.queue.Close(ctx, c.ID, delivery.Expire); err != nil {
				return fmt.Errorf("expire campaign %s: %w", c.ID, err)
			}
		}

		running = append(running, c.ID)
	}

	if len(running) == 0 {
		return nil
	}

	return s.finish(ctx, running...)
}

// startScheduled launches a campaign whose time has come, or pauses it with the reason why it
// cannot start.
func (s *Service) startScheduled(ctx context.Context, c *ent.Campaign, now time.Time) error {
	scheduled := campaign.StatusEQ(enum.CampaignStatusScheduled)
	if c.ExpiresAt == nil || c.ExpiresAt.After(now) {
		found, err := s.obstacles(ctx, c)
		if err != nil {
			return fmt.Errorf("start scheduled campaign %s: %w", c.ID, err)
		}

		if len(found) > 0 {
			_, err := s.moveAlone(ctx, c, scheduled, enum.CampaignStatusPaused, identity.ActionCampaignPause,
				"paused campaign %q, which was to start now: "+string(found[0].reason), because(found[0].reason, found[0].detail()))
			s.news.Notify(ctx, c.OrganizationID, c.ID)
			return err
		}
	}

	moved, err := s.moveAlone(ctx, c, scheduled, enum.CampaignStatusPreparing, identity.ActionCampaignLaunch,
		"started campaign %q as it was scheduled", func(*ent.CampaignUpdate) {})
	if err != nil {
		return fmt.Errorf("start scheduled campaign %s: %w", c.ID, err)
	}

	if moved {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
		s.waker.WakeEnrollment(ctx, c.ID)
	}

	return nil
}
