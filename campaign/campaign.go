// Package campaign is what a campaign is and may do: it is drafted, launched, enrolled page by
// page, paused, resumed, canceled and completed. Every change of status is one guarded update, so
// of two callers at once one wins and the other hears CONFLICT. It keeps its promises in the
// database alone: a wake-up that is lost only costs the time until the sweep.
package campaign

import (
	"context"
	"fmt"
	"time"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// Waker tells workers that there is something to do. It may fail in silence: the sweep finds the
// work again.
type Waker interface {
	WakeEnrollment(ctx context.Context, campaign uid.ID)
	WakeLane(ctx context.Context, phoneNumber uid.ID)
}

// Service does everything that is done to campaigns.
type Service struct {
	db       *database.DB
	queue    *delivery.Queue
	audience *audience.Service
	identity *identity.Service
	accounts *account.Service
	waker    Waker
	news     delivery.News
	now      func() time.Time
	hits     hits
}

// New makes the service.
func New(db *database.DB, queue *delivery.Queue, audience *audience.Service, identity *identity.Service,
	accounts *account.Service, waker Waker, news delivery.News, now func() time.Time) *Service {
	return &Service{db: db, queue: queue, audience: audience, identity: identity, accounts: accounts, waker: waker,
		news: news, now: now}
}

// moves lists every allowed change of status. A status without a row is final.
var moves = map[enum.CampaignStatus][]enum.CampaignStatus{
	enum.CampaignStatusDraft: {enum.CampaignStatusScheduled, enum.CampaignStatusPreparing,
		enum.CampaignStatusCanceled},
	enum.CampaignStatusScheduled: {enum.CampaignStatusPreparing, enum.CampaignStatusPaused, enum.CampaignStatusCanceled},
	enum.CampaignStatusPreparing: {enum.CampaignStatusRunning, enum.CampaignStatusPaused, enum.CampaignStatusCompleted,
		enum.CampaignStatusCanceled},
	enum.CampaignStatusRunning: {enum.CampaignStatusPaused, enum.CampaignStatusCompleted, enum.CampaignStatusCanceled},
	enum.CampaignStatusPaused: {enum.CampaignStatusRunning, enum.CampaignStatusPreparing,
		enum.CampaignStatusScheduled, enum.CampaignStatusCanceled},
	enum.CampaignStatusCompleted: {enum.CampaignStatusRunning},
}

// mayBecome are the statuses from which one may be reached.
func mayBecome(to enum.CampaignStatus) (from []enum.CampaignStatus) {
	for status, allowed := range moves {
		for _, next := range allowed {
			if next == to {
				from = append(from, status)
			}
		}
	}

	return from
}

// Launch starts a campaign now, or at scheduledAt where that is in the future.
func (s *Service) Launch(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status != enum.CampaignStatusDraft && c.Status != enum.CampaignStatusScheduled {
		return nil, conflict(c, "launched")
	}
	if err := s.ready(ctx, c); err != nil {
		return nil, err
	}

	now := s.now()
	to := enum.CampaignStatusPreparing
	if c.ScheduledAt != nil && c.ScheduledAt.After(now) {
		to = enum.CampaignStatusScheduled
	}

	c, err = s.move(ctx, id, to, "launched", func(u *ent.CampaignUpdate) { u.SetLaunchedAt(now) })
	if err == nil && to == enum.CampaignStatusPreparing {
		s.waker.WakeEnrollment(ctx, id)
	}

	return c, err
}

// Pause stops a campaign; what is claimed but not sent goes back to the queue.
func (s *Service) Pause(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	return s.move(ctx, id, enum.CampaignStatusPaused, "paused",
		because(enum.CampaignStatusReasonPausedByUser, "Resume it when you want it to go on."))
}

// Resume lets a paused campaign go on where it stopped, once what stood in its way is mended. Its
// failures so far are forgiven: the brake judges anew.
func (s *Service) Resume(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	to := s.onward(c)
	if c.Status != enum.CampaignStatusPaused {
		return nil, conflict(c, "resumed")
	}
	if err := s.sendable(ctx, c); err != nil {
		return nil, err
	}
	if err := s.stillFull(ctx, c); err != nil {
		return nil, err
	}

	c, err = s.move(ctx, id, to, "resumed", func(u *ent.CampaignUpdate) {
		u.Where(campaign.StatusEQ(enum.CampaignStatusPaused)).ClearStatusReason().ClearStatusDetail().ClearRecentAnswers()
	})
	if err != nil {
		return nil, err
	}
	if c.EnrolledAt == nil && to != enum.CampaignStatusScheduled {
		s.waker.WakeEnrollment(ctx, id)
	}

	s.waker.WakeLane(ctx, c.PhoneNumberID)

	return c, nil
}

// onward is where a paused campaign goes on.
func (s *Service) onward(c *ent.Campaign) enum.CampaignStatus {
	switch {
	case c.ScheduledAt != nil && c.ScheduledAt.After(s.now()) && c.EnrollCursor == nil:
		return enum.CampaignStatusScheduled
	case c.EnrollCursor == nil && c.EnrolledAt == nil:
		return enum.CampaignStatusPreparing
	}

	return enum.CampaignStatusRunning
}

// Cancel ends a campaign for good. What is queued is canceled, at once or, for a large one, by a
// worker soon after; what is in a worker's hands is still sent.
func (s *Service) Cancel(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	now := s.now()
	c, err := s.move(ctx, id, enum.CampaignStatusCanceled, "canceled", func(u *ent.CampaignUpdate) {
		u.SetCompletedAt(now).ClearStatusReason().ClearStatusDetail()
	})
	if err == nil {
		s.waker.WakeEnrollment(ctx, id) // whose task also closes what a canceled campaign has queued
	}

	return c, err
}

// Stop pauses every campaign that sends and matches, because of something that it cannot mend
// itself. It returns how many it paused: nothing when they were paused before, so the cause is told
// once.
func (s *Service) Stop(ctx context.Context, which predicate.Campaign, reason enum.CampaignStatusReason,
	detail string) (int, error) {
	system := caller.System(ctx)
	sending := campaign.StatusIn(enum.CampaignStatusPreparing, enum.CampaignStatusRunning)
	found, err := s.db.Client.Campaign.Query().Where(sending, which).All(system)
	if err != nil {
		return 0, fmt.Errorf("find campaigns to stop: %w", err)
	}

	stopped := 0
	for _, c := range found {
		moved, err := s.moveAlone(system, c, sending, enum.CampaignStatusPaused, identity.ActionCampaignPause,
			"paused campaign %q: "+string(reason), because(reason, detail))
		if err != nil {
			return stopped, fmt.Errorf("stop campaign %s: %w", c.ID, err)
		}

		if moved {
			stopped++
			s.news.Notify(ctx, c.OrganizationID, c.ID)
		}
	}

	return stopped, nil
}

func because(reason enum.CampaignStatusReason, detail string) func(*ent.CampaignUpdate) {
	return func(u *ent.CampaignUpdate) { u.SetStatusReason(reason).SetStatusDetail(detail) }
}

// moveAlone changes the status of a campaign that is still so, for a reason of the service's own,
// and records that as %q in summary says. It reports whether it did.
func (s *Service) moveAlone(ctx context.Context, c *ent.Campaign, still predicate.Campaign, to enum.CampaignStatus,
	action, summary string, also func(*ent.CampaignUpdate)) (moved bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		u := tx.Client.Campaign.Update().Where(campaign.ID(c.ID), still).SetStatus(to)
		also(u)
		n, err := u.Save(ctx)
		if moved = n > 0; err != nil || !moved {
			return err
		}

		return identity.Record(ctx, tx, identity.Entry{Organization: c.OrganizationID, Action: action, Subject: c.ID,
			Summary: fmt.Sprintf(summary, c.Name), Actor: identity.ActorSystem})
	})

	return moved && err == nil, err
}

