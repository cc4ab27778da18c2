package campaign

import (
	"context"
	"fmt"
	"slices"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
)

type status = enum.CampaignStatus

// The statuses, by the names that the table below uses.
const (
	draft     = enum.CampaignStatusDraft
	scheduled = enum.CampaignStatusScheduled
	preparing = enum.CampaignStatusPreparing
	running   = enum.CampaignStatusRunning
	paused    = enum.CampaignStatusPaused
	completed = enum.CampaignStatusCompleted
	canceled  = enum.CampaignStatusCanceled
)

// change is a way in which a campaign's status changes.
type change string

const (
	launch   change = "launch"
	schedule change = "schedule"
	start    change = "start"    // the time of a scheduled campaign has come
	refuse   change = "refuse"   // that time has come, and the campaign may not start
	enroll   change = "enroll"   // the first recipients have become messages
	pause    change = "pause"    // by a member
	stop     change = "stop"     // a pause by the service
	resume   change = "resume"   // by a member
	proceed  change = "proceed"  // a resumption by the service
	complete change = "complete" // nothing is left to send
	reopen   change = "reopen"   // failed messages of a completed campaign are queued again
	cancel   change = "cancel"
)

// actor is who makes a change: a caller of the API, or the service by itself.
type actor string

const (
	member  actor = "" // audit.Record takes the caller from the context
	service actor = audit.System
)

// rule says all about a change.
type rule struct {
	from, to []status
	by       actor
	verb     string // what is done to the campaign: it "cannot be launched"

	action     string // of the audit event; its summary is `<verb> campaign "<name>"<why>`
	why        string
	unrecorded string // why there is no audit event

	follows []effect // after the commit, beside the news, which every change tells
}

// leadsFrom reports whether the change is possible for a campaign of that status.
func (r rule) leadsFrom(s status) bool { return slices.Contains(r.from, s) }

// changes are all ways in which a campaign's status changes. A status from which none leads is
// final. docs/architecture.md has the drawing.
var changes = map[change]rule{
	launch: {from: []status{draft, scheduled}, to: []status{preparing}, by: member, verb: "launched",
		action: audit.ActionCampaignLaunch, follows: []effect{wakeEnrollment}},
	schedule: {from: []status{draft}, to: []status{scheduled}, by: member, verb: "launched",
		action: audit.ActionCampaignLaunch},
	start: {from: []status{scheduled}, to: []status{preparing}, by: service, verb: "started",
		action: audit.ActionCampaignLaunch, why: " as it was scheduled", follows: []effect{wakeEnrollment}},
	refuse: {from: []status{scheduled, paused}, to: []status{paused}, by: service, verb: "paused",
		action: audit.ActionCampaignPause, why: ", which was to start now"},
	enroll: {from: []status{preparing}, to: []status{running}, by: service, verb: "enrolled",
		unrecorded: "it is part of the launch, which is recorded"},
	pause: {from: []status{scheduled, preparing, running}, to: []status{paused}, by: member, verb: "paused",
		action: audit.ActionCampaignPause},
	stop: {from: []status{preparing, running}, to: []status{paused}, by: service, verb: "paused",
		action: audit.ActionCampaignPause},
	resume: {from: []status{paused}, to: []status{scheduled, preparing, running}, by: member, verb: "resumed",
		action: audit.ActionCampaignResume, follows: []effect{wakeEnrollment, wakeLane}},
	proceed: {from: []status{paused}, to: []status{scheduled, preparing, running}, by: service, verb: "resumed",
		action: audit.ActionCampaignResume, why: ": what it waited for has passed",
		follows: []effect{wakeEnrollment, wakeLane}},
	complete: {from: []status{preparing, running}, to: []status{completed}, by: service, verb: "completed",
		action: audit.ActionCampaignComplete},
	reopen: {from: []status{completed}, to: []status{running}, by: service, verb: "reopened",
		action: audit.ActionCampaignReopen, why: ": it has messages to send again", follows: []effect{wakeLane}},
	cancel: {from: []status{draft, scheduled, preparing, running, paused}, to: []status{canceled}, by: member,
		verb: "canceled", action: audit.ActionCampaignCancel, follows: []effect{wakeEnrollment}},
}

// effect is something that follows a change once it is committed. It may be lost with the process:
// the sweep makes it good.
type effect func(*Service, context.Context, *ent.Campaign)

// wakeEnrollment has a worker enroll what is to be enrolled, or cancel what a canceled campaign has
// queued.
func wakeEnrollment(s *Service, ctx context.Context, c *ent.Campaign) {
	if c.Status == canceled || c.Status != scheduled && c.EnrolledAt == nil {
		s.waker.WakeEnrollment(ctx, c.ID)
	}
}

