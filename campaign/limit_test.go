package campaign_test

import (
	"testing"
	"time"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
)

// running is a campaign of two people that sends.
func (s *stage) running(t *testing.T) *campaignOf {
	t.Helper()
	s.contact("+8613800000001", "Ana", "Wuhan", enum.ConsentOptedIn)
	s.contact("+8613800000002", "Bo", "Wuhan", enum.ConsentOptedIn)
	c, err := s.Create(s.owner, s.draft())
	if err == nil {
		_, err = s.Launch(s.owner, c.ID, nil)
	}
	if err == nil {
		err = s.Enroll(s.system, c.ID)
	}
	if err != nil {
		t.Fatal(err)
	}

	of := &campaignOf{t: t, s: s}
	of.is = func(want enum.CampaignStatus, reason enum.CampaignStatusReason, when string) {
		t.Helper()
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}

		got := s.db.Client.Campaign.GetX(s.system, c.ID)
		if got.Status != want || (got.StatusReason == nil) != (reason == "") || reason != "" && *got.StatusReason != reason {
			t.Errorf("%s: the campaign is %s, %v", when, got.Status, got.StatusReason)
		}
	}

	of.resume = func() error { _, err := s.Resume(s.owner, c.ID); return err }

	return of
}

type campaignOf struct {
	t      *testing.T
	s      *stage
	is     func(enum.CampaignStatus, enum.CampaignStatusReason, string)
	resume func() error
}

func TestACampaignWaitsForWhatPassesAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	const paused, sending = enum.CampaignStatusPaused, enum.CampaignStatusRunning
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c := s.running(t)
		owner := s.account.OrganizationID
		status := func(status enum.OrganizationStatus) {
			db.Client.Organization.UpdateOneID(owner).SetStatus(status).ExecX(s.system)
		}
		c.is(sending, "", "at first")

		status(enum.OrganizationStatusSuspended)
		c.is(paused, enum.CampaignStatusReasonOrganizationSuspended, "suspended")
		if err := c.resume(); err == nil {
			t.Error("resumed while suspended")
		}

		status(enum.OrganizationStatusActive)
		c.is(sending, "", "active again")

		two := 2
		db.Client.Organization.UpdateOneID(owner).SetQuotaMessagesPerDay(two).ExecX(s.system)
		db.Client.QuotaUsage.Create().SetID(owner).SetDay(s.now.UTC().Truncate(24 * time.Hour)).SetMessages(2).ExecX(s.system)
		if err := s.AtQuota(s.system, owner, two); err != nil {
			t.Fatal(err)
		}

		c.is(paused, enum.CampaignStatusReasonQuotaReached, "at the quota")
		s.now = s.now.Add(24 * time.Hour)
		c.is(sending, "", "on the next day")
	})
}

func TestNothingIsSentUnderTermsThatNobodyHasAccepted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c := s.running(t)
		newer := identity.New(db, identity.Terms{Version: "2", Body: "text\n", EffectiveAt: s.now.Add(-time.Minute)},
			func() time.Time { return s.now }, identity.Options{})
		s.Service = s.under(newer)
		c.is(enum.CampaignStatusPaused, enum.CampaignStatusReasonTermsNotAccepted, "under new terms")
		if err := c.resume(); err == nil {
			t.Error("resumed without accepting")
		}

		draft := s.draft()
		draft.Audience = jsonfield.Audience{ListIDs: draft.Audience.ListIDs}
		later := s.now.Add(time.Hour)
		draft.ScheduledAt = &later
		other, err := s.Create(s.owner, draft)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Launch(s.owner, other.ID, nil); err == nil {
			t.Error("launched without accepting")
		}
		if err := newer.AcceptTerms(s.owner, "2"); err != nil {
			t.Fatal(err)
		}

		c.is(enum.CampaignStatusRunning, "", "accepted")
	})
}

// under is the service of a process with another identity.
func (s *stage) under(who *identity.Service) *campaign.Service {
	now := func() time.Time { return s.now }
	return campaign.New(s.db, s.queue, s.audience, who, s.accounts, s, s, now)
}