// record writes what a caller did to a campaign, as the transaction's last statement.
func record(ctx context.Context, tx *database.Tx, action, verb string, c *ent.Campaign) error {
	return identity.Record(ctx, tx, identity.Entry{Organization: c.OrganizationID, Action: action, Subject: c.ID,
		Summary: fmt.Sprintf("%s campaign %q", verb, c.Name)})
}

// actions are what move records, by its verb.
var actions = map[string]string{
	"launched": identity.ActionCampaignLaunch, "paused": identity.ActionCampaignPause,
	"resumed": identity.ActionCampaignResume, "canceled": identity.ActionCampaignCancel,
}

// move changes the status where moves allow it. No row changed is CONFLICT, or NOT_FOUND where
// there is no such campaign.
func (s *Service) move(ctx context.Context, id uid.ID, to enum.CampaignStatus, verb string,
	also func(*ent.CampaignUpdate)) (*ent.Campaign, error) {
	var n int
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		u := tx.Client.Campaign.Update().Where(campaign.ID(id), campaign.StatusIn(mayBecome(to)...)).SetStatus(to)
		also(u)
		if n, err = u.Save(ctx); err != nil || n == 0 {
			return err
		}

		c, err := tx.Client.Campaign.Get(ctx, id)
		if err != nil {
			return err
		}

		return record(ctx, tx, actions[verb], verb, c)
	})
	if err != nil {
		return nil, fmt.Errorf("campaign %s cannot be %s: %w", id, verb, err)
	}

	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, conflict(c, verb)
	}

	s.news.Notify(ctx, c.OrganizationID, id)

	return c, nil
}

func (s *Service) find(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	c, err := s.db.Client.Campaign.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("campaign")
	}
	if err != nil {
		return nil, fmt.Errorf("read campaign %s: %w", id, err)
	}

	return c, nil
}

func conflict(c *ent.Campaign, verb string) error {
	return usererror.New(usererror.Conflict, "the campaign is %s and cannot be %s", c.Status, verb)
}