func wakeLane(s *Service, ctx context.Context, c *ent.Campaign) {
	s.waker.WakeLane(ctx, c.PhoneNumberID)
}

// request asks for a change of one campaign.
type request struct {
	change   change
	campaign uid.ID
	to       func(*ent.Campaign) status // where the rule leads to several
	still    func(*ent.Campaign) bool   // what must hold beside the status; nil is nothing

	// of a pause: why, and what lets the campaign go on
	reason enum.CampaignStatusReason
	detail string

	also func(*ent.CampaignUpdateOne) // changes other columns with the status
}

// change changes a campaign's status; nothing else does. It locks the campaign's row, so of two
// changes at once the second sees what the first has left. It reports false, and changes nothing,
// where the rule does not lead on from the campaign's status or the request's condition does not
// hold. Call it last in a transaction, or before statements that take no locks after those of the
// audit trail.
func (s *Service) change(ctx context.Context, tx *database.Tx, r request) (changed bool, err error) {
	c, err := tx.Client.Campaign.Query().Where(campaign.ID(r.campaign), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return false, usererror.Missing("campaign")
	}
	if err != nil {
		return false, fmt.Errorf("read campaign %s: %w", r.campaign, err)
	}

	rule := changes[r.change]
	if !rule.leadsFrom(c.Status) || r.still != nil && !r.still(c) {
		return false, nil
	}

	to := rule.to[0]
	if r.to != nil {
		to = r.to(c)
	}
	if !slices.Contains(rule.to, to) {
		return false, fmt.Errorf("campaign %s: %s does not lead to %s", c.ID, r.change, to)
	}

	from := c.Status
	if c, err = s.write(ctx, c, to, r); err != nil {
		return false, fmt.Errorf("campaign %s cannot be %s: %w", r.campaign, rule.verb, err)
	}

	tx.After(func(ctx context.Context) {
		s.news.Notify(ctx, c.OrganizationID, c.ID)
		for _, follow := range rule.follows {
			follow(s, ctx, c)
		}
	})

	if err := s.tellMembers(ctx, tx, c, rule.by); err != nil {
		return false, err
	}
	if c.Status != from {
		if err := webhook.Tell(ctx, tx, webhook.CampaignChanged(c, from, s.now())); err != nil {
			return false, err
		}
	}
	if rule.action == "" {
		return true, nil
	}

	why := rule.why
	if rule.by == service && r.reason != "" {
		why += ": " + string(r.reason)
	}

	return true, audit.Record(ctx, tx, audit.Entry{Organization: c.OrganizationID, Action: rule.action,
		Subject: c.ID, Summary: fmt.Sprintf("%s campaign %q%s", rule.verb, c.Name, why), Actor: string(rule.by)})
}

// write stores the status with the columns that go with it: a campaign has a reason while it is
// paused, and a time of completion once it is over.
func (s *Service) write(ctx context.Context, c *ent.Campaign, to status, r request) (*ent.Campaign, error) {
	u := c.Update().SetStatus(to)
	if to == paused {
		u.SetStatusReason(r.reason).SetStatusDetail(r.detail)
	} else {
		u.ClearStatusReason().ClearStatusDetail()
	}

	if to == completed || to == canceled {
		u.SetCompletedAt(s.now())
	} else {
		u.ClearCompletedAt()
	}

	if r.change == launch || r.change == schedule {
		if v, ok := identity.From(ctx); ok && v.Member != nil {
			u.SetLaunchedByID(v.Member.ID)
		} else {
			u.ClearLaunchedByID()
		}
	}

	if r.also != nil {
		r.also(u)
	}

	return u.Save(ctx)
}

// changeAlone is change in a transaction of its own.
func (s *Service) changeAlone(ctx context.Context, r request) (changed bool, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		changed, err = s.change(ctx, tx, r)
		return err
	})

	return changed && err == nil, err
}

// changeFor makes a change that somebody has asked for, and gives the campaign as it is then. What
// its status does not allow is CONFLICT.
func (s *Service) changeFor(ctx context.Context, r request) (*ent.Campaign, error) {
	changed, err := s.changeAlone(ctx, r)
	if err != nil {
		return nil, err
	}

	c, err := s.find(ctx, r.campaign)
	if err != nil {
		return nil, err
	}
	if !changed {
		return nil, conflict(c, changes[r.change].verb)
	}

	return c, nil
}

func conflict(c *ent.Campaign, verb string) error {
	return usererror.New(usererror.Conflict, "the campaign is %s and cannot be %s", c.Status, verb)
}
